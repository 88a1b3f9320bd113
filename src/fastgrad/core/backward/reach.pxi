# Which tensors lead to an input of `gradients`.

cdef inline int check_mark(Tensor x, Sweep* here, bint* leads) except -1:
    if x.flags & REQUIRES_GRAD:
        if x.sweep != here.number:
            enter_tensor(x, here)
        if not x.flags & REACH_KNOWN:
            push(&here.ready, <PyObject*>x)
        elif x.flags & REACHES_INPUT:
            leads[0] = True
    return 0


cdef int mark_from(Tensor y, Sweep* here) except -1:
    """Push the operands that are not decided yet; where there are none, decide `y`."""
    cdef NodeExtra extra
    cdef bint leads = is_wanted(y, here)
    cdef unsigned int flows
    cdef Py_ssize_t k, before = here.ready.n
    if y.flags & FREED and not leads:
        raise errors.graph_freed(op_name(y))
    if leads and here.partial:
        pass
    elif y.extra != NULL and (<NodeExtra>y.extra).operands is not None:
        extra = <NodeExtra>y.extra
        flows = flows_of(y)
        for k in range(len(extra.operands)):
            if type(extra.operands[k]) is Tensor and nth_bit(flows, k):
                check_mark(nth_operand(extra, k), here, &leads)
    else:
        if y.x1 != NULL and not y.flags & CONST1:
            check_mark(<Tensor>edge1(y), here, &leads)
        if y.x2 != NULL and not y.flags & CONST2:
            check_mark(<Tensor>edge2(y), here, &leads)
    if here.ready.n == before:
        y.flags |= <int>(REACH_KNOWN | REACHES_INPUT) if leads else <int>REACH_KNOWN
        here.ready.n -= 1
    return 0


cdef int mark_reachable(Tensor root, Sweep* here) except -1:
    """Mark every tensor from which a WANTED one is reached: depth first, operands before what came of them."""
    cdef Tensor y
    if root.sweep != here.number:
        enter_tensor(root, here)
        push(&here.ready, <PyObject*>root)
    while here.ready.n:
        y = <Tensor>here.ready.items[here.ready.n - 1]
        if y.flags & REACH_KNOWN:
            here.ready.n -= 1       # two edges had pushed it
        else:
            mark_from(y, here)
    return 0
