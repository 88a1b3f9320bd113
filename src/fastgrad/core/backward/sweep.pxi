# The sweep: from the results back to the leaves, each tensor once, after all that came of it has handed it its part.
#
# Two passes over the graph, neither recursive. The first counts, in every tensor, the edges that will arrive at it; the
# second takes a tensor as soon as its count is down to zero. Counts live in the tensors, under the number of the sweep,
# so that a sweep that failed leaves nothing to clean up: its number is never used again. The graph is let go as it is
# swept.

cdef int count_edges(Tensor root, Sweep* here) except -1:
    """First pass."""
    cdef PyObject* y
    if not root.flags & here.mask:
        return 0
    if root.sweep != here.number:
        enter_counting(<PyObject*>root, here)
        root.pending = 0
        push(&here.ready, <PyObject*>root)
    while here.ready.n:
        here.ready.n -= 1
        y = here.ready.items[here.ready.n]
        if (<Tensor>y).op == LEAF:
            continue
        if (<Tensor>y).flags & (FREED | WANTED):
            if is_wanted(<Tensor>y, here):
                if here.partial or (<Tensor>y).flags & FREED:
                    continue
            elif (<Tensor>y).flags & FREED:
                raise errors.graph_freed(op_name(<Tensor>y))
        walk_edges(<Tensor>y, here, True)
    return 0


cdef int run_hooks(Tensor y, Sweep* here) except -1:
    """They record as the sweep does."""
    cdef GradScope block = switched(here.record)
    try:
        return call_hooks(y, here)
    finally:
        close_scope(block)


cdef int call_hooks(Tensor y, Sweep* here) except -1:
    """What the hooks make of the cotangent. They get one of their own, since cotangents share memory, and may write to
    it."""
    cdef Tensor g = cotangent_tensor(y), t
    cdef int watch = fg_watch
    cdef unsigned short gen = y.gen
    g = functions["copy"](g) if here.record else private_copy(g)
    for _, hook in list((<NodeExtra>y.extra).hooks or ()):
        before = private_copy(g) if watch & ANOMALIES else None
        inside = enter_rule(watch)      # what comes out is looked at, as of a rule
        try:
            result = checked_call(hook, (g,))
        finally:
            leave_rule(inside)
        if result is not None:
            if not is_operand(result) and type(result) is not Tensor:
                raise errors.hook_result(type(result).__name__, shape_tuple(y.layout))
            t = as_tensor(result)
            if is_complex(t.layout.typenum) and not is_complex(y.layout.typenum):
                raise errors.hook_dtype(dtype_of(t), dtype_of(y))
            g = asarray(t, dtype=dtype_of(y))
            if not same_shape(g.layout, y.layout):
                raise errors.hook_result(f"shape {shape_tuple(g.layout)}", shape_tuple(y.layout))
        if before is not None:
            anomaly.check_hook(op_name(y), g, before, lambda: (<NodeExtra>y.extra).where)
    check_held(y, gen, here)
    free_cotangent(y)
    check_held(y, gen, here)
    return accumulate_tensor(y, g, here.record)


cdef inline int check_held(Tensor y, unsigned int gen, Sweep* here) except -1:
    """After Python code: `y` is still the node that it was at `gen`, and its scratch that of this sweep."""
    if y.gen != gen or y.sweep != here.number:
        raise errors.graph_changed()
    return 0


cdef inline bint has_kernel(Tensor y) noexcept:
    """Whether the backward of an elementwise `y` goes through kernels alone."""
    cdef Kernel* k = &kernels[y.op]
    cdef int dtype = y.layout.kernel
    if y.flags & CONST2:
        return k.x1_alone[dtype] != NULL
    if y.flags & CONST1:
        return k.x2[dtype] != NULL
    return k.x1[dtype] != NULL and (k.nin == 1 or k.x2[dtype] != NULL)


cdef int check_cotangent(Tensor y, Sweep* here) except -1:
    """In debug builds: what has gathered in `y` is of its size, and nothing is on its way any more."""
    if y.pending:
        raise AssertionError("a tensor was taken before all edges had arrived")
    if y.flags & COTANGENT_TENSOR:
        if not same_shape((<Tensor>y.cotangent.tensor).layout, y.layout):
            raise AssertionError("a cotangent of another shape")
    elif y.flags & COTANGENT and not y.flags & (UNIFORM | DEFERRED) and not is_small(y.layout):
        if y.cotangent.storage.refs < 1 or (y.cotangent.storage.capacity < y.layout.nbytes
                                            and y.cotangent.storage.base == NULL):
            raise AssertionError("a cotangent that is too small or was freed")
    return 0


cdef int backward_node(Tensor y, bint record, bint only_wanted) except -1:
    """Add to the cotangents of the operands of `y` what its own gives them."""
    cdef char* g
    cdef Storage* gs = NULL
    check_versions(y)
    if record:
        return backward_by_rule(y, cotangent_tensor(y), True, only_wanted)
    if y.flags & COTANGENT_TENSOR:
        return backward_rule(y, NULL, NULL, only_wanted)
    if y.flags & UNIFORM and (fg_watch & ANOMALIES or not has_kernel(y)):
        spread_uniform(y)
    if is_small(y.layout) or y.flags & UNIFORM:
        g = y.cotangent.value
    else:
        gs = y.cotangent.storage
        g = payload(gs)
    if fg_watch & ANOMALIES:
        return backward_rule(y, g, gs, only_wanted)     # checks what comes out, operand by operand
    if table[y.op].reads & READS_Y:
        expect_contiguous(y)
    return table[y.op].backward(y, g, gs, only_wanted)


cdef int process_node(Tensor y, Sweep* here) except -1:
    """Second pass, one tensor, whose cotangent is complete."""
    cdef unsigned short gen
    if here.deferred != NULL and here.deferred.n_kept and not continues_chain(y, here):
        run_deferred(here)
    gen = y.gen
    check_held(y, gen, here)
    if FASTGRAD_DEBUG:
        check_cotangent(y, here)
    if here.partial and is_wanted(y, here):
        if y.flags & COTANGENT:
            (<dict>here.wanted)[<size_t><PyObject*>y] = cotangent_tensor(y)
        free_cotangent(y)
        y.sweep = 0
        return 0
    if y.flags & (HOOKED | RETAIN | WANTED) and y.flags & COTANGENT:
        if y.flags & HOOKED:
            run_hooks(y, here)
        if y.flags & RETAIN and y.op != LEAF and here.wanted == NULL:
            retain(y, here)
        if is_wanted(y, here):
            (<dict>here.wanted)[<size_t><PyObject*>y] = cotangent_tensor(y)
        check_held(y, gen, here)
    if y.op == LEAF:
        if here.only_wanted or not y.flags & COTANGENT:
            y.sweep = 0
            free_cotangent(y)
        else:
            push_owned(&here.leaves, y)
        return 0
    if y.flags & FREED:
        if not is_wanted(y, here):
            raise errors.graph_freed(op_name(y))    # by a hook, under our feet
        free_cotangent(y)
        return 0
    if y.flags & COTANGENT:
        if here.apart:
            check_edges(y, here)
        if y.layout.nbytes >= LARGE and can_defer(y, here):
            defer_node(y, here)
        else:
            backward_node(y, here.record, here.only_wanted)
        if y.flags & FREED:
            raise errors.graph_freed(op_name(y))    # by a rule
        check_held(y, gen, here)
    if here.apart:
        check_edges(y, here)
    walk_edges(y, here, False)
    # From here on Python code may run, of what is dropped.
    y.sweep = 0
    if here.retain:
        free_cotangent(y)
        return 0
    y.flags |= FREED
    free_cotangent(y)
    free_edges(y)
    return 0


cdef inline int seed(Tensor y, Tensor g, Sweep* here) except -1:
    """Give a root its cotangent; None stands for 1."""
    if y.sweep != here.number:
        check_entered(<PyObject*>y, here)       # the sum of another root's cotangents has run Python code
    if not takes(y, here.only_wanted):
        return 0
    if g is None and y.layout == number_layout and not here.record:
        accumulate_scalar(<PyObject*>y, 1)
        return 0
    g = g if g is not None else one_like(y)
    return accumulate_tensor(y, g, here.record) if fg_watch & ANOMALIES == 0 else accumulate_watched(y, g, here.record)


cdef inline int start(Tensor y, Sweep* here) except -1:
    """A root is ready where it is no operand of another one."""
    if y.sweep != here.number:
        check_entered(<PyObject*>y, here)
    if y.pending == 0 and takes(y, here.only_wanted):
        push_owned(&here.ready, y)
    return 0


cdef int sweep(Tensor root, Tensor cotangent, list more, dict wanted, bint retain, bint record,
               bint partial=False) except -1:
    """Sweep from `root` and from `more`, a list of pairs like it, or None. With `wanted`, a dict by address, fill in
    the gradients of what is WANTED and leave every `.grad` alone (`partial`: only what flows to it directly); without,
    add to the `.grad` of the leaves once everything has succeeded."""
    cdef GradScope block = switched(True) if record else None
    cdef Sweep* here = begin_sweep()
    cdef Tensor y, g
    cdef PyObject* item
    here.only_wanted = wanted is not None
    here.partial = partial
    here.mask = REACHES_INPUT if here.only_wanted else REQUIRES_GRAD
    here.wanted = <PyObject*>wanted if wanted is not None else NULL
    here.retain = retain
    here.record = record
    here.apart = record
    try:
        prepare(root, more, here)
        seed(root, cotangent, here)
        if more is not None:
            for y, g in more:
                seed(y, g, here)
        start(root, here)
        if more is not None:
            for y in {y for y, _ in more if y is not root}:
                start(y, here)
        while here.ready.n:
            item = here.ready.items[here.ready.n - 1]
            if process_scalar(item, here):
                continue
            here.ready.n -= 1
            (<Tensor>item).flags &= ~<int>DYING
            if not retain and Py_REFCNT(item) == 1:
                (<Tensor>item).flags |= DYING
            try:
                process_node(<Tensor>item, here)
            finally:
                drop(item)
        if here.deferred != NULL and here.deferred.n_kept:
            run_deferred(here)
        if wanted is None:
            commit(here)
    finally:
        close_scope(block)
        end_sweep(here)
    return 0


cdef void end_sweep(Sweep* here) noexcept:
    """Let go of all that the sweep holds, whether it has succeeded or not. The tensors belong to the sweeps around it
    before Python code may run."""
    cdef PyObject* sums = here.sums
    if here.looking:
        here.ready.n = 0        # borrowed references
    leave_sweep(here)
    if here.stashed != NULL:
        restore_scratch(here)
    if here.deferred != NULL:
        if here.deferred.n_kept:
            forget_deferred(here, False)
        free_deferred(here)
    free_vector(&here.ready)
    free_vector(&here.leaves)
    if sums != NULL:
        here.sums = NULL
        Py_DECREF(<object>sums)
    free_sweep(here)


ctypedef int (*GraphScan)(Tensor root, list more, Sweep* here) noexcept


cdef int prepare(Tensor root, list more, Sweep* here) except -1:
    """Everything that only looks, once again where another thread was in the way."""
    # Without `try`, which would save and restore the thread's exceptions: a tenth of a sweep over a few scalars.
    cdef GraphScan look = <GraphScan>scan_graph
    here.looking = True
    while look(root, more, here) < 0:
        here.ready.n = 0
        if here.blocked == 0:
            return -1       # with the exception that is set
        PyErr_Clear()
        wait_for_the_other(here)
    here.looking = False
    return 0


cdef int scan_graph(Tensor root, list more, Sweep* here) except -1:
    cdef Tensor y
    if here.only_wanted:
        mark_reachable(root, here)
        if more is not None:
            for y, _ in more:
                mark_reachable(y, here)
        # The way is found under this number, the edges are counted under the next.
        here.way = here.number
        here.number = next_number(here.owner)
    count_edges(root, here)
    if more is not None:
        for y, _ in more:
            count_edges(y, here)
    return 0
