# Full sums of postponed values, whose terms never reach memory.

cdef struct SumJob:
    Steps steps
    ReduceJob run
    TreeJob tree


cdef void sum_steps(const Steps* s, const ReduceJob* run, Py_ssize_t first, Py_ssize_t n, char* y) noexcept nogil:
    """Sum `n` values from `first` by pairs, in the order of `reduce_loop`; the steps compute a block at a time."""
    cdef char[8] rest
    cdef Py_ssize_t half = n // 2 - n // 2 % 8
    if n <= RUN_BLOCK:
        run_step_blocks(s, first, first + n)
        reduce_run(run, s.last, y, n)
    else:
        sum_steps(s, run, first, half, y)
        sum_steps(s, run, first + half, n - half, rest)
        apply2(run.loop, y, 8, rest, 8, y, 1, 8)


cdef void sum_part(const void* job, Py_ssize_t first, Py_ssize_t last, int who) noexcept nogil:
    cdef SumJob* j = <SumJob*>job
    cdef Py_ssize_t k
    mine = steps_of(&j.steps, who)
    for k in range(first, last):
        sum_steps(&mine, &j.run, j.tree.first[k], j.tree.n[k], j.tree.total + 8 * k)


cdef bint can_sum_postponed(Tensor x, const Extents* e) noexcept:
    """Whether all elements of `x` are summed, and it is postponed and was not used before."""
    return (is_postponed(x) and e.outer == 1 and e.inner == 1 and is_noted(x)
            and not postponed_at(x.storage).uses)


cdef int sum_postponed(Tensor x, const Extents* extents, char* y) except -1:
    """Sum all elements of `x`, which was not used before, without keeping them."""
    cdef Evaluation e
    cdef SumJob j
    cdef Place place
    cdef bint done = False
    begin_evaluation(&e, x.layout)
    try:
        evaluate(&e, x, False, &place)
        j.steps = steps_in(&e)
        j.steps.last = place.start
        j.run.loop = &helpers[e.dtype].add
        j.run.itemsize = item_bytes(e.dtype)
        j.tree.run = &j.run
        plant_tree(&j.tree, x.layout.size)
        if e.nbytes >= split_from and share_steps(&j.steps, sum_part, &j, j.tree.nodes, 1):
            join_tree(&j.tree, y)
        else:
            sum_steps(&j.steps, &j.run, 0, x.layout.size, y)
        done = True
    finally:
        end_evaluation(&e, done)
    if fg_capturing:
        note_reduce(&helpers[x.layout.kernel].add, noted_at(x), extents, x.layout.itemsize, y)
    return 0
