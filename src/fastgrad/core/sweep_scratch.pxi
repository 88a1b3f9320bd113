# What a sweep keeps: stacks of tensors, the list of running sweeps, and its scratch in the tensors themselves; and the search
# for the way to what `gradients` was asked for.

cdef struct Vector:
    PyObject** items
    Py_ssize_t n
    Py_ssize_t room

cdef struct Running:        # the sweeps that are under way, innermost first
    unsigned int number
    unsigned long thread
    Running* outer

cdef Running* running = NULL
cdef unsigned int last_number = 0

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident() noexcept


cdef int push(Vector* v, PyObject* o) except -1:
    cdef Py_ssize_t room
    cdef void* bigger
    if v.n == v.room:
        room = 64 if v.room == 0 else v.room * 2
        bigger = PyMem_RawRealloc(v.items, room * sizeof(PyObject*))
        if bigger == NULL:
            raise MemoryError()
        v.items = <PyObject**>bigger
        v.room = room
    v.items[v.n] = o
    v.n += 1
    return 0


cdef int push_owned(Vector* v, Tensor t) except -1:
    push(v, <PyObject*>t)
    Py_INCREF(t)
    return 0


cdef void free_vector(Vector* v) noexcept:
    cdef Py_ssize_t k
    for k in range(v.n):
        drop(v.items[k])
    PyMem_RawFree(v.items)
    v.items = NULL
    v.n = v.room = 0


cdef class Stash:
    """Scratch of an outer sweep that a sweep inside it (of a hook, of a rule) has to use for itself, put back afterwards."""
    cdef Tensor tensor
    cdef Slot cotangent
    cdef unsigned int pending, sweep
    cdef unsigned short flags


cdef enum:
    SCRATCH = COTANGENT | COTANGENT_TENSOR | LEADS | DECIDED


cdef int enter_tensor(Tensor x, unsigned int number, list stashed) except -1:
    """Make the scratch of `x` that of this sweep."""
    cdef Running* r = running
    cdef Stash s
    if x.sweep != 0 and x.flags & SCRATCH or x.pending:
        while r != NULL and r.number != x.sweep:
            r = r.outer
        if r != NULL:
            if r.thread != PyThread_get_thread_ident():
                raise errors.swept_elsewhere()
            s = Stash.__new__(Stash)
            s.tensor = x
            s.cotangent = x.cotangent
            s.pending = x.pending
            s.sweep = x.sweep
            s.flags = x.flags & <int>SCRATCH
            stashed.append(s)
            x.flags &= ~<int>SCRATCH
        else:
            free_cotangent(x)       # of a sweep that failed
    x.flags &= ~<int>(LEADS | DECIDED)
    x.sweep = number
    x.pending = 0
    return 0


cdef void put_back(list stashed) noexcept:
    cdef Stash s
    for s in stashed:
        free_cotangent(s.tensor)
        s.tensor.cotangent = s.cotangent
        s.tensor.pending = s.pending
        s.tensor.sweep = s.sweep
        s.tensor.flags = <unsigned short>((s.tensor.flags & ~<int>SCRATCH) | s.flags)


cdef inline int arrive(Tensor x, unsigned int number, Vector* todo, list stashed, bint only_wanted) except -1:
    """First pass, one edge: count it, and visit `x` if this is the first."""
    if not takes(x, only_wanted):
        return 0
    if x.sweep != number:
        begin(x, number, stashed, only_wanted)
        push(todo, <PyObject*>x)
    x.pending += 1
    return 0


cdef inline int begin(Tensor x, unsigned int number, list stashed, bint only_wanted) except -1:
    """First visit of the counting pass. Where the way was searched before, the scratch is ours already."""
    if not only_wanted:
        return enter_tensor(x, number, stashed)
    x.sweep = number
    x.pending = 0
    return 0


cdef inline int depart(Tensor x, unsigned int number, Vector* ready, bint only_wanted) except -1:
    """Second pass, one edge: its part has been handed over."""
    if not takes(x, only_wanted):
        return 0
    if FASTGRAD_DEBUG and (x.sweep != number or x.pending == 0):
        raise AssertionError("an edge arrived that was never counted")
    x.pending -= 1
    if x.pending == 0:
        push_owned(ready, x)
    return 0


cdef int walk_edges(Tensor y, unsigned int number, Vector* v, list stashed, bint only_wanted, bint counting) except -1:
    """Both passes: every edge of `y` along which a gradient flows."""
    cdef Extra extra
    cdef Py_ssize_t k
    cdef Tensor x
    if y.extra != NULL and (<Extra>y.extra).operands is not None:
        extra = <Extra>y.extra
        rule = rule_for(y)
        for k in range(len(extra.operands)):
            if type(extra.operands[k]) is Tensor:
                x = nth_operand(extra, k)
                if x.flags & REQUIRES_GRAD and flows_nth(y.op, rule, k):
                    if counting:
                        arrive(x, number, v, stashed, only_wanted)
                    else:
                        depart(x, number, v, only_wanted)
        return 0
    if y.x1 != NULL and not y.flags & CONST1:
        x = <Tensor>y.x1 if (<Tensor>y.x1).gen == y.gen1 else resolve(y.x1, y.gen1)
        if counting:
            arrive(x, number, v, stashed, only_wanted)
        else:
            depart(x, number, v, only_wanted)
    if y.x2 != NULL and not y.flags & CONST2:
        x = <Tensor>y.x2 if (<Tensor>y.x2).gen == y.gen2 else resolve(y.x2, y.gen2)
        if counting:
            arrive(x, number, v, stashed, only_wanted)
        else:
            depart(x, number, v, only_wanted)
    return 0


cdef int look_ahead(Tensor x, unsigned int number, Vector* todo, list stashed, bint* leads) except -1:
    if x.flags & REQUIRES_GRAD:
        if x.sweep != number:
            enter_tensor(x, number, stashed)
        if not x.flags & DECIDED:
            push(todo, <PyObject*>x)
        elif x.flags & LEADS:
            leads[0] = True
    return 0


cdef int decide(Tensor y, unsigned int number, Vector* todo, list stashed) except -1:
    """Push the operands that are not decided yet; where there are none, decide `y`."""
    cdef Extra extra
    cdef bint leads = y.flags & WANTED != 0
    cdef Py_ssize_t k, before = todo.n
    if y.flags & FREED and not y.flags & WANTED:
        raise errors.graph_freed(op_name(y))
    if y.extra != NULL and (<Extra>y.extra).operands is not None:
        extra = <Extra>y.extra
        rule = rule_for(y)
        for k in range(len(extra.operands)):
            if type(extra.operands[k]) is Tensor and flows_nth(y.op, rule, k):
                look_ahead(nth_operand(extra, k), number, todo, stashed, &leads)
    else:
        if y.x1 != NULL and not y.flags & CONST1:
            look_ahead(resolve(y.x1, y.gen1), number, todo, stashed, &leads)
        if y.x2 != NULL and not y.flags & CONST2:
            look_ahead(resolve(y.x2, y.gen2), number, todo, stashed, &leads)
    if todo.n == before:
        y.flags |= <int>(DECIDED | LEADS) if leads else <int>DECIDED
        todo.n -= 1
    return 0


cdef int find_way(list roots, unsigned int number, Vector* todo, list stashed) except -1:
    """Mark every tensor from which a WANTED one is reached: depth first, operands before what came of them."""
    cdef Tensor y
    for y, _ in roots:
        if y.sweep != number:
            enter_tensor(y, number, stashed)
            push(todo, <PyObject*>y)
        while todo.n:
            y = <Tensor>todo.items[todo.n - 1]
            if y.flags & DECIDED:
                todo.n -= 1         # two edges had pushed it
            else:
                decide(y, number, todo, stashed)
    return 0
