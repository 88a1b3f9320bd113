# Forward mode: tangents of the inputs are pushed along the recorded graph, operands before their consumers. The
# Jacobian of an elementwise op is diagonal, and so its own transpose: its backward kernels are those of forward mode.

def push_forward(outputs, inputs, tangents, *, batch=None, bint create_graph=False):
    """Return the tangents of the outputs, None where they are zero, for tangents of the inputs.

    With `batch`, tangents and results have an additional axis 0 of that length. The graph is kept.
    """
    return pushed(recorded_sequence(outputs), recorded_sequence(inputs), tangents,
                  SINGLE if batch is None else <Py_ssize_t>batch, create_graph)


cdef tuple pushed(tuple ys, tuple xs, object tangents, Py_ssize_t batch, bint record):
    cdef Scope block = None
    if batch == 0:
        return (None,) * len(ys)
    cdef Targets marked = targets_of(xs)
    cdef Sweep* here = list_nodes(ys, marked)
    cdef Py_ssize_t k
    cdef list results = []
    try:
        here.record = record
        block = switched(True) if record else None      # otherwise where Python code runs: a block costs 200 ns
        take_directions(xs, tangents, batch, "tangents", here)
        for k in range(here.leaves.n):
            push_node(<Tensor>here.leaves.items[k], batch, record, here)
        for y in ys:
            results.append(taken_direction(<Tensor>y, tangents, here, record))
    finally:
        close_scope(block)
        end_list(here)
    return tuple(results)


cdef int push_node(Tensor y, Py_ssize_t batch, bint record, Sweep* here) except -1:
    """Compute the tangent of `y`, if one of its operands has one."""
    cdef PyObject* t1
    cdef PyObject* t2
    if is_input(y, here):
        return 0
    if y.flags & FREED:         # by Python code in between
        raise errors.graph_freed(op_name(y))
    t = None
    if not has_many(y):
        t1 = direction_at(edge1(y), here)
        t2 = direction_at(edge2(y), here)
        if t1 == NULL and t2 == NULL:
            return 0
        check_versions(y)
        if not record and table[y.op].push != NULL:
            t = table[y.op].push(y, <Tensor>t1, batch)
        elif not record:
            t = push_by_kernels(y, t1, t2, batch)
    if t is None:
        t = push_by_rule(y, batch, record, here)
    if t is not None and is_listed(<PyObject*>y, here):
        set_direction(<PyObject*>y, t, here)
    return 0


cdef Tensor push_by_kernels(Tensor y, PyObject* t1, PyObject* t2, Py_ssize_t batch):
    """The tangent of an elementwise result; None where its rule does it."""
    cdef KernelCall call
    cdef Tensor out, g1 = None, g2 = None
    if not has_batch_kernels(y) or (batch != SINGLE and not (
            (t1 == NULL or has_shape_of(edge1(y), y)) and (t2 == NULL or has_shape_of(edge2(y), y)))):
        return None
    kept = prepare_kernels(y, &call)
    if t1 != NULL:
        g1 = contiguous(<Tensor>t1) if batch != SINGLE else expanded(<Tensor>t1, y.layout, False)
    if t2 != NULL:
        g2 = contiguous(<Tensor>t2) if batch != SINGLE else expanded(<Tensor>t2, y.layout, False)
    if t2 == NULL and copies(call.kernel[0], y.layout.kernel):
        return g1
    if t1 == NULL and copies(call.kernel[1], y.layout.kernel):
        return g2
    out = new_tensor(batched_layout(y.layout, batch))
    if t1 != NULL:
        run_kernel(&call, 0, y.layout, g1.data, out, False)
    if t2 != NULL:
        run_kernel(&call, 1, y.layout, g2.data, out, t1 != NULL)
    return out


cdef object push_by_rule(Tensor y, Py_ssize_t batch, bint record, Sweep* here):
    """The tangent by `Rule.push`, or by the op itself where it is linear; None if it is zero. Runs Python code."""
    cdef Function f = <Function?>rule_for(y).function
    cdef tuple operands = node_operands(y)
    cdef list tangents = []
    cdef Py_ssize_t k
    cdef bint some = False
    for k in range(len(operands)):
        x = edge_at(y, k)
        found = direction_at(x, here) if x != NULL and flows_along(y, k) else NULL
        tangents.append(None if found == NULL else <object>found)
        some = some or found != NULL
    if not some:
        return None
    check_versions(y)
    cdef bint inside = f.built_in and not record and enter_context(&backward_context)
    cdef Scope block = None
    try:
        if not inside:
            block = switched(record)
        enter_rule(f)
        t = rule_tangent(f, y, values_read(operands, record), tangents, batch, record)
    finally:
        leave_rule(f)
        close_scope(block)
        if inside:
            exit_context(&backward_context)
    if t is not None and (not is_tensor(t) or not fits_batch(<Tensor>t, y, batch)):
        raise direction_errors.jvp_shape(f.rule.name, t, shape_tuple(y.layout), dtype_of(y), size_or_none(batch))
    if y.flags & FREED:
        raise errors.graph_freed(op_name(y))
    if not f.built_in:
        check_versions(y)
    return t


cdef object rule_tangent(Function f, Tensor y, tuple operands, list tangents, Py_ssize_t batch, bint record):
    cdef dict params = node_params(y)
    if batch == SINGLE and (f.linear and len(operands) == 1 or f.multilinear) and f.signature.n:
        t = linear_tangent(f, operands, tangents, params)
        if fits_batch(<Tensor?>t, y, SINGLE):
            return t
    read = result_read(y, record)
    if batch == SINGLE:
        return f.rule.push(tangents, read, operands, params)
    return f.rule.push_batch(tangents, read, operands, params, batch)


cdef object linear_tangent(Function f, tuple operands, list tangents, dict params):
    """The sum of the op itself with each operand that has a tangent replaced by that."""
    cdef PyObject* given[MOST_GIVEN]
    cdef Py_ssize_t j, k, n = len(operands)
    total = None
    memcpy(given, f.signature.defaults, f.signature.n * sizeof(PyObject*))
    for k in range(f.n_params):
        name = f.rule.param_names[k]
        if name in params:      # some ops keep only what their backward reads
            given[n + k] = <PyObject*>params[name]
        if given[n + k] == NULL:
            raise AssertionError(f"a node of {f.rule.name} without its {name}")
    for k in range(n):
        if tangents[k] is None:
            continue
        for j in range(n):
            given[j] = <PyObject*>(tangents[j] if j == k else operands[j])
        t = call_given(f, given)
        total = t if total is None else functions["add"](total, t)
    return total
