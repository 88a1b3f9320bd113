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
    static int fg_open_blocks = 0, fg_watchers = 0, fg_anomaly_blocks = 0;
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
    int fg_watchers         # while it is 0, so is `fg_watch` everywhere
    int fg_anomaly_blocks   # open blocks of `detect_anomaly`
    PyObject* fg_births     # the dict in which this thread notes births; owned

cdef enum:
    ANOMALIES = 1           # results are checked for NaN and infinity
    BIRTHS = 2              # results are noted, for `checkpoint`

cdef Py_ssize_t live_tensors = 0


def debug_counts():
    """Live tensors (debug builds only, else None), layouts in the table, open blocks of `no_grad` and its kin."""
    return {"tensors": live_tensors if FASTGRAD_DEBUG else None, "layouts": layouts_alive(),
            "open blocks": fg_open_blocks}


# The switch of recording: a copy of the one in modes.py, which explains it, since every op reads it.

cdef object innermost = PyContextVar_New("fastgrad.recording", <PyObject*>None)


@cython.final
@cython.no_gc
@cython.freelist(16)
cdef class GradScope:
    cdef PyObject* outer        # another one, owned
    cdef bint on, is_open

    def close(self):
        close_scope(self)

    def __dealloc__(self):
        cdef PyObject* outer = self.outer
        close_scope(self)
        while outer != NULL and Py_REFCNT(outer) == 1:      # no recursion
            next = (<GradScope>outer).outer
            (<GradScope>outer).outer = NULL
            Py_DECREF(<object>outer)
            outer = next
        Py_XDECREF(outer)


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
    elif block != NULL and type(<object>block) is not GradScope:    # None, or set by user code
        Py_DECREF(<object>block)
        block = NULL
    return block


cdef void skip_closed(PyObject** place) noexcept:
    """Replace an owned reference by one to the first open block, or NULL."""
    while place[0] != NULL and not (<GradScope>place[0]).is_open:
        block = place[0]
        place[0] = (<GradScope>block).outer
        Py_XINCREF(place[0])
        Py_DECREF(<object>block)


cdef PyObject* first_here() noexcept:
    """The innermost open block, a new reference, or NULL."""
    cdef PyObject* block = innermost_scope()
    cdef PyObject* deciding = block
    if block != NULL and not (<GradScope>block).is_open:
        skip_closed(&(<GradScope>block).outer)      # so that closed blocks are skipped once
        deciding = (<GradScope>block).outer
        Py_XINCREF(deciding)
        Py_DECREF(<object>block)
    return deciding


cdef bint off_here "fg_off_here"() noexcept:
    cdef PyObject* block = first_here()
    cdef bint off = block != NULL and not (<GradScope>block).on
    Py_XDECREF(block)
    return off


cdef GradScope open_scope(bint on):
    """Switch recording on or off in this context until the block is closed."""
    cdef GradScope block = new_scope(on)
    block.outer = innermost_scope()
    if block.outer != NULL:
        skip_closed(&(<GradScope>block.outer).outer)    # no chain of closed ones, however long blocks go on to overlap
        skip_closed(&block.outer)
    # CPython before 3.12 crashes if the garbage collector runs code in the middle of this that sets a context variable.
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
        """Of several blocks: the innermost one here, else the last."""
        cdef PyObject* at = first_here()
        cdef Py_ssize_t k
        if self.block is not None:
            self.more.insert(0, self.block)
            self.block = None
        while at != NULL:
            for k in range(len(self.more)):
                if <PyObject*>self.more[k] == at:
                    Py_DECREF(<object>at)
                    return self.more.pop(k)
            block = <object>at
            skip_closed(&(<GradScope>at).outer)
            at = (<GradScope>at).outer
            Py_XINCREF(at)
            Py_DECREF(block)
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
