# What a sweep keeps in the tensors themselves, and how it gives way to another one there; and the search for the way to
# what `gradients` was asked for. Edges are walked as borrowed pointers, so that the first pass runs no Python code: it
# allocates nothing that the garbage collector tracks, drops nothing, and asks no rule.

cdef enum:
    SCRATCH = COTANGENT | COTANGENT_TENSOR | UNIFORM | DEFERRED | LEADS | DECIDED
    PATIENCE = 10           # seconds


cdef inline int enter_tensor(Tensor x, Running* here) except -1:
    """Make the scratch of `x` that of this sweep."""
    if x.flags & SCRATCH or x.pending:
        set_aside(x, here)
    x.flags &= ~<int>SCRATCH
    x.sweep = here.number
    x.pending = 0
    return 0


cdef int set_aside(Tensor x, Running* here) except -1:
    """Another sweep has used the scratch of `x`: keep what it holds if that one is under way in this thread."""
    cdef Running* r = running_under(x.sweep)
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


cdef Stash* stash_of(PyObject* x, Running* r) noexcept:
    cdef Stash* s = r.stashed
    while s != NULL and s.tensor != x:
        s = s.next
    return s


cdef bint return_scratch(Stash* s) noexcept:
    """Give a tensor back what another sweep keeps in it. Returns whether `s` is done with; not if it goes to a third
    sweep."""
    cdef Tensor x
    cdef Running* r
    cdef Stash* theirs
    cdef Stash ours
    if s.tensor == NULL:
        return True
    x = <Tensor>s.tensor
    if running_under(s.sweep) == NULL:      # ended before this one did: greenlets end in any order
        if s.flags & DEFERRED:
            s.flags = 0                     # the buffer is gone
        return True
    # Where a third has come to `x` meanwhile, it is the one to give it back.
    r = running_under(x.sweep)
    while r != NULL:
        theirs = stash_of(s.tensor, r)
        if theirs == NULL:
            s.next = r.stashed
            r.stashed = s
            return False
        r = running_under(theirs.sweep)
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


cdef void put_back(Running* here) noexcept:
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


cdef int wait_for_the_other(Running* here) except -1:
    """Let another thread's sweep end, whose scratch was in the way of this one, which has done nothing yet. What this one has
    marked becomes void first, so that the other never waits for it in turn."""
    cdef unsigned int other = here.blocked
    import time

    here.number = next_number(here.owner)
    here.way = 0
    here.blocked = 0
    put_back(here)
    if here.owner.running != here or here.outer != NULL:
        raise errors.swept_elsewhere()      # we are in a hook or a rule, and would wait with our hands full
    until = time.monotonic() + PATIENCE
    while running_under(other) != NULL:
        if time.monotonic() > until:
            raise errors.swept_elsewhere()      # it may be waiting for this very thread
        time.sleep(1e-4)
    return 0


cdef inline bint is_wanted(Tensor x, Running* here) except -1:
    """Whether this sweep was asked for the gradient of `x`. The flag says only that some sweep once was."""
    return x.flags & WANTED != 0 and here.wanted != NULL and <size_t><PyObject*>x in <dict>here.wanted


# Not as variables of type Tensor, which would be counted up and down at every step, a third of the time of a sweep over
# scalars.

cdef inline int enter_counting(PyObject* x, Running* here) except -1:
    """Make the scratch of `x` that of this sweep, `pending` excepted. Where the way was searched before, it is ours already."""
    if not here.only_wanted and ((<Tensor>x).flags & SCRATCH or (<Tensor>x).pending):
        enter_tensor(<Tensor>x, here)
    (<Tensor>x).sweep = here.number
    return 0


cdef inline int arrive(PyObject* x, Running* here) except -1:
    """First pass, one edge: count it, and visit `x` if this is the first."""
    if not (<Tensor>x).flags & here.mask:
        return 0
    if (<Tensor>x).sweep == here.number:
        (<Tensor>x).pending = (<Tensor>x).pending + 1
        return 0
    enter_counting(x, here)
    (<Tensor>x).pending = 1
    if (<Tensor>x).op != LEAF:
        push(&here.ready, x)
    return 0


cdef inline int depart(PyObject* x, Running* here) except -1:
    """Second pass, one edge: its part has been handed over."""
    if (<Tensor>x).sweep != here.number:
        check_entered(x, here)          # an edge arrived that was never seen
    if not (<Tensor>x).flags & here.mask:
        return 0
    if FASTGRAD_DEBUG and (<Tensor>x).pending == 0:
        raise AssertionError("more edges arrived than were counted")
    (<Tensor>x).pending -= 1
    if (<Tensor>x).pending == 0:
        push_owned(&here.ready, <Tensor>x)
    return 0


cdef int check_edges(Tensor y, Running* here) except -1:
    """Before and after Python code of a sweep that others were in: `y` and its operands are still ours."""
    cdef Extra extra
    cdef Tensor x
    cdef unsigned int flows
    cdef Py_ssize_t k
    cdef bint ours = y.sweep == here.number
    if y.extra != NULL and (<Extra>y.extra).operands is not None:
        extra = <Extra>y.extra
        flows = flows_of(y)
        for k in range(len(extra.operands)):
            if type(extra.operands[k]) is Tensor and nth_bit(flows, k):
                x = nth_operand(extra, k)
                ours = ours and is_entered(<PyObject*>x, here)
    else:
        if y.x1 != NULL and not y.flags & CONST1:
            ours = ours and is_entered(edge1(y), here)
        if y.x2 != NULL and not y.flags & CONST2:
            ours = ours and is_entered(edge2(y), here)
    if not ours:
        raise errors.graph_changed()
    return 0


cdef inline bint is_entered(PyObject* x, Running* here) noexcept:
    """Whether the scratch of `x`, if a gradient may flow to it, is that of this sweep."""
    return (not (<Tensor>x).flags & REQUIRES_GRAD or (<Tensor>x).sweep == here.number
            or (here.way != 0 and (<Tensor>x).sweep == here.way))


cdef inline PyObject* edge1(Tensor y) noexcept:
    return y.x1 if (<Tensor>y.x1).gen == y.gen1 else resolve_at(y.x1, y.gen1)


cdef inline PyObject* edge2(Tensor y) noexcept:
    return y.x2 if (<Tensor>y.x2).gen == y.gen2 else resolve_at(y.x2, y.gen2)


cdef inline int walk_edges(Tensor y, Running* here, bint counting) except -1:
    """Both passes: every edge of `y` along which a gradient flows."""
    if y.extra != NULL and (<Extra>y.extra).operands is not None:
        return walk_many(y, here, counting)
    if y.x1 != NULL and not y.flags & CONST1:
        if counting:
            arrive(edge1(y), here)
        else:
            depart(edge1(y), here)
    if y.x2 != NULL and not y.flags & CONST2:
        if counting:
            arrive(edge2(y), here)
        else:
            depart(edge2(y), here)
    return 0


cdef int walk_many(Tensor y, Running* here, bint counting) except -1:
    cdef Extra extra = <Extra>y.extra
    cdef Py_ssize_t k
    cdef Tensor x
    cdef unsigned int flows = flows_of(y)
    for k in range(len(extra.operands)):
        if type(extra.operands[k]) is Tensor:
            x = nth_operand(extra, k)
            if x.flags & REQUIRES_GRAD and nth_bit(flows, k):
                if counting:
                    arrive(<PyObject*>x, here)
                else:
                    depart(<PyObject*>x, here)
    return 0


cdef inline int look_ahead(Tensor x, Running* here, bint* leads) except -1:
    if x.flags & REQUIRES_GRAD:
        if x.sweep != here.number:
            enter_tensor(x, here)
        if not x.flags & DECIDED:
            push(&here.ready, <PyObject*>x)
        elif x.flags & LEADS:
            leads[0] = True
    return 0


cdef int decide(Tensor y, Running* here) except -1:
    """Push the operands that are not decided yet; where there are none, decide `y`."""
    cdef Extra extra
    cdef bint leads = is_wanted(y, here)
    cdef unsigned int flows
    cdef Py_ssize_t k, before = here.ready.n
    if y.flags & FREED and not leads:
        raise errors.graph_freed(op_name(y))
    if leads and here.partial:
        pass
    elif y.extra != NULL and (<Extra>y.extra).operands is not None:
        extra = <Extra>y.extra
        flows = flows_of(y)
        for k in range(len(extra.operands)):
            if type(extra.operands[k]) is Tensor and nth_bit(flows, k):
                look_ahead(nth_operand(extra, k), here, &leads)
    else:
        if y.x1 != NULL and not y.flags & CONST1:
            look_ahead(<Tensor>edge1(y), here, &leads)
        if y.x2 != NULL and not y.flags & CONST2:
            look_ahead(<Tensor>edge2(y), here, &leads)
    if here.ready.n == before:
        y.flags |= <int>(DECIDED | LEADS) if leads else <int>DECIDED
        here.ready.n -= 1
    return 0


cdef int find_way(Tensor root, Running* here) except -1:
    """Mark every tensor from which a WANTED one is reached: depth first, operands before what came of them."""
    cdef Tensor y
    if root.sweep != here.number:
        enter_tensor(root, here)
        push(&here.ready, <PyObject*>root)
    while here.ready.n:
        y = <Tensor>here.ready.items[here.ready.n - 1]
        if y.flags & DECIDED:
            here.ready.n -= 1       # two edges had pushed it
        else:
            decide(y, here)
    return 0
