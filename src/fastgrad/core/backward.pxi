# One backward per kind of op: takes the cotangent of `y` at `g`, adds to the cotangents of the operands that want one.

cdef inline bint takes(Tensor x, bint only_wanted) noexcept:
    """Whether a gradient flows to `x`; `gradients` goes only where what it was asked for lies."""
    return x.flags & (LEADS if only_wanted else REQUIRES_GRAD) != 0


cdef inline bint owns_value(Tensor y) noexcept:
    """Whether `y` alone holds its value, in a block of ours."""
    cdef Storage* s = y.storage
    return s != NULL and s.refs == 1 and s.base == NULL and s.flags == 0 and y.data == payload(s)


cdef int backward_unary(Tensor y, Tensor x, char* g, Storage* gs) except -1:
    cdef Kernel* k = &kernels[y.op]
    cdef int dtype = y.layout.kernel
    cdef char* where
    cdef bint add
    cdef Tensor source = None
    if k.reads & READS_X1:
        source = contiguous(x)
    expect_contiguous(y)
    expect_contiguous(source)
    if gs != NULL and gs.refs == 1 and not x.flags & COTANGENT:
        # The cotangent of `y` is of no more use: its block becomes that of `x`.
        backward_apply(k.x1[dtype], dtype, g, source.data if source is not None else NULL, NULL, y.data, g, y.layout.size, False, NULL, y.flags & UNIFORM != 0)
        x.cotangent.storage = storage_keep(gs)
        x.flags |= COTANGENT
        return 0
    if y.flags & DYING and owns_value(y) and not x.flags & COTANGENT and not is_small(x.layout):
        # The cotangent of `y` is shared or one number, but its value is read here for the last time: that block then.
        backward_apply(k.x1[dtype], dtype, g, source.data if source is not None else NULL, NULL, y.data, y.data, y.layout.size, False, NULL, y.flags & UNIFORM != 0)
        x.cotangent.storage = storage_keep(y.storage)
        x.flags |= COTANGENT
        return 0
    cotangent_room(x, &where, &add)
    backward_apply(k.x1[dtype], dtype, g, source.data if source is not None else NULL, NULL, y.data, where, y.layout.size, add, NULL, y.flags & UNIFORM != 0)
    return 0


cdef int backward_constant(Tensor y, char* g, Storage* gs) except -1:
    """An op with one constant operand."""
    cdef bint first = y.flags & CONST1 != 0
    cdef Tensor x = resolve(y.x2, y.gen2) if first else resolve(y.x1, y.gen1)
    cdef double c = constant_of(y.x1 if first else y.x2)
    cdef Kernel* k = &kernels[y.op]
    cdef int dtype = y.layout.kernel
    cdef Backward kernel = k.x2[dtype] if first else k.x1[dtype]
    cdef Tensor source
    cdef char* where
    cdef bint add
    cdef double* constant = &c
    if not x.flags & REQUIRES_GRAD:
        return 0
    if y.op == POWER and not first:
        kernel = power_constant[dtype]
    if kernel == NULL:
        return backward_rule(y, g, gs, False)
    if y.op == ADD or (y.op == SUBTRACT and not first):
        return give_same(x, y, g, gs)
    source = x
    if reads_at(y) & (READS_X2 if first else READS_X1):
        source = contiguous(x)
        expect_contiguous(source)
    expect_contiguous(y)
    if gs != NULL and gs.refs == 1 and not x.flags & COTANGENT:
        backward_apply(kernel, dtype, g, NULL if first else source.data, source.data if first else NULL, y.data, g, y.layout.size, False, constant, y.flags & UNIFORM != 0)
        x.cotangent.storage = storage_keep(gs)
        x.flags |= COTANGENT
        return 0
    cotangent_room(x, &where, &add)
    backward_apply(kernel, dtype, g, NULL if first else source.data, source.data if first else NULL, y.data, where, y.layout.size, add, constant, y.flags & UNIFORM != 0)
    return 0


cdef Tensor expanded(Tensor x, const Layout* layout):
    """`x` broadcast to the shape of `layout`, in C order."""
    cdef Tensor e
    cdef Py_ssize_t[64] strides
    cdef int k, lead = layout.ndim - x.layout.ndim
    if same_shape(x.layout, layout):
        return contiguous(x)
    for k in range(layout.ndim):
        strides[k] = 0 if k < lead or x.layout.shape[k - lead] == 1 else x.layout.strides[k - lead]
    e = new_tensor(layout_contiguous(<Layout*>layout))
    copy_strided(layout.itemsize, layout, x.data, strides, e.data, e.layout.strides)
    return e


cdef int backward_operand(Tensor y, int k, Tensor x, Tensor s1, Tensor s2, char* g, Storage* gs) except -1:
    """The part of a two-operand op that flows to operand `k`; `s1`, `s2` are its values, contiguous and of the result's shape."""
    cdef int dtype = y.layout.kernel
    cdef Backward kernel = kernels[y.op].x1[dtype] if k == 0 else kernels[y.op].x2[dtype]
    cdef bint whole = same_shape(x.layout, y.layout)
    cdef bint plain = y.op == ADD or (y.op == SUBTRACT and k == 0)
    cdef char* where
    cdef bint add
    cdef Storage* part
    cdef const char* d1 = s1.data if s1 is not None else NULL
    cdef const char* d2 = s2.data if s2 is not None else NULL
    if whole:
        if plain:
            return give_same(x, y, g, gs)
        cotangent_room(x, &where, &add)
        backward_apply(kernel, dtype, g, d1, d2, y.data, where, y.layout.size, add, NULL, y.flags & UNIFORM != 0)
        return 0
    if plain and y.flags & UNIFORM:
        return give_uniform(x, uniform_value(y) * (<double>y.layout.size / <double>x.layout.size))
    cotangent_room(x, &where, &add)
    if plain:
        return sum_into(y.layout, g, x.layout, where, add)
    part = storage_new(y.layout.nbytes)
    try:
        backward_apply(kernel, dtype, g, d1, d2, y.data, payload(part), y.layout.size, False, NULL, y.flags & UNIFORM != 0)
        sum_into(y.layout, payload(part), x.layout, where, add)
    finally:
        storage_release(part)
    return 0


cdef int backward_binary(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x1 = resolve(y.x1, y.gen1), x2 = resolve(y.x2, y.gen2)
    cdef Kernel* k = &kernels[y.op]
    cdef Tensor s1 = None, s2 = None
    cdef bint to1 = takes(x1, only_wanted), to2 = takes(x2, only_wanted)
    if k.x1[y.layout.kernel] == NULL:
        return backward_rule(y, g, gs, only_wanted)
    if k.reads & READS_X1:
        s1 = expanded(x1, y.layout)
    if k.reads & READS_X2:
        s2 = expanded(x2, y.layout)
    expect_contiguous(y)
    expect_contiguous(s1)
    expect_contiguous(s2)
    if to2:
        backward_operand(y, 1, x2, s1, s2, g, gs)
    if to1:
        if (gs != NULL and gs.refs == 1 and not x1.flags & COTANGENT and same_shape(x1.layout, y.layout)
                and y.op != ADD and y.op != SUBTRACT):
            backward_apply(k.x1[y.layout.kernel], y.layout.kernel, g, s1.data if s1 is not None else NULL,
                           s2.data if s2 is not None else NULL, y.data, g, y.layout.size, False, NULL, y.flags & UNIFORM != 0)
            x1.cotangent.storage = storage_keep(gs)
            x1.flags |= COTANGENT
        else:
            backward_operand(y, 0, x1, s1, s2, g, gs)
    return 0


cdef int backward_matmul(Tensor y, char* g, bint only_wanted) except -1:
    """For y[m, p] = a[m, n] @ b[n, p]: ga = g @ b.T and gb = a.T @ g, through strides, without a copy."""
    cdef Tensor a = resolve(y.x1, y.gen1), b = resolve(y.x2, y.gen2)
    cdef Layout* la = a.layout
    cdef Layout* lb = b.layout
    cdef Py_ssize_t item = la.itemsize
    cdef Py_ssize_t m = la.shape[0] if la.ndim == 2 else 1
    cdef Py_ssize_t n = la.shape[la.ndim - 1]
    cdef Py_ssize_t p = lb.shape[1] if lb.ndim == 2 else 1
    expect_contiguous(y)
    if la.ndim > 2 or lb.ndim > 2:
        return backward_stack(y, a, b, g, only_wanted)
    if takes(a, only_wanted):
        product_into(a, m, p, n, g, p * item, item, b.data, lb.strides[1] if lb.ndim == 2 else item, lb.strides[0])
    if takes(b, only_wanted):
        product_into(b, n, m, p, a.data, la.strides[la.ndim - 1], la.strides[0] if la.ndim == 2 else item * n, g, p * item, item)
    return 0


cdef int product_into(Tensor x, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const char* a, Py_ssize_t a_row, Py_ssize_t a_col,
                      const char* b, Py_ssize_t b_row, Py_ssize_t b_col) except -1:
    """Add a matrix product to the cotangent of `x`."""
    cdef char* where
    cdef bint add
    cdef Storage* part
    cotangent_room(x, &where, &add)
    if not add:
        return product(x.layout.kernel, m, n, p, a, a_row, a_col, b, b_row, b_col, where)
    part = storage_new(x.layout.nbytes)
    try:
        product(x.layout.kernel, m, n, p, a, a_row, a_col, b, b_row, b_col, payload(part))
        accumulate(x.layout.kernel, payload(part), where, x.layout.size)
    finally:
        storage_release(part)
    return 0


cdef int backward_reduce(Tensor y, Tensor x, char* g) except -1:
    """SUM copies the upstream gradient to every summand, MEAN a share of it, MAX and MIN route it to the winners."""
    cdef Folded f
    cdef char* where
    cdef bint add
    cdef double value
    cdef Tensor source = None
    folded_of(y, x, &f)
    if f.outer == 1 and f.inner == 1 and (y.op == SUM or y.op == MEAN):
        value = (<double*>g)[0] if x.layout.kernel == F64 else <double>(<float*>g)[0]
        return give_uniform(x, value / <double>f.reduced if y.op == MEAN else value)
    if y.op == MAX or y.op == MIN:
        source = contiguous(x)
    expect_contiguous(y)
    expect_contiguous(source)
    cotangent_room(x, &where, &add)
    if source is None:
        spread(x.layout.kernel, g, where, f.outer, f.reduced, f.inner, <double>f.reduced if y.op == MEAN else 1, add)
    else:
        route(x.layout.kernel, g, source.data, y.data, where, f.outer, f.reduced, f.inner, add)
    return 0


cdef int backward_view(Tensor y, Tensor x, char* g, Storage* gs) except -1:
    """The cotangent goes back to the places the view was taken from."""
    cdef Layout* whole = layout_contiguous(x.layout)
    cdef Layout* part = layout_contiguous(y.layout)
    cdef Py_ssize_t[64] shape
    cdef Py_ssize_t[64] strides
    cdef Py_ssize_t offset = 0
    cdef char* where
    cdef bint add
    cdef int k
    if y.op == RESHAPE:
        return give(x, g, gs if not is_small(x.layout) else NULL)
    if y.op == PERMUTE_DIMS:
        axes = parameter_of(y)
        for k in range(part.ndim):
            strides[k] = whole.strides[(axes[k] if axes is not None else part.ndim - 1 - k) % part.ndim]
    elif y.op == GETITEM:
        parse_key(whole, parameter_of(y), shape, strides, &offset)
    cotangent_room(x, &where, &add)
    if y.op == BROADCAST_TO or y.op == SUM_TO:
        if y.op == BROADCAST_TO:
            return sum_into(part, g, whole, where, add)
        for k in range(whole.ndim):
            strides[k] = 0 if k < whole.ndim - part.ndim or part.shape[k - whole.ndim + part.ndim] == 1 else part.strides[k - whole.ndim + part.ndim]
        if add:
            add_strided(x.layout.kernel, whole, g, strides, where, whole.strides)
        else:
            copy_strided(x.layout.itemsize, whole, g, strides, where, whole.strides)
        return 0
    if y.op == GETITEM and not add:
        memset(where, 0, x.layout.nbytes)
    if add:
        add_strided(x.layout.kernel, part, g, part.strides, where + offset, strides)
    else:
        copy_strided(x.layout.itemsize, part, g, part.strides, where + offset, strides)
    return 0


cdef int backward_rule(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    """Through the op's rule, on Tensors, not recorded."""
    cdef Layout* layout = layout_contiguous(y.layout)
    cdef Tensor gt
    if y.flags & COTANGENT_TENSOR:
        gt = <Tensor>y.cotangent.tensor
    elif gs != NULL:
        gt = adopt(layout, gs, g)
    else:
        gt = new_tensor(layout)
        memcpy(gt.data, g, layout.nbytes)
    return pull_all(y, gt, False, only_wanted)


cdef Tensor result_read(Tensor y, bint record):
    """What stands for `y` in its rule: the tensor, or its value as it was kept; recorded as a copy, so that it leads to `y`."""
    cdef Tensor kept, read
    if y.extra == NULL or (<Extra>y.extra).result is None:
        return y
    kept = (<Extra>y.extra).result
    if not record:
        return kept
    read = adopt(kept.layout, kept.storage, kept.data)
    link_unseen(read, (<Function>functions["copy"]).rule, (y,), NO_PARAMS, RULE)
    return read


cdef int pull_all(Tensor y, Tensor g, bint record, bint only_wanted) except -1:
    """Every operand's cotangent by the rule, which records as the sweep does, whatever its caller does."""
    cdef Block block = switched(record)
    try:
        return pull_operands(y, g, record, only_wanted)
    finally:
        close_block(block)


cdef int pull_operands(Tensor y, Tensor g, bint record, bint only_wanted) except -1:
    """Every operand's cotangent by the rule. A rule is Python code: afterwards an operand may belong to another sweep,
    and a value that the next part reads may be another one."""
    cdef tuple operands = node_operands(y)
    cdef dict params
    cdef Py_ssize_t k
    cdef Tensor x
    cdef int watch = fg_watch
    cdef list together = None
    cdef unsigned int number = y.sweep, flows = flows_of(y), versions = versions_in(operands) + version_of(y)
    if y.flags & FREED:
        raise errors.graph_freed(op_name(y))
    rule = rule_for(y)
    params = node_params(y)
    read = result_read(y, record)
    for k in range(len(operands)):
        o = operands[k]
        if type(o) is Tensor and takes(<Tensor>o, only_wanted) and nth_bit(flows, k):
            x = <Tensor>o
            inside = enter_rule(watch)
            try:
                if not rule.together:
                    gx = checked_call(rule.pull, (k, g, read, operands, params))
                else:
                    if together is None:
                        together = checked_call(rule.pull_all, (g, read, operands, params))
                    gx = together[k]
            finally:
                leave_rule(inside)
            if not same_shape((<Tensor?>gx).layout, x.layout) or (<Tensor>gx).layout.typenum != x.layout.typenum:
                raise errors.vjp_shape(rule.name, k, shape_tuple((<Tensor>gx).layout), shape_tuple(x.layout))
            if watch & ANOMALIES:
                look_at_gradient(y, g, <Tensor>gx)
            if y.flags & FREED:
                raise errors.graph_freed(op_name(y))
            if versions_in(operands) + version_of(y) != versions:
                check_versions(y)
            if y.sweep != number or x.sweep != number:
                raise errors.graph_changed()
            if watch & ANOMALIES:
                give_watched(x, <Tensor>gx, record)
            else:
                give_tensor(x, <Tensor>gx, record)
    return 0
