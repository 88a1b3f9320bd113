# What a sweep keeps: stacks of tensors, the list of running sweeps, and its scratch in the tensors themselves; and the search
# for the way to what `gradients` was asked for.

cdef enum:
    INLINE = 128

cdef struct Vector:
    PyObject** items        # `own`, until it is too small
    Py_ssize_t n
    Py_ssize_t room
    PyObject* own[INLINE]

cdef struct Running:        # a sweep that is under way
    unsigned int number
    unsigned int way        # the number under which the way to what `gradients` wants was searched, or 0
    bint retain             # keep the graph
    bint record             # create_graph
    bint looking            # in the first pass: the references in `ready` are borrowed
    bint only_wanted        # `gradients`: go only where what it was asked for lies
    bint partial            # and not beyond it, nor to its hooks
    unsigned short mask     # the flag that says so, of a tensor
    unsigned long thread
    unsigned int blocked    # number of another thread's sweep whose scratch was in the way; 0: none was
    Running* outer          # the one in whose hook or rule this one runs, or another thread's
    PyObject* stashed       # list of Stash, or NULL
    PyObject* wanted        # dict by address of what `gradients` was asked for, and found; or NULL
    PyObject* retained      # list of pairs, an interior tensor and what its `.grad` will be; or NULL
    Vector ready            # tensors whose cotangent is complete; while counting, tensors whose edges are to be counted
    Vector leaves

cdef Running* running = NULL
cdef unsigned int last_number = 0

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident() noexcept


cdef inline void clear_vector(Vector* v) noexcept nogil:
    v.items = v.own
    v.n = 0
    v.room = INLINE


cdef inline int push(Vector* v, PyObject* o) except -1:
    if v.n == v.room:
        grow_vector(v)
    v.items[v.n] = o
    v.n += 1
    return 0


cdef inline int reserve(Vector* v, Py_ssize_t n) except -1:
    """Room for `n` more, so that to push them cannot fail."""
    if v.n + n > v.room:
        grow_vector(v)
    return 0


cdef int grow_vector(Vector* v) except -1:
    cdef Py_ssize_t room = v.room * 2
    cdef void* bigger = PyMem_RawRealloc(NULL if v.items == v.own else v.items, room * sizeof(PyObject*))
    if bigger == NULL:
        raise MemoryError()
    if v.items == v.own:
        memcpy(bigger, v.own, v.n * sizeof(PyObject*))
    v.items = <PyObject**>bigger
    v.room = room
    return 0


cdef inline int push_owned(Vector* v, Tensor t) except -1:
    push(v, <PyObject*>t)
    Py_INCREF(t)
    return 0


cdef void free_vector(Vector* v) noexcept:
    cdef Py_ssize_t k
    for k in range(v.n):
        drop(v.items[k])
    if v.items != v.own:
        PyMem_RawFree(v.items)
    clear_vector(v)


cdef class Stash:
    """Scratch of an outer sweep that a sweep inside it (of a hook, of a rule) has to use for itself, put back afterwards."""
    cdef Tensor tensor
    cdef Slot cotangent
    cdef unsigned int pending, sweep
    cdef unsigned short flags


cdef enum:
    SCRATCH = COTANGENT | COTANGENT_TENSOR | UNIFORM | LEADS | DECIDED


cdef inline int enter_tensor(Tensor x, Running* here) except -1:
    """Make the scratch of `x` that of this sweep."""
    if x.flags & SCRATCH or x.pending:
        set_aside(x, here)
    x.flags &= ~<int>(LEADS | DECIDED)
    x.sweep = here.number
    x.pending = 0
    return 0


cdef int set_aside(Tensor x, Running* here) except -1:
    """Another sweep has used the scratch of `x`: keep what it holds if that one is under way, around this one."""
    cdef Running* r = running_under(x.sweep)
    cdef Stash s
    if r == NULL:
        free_cotangent(x)       # of a sweep that failed
        return 0
    if r.thread != here.thread:
        here.blocked = r.number
        raise errors.swept_elsewhere()
    s = Stash.__new__(Stash)
    s.tensor = x
    s.cotangent = x.cotangent
    s.pending = x.pending
    s.sweep = x.sweep
    s.flags = x.flags & <int>SCRATCH
    if here.stashed == NULL:
        stashed = []
        Py_INCREF(stashed)
        here.stashed = <PyObject*>stashed
    (<list>here.stashed).append(s)
    x.flags &= ~<int>SCRATCH
    return 0


cdef void put_back(Running* here) noexcept:
    """Give the tensors back what the sweeps around this one keep in them."""
    cdef Stash s
    cdef PyObject* stashed = here.stashed
    if stashed == NULL:
        return
    here.stashed = NULL
    for s in <list>stashed:
        free_cotangent(s.tensor)
        s.tensor.cotangent = s.cotangent
        s.tensor.pending = s.pending
        s.tensor.sweep = s.sweep
        s.tensor.flags = <unsigned short>((s.tensor.flags & ~<int>SCRATCH) | s.flags)
    Py_DECREF(<object>stashed)


cdef enum:
    PATIENCE = 10           # seconds


cdef int wait_for_the_other(Running* here) except -1:
    """Let another thread's sweep end, whose scratch was in the way of this one, which has done nothing yet. What this one has
    marked becomes void first, so that the other never waits for it in turn."""
    cdef Running* r = running
    cdef unsigned int other = here.blocked
    import time

    here.number = next_number()
    here.way = 0
    here.blocked = 0
    put_back(here)
    while r != NULL:
        if r != here and r.thread == here.thread:
            raise errors.swept_elsewhere()      # we are in a hook or a rule, and would wait with our hands full
        r = r.outer
    until = time.monotonic() + PATIENCE
    while running_under(other) != NULL:
        if time.monotonic() > until:
            raise errors.swept_elsewhere()      # it may be waiting for this very thread
        time.sleep(1e-4)
    return 0


cdef Running* running_under(unsigned int number) noexcept:
    """The sweep under way that has left this number in a tensor, or NULL."""
    cdef Running* r = running
    while r != NULL and (number == 0 or (r.number != number and r.way != number)):
        r = r.outer
    return r


cdef inline bint is_wanted(Tensor x, Running* here) except -1:
    """Whether this sweep was asked for the gradient of `x`. The flag says only that some sweep once was."""
    return x.flags & WANTED != 0 and here.wanted != NULL and <size_t><PyObject*>x in <dict>here.wanted


# Edges are walked as borrowed pointers: as variables of type Tensor they would be counted up and down at every step, a third
# of the time of a sweep over scalars.

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
    if not (<Tensor>x).flags & here.mask:
        return 0
    if (<Tensor>x).sweep != here.number:
        raise errors.graph_changed()    # an edge arrived that was never counted
    if FASTGRAD_DEBUG and (<Tensor>x).pending == 0:
        raise AssertionError("more edges arrived than were counted")
    (<Tensor>x).pending -= 1
    if (<Tensor>x).pending == 0:
        push_owned(&here.ready, <Tensor>x)
    return 0


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
    rule = rule_for(y)
    for k in range(len(extra.operands)):
        if type(extra.operands[k]) is Tensor:
            x = nth_operand(extra, k)
            if x.flags & REQUIRES_GRAD and flows_nth(y.op, rule, k):
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
    cdef Py_ssize_t k, before = here.ready.n
    if y.flags & FREED and not leads:
        raise errors.graph_freed(op_name(y))
    if leads and here.partial:
        pass
    elif y.extra != NULL and (<Extra>y.extra).operands is not None:
        extra = <Extra>y.extra
        rule = rule_for(y)
        for k in range(len(extra.operands)):
            if type(extra.operands[k]) is Tensor and flows_nth(y.op, rule, k):
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
