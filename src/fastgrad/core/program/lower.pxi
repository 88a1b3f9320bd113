# From notes to code: calls on single numbers become 32 bytes each, over dense cells; neighbouring elementwise calls are
# run block by block. The same operations in the same order per element, and so the same bits.

cdef enum CodeKind:
    CALL                    # a note by itself
    BLOCKS                  # several elementwise notes together
    SET, COPY_NUMBER, SCALE     # of one float64
    UNARY, BINARY, SUM_OF, DIFFERENCE, PRODUCT, QUOTIENT
    PULL, PULL_COPY, PULL_NEGATIVE, PULL_PRODUCT        # a backward kernel, and those that need no call

cdef union What:
    const void* f           # a kernel
    double number
    Py_ssize_t index        # of a note, or of a Blocks

cdef struct Code:           # 32 bytes
    What what
    unsigned char kind
    unsigned char add
    unsigned char constant  # which operand of a backward kernel is a constant: 1, 2, or 0
    unsigned char outside   # of CALL and BLOCKS: LEAVES, COUNTS, or 0
    int[5] at               # cells

cdef enum:
    MOST_IN_BLOCKS = 64
    FUSED_FROM = 4096       # bytes of an array from which elementwise steps are run block by block
    NO_CELL = -1

cdef struct BlockCall:
    Py_ssize_t note
    int[MOST_PLACES] scratch    # number of the block of scratch that stands for the place, or -1

cdef struct Blocks:         # elementwise notes over arrays of the same length
    int count
    int n_scratch
    int n_outs
    int dtype
    Py_ssize_t n
    BlockCall calls[MOST_IN_BLOCKS]
    int out_scratch[MOST_IN_BLOCKS]     # blocks of scratch that are copied to memory,
    Py_ssize_t out_note[MOST_IN_BLOCKS]     # to a place of a note
    int out_place[MOST_IN_BLOCKS]


cdef inline Py_ssize_t length_of(const Note* s) noexcept:
    """The elements of an elementwise note that may run with others; 0 for all other notes."""
    if s.run == run_loop1:
        return s.n[0]
    if s.run == run_loop2:
        if (s.n[1] != 0 and s.n[1] != s.n[3]) or (s.n[2] != 0 and s.n[2] != s.n[3]):
            return 0
        return s.n[0]
    if s.run == run_own_forward or s.run == run_accumulate or s.run == run_backward:
        return s.n[0]
    return 0


cdef inline int item_size(const Note* s) noexcept nogil:
    if s.run == run_loop1:
        return <int>s.n[1]
    if s.run == run_loop2:
        return <int>s.n[3]
    return 8 if s.dtype == F64 else 4


cdef inline Py_ssize_t stride_of(const Note* s, int k) noexcept nogil:
    """Bytes per element of place `k`; 0 where one number stands for all."""
    if s.run == run_loop2 and k < 2:
        return s.n[k + 1]
    if s.run == run_backward and k == 0 and s.flag:
        return 0
    return item_size(s)


# --- numbers

cdef inline int cell_at(Variant v, const Note* s, int k) noexcept:
    """The cell of place `k`; NO_CELL where it is none."""
    if s.at[k] == NULL or s.buffer[k] < 0 or v.c.buffers[s.buffer[k]].kind != IN_CELL:
        return NO_CELL
    if s.at[k] != v.c.buffers[s.buffer[k]].low:
        return NO_CELL
    return v.c.buffers[s.buffer[k]].owner


cdef bint lower_number(Variant v, const Note* s, Code* out) noexcept:
    """The code of a call on single float64 numbers in cells; False for other calls."""
    cdef int k
    memset(out, 0, sizeof(Code))
    for k in range(min(<int>s.places, 5)):
        out.at[k] = cell_at(v, s, k)
        if out.at[k] == NO_CELL and s.at[k] != NULL and (s.reads | s.writes) >> k & 1:
            return False
    if s.run == run_scalar1:
        out.kind = UNARY
        out.what.f = s.f
    elif s.run == run_scalar2:
        out.kind = (SUM_OF if s.f == <void*>kernels[<int>ADD].scalar2 else
                    DIFFERENCE if s.f == <void*>kernels[<int>SUBTRACT].scalar2 else
                    PRODUCT if s.f == <void*>kernels[<int>MULTIPLY].scalar2 else
                    QUOTIENT if s.f == <void*>kernels[<int>DIVIDE].scalar2 else BINARY)
        out.what.f = s.f
    elif s.run == run_store and s.dtype == F64:
        out.kind = SET
        out.what.number = s.c
    elif s.run == run_move and s.n[0] == 8:
        out.kind = COPY_NUMBER
    elif s.run == run_copy_strided and s.n[0] == 8 and (<Strided*>s.more).shape.size == 1:
        out.kind = COPY_NUMBER
    elif s.run == run_share and s.dtype == F64 and not s.add and s.n[0] < 1 << 30:
        out.kind = SCALE
        out.what.number = s.c
        out.at[2] = <int>s.n[0]
    elif s.run == run_accumulate and s.dtype == F64 and s.n[0] == 1:
        out.kind = PULL_COPY
        out.at[4] = out.at[1]
        out.add = True
    elif s.run == run_backward and s.dtype == F64 and s.n[0] == 1:
        out.kind = PULL
        out.what.f = s.f
        out.add = s.add
        if s.n[1]:
            return lower_constant(v, s, out)
        if s.f == <void*>kernels[<int>ADD].x1[<int>F64]:
            out.kind = PULL_COPY
        elif s.f == <void*>kernels[<int>NEGATIVE].x1[<int>F64]:
            out.kind = PULL_NEGATIVE
        elif s.f == <void*>kernels[<int>MULTIPLY].x1[<int>F64]:
            out.kind = PULL_PRODUCT
            out.at[1] = out.at[2]
        elif s.f == <void*>kernels[<int>MULTIPLY].x2[<int>F64]:
            out.kind = PULL_PRODUCT
    else:
        return False
    return True


cdef bint lower_constant(Variant v, const Note* s, Code* out) noexcept:
    """A backward kernel with a constant operand: this gets a cell."""
    cdef int k = 1 if s.at[1] == NULL else 2
    if v.n_constants == v.constant_room:
        return False
    v.constants[v.n_constants] = s.c
    out.at[k] = v.c.n_slots + v.n_constants
    v.n_constants += 1
    out.constant = <unsigned char>k
    if s.f == <void*>kernels[<int>MULTIPLY].x1[<int>F64] or s.f == <void*>kernels[<int>MULTIPLY].x2[<int>F64]:
        if (s.f == <void*>kernels[<int>MULTIPLY].x1[<int>F64]) == (k == 2):
            out.kind = PULL_PRODUCT
            out.at[1] = out.at[k]
    return True


cdef inline void run_number(const Code* s, double* cells) noexcept:
    cdef double g
    cdef const double* x1
    cdef const double* x2
    if s.kind == SUM_OF:
        cells[s.at[2]] = cells[s.at[0]] + cells[s.at[1]]
    elif s.kind == PRODUCT:
        cells[s.at[2]] = cells[s.at[0]] * cells[s.at[1]]
    elif s.kind == DIFFERENCE:
        cells[s.at[2]] = cells[s.at[0]] - cells[s.at[1]]
    elif s.kind == QUOTIENT:
        cells[s.at[2]] = cells[s.at[0]] / cells[s.at[1]]
    elif s.kind == UNARY:
        cells[s.at[1]] = (<Scalar1>s.what.f)(cells[s.at[0]])
    elif s.kind == BINARY:
        cells[s.at[2]] = (<Scalar2>s.what.f)(cells[s.at[0]], cells[s.at[1]])
    elif s.kind == PULL_COPY:
        g = cells[s.at[0]]
        cells[s.at[4]] = cells[s.at[4]] + g if s.add else g
    elif s.kind == PULL_NEGATIVE:
        g = -cells[s.at[0]]
        cells[s.at[4]] = cells[s.at[4]] + g if s.add else g
    elif s.kind == PULL_PRODUCT:
        g = cells[s.at[0]] * cells[s.at[1]]
        cells[s.at[4]] = cells[s.at[4]] + g if s.add else g
    elif s.kind == PULL:
        x1 = NULL if s.at[1] < 0 else cells + s.at[1]
        x2 = NULL if s.at[2] < 0 else cells + s.at[2]
        (<Backward>s.what.f)(cells + s.at[0], x1, x2, NULL if s.at[3] < 0 else cells + s.at[3], cells + s.at[4], 1,
                             0 if s.constant == 0 else cells[s.at[s.constant]], &helpers[<int>F64], s.add)
    elif s.kind == SET:
        cells[s.at[0]] = s.what.number
    elif s.kind == SCALE:
        g = cells[s.at[0]] * s.what.number
        cells[s.at[1]] = g / <double>s.at[2] if s.at[2] else g
    else:
        cells[s.at[1]] = cells[s.at[0]]


# --- order

cdef bint touches(Variant v, const Note* a, const Note* b) noexcept:
    """Whether one of the notes writes to what the other one reads or writes, as far as buffers tell."""
    cdef int j, k
    for j in range(a.places):
        for k in range(b.places):
            if a.buffer[j] < 0 or b.buffer[k] < 0 or not (a.writes >> j | b.writes >> k) & 1:
                continue
            if same_memory(v, a.buffer[j], b.buffer[k]):
                return True
    return False


cdef inline bint same_memory(Variant v, int a, int b) noexcept:
    """Whether two buffers may share memory: those from outside may share it with each other."""
    cdef Memory* x = &v.c.buffers[a]
    cdef Memory* y = &v.c.buffers[b]
    if a == b:
        return True
    if x.kind == IN_ARENA or y.kind == IN_ARENA:
        return False
    if x.kind == OWN or y.kind == OWN:
        return x.kind == y.kind and x.owner == y.owner
    return x.kind != IN_CELL and y.kind != IN_CELL and x.kind != HELD and y.kind != HELD


cdef inline bint is_movable(const Note* s) noexcept:
    """Whether the note does only what its places say, and so may change places with others that it does not touch."""
    return s.run != <StepRun>run_host and s.run != <StepRun>run_set_gradient and s.run != run_guard


cdef int lower(Variant v) except -1:
    """Fill `v.code`."""
    cdef Capture c = v.c
    cdef Py_ssize_t k, n, length = 0, i
    cdef Py_ssize_t members[MOST_IN_BLOCKS]
    cdef Py_ssize_t later[MOST_IN_BLOCKS]
    cdef int count = 0, n_later = 0
    cdef Note* s
    cdef bint before, joins
    v.code = <Code*>PyMem_RawMalloc((c.n + 1) * sizeof(Code))
    v.sources = <Py_ssize_t*>PyMem_RawMalloc((c.n + 1) * sizeof(Py_ssize_t))
    if v.code == NULL or v.sources == NULL:
        raise MemoryError()
    for k in range(c.n):
        s = &c.notes[k]
        if s.run == run_nothing:
            continue
        n = length_of(s)
        if n * item_size(s) < FUSED_FROM:
            n = 0
        if count:
            joins = (n == length and count < MOST_IN_BLOCKS and item_size(s) == item_size(&c.notes[members[0]])
                     and fits_blocks(v, members, count, s))
            for i in range(n_later):
                joins = joins and not touches(v, &c.notes[later[i]], s)
            if joins:
                members[count] = k
                count += 1
                continue
            if n == 0 and is_movable(s) and n_later < MOST_IN_BLOCKS:
                before = True
                for i in range(count):
                    before = before and not touches(v, &c.notes[members[i]], s)
                for i in range(n_later):
                    before = before and not touches(v, &c.notes[later[i]], s)
                if before:
                    emit(v, k)
                else:
                    later[n_later] = k
                    n_later += 1
                continue
            emit_blocks(v, members, count, later, n_later)
            count = n_later = 0
        if n:
            members[0] = k
            count = 1
            length = n
        else:
            emit(v, k)
    emit_blocks(v, members, count, later, n_later)
    return 0


cdef void emit(Variant v, Py_ssize_t k) noexcept:
    cdef Code* out = &v.code[v.n_code]
    if not lower_number(v, &v.c.notes[k], out):
        memset(out, 0, sizeof(Code))
        out.kind = CALL
        out.what.index = k
    v.sources[v.n_code] = k
    v.n_code += 1


cdef int emit_blocks(Variant v, const Py_ssize_t* members, int count, const Py_ssize_t* later, int n_later) except -1:
    cdef Py_ssize_t k
    cdef Blocks* b
    cdef Code* out
    if count == 1:
        emit(v, members[0])
    elif count:
        made = <Blocks**>PyMem_RawRealloc(v.blocks, (v.n_blocks + 1) * sizeof(Blocks*))
        if made == NULL:
            raise MemoryError()
        v.blocks = made
        b = <Blocks*>PyMem_RawCalloc(1, sizeof(Blocks))
        if b == NULL:
            raise MemoryError()
        v.blocks[v.n_blocks] = b
        v.n_blocks += 1
        fill_blocks(v, b, members, count)
        out = &v.code[v.n_code]
        memset(out, 0, sizeof(Code))
        out.kind = BLOCKS
        out.what.index = v.n_blocks - 1
        v.n_code += 1
    for k in range(n_later):
        emit(v, later[k])
    return 0
