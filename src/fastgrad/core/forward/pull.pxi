# Reverse mode for several cotangents at once: the sweep of `jacobian`, which keeps the graph.

def pull_back(outputs, inputs, cotangents, *, Py_ssize_t batch, bint create_graph=False):
    """Return the gradients of the inputs, None where they are zero, for a batch of cotangents of the outputs.

    Cotangents and results have an additional axis 0 of length `batch`. Hooks are not run.
    """
    cdef tuple ys = tuple(outputs), xs = tuple(inputs)
    cdef Tensor y
    for o in ys + xs:
        if type(o) is not Tensor or not (<Tensor>o).flags & REQUIRES_GRAD:
            raise TypeError("pull_back takes recorded Tensors and leaves that require a gradient")
    for y in ys:
        check_fresh(y)
    cdef dict found = given_by_tensor(ys, cotangents, batch, "cotangents")
    cdef Scope block = None
    if not ys or not xs:
        return (None,) * len(xs)
    cdef set ends = set(xs), roots = set(ys)
    cdef list nodes = order_nodes(ys, marked_inputs(xs))
    cdef set wanted = set(nodes)
    cdef Py_ssize_t k
    try:
        block = switched(create_graph)
        for k in range(len(nodes) - 1, -1, -1):
            y = nodes[k]
            if y not in ends and y in found:
                pull_node(y, found.pop(y), found, wanted, batch, create_graph)
    finally:
        close_scope(block)
    cdef list results = []
    for y in xs:
        g = found.get(y)
        results.append(None if g is None else own_direction(<Tensor>g, cotangents if y in roots else (), create_graph))
    return tuple(results)


cdef int pull_node(Tensor y, Tensor g, dict found, set wanted, Py_ssize_t batch, bint record) except -1:
    """Add what the cotangents of `y` contribute to those of its operands."""
    cdef Py_ssize_t k
    cdef list gxs = None
    cdef Tensor x
    check_unfreed(y)
    check_versions(y)
    cdef bint direct = not record and g.layout.flags & C_CONTIGUOUS != 0 and has_plain_kernels(y)
    for k in range(edge_count(y)):
        edge = edge_at(y, k)
        if edge == NULL or not flows_along(y, k) or <object>edge not in wanted:
            continue
        x = <Tensor>edge
        gx = pull_by_kernel(y, <int>k, g, batch) if direct else None
        if gx is None:
            if gxs is None:
                gxs = pull_by_rule(y, g, wanted, batch, record)
            gx = gxs[k]
        if gx is not None:
            found[x] = functions["add"](found[x], gx) if x in found else gx
    return 0


cdef Tensor pull_by_kernel(Tensor y, int k, Tensor g, Py_ssize_t batch):
    cdef int dtype = y.layout.kernel
    cdef Tensor read = result_read(y, False), out
    if not read.layout.flags & C_CONTIGUOUS:
        return None
    if kernels[y.op].nin == 2 and copies(kernels[y.op].x2[dtype] if k else kernels[y.op].x1[dtype], dtype):
        return g
    out = new_tensor(batched_layout(y.layout, batch))
    apply_kernel(y, k, read, g, out, False)
    return out


cdef list pull_by_rule(Tensor y, Tensor g, set wanted, Py_ssize_t batch, bint record):
    """The cotangents of all wanted operands by the rule. Runs Python code."""
    cdef Function f = <Function?>rule_for(y).function
    cdef tuple operands = node_operands(y)
    cdef dict params = node_params(y)
    cdef list gxs = []
    cdef Py_ssize_t k
    read = result_read(y, record)
    cdef bint inside = f.built_in and not record and enter_context(&backward_context)
    try:
        if f.together:
            gxs = list(f.rule.pull_all_batch(g, read, operands, params, batch))
        else:
            for k in range(len(operands)):
                o = operands[k]
                if type(o) is Tensor and flows_along(y, k) and o in wanted:
                    gxs.append(f.rule.pull_batch(k, g, read, operands, params, batch))
                else:
                    gxs.append(None)
    finally:
        if inside:
            exit_context(&backward_context)
    for k in range(len(operands)):
        gx = gxs[k]
        if gx is None or type(operands[k]) is not Tensor:
            gxs[k] = None
        elif type(gx) is not Tensor or not fits_batch(<Tensor>gx, <Tensor>operands[k], batch):
            wanted_shape = (batch,) + shape_tuple((<Tensor>operands[k]).layout)
            raise errors.vjp_shape(f.rule.name, k, getattr(gx, "shape", gx), wanted_shape)
    check_unfreed(y)
    if not f.built_in:
        check_versions(y)
    return gxs
