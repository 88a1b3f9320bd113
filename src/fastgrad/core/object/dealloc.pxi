# Deallocation without recursion, for Tensors and Values: each module includes this for itself.
#
# An object that dies while another one is being deallocated waits in a list of its thread, so that a graph of any depth
# needs no stack. The including module defines `POOLED`, its class, and
#   is_pooled(o)        whether `o` is of exactly that class
#   before_dealloc(o)   what has to happen as soon as `o` is dead
#   dealloc_now(o)      release what `o` holds, and put it in the pool or free it

cdef extern from *:
    """
    static FG_THREAD_LOCAL struct { PyObject* waiting; int running, nested; } fg_dealloc = {0};
    #define fg_waiting fg_dealloc.waiting
    #define fg_running fg_dealloc.running
    #define fg_nested fg_dealloc.nested
    """
    PyObject* fg_waiting        # dead objects of this thread
    bint fg_running             # whether they will be deallocated right after the current one
    int fg_nested               # Python's own deallocations running below ours, one below the other

cdef enum:
    NESTED = 20                 # deeper levels of Python's deallocations do not deallocate at once


cdef inline void drop(PyObject* o) noexcept:
    """Release a reference; `o` may be NULL."""
    if o == NULL:
        return
    if Py_REFCNT(o) > 1:
        Py_DECREF(<object>o)
    else:
        drop_last(o)


cdef void drop_last(PyObject* o) noexcept:
    if not is_pooled(o):
        release_python(o)
        return
    defer_dealloc(o)
    if not fg_running and fg_nested < NESTED:
        run_deallocs()


cdef inline void defer_dealloc(PyObject* o) noexcept:
    global fg_waiting
    before_dealloc(o)
    fg_set_next(o, fg_waiting)
    fg_waiting = o


cdef void run_deallocs() noexcept:
    """Deallocate the objects that wait, including those that join them meanwhile."""
    global fg_waiting, fg_running
    fg_running = True
    while fg_waiting != NULL:
        o = fg_waiting
        fg_waiting = fg_next(o)
        dealloc_now(o)
    fg_running = False


cdef inline bint enter_python() noexcept:
    """Call before releasing a Python object that may hold pooled ones; return what `leave_python` needs.

    Objects that die inside are deallocated there, since that may be a long program; but CPython nests such
    deallocations deeper than a small stack can bear, and beyond NESTED levels they wait. Greenlets may enter and leave
    in any order.
    """
    global fg_running, fg_nested
    cdef bint before = fg_running
    fg_running = False
    fg_nested += 1
    return before


cdef inline void leave_python(bint before) noexcept:
    global fg_running, fg_nested
    fg_nested -= 1
    fg_running = before
    if not before and fg_waiting != NULL:
        run_deallocs()


cdef void release_python(PyObject* o) noexcept:
    """Release a Python object that may hold pooled ones."""
    cdef bint before = enter_python()
    Py_DECREF(<object>o)
    leave_python(before)


cdef void dealloc(PyObject* o) noexcept:
    """tp_dealloc. It raises nothing and runs no Python code itself, so it need not save a pending exception as
    Cython's does."""
    if fg_nested < NESTED or not is_pooled(o):
        dealloc_now(o)
    else:
        Py_SET_REFCNT(o, 1)
        defer_dealloc(o)
