# A captured program, and its replay. Arguments, Tensors from outside and results that the caller still holds may have
# other memory at the next call: a replay first looks where it is, and changes the addresses in the steps.

cdef struct Move:           # memory whose address may change
    int kind                # a BufferKind; OWN: a block that a result had
    int number              # of the owner
    char* seen
    Layout* layout
    int first               # of its places in Variant.places
    int count
    Py_ssize_t writes
    Py_ssize_t before, nbytes   # of the memory: how much lies before `seen`, and all
    bint wanted             # a Tensor from outside that required a gradient

cdef struct Code
cdef struct Blocks

cdef enum LeafKind:
    A_NUMBER                # a Python number, or a NumPy scalar: float64 in a cell
    AN_INTEGER
    AN_ARRAY
    A_TENSOR
    AS_IT_IS                # any other object: a part of the key


@cython.final
cdef class Leaf:
    """How an argument enters a program, or a result leaves it."""
    cdef int kind
    cdef Layout* layout
    cdef bint writeable     # of an array
    cdef object value       # of an object that is as it is
    cdef object key         # what it is compared with if it may change; None: itself
    cdef unsigned int saved     # the version of a number
    cdef Spot place
    cdef char[8] first      # the value of a small result of the recorded call, in C order
    cdef int argument       # a result that is this argument itself; -1: none

    def __dealloc__(self):
        if self.layout != NULL:
            release(self.layout)


@cython.final
cdef class Variant:
    """A program for arguments of one structure."""
    cdef Capture c
    cdef double* cells
    cdef void* cell_block
    cdef Move* moves
    cdef int n_moves
    cdef char*** places         # addresses that follow a move
    cdef object template        # the arguments, with a number in place of each leaf
    cdef list leaves            # Leafs of the arguments
    cdef list results           # of the result
    cdef object made            # the result, likewise
    cdef tuple names
    cdef list around            # what objects among the arguments hold: `program_guards.surroundings`; or None
    cdef bint grad_off, tensors, busy
    cdef bint overwrites        # writes to memory that is not its own
    cdef bint holds             # what it reads, while it runs
    cdef bint outside           # a step runs without the GIL
    cdef PyObject** given       # the leaves of the arguments of a call, while it runs
    cdef Code* code
    cdef Py_ssize_t* sources        # the note of each
    cdef Py_ssize_t n_code
    cdef Blocks** blocks
    cdef int n_blocks
    cdef double* constants          # the last cells
    cdef int n_constants, constant_room
    cdef Storage* arena
    cdef Py_ssize_t arena_bytes
    cdef double* times              # seconds of each step in the last timed call, or NULL
    cdef list firsts            # (Tensor, its `.grad` or None) as the program finds them
    cdef bint grads_recorded

    def __dealloc__(self):
        cdef Py_ssize_t k
        PyMem_RawFree(self.cell_block)
        PyMem_RawFree(self.moves)
        PyMem_RawFree(self.places)
        PyMem_RawFree(self.code)
        PyMem_RawFree(self.sources)
        for k in range(self.n_blocks):
            PyMem_RawFree(self.blocks[k])
        PyMem_RawFree(self.times)
        if self.arena != NULL:
            storage_release(self.arena)
        PyMem_RawFree(self.blocks)


# --- `.grad` of Tensors from outside

cdef int run_set_gradient(const Note* s) except -1:
    """The Tensor at `more` gets a `.grad` with the value at place 0, or none."""
    cdef Tensor x = <Tensor>s.more, g
    cdef Layout* layout = <Layout*>s.data
    if s.at[0] == NULL:
        replace_grad(x, NULL)
        return 0
    if s.f == NULL:
        g = new_tensor(layout_contiguous(layout))
        copy_strided(layout.itemsize, layout, s.at[0], layout.strides, g.data, g.layout.strides)
    else:
        g = adopt(layout, (<Storage**>s.f)[0], s.at[0])
    Py_INCREF(g)
    replace_grad(x, <PyObject*>g)
    return 0


cdef int capture_first_grad(Tensor x) except -1:
    """Remember the `.grad` of `x`, which is about to be read or replaced: replays begin with the same one."""
    cdef Capture c = <Capture>fg_capture
    cdef Tensor g
    if c.suspended or made_here(c, x):
        return 0
    key = <size_t><PyObject*>x
    if key in c.first_grads:
        return 0
    c.owners.append(x)
    if x.grad_ == NULL:
        c.first_grads[key] = (x, None)
        return 0
    g = <Tensor>x.grad_
    c.owners.append(g)
    c.first_grads[key] = (x, g)
    if g.layout.size and find_block(c, g.data) == NULL:
        enter_owned(c, GRAD_OUTSIDE, owner_number(c, x), g, g.data, 8 if g.storage == NULL else g.layout.nbytes)
    return 0


cdef int capture_set_gradient(Tensor x, PyObject* g) noexcept:
    """Note that `x.grad` is now the Tensor `g`, or None."""
    cdef Capture c = <Capture>fg_capture
    cdef Note* s
    cdef Memory* b
    if c.suspended or made_here(c, x):
        return 0
    c.effects = True
    if g != NULL and (<Tensor>g).storage == NULL and made_here(c, <Tensor>g):
        try:
            move_out(<Tensor>g)     # to a block, so that what is added later arrives in the `.grad` of a replay
        except MemoryError:
            fail(c, None)
    s = begin_note(<StepRun>run_set_gradient, 1)
    if s == NULL:
        return 0
    keep_owner(c, x)
    s.more = <PyObject*>x
    s.buffer[0] = NOWHERE
    if g != NULL:
        keep_owner(c, <object>g)
        s.data = keep((<Tensor>g).layout)
        note_place(s, 0, noted_at(<Tensor>g), True, False)
    return 0


# --- finishing a capture

cdef Variant finished(Capture c, list leaves, list results):
    """The program of a capture that has ended."""
    cdef Variant v = Variant.__new__(Variant)
    cdef list others = []
    cdef HostStep h
    cdef Leaf leaf
    cdef Py_ssize_t k
    cdef int j
    cdef list kept = []
    v.c = c
    v.firsts = list(c.first_grads.values())
    for h in c.hosts:
        for o in h.args:
            if type(o) is Spot:
                others.append(o)
        if h.result is not None:
            others.append(h.result)
    for leaf in leaves + results:
        if leaf.place is not None:
            others.append(leaf.place)
            if leaf.argument < 0:
                kept.append(leaf.place)
    mark_arena(c)
    drop_unread(c)
    elide_copies(c, others, kept)
    move_constants(c)
    for k in range(c.n):
        v.constant_room += c.notes[k].run == run_backward and c.notes[k].n[1] and c.notes[k].n[0] == 1
    v.cell_block = PyMem_RawCalloc(c.n_slots + v.constant_room + 8, 8)
    if v.cell_block == NULL:
        raise MemoryError()
    v.cells = <double*>((<size_t>v.cell_block + 63) & ~<size_t>63)
    v.constants = v.cells + c.n_slots
    for j in range(c.n_buffers):
        if c.buffers[j].kind == IN_CELL and c.buffers[j].storage != NULL:
            memcpy(v.cells + c.buffers[j].owner, c.buffers[j].low, 8)
            c.buffers[j].storage = NULL
    lower(v)
    plan_arena(v, others, results)
    place_all(v, others)
    mark_outside(v)
    return v


cdef void move_constants(Capture c) noexcept:
    """Move the numbers that `captured_number` keeps into cells."""
    cdef int k
    for k in range(c.n_buffers):
        if c.buffers[k].kind == HELD and c.buffers[k].nbytes == 8 and c.buffers[k].writes == 0 and type(
                <object>PyList_GET_ITEM(c.owners, c.buffers[k].owner)) is bytearray:
            c.buffers[k].kind = IN_CELL
            c.buffers[k].owner = c.n_slots
            c.buffers[k].storage = <Storage*>1      # its value is copied
            c.n_slots += 1


cdef void visit_place(Variant v, int* moves, char** at, int number, bint count) noexcept:
    """Count an address, or enter it in the list of its move. Addresses of cells become those of the program's."""
    cdef Memory* b
    cdef int m
    if number < 0:
        return
    b = &v.c.buffers[number]
    if b.kind == IN_CELL and count:
        at[0] = <char*>(v.cells + b.owner) + (at[0] - b.low)
    m = moves[v.c.n_buffers + b.owner if b.kind == OWN else number]
    if m >= 0:
        if not count:
            v.places[v.moves[m].first + v.moves[m].count] = at
        v.moves[m].count += 1


cdef void visit_places(Variant v, int* moves, list others, bint count) noexcept:
    cdef Py_ssize_t k
    cdef int j
    cdef Note* s
    for k in range(v.c.n):
        s = &v.c.notes[k]
        for j in range(s.places):
            visit_place(v, moves, &s.at[j], s.buffer[j], count)
    for k in range(len(others)):
        p = <Spot>others[k]
        visit_place(v, moves, &p.at, p.buffer, count)


cdef int place_all(Variant v, list others) except -1:
    """Lay out the memory of the program: cells, and what may move."""
    cdef Capture c = v.c
    cdef Py_ssize_t k, n_all = c.n_own + c.n_buffers, total = 0
    cdef int m
    cdef Memory* b
    cdef Note* s
    cdef int* moves = <int*>PyMem_RawMalloc((n_all + 1) * sizeof(int))      # by buffer, and by block of our own
    v.moves = <Move*>PyMem_RawCalloc(n_all + 1, sizeof(Move))
    if moves == NULL or v.moves == NULL:
        PyMem_RawFree(moves)
        raise MemoryError()
    for k in range(n_all):
        moves[k] = -1
    for k in range(c.n_own):
        if c.own[k] != NULL and c.own[k].refs > 1:      # somebody else holds it: a result, a `.grad`
            moves[c.n_buffers + k] = 0
    for k in range(c.n):
        s = &c.notes[k]
        if s.run == <StepRun>run_set_gradient and s.buffer[0] >= 0 and c.buffers[s.buffer[0]].kind == OWN:
            m = c.buffers[s.buffer[0]].owner
            moves[c.n_buffers + m] = 0
            s.f = &c.own[m]
    for k in range(c.n_own):
        if moves[c.n_buffers + k] == 0:
            moves[c.n_buffers + k] = v.n_moves
            v.moves[v.n_moves].kind = OWN
            v.moves[v.n_moves].number = <int>k
            v.moves[v.n_moves].seen = payload(c.own[k])
            v.n_moves += 1
    for k in range(c.n_buffers):
        b = &c.buffers[k]
        if OUTSIDE <= b.kind <= ARGUMENT:
            moves[k] = v.n_moves
            v.moves[v.n_moves].kind = b.kind
            v.moves[v.n_moves].number = b.owner
            v.moves[v.n_moves].seen = b.seen
            v.moves[v.n_moves].layout = b.layout
            v.moves[v.n_moves].writes = b.writes
            v.moves[v.n_moves].before = b.seen - b.low
            v.moves[v.n_moves].nbytes = b.nbytes
            v.overwrites = v.overwrites or b.writes != 0
            if b.kind == OUTSIDE:
                v.moves[v.n_moves].wanted = (<Tensor>c.owners[b.owner]).flags & REQUIRES_GRAD != 0
            v.n_moves += 1
    visit_places(v, moves, others, True)
    for m in range(v.n_moves):
        v.moves[m].first = <int>total
        total += v.moves[m].count
        v.moves[m].count = 0
    v.places = <char***>PyMem_RawMalloc((total + 1) * sizeof(char**))
    if v.places == NULL:
        PyMem_RawFree(moves)
        raise MemoryError()
    visit_places(v, moves, others, False)
    PyMem_RawFree(moves)
    return 0


# --- replay

cdef inline void move_to(Variant v, Move* m, char* now) noexcept:
    cdef Py_ssize_t by = now - m.seen
    cdef int k
    for k in range(m.first, m.first + m.count):
        v.places[k][0] += by
    m.seen = now


cdef bint fits_outside(Variant v, PyObject** given) except -1:
    """Whether Tensors from outside are as when the program was recorded. Waits for writes by NumPy."""
    cdef Move* m
    cdef Tensor x
    cdef PyObject* g
    cdef int k
    for k in range(v.n_moves):
        m = &v.moves[k]
        if m.kind == OUTSIDE:
            x = <Tensor>PyList_GET_ITEM(v.c.owners, m.number)
            if x.layout != m.layout or (x.flags & REQUIRES_GRAD != 0) != m.wanted or (m.wanted and has_hooks(x)):
                return False
            check_fresh(x)
        elif m.kind == GRAD_OUTSIDE:
            g = (<Tensor>PyList_GET_ITEM(v.c.owners, m.number)).grad_
            if g == NULL or (<Tensor>g).layout != m.layout:
                return False
        elif m.kind == ARGUMENT and Py_TYPE(<object>given[m.number]) == POOLED:
            check_fresh(<Tensor>given[m.number])
    for k in range(<int>len(v.firsts)):
        first = <tuple>v.firsts[k]
        g = (<Tensor>first[0]).grad_
        if first[1] is None:
            if g != NULL:
                return False
        elif g == NULL or not same_gradient(<Tensor>g, <Tensor>first[1]):
            return False
    return True


cdef inline bint same_gradient(Tensor g, Tensor first) noexcept:
    return (g.layout == first.layout and (g.flags & REQUIRES_GRAD) == (first.flags & REQUIRES_GRAD)
            and (g.storage == NULL or g.storage.flags == 0))


cdef inline PyObject* outer_tensor(Variant v, const Move* m, PyObject** given) noexcept:
    """Borrowed: the Tensor that has the memory; NULL if there is none."""
    if m.kind == OUTSIDE:
        return PyList_GET_ITEM(v.c.owners, m.number)
    if m.kind == GRAD_OUTSIDE:
        return (<Tensor>PyList_GET_ITEM(v.c.owners, m.number)).grad_
    return given[m.number] if m.kind == ARGUMENT and Py_TYPE(<object>given[m.number]) == POOLED else NULL


cdef inline char* outer_address(Variant v, const Move* m, PyObject** given) noexcept:
    """Where memory that is not the program's own is now."""
    x = outer_tensor(v, m, given)
    return (<Tensor>x).data if x != NULL else <char*>cnp.PyArray_DATA(<cnp.ndarray>given[m.number])


cdef bint overwrites_another(Variant v, PyObject** given) noexcept:
    """Whether the program would write to memory that it also finds elsewhere: in an argument that shares memory with
    another one or with a Tensor from outside. Steps rely on that not being so."""
    cdef const Move* m
    cdef const Move* other
    cdef const Memory* b
    cdef char* low
    cdef char* there
    cdef int k, j
    for k in range(v.n_moves):
        m = &v.moves[k]
        if m.kind != ARGUMENT:
            continue
        low = outer_address(v, m, given) - m.before
        for j in range(v.n_moves):
            other = &v.moves[j]
            if j == k or other.kind == OWN or not (m.writes or other.writes):
                continue
            there = outer_address(v, other, given) - other.before
            if low < there + other.nbytes and there < low + m.nbytes:
                return True
        for j in range(v.c.n_buffers if m.writes else 0):
            b = &v.c.buffers[j]
            if b.kind == HELD and low < b.low + b.nbytes and b.low < low + m.nbytes:
                return True
    return False


cdef int locate_all(Variant v, PyObject** given) except -1:
    """Find all memory that may have moved. `given` are the leaves of the arguments."""
    cdef Storage* fresh
    cdef Move* m
    cdef char* now
    cdef int k
    for k in range(v.n_moves):
        m = &v.moves[k]
        now = m.seen
        if m.kind == OWN:
            if v.c.own[m.number].refs > 1:
                fresh = storage_new(v.c.own[m.number].capacity)
                storage_release(v.c.own[m.number])
                v.c.own[m.number] = fresh
                now = payload(fresh)
        else:
            now = outer_address(v, m, given)
        if now != m.seen:
            move_to(v, m, now)
    return 0


cdef int count_writes(Variant v, PyObject** given) except -1:
    """Count the writes to Tensors from outside."""
    cdef Move* m
    cdef bint here
    cdef int k
    for k in range(v.n_moves):
        m = &v.moves[k]
        x = outer_tensor(v, m, given) if m.writes else NULL
        if x != NULL:
            here = (<Tensor>x).data == m.seen
            count_write(<Tensor>x, m.writes)
            if here and (<Tensor>x).data != m.seen:
                move_to(v, m, (<Tensor>x).data)     # a number that got a block of its own
    return 0


cdef int count_write(Tensor x, Py_ssize_t n) except -1:
    bump_version(x)
    if x.storage != NULL:
        x.storage.version += <unsigned int>(n - 1)
        note_write(x.storage, whole_region(x))
    return 0


cdef inline int run_code(Variant v, const Code* s) except -2:
    """Make a call again. -1: a branch would go another way."""
    cdef const Note* note
    cdef int failed
    if s.kind == CALL:
        note = &v.c.notes[s.what.index]
        if s.outside == LEAVES:
            run_released(v, note)
            return 0
        if s.outside == COUNTS:
            count_writes_ahead(v)
            if note.run == <StepRun>run_host:
                run_writing(v, note)
                return 0
        failed = note.run(note)
        if failed:
            if failed == -2:
                return -1
            reraise()
    elif s.kind == BLOCKS:
        run_blocks(v, v.blocks[s.what.index], s.outside)
    else:
        run_number(s, v.cells)
    return 0


cdef int run_notes(Variant v) except -2:
    cdef Py_ssize_t k
    for k in range(v.n_code):
        if run_code(v, &v.code[k]) < 0:
            return -1
    return 0


cdef int run_timed(Variant v) except -2:
    """`run_notes`, with the time of each step. Neighbouring steps on numbers are timed together, as the first."""
    cdef Py_ssize_t k = 0, first
    cdef double begin
    if v.times == NULL:
        v.times = <double*>PyMem_RawMalloc((v.n_code + 1) * sizeof(double))
        if v.times == NULL:
            raise MemoryError()
    for k in range(v.n_code):
        v.times[k] = 0
    k = 0
    while k < v.n_code:
        first = k
        begin = perf_counter()
        if run_code(v, &v.code[k]) < 0:
            return -1
        k += 1
        while v.code[first].kind > BLOCKS and k < v.n_code and v.code[k].kind > BLOCKS:
            run_number(&v.code[k], v.cells)
            k += 1
        v.times[first] = perf_counter() - begin
    return 0
