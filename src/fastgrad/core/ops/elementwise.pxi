# Elementwise ops: recording and backward.

cdef inline void forward_flat1(int op, const Layout* layout, const char* x, char* y) noexcept:
    cdef Kernel* k = &kernels[op]
    if layout.kernel == F64 and layout.size == 1 and k.scalar1 != NULL:
        scalar1_door(k.scalar1, x, y)
    elif k.own[layout.kernel] != NULL:
        forward_door(k.own[layout.kernel], layout.kernel, x, y, layout.size)
    else:
        loop1(&k.loop[layout.kernel], x, y, layout.size, layout.itemsize)


cdef inline bint has_forward(int op, int dtype) noexcept nogil:
    return dtype != NO_KERNEL and (kernels[op].own[dtype] != NULL or kernels[op].loop[dtype].run != NULL)


cdef Tensor unary(int op, Tensor x):
    """`op(x)`, recorded where a gradient may be wanted."""
    if is_number(x) and kernels[op].scalar1 != NULL and fg_watch == 0:
        return number_unary(op, x)
    return unary_array(op, x)


cdef Tensor unary_array(int op, Tensor x):
    cdef Tensor y
    cdef Layout* layout = x.layout
    if not has_forward(op, layout.kernel):
        return rule_op(op, (x,))
    if not layout.flags & C_CONTIGUOUS or layout.nbytes >= large_from:
        return unary_large(op, x)
    check_fresh(x)
    y = new_tensor(layout)
    forward_flat1(op, layout, x.data, y.data)
    link_wanted(y, op, x)
    return y


cdef Tensor unary_large(int op, Tensor x):
    """`unary_array` where the operand is strided or large."""
    cdef Tensor y
    cdef Outside o
    cdef Layout* layout = x.layout
    if layout.nbytes >= postponed_from:
        y = large_elementwise(op, x, None, 0, False)
        if y is not None:
            return y
    check_fresh(x)
    o.left = False
    if layout.flags & C_CONTIGUOUS:
        y = new_tensor(layout)
        go_outside(&o, layout.nbytes, x, None, None, NULL, NULL)
        forward_flat1(op, layout, x.data, y.data)
        come_back(&o)
    else:
        y = unary_strided(op, x, &o)
    if wants_grad(x):
        check_unwritten(&o, op, x, None, None)
        link1(y, op, guarded(x, op, READS_X1))
    return y


cdef Tensor unary_strided(int op, Tensor x, Outside* o):
    cdef Layout* layout = layout_contiguous(x.layout)
    cdef Tensor y = new_tensor(layout), source = None
    cdef Forward own = kernels[op].own[layout.kernel]
    cdef address[1] base = [x.data]
    cdef layout_t[1] layouts = [x.layout]
    if own != NULL:
        source = new_tensor(layout)
    go_outside(o, layout.nbytes, x, None, None, NULL, NULL)
    if own != NULL:
        copy_door(layout.itemsize, layout, x.data, x.layout.strides, source.data, layout.strides)
        forward_door(own, layout.kernel, source.data, y.data, layout.size)
    else:
        broadcast_door(&kernels[op].loop[layout.kernel], 1, layout, y.data, base, layouts)
    come_back(o)
    return y


cdef inline Tensor guarded_by(Tensor x, bint read):
    """The operand to keep: a private copy if others may write to it and the backward reads it."""
    return guarded_copy(x) if read and x.storage != NULL and x.storage.flags & FOREIGN_WRITABLE else x


cdef inline Tensor guarded(Tensor x, int op, unsigned int reads):
    return guarded_by(x, table[op].reads & reads != 0)


cdef Tensor guarded_copy(Tensor x):
    return rule_op_named("copy", (x,)) if wants_grad(x) else private_copy(x)


cdef Tensor binary(int op, Tensor a, Tensor b):
    """`op(a, b)` of two tensors."""
    if is_number(a) and is_number(b) and kernels[op].scalar2 != NULL and fg_watch == 0:
        return number_binary(op, a, b)
    return binary_array(op, a, b)


cdef Tensor binary_array(int op, Tensor a, Tensor b):
    cdef Tensor y
    cdef Layout* layout = a.layout
    cdef Kernel* k = &kernels[op]
    if layout.kernel == NO_KERNEL or b.layout.kernel != layout.kernel or k.loop[layout.kernel].run == NULL:
        return rule_op(op, (a, b))
    if layout != b.layout or not layout.flags & C_CONTIGUOUS or layout.nbytes >= large_from:
        return binary_large(op, a, b)
    check_fresh(a)
    check_fresh(b)
    y = new_tensor(layout)
    if layout.flags & SCALAR and layout.kernel == F64 and k.scalar2 != NULL:
        scalar2_door(k.scalar2, a.data, b.data, y.data)
    else:
        loop2(&k.loop[layout.kernel], a.data, layout.itemsize, b.data, layout.itemsize, y.data, layout.size,
              layout.itemsize)
    if (a.flags | b.flags) & REQUIRES_GRAD and fg_grad_off == 0:
        link2(y, op, guarded(a, op, READS_X1), guarded(b, op, READS_X2))
    return y


cdef Tensor binary_large(int op, Tensor a, Tensor b):
    """`binary_array` where the operands are broadcast or strided, or large, for which there is a kernel."""
    cdef Tensor y
    cdef Outside o
    cdef Layout* layout = a.layout
    cdef Kernel* k = &kernels[op]
    if layout.nbytes >= postponed_from:
        y = large_elementwise(op, a, b, 0, False)
        if y is not None:
            return y
    check_fresh(a)
    check_fresh(b)
    o.left = False
    if layout == b.layout and layout.flags & C_CONTIGUOUS:
        y = new_tensor(layout)
        go_outside(&o, layout.nbytes, a, b, None, NULL, NULL)
        loop2(&k.loop[layout.kernel], a.data, layout.itemsize, b.data, layout.itemsize, y.data, layout.size,
              layout.itemsize)
        come_back(&o)
    else:
        y = binary_broadcast(op, a, b, &o)
        if y is None:
            return rule_op(op, (a, b))     # raises NumPy's error
    if (a.flags | b.flags) & REQUIRES_GRAD and fg_grad_off == 0:
        check_unwritten(&o, op, a, b, None)
        link2(y, op, guarded(a, op, READS_X1), guarded(b, op, READS_X2))
    return y


cdef Layout* broadcast_layout(const Layout* a, const Layout* b) except? NULL:
    """The C-contiguous layout of NumPy's broadcast shape; NULL where there is none."""
    cdef Py_ssize_t[64] shape
    cdef int ndim = max(a.ndim, b.ndim), k
    for k in range(ndim):
        na = 1 if k < ndim - a.ndim else a.shape[k - ndim + a.ndim]
        nb = 1 if k < ndim - b.ndim else b.shape[k - ndim + b.ndim]
        if na != nb and na != 1 and nb != 1:
            return NULL
        shape[k] = nb if na == 1 else na
    return layout_get(a.typenum, a.itemsize, ndim, shape, NULL)


cdef Tensor binary_broadcast(int op, Tensor a, Tensor b, Outside* o):
    cdef Layout* layout = broadcast_layout(a.layout, b.layout)
    if layout == NULL:
        return None
    cdef address[2] base = [a.data, b.data]
    cdef layout_t[2] layouts = [a.layout, b.layout]
    cdef Tensor y = new_tensor(layout)
    go_outside(o, layout.nbytes, a, b, None, NULL, NULL)
    broadcast_door(&kernels[op].loop[layout.kernel], 2, layout, y.data, base, layouts)
    come_back(o)
    return y


cdef Tensor binary_constant(int op, Tensor x, double c, bint first):
    """`op(x, c)`, or `op(c, x)`, for a Python number, without a tensor for it; None if there is no kernel."""
    if is_number(x) and kernels[op].scalar2 != NULL and fg_watch == 0:
        return number_constant(op, x, c, first)
    return constant_array(op, x, c, first)


cdef Tensor constant_array(int op, Tensor x, double c, bint first):
    cdef Tensor y
    cdef Layout* layout = x.layout
    if layout.kernel == NO_KERNEL or kernels[op].loop[layout.kernel].run == NULL:
        return None
    if not layout.flags & C_CONTIGUOUS or layout.nbytes >= large_from:
        return constant_large(op, x, c, first)
    check_fresh(x)
    y = new_tensor(layout)
    forward_constant(op, layout, x.data, c, first, y.data)
    if wants_grad(x):
        link_constant(y, op, guarded_alone(x, op, first), c, first)
    return y


cdef Tensor constant_large(int op, Tensor x, double c, bint first):
    """`constant_array` where the operand is strided or large."""
    cdef Tensor y, source
    cdef Outside o
    if x.layout.nbytes >= postponed_from:
        y = large_elementwise(op, x, None, c, first)
        if y is not None:
            return y
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(source.layout)
    go_outside(&o, y.layout.nbytes, x, None, None, NULL, NULL)
    forward_constant(op, y.layout, source.data, c, first, y.data)
    come_back(&o)
    if wants_grad(x):
        check_unwritten(&o, op, x, None, None)
        link_constant(y, op, guarded_alone(x, op, first), c, first)
    return y


cdef inline Tensor guarded_alone(Tensor x, int op, bint first):
    """As `guarded`, beside a constant that may be the `first` operand."""
    return guarded_by(x, table[op].reads_alone[first] & (READS_X2 if first else READS_X1))


cdef inline void forward_constant(int op, const Layout* layout, const char* x, double c, bint first, char* y) noexcept:
    cdef Kernel* k = &kernels[op]
    cdef float narrow = <float>c
    cdef void* constant = &c if layout.kernel == F64 else <void*>&narrow
    if layout.flags & SCALAR and layout.kernel == F64 and k.scalar2 != NULL:
        scalar2_door(k.scalar2, &c if first else <double*>x, <double*>x if first else &c, y)
    elif op == POWER and not first:
        power_forward(layout, x, c, constant, y)
    elif first:
        loop2(&k.loop[layout.kernel], constant, 0, x, layout.itemsize, y, layout.size, layout.itemsize)
    else:
        loop2(&k.loop[layout.kernel], x, layout.itemsize, constant, 0, y, layout.size, layout.itemsize)


cdef void power_forward(const Layout* layout, const char* x, double c, const void* constant, char* y) noexcept:
    """As ndarray ** number."""
    cdef int op = FG_EASY_POWER(c, SQUARE, SQRT, RECIPROCAL, POWER)
    if op != POWER and kernels[op].loop[layout.kernel].run != NULL:
        loop1(&kernels[op].loop[layout.kernel], x, y, layout.size, layout.itemsize)
    else:
        loop2(&kernels[<int>POWER].loop[layout.kernel], x, layout.itemsize, constant, 0, y, layout.size,
              layout.itemsize)


cdef inline bint copies(Backward kernel, int dtype) noexcept nogil:
    """Whether the local gradient is 1: the cotangent of the result is that of the operand."""
    return kernel == kernels[<int>ADD].x1[dtype]


cdef int backward_one(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    """An op with one operand, or with one constant beside it."""
    cdef bint first = y.flags & CONST1 != 0, alone = y.flags & (CONST1 | CONST2) == 0, add
    cdef Kernel* k = &kernels[y.op]
    cdef Tensor x = resolve(y.x2, y.gen2) if first else resolve(y.x1, y.gen1), source = x
    cdef double c = 0 if alone else constant_of(y.x1 if first else y.x2)
    cdef int dtype = y.layout.kernel
    cdef Backward kernel = k.x2[dtype] if first else k.x1[dtype] if alone else k.x1_alone[dtype]
    cdef char* room = g
    cdef Outside o
    if not x.flags & REQUIRES_GRAD:
        return 0
    if kernel == NULL:
        return backward_rule(y, g, gs, only_wanted)
    if copies(kernel, dtype):
        return accumulate_same(x, y, g, gs)
    if reads_at(y) & (READS_X2 if first else READS_X1):
        source = contiguous(x)
        expect_contiguous(source)
    expect_contiguous(y)
    if y.flags & DYING and (gs == NULL or gs.refs > 1) and owns_value(y) and not is_small(x.layout):
        gs = y.storage      # nothing reads the value after this
        room = y.data
    cdef char* where = cotangent_buffer_or_reuse(x, room, gs, &add)
    cdef char* value = noted_at(source)
    go_outside(&o, y.layout.nbytes, x, y, None, gs, cotangent_block(x))
    backward_door(kernel, dtype, g, NULL if first else value, value if first else NULL, noted_at(y), where,
                  y.layout.size, add, NULL if alone else &c, y.flags & UNIFORM != 0)
    come_back(&o)
    return 0


cdef Tensor expanded(Tensor x, const Layout* layout, bint leaves):
    """`x` broadcast to the shape of `layout`, in C order; without the GIL if `leaves` says so."""
    cdef Py_ssize_t[64] strides
    cdef Outside o
    if same_shape(x.layout, layout):
        return contiguous(x)
    broadcast_strides(layout, x.layout, x.layout.strides, strides)
    ready(x)
    cdef Tensor e = new_tensor(layout_contiguous(<Layout*>layout))
    go_outside(&o, layout.nbytes if leaves else 0, x, None, None, NULL, NULL)
    copy_door(layout.itemsize, layout, x.data, strides, e.data, e.layout.strides)
    come_back(&o)
    return e


cdef int backward_operand(Tensor y, int k, Tensor x, Tensor s1, Tensor s2, char* g, Storage* gs) except -1:
    """Add what a two-operand op contributes to the cotangent of operand `k`. `s1`, `s2` are the values that it reads,
    contiguous and of the result's shape. Operand 0 is the last to read `g`."""
    cdef int dtype = y.layout.kernel
    cdef Backward kernel = kernels[y.op].x1[dtype] if k == 0 else kernels[y.op].x2[dtype]
    cdef bint whole = same_shape(x.layout, y.layout), uniform = y.flags & UNIFORM != 0, add
    cdef Outside o
    cdef const char* d1 = data_or_null(s1)
    cdef const char* d2 = data_or_null(s2)
    if copies(kernel, dtype):
        if whole:
            return accumulate_same(x, y, g, gs)
        if uniform:
            return accumulate_uniform(x, y.cotangent.value, <double>y.layout.size / <double>x.layout.size, 0)
        return accumulate_summed(x, y.layout, g, gs)
    if whole:
        where = cotangent_buffer_or_reuse(x, g, gs if k == 0 else NULL, &add)
        go_outside(&o, y.layout.nbytes, s1, s2, y, gs, cotangent_block(x))
        backward_door(kernel, dtype, g, d1, d2, noted_at(y), where, y.layout.size, add, NULL, uniform)
        come_back(&o)
        return 0
    cdef Storage* part = storage_new(y.layout.nbytes)
    go_outside(&o, y.layout.nbytes, s1, s2, y, gs, NULL)
    backward_door(kernel, dtype, g, d1, d2, noted_at(y), payload(part), y.layout.size, False, NULL, uniform)
    come_back(&o)
    return accumulate_broadcast(x, y.layout, part)


cdef int backward_binary(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x1, x2, s1 = None, s2 = None
    if y.flags & (CONST1 | CONST2):
        return backward_one(y, g, gs, only_wanted)
    if kernels[y.op].x1[y.layout.kernel] == NULL:
        return backward_rule(y, g, gs, only_wanted)
    x1 = resolve(y.x1, y.gen1)
    x2 = resolve(y.x2, y.gen2)
    if table[y.op].reads & READS_X1:
        s1 = expanded(x1, y.layout, True)
    if table[y.op].reads & READS_X2:
        s2 = expanded(x2, y.layout, True)
    expect_contiguous(y)
    expect_contiguous(s1)
    expect_contiguous(s2)
    cdef bint first = y.layout == number_layout and fg_captures != 0     # in the order of `backward_scalar`
    if first and takes(x1, only_wanted):
        backward_operand(y, 0, x1, s1, s2, g, gs)
    if takes(x2, only_wanted):
        backward_operand(y, 1, x2, s1, s2, g, gs)
    if not first and takes(x1, only_wanted):
        backward_operand(y, 0, x1, s1, s2, g, gs)
    return 0


cdef Tensor record_unary(int op, PyObject** given):
    cdef Tensor x = given_tensor(given[0])
    return unary(op, x) if x is not None else None


cdef Tensor record_binary(int op, PyObject** given):
    if not is_tensor(<object>given[0]) and not is_tensor(<object>given[1]):
        x = given_tensor(given[0])
        result = binary_any(op, x, <object>given[1]) if x is not None else NotImplemented
    else:
        result = binary_any(op, <object>given[0], <object>given[1])
    return None if result is NotImplemented else result


cdef int register_elementwise() except -1:
    """The rows of all ops in the table of kernels."""
    cdef int op
    for name, number in kernel_rows.items():
        op = number
        if kernels[op].nin == 1:
            set_row(op, name, None, record_unary, backward_one, NULL, False)
        else:
            set_row(op, name, None, record_binary, backward_binary, NULL, False)
    return 0


register_elementwise()
