# What `grad` and `value_and_grad` return.

cdef extern from "Python.h":
    bint PyErr_ExceptionMatches(object kind)

cdef class Gradient:
    """The function that computes the gradient of `f`. It is called, bound and copied as functions of Python are."""

    cdef vectorcallfunc vectorcall
    cdef object f, verb, argnums, dialect, elsewhere
    cdef bint has_aux, with_value
    cdef dict __dict__          # what `functools.wraps` sets
    cdef object __weakref__

    def __init__(self, verb, f, argnums, bint has_aux, bint with_value, dialect):
        self.vectorcall = call_gradient
        self.verb = verb
        self.f = f
        self.argnums = argnums
        self.dialect = dialect
        self.elsewhere = None if dialect is None else getattr(dialect, "Elsewhere", None)
        self.has_aux = has_aux
        self.with_value = with_value
        for name, value in transform_arguments.names(verb).items():
            setattr(self, name, value)

    def __call__(self, *args, **kwargs):
        pass    # replaced below

    def __get__(self, instance, owner):
        return self if instance is None else MethodType(self, instance)

    __reduce__ = made_functions.reduced
    __copy__ = __deepcopy__ = made_functions.itself
    _carrier = made_functions.carrier

    def __repr__(self):
        return f"<fastgrad.{self.verb} of {self.f!r}>"


cdef object gradient_inside_vmap(Gradient d, PyObject* const* args, Py_ssize_t n, PyObject* kwnames):
    """The gradients of the elements of a batch."""
    return batching.inside["gradient"](d.verb, d.f, d.argnums, d.has_aux, d.with_value, given_tuple(args, n),
                                       given_keywords(args + n, kwnames))


cdef object gradient_elsewhere(Gradient d, PyObject* const* args, Py_ssize_t n, object names):
    """The gradient with respect to values that are no Tensors."""
    return d.dialect.elsewhere(d.f, d.argnums, d.with_value, given_tuple(args, n),
                               given_keywords(args + n, NULL if names is None else <PyObject*>names))


cdef object call_gradient(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* kwnames):
    """vectorcall of a Gradient."""
    cdef Gradient d = <Gradient>callable
    if fg_levels and batching.running.levels:
        return gradient_inside_vmap(d, args, PyVectorcall_NARGS(nargsf), kwnames)
    cdef Run run = <Run>Run.__new__(Run)
    names = <object>kwnames if kwnames != NULL else None
    # Without `except`, which needs a traceback: errors of fastgrad alone have none.
    if (<int (*)(Run, object, PyObject* const*, Py_ssize_t, object, object, object) noexcept>prepare_run)(
            run, d.verb, args, PyVectorcall_NARGS(nargsf), names, d.argnums, d.dialect) < 0:
        if d.elsewhere is None or not PyErr_ExceptionMatches(d.elsewhere):
            reraise()
        PyErr_Clear()
        return gradient_elsewhere(d, args, PyVectorcall_NARGS(nargsf), names)
    out = call_lifted(run, d.f)
    aux = None
    if d.has_aux:
        out, aux = transform_arguments.pair(run.verb, out)
        aux = map_tree(aux, value_leaf, <void*>run)
    check_scalar(run, out)
    cdef list found = run_gradients(run, out, run.tracked)
    warn_unreached(run, found, True)
    gs = packed(run, found)
    if d.with_value:
        value = map_tree(out, value_leaf, <void*>run)
        return ((value, aux), gs) if d.has_aux else (value, gs)
    return (gs, aux) if d.has_aux else gs


cdef inline int check_scalar(Run run, object y) except -1:
    """Raise unless the result is one real number."""
    if (not is_tensor(y) or (<Tensor>y).layout.size != 1 or not is_inexact((<Tensor>y).layout.typenum)
            or is_complex((<Tensor>y).layout.typenum)):
        transform_arguments.require_scalar(run.verb, y, Tensor, run.dialect)
    return 0


cdef list run_gradients(Run run, object y, bint record):
    """The gradients of the number `y` with respect to the inputs, None where they are zero."""
    if not is_recorded(y) or not run.inputs:
        return [None] * len(run.inputs)
    check_fresh(<Tensor>y)
    return input_gradients(<Tensor>y, None, None, run.inputs, record, record, True, False)


def gradient_function(verb, f, argnums, bint has_aux, bint with_value, dialect=None):
    """Return the function that computes the gradient of `f`, and its value if `with_value`."""
    return Gradient(verb, f, argnums, has_aux, with_value, dialect)


cdef PyTypeObject* GRADIENT = <PyTypeObject*>Gradient
cdef Gradient gradient_probe = Gradient.__new__(Gradient)
GRADIENT.tp_vectorcall_offset = <char*>&gradient_probe.vectorcall - <char*><PyObject*>gradient_probe
GRADIENT.tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL
GRADIENT.tp_call = <void*>PyVectorcall_Call
PyType_Modified(GRADIENT)
