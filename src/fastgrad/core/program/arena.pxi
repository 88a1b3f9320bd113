# The memory of a program. Values that nobody else holds lie in one arena, where the place of a value that no step reads
# any more is given to another one. This is decided after the order of the steps: that the recorded function happened
# to use a block again keeps no two steps apart.

cdef struct Span:           # of a buffer in the arena
    Py_ssize_t first        # steps of the code
    Py_ssize_t last
    Py_ssize_t offset       # -1: not in memory
    int next_first          # buffers that begin, and end, with the same step
    int next_last

cdef struct Gap:
    Py_ssize_t at
    Py_ssize_t size


cdef int mark_arena(Capture c) except -1:
    """Find the values that may lie anywhere: those that nobody but the capture holds."""
    cdef Py_ssize_t k
    cdef int b
    cdef char* held = <char*>PyMem_RawCalloc(c.n_buffers + 1, 1)
    if held == NULL:
        raise MemoryError()
    for k in range(c.n_own):
        if c.own[k].refs > 1:
            held[find_block(c, payload(c.own[k])).buffer] = True
    for k in range(c.n):
        s = &c.notes[k]
        if s.run == <StepRun>run_set_gradient and s.buffer[0] >= 0:
            held[s.buffer[0]] = True
    for b in range(c.n_buffers):
        if c.buffers[b].kind == OWN and not held[b]:
            c.buffers[b].kind = IN_ARENA
    PyMem_RawFree(held)
    return 0


cdef unsigned int kernel_reads(const Note* s) noexcept:
    """READS_X1, READS_X2 and READS_Y: what a backward kernel reads besides the gradient."""
    cdef unsigned int found = 0
    cdef int op
    for op in range(<int>FIRST_STRUCTURED):
        k = &kernels[op]
        if k.nin and (s.f == <void*>k.x1[s.dtype] or s.f == <void*>k.x1_alone[s.dtype]):
            found |= table[op].reads_alone[0]
        elif k.nin == 2 and s.f == <void*>k.x2[s.dtype]:
            found |= table[op].reads_alone[1]
        else:
            continue
        if found == 0:
            return 0
    return found


cdef void drop_unread(Capture c) noexcept:
    """Forget the values that backward kernels are given and do not read."""
    cdef Py_ssize_t k
    cdef int j
    cdef unsigned int read
    for k in range(c.n):
        s = &c.notes[k]
        if s.run != run_backward:
            continue
        read = kernel_reads(s)
        for j in range(1, 4):
            if s.reads >> j & 1 and not read & (READS_X1 if j == 1 else READS_X2 if j == 2 else READS_Y):
                c.buffers[s.buffer[j]].reads -= 1
                s.buffer[j] = NOWHERE
                s.reads &= ~(1 << j)
                if not s.n[1]:
                    s.at[j] = NULL      # with a constant, NULL says which operand this is


cdef inline void span_use(Capture c, Span* spans, int b, Py_ssize_t at) noexcept:
    if b >= 0 and c.buffers[b].kind == IN_ARENA:
        spans[b].first = min(spans[b].first, at)
        spans[b].last = max(spans[b].last, at)


cdef void span_note(Capture c, Span* spans, const Note* s, const BlockCall* call, Py_ssize_t at) noexcept:
    """Enter what a note reads and writes in memory."""
    cdef int j
    cdef HostStep h
    for j in range(s.places):
        if (s.reads | s.writes) >> j & 1 and (call == NULL or call.scratch[j] < 0):
            span_use(c, spans, s.buffer[j], at)
    if s.run == <StepRun>run_host:
        h = <HostStep>s.more
        for o in h.args:
            if type(o) is Spot:
                span_use(c, spans, (<Spot>o).buffer, at)
        if h.result is not None:
            span_use(c, spans, h.result.buffer, at)


cdef void find_spans(Variant v, Span* spans, list results) noexcept:
    cdef Capture c = v.c
    cdef Py_ssize_t k
    cdef int i
    cdef const Blocks* b
    cdef Leaf leaf
    for i in range(c.n_buffers):
        spans[i].first = v.n_code
        spans[i].last = spans[i].offset = -1
    for k in range(v.n_code):
        if v.code[k].kind == CALL:
            span_note(c, spans, &c.notes[v.code[k].what.index], NULL, k)
        elif v.code[k].kind == BLOCKS:
            b = v.blocks[v.code[k].what.index]
            for i in range(b.count):
                span_note(c, spans, &c.notes[b.calls[i].note], &b.calls[i], k)
            for i in range(b.n_outs):
                span_use(c, spans, c.notes[b.out_note[i]].buffer[b.out_place[i]], k)
    for leaf in results:
        if leaf.place is not None:
            span_use(c, spans, leaf.place.buffer, v.n_code)     # read when all steps have been made


cdef Py_ssize_t take_gap(Gap* gaps, int* n, Py_ssize_t size, Py_ssize_t* top) noexcept:
    """An offset for `size` bytes: in the smallest gap that has room, or at the end."""
    cdef int k, best = -1
    cdef Py_ssize_t at
    for k in range(n[0]):
        if gaps[k].size >= size and (best < 0 or gaps[k].size < gaps[best].size):
            best = k
    if best < 0:
        at = top[0]
        if n[0] and gaps[n[0] - 1].at + gaps[n[0] - 1].size == top[0]:
            n[0] -= 1
            at = gaps[n[0]].at
        top[0] = at + size
        return at
    at = gaps[best].at
    gaps[best].at += size
    gaps[best].size -= size
    if gaps[best].size == 0:
        n[0] -= 1
        memmove(gaps + best, gaps + best + 1, (n[0] - best) * sizeof(Gap))
    return at


cdef void give_gap(Gap* gaps, int* n, Py_ssize_t at, Py_ssize_t size) noexcept:
    """Enter a gap, in order, and join it with its neighbours."""
    cdef int k = 0
    while k < n[0] and gaps[k].at < at:
        k += 1
    memmove(gaps + k + 1, gaps + k, (n[0] - k) * sizeof(Gap))
    n[0] += 1
    gaps[k].at, gaps[k].size = at, size
    if k + 1 < n[0] and at + size == gaps[k + 1].at:
        gaps[k].size += gaps[k + 1].size
        n[0] -= 1
        memmove(gaps + k + 1, gaps + k + 2, (n[0] - k - 1) * sizeof(Gap))
    if k > 0 and gaps[k - 1].at + gaps[k - 1].size == at:
        gaps[k - 1].size += gaps[k].size
        n[0] -= 1
        memmove(gaps + k, gaps + k + 1, (n[0] - k) * sizeof(Gap))


cdef inline Py_ssize_t arena_size(const Memory* b) noexcept:
    return (b.nbytes + 63) & ~<Py_ssize_t>63


cdef Py_ssize_t find_offsets(Variant v, Span* spans) except -1:
    """Give every value that is in memory its place in the arena; returns the size of that."""
    cdef Capture c = v.c
    cdef Py_ssize_t k, top = 0
    cdef int b, n_gaps = 0
    cdef int* firsts = <int*>PyMem_RawMalloc(2 * (v.n_code + 1) * sizeof(int))
    cdef int* lasts = firsts + v.n_code + 1
    cdef Gap* gaps = <Gap*>PyMem_RawMalloc((c.n_buffers + 2) * sizeof(Gap))
    if firsts == NULL or gaps == NULL:
        PyMem_RawFree(firsts)
        PyMem_RawFree(gaps)
        raise MemoryError()
    memset(firsts, 0xFF, 2 * (v.n_code + 1) * sizeof(int))      # all -1
    for b in range(c.n_buffers):
        if spans[b].last >= 0:
            spans[b].next_first, firsts[spans[b].first] = firsts[spans[b].first], b
            spans[b].next_last, lasts[spans[b].last] = lasts[spans[b].last], b
    for k in range(v.n_code + 1):
        b = firsts[k]
        while b >= 0:
            spans[b].offset = take_gap(gaps, &n_gaps, arena_size(&c.buffers[b]), &top)
            b = spans[b].next_first
        b = lasts[k]
        while b >= 0:
            give_gap(gaps, &n_gaps, spans[b].offset, arena_size(&c.buffers[b]))
            b = spans[b].next_last
    PyMem_RawFree(firsts)
    PyMem_RawFree(gaps)
    return top


cdef inline void into_arena(Variant v, const Span* spans, char** at, int number) noexcept:
    if number >= 0 and v.c.buffers[number].kind == IN_ARENA and spans[number].offset >= 0:
        at[0] = payload(v.arena) + spans[number].offset + (at[0] - v.c.buffers[number].low)


cdef int plan_arena(Variant v, list others, list results) except -1:
    """Move the values that may lie anywhere into one block, and release the blocks where they were."""
    cdef Capture c = v.c
    cdef Py_ssize_t k
    cdef int j
    cdef Note* s
    cdef Spot p
    cdef Span* spans = <Span*>PyMem_RawMalloc((c.n_buffers + 1) * sizeof(Span))
    if spans == NULL:
        raise MemoryError()
    try:
        find_spans(v, spans, results)
        v.arena_bytes = find_offsets(v, spans)
        release_blocks(c)
        v.arena = storage_new(v.arena_bytes)
        for k in range(c.n):
            s = &c.notes[k]
            for j in range(s.places):
                into_arena(v, spans, &s.at[j], s.buffer[j])
        for p in others:
            into_arena(v, spans, &p.at, p.buffer)
        for j in range(c.n_buffers):
            into_arena(v, spans, &c.buffers[j].low, j)
    finally:
        PyMem_RawFree(spans)
    return 0


cdef void release_blocks(Capture c) noexcept:
    """Release the blocks whose values are all in the arena."""
    cdef Py_ssize_t k
    cdef int b
    for b in range(c.n_buffers):
        if c.buffers[b].kind == OWN:
            c.own[c.buffers[b].owner].refs += 1
    for k in range(c.n_own):
        if c.own[k].refs == 1:
            storage_discard(c.own[k])
            c.own[k] = NULL
    for b in range(c.n_buffers):
        if c.buffers[b].kind == OWN:
            c.own[c.buffers[b].owner].refs -= 1
