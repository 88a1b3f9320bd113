# Whether the running code records, and whether what it records is watched; counters of the debug build.

cdef extern from "Python.h":
    object PyContextVar_New(const char* name, PyObject* default)
    int PyContextVar_Get(object var, PyObject* default, PyObject** value)
    object PyContextVar_Set(object var, PyObject* value)
    int PyGC_Disable() noexcept
    int PyGC_Enable() noexcept

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define FG_COLD __attribute__((cold, noinline))
    #else
    #define FG_COLD
    #endif
    /* Usually no block is open anywhere, and nothing is watched: recording then costs one comparison. */
    static int fg_open_blocks = 0, fg_watchers = 0;
    static FG_THREAD_LOCAL PyObject* fg_births = NULL;
    FG_COLD static int fg_off_here(void);
    FG_COLD static int fg_watch_here(void);
    #define fg_grad_off (fg_open_blocks != 0 && fg_off_here())
    #define fg_watch (fg_watchers != 0 ? fg_watch_here() : 0)
    """
    const bint fg_grad_off  # nothing is recorded here
    const int fg_watch      # what to watch in everything that is recorded here: the enum below, or 0
    # Of all threads and tasks; these rely on the GIL.
    int fg_open_blocks
    int fg_watchers         # open blocks of `detect_anomaly`, and dicts of births
    PyObject* fg_births     # the dict in which this thread notes births; owned

cdef enum:
    ANOMALIES = 1           # results are checked for NaN and infinity
    BIRTHS = 2              # results are noted, for `checkpoint`
    CAPTURED = 4            # a program is recorded

cdef Py_ssize_t live_tensors = 0


def debug_counts():
    """Live tensors (debug builds only, else None), layouts in the table, open blocks of `no_grad` and its kin."""
    return {"tensors": live_tensors if FASTGRAD_DEBUG else None, "layouts": layouts_alive(),
            "open blocks": fg_open_blocks}


# Switches: copies of those in modes.py, which explains them, since every op reads them. Each has a context variable and
# a count of its open blocks.

cdef object innermost = PyContextVar_New("fastgrad.recording", <PyObject*>None)


@cython.final
@cython.no_gc
@cython.freelist(16)
cdef class Scope:
    cdef PyObject* outer        # another one, owned
    cdef int* count             # of the switch
    cdef bint on, is_open

    def close(self):
        close_scope(self)

    def __dealloc__(self):
        cdef PyObject* outer = self.outer
        close_scope(self)
        while outer != NULL and Py_REFCNT(outer) == 1:      # no recursion
            next = (<Scope>outer).outer
            (<Scope>outer).outer = NULL
            Py_DECREF(<object>outer)
            outer = next
        Py_XDECREF(outer)


cdef inline void close_scope(Scope block) noexcept:
    if block is not None and block.is_open:
        block.is_open = False
        block.count[0] -= 1


cdef Scope new_scope(int* count, bint on):
    cdef Scope block = Scope.__new__(Scope)
    block.count = count
    block.on = on
    block.is_open = True
    count[0] += 1
    return block


cdef PyObject* innermost_scope(object switch) noexcept:
    """A new reference, or NULL."""
    cdef PyObject* block = NULL
    if PyContextVar_Get(switch, NULL, &block) < 0:
        PyErr_Clear()
    elif block != NULL and type(<object>block) is not Scope:    # None, or set by user code
        Py_DECREF(<object>block)
        block = NULL
    return block


cdef void skip_closed(PyObject** place) noexcept:
    """Replace an owned reference by one to the first open block, or NULL."""
    while place[0] != NULL and not (<Scope>place[0]).is_open:
        block = place[0]
        place[0] = (<Scope>block).outer
        Py_XINCREF(place[0])
        Py_DECREF(<object>block)


cdef PyObject* first_here(object switch) noexcept:
    """The innermost open block, a new reference, or NULL."""
    cdef PyObject* block = innermost_scope(switch)
    cdef PyObject* deciding = block
    if block != NULL and not (<Scope>block).is_open:
        skip_closed(&(<Scope>block).outer)      # so that closed blocks are skipped once
        deciding = (<Scope>block).outer
        Py_XINCREF(deciding)
        Py_DECREF(<object>block)
    return deciding


cdef bint is_set(object switch, bint on) noexcept:
    """Whether an open block of this context has set the switch to `on`. Runs no Python code."""
    cdef PyObject* block = first_here(switch)
    cdef bint found = block != NULL and (<Scope>block).on == on
    Py_XDECREF(block)
    return found


cdef bint off_here "fg_off_here"() noexcept:
    return is_set(innermost, False)


cdef Scope open_scope(object switch, int* count, bint on):
    """Turn a switch on or off in this context until the block is closed."""
    cdef Scope block = new_scope(count, on)
    block.outer = innermost_scope(switch)
    if block.outer != NULL:
        skip_closed(&(<Scope>block.outer).outer)    # no chain of closed ones, however long blocks go on to overlap
        skip_closed(&block.outer)
    # CPython before 3.12 crashes if the garbage collector runs code in the middle of this that sets a context variable.
    cdef int collects = PyGC_Disable()
    cdef bint done = False
    try:
        PyContextVar_Set(switch, <PyObject*>block)
        done = True
    finally:
        if not done:
            close_scope(block)      # without memory for its token, CPython fails although the variable is set
        if collects:
            PyGC_Enable()
    return block


cdef inline Scope switched(bint on):
    """As `open_scope`; None where it is so already."""
    return None if fg_grad_off != on else open_scope(innermost, &fg_open_blocks, on)


def build_switches():
    """What this build was compiled with and without."""
    return {"debug": bool(FASTGRAD_DEBUG), "pools": not FASTGRAD_NO_POOLS, "address_sanitizer": bool(ADDRESS_SANITIZER)}


def is_grad_enabled():
    return not fg_grad_off


@cython.final
@cython.no_gc
@cython.freelist(8)
cdef class GradMode:
    """What `modes.Mode` is."""
    cdef object switch
    cdef int* count
    cdef bint on
    cdef list blocks        # open ones: several of one entered several times

    def __cinit__(self):
        self.switch = innermost
        self.count = &fg_open_blocks
        self.blocks = []

    def __enter__(self):
        self.blocks.append(open_scope(self.switch, self.count, self.on))

    def __exit__(self, kind, value, trace):
        """Close the innermost of its blocks here, else the last."""
        cdef PyObject* at = first_here(self.switch) if len(self.blocks) > 1 else NULL
        while at != NULL:
            block = <object>at
            Py_DECREF(block)
            if block in self.blocks:
                self.blocks.remove(block)
                close_scope(<Scope>block)
                return
            skip_closed(&(<Scope>block).outer)
            at = (<Scope>block).outer
            Py_XINCREF(at)
        if self.blocks:
            close_scope(<Scope>self.blocks.pop())

    def __call__(self, function):
        return modes.decorated(function, self)

    def __reduce__(self):
        return made_functions.called, ("enable_grad" if self.on else "no_grad",)

    def again(self):
        """Another one for the same switch."""
        return mode_of(self.switch, self.count, self.on)

    def steps(self):
        """What runs a generator or coroutine in this mode."""
        return modes.Steps(new_scope(self.count, self.on), self.switch)


cdef GradMode mode_of(object switch, int* count, bint on):
    cdef GradMode mode = GradMode.__new__(GradMode)
    mode.switch = switch
    mode.count = count
    mode.on = on
    return mode


cdef GradMode grad_mode(bint on):
    return mode_of(innermost, &fg_open_blocks, on)


def no_grad(function=None):
    return grad_mode(False) if function is None else grad_mode(False)(function)


def enable_grad(function=None):
    return grad_mode(True) if function is None else grad_mode(True)(function)


no_grad.__doc__, enable_grad.__doc__ = modes.NO_GRAD, modes.ENABLE_GRAD
