# What a sweep keeps in the tensors themselves, and how it gives way to another one there; and the search for the way to
# what `gradients` was asked for. Edges are walked as borrowed pointers, so that the first pass runs no Python code: it
# allocates nothing that the garbage collector tracks, drops nothing, and asks no rule.

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
    """Another sweep has used the scratch of `x`: keep what it holds if that one is under way in this thread."""
    cdef Sweep* r = sweep_numbered(x.sweep)
    cdef Stash* s
    if r == NULL and not x.flags & COTANGENT_TENSOR:
        free_cotangent(x)       # of a sweep that failed: a block of our own
        return 0
    if r != NULL and r.owner != here.owner:
        here.blocked = r.number
        raise errors.swept_elsewhere()
    s = <Stash*>PyMem_RawMalloc(sizeof(Stash))
    if s == NULL:
        raise MemoryError()
    s.tensor = NULL             # a Tensor of a sweep that failed: dropped when Python code may run again
    if r != NULL:
        r.apart = True
        s.tensor = <PyObject*>x
        Py_INCREF(x)
    s.pending = 0
    s.sweep = 0
    s.flags = 0
    exchange_scratch(x, s)
    s.next = here.stashed
    here.stashed = s
    return 0


cdef void exchange_scratch(Tensor x, Stash* s) noexcept:
    cdef Slot cotangent = x.cotangent
    cdef unsigned int pending = x.pending, number = x.sweep
    cdef unsigned short flags = <unsigned short>(x.flags & <int>SCRATCH)
    x.cotangent = s.cotangent
    x.pending = s.pending
    x.sweep = s.sweep
    x.flags = <unsigned short>((x.flags & ~<int>SCRATCH) | s.flags)
    s.cotangent = cotangent
    s.pending = pending
    s.sweep = number
    s.flags = flags


cdef Stash* stash_of(PyObject* x, Sweep* r) noexcept:
    cdef Stash* s = r.stashed
    while s != NULL and s.tensor != x:
        s = s.next
    return s


cdef bint return_scratch(Stash* s) noexcept:
    """Give a tensor back what another sweep keeps in it. Returns whether `s` is done with; not if it goes to a third
    sweep."""
    cdef Tensor x
    cdef Sweep* r
    cdef Stash* theirs
    cdef Stash ours
    if s.tensor == NULL:
        return True
    x = <Tensor>s.tensor
    if sweep_numbered(s.sweep) == NULL:      # ended before this one did: greenlets end in any order
        if s.flags & DEFERRED:
            s.flags = 0                     # the buffer is gone
        return True
    # Where a third has come to `x` meanwhile, it is the one to give it back.
    r = sweep_numbered(x.sweep)
    while r != NULL:
        theirs = stash_of(s.tensor, r)
        if theirs == NULL:
            s.next = r.stashed
            r.stashed = s
            return False
        r = sweep_numbered(theirs.sweep)
        if r == NULL:
            ours = s[0]
            s.cotangent = theirs.cotangent
            s.flags = theirs.flags
            theirs.cotangent = ours.cotangent
            theirs.pending = ours.pending
            theirs.sweep = ours.sweep
            theirs.flags = ours.flags
            return True
    exchange_scratch(x, s)
    return True


cdef void restore_scratch(Sweep* here) noexcept:
    """Give the tensors back what the other sweeps of this thread keep in them. This one is off the list, or has got
    another number. Python code runs last."""
    cdef Stash* s = here.stashed
    cdef Stash* rest = NULL
    cdef Stash* after
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
    """Let go of scratch that no sweep needs any more."""
    cdef PyObject* x = s.tensor
    cdef PyObject* g = s.cotangent.tensor if s.flags & COTANGENT_TENSOR else NULL
    if (s.flags & COTANGENT and not s.flags & <int>(COTANGENT_TENSOR | UNIFORM | DEFERRED)
            and not is_small((<Tensor>x).layout)):
        storage_release(s.cotangent.storage)
    PyMem_RawFree(s)
    drop(g)
    drop(x)


cdef int wait_for_the_other(Sweep* here) except -1:
    """Let another thread's sweep end, whose scratch was in the way of this one, which has done nothing yet. What this
    one has marked becomes void first, so that the other never waits for it in turn."""
    cdef unsigned int other = here.blocked
    import time

    here.number = next_number(here.owner)
    here.way = 0
    here.blocked = 0
    restore_scratch(here)
    if here.owner.running != here or here.outer != NULL:
        raise errors.swept_elsewhere()      # we are in a hook or a rule, and would wait with our hands full
    until = time.monotonic() + PATIENCE
    while sweep_numbered(other) != NULL:
        if time.monotonic() > until:
            raise errors.swept_elsewhere()      # it may be waiting for this very thread
        time.sleep(1e-4)
    return 0


# Not as variables of type Tensor, which would be counted up and down at every step, a third of the time of a sweep over
# scalars.
