# Reverse mode for several cotangents at once: the sweep of `jacobian`, which keeps the graph.

def pull_back(outputs, inputs, cotangents, *, Py_ssize_t batch, bint create_graph=False):
    """Return the gradients of the inputs, None where they are zero, for a batch of cotangents of the outputs.

    Cotangents and results have an additional axis 0 of length `batch`. Hooks are run.
    """
    cdef tuple ys = recorded_sequence(outputs), xs = recorded_sequence(inputs)
    cdef Scope block = None
    if batch == 0:
        return (None,) * len(xs)
    cdef Targets marked = targets_of(xs)
    cdef Sweep* here = list_nodes(ys, marked)
    cdef Py_ssize_t k
    cdef list results = []
    try:
        here.record = create_graph
        block = switched(create_graph)
        take_directions(ys, cotangents, batch, "cotangents", here)
        for k in range(here.leaves.n - 1, -1, -1):
            pull_node(<Tensor>here.leaves.items[k], batch, create_graph, here)
        for x in xs:
            results.append(taken_direction(<Tensor>x, cotangents, here, create_graph))
    finally:
        close_scope(block)
        end_list(here)
    return tuple(results)


def unit_directions(Tensor x not None, Py_ssize_t low, Py_ssize_t high):
    """Return the unit vectors number `low` to `high` of the elements of `x`, as a batch."""
    cdef Tensor out
    cdef Py_ssize_t k
    cdef double one[2]
    cdef float narrow[2]
    if low < 0 or high < low or high > x.layout.size:
        raise ValueError(f"unit vectors {low} to {high} are wanted of {x.layout.size} elements")
    one[0], one[1], narrow[0], narrow[1] = 1, 0, 1, 0
    cdef bint wide = x.layout.typenum == cnp.NPY_DOUBLE or x.layout.typenum == cnp.NPY_CDOUBLE
    if not is_inexact(x.layout.typenum):
        raise TypeError(f"unit vectors of {dtype_of(x)} are not directions")
    out = new_tensor(batched_layout(x.layout, high - low))
    memset(out.data, 0, out.layout.nbytes)
    for k in range(high - low):
        memcpy(out.data + k * x.layout.nbytes + (low + k) * x.layout.itemsize, one if wide else <void*>narrow,
               x.layout.itemsize)
    if fg_capture != NULL:
        capture_constant(out)
    return out


cdef int pull_node(Tensor y, Py_ssize_t batch, bint record, Sweep* here) except -1:
    """Add what the cotangents of `y` contribute to those of its operands."""
    cdef Py_ssize_t k
    cdef list gxs = None
    cdef Tensor g
    found = direction_at(<PyObject*>y, here)
    if found == NULL:
        return 0
    g = <Tensor>found
    if has_hooks(y):
        if fg_capture != NULL:
            raise program_errors.hooked(op_name(y))
        hooks = tuple((<NodeExtra>y.extra).hooks.values())
        g = <Tensor?>sweep_arguments.hooked(hooks, g, batch, functions, asarray)
        if is_listed(<PyObject*>y, here):
            replace_direction(<PyObject*>y, g, here)
    if is_input(y, here):
        return 0
    if y.flags & FREED:         # by Python code in between
        raise errors.graph_freed(op_name(y))
    check_versions(y)
    for k in range(edge_count(y)):
        x = edge_at(y, k)
        if x == NULL or not flows_along(y, k) or not is_listed(x, here):
            continue
        gx = pull_by_kernel(y, <int>k, g, batch) if not record and k < 2 else None
        if gx is None:
            if gxs is None:
                gxs = pull_by_rule(y, g, batch, record, here)
            gx = gxs[k]
        if gx is not None and is_listed(x, here):
            set_direction(x, gx, here)
    return 0


cdef Tensor pull_by_kernel(Tensor y, int k, Tensor g, Py_ssize_t batch):
    """The cotangents of operand `k`; None where the rule does it."""
    cdef KernelCall call
    cdef Tensor out = g, x, source
    if table[y.op].pull != NULL:
        return table[y.op].pull(y, g, batch)
    if not has_batch_kernels(y):
        return None
    kept = prepare_kernels(y, &call)
    if not copies(call.kernel[k], y.layout.kernel):
        source = contiguous(g)
        out = new_tensor(batched_layout(y.layout, batch))
        run_kernel(&call, k, y.layout, source.data, out, False)
    x = <Tensor>(edge2(y) if k else edge1(y))
    return out if same_shape(x.layout, y.layout) else sum_to_operand(y, x, out, batch)


cdef list pull_by_rule(Tensor y, Tensor g, Py_ssize_t batch, bint record, Sweep* here):
    """The cotangents of all wanted operands by the rule. Runs Python code."""
    cdef Function f = <Function?>rule_for(y).function
    cdef tuple operands = node_operands(y)
    cdef dict params = node_params(y)
    cdef list gxs = []
    cdef Py_ssize_t k
    read = result_read(y, record)
    cdef tuple values = values_read(operands, record)
    cdef bint inside = f.built_in and not record and enter_context(&backward_context)
    enter_rule(f)
    try:
        if f.together:
            gxs = list(f.rule.pull_all_batch(g, read, values, params, batch))
        else:
            for k in range(len(operands)):
                o = operands[k]
                if is_tensor(o) and flows_along(y, k) and is_listed(<PyObject*>o, here):
                    gxs.append(f.rule.pull_batch(k, g, read, values, params, batch))
                else:
                    gxs.append(None)
    finally:
        leave_rule(f)
        if inside:
            exit_context(&backward_context)
    for k in range(len(operands)):
        gx = gxs[k]
        if gx is None or not is_tensor(operands[k]):
            gxs[k] = None
        elif not is_tensor(gx) or not fits_batch(<Tensor>gx, <Tensor>operands[k], batch):
            wanted_shape = (batch,) + shape_tuple((<Tensor>operands[k]).layout)
            raise errors.vjp_shape(f.rule.name, k, getattr(gx, "shape", gx), wanted_shape)
    if y.flags & FREED:
        raise errors.graph_freed(op_name(y))
    if not f.built_in:
        check_versions(y)
    return gxs
