# Which part of a block was written when. A value that a graph reads through a view survives writes to other parts.

cdef enum:
    MOST_WRITES = 65536     # that a block remembers; the older half is forgotten then

cdef Py_ssize_t common_divisor(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    while b:
        a, b = b, a % b
    return a


cdef Region region_at(char* data, int ndim, const Py_ssize_t* shape, const Py_ssize_t* strides,
                      Py_ssize_t itemsize) noexcept:
    """What a strided array covers: runs of `width` bytes, at distances that are multiples of `step`."""
    cdef Region r
    cdef Py_ssize_t stride
    cdef int k, merged = -1
    cdef unsigned long long used = 0
    extent(data, ndim, shape, strides, itemsize, &r.low, &r.high)
    r.width = itemsize
    r.step = 0
    while merged:
        merged = 0
        for k in range(ndim):
            stride = strides[k] if strides[k] >= 0 else -strides[k]
            if not (used >> k) & 1 and shape[k] > 1 and stride == r.width:
                r.width *= shape[k]
                used |= <unsigned long long>1 << k
                merged = 1
    for k in range(ndim):
        if not (used >> k) & 1 and shape[k] > 1:
            r.step = common_divisor(r.step, strides[k] if strides[k] >= 0 else -strides[k])
    return r


cdef inline Region whole_region(Tensor x) noexcept:
    return region_at(x.data, x.layout.ndim, x.layout.shape, x.layout.strides, x.layout.itemsize)


cdef bint are_disjoint(const Region* a, const Region* b) noexcept nogil:
    """Whether two regions are known to have no byte in common."""
    cdef Py_ssize_t step, apart
    if a.high <= b.low or b.high <= a.low or a.low == a.high or b.low == b.high:
        return True
    step = common_divisor(a.step, b.step)
    if step == 0:
        return False
    apart = (a.low - b.low) % step
    if apart < 0:
        apart += step
    return apart >= b.width and apart + a.width <= step


cdef int note_write(Storage* storage, Region region) noexcept:
    """Remember where the write that gave `storage` its present version went, if others share it."""
    cdef Writes* writes = storage.writes
    cdef Py_ssize_t room
    if storage.refs < 2:
        storage_forget_writes(storage)
        return 0
    if writes == NULL or writes.n == writes.room:
        if writes != NULL and writes.n == MOST_WRITES:
            writes.n = MOST_WRITES // 2
            memmove(writes_of(writes), writes_of(writes) + writes.n, writes.n * sizeof(Write))
        else:
            room = 8 if writes == NULL else 2 * writes.room
            writes = <Writes*>PyMem_RawRealloc(storage.writes, sizeof(Writes) + room * sizeof(Write))
            if writes == NULL:      # then every part counts as written
                storage_forget_writes(storage)
                return 0
            if storage.writes == NULL:
                writes.n = 0
            writes.room = room
            storage.writes = writes
    writes_of(writes)[writes.n].version = storage.version
    writes_of(writes)[writes.n].region = region
    writes.n += 1
    return 0


cdef bint survives(Tensor x) noexcept:
    """Whether the memory of the view `x` was not written since the version that it was last used at."""
    cdef Storage* storage = x.storage
    cdef unsigned int missing
    cdef Py_ssize_t k
    if not x.flags & VIEW or storage == NULL or storage.writes == NULL:
        return False
    cdef Region region = whole_region(x)
    missing = storage.version - x.saved
    k = storage.writes.n - 1
    while k >= 0 and missing and writes_of(storage.writes)[k].version > x.saved:
        if not are_disjoint(&writes_of(storage.writes)[k].region, &region):
            return False
        missing -= 1
        k -= 1
    return missing == 0


cdef bint all_survive(Tensor y) noexcept:
    """Whether the values that the backward of `y` reads are as they were, though their memory was written."""
    cdef unsigned int total = version_of(y) if reads_result(y) else 0, reads = operand_reads(y)
    cdef Py_ssize_t k
    for k in range(edge_count(y)):
        if nth_bit(reads, k):
            x = edge_at(y, k)
            if x != NULL:
                total += (<Tensor>x).saved if survives(<Tensor>x) else version_at(x)
    return total == y.saved
