# A list of backward kernels run block by block: cotangents in between stay in the first-level cache. Each of several
# threads has a copy of the steps and of the scratch blocks, which hold no result.

cdef struct StepsJob:
    const Step* steps
    int count
    const StreamedOutput* outs
    int n_outs
    int dtype
    char* copies            # of scratch and steps, for each thread but the first
    Py_ssize_t copy         # bytes of each
    const char* scratch     # where it begins
    Py_ssize_t n_scratch    # bytes


cdef void run_blocks(const Step* steps, int count, const StreamedOutput* outs, int n_outs, int dtype, Py_ssize_t at,
                     Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t item = item_bytes(dtype), m
    while at < n:
        m = min(n - at, <Py_ssize_t>RUN_BLOCK)
        for k in range(count):
            s = &steps[k]
            s.kernel(s.g.start + at * s.g.step, s.x1.start + at * s.x1.step, s.x2.start + at * s.x2.step,
                     s.y.start + at * s.y.step, s.out.start + at * s.out.step, m, s.c, &helpers[dtype], s.add)
        for k in range(n_outs):
            fg_stream(outs[k].block, outs[k].y + at * item, m * item, NULL, NULL)
        at += m
    if n_outs:
        fg_stream_end()


cdef inline bint in_scratch(const Place* place) noexcept nogil:
    return place.step == 0 and place.start != NULL


cdef inline void include_place(const Place* place, char** low, char** high) noexcept nogil:
    if in_scratch(place):
        low[0] = place.start if low[0] == NULL else min(low[0], place.start)
        high[0] = max(high[0], place.start)


cdef void find_scratch(StepsJob* j) noexcept nogil:
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


cdef void steps_part(const void* job, Py_ssize_t first, Py_ssize_t last, int who) noexcept nogil:
    j = <const StepsJob*>job
    cdef char* scratch
    cdef Step* steps
    cdef StreamedOutput* outs
    cdef Py_ssize_t distance
    if who == 0:
        run_blocks(j.steps, j.count, j.outs, j.n_outs, j.dtype, first, last)
        return
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
    run_blocks(steps, j.count, outs, j.n_outs, j.dtype, first, last)


cdef void run_steps(const Step* steps, int count, const StreamedOutput* outs, int n_outs, int dtype,
                    Py_ssize_t n) noexcept nogil:
    """Run all steps on the first `RUN_BLOCK` elements, then all on the next, and so on."""
    cdef StepsJob j
    cdef int others = threads_wanted() - 1, k
    if n * item_bytes(dtype) >= split_from:
        j.steps, j.count, j.outs, j.n_outs, j.dtype = steps, count, outs, n_outs, dtype
        find_scratch(&j)
        j.copy = j.n_scratch + count * sizeof(Step) + n_outs * sizeof(StreamedOutput) + 192
        j.copies = <char*>PyMem_RawMalloc(others * j.copy)
        if j.copies != NULL:
            for k in range(others):     # constants are filled in before the first step
                memcpy(<char*>((<size_t>(j.copies + k * j.copy) + 63) & ~<size_t>63), j.scratch, j.n_scratch)
            split_work(steps_part, &j, n, LANES)
            PyMem_RawFree(j.copies)
            return
    run_blocks(steps, count, outs, n_outs, dtype, 0, n)
