# The sweep: from the results back to the leaves, each tensor once, after all that came of it has handed it its part.
#
# Two passes over the graph, neither recursive. The first counts, in every tensor, the edges that will arrive at it; the second
# takes a tensor as soon as its count is down to zero. Counts live in the tensors, under the number of the sweep, so that a
# sweep that failed leaves nothing to clean up: its number is never used again. The graph is let go as it is swept.

cdef int count_edges(list roots, unsigned int number, Vector* todo, list stashed, bint only_wanted) except -1:
    cdef Tensor y
    for y, _ in roots:
        if y.sweep != number and (not only_wanted or y.flags & LEADS):
            begin(y, number, stashed, only_wanted)
            push(todo, <PyObject*>y)
    while todo.n:
        todo.n -= 1
        y = <Tensor>todo.items[todo.n]
        if y.op == LEAF:
            continue
        if y.flags & FREED:
            if y.flags & WANTED:
                continue
            raise errors.graph_freed(op_name(y))
        walk_edges(y, number, todo, stashed, only_wanted, True)
    return 0


cdef int run_hooks(Tensor y, bint record) except -1:
    cdef Tensor g = cotangent_tensor(y), other
    for _, hook in list((<Extra>y.extra).hooks or ()):
        result = hook(g)
        if result is not None:
            if not is_operand(result) and type(result) is not Tensor:
                raise errors.hook_result(type(result).__name__, shape_tuple(y.layout))
            other = asarray(result, dtype=dtype_of(y))
            if not same_shape(other.layout, y.layout):
                raise errors.hook_result(f"shape {shape_tuple(other.layout)}", shape_tuple(y.layout))
            g = other
            free_cotangent(y)
            give_tensor(y, g, record)
    return 0


cdef int backward_node(Tensor y, bint record, bint only_wanted) except -1:
    """Hand the cotangent of `y` on to its operands."""
    cdef char* g
    cdef Storage* gs = NULL
    cdef int op = y.op
    check_versions(y)
    if record or y.flags & COTANGENT_TENSOR:
        if record:
            return pull_all(y, cotangent_tensor(y), True, only_wanted)
        return backward_rule(y, NULL, NULL, only_wanted)
    if is_small(y.layout):
        g = y.cotangent.value
    else:
        gs = y.cotangent.storage
        g = payload(gs)
    if fg_anomaly:
        return backward_rule(y, g, gs, only_wanted)     # checks what comes out, operand by operand
    if op < END_ELEMENTWISE:
        if y.flags & (CONST1 | CONST2):
            return backward_constant(y, g, gs)
        if kernels[op].nin == 2:
            return backward_binary(y, g, gs, only_wanted)
        if kernels[op].x1[y.layout.kernel] == NULL:
            return backward_rule(y, g, gs, only_wanted)
        return backward_unary(y, resolve(y.x1, y.gen1), g, gs)
    if op == MATMUL:
        return backward_matmul(y, g, only_wanted)
    if op == SUM or op == MEAN or op == MAX or op == MIN:
        return backward_reduce(y, resolve(y.x1, y.gen1), g)
    if op == SOFTMAX or op == LOG_SOFTMAX or op == LOGSUMEXP or op == CUMSUM or op == PROD:
        return backward_along(y, resolve(y.x1, y.gen1), g, gs)
    if op == CROSS_ENTROPY:
        return backward_cross_entropy(y, resolve(y.x1, y.gen1), g)
    if op == GATHER:
        return backward_gather(y, resolve(y.x1, y.gen1), g)
    if op == SCATTER_ADD:
        return backward_scatter_add(y, resolve(y.x1, y.gen1), g)
    if op == WHERE:
        return backward_where(y, g, gs, only_wanted)
    if op == CLIP:
        return backward_clip(y, g, gs)
    if op == CONCAT or op == STACK:
        return backward_join(y, g, only_wanted)
    if op == RESHAPE or op == PERMUTE_DIMS or op == BROADCAST_TO or op == SUM_TO or op == GETITEM:
        return backward_view(y, resolve(y.x1, y.gen1), g, gs)
    return backward_rule(y, g, gs, only_wanted)


cdef int take_one(Tensor y, unsigned int number, Vector* ready, Vector* leaves, bint retain, bint record, dict wanted) except -1:
    """Second pass, one tensor, whose cotangent is complete."""
    cdef bint only_wanted = wanted is not None
    if y.flags & (HOOKED | RETAIN | WANTED) and y.flags & COTANGENT:
        if y.flags & HOOKED:
            run_hooks(y, record)
        if y.flags & RETAIN and y.op != LEAF and wanted is None:
            add_to_grad(y, cotangent_tensor(y), record)
        if y.flags & WANTED and wanted is not None:
            wanted[<size_t><PyObject*>y] = cotangent_tensor(y)
    if y.op == LEAF:
        if only_wanted:
            free_cotangent(y)
        else:
            push_owned(leaves, y)
        return 0
    if y.flags & FREED:
        if not y.flags & WANTED:
            raise errors.graph_freed(op_name(y))    # by a hook, under our feet
        free_cotangent(y)
        return 0
    if y.flags & COTANGENT:
        backward_node(y, record, only_wanted)
    walk_edges(y, number, ready, None, only_wanted, False)
    free_cotangent(y)
    y.sweep = 0
    if not retain:
        y.flags |= FREED
        free_edges(y)
    return 0


cdef int add_to_grad(Tensor x, Tensor g, bint record) except -1:
    """`x.grad += g`; the first gradient is kept as it came."""
    cdef Tensor before
    cdef PyObject* old = x.grad_
    cdef int grad_off = fg_grad_off
    if old != NULL:
        before = <Tensor>old
        if (not record and not before.flags & REQUIRES_GRAD and before.layout == g.layout and g.layout.flags & C_CONTIGUOUS
                and g.layout.kernel != NO_KERNEL and (before.storage == NULL or before.storage.flags == 0)):
            accumulate(g.layout.kernel, g.data, before.data, g.layout.size)
            bump_version(before)
            return 0
        g = add_quietly(before, g, record)
    elif g.storage != NULL and g.storage.refs > 1 and not record:
        g = private_copy(g)     # cotangents may share their memory with each other
    Py_INCREF(g)
    x.grad_ = <PyObject*>g
    drop(old)
    return 0


cdef Tensor add_quietly(Tensor a, Tensor b, bint record):
    global fg_grad_off
    cdef int before = fg_grad_off
    if not record:
        fg_grad_off = 1
    try:
        return functions["add"](a, b)
    finally:
        fg_grad_off = before


cdef int commit(Vector* leaves, bint record) except -1:
    """The sweep has succeeded: what the leaves have gathered goes to their `.grad`."""
    cdef Py_ssize_t k
    cdef Tensor x, g
    for k in range(leaves.n):
        x = <Tensor>leaves.items[k]
        if x.flags & COTANGENT:
            g = cotangent_tensor(x)
            free_cotangent(x)
            add_to_grad(x, g, record)
        x.sweep = 0
    return 0


cdef void leave_running(Running* here) noexcept:
    """Take a sweep off the list; another thread's may have come in front of it."""
    global running
    cdef Running** at = &running
    while at[0] != here:
        at = &at[0].outer
    at[0] = here.outer


cdef int sweep(list roots, dict wanted, bint retain, bint record) except -1:
    """Sweep from `roots`, pairs of (Tensor, cotangent). With `wanted`, a dict by address, fill in the gradients of what is WANTED and
    leave every `.grad` alone; without, add to the `.grad` of the leaves once everything has succeeded."""
    global running, last_number, fg_grad_off
    cdef Vector ready, leaves
    cdef Running here
    cdef Tensor y, g
    cdef PyObject* item
    cdef list stashed = []
    cdef int grad_off = fg_grad_off
    cdef bint only_wanted = wanted is not None
    memset(&ready, 0, sizeof(Vector))
    memset(&leaves, 0, sizeof(Vector))
    last_number = last_number + 1 if last_number != 0xFFFFFFFF else 1
    here.number = last_number
    here.thread = PyThread_get_thread_ident()
    here.outer = running
    running = &here
    if record:
        fg_grad_off = 0
    try:
        if only_wanted:
            find_way(roots, here.number, &ready, stashed)
            # The way is found under this number, the edges are counted under the next.
            last_number = last_number + 1 if last_number != 0xFFFFFFFF else 1
            here.number = last_number
        count_edges(roots, here.number, &ready, stashed, only_wanted)
        for y, g in roots:
            if takes(y, only_wanted):
                give_tensor(y, g, record)
        for y in {y for y, _ in roots}:
            if y.pending == 0 and takes(y, only_wanted):
                push_owned(&ready, y)
        while ready.n:
            ready.n -= 1
            item = ready.items[ready.n]
            try:
                take_one(<Tensor>item, here.number, &ready, &leaves, retain, record, wanted)
            finally:
                drop(item)
        if not only_wanted:
            commit(&leaves, record)
    finally:
        fg_grad_off = grad_off
        leave_running(&here)
        free_vector(&ready)
        free_vector(&leaves)
        if stashed:
            put_back(stashed)
    return 0


cdef tuple root_of(object y, object cotangent, str what):
    """The pair to start from, with the cotangent checked, or made where `y` is one real number."""
    cdef Tensor t, g
    if type(y) is not Tensor:
        raise errors.not_a_tensor(what, y)
    t = <Tensor>y
    if not t.flags & REQUIRES_GRAD:
        raise errors.not_recorded(what)
    if cotangent is None:
        if t.layout.size != 1:
            raise errors.not_scalar(shape_tuple(t.layout))
        if is_complex(t.layout.typenum):
            raise errors.complex_result(dtype_of(t))
        g = new_tensor(layout_contiguous(t.layout))
        if t.layout.kernel == F64:
            (<double*>g.data)[0] = 1
        else:
            (<float*>g.data)[0] = 1
        return t, g
    g = as_tensor(cotangent)
    if not same_shape(g.layout, t.layout):
        raise errors.cotangent_shape(shape_tuple(g.layout), shape_tuple(t.layout))
    if is_complex(g.layout.typenum) and not is_complex(t.layout.typenum):
        raise errors.cotangent_dtype(dtype_of(g), dtype_of(t))
    if g.layout.typenum != t.layout.typenum:
        g = functions["astype"](g, dtype_of(t))
    return t, g


def gradients(outputs, inputs, cotangents=None, *, bint retain_graph=False, bint create_graph=False, bint allow_unused=False):
    """The gradients of `outputs` with respect to `inputs`, returned; no `.grad` is touched.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensors
    inputs : Tensor or sequence of Tensors
        Leaves or interior results.
    cotangents : array, or sequence of arrays and None, optional
        One for each output, of its shape; None for an output of one element stands for 1.
    retain_graph, create_graph : bool
        Keep the graph for another sweep; record this sweep itself, for higher derivatives (keeps the graph too).
    allow_unused : bool
        None for an input that the outputs do not depend on, instead of an error.

    Returns
    -------
    tuple of Tensor or None
        One for each input, of its shape and dtype.

    Raises
    ------
    BackwardError
        Where an output or input does not require a gradient, or an input is unused. Names its position.
    """
    cdef Tensor x
    cdef list roots, had = []
    cdef dict found = {}
    cdef Py_ssize_t k
    outputs = (outputs,) if type(outputs) is Tensor else tuple(outputs)
    inputs = (inputs,) if type(inputs) is Tensor else tuple(inputs)
    if type(cotangents) is not tuple and type(cotangents) is not list:
        cotangents = (cotangents,) * (len(outputs) if cotangents is None else 1)
    if len(cotangents) != len(outputs):
        raise errors.cotangent_count(len(cotangents), len(outputs))
    for k in range(len(inputs)):
        if type(inputs[k]) is not Tensor:
            raise errors.not_a_tensor(f"inputs[{k}]", inputs[k])
        if not (<Tensor>inputs[k]).flags & REQUIRES_GRAD:
            raise errors.input_without_grad(k)
    roots = [root_of(outputs[k], cotangents[k], f"outputs[{k}]") for k in range(len(outputs))]
    for x in inputs:
        had.append(x.flags & WANTED)
        x.flags |= WANTED
    try:
        sweep(roots, found, retain_graph or create_graph, create_graph)
    finally:
        for k in range(len(had) - 1, -1, -1):
            x = <Tensor>inputs[k]
            x.flags = <unsigned short>((x.flags & ~<int>WANTED) | <int>had[k])
    result = []
    for k in range(len(inputs)):
        g = found.get(<size_t><PyObject*>inputs[k])
        if g is None and not allow_unused:
            raise errors.input_unused(k)
        if g is not None and (<Tensor>g).storage != NULL and (<Tensor>g).storage.refs > 1:
            # Cotangents may share their memory with each other, or with what the caller passed.
            g = functions["copy"](g) if create_graph else private_copy(<Tensor>g)
        result.append(g)
    return tuple(result)
