# Contexts that the engine enters around its own Python code. A context variable that is set and set back costs as much
# as a small op; a context in which it is set already costs next to nothing to enter. User code, which may have
# variables of its own, never runs in them: for user-defined rules the variables are set.

cdef extern from "Python.h":
    int PyContext_Enter(PyObject* context) except -1
    int PyContext_Exit(PyObject* context) except -1
    PyObject* fg_call "PyObject_Vectorcall"(PyObject* callable, PyObject** args, size_t n, PyObject* names)
    object PyObject_Vectorcall(object callable, PyObject** args, size_t n, PyObject* names)
    PyObject** PySequence_Fast_ITEMS(object t)

cdef extern from *:
    """
    /* What Cython takes for the result of a call: NULL where it has raised. */
    #define fg_result(o) ((PyObject*)(o))
    """
    object fg_result(PyObject* o)

cdef struct OwnContext:
    PyObject* context       # NULL where this NumPy keeps its error state elsewhere
    bint entered            # by any thread: a context can be entered once
    int blocks              # of `no_grad`, open in it

cdef OwnContext forward_context     # NumPy does not warn
cdef OwnContext backward_context    # and nothing is recorded
cdef object NUMPY_ERRORS = _numpy_errors.variable
cdef object QUIET = _numpy_errors.quiet


cdef int make_context(OwnContext* own, bint records) except -1:
    own.context = NULL
    own.entered = False
    own.blocks = not records
    if QUIET is None:
        return 0
    context = contextvars.Context()
    context.run(NUMPY_ERRORS.set, QUIET)
    if not records:
        scope = <Scope>Scope.__new__(Scope)    # open, but counted only while the context is entered
        scope.count = &fg_open_blocks
        scope.is_open = True
        context.run(innermost.set, scope)
    Py_INCREF(context)
    own.context = <PyObject*>context
    return 0


make_context(&forward_context, True)
make_context(&backward_context, False)


cdef inline bint enter_context(OwnContext* own) except -1:
    """Whether the context was free, and has been entered."""
    global fg_open_blocks
    if own.entered or own.context == NULL:
        return False
    PyContext_Enter(own.context)
    own.entered = True
    fg_open_blocks += own.blocks
    return True


cdef inline int exit_context(OwnContext* own) except -1:
    global fg_open_blocks
    own.entered = False
    fg_open_blocks -= own.blocks
    return PyContext_Exit(own.context)


cdef object call_without_warnings(Function f, PyObject** args, size_t n, PyObject* names):
    """Call the forward of a rule. Infinities and NaN are values; `detect_anomaly` finds them."""
    if f.built_in and enter_context(&forward_context):
        y = fg_call(<PyObject*>f.forward, args, n, names)
        exit_context(&forward_context)
        return fg_result(y)
    if QUIET is None:
        with np.errstate(all="ignore"):
            return PyObject_Vectorcall(f.forward, args, n, names)
    outer = NUMPY_ERRORS.get()
    try:        # an interrupt may come as soon as the variable is set
        PyContextVar_Set(NUMPY_ERRORS, <PyObject*>QUIET)
        return PyObject_Vectorcall(f.forward, args, n, names)
    finally:
        PyContextVar_Set(NUMPY_ERRORS, <PyObject*>outer)
