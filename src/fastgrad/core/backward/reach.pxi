# Which tensors lead to an input of `gradients`.

cdef inline int mark_edge(PyObject* x, Sweep* here) except -1:
    """Schedule the operand if it is undecided. Returns whether it is known to lead to an input."""
    if not (<Tensor>x).flags & REQUIRES_GRAD:
        return 0
    if (<Tensor>x).sweep != here.number:
        enter_tensor(<Tensor>x, here)
    if (<Tensor>x).flags & REACH_KNOWN:
        return (<Tensor>x).flags & REACHES_INPUT != 0
    return push(&here.ready, x)


cdef int mark_from(Tensor y, Sweep* here) except -1:
    """Schedule the operands of `y` that are undecided; if there are none, decide `y`."""
    cdef bint leads = is_input(y, here)
    cdef Py_ssize_t before = here.ready.n
    if y.flags & FREED and not leads:
        raise errors.graph_freed(op_name(y))
    if not (leads and here.partial):
        leads |= walk_edges(y, here, mark_edge)
    if here.ready.n == before:
        if leads and here.ordered:
            y.pending = <unsigned int>here.leaves.n
            push_owned(&here.leaves, y)
        y.flags |= <int>(REACH_KNOWN | REACHES_INPUT) if leads else <int>REACH_KNOWN
        here.ready.n -= 1
    return 0


cdef int mark_reachable(Tensor root, Sweep* here) except -1:
    """Mark every tensor from which an input is reached: depth first, operands before their consumers."""
    if root.sweep != here.number:
        enter_tensor(root, here)
        push(&here.ready, <PyObject*>root)
    while here.ready.n:
        y = <Tensor>here.ready.items[here.ready.n - 1]
        if y.flags & REACH_KNOWN:
            here.ready.n -= 1       # two edges had scheduled it
        else:
            mark_from(y, here)
    return 0
