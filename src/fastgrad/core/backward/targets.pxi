# The inputs of `gradients`, and the gradients that have arrived at them.

cdef enum:
    FEW = 8                 # inputs that are found without hashing


@cython.final
@cython.freelist(4)
cdef class Targets:
    """The inputs of one sweep, which its caller holds."""
    cdef Py_ssize_t n               # of few inputs; 0: all are in `many`
    cdef PyObject* inputs[FEW]
    cdef PyObject* found[FEW]       # owned: Tensors, or NULL
    cdef dict many                  # by address: Tensors, or None

    def __dealloc__(self):
        cdef Py_ssize_t k
        for k in range(self.n):
            drop(self.found[k])


cdef Targets targets_of(object inputs):
    """The Tensors in a tuple or list, marked as inputs."""
    cdef Targets targets = <Targets>Targets.__new__(Targets)
    cdef Py_ssize_t k, n = Py_SIZE(inputs)
    for k in range(n):
        x = PySequence_Fast_ITEMS(inputs)[k]
        (<Tensor>x).flags = (<Tensor>x).flags | <unsigned short>INPUT
        if n <= FEW:
            targets.inputs[k] = x
    if n <= FEW:
        targets.n = n
        return targets
    targets.many = {}
    for y in inputs:
        targets.many[<size_t><PyObject*>y] = None
    return targets


cdef inline Py_ssize_t place_of_target(Targets targets, PyObject* x) noexcept:
    """The place of `x` among few inputs, or -1."""
    cdef Py_ssize_t k
    for k in range(targets.n):
        if targets.inputs[k] == x:
            return k
    return -1


cdef inline bint is_target(PyObject* targets, PyObject* x) except -1:
    if (<Targets>targets).many is not None:
        return <size_t>x in (<Targets>targets).many
    return place_of_target(<Targets>targets, x) >= 0


cdef int set_gradient(Targets targets, PyObject* x, object g) except -1:
    """Store the gradient of the input `x`."""
    if targets.many is not None:
        targets.many[<size_t>x] = g
        return 0
    k = place_of_target(targets, x)
    before = targets.found[k]
    Py_INCREF(g)
    targets.found[k] = <PyObject*>g
    drop(before)
    return 0


cdef inline object gradient_of(Targets targets, PyObject* x):
    """The gradient of the input `x`, or None."""
    if targets.many is not None:
        return targets.many[<size_t>x]
    g = targets.found[place_of_target(targets, x)]
    return None if g == NULL else <object>g
