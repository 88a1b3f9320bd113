# Steps of a program that run without the GIL, as kernels of eager ops do (object/outside.pxi): large ones, before the
# first step that others see. Meanwhile `Variant.busy` keeps other threads out of the program, the memory that it may
# read is kept, and afterwards the versions are compared.

cdef enum:                  # Code.outside
    LEAVES = 1              # runs without the GIL
    COUNTS = 2              # is the first, or the first after Python code, to write to memory that others know

cdef struct Watched:        # a Tensor that others may write to
    PyObject* x             # or NULL: there is none
    Storage* memory
    char* data

cdef struct Released:       # one step without the GIL
    Outside o
    Watched* watched        # NULL: with the GIL
    Py_ssize_t n
    unsigned int versions   # the sum of theirs

cdef list programs_outside = []     # Variants, for a forked child


# --- which steps

cdef Py_ssize_t work_of(const Note* s) noexcept:
    """How much work a kernel does, as bytes for `go_outside`; 0 of steps that keep the GIL."""
    cdef const Extents* e = <const Extents*>s.n
    cdef const Windows* d = <const Windows*>s.more
    cdef const Recurrent* r = <const Recurrent*>s.more
    cdef Py_ssize_t work, k
    run = s.run
    if length_of(s):
        return length_of(s) * item_size(s)
    if run == run_broadcast or run == run_where or run == run_where_backward:
        return (<Broadcast*>s.more).out.nbytes
    if run == run_copy_strided or run == run_add_strided:
        return (<Strided*>s.more).shape.nbytes
    if run == run_reduce:
        return e.outer * e.n * e.inner * s.n[4]
    if (run == run_axis_forward or run == run_axis_backward or run == run_norm or run == run_norm_backward
            or run == run_batch_norm_sums or run == run_broadcast_backward):
        return e.outer * e.n * e.inner * 8
    if run == run_cross_entropy or run == run_cross_entropy_backward or run == run_accumulate_rows:
        return s.n[0] * s.n[1] * 8
    if run == run_gather:
        return e.outer * s.n[4] * e.inner * s.dtype
    if run == run_gather_kernel:
        return e.outer * s.n[4] * e.inner * 8
    if run == run_clip or run == run_clip_backward or run == run_fill or run == run_add_number:
        return s.n[0] * 8
    if run == run_triangle_kernel:
        return s.n[0] * s.n[1] * s.n[2] * 8
    if run == run_max_pool or run == run_max_pool_backward or run == run_avg_pool:
        return d.n * d.h * d.w * 8
    if run == run_product:
        return bytes_of(s.n[0] * s.n[1] * s.n[2])
    if run == run_stacked:
        work = s.n[0] * s.n[1] * s.n[2]
        for k in range((<Stacked*>s.more).ndim):
            work *= (<Stacked*>s.more).shape[k]
        return bytes_of(work)
    if run == run_conv or run == run_conv_weight or run == run_conv_input:
        return bytes_of(d.n * d.groups * d.o * d.oh * d.ow * d.c * d.kh * d.kw)
    if run == run_recurrent or run == run_recurrent_backward:
        return bytes_of(r.steps * r.batch * r.hidden * r.hidden)
    return 0


cdef bint is_outer(Variant v, int number) noexcept:
    """Whether a buffer is memory that others know."""
    return number >= 0 and OUTSIDE <= v.c.buffers[number].kind <= ARGUMENT


cdef bint writes_outer(Variant v, const Note* s) noexcept:
    cdef HostStep h
    cdef int j
    if s.run == <StepRun>run_host:
        h = <HostStep>s.more
        return h.into and type(h.args[0]) is Spot and is_outer(v, (<Spot>h.args[0]).buffer)
    for j in range(s.places):
        if s.writes >> j & 1 and is_outer(v, s.buffer[j]):
            return True
    return False


cdef void mark_outside(Variant v) noexcept:
    """Decide which steps run without the GIL. After the first effect none does, so that others see all of them at
    once, and an error leaves none."""
    cdef Py_ssize_t k, work
    cdef int i
    cdef bint seen = False, counted = False, old_grads = False, writes
    cdef Code* s
    cdef const Note* note
    cdef const Blocks* b
    for i in range(v.c.n_buffers):
        old_grads = old_grads or (v.c.buffers[i].kind == GRAD_OUTSIDE and v.c.buffers[i].reads + v.c.buffers[i].writes)
    for k in range(v.n_code):
        s = &v.code[k]
        if s.kind > BLOCKS:
            continue
        if s.kind == CALL:
            note = &v.c.notes[s.what.index]
            writes, work = writes_outer(v, note), work_of(note)
        else:
            b = v.blocks[s.what.index]
            note = &v.c.notes[b.calls[0].note]
            writes, work = False, b.count * b.n * item_size(note)
            for i in range(b.count):
                writes = writes or writes_outer(v, &v.c.notes[b.calls[i].note])
        if writes and (not counted or note.run == <StepRun>run_host):
            s.outside = COUNTS
        elif not seen and work >= LEAVES_BYTES and not writes:
            s.outside = LEAVES
            v.holds = True
        counted = counted or writes
        seen = seen or writes
        if note.run == <StepRun>run_host:
            counted = False
            seen = seen or (<HostStep>note.more).effect
        elif note.run == <StepRun>run_set_gradient:
            seen = seen or note.data != NULL or old_grads
            v.holds = v.holds or old_grads


# --- while they run

cdef list held_objects(Variant v, const Given* given):
    """References to the leaves of the arguments, which others may take out of the lists that they are in, and to each
    `.grad` from outside, which the program may read after it has replaced it."""
    cdef list found = []
    cdef int k
    for k in range(given.n):
        found.append(<object>given.leaves[k])
    for k in range(v.n_moves):
        if v.moves[k].kind == GRAD_OUTSIDE:
            found.append(<object>outer_tensor(v, &v.moves[k], v.given))
    return found


cdef inline PyObject* watched_tensor(Variant v, Py_ssize_t k) noexcept:
    """Borrowed, or NULL: the Tensor of move `k`, or behind these the `.grad` of a Tensor from outside."""
    if k < v.n_moves:
        return outer_tensor(v, &v.moves[k], v.given)
    return (<Tensor>(<tuple>PyList_GET_ITEM(v.firsts, k - v.n_moves))[0]).grad_


cdef void release_gil(Variant v, Released* a) noexcept:
    """Give up the GIL, if there are other threads, and keep what the program may read."""
    cdef Py_ssize_t k
    cdef Watched* w
    a.n = v.n_moves + len(v.firsts)
    a.watched = NULL
    if not can_leave_gil():
        return
    try:
        programs_outside.append(v)
    except MemoryError:
        return
    a.watched = <Watched*>PyMem_RawCalloc(a.n + 1, sizeof(Watched))
    if a.watched == NULL:
        programs_outside.remove(v)
        return
    v.outside = True
    a.versions = 0
    for k in range(a.n):
        w = &a.watched[k]
        w.x = watched_tensor(v, k)
        if w.x != NULL:
            Py_INCREF(<object>w.x)
            a.versions += version_at(w.x)
            w.data = (<Tensor>w.x).data
            if (<Tensor>w.x).storage != NULL:
                w.memory = storage_keep((<Tensor>w.x).storage)
    leave_gil(&a.o, None, None, None, NULL, NULL)


cdef bint acquire_gil(Variant v, Released* a) noexcept:
    """Take the GIL back. Whether other threads have written to what the program may read, or replaced a `.grad`."""
    cdef Py_ssize_t k
    cdef Watched* w
    cdef PyObject* x
    cdef bint written = False
    cdef unsigned int versions = 0
    if a.watched == NULL:
        return False
    come_back(&a.o)
    programs_outside.remove(v)
    v.outside = False
    for k in range(a.n):
        w = &a.watched[k]
        x = watched_tensor(v, k)
        written = written or x != w.x or (w.memory != NULL and w.memory != (<Tensor>x).storage)
        if x != NULL:
            versions += version_at(x)
    written = written or versions != a.versions
    for k in range(a.n):
        w = &a.watched[k]
        if w.x == NULL:
            continue
        if not written and k < v.n_moves and (<Tensor>w.x).data != w.data and w.data == v.moves[k].seen:
            move_to(v, &v.moves[k], (<Tensor>w.x).data)     # a number that got a block of its own
        if w.memory != NULL:
            storage_release(w.memory)
        Py_DECREF(<object>w.x)
    PyMem_RawFree(a.watched)
    return written


cdef int run_released(Variant v, const Note* s) except -1:
    """The call of a note, without the GIL."""
    cdef Released a
    release_gil(v, &a)
    s.run(s)
    if acquire_gil(v, &a):
        raise errors.written_meanwhile("compile")
    return 0


cdef int count_writes_ahead(Variant v) except -1:
    """Count the writes of the next steps before they are made, for other threads, which may be reading."""
    return count_writes(v, v.given) if has_other_threads() else 0


cdef int run_writing(Variant v, const Note* s) except -1:
    """The write of a host step by NumPy, which gives up the GIL: readers wait for its end."""
    cdef Py_ssize_t k
    cdef PyObject* x
    cdef Storage** marked = <Storage**>PyMem_RawCalloc(v.n_moves + 1, sizeof(Storage*))
    if marked == NULL:
        raise MemoryError()
    for k in range(v.n_moves):
        x = outer_tensor(v, &v.moves[k], v.given) if v.moves[k].writes else NULL
        if x != NULL and (<Tensor>x).storage != NULL and not (<Tensor>x).storage.flags & BEING_WRITTEN:
            marked[k] = storage_keep((<Tensor>x).storage)
            marked[k].flags |= BEING_WRITTEN
    try:
        run_host(s)
    finally:
        for k in range(v.n_moves):
            if marked[k] != NULL:
                marked[k].flags &= ~<unsigned int>BEING_WRITTEN
                storage_release(marked[k])
        PyMem_RawFree(marked)
    return 0


def forget_replays():
    """The programs that other threads were running are free in a forked child, which does not have these."""
    global replays
    for v in programs_outside:
        (<Variant>v).busy = (<Variant>v).outside = False
        replays -= 1
    programs_outside.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_replays)
