# One backward per kind of op: takes the cotangent of `y` at `g`, adds to the cotangents of the operands that want one.

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
    """What stands for `y` in its rule: the tensor, or its value as it was kept; recorded as a copy, so that it leads to
    `y`."""
    cdef Tensor kept, read
    if y.extra == NULL or (<NodeExtra>y.extra).result is None:
        return y
    kept = (<NodeExtra>y.extra).result
    if not record:
        return kept
    read = adopt(kept.layout, kept.storage, kept.data)
    link_unseen(read, (<Function>functions["copy"]).rule, (y,), NO_PARAMS, RULE)
    return read


cdef int pull_all(Tensor y, Tensor g, bint record, bint only_wanted) except -1:
    """Every operand's cotangent by the rule, which records as the sweep does, whatever its caller does."""
    cdef GradScope block = switched(record)
    try:
        return rule_cotangents(y, g, record, only_wanted)
    finally:
        close_scope(block)


cdef int rule_cotangents(Tensor y, Tensor g, bint record, bint only_wanted) except -1:
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
                inspect_gradient(y, g, <Tensor>gx)
            if y.flags & FREED:
                raise errors.graph_freed(op_name(y))
            if versions_in(operands) + version_of(y) != versions:
                check_versions(y)
            if y.sweep != number or x.sweep != number:
                raise errors.graph_changed()
            if watch & ANOMALIES:
                accumulate_watched(x, <Tensor>gx, record)
            else:
                accumulate_tensor(x, <Tensor>gx, record)
    return 0


table[<int>RULE].backward = backward_rule      # of every op without a kernel
