# The sweep: from the results to the leaves, each tensor once, after all of its consumers.
#
# Two passes over the graph, neither recursive. The first counts, in every tensor, the edges that will arrive at it; the
# second processes a tensor when its count reaches zero. The counts are kept in the tensors under the number of the
# sweep, so that a sweep that failed leaves nothing to clean up: its number is not used again. The graph is freed while
# it is swept.

cdef int count_edges(Tensor root, Sweep* here) except -1:
    """First pass."""
    if not root.flags & here.mask:
        return 0
    if root.sweep != here.number:
        enter_counting(<PyObject*>root, here)
        root.pending = 0
        push(&here.ready, <PyObject*>root)
    while here.ready.n:
        here.ready.n -= 1
        y = here.ready.items[here.ready.n]
        if is_leaf(<Tensor>y):
            if here.leaves_counted:
                count_leaf(y, here)
            continue
        if (<Tensor>y).flags & (FREED | INPUT):
            if is_input(<Tensor>y, here):
                if here.partial or (<Tensor>y).flags & FREED:
                    continue
            elif (<Tensor>y).flags & FREED:
                raise errors.graph_freed(op_name(<Tensor>y))
        if here.weighted:
            look_at_node(y, here)
        walk_edges(<Tensor>y, here, count_edge)
    return 0


cdef int run_hooks(Tensor y, Sweep* here) except -1:
    """Replace the cotangent of `y` by what its hooks return. They get a copy, since cotangents share memory, and record
    if the sweep does."""
    cdef Tensor g = cotangent_tensor(y)
    cdef unsigned short gen = y.gen
    cdef Scope block = switched(here.record)
    try:
        g = functions["copy"](g) if here.record else private_copy(g)
        for hook in list(((<NodeExtra>y.extra).hooks or {}).values()):
            before = private_copy(g) if here.watched else None
            result = checked_call(hook, (g,))
            if result is not None:
                g = sweep_arguments.checked_hook_result(result, y, Tensor, asarray)
            if before is not None:
                anomaly.check_hook(op_name(y), g, before, where_of(y))
        check_held(y, gen, here)
        free_cotangent(y)
        check_held(y, gen, here)
        return accumulate_tensor(y, g, here.record)
    finally:
        close_scope(block)


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
    """In debug builds: the cotangent of `y` fits it and is complete."""
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


cdef int backward_node(Tensor y, Sweep* here) except -1:
    """Add what the cotangent of `y` contributes to those of its operands."""
    cdef Storage* gs = NULL
    check_versions(y)
    if here.record or y.flags & COTANGENT_TENSOR or here.watched:   # which checks the cotangent of each operand
        return backward_by_rule(y, cotangent_tensor(y), here.record, here.only_wanted, here.watched)
    if y.flags & UNIFORM and not has_kernel(y):
        spread_uniform(y)
    if is_small(y.layout) or y.flags & UNIFORM:
        g = y.cotangent.value
    else:
        gs = y.cotangent.storage
        g = payload(gs)
    if table[y.op].reads & READS_Y:
        expect_contiguous(y)
    if postponed_values != NULL:
        ready_operands(y)
    here.left = False
    table[y.op].backward(y, g, gs, here.only_wanted)
    return check_versions(y) if here.left else 0


cdef int process_node(Tensor y, Sweep* here) except -1:
    """Second pass, one tensor, whose cotangent is complete."""
    if here.deferred != NULL and here.deferred.n_kept and not continues_chain(y, here):
        run_deferred(here)
    cdef unsigned short gen = y.gen
    check_held(y, gen, here)
    if FASTGRAD_DEBUG:
        check_cotangent(y, here)
    cdef bint done = here.partial and is_input(y, here)
    if y.flags & (HOOKED | RETAIN | INPUT) and y.flags & COTANGENT:
        if y.flags & HOOKED and not done:
            if has_hooks(y):
                if here.captured:
                    raise program_errors.hooked(op_name(y))
                run_hooks(y, here)
            if is_leaf(y) and here.gradients == NULL:
                hand_over(y, here)
        if y.flags & RETAIN and not is_leaf(y) and here.gradients == NULL:
            retain(y, here)
        if is_input(y, here):
            set_gradient(<Targets>here.gradients, <PyObject*>y, cotangent_tensor(y))
        check_held(y, gen, here)
    if done:
        free_cotangent(y)
        y.sweep = 0
        return 0
    if is_leaf(y):
        if here.gradients != NULL or not y.flags & COTANGENT:
            y.sweep = 0
            free_cotangent(y)
        else:
            push_owned(&here.leaves, y)
        return 0
    if y.flags & FREED:
        if not is_input(y, here):
            raise errors.graph_freed(op_name(y))    # by a hook
        free_cotangent(y)
        return 0
    if y.flags & COTANGENT:
        if here.interleaved:
            check_edges(y, here)
        if y.layout.nbytes >= LARGE and can_defer(y, here):
            defer_node(y, here)
        else:
            backward_node(y, here)
        if y.flags & FREED:
            raise errors.graph_freed(op_name(y))    # by a rule
        check_held(y, gen, here)
    if here.interleaved:
        check_edges(y, here)
    walk_edges(y, here, release_edge)
    # From here on dropping may run Python code.
    y.sweep = 0
    if here.retain:
        free_cotangent(y)
        return 0
    y.flags |= FREED
    free_cotangent(y)
    free_edges(y)
    return 0


cdef inline int seed(Tensor y, Tensor g, double weight, Sweep* here) except -1:
    """Give a root its cotangent; None stands for 1. It is weighted, for all leaves, by `weight`."""
    check_counted(<PyObject*>y, here)       # Python code may have run, to sum the cotangents of another root
    if not takes(y, here.only_wanted):
        return 0
    if g is None and y.layout == number_layout and not here.record and not here.captured:
        accumulate_scalar(<PyObject*>y, weight)
        return 0
    if weight != 1:
        g = weighted_seed(y, g, weight)
        check_counted(<PyObject*>y, here)
    g = g if g is not None else one_like(y)
    return accumulate_tensor(y, g, here.record) if not here.watched else accumulate_watched(y, g, here.record)


cdef inline int start(Tensor y, Sweep* here) except -1:
    """Schedule a root, unless it is an operand of another one."""
    check_counted(<PyObject*>y, here)
    if y.pending == 0 and takes(y, here.only_wanted):
        push_owned(&here.ready, y)
    return 0


cdef int sweep(Tensor root, Tensor cotangent, list more, Targets gradients, bint retain, bint record,
               bint partial=False) except -1:
    """Sweep from `root` and from `more`, a list of such pairs or None. Without `gradients`, add to the `.grad` of the
    leaves once everything has succeeded; with them, set those of the inputs, and leave every `.grad` alone. `partial`:
    only with what flows to an input directly."""
    cdef Scope block = switched(True) if record else None
    cdef bint watched = fg_watch & ANOMALIES != 0
    cdef Scope inside = open_scope(inside_rule, &rules_inside, True) if watched else None
    cdef Sweep* here = begin_sweep()
    cdef Tensor y, g
    cdef double weight = 1
    cdef bint done = False
    here.only_wanted = gradients is not None
    here.partial = partial
    here.mask = REACHES_INPUT if here.only_wanted else REQUIRES_GRAD
    here.gradients = <PyObject*>gradients if gradients is not None else NULL
    here.retain = retain
    here.record = record
    here.watched = watched
    here.captured = fg_capture != NULL
    here.interleaved = record
    try:
        first_pass(root, more, here)
        if here.weighted:
            weight = weight_of_roots(here)
        seed(root, cotangent, weight, here)
        if more is not None:
            for y, g in more:
                seed(y, g, weight, here)
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
                if postponed_values != NULL and not retain and is_held(item, here):
                    ready(<Tensor>item)     # its graph will be freed
                process_node(<Tensor>item, here)
            finally:
                drop(item)
        if here.deferred != NULL and here.deferred.n_kept:
            run_deferred(here)
        if here.receivers != NULL and not here.captured:
            tell_receivers(here)
        if gradients is None:
            commit(here)
        if here.receivers != NULL and here.captured:
            tell_receivers(here)
        done = True
    finally:
        close_scope(inside)
        close_scope(block)
        if record and not done and not here.counting:
            abandon_cotangents(root, more, here)
        end_sweep(here)
    return 0


cdef void end_sweep(Sweep* here) noexcept:
    """Release everything the sweep holds, whether it has succeeded or not. Before any Python code runs, the tensors are
    returned to the sweeps around it."""
    cdef PyObject* sums = here.sums
    cdef PyObject* receivers = here.receivers
    if here.counting:
        here.ready.n = 0        # borrowed references
    leave_sweep(here)
    if here.stashed != NULL:
        restore_scratch(here)
    if here.deferred != NULL and here.deferred.n_kept:
        forget_deferred(here, False)
    free_vector(&here.ready)
    free_vector(&here.leaves)
    if sums != NULL:
        here.sums = NULL
        Py_DECREF(<object>sums)
    if receivers != NULL:
        here.receivers = NULL
        Py_DECREF(<object>receivers)
    free_sweep(here)


ctypedef int (*GraphScan)(Tensor root, list more, Sweep* here) noexcept


cdef int first_pass(Tensor root, list more, Sweep* here) except -1:
    """The first pass, repeated if a sweep of another thread was in the way."""
    # Without `try`, which would save and restore the thread's exceptions: a tenth of a sweep over a few scalars.
    cdef GraphScan scan = <GraphScan>scan_graph
    here.counting = True
    while scan(root, more, here) < 0:
        here.ready.n = 0
        if here.blocker == 0:
            return -1       # with the exception that is set
        PyErr_Clear()
        free_vector(&here.leaves)
        wait_for_other_sweep(here)
    here.counting = False
    return 0


cdef int scan_graph(Tensor root, list more, Sweep* here) except -1:
    cdef Tensor y
    here.weighted = False
    if here.gradients == NULL and receivers_known:
        here.weighted = here.leaves_counted = not here.record and not here.captured and not here.watched
        here.finder = NULL
        return count_all(root, more, here)
    if here.gradients != NULL and not here.partial:
        # Mostly every leaf is an input, and so every edge leads to one.
        here.only_wanted = False
        here.mask = REQUIRES_GRAD
        here.leaves_counted = True
        here.strays = False
        count_all(root, more, here)
        here.leaves_counted = False
        if not here.strays:
            return 0
        here.number = next_number(here.owner)
        here.only_wanted = True
        here.mask = REACHES_INPUT
    if here.only_wanted:
        mark_reachable(root, here)
        if more is not None:
            for y, _ in more:
                mark_reachable(y, here)
        if here.ordered:
            return 0
        # The inputs are searched for under this number, the edges are counted under the next.
        here.search = here.number
        here.number = next_number(here.owner)
    return count_all(root, more, here)


cdef int count_all(Tensor root, list more, Sweep* here) except -1:
    cdef Tensor y
    count_edges(root, here)
    if more is not None:
        for y, _ in more:
            count_edges(y, here)
    return 0
