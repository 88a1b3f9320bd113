# Joining tensors: every operand is copied to its place, and its place of the cotangent goes back to it.

cdef Tensor join(int op, tuple operands, object axis, bint stacks):
    """Join tensors along an axis, or a new one if `stacks`. Takes tensors of one kernel dtype; None where only the rule
    can, or can say why not."""
    cdef Py_ssize_t[64] shape
    cdef Py_ssize_t[64] strides
    cdef Py_ssize_t at = 0, length = 0, a
    cdef int k, ndim
    cdef Layout* first
    cdef Layout* layout
    cdef Tensor x, y
    cdef bint record = False
    if not read_int(axis, &a) or not operands:
        return None
    given = []
    for o in operands:
        given.append(tensor_or_number(o))
    operands = tuple(given)
    if type(operands[0]) is not Tensor:
        return None
    first = (<Tensor>operands[0]).layout
    ndim = first.ndim + stacks
    if a < 0:
        a += ndim
    if first.kernel == NO_KERNEL or a < 0 or a >= ndim or ndim > MAX_NDIM:
        return None
    for o in operands:
        if type(o) is not Tensor:
            return None
        x = <Tensor>o
        if x.layout.typenum != first.typenum or x.layout.ndim != first.ndim:
            return None
        for k in range(first.ndim):
            if x.layout.shape[k] != first.shape[k] and (stacks or k != a):
                return None
        check_fresh(x)
        length += 1 if stacks else x.layout.shape[a]
        record = record or wants_grad(x)
    for k in range(ndim):
        shape[k] = length if k == a else first.shape[k - (stacks and k > a)]
    y = new_tensor(layout_get(first.typenum, first.itemsize, ndim, shape, NULL))
    layout = y.layout
    part_strides(layout, a, stacks, strides)
    for o in operands:
        x = <Tensor>o
        copy_strided(layout.itemsize, x.layout, x.data, x.layout.strides, y.data + at * layout.strides[a], strides)
        at += 1 if stacks else x.layout.shape[a]
    if record:
        link_many(y, rule_of[op], operands, {"axis": axis}, op)
        (<NodeExtra>y.extra).numbers[0] = a
    return y


cdef inline void part_strides(const Layout* layout, Py_ssize_t axis, bint stacks, Py_ssize_t* strides) noexcept nogil:
    """The strides of one operand's place in a result of this layout."""
    cdef int k, n = 0
    for k in range(layout.ndim):
        if not stacks or k != axis:
            strides[n] = layout.strides[k]
            n += 1


cdef int split_cotangent(Tensor y, char* g, bint only_wanted, bint stacks) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Py_ssize_t[64] strides
    cdef Py_ssize_t axis = extra.numbers[0], at = 0, k
    cdef Layout* layout = y.layout
    cdef Layout* whole
    cdef Tensor x
    cdef char* where
    cdef bint add
    part_strides(layout, axis, stacks, strides)
    for k in range(len(extra.operands)):
        x = nth_operand(extra, k)
        if takes(x, only_wanted):
            whole = layout_contiguous(x.layout)
            cotangent_buffer(x, &where, &add)
            if add:
                add_strided(layout.kernel, whole, g + at * layout.strides[axis], strides, where, whole.strides)
            else:
                copy_strided(layout.itemsize, whole, g + at * layout.strides[axis], strides, where, whole.strides)
        at += 1 if stacks else x.layout.shape[axis]
    return 0


cdef Tensor record_concat(int op, PyObject** given):
    return join(op, <tuple><object>given[0], <object>given[1], False)


cdef Tensor record_stack(int op, PyObject** given):
    return join(op, <tuple><object>given[0], <object>given[1], True)


cdef int backward_concat(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    return split_cotangent(y, g, only_wanted, False)


cdef int backward_stack(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    return split_cotangent(y, g, only_wanted, True)


register_op("concat", "xs axis", record_concat, backward_concat)
register_op("stack", "xs axis", record_stack, backward_stack)
