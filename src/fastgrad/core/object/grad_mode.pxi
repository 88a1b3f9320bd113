# What is switched on or off for the code that runs here, and the counters of the debug build.

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
    /* Nearly always no block is open anywhere, and nothing is watched: this one look is all that recording costs. */
    static int fg_open_blocks = 0, fg_watchers = 0, fg_anomaly_blocks = 0;
    static FG_THREAD_LOCAL PyObject* fg_births = NULL;
    FG_COLD static int fg_off_here(void);
    FG_COLD static int fg_watch_here(void);
    #define fg_grad_off (fg_open_blocks != 0 && fg_off_here())
    #define fg_watch (fg_watchers != 0 ? fg_watch_here() : 0)
    """
    const bint fg_grad_off  # nothing is recorded here
    const int fg_watch      # not 0: everything recorded here is looked at, for what tells the enum below
    # Of all threads and tasks; these rely on the GIL.
    int fg_open_blocks
    int fg_watchers         # what makes it necessary to look closer at `fg_watch`
    int fg_anomaly_blocks   # of `detect_anomaly`, among them
    PyObject* fg_births     # the dict in which births are noted; owned, this thread's

cdef enum:
    ANOMALIES = 1           # results are looked at for NaN and infinity
    BIRTHS = 2              # what comes into the graph is noted, for `checkpoint`

cdef Py_ssize_t live_tensors = 0


def debug_counts():
    """Live tensors (debug builds only, else None), layouts in the table, open blocks of `no_grad` and its kin."""
    return {"tensors": live_tensors if FASTGRAD_DEBUG else None, "layouts": layouts_alive(),
            "open blocks": fg_open_blocks}


# Recording is a switch as in modes.py, which tells what a block is, and this is the same once more: it is looked at in
# every op.

cdef object innermost = PyContextVar_New("fastgrad.recording", <PyObject*>None)


@cython.final
@cython.no_gc
@cython.freelist(16)
cdef class GradScope:
    cdef PyObject* outer        # another one, owned
    cdef bint on
    cdef bint is_open

    def close(self):
        close_scope(self)

    def __dealloc__(self):
        cdef PyObject* outer = self.outer
        cdef PyObject* next
        close_scope(self)
        while outer != NULL and Py_REFCNT(outer) == 1:      # no recursion
            next = (<GradScope>outer).outer
            (<GradScope>outer).outer = NULL
            Py_DECREF(<object>outer)
            outer = next
        if outer != NULL:
            Py_DECREF(<object>outer)


cdef inline void close_scope(GradScope block) noexcept:
    global fg_open_blocks
    if block is not None and block.is_open:
        block.is_open = False
        fg_open_blocks -= 1


cdef GradScope new_scope(bint on):
    global fg_open_blocks
    cdef GradScope block = GradScope.__new__(GradScope)
    block.on = on
    block.is_open = True
    fg_open_blocks += 1
    return block


cdef PyObject* innermost_scope() noexcept:
    """A new reference, or NULL."""
    cdef PyObject* block = NULL
    if PyContextVar_Get(innermost, NULL, &block) < 0:
        PyErr_Clear()
        return NULL
    # None; or anything, as contexts show their variables
    if block != NULL and type(<object>block) is not GradScope:
        Py_DECREF(<object>block)
        return NULL
    return block


cdef void skip_closed(PyObject** place) noexcept:
    """Have an owned reference lead to the first open block instead."""
    cdef PyObject* block
    while place[0] != NULL and not (<GradScope>place[0]).is_open:
        block = place[0]
        place[0] = (<GradScope>block).outer
        if place[0] != NULL:
            Py_INCREF(<object>place[0])
        Py_DECREF(<object>block)


cdef PyObject* first_here() noexcept:
    """The block that decides here, a new reference, or NULL."""
    cdef PyObject* block = innermost_scope()
    cdef PyObject* deciding = block
    if block != NULL and not (<GradScope>block).is_open:
        skip_closed(&(<GradScope>block).outer)
        deciding = (<GradScope>block).outer
        if deciding != NULL:
            Py_INCREF(<object>deciding)
        Py_DECREF(<object>block)
    return deciding


cdef bint off_here "fg_off_here"() noexcept:
    cdef PyObject* block = first_here()
    if block == NULL:
        return False
    cdef bint off = not (<GradScope>block).on
    Py_DECREF(<object>block)
    return off


cdef GradScope open_scope(bint on):
    """Recording on or off from here on, in this context, until the block is closed."""
    cdef GradScope block = new_scope(on)
    block.outer = innermost_scope()
    if block.outer != NULL:
        skip_closed(&(<GradScope>block.outer).outer)    # no chain of closed ones, however long blocks go on to overlap
        skip_closed(&block.outer)
    # CPython before 3.12 crashes where the garbage collector runs code in the middle of this that sets a context
    # variable too.
    cdef int collects = PyGC_Disable()
    cdef bint done = False
    try:
        PyContextVar_Set(innermost, <PyObject*>block)
        done = True
    finally:
        if not done:
            close_scope(block)      # without memory for its token, CPython fails although the variable is set
        if collects:
            PyGC_Enable()
    return block


cdef inline GradScope switched(bint on):
    """As `open_scope`; None where it is so already."""
    return None if fg_grad_off != on else open_scope(on)


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
    cdef bint on
    cdef GradScope block
    cdef list more          # of one entered several times

    def __enter__(self):
        cdef GradScope block = open_scope(self.on)
        if self.block is None:
            self.block = block
        elif self.more is None:
            self.more = [block]
        else:
            self.more.append(block)

    def __exit__(self, kind, value, trace):
        cdef GradScope block = self.block
        if self.more:
            block = self.leave()
        else:
            self.block = None
        close_scope(block)

    cdef GradScope leave(self):
        """Of several: the innermost here, else the last."""
        cdef PyObject* at = first_here()
        cdef PyObject* next
        cdef Py_ssize_t k
        if self.block is not None:
            self.more.insert(0, self.block)
            self.block = None
        while at != NULL:
            for k in range(len(self.more)):
                if <PyObject*>self.more[k] == at:
                    Py_DECREF(<object>at)
                    return self.more.pop(k)
            skip_closed(&(<GradScope>at).outer)
            next = (<GradScope>at).outer
            if next != NULL:
                Py_INCREF(<object>next)
            Py_DECREF(<object>at)
            at = next
        return self.more.pop()

    def __call__(self, function):
        cdef bint on = self.on
        return modes.decorated(function, lambda: grad_mode(on), lambda: new_scope(on), innermost)


cdef GradMode grad_mode(bint on):
    cdef GradMode mode = GradMode.__new__(GradMode)
    mode.on = on
    return mode


def no_grad(function=None):
    return grad_mode(False) if function is None else grad_mode(False)(function)


def enable_grad(function=None):
    return grad_mode(True) if function is None else grad_mode(True)(function)


no_grad.__doc__, enable_grad.__doc__ = modes.NO_GRAD, modes.ENABLE_GRAD
