# The memory that a captured program uses: blocks, and cells of 8 bytes inside of Tensors. Whatever a step reads or
# writes belongs to a buffer, which says where the value comes from.

cdef void* grown(void* items, Py_ssize_t* room, Py_ssize_t size) noexcept:
    """Twice the room for items; NULL without memory, and they stay as they are."""
    cdef Py_ssize_t wanted = max(2 * room[0], <Py_ssize_t>64)
    made = PyMem_RawRealloc(items, wanted * size)
    if made != NULL:
        room[0] = wanted
    return made


# --- cells

cdef inline size_t cell_hash(const char* at) noexcept nogil:
    cdef size_t h = (<size_t>at >> 3) * <size_t>0x9E3779B97F4A7C15
    return h ^ (h >> 29)


cdef SmallCell* find_cell(Capture c, const char* within) noexcept:
    """The cell that has the byte at `within`; NULL where there is none."""
    cdef const char* at = <const char*>(<size_t>within & ~<size_t>7)
    cdef size_t k = cell_hash(at) & (c.cell_room - 1)
    while c.cells[k].at != NULL:
        if c.cells[k].at == at:
            return &c.cells[k]
        k = (k + 1) & (c.cell_room - 1)
    return NULL


cdef int add_cell(Capture c, char* at) noexcept:
    """Enter a cell, without a value."""
    cdef SmallCell* found = find_cell(c, at)
    cdef SmallCell* before = c.cells
    cdef size_t k, j, room = c.cell_room
    if found != NULL:
        found.ready = False
        found.buffer = -1
        return 0
    if 2 * c.n_cells >= c.cell_room:
        made = <SmallCell*>PyMem_RawCalloc(2 * room, sizeof(SmallCell))
        if made == NULL:
            return fail(c, None)
        c.cells = made
        c.cell_room = 2 * room
        for j in range(room):
            if before[j].at != NULL:
                k = cell_hash(before[j].at) & (c.cell_room - 1)
                while c.cells[k].at != NULL:
                    k = (k + 1) & (c.cell_room - 1)
                c.cells[k] = before[j]
        PyMem_RawFree(before)
    k = cell_hash(at) & (c.cell_room - 1)
    while c.cells[k].at != NULL:
        k = (k + 1) & (c.cell_room - 1)
    c.cells[k].at = at
    c.cells[k].buffer = -1
    c.n_cells += 1
    return 0


cdef void capture_object "fg_capture_object"(PyObject* o) noexcept:
    """A Tensor was allocated: what was known of its memory no longer holds."""
    if fg_capture == NULL:
        return
    c = <Capture>fg_capture
    add_cell(c, (<Tensor>o).own.value)
    add_cell(c, (<Tensor>o).cotangent.value)


# --- buffers and blocks

cdef int enter_buffer(Capture c, int kind, int owner, Storage* storage, char* low, Py_ssize_t nbytes) noexcept:
    cdef Py_ssize_t room = c.buffer_room
    cdef Memory* b
    if c.n_buffers == c.buffer_room:
        made = grown(c.buffers, &room, sizeof(Memory))
        if made == NULL:
            return fail(c, None)
        c.buffers = <Memory*>made
        c.buffer_room = <int>room
    b = &c.buffers[c.n_buffers]
    b.kind = kind
    b.owner = owner
    b.storage = storage
    b.low = b.seen = low
    b.layout = NULL
    b.nbytes = nbytes
    b.writes = b.reads = 0
    c.n_buffers += 1
    return c.n_buffers - 1


cdef int place_above(Capture c, const char* at) noexcept:
    """The number of the first block that begins above `at`."""
    cdef int low = 0, high = c.n_blocks, middle
    while low < high:
        middle = (low + high) // 2
        if c.blocks[middle].low <= at:
            low = middle + 1
        else:
            high = middle
    return low


cdef Block* find_block(Capture c, const char* at) noexcept:
    cdef int k = place_above(c, at) - 1
    return &c.blocks[k] if k >= 0 and at < c.blocks[k].high else NULL


cdef int check_apart(Capture c, const char* low, const char* high) except -1:
    """Raise if an argument has memory from `low` to `high`."""
    cdef int k = max(place_above(c, low) - 1, 0)
    while k < c.n_blocks and c.blocks[k].low < high:
        if c.blocks[k].high > low and c.buffers[c.blocks[k].buffer].kind == ARGUMENT:
            raise program_errors.shared_memory()
        k += 1
    return 0


cdef bint is_known(Capture c, const char* at, const Storage* storage) except -1:
    """Whether memory is that of a buffer; raise if that is an argument's of another storage than `storage`."""
    cdef const Block* block = find_block(c, at)
    if block != NULL and c.buffers[block.buffer].kind == ARGUMENT and (
            <Tensor>PyList_GET_ITEM(c.lifted, c.buffers[block.buffer].owner)).storage != storage:
        raise program_errors.shared_memory()
    return block != NULL


cdef int enter_block(Capture c, char* low, Py_ssize_t nbytes, int buffer, bint ready) noexcept:
    cdef int k = place_above(c, low)
    cdef Py_ssize_t room = c.block_room
    if buffer < 0:
        return -1
    if k > 0 and c.blocks[k - 1].low == low:
        k -= 1
    else:
        if c.n_blocks == c.block_room:
            made = grown(c.blocks, &room, sizeof(Block))
            if made == NULL:
                return fail(c, None)
            c.blocks = <Block*>made
            c.block_room = <int>room
        memmove(c.blocks + k + 1, c.blocks + k, (c.n_blocks - k) * sizeof(Block))
        c.n_blocks += 1
    c.blocks[k].low = low
    c.blocks[k].high = low + nbytes
    c.blocks[k].buffer = buffer
    c.blocks[k].ready = ready
    return 0


cdef Storage* private_block(Py_ssize_t nbytes, int size_class) noexcept:
    """A block for the capture of this thread, which keeps it; NULL where there is none."""
    cdef Capture c
    cdef Storage* s
    cdef int owner
    if fg_capture == NULL:
        return NULL
    c = <Capture>fg_capture
    if c.suspended:
        return NULL
    s = c.free[size_class]
    if s != NULL:
        c.free[size_class] = s.next
        owner = c.buffers[find_block(c, payload(s)).buffer].owner
    else:
        if c.n_own == c.own_room:
            made = grown(c.own, &c.own_room, sizeof(Storage*))
            if made == NULL:
                return NULL
            c.own = <Storage**>made
        s = storage_block(size_class)
        if s == NULL:
            return NULL
        s.size_class += PRIVATE
        c.own[c.n_own] = s
        owner = <int>c.n_own
        c.n_own += 1
    # all of the block: a gradient that takes it over later may be larger than the value
    enter_block(c, payload(s), s.capacity, enter_buffer(c, OWN, owner, s, payload(s), s.capacity), False)
    return s


cdef void private_release(Storage* s) noexcept:
    """A block of a capture has lost its last reference: the capture may use it again."""
    cdef Capture c
    if fg_capture != NULL:
        c = <Capture>fg_capture
        s.next = c.free[s.size_class - PRIVATE]
        c.free[s.size_class - PRIVATE] = s


storage_private_new = private_block
storage_private_free = private_release


cdef inline int owner_number(Capture c, object o) except -1:
    c.owners.append(o)
    return <int>len(c.owners) - 1


cdef int note_array(cnp.ndarray a) except -1:
    """Code that is not captured has made `a`, or holds it: its memory is read where it lies."""
    cdef Capture c = <Capture>fg_capture
    cdef char* low
    cdef char* high
    if cnp.PyArray_SIZE(a) == 0 or is_known(c, <char*>cnp.PyArray_DATA(a), NULL):
        return 0
    base = a
    while PyArray_Check(base.base):
        base = base.base
    b = <cnp.ndarray>base
    extent(<char*>cnp.PyArray_DATA(b), cnp.PyArray_NDIM(b), <Py_ssize_t*>cnp.PyArray_DIMS(b),
           <Py_ssize_t*>cnp.PyArray_STRIDES(b), PyArray_ITEMSIZE(b), &low, &high)
    check_apart(c, low, high)
    enter_block(c, low, high - low, enter_buffer(c, HELD, owner_number(c, b), NULL, low, high - low), True)
    return 0


cdef inline bint made_here(Capture c, Tensor x) noexcept:
    """Whether the object was allocated while capturing."""
    return find_cell(c, x.own.value) != NULL


cdef int watch_operand "fg_watch_operand"(PyObject* x) except -1:
    """`capture_operand` where this thread captures."""
    return capture_operand(<Tensor>x) if fg_capture != NULL else 0


cdef int capture_operand(Tensor x) except -1:
    """An op is about to read `x`."""
    cdef Capture c = <Capture>fg_capture
    cdef Storage* s = x.storage
    cdef char* low
    cdef char* high
    if c.failed:
        raise capture_error(c)
    if c.suspended or x.layout.size == 0:
        return 0
    if is_postponed(x):
        compute(x)
        s = x.storage
    if s == NULL:
        if not made_here(c, x) and find_block(c, x.data) == NULL:
            enter_owned(c, OUTSIDE, owner_number(c, x), x, x.data, 8)
            add_cell(c, x.cotangent.value)
        return 0
    if find_cell(c, x.cotangent.value) == NULL:
        add_cell(c, x.cotangent.value)
    if is_known(c, x.data, s if made_here(c, x) else NULL):
        return 0
    if s.base != NULL and PyArray_Check(<object>s.base):
        if made_here(c, x):
            return note_array(<cnp.ndarray>s.base)
    if made_here(c, x):
        raise program_errors.not_captured(f"a value of {op_name(x) or 'a tensor'} that no step has computed")
    low, high = payload(s), payload(s) + s.capacity
    if s.base != NULL:
        extent(x.data, x.layout.ndim, x.layout.shape, x.layout.strides, x.layout.itemsize, &low, &high)
    check_apart(c, low, high)
    return enter_owned(c, OUTSIDE, owner_number(c, x), x, low, high - low)


cdef int enter_owned(Capture c, int kind, int owner, Tensor x, char* low, Py_ssize_t nbytes) noexcept:
    """Memory that has the value of `x`, which is looked for again at every call."""
    cdef int number = enter_buffer(c, kind, owner, NULL, low, nbytes)
    if number >= 0:
        c.buffers[number].seen = x.data
        c.buffers[number].layout = keep(x.layout)
    return enter_block(c, low, nbytes, number, True)


cdef int capture_constant(Tensor x) noexcept:
    """Python code has made the value of `x`, from numbers that are not captured."""
    cdef Capture c = <Capture>fg_capture
    cdef SmallCell* cell
    cdef Block* block
    if c.suspended:
        return 0
    if x.storage == NULL:
        cell = find_cell(c, x.own.value)
        if cell != NULL:
            # kept alive, so that its cell is nobody else's
            enter_block(c, x.own.value, 8, enter_buffer(c, HELD, keep_owner(c, x), NULL, x.own.value, 8), True)
    else:
        block = find_block(c, x.data)
        if block != NULL and not block.ready:
            capture_held(x.storage)
    return 0


cdef int capture_held(Storage* s) noexcept:
    """Code without doors has filled a block, from what is the same at every replay."""
    cdef Capture c = <Capture>fg_capture
    cdef Block* block = find_block(c, payload(s))
    if block != NULL and c.buffers[block.buffer].kind == OWN:
        block.ready = True
        c.buffers[block.buffer].kind = HELD
        c.buffers[block.buffer].storage = storage_keep(s)
    return 0


cdef bint is_constant_at(const char* at) noexcept:
    """Whether the memory is the same at every replay."""
    cdef Capture c = <Capture>fg_capture
    cdef Block* block = find_block(c, at)
    return block != NULL and c.buffers[block.buffer].kind == HELD


cdef int keep_owner(Capture c, object o) noexcept:
    cdef int number = -1
    try:
        number = owner_number(c, o)
    except MemoryError:
        fail(c, None)
    return number
