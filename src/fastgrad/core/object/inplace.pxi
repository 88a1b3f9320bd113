# In-place writes. A recorded write makes a tensor another node of the graph. Its former node moves to a new tensor,
# where edges recorded earlier find it.

cdef bint overlaps_itself(const Layout* layout) except -1:
    """Whether elements may share memory, as after a broadcast or in a sliding window."""
    return not layout.flags & C_CONTIGUOUS and parameters.overlaps(
        shape_tuple(layout), numbers_tuple(layout.strides, layout.ndim), layout.itemsize)


cdef int check_writable(Tensor x) except -1:
    if (x.storage != NULL and x.storage.flags & READ_ONLY) or overlaps_itself(x.layout):
        raise errors.read_only()
    if fg_grad_off == 0 and x.flags & REQUIRES_GRAD and is_leaf(x):
        raise errors.leaf_written()
    return 0


cdef Tensor snapshot(Tensor x, bint keep_value):
    """A tensor for the node that `x` is, entered in the history of `x`. All that may fail is done here: a failed
    write leaves `x` as it was: `move_node` completes it, `forget_snapshot` undoes it."""
    move_out(x)
    if x.gen == 65535:
        raise errors.too_many_writes()
    if keep_value:
        old = private_copy(x)
        move_out(old)
        old.storage.version = x.storage.version
        old.storage.taken = x.storage.version
    else:
        old = adopt(x.layout, x.storage, x.data)
    cdef NodeExtra extra = extra_of(old)       # `move_node` exchanges it with that of `x`
    extra.history = (<NodeExtra>x.extra).history if x.extra != NULL else None
    if extra.history is None:
        extra.history = []
    if fg_watch & BIRTHS:
        note_move(x, old)
    extra.history.append((x.gen, old))
    return old


cdef int forget_snapshot(Tensor old) except -1:
    cdef list history = (<NodeExtra>old.extra).history
    cdef Py_ssize_t k
    for k in range(len(history) - 1, -1, -1):       # Python code may have written to `x` since
        if (<tuple>history[k])[1] is old:
            del history[k]
            break
    return 0


cdef int check_fits(Tensor x, Tensor z, str name) except -1:
    """Raise unless `x` can take the value of `z`."""
    if not same_shape(x.layout, z.layout):
        raise errors.inplace_shape(name, shape_tuple(z.layout), shape_tuple(x.layout))
    if x.layout.typenum != z.layout.typenum and not np.can_cast(dtype_of(z), dtype_of(x), "same_kind"):
        raise errors.inplace_dtype(name, dtype_of(z), dtype_of(x))
    return 0


cdef object write_inplace(Tensor x, Tensor z, str name):
    """Give `x` the value and the node of `z`, a result computed from `x`; returns `x`."""
    cdef Tensor old, value = None
    cdef unsigned short gen = x.gen
    cdef bint foreign, moves
    if postponed_values != NULL:
        before_write(x)
        ready(z)
    if x.flags & VIEW and fg_grad_off == 0 and (x.flags | z.flags) & REQUIRES_GRAD:
        return write_through(x, z, name)
    check_writable(x)
    check_fits(x, z, name)
    if fg_capture != NULL:
        capture_operand(x)
    if x.layout.typenum != z.layout.typenum:
        z = functions["astype"](z, dtype_of(x))
    cdef bint recorded = z.flags & REQUIRES_GRAD != 0
    if recorded:
        foreign = x.storage != NULL and x.storage.flags & FOREIGN_WRITABLE != 0
        if not x.layout.flags & C_CONTIGUOUS or (foreign and reads_result(z)):
            leave_to_rule(z)
        reads_y = reads_result(z)
        if reads_y and foreign:
            value = detached(z)
        moves = takes_memory(x, z)
        old = snapshot(x, not moves)
        operands = operands_after(x, z, old)
        if x.gen != gen:        # by Python code since `z` was recorded
            forget_snapshot(old)
            raise errors.written_meanwhile(name)
        move_node(x, z, old, operands)
        if reads_y:
            x.saved += version_of(x) + 1 - version_of(z)
            (<NodeExtra>x.extra).result = value
        if moves:
            take_memory(x, z)
            forget_cycles(x)
            return x
    bump_version(x)
    if x.storage != NULL:
        note_write(x.storage, whole_region(x))
    copy_door(x.layout.itemsize, x.layout, z.data, z.layout.strides, x.data, x.layout.strides)
    if recorded:
        x.storage.taken = x.storage.version
        forget_cycles(x)
    return x


cdef bint takes_memory(Tensor x, Tensor z) noexcept:
    """Whether `x` can take the memory of `z` instead of its value, so that its former value remains where it is: nobody
    else has an interest in either."""
    return (x.storage != NULL and x.storage.refs == 1 and x.storage.flags == 0 and x.storage.base == NULL
            and z.storage != NULL and z.storage.refs == 1 and z.storage.flags == 0 and z.storage.base == NULL
            and x.layout == z.layout and x.layout.flags & C_CONTIGUOUS and not z.flags & VIEW)


cdef void take_memory(Tensor x, Tensor z) noexcept:
    """Move `x` to the memory of `z`, as if its value had been written."""
    cdef unsigned int version = x.storage.version + 1
    storage_release(x.storage)
    x.storage = storage_keep(z.storage)
    x.data = z.data
    x.storage.version = version
    x.storage.taken = version


cdef int leave_to_rule(Tensor z) except -1:
    """Have the rule do the backward of `z`: kernels read a result that lies in C order, in memory of ours."""
    if z.op != RULE:
        z.saved = 0
        link_unseen(z, rule_for(z), node_operands(z), node_params(z), RULE)
        drop_edges(z)
    return 0


cdef tuple operands_after(Tensor x, Tensor z, Tensor old):
    """The operands of `z` with `old` in place of `x`; None if they are not in its NodeExtra."""
    if not has_many(z):
        return None
    cdef list operands = []
    try:
        for o in (<NodeExtra>z.extra).operands:
            operands.append(old if o is x else o)
        return tuple(operands)
    except BaseException:
        forget_snapshot(old)
        raise


cdef void move_node(Tensor x, Tensor z, Tensor old, tuple operands) noexcept:
    """Move the node that `x` is to `old`, and that of `z` to `x`. Hooks stay with the former value."""
    move_edges(x, old, REQUIRES_GRAD | CONST1 | CONST2 | OBJECT2 | FREED | VIEW | HOOKED)
    old.gen = x.gen
    x.gen += 1
    old.extra, x.extra = x.extra, old.extra
    if old.extra != NULL:
        (<NodeExtra>old.extra).history = None
    move_edges(z, x, REQUIRES_GRAD | CONST1 | CONST2 | OBJECT2)
    take_class(x, <PyObject*>z)
    x.x1 = redirect(x.x1, x, old, x.flags & CONST1 != 0)
    x.x2 = redirect(x.x2, x, old, x.flags & CONST2 != 0)
    if z.extra != NULL:
        (<NodeExtra>z.extra).history = (<NodeExtra>x.extra).history
        (<NodeExtra>z.extra).operands = operands
        x.extra, z.extra = z.extra, x.extra


cdef inline void move_edges(Tensor source, Tensor target, int flags) noexcept:
    target.op = source.op
    target.x1 = source.x1
    target.x2 = source.x2
    target.gen1 = source.gen1
    target.gen2 = source.gen2
    target.saved = source.saved
    target.flags |= source.flags & flags
    source.x1 = NULL
    source.x2 = NULL
    source.flags &= ~flags


cdef PyObject* redirect(PyObject* edge, Tensor x, Tensor old, bint constant) noexcept:
    """An edge of a result that becomes one of `x`; an edge to `x` becomes one to `old`."""
    if constant or edge != <PyObject*>x:
        return edge
    Py_INCREF(old)
    Py_DECREF(x)
    return <PyObject*>old


cdef inline bint writes_directly(int op, Tensor x, int flags) noexcept:
    """Whether `x op= other` can be done by NumPy's loop in place. `flags` are those of both operands."""
    cdef Layout* layout = x.layout
    return (layout.kernel != NO_KERNEL and layout.flags & C_CONTIGUOUS and (x.storage == NULL or x.storage.flags == 0)
            and kernels[op].loop[layout.kernel].run != NULL
            and (not flags & (REQUIRES_GRAD | VIEW) or fg_grad_off))


cdef inline Tensor write_directly(int op, Tensor x, const void* other, Py_ssize_t step):
    cdef Layout* layout = x.layout
    bump_version(x)
    if fg_capture != NULL:
        capture_operand(x)
    update2(&kernels[op].loop[layout.kernel], x.data, other, step, layout.size, layout.itemsize)
    return x


cdef inline object kept_apart(Tensor x, object other):
    """`other`, or its copy if `x op= other` would overwrite what the backward may read: as of `y.T *= y`."""
    if (is_tensor(other) and (<Tensor>other).storage == x.storage and x.storage != NULL and other is not x
            and fg_grad_off == 0 and (is_recorded(x) or is_recorded(other))):
        return copy_of_overlap(x, <Tensor>other)
    return other


cdef object copy_of_overlap(Tensor x, Tensor other):
    cdef Region a = whole_region(x), b = whole_region(other)
    return other if other.flags & VIEW and are_disjoint(&a, &b) else functions["copy"](other)


cdef inline object inplace(int op, Tensor x, object other):
    """`x op= other`."""
    cdef Layout* layout = x.layout
    cdef double c
    cdef float narrow
    if fg_capture != NULL and is_number_argument(<PyObject*>x):
        return NotImplemented       # so that `x += 1` of a number is `x = x + 1`, which leaves other names for it alone
    if is_tensor(other):
        b = <Tensor>other
        if (b.layout == layout and (x.storage != b.storage or x.data == b.data)
                and writes_directly(op, x, x.flags | b.flags)):
            check_fresh(b)
            return write_directly(op, x, b.data, layout.itemsize)
    elif type(other) is float and op != POWER and writes_directly(op, x, x.flags):
        c = other
        narrow = <float>c
        check_fresh(x)
        return write_directly(op, x, &c if layout.kernel == F64 else <void*>&narrow, 0)
    result = binary_any(op, x, kept_apart(x, other))
    return result if result is NotImplemented else write_inplace(x, <Tensor>result, op_names[op])


cdef object inplace_named(str name, Tensor x, object other):
    if fg_capture != NULL and is_number_argument(<PyObject*>x):
        return NotImplemented
    return write_inplace(x, functions[name](x, kept_apart(x, other)), name)
