# Versions: how often memory was written, and which node an edge meant at the time it was recorded.

cdef inline unsigned int version_at(PyObject* t) noexcept:
    return (<Tensor>t).storage.version if (<Tensor>t).storage != NULL else (<Tensor>t).gen


cdef inline unsigned int version_of(Tensor t) noexcept:
    return version_at(<PyObject*>t)


cdef unsigned int versions_in(object operands) except? 0xFFFFFFFF:
    """The sum of the versions of all Tensors among `operands`: it changes when any of them is written."""
    cdef unsigned int total = 0
    for o in operands:
        if is_tensor(o):
            total += version_of(<Tensor>o)
    return total


cdef int move_out(Tensor t) except -1:
    """Move an inline value to a block of its own, so that views can share it."""
    if t.storage == NULL:
        if fg_capture != NULL and not made_here(<Capture>fg_capture, t):
            return move_out_uncaptured(t)
        storage = storage_new(8)
        move_door(payload(storage), t.own.value, t.layout.nbytes)
        storage.version = t.gen
        t.storage = storage
        t.data = payload(storage)
    return 0


cdef int move_out_uncaptured(Tensor t) except -1:
    """`move_out` of a tensor that a captured function found outside: to a block that is not the program's."""
    c = <Capture>fg_capture
    cdef bint before = c.suspended
    cdef Block* known = find_block(c, t.own.value)
    c.suspended = True
    try:
        storage = storage_new(8)
    finally:
        c.suspended = before
    memcpy(payload(storage), t.own.value, 8)
    storage.version = t.gen
    t.storage = storage
    t.data = payload(storage)
    if known != NULL:       # its value is now read here
        enter_owned(c, c.buffers[known.buffer].kind, c.buffers[known.buffer].owner, t, t.data, 8)
    return 0


cdef inline int bump_version(Tensor x) except -1:
    """Count a write to the value of `x`, before it: of a recorded inline value where its views can see it."""
    if postponed_values != NULL:
        before_write(x)
    if x.storage == NULL and is_leaf(x) and x.gen < 65535:
        x.gen += 1
    else:
        move_out(x)
        x.storage.version += 1
    return 0


cdef inline PyObject* resolve_at(PyObject* edge, unsigned int gen) noexcept:
    """Borrowed: the node an edge was recorded for, which an in-place write may have moved to another tensor."""
    return edge if (<Tensor>edge).gen == gen else find_snapshot(edge, gen)


cdef PyObject* find_snapshot(PyObject* x, unsigned int gen) noexcept:
    """The first of the history, whose generations ascend, of generation `gen` or later; `x` if there is none. By binary
    search, since in a chain of writes every write asks."""
    cdef Py_ssize_t low = 0, high, middle
    if (<Tensor>x).extra == NULL or (<NodeExtra>(<Tensor>x).extra).history is None:
        return x
    history = (<NodeExtra>(<Tensor>x).extra).history
    high = len(history)
    while low < high:
        middle = (low + high) // 2
        if <unsigned int>(<tuple>history[middle])[0] < gen:
            low = middle + 1
        else:
            high = middle
    return <PyObject*>(<tuple>history[low])[1] if low < len(history) else x


cdef inline Tensor resolve(PyObject* edge, unsigned int gen):
    return <Tensor>resolve_at(edge, gen)


cdef Tensor nth_operand(NodeExtra extra, Py_ssize_t k):
    """Operand `k`, which is a Tensor, as it was recorded."""
    return <Tensor>many_at(extra, k)


cdef inline int check_fresh(Tensor x) except -1:
    """Raise if the memory of `x` was modified after `x` was recorded."""
    if x.storage != NULL and x.storage.version != 0:
        check_written(x)
    return watch_operand(<PyObject*>x) if fg_capturing else 0


cdef int check_written(Tensor x) except -1:
    if x.storage.flags & BEING_WRITTEN:
        wait_for_write(x)
    if x.storage.flags & POSTPONED:
        compute(x)
    elif x.flags & VIEW:
        if not refresh(x):
            raise errors.stale(op_name(x))
    elif not is_leaf(x) and x.storage.taken != x.storage.version:
        raise errors.stale(op_name(x))
    return 0


cdef int wait_for_write(Tensor x) except -1:
    """Wait for the thread that writes to the memory of `x`; raise if that is this one, in a `__del__`."""
    import time

    until = time.monotonic() + PATIENCE
    while x.storage.flags & BEING_WRITTEN:
        if time.monotonic() > until:
            raise errors.written_meanwhile("setitem")
        time.sleep(1e-4)
    return 0


cdef int check_versions(Tensor y) except -1:
    """Raise if a value that the backward of `y` reads was modified after it was recorded."""
    cdef unsigned int now = 0, reads = operand_reads(y)
    cdef Py_ssize_t k
    if y.flags & VIEW:
        return 0        # reads nothing; `saved` is the version that the view was taken of
    for k in range(edge_count(y)):
        if nth_bit(reads, k):
            x = edge_at(y, k)
            if x != NULL:
                now += version_at(x)
    if reads_result(y):
        now += version_of(y)
    if now != y.saved and not all_survive(y):
        raise errors.mutated(op_name(y), "a value it reads", y.saved, now)
    return 0
