# Copies that a replay need not make: nothing writes to either side afterwards, so that one stands for the other.

cdef struct Alias:
    int buffer              # that has the value; NOWHERE: the buffer itself
    Py_ssize_t by           # bytes from an address in the one to that in the other


cdef bint copies_all(Capture c, const Note* s) noexcept:
    """Whether a note copies a value, in C order, to the beginning of a buffer."""
    cdef Strided* m
    cdef Py_ssize_t step
    cdef int k
    if s.buffer[0] < 0 or s.buffer[1] < 0 or s.at[1] != c.buffers[s.buffer[1]].low:
        return False
    if s.run == run_move:
        return True
    if s.run == run_share:
        return s.dtype == F64 and s.c == 1 and s.n[0] == 0 and not s.add
    if s.run != run_copy_strided:
        return False
    m = <Strided*>s.more
    step = s.n[0]
    for k in range(m.shape.ndim - 1, -1, -1):
        if m.shape.shape[k] != 1 and (m.x[k] != step or m.y[k] != step):
            return False
        step *= m.shape.shape[k]
    return True


cdef struct Use:            # of a buffer, by number of note
    Py_ssize_t last_write
    Py_ssize_t last_read
    Py_ssize_t first_write
    Py_ssize_t gone         # when its block becomes that of another buffer


cdef void find_uses(Capture c, list spots, list kept, Use* use) noexcept:
    cdef Py_ssize_t k
    cdef int j, b
    cdef Note* s
    cdef Spot p
    cdef HostStep h
    for b in range(c.n_buffers):
        use[b].last_write = use[b].last_read = -1
        use[b].first_write = use[b].gone = c.n + 1
    for k in range(c.n):
        s = &c.notes[k]
        for j in range(s.places):
            b = s.buffer[j]
            if b < 0:
                continue
            if s.writes >> j & 1:
                use[b].last_write = k
                use[b].first_write = min(use[b].first_write, k)
            if s.reads >> j & 1:
                use[b].last_read = k
            if s.run == <StepRun>run_set_gradient:
                use[b].last_write = c.n + 1     # it becomes a `.grad`, and stays where it is
    for p in spots:
        if p.buffer >= 0:
            use[p.buffer].last_read = c.n
    for h in c.hosts:       # wherever they are
        if h.into and (<Spot>h.args[0]).buffer >= 0:
            use[(<Spot>h.args[0]).buffer].last_write = c.n
        if h.result is not None and h.result.buffer >= 0:
            use[h.result.buffer].first_write = -1
    for p in kept:
        if p.buffer >= 0 and not is_small(p.layout):
            use[p.buffer].last_write = c.n + 1


cdef void find_ends(Capture c, Use* use, Py_ssize_t* next_write) noexcept:
    """Find when the block of each buffer is written as another one. `next_write` is scratch, by number of the block."""
    cdef int b
    for b in range(<int>c.n_own):
        next_write[b] = c.n + 1
    for b in range(c.n_buffers - 1, -1, -1):
        if c.buffers[b].kind == OWN:
            use[b].gone = next_write[c.buffers[b].owner]
            if c.buffers[b].writes:
                next_write[c.buffers[b].owner] = min(use[b].first_write, use[b].gone)


cdef int elide_copies(Capture c, list spots, list kept) except -1:
    """Let readers of a copy read the original. `spots` are all addresses outside of notes; `kept` are those of results,
    which share no memory."""
    cdef Py_ssize_t k
    cdef int j, a, b
    cdef Note* s
    cdef Spot p
    cdef Use* use = <Use*>PyMem_RawMalloc((c.n_buffers + 1) * sizeof(Use))
    cdef Alias* alias = <Alias*>PyMem_RawMalloc((c.n_buffers + 1) * sizeof(Alias))
    cdef Py_ssize_t* next_write = <Py_ssize_t*>PyMem_RawMalloc((c.n_own + 1) * sizeof(Py_ssize_t))
    if use == NULL or alias == NULL or next_write == NULL:
        PyMem_RawFree(use)
        PyMem_RawFree(alias)
        PyMem_RawFree(next_write)
        raise MemoryError()
    find_uses(c, spots, kept, use)
    find_ends(c, use, next_write)
    for b in range(c.n_buffers):
        alias[b].buffer = NOWHERE
    for k in range(c.n):
        s = &c.notes[k]
        for j in range(s.places):
            redirect_place(alias, &s.at[j], &s.buffer[j])
        if not copies_all(c, s):
            continue
        a, b = s.buffer[0], s.buffer[1]
        if (a == b or c.buffers[b].writes != 1 or use[b].last_write != k or use[a].last_write >= k
                or use[b].last_read >= use[a].gone or c.buffers[b].kind not in (OWN, IN_CELL, IN_ARENA)):
            continue
        alias[b].buffer = a
        alias[b].by = s.at[0] - s.at[1]
        use[a].last_read = max(use[a].last_read, use[b].last_read)
        c.buffers[a].reads += c.buffers[b].reads - 1
        c.buffers[b].reads = c.buffers[b].writes = 0
        forget_note(s)
        s.more = NULL
        s.run = run_nothing
        s.places = 0
    for p in spots:
        redirect_place(alias, &p.at, &p.buffer)
    PyMem_RawFree(use)
    PyMem_RawFree(alias)
    PyMem_RawFree(next_write)
    return 0


cdef inline void redirect_place(const Alias* alias, char** at, int* buffer) noexcept:
    """The address of the original, which is no copy itself."""
    cdef int number = buffer[0]
    if number >= 0 and alias[number].buffer >= 0:
        at[0] += alias[number].by
        buffer[0] = alias[number].buffer
