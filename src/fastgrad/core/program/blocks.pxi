# Elementwise steps that are run block by block: all of them on a few hundred elements, which stay in the first-level
# cache, then on the next ones. What no other step reads never reaches memory.

cdef inline bint meets(Variant v, const Note* a, int j, const Note* b, int k) noexcept:
    """Whether the memory of place `j` of `a` and place `k` of `b` overlaps other than element by element."""
    if not ((a.reads | a.writes) >> j & 1 and (b.reads | b.writes) >> k & 1):
        return False
    if a.buffer[j] >= 0 and b.buffer[k] >= 0 and not same_memory(v, a.buffer[j], b.buffer[k]):
        return False
    cdef Py_ssize_t na = max(extent_at(a, j), 1), nb = max(extent_at(b, k), 1)
    return ((a.at[j] != b.at[k] or stride_of(a, j) != stride_of(b, k)) and a.at[j] < b.at[k] + nb
            and b.at[k] < a.at[j] + na)


cdef Py_ssize_t extent_at(const Note* s, int k) noexcept:
    """Bytes of place `k` of an elementwise note."""
    return length_of(s) * item_size(s) if stride_of(s, k) else item_size(s)


cdef bint fits_blocks(Variant v, const Py_ssize_t* members, int count, const Note* s) noexcept:
    """Whether an elementwise note can run block by block after the others."""
    cdef const Note* m
    cdef int i, j, k
    for i in range(count):
        m = &v.c.notes[members[i]]
        for j in range(m.places):
            for k in range(s.places):
                if ((m.writes >> j | s.writes >> k) & 1) and meets(v, m, j, s, k):
                    return False
    return True


cdef void fill_blocks(Variant v, Blocks* b, const Py_ssize_t* members, int count) noexcept:
    """Decide which arrays need not be in memory, or are written past the cache."""
    cdef Note* s
    cdef int i, k, number
    b.count = count
    b.n = length_of(&v.c.notes[members[0]])
    for i in range(count):
        b.calls[i].note = members[i]
        for k in range(MOST_PLACES):
            b.calls[i].scratch[k] = -1
    for i in range(count):
        s = &v.c.notes[members[i]]
        for k in range(s.places):
            if s.writes >> k & 1 and not s.reads >> k & 1 and b.calls[i].scratch[k] < 0 and s.buffer[k] >= 0:
                give_scratch(v, b, s.buffer[k], i, k)
    pack_scratch(b)


cdef void pack_scratch(Blocks* b) noexcept:
    """Let values that are not needed at the same time have the same block of scratch, so that all fit the cache."""
    cdef int last[MOST_IN_BLOCKS]
    cdef int slot_of[MOST_IN_BLOCKS]
    cdef int until[MOST_IN_BLOCKS]      # the last call that needs the value in a slot
    cdef int i, k, x, n = 0
    for x in range(b.n_scratch):
        slot_of[x] = -1
    for i in range(b.count):
        for k in range(MOST_PLACES):
            if b.calls[i].scratch[k] >= 0:
                last[b.calls[i].scratch[k]] = i
    for i in range(b.n_outs):
        last[b.out_scratch[i]] = b.count
    for i in range(b.count):
        for k in range(MOST_PLACES):
            x = b.calls[i].scratch[k]
            if x < 0:
                continue
            if slot_of[x] < 0:
                slot_of[x] = 0
                while slot_of[x] < n and until[slot_of[x]] >= i:
                    slot_of[x] += 1
                n = max(n, slot_of[x] + 1)
                until[slot_of[x]] = last[x]
            b.calls[i].scratch[k] = slot_of[x]
    for i in range(b.n_outs):
        b.out_scratch[i] = slot_of[b.out_scratch[i]]
    b.n_scratch = n


cdef void give_scratch(Variant v, Blocks* b, int number, int first, int place) noexcept:
    """Let a block of scratch stand for a buffer that these notes write first, if nothing else needs it in memory."""
    cdef Memory* m = &v.c.buffers[number]
    cdef Note* s
    cdef char* at = v.c.notes[b.calls[first].note].at[place]
    cdef int i, k, n_reads = 0, n_writes = 0
    cdef bint large
    for i in range(b.count):
        s = &v.c.notes[b.calls[i].note]
        for k in range(s.places):
            if s.buffer[k] == number and (s.reads | s.writes) >> k & 1:
                if s.at[k] != at or stride_of(s, k) == 0 or i < first:
                    return
                n_reads += s.reads >> k & 1
                n_writes += s.writes >> k & 1
    large = b.n * item_size(&v.c.notes[b.calls[0].note]) >= FG_STREAM and (<size_t>at & 15) == 0
    if m.kind != IN_ARENA or n_writes != m.writes or n_reads != m.reads:
        if not large or m.kind == ARGUMENT or m.kind == OUTSIDE or b.n_outs == MOST_IN_BLOCKS:
            return
        b.out_scratch[b.n_outs] = b.n_scratch
        b.out_note[b.n_outs] = b.calls[first].note
        b.out_place[b.n_outs] = place
        b.n_outs += 1
    for i in range(b.count):
        s = &v.c.notes[b.calls[i].note]
        for k in range(s.places):
            if s.buffer[k] == number:
                b.calls[i].scratch[k] = b.n_scratch
    b.n_scratch += 1


cdef struct BlocksJob:
    const Note* notes
    const Blocks* b
    int item
    Py_ssize_t width        # bytes of a block
    char* scratch           # blocks of the first thread: scratch, then the constants
    Py_ssize_t share        # bytes of those of each


cdef inline bint has_constants(const Note* s) noexcept nogil:
    return s.run == run_backward and (s.n[1] != 0 or s.flag != 0)


cdef void fill_constants(const BlocksJob* j, char* filled) noexcept nogil:
    cdef int i
    for i in range(j.b.count):
        s = &j.notes[j.b.calls[i].note]
        if has_constants(s):
            typed[s.dtype].fill(filled, RUN_BLOCK, s.c)
            if s.flag:
                typed[s.dtype].fill(filled + j.width, RUN_BLOCK, load_number(s.dtype, s.at[0]))
            filled += 2 * j.width


cdef void blocks_part(const void* job, Py_ssize_t at, Py_ssize_t last, int who) noexcept nogil:
    """All calls on the first `RUN_BLOCK` elements from `at`, then all on the next, up to `last`."""
    cdef const BlocksJob* j = <const BlocksJob*>job
    cdef const Blocks* b = j.b
    cdef const Note* s
    cdef char* block = j.scratch + who * j.share
    cdef char* filled
    cdef address p[MOST_PLACES]
    cdef Py_ssize_t m
    cdef int i, k
    while at < last:
        m = min(last - at, <Py_ssize_t>RUN_BLOCK)
        filled = block + b.n_scratch * j.width
        for i in range(b.count):
            s = &j.notes[b.calls[i].note]
            for k in range(s.places):
                if b.calls[i].scratch[k] >= 0:
                    p[k] = block + b.calls[i].scratch[k] * j.width
                elif s.at[k] != NULL:
                    p[k] = s.at[k] + at * stride_of(s, k)
                else:
                    p[k] = NULL
            run_part(s, p, m, j.item, filled)
            if has_constants(s):
                filled += 2 * j.width
        for i in range(b.n_outs):
            s = &j.notes[b.out_note[i]]
            fg_stream(block + b.out_scratch[i] * j.width, s.at[b.out_place[i]] + at * j.item, m * j.item, NULL, NULL)
        at += m
    if b.n_outs:
        fg_stream_end()


cdef int run_blocks(Variant v, const Blocks* b, int outside) except -1:
    cdef BlocksJob j
    cdef Released a
    cdef bint written = False
    cdef int constants = 0, threads = 1, i
    if outside == COUNTS:
        count_writes_ahead(v)
    j.notes, j.b = v.c.notes, b
    j.item = item_size(&j.notes[b.calls[0].note])
    j.width = RUN_BLOCK * j.item
    for i in range(b.count):
        constants += has_constants(&j.notes[b.calls[i].note])
    if b.n * j.item >= split_from:
        threads = threads_wanted()
    j.share = (b.n_scratch + 2 * constants + 1) * j.width
    cdef Storage* scratch = storage_new(threads * j.share)
    j.scratch = payload(scratch)
    for i in range(threads):
        fill_constants(&j, j.scratch + i * j.share + b.n_scratch * j.width)
    if threads > 1:
        split_among(threads, blocks_part, &j, b.n, LANES)
    elif outside == LEAVES:
        release_gil(v, &a)
        blocks_part(&j, 0, b.n, 0)
        written = acquire_gil(v, &a)
    else:
        blocks_part(&j, 0, b.n, 0)
    storage_release(scratch)
    if written:
        raise errors.written_meanwhile("compile")
    return 0


cdef inline void run_part(const Note* s, address* p, Py_ssize_t m, int item, char* filled) noexcept nogil:
    """The call of a note on a part of its elements."""
    cdef BoundLoop loop
    cdef const void* x1
    cdef const void* x2
    if s.run == run_backward:
        x1, x2 = p[1], p[2]
        if s.n[1]:
            if x1 == NULL:
                x1 = filled
            else:
                x2 = filled
        (<Backward>s.f)(filled + RUN_BLOCK * item if s.flag else p[0], x1, x2, p[3], p[4], m, s.c, &helpers[s.dtype],
                        s.add)
    elif s.run == run_loop1:
        loop.run, loop.data = <Loop>s.f, <void*>s.data
        apply1(&loop, p[0], p[1], m, item)
    elif s.run == run_loop2:
        loop.run, loop.data = <Loop>s.f, <void*>s.data
        apply2(&loop, p[0], s.n[1], p[1], s.n[2], p[2], m, item)
    elif s.run == run_own_forward:
        (<Forward>s.f)(p[0], p[1], m, &helpers[s.dtype])
    else:
        typed[s.dtype].accumulate(p[0], p[1], m)
