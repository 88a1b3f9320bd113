# What the families share: operands as calls give them, recording of a result, and memory of a backward.

cdef inline const char* data_or_null(Tensor x) noexcept:
    return NULL if x is None else x.data


cdef object tensor_or_number(object o):
    return as_tensor(o) if PyArray_Check(o) else o


cdef inline bint same_kernel(Tensor a, Tensor b) noexcept:
    return a.layout.kernel != NO_KERNEL and a.layout.kernel == b.layout.kernel


cdef bint check_operands(tuple operands) except -1:
    """Check all Tensors of `operands` for writes that were not recorded. Return whether one wants a gradient."""
    cdef PyObject** borrowed = PySequence_Fast_ITEMS(operands)
    cdef bint wanted = False
    for k in range(len(operands)):
        if is_tensor(<object>borrowed[k]):
            check_fresh(<Tensor>borrowed[k])
            wanted = wanted or wants_grad(<Tensor>borrowed[k])
    return wanted


cdef inline bint link_wanted(Tensor y, int op, Tensor x) except -1:
    """Record `y = op(x)` if a gradient is wanted. Return whether it is."""
    if not wants_grad(x):
        return False
    link1(y, op, guarded(x, op, READS_X1))
    return True


cdef inline bint link_unwritten(Tensor y, int op, Tensor x, const Outside* o) except -1:
    """As `link_wanted`, after a kernel that reads `x` and may have left the GIL."""
    if not wants_grad(x):
        return False
    check_unwritten(o, op, x, None, None)
    link1(y, op, guarded(x, op, READS_X1))
    return True


cdef tuple private_operands(unsigned int reads, tuple operands):
    """The operands; copies of those that the backward reads and others may write."""
    cdef Py_ssize_t k
    for k in range(len(operands)):
        if is_tensor(operands[k]):
            x = guarded_by(<Tensor>operands[k], nth_bit(reads, k))
            if x is not operands[k]:
                operands = operands[:k] + (x,) + operands[k + 1:]
    return operands


cdef inline NodeExtra link_operands(Tensor y, int op, tuple operands, dict params):
    """As `link_many` for a built-in op; what its backward reads is kept from writes by others."""
    link_many(y, rule_of[op], private_operands(table[op].operand_reads, operands), params, op)
    return <NodeExtra>y.extra


cdef Tensor wanted_operand(Tensor y, Py_ssize_t k, bint only_wanted):
    """Operand `k` of `y` if the sweep goes to it; None where it does not, or where that is no Tensor. Raise if another
    thread has put another tensor in its place while a kernel was outside."""
    cdef NodeExtra extra = <NodeExtra>y.extra
    if not is_tensor(extra.operands[k]):
        return None
    cdef Tensor x = nth_operand(extra, k)
    if not takes(x, only_wanted):
        return None
    if x.sweep != y.sweep:
        raise errors.graph_changed()
    return x


cdef char* keep_block(Tensor y, Py_ssize_t nbytes) except NULL:
    """A block that the forward fills for the backward of `y`. Python code may run."""
    cdef NodeExtra extra = extra_of(y)
    extra.kept = storage_new(nbytes)
    return payload(extra.kept)


cdef int accumulate_block(Tensor x, Storage* part) except -1:
    """Add a cotangent in a block that nobody else reads to that of `x`; the block is released."""
    try:
        return accumulate(x, payload(part), NULL if is_small(x.layout) else part)
    finally:
        storage_release(part)


cdef int accumulate_broadcast(Tensor x, const Layout* layout, Storage* part) except -1:
    """As `accumulate_block`, summed over the axes along which `x` is broadcast to `layout`."""
    if same_shape(layout, x.layout):
        return accumulate_block(x, part)
    try:
        return accumulate_summed(x, layout, payload(part), part)
    finally:
        storage_release(part)


cdef int accumulate_summed(Tensor x, const Layout* layout, const char* g, Storage* gs) except -1:
    """Add `g`, of `layout` and in the block `gs`, to the cotangent of `x`, summed over the axes along which `x` is
    broadcast."""
    cdef bint add
    gx = cotangent_buffer(x, &add)
    return sum_into(layout, g, x.layout, gx, add, gs, cotangent_block(x))
