# Joining tensors: each operand is copied to its place in the result, and receives the cotangent of that place.

cdef Tensor join(int op, tuple given, object axis, bint stacks):
    """Join tensors of one kernel dtype along an axis, or along a new one if `stacks`."""
    cdef Py_ssize_t[64] shape
    cdef Py_ssize_t[64] strides
    cdef Py_ssize_t at = 0, length = 0, a
    cdef int k, ndim
    cdef Tensor x, y
    cdef list operands = []
    cdef bint wanted = False, left = False
    cdef unsigned int versions = 0
    cdef Outside out
    for o in given:
        operands.append(tensor_or_number(o))
    if not operands or not is_tensor(operands[0]):
        return None
    cdef Layout* first = (<Tensor>operands[0]).layout
    ndim = first.ndim + stacks
    if first.kernel == NO_KERNEL or not read_axis(axis, ndim, &a) or ndim > MAX_NDIM:
        return None
    for o in operands:
        if not is_tensor(o):
            return None
        x = <Tensor>o
        if x.layout.typenum != first.typenum or x.layout.ndim != first.ndim:
            return None
        for k in range(first.ndim):
            if x.layout.shape[k] != first.shape[k] and (stacks or k != a):
                return None
        check_fresh(x)
        length += 1 if stacks else x.layout.shape[a]
        wanted = wanted or wants_grad(x)
    for k in range(ndim):
        shape[k] = length if k == a else first.shape[k - (stacks and k > a)]
    y = new_tensor(layout_get(first.typenum, first.itemsize, ndim, shape, NULL))
    cdef Layout* layout = y.layout
    part_strides(layout, a, stacks, strides)
    if layout.nbytes >= LEAVES_BYTES:
        versions = versions_in(operands)
    for o in operands:
        x = <Tensor>o
        go_outside(&out, x.layout.nbytes, x, None, None, NULL, NULL)
        copy_door(layout.itemsize, x.layout, x.data, x.layout.strides, y.data + at * layout.strides[a], strides)
        come_back(&out)
        left |= out.left
        at += 1 if stacks else x.layout.shape[a]
    if wanted:
        if left and versions_in(operands) != versions:
            raise errors.written_meanwhile(op_names[op])
        link_many(y, rule_of[op], tuple(operands), {"axis": axis}, op)
        (<NodeExtra>y.extra).numbers[0] = a
    return y


cdef inline void part_strides(const Layout* layout, Py_ssize_t axis, bint stacks, Py_ssize_t* strides) noexcept nogil:
    """The strides of one operand's place in a result of this layout."""
    cdef int k, n = 0
    for k in range(layout.ndim):
        if not stacks or k != axis:
            strides[n] = layout.strides[k]
            n += 1


cdef int backward_join(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Py_ssize_t[64] strides
    cdef Py_ssize_t axis = extra.numbers[0], k
    cdef Tensor x = nth_operand(extra, 0)
    cdef bint stacks = x.layout.ndim < y.layout.ndim
    part_strides(y.layout, axis, stacks, strides)
    for k in range(len(extra.operands)):
        x = wanted_operand(y, k, only_wanted)
        if x is not None:
            whole = layout_contiguous(x.layout)
            accumulate_strided(x, whole, g, gs, strides, 0, whole.strides)
        g += (1 if stacks else (<Tensor>extra.operands[k]).layout.shape[axis]) * y.layout.strides[axis]
    return 0


cdef Tensor sole_part(Tensor y, bint only_wanted, Py_ssize_t* first):
    """The operand of the matrix `y` that alone receives a gradient if `y` joins matrices side by side, and its first
    column in `y`; else None. What needs the whole cotangent of `y` prevents this."""
    cdef Py_ssize_t at = 0, k
    cdef Tensor x, found = None
    if y.op != CONCAT or y.layout.ndim != 2 or y.flags & (HOOKED | RETAIN | INPUT | FREED) or not has_many(y):
        return None
    if (<NodeExtra>y.extra).numbers[0] != 1:
        return None
    for k in range(edge_count(y)):
        x = nth_operand(<NodeExtra>y.extra, k)
        if takes(x, only_wanted):
            if found is not None:
                return None
            found = x
            first[0] = at
        at += x.layout.shape[1]
    return found


cdef Tensor record_concat(int op, PyObject** given):
    return join(op, <tuple><object>given[0], <object>given[1], False)


cdef Tensor record_stack(int op, PyObject** given):
    return join(op, <tuple><object>given[0], <object>given[1], True)


cdef int CONCAT = register_op("concat", "xs axis", record_concat, backward_join)
register_op("stack", "xs axis", record_stack, backward_join)
