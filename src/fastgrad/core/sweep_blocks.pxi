# Large elementwise nodes that follow one another in a sweep. They are not swept at once but noted, as steps on buffers; when
# anything else comes, or nothing more, the steps are run block by block (blocks.pxi), and of the cotangents only those that a
# tensor still holds are written to memory. The same kernels in the same order as node by node, and so the same bits.
#
# What was noted belongs to its sweep, and keeps alive what its steps read. Python code that runs in between, of a
# constant that is dropped, may write there: versions are compared once more before the steps are run.

cdef enum:
    LARGE = 65536           # bytes of a cotangent from which nodes are noted
    MOST = 64               # steps, buffers and constants
    SLOTS = 128             # of scratch, one per buffer and constant
    KEPT = 192              # tensors, three per node
    SPARE = 8               # of each, the most that one node needs
    IN_BUFFER = -1          # in place of a Place's step: `start` is the number of a buffer
    IN_CONSTANT = -2        # of a constant

cdef struct Buffer:         # a cotangent
    Storage* storage        # NULL: in scratch, until the end shows whether anybody wants it
    bint shared             # with somebody who is not noted here: read only
    int holders             # tensors whose cotangent it is
    int slot                # of the scratch

cdef struct Noted:
    int dtype
    Py_ssize_t n            # elements of every array
    int n_steps
    int n_buffers
    int n_constants
    int n_kept
    int n_slots             # made so far
    int n_free              # of them, given back
    Step[MOST] steps
    Buffer[MOST] buffers
    double[MOST] constants
    int[MOST] constant_slots
    int[SLOTS] free
    PyObject* kept[KEPT]        # nodes and operands; those that are DEFERRED hold a buffer, by its number
    unsigned int[KEPT] versions     # of their values
    int[KEPT] reader            # which of them is the node whose steps read the value; -1: none does


cdef inline bint can_hold(PyObject* x, unsigned int gen, const Layout* layout) noexcept:
    return (<Tensor>x).layout == layout and (<Tensor>x).gen == gen and not (<Tensor>x).flags & COTANGENT_TENSOR


cdef bint can_note(Tensor y, Running* here) noexcept:
    """Whether `y` is an elementwise node that kernels do alone, nobody looks at, and all of whose operands are of its layout."""
    if (y.op >= END_ELEMENTWISE or y.op == LEAF or here.record or fg_watch & ANOMALIES or y.extra != NULL or y.layout.kernel == NO_KERNEL
            or y.layout.nbytes < LARGE or not y.layout.flags & C_CONTIGUOUS or not y.flags & COTANGENT
            or y.flags & (HOOKED | RETAIN | WANTED | FREED | COTANGENT_TENSOR) or not has_kernel(y)):
        return False
    if not y.flags & CONST1 and not can_hold(y.x1, y.gen1, y.layout):
        return False
    return y.flags & CONST2 != 0 or y.x2 == NULL or can_hold(y.x2, y.gen2, y.layout)


cdef bint goes_on(Tensor y, Running* here) noexcept:
    """Whether what was noted can wait while `y` is taken."""
    cdef Noted* noted = here.noted
    if y.op == LEAF:
        return not here.only_wanted and not y.flags & (HOOKED | WANTED)
    return y.layout.size == noted.n and y.layout.kernel == noted.dtype and can_note(y, here)


cdef inline int new_slot(Noted* noted) noexcept:
    if noted.n_free:
        noted.n_free -= 1
        return noted.free[noted.n_free]
    noted.n_slots += 1
    return noted.n_slots - 1


cdef inline int buffer_number(Tensor x) noexcept:
    return (<int*>x.cotangent.value)[0]


cdef inline void hold(Tensor x, int b) noexcept:
    (<int*>x.cotangent.value)[0] = b
    x.flags = <unsigned short>((x.flags | COTANGENT | DEFERRED) & ~<int>UNIFORM)


cdef int new_buffer(Noted* noted, Storage* storage, bint shared) noexcept:
    cdef int b = noted.n_buffers
    noted.n_buffers += 1
    noted.buffers[b].storage = storage
    noted.buffers[b].shared = shared
    noted.buffers[b].holders = 1
    noted.buffers[b].slot = new_slot(noted) if storage == NULL else 0
    return b


cdef void let_go(Noted* noted, int b) noexcept:
    noted.buffers[b].holders -= 1
    if noted.buffers[b].holders == 0 and noted.buffers[b].storage == NULL:
        noted.free[noted.n_free] = noted.buffers[b].slot
        noted.n_free += 1


cdef int buffer_of(Noted* noted, Tensor x) noexcept:
    """The buffer that holds the cotangent of `x`, which has one and not a uniform one."""
    if not x.flags & DEFERRED:
        hold(x, new_buffer(noted, x.cotangent.storage, x.cotangent.storage.refs > 1))
    return buffer_number(x)


cdef inline Place in_buffer(int b) noexcept:
    cdef Place place
    place.start = <char*><size_t>b
    place.step = IN_BUFFER
    return place


cdef inline Place in_memory(Noted* noted, const char* x) noexcept:
    cdef Place place
    place.start = <char*>x
    place.step = 8 if noted.dtype == F64 else 4
    return place


cdef inline Place nowhere() noexcept:
    cdef Place place
    place.start = NULL
    place.step = 0
    return place


cdef Place in_constant(Noted* noted, double c) noexcept:
    """A block filled with one number."""
    cdef Place place
    cdef int k = 0
    while k < noted.n_constants and memcmp(&noted.constants[k], &c, sizeof(double)) != 0:
        k += 1
    if k == noted.n_constants:
        noted.n_constants += 1
        noted.constants[k] = c
        noted.constant_slots[k] = noted.n_slots     # never one given back: it is filled once, before the first step
        noted.n_slots += 1
    place.start = <char*><size_t>k
    place.step = IN_CONSTANT
    return place


cdef void note_step(Noted* noted, Backward kernel, Place g, Place x1, Place x2, const char* y, int out, double c,
                    bint add) noexcept:
    cdef Step* s = &noted.steps[noted.n_steps]
    noted.n_steps += 1
    s.kernel = kernel
    s.g = g
    s.x1 = x1
    s.x2 = x2
    s.y = in_memory(noted, y) if y != NULL else nowhere()
    s.out = in_buffer(out)
    s.c = c
    s.add = add


cdef void note_copy(Noted* noted, Place g, int out, bint add) noexcept:
    note_step(noted, kernels[<int>ADD].x1[noted.dtype], g, nowhere(), nowhere(), NULL, out, 0, add)


cdef int room_in(Noted* noted, Tensor x) noexcept:
    """The buffer to add to for `x`, which has a cotangent: its own, or a copy where others hold it too."""
    cdef int b, old
    if x.flags & UNIFORM:
        b = new_buffer(noted, NULL, False)
        note_copy(noted, in_constant(noted, uniform_value(x)), b, False)
        hold(x, b)
        return b
    b = buffer_of(noted, x)
    if noted.buffers[b].shared or noted.buffers[b].holders > 1:
        old = b
        b = new_buffer(noted, NULL, False)
        note_copy(noted, in_buffer(old), b, False)
        hold(x, b)
        let_go(noted, old)
    return b


cdef int note_give(Noted* noted, Tensor y, Tensor x, int b) except -1:
    """The whole cotangent of `y`, in buffer `b` or uniform, to `x`."""
    if b < 0:
        if x.flags & UNIFORM or not x.flags & COTANGENT:
            return give_uniform(x, uniform_value(y))
        note_copy(noted, in_constant(noted, uniform_value(y)), room_in(noted, x), True)
    elif x.flags & COTANGENT:
        note_copy(noted, in_buffer(b), room_in(noted, x), True)
    else:
        noted.buffers[b].holders += 1
        hold(x, b)
    return 0


cdef void note_pull(Noted* noted, Tensor y, Tensor x, Backward kernel, Place x1, Place x2, int b, double c,
                    bint last) noexcept:
    """A kernel's part of the cotangent of `y`, in buffer `b` or uniform, to `x`. If nobody else reads that any more, and it is
    the `last` part, its buffer becomes that of `x`."""
    cdef Place g = in_buffer(b) if b >= 0 else in_constant(noted, uniform_value(y))
    cdef bint add = x.flags & COTANGENT != 0
    cdef int out
    if add:
        out = room_in(noted, x)
    elif last and b >= 0 and noted.buffers[b].holders == 1 and not noted.buffers[b].shared:
        out = b
        noted.buffers[b].holders += 1
        hold(x, b)
    else:
        out = new_buffer(noted, NULL, False)
        hold(x, out)
    note_step(noted, kernel, g, x1, x2, y.data, out, c, add)


cdef inline void keep_noted(Noted* noted, Tensor x, int node, bint read) noexcept:
    """`x` is read, or not, by the node at number `node` of those kept."""
    Py_INCREF(x)
    noted.kept[noted.n_kept] = <PyObject*>x
    noted.versions[noted.n_kept] = version_of(x)
    noted.reader[noted.n_kept] = node if read else -1
    noted.n_kept += 1


cdef int note(Tensor y, Running* here) except -1:
    """Note the backward of `y`, of which `can_note` holds."""
    cdef Noted* noted = here.noted
    cdef Kernel* k = &kernels[y.op]
    cdef Tensor x1 = None, x2 = None
    cdef Place d1, d2
    cdef Backward b1, b2
    cdef double c = 0
    cdef int b = -1, node
    cdef unsigned int reads = reads_at(y)
    check_versions(y)
    if noted == NULL:
        noted = new_noted(here)
    elif noted.n_kept and (max(noted.n_steps, noted.n_buffers, noted.n_constants) > MOST - SPARE
                           or noted.n_kept > KEPT - SPARE):
        run_noted(here)
    if noted.n_kept == 0:
        noted.dtype = y.layout.kernel
        noted.n = y.layout.size
        noted.n_steps = noted.n_buffers = noted.n_constants = noted.n_slots = noted.n_free = 0
    b1 = k.x1[noted.dtype]
    b2 = k.x2[noted.dtype]
    node = noted.n_kept
    keep_noted(noted, y, node, reads & READS_Y != 0)
    expect_contiguous(y)
    if y.flags & CONST1:
        c = constant_of(y.x1)
        d1 = in_constant(noted, c)
    else:
        x1 = <Tensor>y.x1
        keep_noted(noted, x1, node, reads & READS_X1 != 0)
        expect_contiguous(x1)
        d1 = in_memory(noted, x1.data)
    if y.flags & CONST2:
        c = constant_of(y.x2)
        d2 = in_constant(noted, c)
        if y.op == POWER:
            b1 = power_constant[noted.dtype]
    elif y.x2 != NULL:
        x2 = <Tensor>y.x2
        keep_noted(noted, x2, node, reads & READS_X2 != 0)
        expect_contiguous(x2)
        d2 = in_memory(noted, x2.data)
    else:
        d2 = nowhere()
    if not y.flags & UNIFORM:
        b = buffer_of(noted, y)
    # The second operand first, as `backward_binary` does.
    if x2 is not None and takes(x2, here.only_wanted):
        if y.op == ADD:
            note_give(noted, y, x2, b)
        else:
            note_pull(noted, y, x2, b2, d1, d2, b, c, x1 is None or not takes(x1, here.only_wanted))
    if x1 is not None and takes(x1, here.only_wanted):
        if y.op == ADD or y.op == SUBTRACT:
            note_give(noted, y, x1, b)
        else:
            note_pull(noted, y, x1, b1, d1, d2, b, c, True)
    if b >= 0:
        let_go(noted, b)
    y.flags &= ~<int>(COTANGENT | DEFERRED | UNIFORM)
    return 0


cdef void settle(Noted* noted, Place* place, char* scratch, bint stream, const bint* fresh) noexcept:
    """Where a noted place is in memory."""
    cdef Py_ssize_t item = 8 if noted.dtype == F64 else 4, number = <Py_ssize_t><size_t>place.start
    cdef Buffer* buffer
    if place.step == IN_CONSTANT:
        place.start = scratch + noted.constant_slots[number] * RUN_BLOCK * item
        place.step = 0
    elif place.step == IN_BUFFER:
        buffer = &noted.buffers[number]
        if buffer.storage == NULL or (stream and fresh[number]):
            place.start = scratch + buffer.slot * RUN_BLOCK * item
            place.step = 0
        else:
            place.start = payload(buffer.storage)
            place.step = item


cdef int check_noted(Running* here) except -1:
    """Once more, after the code that may have run since they were noted: nothing that the steps read was written, and
    the tensors that hold a buffer are still ours."""
    cdef Noted* noted = here.noted
    cdef PyObject* x
    cdef int k
    for k in range(noted.n_kept):
        x = noted.kept[k]
        if noted.reader[k] >= 0 and version_at(x) != noted.versions[k]:
            raise errors.mutated(op_name(<Tensor>noted.kept[noted.reader[k]]), "a value it reads", noted.versions[k],
                                 version_at(x))
        if here.apart and (<Tensor>x).sweep != 0 and not is_entered(x, here):
            raise errors.graph_changed()
    return 0


cdef int run_noted(Running* here) except -1:
    """Run all that was noted; what tensors hold is theirs afterwards as if it had been swept node by node."""
    cdef Noted* noted = here.noted
    cdef Py_ssize_t item = 8 if noted.dtype == F64 else 4, nbytes = noted.n * item
    cdef bint stream = nbytes >= FG_STREAM
    cdef bint[MOST] fresh
    cdef WayOut[MOST] outs
    cdef int n_outs = 0, k
    cdef char* block
    cdef Storage* scratch
    check_noted(here)
    scratch = storage_new((noted.n_slots + 1) * RUN_BLOCK * item)
    try:
        for k in range(noted.n_buffers):
            fresh[k] = noted.buffers[k].storage == NULL and noted.buffers[k].holders > 0
            if fresh[k]:
                noted.buffers[k].storage = storage_new(nbytes)
                if stream:
                    outs[n_outs].block = payload(scratch) + noted.buffers[k].slot * RUN_BLOCK * item
                    outs[n_outs].y = payload(noted.buffers[k].storage)
                    n_outs += 1
        for k in range(noted.n_constants):
            block = payload(scratch) + noted.constant_slots[k] * RUN_BLOCK * item
            fill_same(noted.dtype, block, RUN_BLOCK, noted.constants[k])
        for k in range(noted.n_steps):
            settle(noted, &noted.steps[k].g, payload(scratch), stream, fresh)
            settle(noted, &noted.steps[k].x1, payload(scratch), stream, fresh)
            settle(noted, &noted.steps[k].x2, payload(scratch), stream, fresh)
            settle(noted, &noted.steps[k].out, payload(scratch), stream, fresh)
        run_steps(noted.steps, noted.n_steps, outs, n_outs, noted.dtype, noted.n)
    finally:
        storage_release(scratch)
    forget_noted(here, True)
    return 0


cdef void forget_noted(Running* here, bint done) noexcept:
    """Let go of everything; the buffers go to the tensors that hold them, unless the sweep has failed. Python code runs
    last."""
    cdef Noted* noted = here.noted
    cdef PyObject* kept[KEPT]
    cdef PyObject* x
    cdef int k, n = noted.n_kept
    for k in range(n):
        x = kept[k] = noted.kept[k]
        if (<Tensor>x).flags & DEFERRED and (<Tensor>x).sweep == here.number:
            if done:
                (<Tensor>x).cotangent.storage = storage_keep(noted.buffers[buffer_number(<Tensor>x)].storage)
                (<Tensor>x).flags = (<Tensor>x).flags & ~<int>DEFERRED
            else:
                (<Tensor>x).flags = (<Tensor>x).flags & ~<int>(COTANGENT | DEFERRED)
    for k in range(noted.n_buffers):
        if noted.buffers[k].storage != NULL:
            storage_release(noted.buffers[k].storage)
    noted.n_kept = 0
    for k in range(n):
        drop(kept[k])
