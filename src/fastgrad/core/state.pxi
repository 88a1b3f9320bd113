# Per-thread switches and the counters of the debug build. What a thread switches, no other thread sees.

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        Py_ssize_t tp_vectorcall_offset
        unsigned long tp_flags
        void* tp_call
        void* tp_dealloc
        void* tp_new
        void* tp_vectorcall
        void* tp_as_number
        Py_ssize_t tp_basicsize
        PyObject* tp_dict
    PyTypeObject* Py_TYPE(object o)

cdef extern from *:
    """
    #if defined(_MSC_VER)
    #define FG_THREAD_LOCAL __declspec(thread)
    #elif defined(__GLIBC__)
    /* A few bytes of static TLS are always to be had there, and save a call on every op; musl refuses them to dlopen. */
    #define FG_THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))
    #else
    #define FG_THREAD_LOCAL __thread
    #endif
    static FG_THREAD_LOCAL struct { int grad_off, watch; PyObject* births; } fg_mode = {0, 0, NULL};
    #define fg_grad_off fg_mode.grad_off
    #define fg_watch fg_mode.watch
    #define fg_births fg_mode.births
    """
    int fg_grad_off         # >0: nothing is recorded
    int fg_watch            # not 0: everything recorded is looked at. How many blocks look for anomalies, and BIRTHS
    PyObject* fg_births     # the dict in which births are noted; owned

cdef enum:
    BIRTHS = 0x10000        # what comes into the graph is noted, for `checkpoint`
    ANOMALIES = BIRTHS - 1  # results are looked at for NaN and infinity

cdef Py_ssize_t live_tensors = 0


def debug_counts():
    """Live tensors (debug builds only, else None), layouts in the table."""
    return {"tensors": live_tensors if FASTGRAD_DEBUG else None, "layouts": layouts_alive()}


def build_switches():
    """What this build was compiled with and without."""
    return {"debug": bool(FASTGRAD_DEBUG), "pools": not FASTGRAD_NO_POOLS, "address_sanitizer": bool(ADDRESS_SANITIZER)}


def is_grad_enabled():
    """Whether operations of this thread record."""
    return fg_grad_off == 0


@cython.final
cdef class GradMode:
    """Context manager and decorator; per thread, and nestable."""
    cdef int off
    cdef list before        # of nested uses of one object; None: the first
    cdef int outer
    cdef bint entered

    def __enter__(self):
        global fg_grad_off
        if self.entered:
            if self.before is None:
                self.before = []
            self.before.append(self.outer)
        self.outer = fg_grad_off
        self.entered = True
        fg_grad_off = self.off

    def __exit__(self, kind, value, trace):
        global fg_grad_off
        fg_grad_off = self.outer
        if self.before:
            self.outer = self.before.pop()
        else:
            self.entered = False

    def __call__(self, function):
        import functools

        off = self.off

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with grad_mode(off):
                return function(*args, **kwargs)

        return wrapped


cdef GradMode grad_mode(int off):
    cdef GradMode mode = GradMode.__new__(GradMode)
    mode.off = off
    return mode


def no_grad(function=None):
    """Context manager or decorator: operations inside are not recorded."""
    return grad_mode(1) if function is None else grad_mode(1)(function)


def enable_grad(function=None):
    """Context manager or decorator: operations inside are recorded, also within `no_grad`."""
    return grad_mode(0) if function is None else grad_mode(0)(function)
