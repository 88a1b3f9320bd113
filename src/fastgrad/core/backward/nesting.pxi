# Sweeps that meet in a tensor: a sweep sets aside what another sweep of its thread keeps there, and puts it back; it
# waits for a sweep of another thread.

cdef enum:
    SCRATCH = COTANGENT | COTANGENT_TENSOR | UNIFORM | DEFERRED | REACHES_INPUT | REACH_KNOWN
    PATIENCE = 10           # seconds


cdef inline int enter_tensor(Tensor x, Sweep* here) except -1:
    """Make the scratch of `x` that of this sweep."""
    if x.flags & SCRATCH or x.pending:
        stash_scratch(x, here)
    x.flags &= ~<int>SCRATCH
    x.sweep = here.number
    x.pending = 0
    return 0


cdef int stash_scratch(Tensor x, Sweep* here) except -1:
    """Set aside the scratch of `x` if its sweep is still running in this thread; drop it if its sweep has failed."""
    cdef Sweep* r = sweep_numbered(x.sweep)
    if r == NULL and not x.flags & COTANGENT_TENSOR:
        free_cotangent(x)
        return 0
    if r != NULL and r.owner != here.owner:
        here.blocker = r.number
        raise errors.swept_elsewhere()
    cdef Stash* s = <Stash*>PyMem_RawMalloc(sizeof(Stash))
    if s == NULL:
        raise MemoryError()
    memset(s, 0, sizeof(Stash))     # `tensor` stays NULL for a failed sweep: its Tensor is dropped by `drop_stash`
    if r != NULL:
        r.interleaved = True
        s.tensor = <PyObject*>x
        Py_INCREF(x)
    exchange_scratch(x, s)
    s.next = here.stashed
    here.stashed = s
    return 0


cdef void exchange_scratch(Tensor x, Stash* s) noexcept:
    cdef unsigned short flags = <unsigned short>(x.flags & <int>SCRATCH)
    x.flags = <unsigned short>((x.flags & ~<int>SCRATCH) | s.flags)
    s.flags = flags
    x.cotangent, s.cotangent = s.cotangent, x.cotangent
    x.pending, s.pending = s.pending, x.pending
    x.sweep, s.sweep = s.sweep, x.sweep


cdef Stash* stash_of(PyObject* x, Sweep* r) noexcept:
    cdef Stash* s = r.stashed
    while s != NULL and s.tensor != x:
        s = s.next
    return s


cdef bint return_scratch(Stash* s) noexcept:
    """Put scratch back. Returns whether `s` can be dropped: not if it was passed on to a third sweep."""
    if s.tensor == NULL:
        return True
    if sweep_numbered(s.sweep) == NULL:     # it ended before this one did: greenlets end in any order
        if s.flags & DEFERRED:
            s.flags = 0                     # the buffer is gone
        return True
    # If a third sweep has entered the tensor meanwhile, that one puts it back.
    cdef Sweep* r = sweep_numbered((<Tensor>s.tensor).sweep)
    while r != NULL:
        theirs = stash_of(s.tensor, r)
        if theirs == NULL:
            s.next = r.stashed
            r.stashed = s
            return False
        r = sweep_numbered(theirs.sweep)
        if r == NULL:
            s.cotangent, theirs.cotangent = theirs.cotangent, s.cotangent
            s.flags, theirs.flags = theirs.flags, s.flags
            theirs.pending = s.pending
            theirs.sweep = s.sweep
            return True
    exchange_scratch(<Tensor>s.tensor, s)
    return True


cdef void restore_scratch(Sweep* here) noexcept:
    """Put back what the other sweeps of this thread keep in tensors. This sweep has left the list of its thread, or has
    got another number. Runs Python code last."""
    cdef Stash* s = here.stashed
    cdef Stash* rest = NULL
    here.stashed = NULL
    while s != NULL:
        after = s.next
        if return_scratch(s):
            s.next = rest
            rest = s
        s = after
    while rest != NULL:
        s = rest
        rest = s.next
        drop_stash(s)


cdef void drop_stash(Stash* s) noexcept:
    """Free a stash and the scratch that no sweep needs any more."""
    cdef PyObject* x = s.tensor
    cdef PyObject* g = s.cotangent.tensor if s.flags & COTANGENT_TENSOR else NULL
    if (s.flags & COTANGENT and not s.flags & <int>(COTANGENT_TENSOR | UNIFORM | DEFERRED)
            and not is_small((<Tensor>x).layout)):
        storage_release(s.cotangent.storage)
    PyMem_RawFree(s)
    drop(g)
    drop(x)


cdef int abandon_edge(PyObject* x, Sweep* here) except -1:
    """Schedule `x` for `abandon_cotangents`, unless that has been there or another sweep uses the tensor."""
    if (<Tensor>x).sweep == 0 or (<Tensor>x).sweep == here.number:
        (<Tensor>x).sweep = here.search
        push(&here.ready, x)
    return 0


cdef void abandon_cotangents(Tensor root, list more, Sweep* here) noexcept:
    """Drop the cotangents that a sweep with create_graph leaves behind when it fails: their graphs lead back to the
    tensors that hold them, and so all of them would stay forever. Runs Python code last."""
    cdef Vector held
    cdef Py_ssize_t waiting = here.ready.n
    cdef Tensor y
    clear_vector(&held)
    here.search = next_number(here.owner)       # which marks the tensors that were visited
    try:
        abandon_edge(<PyObject*>root, here)
        if more is not None:
            for y, _ in more:
                abandon_edge(<PyObject*>y, here)
        while here.ready.n > waiting:
            here.ready.n -= 1
            x = here.ready.items[here.ready.n]
            if (<Tensor>x).flags & COTANGENT_TENSOR:
                push(&held, (<Tensor>x).cotangent.tensor)
                (<Tensor>x).flags &= ~<int>(COTANGENT | COTANGENT_TENSOR)
            walk_edges(<Tensor>x, here, abandon_edge)
    except MemoryError:
        here.ready.n = waiting
    free_vector(&held)


cdef int wait_for_other_sweep(Sweep* here) except -1:
    """Wait for the sweep of another thread that `stash_scratch` met. This sweep has done nothing yet, and first gives
    up its marks, so that the other one never waits for it."""
    cdef unsigned int other = here.blocker
    import time

    here.number = next_number(here.owner)
    here.search = 0
    here.blocker = 0
    restore_scratch(here)
    cdef bint inside = here.owner.running != here or here.outer != NULL
    cdef Sweep* r = sweep_numbered(other)
    until = time.monotonic() + PATIENCE
    while r != NULL:
        # In a hook or a rule, an outer sweep holds tensors meanwhile; otherwise it may be waiting for this very thread.
        if not r.outside and (inside or time.monotonic() > until):
            raise errors.swept_elsewhere()
        time.sleep(1e-4)
        r = sweep_numbered(other)
    return 0
