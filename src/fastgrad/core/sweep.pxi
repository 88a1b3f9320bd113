# The sweep: from the results back to the leaves, each tensor once, after all that came of it has handed it its part.
#
# Two passes over the graph, neither recursive. The first counts, in every tensor, the edges that will arrive at it; the second
# takes a tensor as soon as its count is down to zero. Counts live in the tensors, under the number of the sweep, so that a
# sweep that failed leaves nothing to clean up: its number is never used again. The graph is let go as it is swept.

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
    SCRATCH = COTANGENT | COTANGENT_TENSOR


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
            x.flags &= ~<int>(COTANGENT | COTANGENT_TENSOR)
        else:
            free_cotangent(x)       # of a sweep that failed
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
        enter_tensor(x, number, stashed)
        push(todo, <PyObject*>x)
    x.pending += 1
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
                if x.flags & REQUIRES_GRAD and rule.differentiable(k):
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


cdef int count_edges(list roots, unsigned int number, Vector* todo, list stashed, bint only_wanted) except -1:
    cdef Tensor y
    for y, _ in roots:
        if y.sweep != number:
            enter_tensor(y, number, stashed)
            push(todo, <PyObject*>y)
    while todo.n:
        todo.n -= 1
        y = <Tensor>todo.items[todo.n]
        if y.op == LEAF:
            continue
        if y.flags & FREED:
            if y.flags & WANTED:
                continue
            raise errors.graph_freed(op_name(y))
        walk_edges(y, number, todo, stashed, only_wanted, True)
    return 0


cdef int run_hooks(Tensor y, bint record) except -1:
    cdef Tensor g = cotangent_tensor(y), other
    for hook in list((<Extra>y.extra).hooks or ()):
        result = hook.hook(g)
        if result is not None:
            if not is_operand(result) and type(result) is not Tensor:
                raise errors.hook_result(type(result).__name__, shape_tuple(y.layout))
            other = asarray(result, dtype=dtype_of(y))
            if not same_shape(other.layout, y.layout):
                raise errors.hook_result(f"shape {shape_tuple(other.layout)}", shape_tuple(y.layout))
            g = other
            free_cotangent(y)
            give_tensor(y, g, record)
    return 0


cdef int backward_node(Tensor y, bint record, bint only_wanted) except -1:
    """Hand the cotangent of `y` on to its operands."""
    cdef char* g
    cdef Storage* gs = NULL
    cdef int op = y.op
    check_versions(y)
    if record or y.flags & COTANGENT_TENSOR:
        if record:
            return pull_all(y, cotangent_tensor(y), True, only_wanted)
        return backward_rule(y, NULL, NULL, only_wanted)
    if is_small(y.layout):
        g = y.cotangent.value
    else:
        gs = y.cotangent.storage
        g = payload(gs)
    if op < END_ELEMENTWISE:
        if y.flags & (CONST1 | CONST2):
            return backward_constant(y, g, gs)
        if kernels[op].nin == 2:
            return backward_binary(y, g, gs, only_wanted)
        if kernels[op].x1[y.layout.kernel] == NULL:
            return backward_rule(y, g, gs, only_wanted)
        return backward_unary(y, resolve(y.x1, y.gen1), g, gs)
    if op == MATMUL:
        return backward_matmul(y, g, only_wanted)
    if op == SUM or op == MEAN or op == MAX or op == MIN:
        return backward_reduce(y, resolve(y.x1, y.gen1), g)
    if op == RESHAPE or op == PERMUTE_DIMS or op == BROADCAST_TO or op == SUM_TO or op == GETITEM:
        return backward_view(y, resolve(y.x1, y.gen1), g, gs)
    return backward_rule(y, g, gs, only_wanted)


cdef int take_one(Tensor y, unsigned int number, Vector* ready, Vector* leaves, bint retain, bint record, dict wanted) except -1:
    """Second pass, one tensor, whose cotangent is complete."""
    cdef bint only_wanted = wanted is not None
    if y.flags & (HOOKED | RETAIN | WANTED) and y.flags & COTANGENT:
        if y.flags & HOOKED:
            run_hooks(y, record)
        if y.flags & RETAIN and y.op != LEAF and wanted is None:
            add_to_grad(y, cotangent_tensor(y), record)
        if y.flags & WANTED and wanted is not None:
            wanted[<size_t><PyObject*>y] = cotangent_tensor(y)
    if y.op == LEAF:
        if only_wanted:
            free_cotangent(y)
        else:
            push_owned(leaves, y)
        return 0
    if y.flags & FREED:
        free_cotangent(y)
        return 0
    if y.flags & COTANGENT:
        backward_node(y, record, only_wanted)
    walk_edges(y, number, ready, None, only_wanted, False)
    free_cotangent(y)
    y.sweep = 0
    if not retain:
        y.flags |= FREED
        free_edges(y)
    return 0


cdef int add_to_grad(Tensor x, Tensor g, bint record) except -1:
    """`x.grad += g`; the first gradient is kept as it came."""
    cdef Tensor before
    cdef PyObject* old = x.grad_
    cdef int grad_off = fg_grad_off
    if old != NULL:
        before = <Tensor>old
        if (not record and not before.flags & REQUIRES_GRAD and before.layout == g.layout and g.layout.flags & C_CONTIGUOUS
                and g.layout.kernel != NO_KERNEL and (before.storage == NULL or before.storage.flags == 0)):
            accumulate(g.layout.kernel, g.data, before.data, g.layout.size)
            bump_version(before)
            return 0
        g = add_quietly(before, g, record)
    elif g.storage != NULL and g.storage.refs > 1 and not record:
        g = private_copy(g)     # cotangents may share their memory with each other
    Py_INCREF(g)
    x.grad_ = <PyObject*>g
    drop(old)
    return 0


cdef Tensor add_quietly(Tensor a, Tensor b, bint record):
    global fg_grad_off
    cdef int before = fg_grad_off
    if not record:
        fg_grad_off = 1
    try:
        return functions["add"](a, b)
    finally:
        fg_grad_off = before


cdef int commit(Vector* leaves, bint record) except -1:
    """The sweep has succeeded: what the leaves have gathered goes to their `.grad`."""
    cdef Py_ssize_t k
    cdef Tensor x, g
    for k in range(leaves.n):
        x = <Tensor>leaves.items[k]
        if x.flags & COTANGENT:
            g = cotangent_tensor(x)
            free_cotangent(x)
            add_to_grad(x, g, record)
        x.sweep = 0
    return 0


cdef void leave_running(Running* here) noexcept:
    """Take a sweep off the list; another thread's may have come in front of it."""
    global running
    cdef Running** at = &running
    while at[0] != here:
        at = &at[0].outer
    at[0] = here.outer


cdef int sweep(list roots, dict wanted, bint retain, bint record) except -1:
    """Sweep from `roots`, pairs of (Tensor, cotangent). With `wanted`, a dict by address, fill in the gradients of what is WANTED and
    leave every `.grad` alone; without, add to the `.grad` of the leaves once everything has succeeded."""
    global running, last_number, fg_grad_off
    cdef Vector ready, leaves
    cdef Running here
    cdef Tensor y, g
    cdef PyObject* item
    cdef list stashed = []
    cdef int grad_off = fg_grad_off
    cdef bint only_wanted = wanted is not None
    memset(&ready, 0, sizeof(Vector))
    memset(&leaves, 0, sizeof(Vector))
    last_number = last_number + 1 if last_number != 0xFFFFFFFF else 1
    here.number = last_number
    here.thread = PyThread_get_thread_ident()
    here.outer = running
    running = &here
    if record:
        fg_grad_off = 0
    try:
        count_edges(roots, here.number, &ready, stashed, only_wanted)
        for y, g in roots:
            give_tensor(y, g, record)
        for y in {y for y, _ in roots}:
            if y.pending == 0:
                push_owned(&ready, y)
        while ready.n:
            ready.n -= 1
            item = ready.items[ready.n]
            try:
                take_one(<Tensor>item, here.number, &ready, &leaves, retain, record, wanted)
            finally:
                drop(item)
        if not only_wanted:
            commit(&leaves, record)
    finally:
        fg_grad_off = grad_off
        leave_running(&here)
        free_vector(&ready)
        free_vector(&leaves)
        if stashed:
            put_back(stashed)
    return 0


cdef tuple root_of(object y, object cotangent, str what):
    """The pair to start from, with the cotangent checked, or made where `y` is one real number."""
    cdef Tensor t, g
    if type(y) is not Tensor:
        raise errors.not_a_tensor(what, y)
    t = <Tensor>y
    if not t.flags & REQUIRES_GRAD:
        raise errors.not_recorded(what)
    if cotangent is None:
        if t.layout.size != 1:
            raise errors.not_scalar(shape_tuple(t.layout))
        if is_complex(t.layout.typenum):
            raise errors.complex_result(dtype_of(t))
        g = new_tensor(layout_contiguous(t.layout))
        if t.layout.kernel == F64:
            (<double*>g.data)[0] = 1
        else:
            (<float*>g.data)[0] = 1
        return t, g
    g = as_tensor(cotangent)
    if not same_shape(g.layout, t.layout):
        raise errors.cotangent_shape(shape_tuple(g.layout), shape_tuple(t.layout))
    if is_complex(g.layout.typenum) and not is_complex(t.layout.typenum):
        raise errors.cotangent_dtype(dtype_of(g), dtype_of(t))
    if g.layout.typenum != t.layout.typenum:
        g = functions["astype"](g, dtype_of(t))
    return t, g


def gradients(outputs, inputs, cotangents=None, *, bint retain_graph=False, bint create_graph=False, bint allow_unused=False):
    """The gradients of `outputs` with respect to `inputs`, returned; no `.grad` is touched.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensors
    inputs : Tensor or sequence of Tensors
        Leaves or interior results.
    cotangents : array, or sequence of arrays and None, optional
        One for each output, of its shape; None for an output of one element stands for 1.
    retain_graph, create_graph : bool
        Keep the graph for another sweep; record this sweep itself, for higher derivatives (keeps the graph too).
    allow_unused : bool
        None for an input that the outputs do not depend on, instead of an error.

    Returns
    -------
    tuple of Tensor or None
        One for each input, of its shape and dtype.

    Raises
    ------
    BackwardError
        Where an output or input does not require a gradient, or an input is unused. Names its position.
    """
    cdef Tensor x
    cdef list roots, had = []
    cdef dict found = {}
    cdef Py_ssize_t k
    outputs = (outputs,) if type(outputs) is Tensor else tuple(outputs)
    inputs = (inputs,) if type(inputs) is Tensor else tuple(inputs)
    if type(cotangents) is not tuple and type(cotangents) is not list:
        cotangents = (cotangents,) * (len(outputs) if cotangents is None else 1)
    if len(cotangents) != len(outputs):
        raise errors.cotangent_count(len(cotangents), len(outputs))
    for k in range(len(inputs)):
        if type(inputs[k]) is not Tensor:
            raise errors.not_a_tensor(f"inputs[{k}]", inputs[k])
        if not (<Tensor>inputs[k]).flags & REQUIRES_GRAD:
            raise errors.input_without_grad(k)
    roots = [root_of(outputs[k], cotangents[k], f"outputs[{k}]") for k in range(len(outputs))]
    for x in inputs:
        had.append(x.flags & WANTED)
        x.flags |= WANTED
    try:
        sweep(roots, found, retain_graph or create_graph, create_graph)
    finally:
        for k in range(len(had) - 1, -1, -1):
            x = <Tensor>inputs[k]
            x.flags = <unsigned short>((x.flags & ~<int>WANTED) | <int>had[k])
    result = []
    for k in range(len(inputs)):
        g = found.get(<size_t><PyObject*>inputs[k])
        if g is None and not allow_unused:
            raise errors.input_unused(k)
        result.append(g)
    return tuple(result)
