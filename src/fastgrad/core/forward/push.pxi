# Forward mode: tangents of the inputs are pushed along the recorded graph, operands before their consumers. The
# Jacobian of an elementwise op is diagonal, and so its own transpose: its backward kernels are those of forward mode.

def push_forward(outputs, inputs, tangents, *, Py_ssize_t batch=SINGLE, bint create_graph=False):
    """Return the tangents of the outputs, None where they are zero, for tangents of the inputs.

    With `batch`, tangents and results have an additional axis 0 of that length. The graph is kept.
    """
    cdef tuple ys = tuple(outputs), xs = tuple(inputs)
    cdef Tensor y
    for o in ys + xs:
        if type(o) is not Tensor or not (<Tensor>o).flags & REQUIRES_GRAD:
            raise TypeError("push_forward takes recorded Tensors and leaves that require a gradient")
    for y in ys:
        check_fresh(y)
    cdef dict found = given_by_tensor(xs, tangents, batch, "tangents")
    cdef Scope block = None
    if not ys or not xs:
        return (None,) * len(ys)
    cdef set ends = set(xs)
    cdef list nodes = order_nodes(ys, marked_inputs(xs))
    try:
        block = switched(create_graph)
        for y in nodes:
            if y not in ends:
                push_node(y, found, batch, create_graph)
    finally:
        close_scope(block)
    cdef list results = []
    for y in ys:
        t = found.get(y)
        results.append(None if t is None else own_direction(<Tensor>t, tangents if y in ends else (), create_graph))
    return tuple(results)


cdef int push_node(Tensor y, dict found, Py_ssize_t batch, bint record) except -1:
    """Compute the tangent of `y`, if one of its operands has one."""
    cdef Py_ssize_t k
    cdef list tangents = []
    cdef bint some = False
    check_unfreed(y)
    for k in range(edge_count(y)):
        x = edge_at(y, k)
        t = None
        if x != NULL and flows_along(y, k):
            t = found.get(<object>x)
            some = some or t is not None
        tangents.append(t)
    if not some:
        return 0
    check_versions(y)
    t = None if record else push_by_kernels(y, tangents, batch)
    if t is None:
        t = push_by_rule(y, tangents, batch, record)
    if t is not None:
        found[y] = t
    return 0


cdef Tensor push_by_kernels(Tensor y, list tangents, Py_ssize_t batch):
    """The tangent of an elementwise result; None where its rule does it."""
    cdef int k, dtype = y.layout.kernel
    cdef Tensor out = None, read = result_read(y, False), t
    if not has_plain_kernels(y) or not read.layout.flags & C_CONTIGUOUS:
        return None
    for k in range(2):
        if tangents[k] is not None and not (<Tensor>tangents[k]).layout.flags & C_CONTIGUOUS:
            return None
    for k in range(2):
        t = tangents[k]
        if t is None:
            continue
        if tangents[1 - k] is None and kernels[y.op].nin == 2 and copies(
                kernels[y.op].x2[dtype] if k else kernels[y.op].x1[dtype], dtype):
            return t
        if out is None:
            out = new_tensor(batched_layout(y.layout, batch))
            apply_kernel(y, k, read, t, out, False)
        else:
            apply_kernel(y, k, read, t, out, True)
    return out


cdef object push_by_rule(Tensor y, list tangents, Py_ssize_t batch, bint record):
    """The tangent by `Rule.push`, or the op itself where it is linear. Runs Python code."""
    cdef Function f = <Function?>rule_for(y).function
    cdef bint inside = f.built_in and not record and enter_context(&backward_context)
    try:
        t = rule_tangent(f, y, tangents, batch, record)
    finally:
        if inside:
            exit_context(&backward_context)
    if t is not None and (type(t) is not Tensor or not fits_batch(<Tensor>t, y, batch)):
        raise direction_errors.jvp_shape(f.rule.name, t, shape_tuple(y.layout), dtype_of(y), size_or_none(batch))
    check_unfreed(y)
    if not f.built_in:
        check_versions(y)
    return t


cdef object rule_tangent(Function f, Tensor y, list tangents, Py_ssize_t batch, bint record):
    cdef tuple operands = node_operands(y)
    cdef dict params = node_params(y)
    cdef PyObject* given[MOST_GIVEN]
    cdef int k
    if batch == SINGLE and f.linear and len(operands) == 1 and f.signature.n:
        memcpy(given, f.signature.defaults, (f.n_params + 1) * sizeof(PyObject*))
        given[0] = <PyObject*>tangents[0]
        for k in range(f.n_params):
            name = f.rule.param_names[k]
            if name in params:      # some ops keep only what their backward reads
                given[k + 1] = <PyObject*>params[name]
            if given[k + 1] == NULL:
                raise AssertionError(f"a node of {f.rule.name} without its {name}")
        t = call_given(f, given)
        if fits_batch(<Tensor?>t, y, SINGLE):
            return t
    read = result_read(y, record)
    del tangents[len(operands):]        # the second slot of a node with one operand
    if batch == SINGLE:
        return f.rule.push(tangents, read, operands, params)
    return f.rule.push_batch(tangents, read, operands, params, batch)
