# Large elementwise nodes that follow one another in a sweep. Their backward is not run at once but noted as steps on
# buffers. When any other node comes, or none, the steps are run block by block (kernels/steps.pxi), and only those
# cotangents that a tensor still holds are written to memory. The same kernels in the same order as node by node, and so
# the same bits.
#
# The steps belong to their sweep, which keeps alive what they read. Python code that runs in between may write to that:
# versions are compared again before the steps are run.

cdef enum:
    LARGE = 65536           # bytes of a cotangent from which nodes are deferred
    MOST = 128              # steps and buffers
    KEPT = 192              # tensors, three per node
    SPARE = 48              # of each, the most that one node needs, with the postponed values that it reads
    IN_BUFFER = -1          # as a Place's step: `start` is the number of a buffer

cdef struct Buffer:         # a cotangent, or a number that stands for all elements
    Storage* storage        # NULL: in scratch, unless a tensor still holds it at the end
    bint shared             # with somebody outside: read only
    int holders             # tensors whose cotangent it is
    int slot                # of the scratch
    bint filled             # with `number`, before the first step
    double number

cdef struct Deferred:
    int dtype
    Py_ssize_t n            # elements of every array
    int n_steps
    int n_buffers
    int n_kept
    int n_slots             # used so far
    int n_free              # of them, free again
    Step[MOST] steps
    Buffer[MOST] buffers
    int[MOST] free
    PyObject* kept[KEPT]        # nodes and operands; those that are DEFERRED hold a buffer, by its number
    unsigned int[KEPT] versions     # of their values
    int[KEPT] reader            # which of them is the node whose steps read the value; -1: none does


cdef Deferred* deferred_of(Sweep* here) except NULL:
    """The sweep's Deferred, allocated if there is none. It belongs to the memory of the sweep."""
    if here.deferred == NULL:
        here.deferred = <Deferred*>PyMem_RawMalloc(sizeof(Deferred))
        if here.deferred == NULL:
            raise MemoryError()
        here.deferred.n_kept = 0
    return here.deferred


cdef inline bint can_hold(PyObject* x, unsigned int gen, const Layout* layout) noexcept:
    return (<Tensor>x).layout == layout and (<Tensor>x).gen == gen and not (<Tensor>x).flags & COTANGENT_TENSOR


cdef bint can_defer(Tensor y, Sweep* here) noexcept:
    """Whether `y` is an elementwise node with kernels, nobody looks at it, and its operands are of its layout."""
    if (kernels[y.op].nin == 0 or here.record or here.watched or here.captured or y.extra != NULL
            or y.layout.kernel == NO_KERNEL or y.layout.nbytes < LARGE or not y.layout.flags & C_CONTIGUOUS
            or not y.flags & COTANGENT or not has_kernel(y)
            or y.flags & (HOOKED | RETAIN | INPUT | FREED | COTANGENT_TENSOR)):
        return False
    if not y.flags & CONST1 and not can_hold(y.x1, y.gen1, y.layout):
        return False
    return y.flags & CONST2 != 0 or y.x2 == NULL or can_hold(y.x2, y.gen2, y.layout)


cdef bint continues_chain(Tensor y, Sweep* here) noexcept:
    """Whether the deferred steps can wait while `y` is processed."""
    cdef Deferred* deferred = here.deferred
    if max(deferred.n_steps, deferred.n_buffers) > MOST - SPARE or deferred.n_kept > KEPT - SPARE:
        return False
    if is_leaf(y):
        return not here.only_wanted and not y.flags & (HOOKED | INPUT)
    return y.layout.size == deferred.n and y.layout.kernel == deferred.dtype and can_defer(y, here)


cdef inline int new_slot(Deferred* deferred) noexcept:
    if deferred.n_free:
        deferred.n_free -= 1
        return deferred.free[deferred.n_free]
    deferred.n_slots += 1
    return deferred.n_slots - 1


cdef inline int buffer_number(Tensor x) noexcept:
    return (<int*>x.cotangent.value)[0]


cdef inline void hold(Tensor x, int b) noexcept:
    (<int*>x.cotangent.value)[0] = b
    x.flags = <unsigned short>((x.flags | COTANGENT | DEFERRED) & ~<int>UNIFORM)


cdef int new_buffer(Deferred* deferred, Storage* storage, bint shared) noexcept:
    cdef int b = deferred.n_buffers
    deferred.n_buffers += 1
    deferred.buffers[b].storage = storage
    deferred.buffers[b].shared = shared
    deferred.buffers[b].holders = 1
    deferred.buffers[b].filled = False
    deferred.buffers[b].slot = new_slot(deferred) if storage == NULL else 0
    return b


cdef void release_buffer(Deferred* deferred, int b) noexcept:
    deferred.buffers[b].holders -= 1
    if deferred.buffers[b].holders == 0 and deferred.buffers[b].storage == NULL:
        deferred.free[deferred.n_free] = deferred.buffers[b].slot
        deferred.n_free += 1


cdef int buffer_of(Deferred* deferred, Tensor x) noexcept:
    """The buffer that holds the cotangent of `x`, which has one and not a uniform one."""
    if not x.flags & DEFERRED:
        hold(x, new_buffer(deferred, x.cotangent.storage, x.cotangent.storage.refs > 1))
    return buffer_number(x)


cdef inline Place in_buffer(int b) noexcept:
    return place_at(<char*><size_t>b, IN_BUFFER)


cdef inline Place in_memory(Deferred* deferred, const char* x) noexcept:
    return place_at(x, item_bytes(deferred.dtype) if x != NULL else 0)


cdef Place in_constant(Deferred* deferred, double c) noexcept:
    """A buffer filled with one number. Its slot is not one that is free again, which an earlier step writes to."""
    cdef int k = 0, n_free = deferred.n_free
    while k < deferred.n_buffers and not (deferred.buffers[k].filled
                                          and memcmp(&deferred.buffers[k].number, &c, sizeof(double)) == 0):
        k += 1
    if k == deferred.n_buffers:
        deferred.n_free = 0
        new_buffer(deferred, NULL, True)
        deferred.n_free = n_free
        deferred.buffers[k].filled = True
        deferred.buffers[k].number = c
        deferred.buffers[k].holders = 0
    return in_buffer(k)


cdef void defer_step(Deferred* deferred, Backward kernel, Place g, Place x1, Place x2, const char* y, int out, double c,
                     bint add) noexcept:
    cdef Step* s = &deferred.steps[deferred.n_steps]
    deferred.n_steps += 1
    s.kernel = kernel
    s.op = NULL
    s.g = g
    s.x1 = x1
    s.x2 = x2
    s.y = in_memory(deferred, y)
    s.out = in_buffer(out)
    s.c = c
    s.add = add


cdef int buffer_in(Deferred* deferred, Tensor x) noexcept:
    """The buffer to add to for `x`, which has a cotangent: its own, or a copy of a shared or uniform one."""
    cdef Place g, nothing = place_at(NULL, 0)
    cdef int b, old = -1
    if not x.flags & UNIFORM:
        old = buffer_of(deferred, x)
        if not deferred.buffers[old].shared and deferred.buffers[old].holders == 1:
            return old
    b = new_buffer(deferred, NULL, False)
    g = in_buffer(old) if old >= 0 else in_constant(deferred, uniform_value(x))
    defer_step(deferred, kernels[<int>ADD].x1[deferred.dtype], g, nothing, nothing, NULL, b, 0, False)      # copies
    hold(x, b)
    if old >= 0:
        release_buffer(deferred, old)
    return b


cdef int defer_edge(Deferred* deferred, Tensor y, Tensor x, Backward kernel, Place x1, Place x2, int b, double c,
                    bint last) except -1:
    """Note what `y` adds to the cotangent of `x` by `kernel`. Its own cotangent is in buffer `b`, or uniform if that is
    negative; `last`: nothing else reads it."""
    cdef bint add = x.flags & COTANGENT != 0, plain = copies(kernel, deferred.dtype)
    cdef int out
    if plain and b < 0 and (x.flags & UNIFORM or not add):
        return accumulate_uniform(x, y.cotangent.value, 1, 0)
    cdef Place g = in_buffer(b) if b >= 0 else in_constant(deferred, uniform_value(y))
    if add:
        out = buffer_in(deferred, x)
    elif b >= 0 and (plain or (last and deferred.buffers[b].holders == 1 and not deferred.buffers[b].shared)):
        deferred.buffers[b].holders += 1
        hold(x, b)
        if plain:
            return 0
        out = b
    else:
        out = new_buffer(deferred, NULL, False)
        hold(x, out)
    defer_step(deferred, kernel, g, x1, x2, value_at(y), out, c, add)
    return 0


cdef inline int keep_deferred(Deferred* deferred, Tensor x, int node, bint read) except -1:
    """Keep `x` alive. `read`: the steps of the node at number `node` read its value."""
    expect_contiguous(x)
    Py_INCREF(x)
    deferred.kept[deferred.n_kept] = <PyObject*>x
    deferred.versions[deferred.n_kept] = version_of(x)
    deferred.reader[deferred.n_kept] = node if read else -1
    deferred.n_kept += 1
    return 0


cdef int defer_node(Tensor y, Sweep* here) except -1:
    """Note the backward of `y`, for which `can_defer` holds."""
    cdef Deferred* deferred = deferred_of(here)
    cdef Kernel* k = &kernels[y.op]
    cdef Tensor x1 = None, x2 = None
    cdef Place nothing = place_at(NULL, 0)
    cdef Place d1 = nothing, d2 = nothing, v1 = nothing, v2 = nothing
    cdef double c = 0
    cdef int b = -1, node
    cdef unsigned int reads = reads_at(y)
    check_versions(y)
    if deferred.n_kept == 0:
        deferred.dtype = y.layout.kernel
        deferred.n = y.layout.size
        deferred.n_steps = deferred.n_buffers = deferred.n_slots = deferred.n_free = 0
    cdef Backward b1 = k.x1[deferred.dtype]
    cdef Backward b2 = k.x2[deferred.dtype]
    node = deferred.n_kept
    keep_deferred(deferred, y, node, reads & READS_Y != 0)
    if y.flags & CONST1:
        c = constant_of(y.x1)
        d1 = in_constant(deferred, c)
    else:
        x1 = <Tensor>y.x1
        keep_deferred(deferred, x1, node, reads & READS_X1 != 0)
        d1 = in_memory(deferred, value_at(x1))
        if reads & READS_X1:
            defer_value(deferred, x1, node, &d1)
            v1 = d1
    if y.flags & CONST2:
        c = constant_of(y.x2)
        d2 = in_constant(deferred, c)
        b1 = k.x1_alone[deferred.dtype]
    elif y.x2 != NULL:
        x2 = <Tensor>y.x2
        keep_deferred(deferred, x2, node, reads & READS_X2 != 0)
        d2 = in_memory(deferred, value_at(x2))
        if x2 is x1 and reads & READS_X1:
            d2 = d1
        elif reads & READS_X2:
            defer_value(deferred, x2, node, &d2)
            v2 = d2
    if not y.flags & UNIFORM:
        b = buffer_of(deferred, y)
    # The second operand first, as `backward_binary` does.
    if x2 is not None and takes(x2, here.only_wanted):
        defer_edge(deferred, y, x2, b2, d1, d2, b, c, x1 is None or not takes(x1, here.only_wanted))
    if x1 is not None and takes(x1, here.only_wanted):
        defer_edge(deferred, y, x1, b1, d1, d2, b, c, True)
    if b >= 0:
        release_buffer(deferred, b)
    release_value(deferred, v1)
    release_value(deferred, v2)
    y.flags &= ~<int>(COTANGENT | DEFERRED | UNIFORM)
    return 0


cdef void locate(Deferred* deferred, Place* place, char* scratch, bint stream, const bint* fresh) noexcept:
    """Replace the number of a buffer or constant by its place in memory."""
    cdef Py_ssize_t item = item_bytes(deferred.dtype), number = <Py_ssize_t><size_t>place.start
    if place.step == IN_BUFFER:
        buffer = &deferred.buffers[number]
        if buffer.storage == NULL or (stream and fresh[number]):
            place[0] = place_at(scratch + buffer.slot * RUN_BLOCK * item, 0)
        else:
            place[0] = place_at(payload(buffer.storage), item)


cdef int check_deferred(Sweep* here) except -1:
    """After Python code: raise if what the steps read was written, or a tensor that holds a buffer is not ours."""
    cdef Deferred* deferred = here.deferred
    cdef int k
    for k in range(deferred.n_kept):
        x = deferred.kept[k]
        if deferred.reader[k] >= 0 and version_at(x) != deferred.versions[k]:
            raise errors.mutated(op_name(<Tensor>deferred.kept[deferred.reader[k]]), "a value it reads",
                                 deferred.versions[k], version_at(x))
        if here.interleaved and (<Tensor>x).flags & DEFERRED:     # others may mark a node that is done
            check_entered(x, here)
    return 0


cdef Storage* dying_block(Deferred* deferred) noexcept:
    """The block of a node that is done and that only `deferred` holds, for a cotangent; NULL if there is none. Steps
    may read it: results that bypass the cache are written when all steps on their elements are done."""
    cdef PyObject* x
    cdef int k, i, count
    for k in range(deferred.n_kept):
        x = deferred.kept[k]
        if not (<Tensor>x).flags & FREED or not owns_value(<Tensor>x) or (<Tensor>x).storage.writes != NULL:
            continue
        count = 0
        for i in range(deferred.n_kept):
            count += deferred.kept[i] == x
        if Py_REFCNT(x) == count:
            return storage_keep((<Tensor>x).storage)
    return NULL


cdef void leave_deferred(Outside* o, Sweep* here, Storage** held) noexcept:
    """`go_outside` for all steps. `held` are the blocks that they read."""
    cdef Deferred* deferred = here.deferred
    cdef int k
    o.state, o.left = NULL, False
    if deferred.n_steps * deferred.n * item_bytes(deferred.dtype) < LEAVES_BYTES or not can_leave_gil():
        return
    for k in range(deferred.n_kept):
        x = deferred.kept[k]
        held[k] = NULL if (<Tensor>x).storage == NULL or is_postponed(<Tensor>x) else storage_keep((<Tensor>x).storage)
    leave_gil(o, None, None, None, NULL, NULL)


cdef int run_deferred(Sweep* here) except -1:
    """Run all steps. Afterwards the cotangents are as if the nodes had been processed one by one."""
    cdef Deferred* deferred = here.deferred
    cdef Py_ssize_t item = item_bytes(deferred.dtype), nbytes = deferred.n * item
    cdef bint stream = nbytes >= min(FG_STREAM, postponed_from)
    cdef bint[MOST] fresh
    cdef StreamedOutput[MOST] outs
    cdef int n_outs = 0, k
    cdef Step* step
    cdef Steps steps
    cdef Outside o
    cdef Storage* held[KEPT]
    check_deferred(here)
    cdef Storage* scratch = storage_new((deferred.n_slots + 1) * RUN_BLOCK * item)
    cdef char* block = payload(scratch)
    try:
        for k in range(deferred.n_buffers):
            fresh[k] = deferred.buffers[k].storage == NULL and deferred.buffers[k].holders > 0
            if fresh[k]:
                if stream:
                    deferred.buffers[k].storage = dying_block(deferred)
                if deferred.buffers[k].storage == NULL:
                    deferred.buffers[k].storage = storage_new(nbytes)
                if stream:
                    outs[n_outs].block = block + deferred.buffers[k].slot * RUN_BLOCK * item
                    outs[n_outs].y = payload(deferred.buffers[k].storage)
                    n_outs += 1
            if deferred.buffers[k].filled:
                typed[deferred.dtype].fill(block + deferred.buffers[k].slot * RUN_BLOCK * item, RUN_BLOCK,
                                           deferred.buffers[k].number)
        for k in range(deferred.n_steps):
            step = &deferred.steps[k]
            locate(deferred, &step.g, block, stream, fresh)
            locate(deferred, &step.x1, block, stream, fresh)
            locate(deferred, &step.x2, block, stream, fresh)
            locate(deferred, &step.out, block, stream, fresh)
        steps.steps, steps.count, steps.outs, steps.n_outs = deferred.steps, deferred.n_steps, outs, n_outs
        steps.dtype, steps.last = deferred.dtype, NULL
        leave_deferred(&o, here, held)
        run_steps(&steps, deferred.n)
        come_back(&o)
        if o.left:
            for k in range(deferred.n_kept):
                release_memory(held[k], NULL, NULL)
            check_deferred(here)
    finally:
        storage_release(scratch)
    forget_deferred(here, True)
    return 0


cdef void forget_deferred(Sweep* here, bint done) noexcept:
    """Release everything. Unless the sweep has failed, tensors get the buffers they hold. Runs Python code last."""
    cdef Deferred* deferred = here.deferred
    cdef PyObject* kept[KEPT]
    cdef int k, n = deferred.n_kept
    memcpy(kept, deferred.kept, n * sizeof(PyObject*))
    settle_deferred(here, done)
    for k in range(deferred.n_buffers):
        if deferred.buffers[k].storage != NULL:
            storage_release(deferred.buffers[k].storage)
    deferred.n_kept = 0
    for k in range(n):
        drop(kept[k])


cdef void settle_deferred(Sweep* here, bint done) noexcept:
    """Give the tensors the buffers they hold. If the sweep has failed, clear the numbers of its buffers in them."""
    cdef Deferred* deferred = here.deferred
    cdef int k
    for k in range(deferred.n_kept):
        x = deferred.kept[k]
        if (<Tensor>x).flags & DEFERRED and (<Tensor>x).sweep == here.number:
            if done:
                (<Tensor>x).cotangent.storage = storage_keep(deferred.buffers[buffer_number(<Tensor>x)].storage)
            (<Tensor>x).flags &= ~<int>(DEFERRED if done else COTANGENT | DEFERRED)
