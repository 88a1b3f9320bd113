# Elementwise ops: forward through NumPy's loop or an own one, one node for the result.

cdef inline void forward_flat1(int op, const Layout* layout, const char* x, char* y) noexcept nogil:
    cdef Kernel* k = &kernels[op]
    if layout.kernel == F64 and layout.size == 1 and k.scalar != NULL:
        (<double*>y)[0] = k.scalar((<const double*>x)[0], 0)
    elif k.own[layout.kernel] != NULL:
        own_forward(k.own[layout.kernel], layout.kernel, x, y, layout.size)
    else:
        fresh1(&k.loop[layout.kernel], x, y, layout.size, layout.itemsize)


cdef inline bint has_forward(int op, int dtype) noexcept nogil:
    return dtype != NO_KERNEL and (kernels[op].own[dtype] != NULL or kernels[op].loop[dtype].run != NULL)


cdef Tensor unary(int op, Tensor x):
    """`op(x)`, recorded where a gradient may be wanted."""
    if is_number(x) and kernels[op].scalar != NULL and fg_watch == 0:
        return number_unary(op, x)
    return unary_array(op, x)


cdef Tensor unary_array(int op, Tensor x):
    cdef Tensor y
    cdef Layout* layout = x.layout
    if not has_forward(op, layout.kernel):
        return rule_op(op, (x,), NO_PARAMS)
    check_fresh(x)
    if layout.flags & C_CONTIGUOUS:
        y = new_tensor(layout)
        forward_flat1(op, layout, x.data, y.data)
    else:
        y = unary_strided(op, x)
    if x.flags & REQUIRES_GRAD and fg_grad_off == 0:
        link1(y, op, guarded(x, op, READS_X1))
    return y


cdef Tensor unary_strided(int op, Tensor x):
    cdef Layout* layout = layout_contiguous(x.layout)
    cdef Tensor y = new_tensor(layout)
    cdef address[1] base = [x.data]
    cdef layout_t[1] layouts = [x.layout]
    if kernels[op].own[layout.kernel] != NULL:
        x = private_copy(x)
        own_forward(kernels[op].own[layout.kernel], layout.kernel, x.data, y.data, layout.size)
    else:
        broadcast_apply(&kernels[op].loop[layout.kernel], 1, layout, y.data, base, layouts)
    return y


cdef inline Tensor guarded(Tensor x, int op, unsigned int reads):
    """The operand to keep: a private copy where somebody outside may write to it and the backward reads it."""
    if x.storage != NULL and x.storage.flags & FOREIGN_WRITABLE and kernels[op].reads & reads:
        return guarded_copy(x)
    return x


cdef Tensor guarded_copy(Tensor x):
    return rule_op_named("copy", (x,)) if wants_grad(x) else private_copy(x)


cdef Tensor binary(int op, Tensor a, Tensor b):
    """`op(a, b)` of two tensors."""
    if is_number(a) and is_number(b) and kernels[op].scalar != NULL and fg_watch == 0:
        return number_binary(op, a, b)
    return binary_array(op, a, b)


cdef Tensor binary_array(int op, Tensor a, Tensor b):
    cdef Tensor y
    cdef Layout* layout = a.layout
    cdef Kernel* k = &kernels[op]
    if layout.kernel == NO_KERNEL or b.layout.kernel != layout.kernel or k.loop[layout.kernel].run == NULL:
        return rule_op(op, (a, b), NO_PARAMS)
    check_fresh(a)
    check_fresh(b)
    if layout == b.layout and layout.flags & C_CONTIGUOUS:
        y = new_tensor(layout)
        if layout.flags & SCALAR and layout.kernel == F64 and k.scalar != NULL:
            y.own = scalar_result(k, a, b)
        else:
            fresh2(&k.loop[layout.kernel], a.data, layout.itemsize, b.data, layout.itemsize, y.data, layout.size, layout.itemsize)
    else:
        y = binary_broadcast(op, a, b)
        if y is None:
            return rule_op(op, (a, b), NO_PARAMS)     # says why, in NumPy's own way
    if (a.flags | b.flags) & REQUIRES_GRAD and fg_grad_off == 0:
        link2(y, op, guarded(a, op, READS_X1), guarded(b, op, READS_X2))
    return y


cdef inline Slot scalar_result(Kernel* k, Tensor a, Tensor b) noexcept nogil:
    cdef Slot s
    (<double*>s.value)[0] = k.scalar((<double*>a.data)[0], (<double*>b.data)[0])
    return s


cdef Layout* broadcast_layout(const Layout* a, const Layout* b) except? NULL:
    """The C-contiguous layout of NumPy's broadcast shape; NULL where there is none."""
    cdef Py_ssize_t[64] shape
    cdef int ndim = max(a.ndim, b.ndim), k
    cdef Py_ssize_t na, nb
    for k in range(ndim):
        na = 1 if k < ndim - a.ndim else a.shape[k - ndim + a.ndim]
        nb = 1 if k < ndim - b.ndim else b.shape[k - ndim + b.ndim]
        if na != nb and na != 1 and nb != 1:
            return NULL
        shape[k] = nb if na == 1 else na
    return layout_get(a.typenum, a.itemsize, ndim, shape, NULL)


cdef Tensor binary_broadcast(int op, Tensor a, Tensor b):
    cdef Layout* layout = broadcast_layout(a.layout, b.layout)
    if layout == NULL:
        return None
    cdef address[2] base = [a.data, b.data]
    cdef layout_t[2] layouts = [a.layout, b.layout]
    cdef Tensor y = new_tensor(layout)
    broadcast_apply(&kernels[op].loop[layout.kernel], 2, layout, y.data, base, layouts)
    return y


cdef Tensor binary_constant(int op, Tensor x, double c, bint first):
    """`op(x, c)` for a Python number, or `op(c, x)`: no tensor is made for the number; None where no kernel does it."""
    if is_number(x) and kernels[op].scalar != NULL and fg_watch == 0:
        return number_constant(op, x, c, first)
    return constant_array(op, x, c, first)


cdef Tensor constant_array(int op, Tensor x, double c, bint first):
    cdef Layout* layout = x.layout
    cdef Tensor y
    cdef Kernel* k = &kernels[op]
    cdef float narrow
    cdef void* constant = &c
    if layout.kernel == NO_KERNEL or k.loop[layout.kernel].run == NULL:
        return None
    check_fresh(x)
    if not layout.flags & C_CONTIGUOUS:
        y = private_copy(x)
        layout = y.layout
        source = y
    else:
        y = new_tensor(layout)
        source = x
    if layout.flags & SCALAR and layout.kernel == F64 and k.scalar != NULL:
        (<double*>y.data)[0] = k.scalar(c, (<double*>x.data)[0]) if first else k.scalar((<double*>x.data)[0], c)
    else:
        if layout.kernel == F32:
            narrow = <float>c
            constant = &narrow
        if op == POWER and not first:
            power_forward(layout, (<Tensor>source).data, c, constant, y.data)
        elif first:
            fresh2(&k.loop[layout.kernel], constant, 0, (<Tensor>source).data, layout.itemsize, y.data, layout.size, layout.itemsize)
        else:
            fresh2(&k.loop[layout.kernel], (<Tensor>source).data, layout.itemsize, constant, 0, y.data, layout.size, layout.itemsize)
    if x.flags & REQUIRES_GRAD and fg_grad_off == 0:
        if x.storage != NULL and x.storage.flags & FOREIGN_WRITABLE and kernels[op].reads_alone[first] & (READS_X2 if first else READS_X1):
            x = guarded_copy(x)
        link_constant(y, op, x, c, first)
    return y


cdef void power_forward(const Layout* layout, const char* x, double c, const void* constant, char* y) noexcept nogil:
    """As ndarray ** number: the small exponents have loops of their own."""
    cdef int op = SQUARE if c == 2 else SQRT if c == 0.5 else RECIPROCAL if c == -1 else POWER
    if op != POWER and kernels[op].loop[layout.kernel].run != NULL:
        fresh1(&kernels[op].loop[layout.kernel], x, y, layout.size, layout.itemsize)
    else:
        fresh2(&kernels[<int>POWER].loop[layout.kernel], x, layout.itemsize, constant, 0, y, layout.size, layout.itemsize)


cdef object binary_any(int op, object a, object b):
    """`a op b` for whatever Python hands a number slot; NotImplemented where it is no operand."""
    cdef Tensor y
    if type(a) is Tensor:
        if type(b) is Tensor:
            return binary(op, <Tensor>a, <Tensor>b)
        if type(b) is float or type(b) is int:
            y = binary_constant(op, <Tensor>a, b, False)
            return y if y is not None else rule_op(op, (a, b), NO_PARAMS)
        if not is_operand(b) or has_own_operator(op, b):
            return NotImplemented
        return binary_mixed(op, a, b)
    if type(a) is float or type(a) is int:
        y = binary_constant(op, <Tensor>b, a, True)
        return y if y is not None else rule_op(op, (a, b), NO_PARAMS)
    if not is_operand(a) or has_own_operator(op, a):
        return NotImplemented
    return binary_mixed(op, a, b)


cdef dict slot_of = {ADD: "add", SUBTRACT: "sub", MULTIPLY: "mul", DIVIDE: "truediv", POWER: "pow"}


cdef bint has_own_operator(int op, object o) except -1:
    """Whether `o` is an ndarray of a class that gives the operator another meaning, and its turn comes first."""
    return PyArray_Check(o) and not PyArray_CheckExact(o) and op in slot_of and tensor_methods.own_operator(o, slot_of[op])


cdef bint is_operand(object o):
    return isinstance(o, (bool, int, float, complex, generic_type, ndarray_type, list, tuple))


cdef object binary_mixed(int op, object a, object b):
    """One operand is an array, a NumPy scalar or a sequence."""
    a = a if isinstance(a, (Tensor, bool, int, float, complex)) and not isinstance(a, generic_type) else as_tensor(a)
    b = b if isinstance(b, (Tensor, bool, int, float, complex)) and not isinstance(b, generic_type) else as_tensor(b)
    if type(a) is Tensor and type(b) is Tensor:
        return binary(op, <Tensor>a, <Tensor>b)
    return rule_op(op, (a, b), NO_PARAMS)
