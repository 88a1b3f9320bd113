# Recording for float64 scalars stored inline: nothing to share, broadcast, guard or allocate. The same scalar kernels
# and edges as for arrays. While anything is watched, scalars are recorded as arrays.

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
