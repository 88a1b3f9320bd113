# A list of elementwise kernels, forward and backward, run block by block: arrays in between stay in the first-level
# cache. Each of several threads has a copy of the steps and of the scratch blocks, which hold no result.

cdef inline void run_forward(const Step* s, Py_ssize_t at, Py_ssize_t m, int dtype) noexcept nogil:
    cdef Py_ssize_t item = item_bytes(dtype)
    x = s.x1.start + at * s.x1.step
    y = s.out.start + at * s.out.step
    if s.op.own[dtype] != NULL:
        s.op.own[dtype](x, y, m, &helpers[dtype])
    elif s.op.nin == 1:
        apply1(&s.op.loop[dtype], x, y, m, item)
    else:
        apply2(&s.op.loop[dtype], x, item, s.x2.start + at * s.x2.step, item, y, m, item)


cdef void find_operands(const Steps* j, const Place** found) noexcept nogil:
    """Two of the arrays in memory that the steps read, or NULL."""
    cdef const Place* places[4]
    cdef int n = 0
    found[0] = found[1] = NULL
    for k in range(j.count):
        s = &j.steps[k]
        places[0], places[1], places[2], places[3] = &s.g, &s.x1, &s.x2, &s.y
        for i in range(4):
            if n < 2 and places[i].step and (n == 0 or places[i].start != found[0].start):
                found[n] = places[i]
                n += 1


cdef inline const char* start_at(const Place* place, Py_ssize_t at) noexcept nogil:
    return NULL if place == NULL else place.start + at * place.step


cdef void run_step_blocks(const Steps* j, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """All steps on the first `RUN_BLOCK` elements from `at`, then all on the next, and so on up to `end`."""
    cdef Py_ssize_t item = item_bytes(j.dtype), m
    cdef const Place* read[2]
    if j.n_outs:
        find_operands(j, read)
    while at < end:
        m = min(end - at, <Py_ssize_t>RUN_BLOCK)
        for k in range(j.count):
            s = &j.steps[k]
            if s.kernel == NULL:
                run_forward(s, at, m, j.dtype)
                continue
            s.kernel(s.g.start + at * s.g.step, s.x1.start + at * s.x1.step, s.x2.start + at * s.x2.step,
                     s.y.start + at * s.y.step, s.out.start + at * s.out.step, m, s.c, &helpers[j.dtype], s.add)
        for k in range(j.n_outs):
            fg_stream(j.outs[k].block, j.outs[k].y + at * item, m * item, start_at(read[0], at + m) if k == 0 else NULL,
                      start_at(read[1], at + m) if k == 0 else NULL)
        at += m
    if j.n_outs:
        fg_stream_end()


cdef inline bint in_scratch(const Place* place) noexcept nogil:
    return place.step == 0 and place.start != NULL


cdef inline void include_place(const Place* place, char** low, char** high) noexcept nogil:
    if in_scratch(place):
        low[0] = place.start if low[0] == NULL else min(low[0], place.start)
        high[0] = max(high[0], place.start)


cdef void find_scratch(Steps* j) noexcept nogil:
    """The memory from the first to the last block of scratch that a step reads or writes."""
    cdef char* low = NULL
    cdef char* high = NULL
    for k in range(j.count):
        s = &j.steps[k]
        include_place(&s.g, &low, &high)
        include_place(&s.x1, &low, &high)
        include_place(&s.x2, &low, &high)
        include_place(&s.y, &low, &high)
        include_place(&s.out, &low, &high)
    j.scratch = low
    j.n_scratch = high - low + RUN_BLOCK * item_bytes(j.dtype) if low != NULL else 0


cdef inline void relocate(Place* place, Py_ssize_t distance) noexcept nogil:
    if in_scratch(place):
        place.start += distance


cdef Steps steps_of(const Steps* j, int who) noexcept nogil:
    """The steps of one of several threads, in its own scratch."""
    cdef Steps mine = j[0]
    cdef char* scratch
    cdef Step* steps
    cdef StreamedOutput* outs
    cdef Py_ssize_t distance
    if who == 0:
        return mine
    scratch = <char*>((<size_t>(j.copies + (who - 1) * j.copy) + 63) & ~<size_t>63)
    steps = <Step*>(scratch + ((j.n_scratch + 63) & ~<Py_ssize_t>63))
    outs = <StreamedOutput*>(steps + j.count)
    distance = <Py_ssize_t>scratch - <Py_ssize_t>j.scratch
    memcpy(steps, j.steps, j.count * sizeof(Step))
    for k in range(j.count):
        s = &steps[k]
        relocate(&s.g, distance)
        relocate(&s.x1, distance)
        relocate(&s.x2, distance)
        relocate(&s.y, distance)
        relocate(&s.out, distance)
    for k in range(j.n_outs):
        outs[k].block = j.outs[k].block + distance
        outs[k].y = j.outs[k].y
    mine.steps, mine.outs = steps, outs
    if j.last != NULL:
        mine.last = j.last + distance
    return mine


cdef void steps_part(const void* job, Py_ssize_t first, Py_ssize_t last, int who) noexcept nogil:
    mine = steps_of(<const Steps*>job, who)
    run_step_blocks(&mine, first, last)


cdef bint share_steps(Steps* j, Part run, const void* job, Py_ssize_t n, Py_ssize_t grain) noexcept nogil:
    """`split_work` of a job that calls `steps_of` in each thread; False without memory for the copies."""
    cdef int others = threads_wanted() - 1, k
    find_scratch(j)
    j.copy = j.n_scratch + j.count * sizeof(Step) + j.n_outs * sizeof(StreamedOutput) + 192
    j.copies = <char*>PyMem_RawMalloc(others * j.copy)
    if j.copies == NULL:
        return False
    for k in range(others if j.n_scratch else 0):       # constants are filled in before the first step
        memcpy(<char*>((<size_t>(j.copies + k * j.copy) + 63) & ~<size_t>63), j.scratch, j.n_scratch)
    split_among(others + 1, run, job, n, grain)
    PyMem_RawFree(j.copies)
    return True


cdef void run_steps(Steps* j, Py_ssize_t n) noexcept nogil:
    """Run all steps on `n` elements."""
    if n * item_bytes(j.dtype) < split_from or not share_steps(j, steps_part, j, n, LANES):
        run_step_blocks(j, 0, n)
