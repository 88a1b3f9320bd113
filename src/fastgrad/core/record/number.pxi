# Recording for one float64 number that lies in its tensor: nothing to share, to broadcast, to guard or to allocate. The
# same scalar kernels and the same edges as for arrays. Anomaly mode goes the way of arrays.

cdef Layout* number_layout = scalar_f64


cdef inline bint is_number(Tensor x) noexcept:
    return x.layout == number_layout and x.storage == NULL


cdef inline double number_in(Tensor x) noexcept:
    return (<double*>x.own.value)[0]


cdef inline PyObject* number_at(double value) except NULL:
    cdef PyObject* y = alloc_at()
    (<Tensor>y).layout = keep(number_layout)
    (<Tensor>y).data = (<Tensor>y).own.value
    (<double*>(<Tensor>y).own.value)[0] = value
    return y


cdef Tensor number_unary(int op, Tensor x):
    cdef PyObject* y = number_at(kernels[op].scalar1(number_in(x)))
    if wants_grad(x):
        join1(<Tensor>y, op, x)
    return fg_owned(y)


cdef Tensor number_binary(int op, Tensor a, Tensor b):
    cdef PyObject* y = number_at(kernels[op].scalar2(number_in(a), number_in(b)))
    if (a.flags | b.flags) & REQUIRES_GRAD and fg_grad_off == 0:
        join2(<Tensor>y, op, a, b)
    return fg_owned(y)


cdef Tensor number_constant(int op, Tensor x, double c, bint first):
    cdef double value = number_in(x)
    cdef PyObject* y = number_at(kernels[op].scalar2(c, value) if first else kernels[op].scalar2(value, c))
    if wants_grad(x):
        join_constant(<Tensor>y, op, x, c, first)
    return fg_owned(y)


# The number slots of arithmetic, called with either operand a Tensor. Cython's own slots would look which of the two it
# is and then call the method.

cdef inline object operate(int op, object a, object b):
    if type(a) is Tensor and type(b) is Tensor:
        return binary(op, <Tensor>a, <Tensor>b)
    return binary_any(op, a, b)


cdef object slot_add(object a, object b):
    return operate(ADD, a, b)


cdef object slot_subtract(object a, object b):
    return operate(SUBTRACT, a, b)


cdef object slot_multiply(object a, object b):
    if type(a) is Tensor:
        return operate(MULTIPLY, a, b)
    result = operate(MULTIPLY, a, b)
    return result if result is not NotImplemented else METHODS["__rmul__"](b, a)    # of a matrix


cdef object slot_true_divide(object a, object b):
    return operate(DIVIDE, a, b)


cdef int install_operators() except -1:
    """Put them in the finished type."""
    cdef PyNumberMethods* slots = <PyNumberMethods*>(<PyTypeObject*>Tensor).tp_as_number
    slots.nb_add = <void*>slot_add
    slots.nb_subtract = <void*>slot_subtract
    slots.nb_multiply = <void*>slot_multiply
    slots.nb_true_divide = <void*>slot_true_divide
    return 0


install_operators()
