# Per-thread switches and the counters of the debug build. Nothing global is written while recording.

cdef extern from *:
    """
    #ifndef FASTGRAD_DEBUG
    #define FASTGRAD_DEBUG 0
    #endif
    #if defined(_MSC_VER)
    #define FG_THREAD_LOCAL __declspec(thread)
    #else
    #define FG_THREAD_LOCAL __thread
    #endif
    static FG_THREAD_LOCAL int fg_grad_off = 0;
    static FG_THREAD_LOCAL int fg_anomaly = 0;
    """
    int fg_grad_off         # >0: nothing is recorded
    int fg_anomaly          # >0: every result is looked at for NaN and infinity
    const int FASTGRAD_DEBUG

cdef Py_ssize_t live_tensors = 0


def debug_counts():
    """Live tensors (debug builds only, else None), layouts in the table."""
    return {"tensors": live_tensors if FASTGRAD_DEBUG else None, "layouts": layouts_alive()}


def is_grad_enabled():
    """Whether operations of this thread record."""
    return fg_grad_off == 0


class _GradMode:
    """Context manager and decorator; per thread, and nestable."""

    __slots__ = ("_off", "_before")

    def __init__(self, off):
        self._off = off
        self._before = []

    def __enter__(self):
        global fg_grad_off
        self._before.append(fg_grad_off)
        fg_grad_off = self._off

    def __exit__(self, *exc):
        global fg_grad_off
        fg_grad_off = self._before.pop()

    def __call__(self, function):
        import functools

        off = self._off

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with _GradMode(off):
                return function(*args, **kwargs)

        return wrapped


def no_grad(function=None):
    """Context manager or decorator: operations inside are not recorded."""
    return _GradMode(1) if function is None else _GradMode(1)(function)


def enable_grad(function=None):
    """Context manager or decorator: operations inside are recorded, also within `no_grad`."""
    return _GradMode(0) if function is None else _GradMode(0)(function)
