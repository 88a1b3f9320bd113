# Edges after a write. An edge names the generation of its operand, and leads to the tensor that the former node moved
# to. As `y /= y.sum()` would otherwise keep `y` alive through the sum, the edges near a write are made to point there.

cdef enum:
    MOST_SETTLED = 16       # nodes that a write looks at


cdef inline int forget_cycles(Tensor x) noexcept:
    """After a write to `x`: see to it that its graph does not hold `x`. Two references are those of the statement."""
    if Py_REFCNT(<PyObject*>x) > 2:
        settle_graph(x)
    return 0


cdef void settle_graph(Tensor x) noexcept:
    """Settle the edges of `x` and of the nodes next to it. May run Python code."""
    cdef PyObject* nodes[MOST_SETTLED]
    cdef PyObject* edge
    cdef Py_ssize_t j
    cdef int k = 0, n = 1
    Py_INCREF(x)
    nodes[0] = <PyObject*>x
    while k < n:
        settle_edges(<Tensor>nodes[k])
        for j in range(edge_count(<Tensor>nodes[k])):
            edge = edge_at(<Tensor>nodes[k], j)
            if n < MOST_SETTLED and edge != NULL and not is_leaf(<Tensor>edge):
                Py_INCREF(<object>edge)
                nodes[n] = edge
                n += 1
        k += 1
    for k in range(n):
        drop(nodes[k])


cdef void settle_edges(Tensor y) noexcept:
    cdef PyObject* edge
    cdef unsigned short gen
    if has_many(y):
        settle_many(y)
        return
    edge = edge1(y)
    if edge != NULL and edge != y.x1 and may_settle(y, y.x1, edge):
        gen = (<Tensor>edge).gen
        Py_INCREF(<object>edge)
        edge, y.x1, y.gen1 = y.x1, edge, gen
        drop(edge)
    edge = edge2(y)
    if edge != NULL and edge != y.x2 and may_settle(y, y.x2, edge):
        gen = (<Tensor>edge).gen
        Py_INCREF(<object>edge)
        edge, y.x2, y.gen2 = y.x2, edge, gen
        drop(edge)


cdef bint may_settle(Tensor y, PyObject* x, PyObject* former) noexcept:
    """Whether `y` need not find `x` any more. A view finds the owner of its memory, unless nobody else has that view,
    whose references are those of one edge, of `settle_graph`, and of its call."""
    if not y.flags & VIEW or y.storage != (<Tensor>x).storage:
        return True
    if Py_REFCNT(<PyObject*>y) > 3 or y.storage != (<Tensor>former).storage:
        return False
    y.gen = SETTLED     # `refresh` would take the former owner for the present one
    return True


cdef void settle_many(Tensor y) noexcept:
    """As `settle_edges`, of operands in a NodeExtra; without memory for another tuple the edges stay as they are."""
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef tuple operands = extra.operands
    cdef PyObject* edge
    cdef Py_ssize_t k
    cdef list items, gens
    cdef bint changes = False
    for k in range(len(operands)):
        edge = many_at(extra, k)
        if edge != NULL and edge != PyTuple_GET_ITEM(operands, k):
            changes |= may_settle(y, PyTuple_GET_ITEM(operands, k), edge)
    if not changes:
        return
    try:
        items, gens = list(operands), [0] * len(operands)
        for k in range(len(operands)):
            edge = many_at(extra, k)
            if edge == NULL:
                continue
            if may_settle(y, PyTuple_GET_ITEM(operands, k), edge):
                items[k] = <object>edge
                gens[k] = (<Tensor>edge).gen
            elif extra.gens is not None:
                gens[k] = extra.gens[k]
        settled = tuple(items)
    except MemoryError:
        return
    if extra.operands is operands:      # else Python code has freed the graph
        extra.operands, extra.gens = settled, gens
