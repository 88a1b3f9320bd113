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
    bint retain             # keep the graph
    bint record             # create_graph
    bint only_wanted        # `gradients`: go only where what it was asked for lies
    unsigned short mask     # the flag that says so, of a tensor
    unsigned long thread
    Running* outer          # the one in whose hook or rule this one runs, or another thread's
    PyObject* stashed       # list of Stash, or NULL
    PyObject* wanted        # dict of gradients by address, or NULL
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
    if x.sweep != 0 and (x.flags & SCRATCH or x.pending):
        set_aside(x)
    x.flags &= ~<int>(LEADS | DECIDED)
    x.sweep = here.number
    x.pending = 0
    return 0


cdef int set_aside(Tensor x) except -1:
    """Another sweep has used the scratch of `x`: keep what it holds if that one is under way, around this one."""
    cdef Running* r = running
    cdef Stash s
    while r != NULL and r.number != x.sweep:
        r = r.outer
    if r == NULL:
        free_cotangent(x)       # of a sweep that failed
        return 0
    if r.thread != PyThread_get_thread_ident():
        raise errors.swept_elsewhere()
    s = Stash.__new__(Stash)
    s.tensor = x
    s.cotangent = x.cotangent
    s.pending = x.pending
    s.sweep = x.sweep
    s.flags = x.flags & <int>SCRATCH
    if running.stashed == NULL:
        stashed = []
        Py_INCREF(stashed)
        running.stashed = <PyObject*>stashed
    (<list>running.stashed).append(s)
    x.flags &= ~<int>SCRATCH
    return 0


cdef void put_back(list stashed) noexcept:
    cdef Stash s
    for s in stashed:
        free_cotangent(s.tensor)
        s.tensor.cotangent = s.cotangent
        s.tensor.pending = s.pending
        s.tensor.sweep = s.sweep
        s.tensor.flags = <unsigned short>((s.tensor.flags & ~<int>SCRATCH) | s.flags)


# Edges are walked as borrowed pointers: as variables of type Tensor they would be counted up and down at every step, a third
# of the time of a sweep over scalars.

cdef inline int arrive(PyObject* x, Running* here) except -1:
    """First pass, one edge: count it, and visit `x` if this is the first."""
    if not (<Tensor>x).flags & here.mask:
        return 0
    if (<Tensor>x).sweep != here.number:
        if here.only_wanted:
            # Where the way was searched before, the scratch is ours already.
            (<Tensor>x).sweep = here.number
            (<Tensor>x).pending = 0
        else:
            enter_tensor(<Tensor>x, here)
        if (<Tensor>x).op != LEAF:
            push(&here.ready, x)
    (<Tensor>x).pending += 1
    return 0


cdef inline int depart(PyObject* x, Running* here) except -1:
    """Second pass, one edge: its part has been handed over."""
    if not (<Tensor>x).flags & here.mask:
        return 0
    if FASTGRAD_DEBUG and ((<Tensor>x).sweep != here.number or (<Tensor>x).pending == 0):
        raise AssertionError("an edge arrived that was never counted")
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
    cdef bint leads = y.flags & WANTED != 0
    cdef Py_ssize_t k, before = here.ready.n
    if y.flags & FREED and not y.flags & WANTED:
        raise errors.graph_freed(op_name(y))
    if y.extra != NULL and (<Extra>y.extra).operands is not None:
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
