# Walking the edges of a node: counting them in the first pass, releasing them in the second.

cdef inline bint is_wanted(Tensor x, Sweep* here) except -1:
    """Whether this sweep was asked for the gradient of `x`. The flag says only that some sweep once was."""
    return x.flags & WANTED != 0 and here.wanted != NULL and <size_t><PyObject*>x in <dict>here.wanted


cdef inline int enter_counting(PyObject* x, Sweep* here) except -1:
    """Make the scratch of `x` that of this sweep, `pending` excepted. Where the way was searched before, it is ours
    already."""
    if not here.only_wanted and ((<Tensor>x).flags & SCRATCH or (<Tensor>x).pending):
        enter_tensor(<Tensor>x, here)
    (<Tensor>x).sweep = here.number
    return 0


cdef inline int count_edge(PyObject* x, Sweep* here) except -1:
    """First pass, one edge: count it, and visit `x` if this is the first."""
    if not (<Tensor>x).flags & here.mask:
        return 0
    if (<Tensor>x).sweep == here.number:
        (<Tensor>x).pending = (<Tensor>x).pending + 1
        return 0
    enter_counting(x, here)
    (<Tensor>x).pending = 1
    if (<Tensor>x).op != LEAF:
        push(&here.ready, x)
    return 0


cdef inline int release_edge(PyObject* x, Sweep* here) except -1:
    """Second pass, one edge: its part has been handed over."""
    if (<Tensor>x).sweep != here.number:
        check_entered(x, here)          # an edge arrived that was never seen
    if not (<Tensor>x).flags & here.mask:
        return 0
    if FASTGRAD_DEBUG and (<Tensor>x).pending == 0:
        raise AssertionError("more edges arrived than were counted")
    (<Tensor>x).pending -= 1
    if (<Tensor>x).pending == 0:
        push_owned(&here.ready, <Tensor>x)
    return 0


cdef int check_edges(Tensor y, Sweep* here) except -1:
    """Before and after Python code of a sweep that others were in: `y` and its operands are still ours."""
    cdef NodeExtra extra
    cdef Tensor x
    cdef unsigned int flows
    cdef Py_ssize_t k
    cdef bint ours = y.sweep == here.number
    if y.extra != NULL and (<NodeExtra>y.extra).operands is not None:
        extra = <NodeExtra>y.extra
        flows = flows_of(y)
        for k in range(len(extra.operands)):
            if type(extra.operands[k]) is Tensor and nth_bit(flows, k):
                x = nth_operand(extra, k)
                ours = ours and is_entered(<PyObject*>x, here)
    else:
        if y.x1 != NULL and not y.flags & CONST1:
            ours = ours and is_entered(edge1(y), here)
        if y.x2 != NULL and not y.flags & CONST2:
            ours = ours and is_entered(edge2(y), here)
    if not ours:
        raise errors.graph_changed()
    return 0


cdef inline bint is_entered(PyObject* x, Sweep* here) noexcept:
    """Whether the scratch of `x`, if a gradient may flow to it, is that of this sweep."""
    return (not (<Tensor>x).flags & REQUIRES_GRAD or (<Tensor>x).sweep == here.number
            or (here.way != 0 and (<Tensor>x).sweep == here.way))


cdef inline PyObject* edge1(Tensor y) noexcept:
    return y.x1 if (<Tensor>y.x1).gen == y.gen1 else resolve_at(y.x1, y.gen1)


cdef inline PyObject* edge2(Tensor y) noexcept:
    return y.x2 if (<Tensor>y.x2).gen == y.gen2 else resolve_at(y.x2, y.gen2)


cdef inline int walk_edges(Tensor y, Sweep* here, bint counting) except -1:
    """Both passes: every edge of `y` along which a gradient flows."""
    if y.extra != NULL and (<NodeExtra>y.extra).operands is not None:
        return walk_many(y, here, counting)
    if y.x1 != NULL and not y.flags & CONST1:
        if counting:
            count_edge(edge1(y), here)
        else:
            release_edge(edge1(y), here)
    if y.x2 != NULL and not y.flags & CONST2:
        if counting:
            count_edge(edge2(y), here)
        else:
            release_edge(edge2(y), here)
    return 0


cdef int walk_many(Tensor y, Sweep* here, bint counting) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Py_ssize_t k
    cdef Tensor x
    cdef unsigned int flows = flows_of(y)
    for k in range(len(extra.operands)):
        if type(extra.operands[k]) is Tensor:
            x = nth_operand(extra, k)
            if x.flags & REQUIRES_GRAD and nth_bit(flows, k):
                if counting:
                    count_edge(<PyObject*>x, here)
                else:
                    release_edge(<PyObject*>x, here)
    return 0
