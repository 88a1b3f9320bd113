# Backward: every node once, after all that came of it. Interior gradients begin at 0 in every sweep; those of leaves
# add up.
#
# Floats and ints take the short way. Anything else may run Python code, which may initialise, sweep or drop the same
# Values: what is used after it is held, and read anew.

cdef unsigned int last_mark = 0


cdef inline PyObject* leaving(PyObject* o) noexcept:
    """The same pointer, marked: all that it came from has been visited."""
    return <PyObject*>(<uintptr_t>o | 1)


cdef inline PyObject* unmarked(PyObject* o) noexcept:
    return <PyObject*>(<uintptr_t>o & ~<uintptr_t>1)


cdef inline int push_operands(PyObject* o, Vector* stack) except -1:
    if (<Value>o).x2 != NULL and (<Value>o).op != POWER:
        push_owned(stack, <object>(<Value>o).x2)
    if (<Value>o).x1 != NULL:
        push_owned(stack, <object>(<Value>o).x1)
    return 0


cdef int visit_given(PyObject* o, Vector* stack) except -1:
    """Push what `o` came from, as its `_prev` tells; in the order of the operands where that is them, or was
    deleted."""
    cdef Value y = <Value>o
    cdef Py_ssize_t before = stack.n
    cdef dict kept = dict_in(o)
    given = kept.get("_prev") if kept is not None else None
    if given is not None and type(given) is not set:
        raise value_errors.prev_kind(type(given).__name__)
    if given is None or is_operands(o, given):
        push_operands(o, stack)
    else:
        track(o)                # the program may have closed a cycle
        for x in <set>given:
            if not is_value(<PyObject*>x):
                raise value_errors.prev_holds(type(x).__name__)
            push_owned(stack, x)
    if stack.n > before or y.x1 != NULL:
        set_grad(y, 0)
    return 0


cdef bint is_operands(PyObject* o, set given):
    """Whether these are what `o` was computed from. By identity: no code of the program runs."""
    cdef PyObject* x1 = (<Value>o).x1
    cdef PyObject* x2 = (<Value>o).x2 if (<Value>o).op != POWER else NULL
    for x in given:
        if <PyObject*>x != x1 and <PyObject*>x != x2:
            return False
    return len(given) == (x1 != NULL) + (x2 != NULL and x2 != x1)


cdef int sort_graph(Value root, Vector* order) except -1:
    """All nodes below `root`, operands before what came of them. `order` and the stack hold references of their own."""
    global last_mark
    cdef Vector stack
    cdef PyObject* o
    cdef Py_ssize_t k
    cdef unsigned int mark
    clear_vector(&stack)
    last_mark += 1
    if last_mark == 0:
        last_mark = 1
    mark = last_mark
    try:
        push_owned(&stack, root)
        while stack.n:
            if last_mark != mark:
                raise value_errors.values_changed()
            o = stack.items[stack.n - 1]
            if <uintptr_t>o & 1:
                push(order, unmarked(o))
                stack.n -= 1
            elif (<Value>o).mark != mark:
                (<Value>o).mark = mark
                stack.items[stack.n - 1] = leaving(o)
                if (<Value>o).flags & GIVEN:
                    visit_given(o, &stack)
                elif (<Value>o).x1 != NULL:
                    push_operands(o, &stack)
                    (<Value>o).grad_ = 0
                    (<Value>o).grad_kind = INT
            else:
                stack.n -= 1
                drop(o)
    finally:
        for k in range(stack.n):
            stack.items[k] = unmarked(stack.items[k])
        free_vector(&stack)
    return 0


cdef inline bint receive_plainly(PyObject* x, double value, Kind kind) noexcept:
    """`x.grad += value`; False, and nothing is done, where that takes Python's arithmetic."""
    cdef Number n
    if (<Value>x).grad_kind == OBJECT:
        return False
    n = number((<Value>x).grad_ + value, joined(<Kind>(<Value>x).grad_kind, kind))
    if n.kind == OBJECT:
        return False
    (<Value>x).grad_ = n.value
    (<Value>x).grad_kind = <unsigned char>n.kind
    return True


cdef inline int receive(PyObject* x, double value, Kind kind) except -1:
    return 0 if receive_plainly(x, value, kind) else receive_object(x, as_object(value, kind))


cdef int receive_object(PyObject* x, object value) except -1:
    cdef Value held = <Value>x
    return set_grad(held, grad_of(x) + value)


cdef inline Number product(PyObject* other, PyObject* y) noexcept:
    """`other.data * y.grad`, for a gradient that is a plain number; OBJECT where that takes Python's arithmetic."""
    cdef Number n
    if (<Value>other).data_kind == OBJECT:
        n.value = 0
        n.kind = OBJECT
        return n
    return number((<Value>other).data_ * (<Value>y).grad_,
                  joined(<Kind>(<Value>other).data_kind, <Kind>(<Value>y).grad_kind))


cdef int receive_product(PyObject* x, PyObject* other, PyObject* y) except -1:
    """`x.grad += other.data * y.grad`."""
    cdef Value held = <Value>x
    return receive_object(x, data_of(other) * grad_of(y))


cdef int pull(PyObject* y) except -1:
    """The local gradients of `y` times its own, to what it came from."""
    cdef PyObject* x = (<Value>y).x1
    cdef int op = (<Value>y).op
    cdef double g = (<Value>y).grad_
    cdef double local
    cdef Kind kind = <Kind>(<Value>y).grad_kind
    cdef Number n
    if op == LEAF or op == OTHER:
        return 0
    if kind == OBJECT:
        return pull_objects(y)
    if op == ADD:
        return receive((<Value>y).x2, g, kind) if receive_plainly(x, g, kind) else pull_objects(y)
    if op == MULTIPLY:
        n = product((<Value>y).x2, y)
        if n.kind == OBJECT or not receive_plainly(x, n.value, n.kind):
            return pull_objects(y)
        n = product(x, y)
        return receive((<Value>y).x2, n.value, n.kind) if n.kind != OBJECT else receive_product((<Value>y).x2, x, y)
    if op == POWER:
        return pull_power(y)
    if (<Value>y).data_kind == OBJECT:
        return pull_objects(y)
    if op == RELU:
        if (<Value>y).data_kind == FLOAT64 and kind == INT:
            return pull_objects(y)
        return receive(x, ((<Value>y).data_ > 0) * g, FLOAT64 if (<Value>y).data_kind == FLOAT64 else kind)
    # The others are floats.
    if op == TANH:
        local = (1 - (<Value>y).data_) * (1 + (<Value>y).data_)
    elif op == EXP:
        local = (<Value>y).data_
    elif op == SIGMOID:
        local = (1 - (<Value>y).data_) * (<Value>y).data_
    elif (<Value>x).data_kind != OBJECT and (<Value>x).data_ != 0:
        local = 1 / (<Value>x).data_
    else:
        return pull_objects(y)
    return receive(x, local * g, joined(FLOAT, kind))


cdef int pull_power(PyObject* y) except -1:
    cdef PyObject* x = (<Value>y).x1
    cdef Number c = number_of(<object>(<Value>y).x2), n
    cdef double exponent = c.value
    if c.kind != OBJECT:
        c.value -= 1
        n = power_of(<Value>x, c)
        if n.kind != OBJECT:
            return receive(x, exponent * n.value * (<Value>y).grad_, joined(n.kind, <Kind>(<Value>y).grad_kind))
    return pull_objects(y)


cdef int pull_objects(PyObject* node) except -1:
    """The same by Python's arithmetic."""
    cdef Value y = <Value>node, x1 = <Value>(<Value>node).x1, x2 = None
    cdef int op = y.op
    cdef PyObject* a = <PyObject*>x1
    cdef PyObject* b = y.x2
    if op == ADD or op == MULTIPLY:
        x2 = <Value>b
    if op == ADD:
        receive_object(a, grad_of(node))
        return receive_object(b, grad_of(node))
    if op == MULTIPLY:
        receive_object(a, data_of(b) * grad_of(node))
        return receive_object(b, data_of(a) * grad_of(node))
    if op == POWER:
        power_ = <object>b
        return receive_object(a, (power_ * data_of(a) ** (power_ - 1)) * grad_of(node))
    if op == RELU:
        return receive_object(a, (data_of(node) > 0) * grad_of(node))
    if op == LOG:
        return receive_object(a, 1 / data_of(a) * grad_of(node))
    data = data_of(node)
    if op == TANH:
        return receive_object(a, (1 - data) * (1 + data) * grad_of(node))
    if op == SIGMOID:
        return receive_object(a, (1 - data) * data * grad_of(node))
    return receive_object(a, data * grad_of(node))


cdef int sweep(Value root) except -1:
    cdef Vector order
    cdef PyObject* y
    clear_vector(&order)
    try:
        sort_graph(root, &order)
        set_grad(root, 1)
        while order.n:
            y = order.items[order.n - 1]
            call_backward(y)
            order.n -= 1
            drop(y)
    finally:
        free_vector(&order)
    return 0


cdef inline int call_backward(PyObject* y) except -1:
    """`y._backward()`, of the program where it has assigned one."""
    cdef dict kept
    if dict_at(y)[0] != NULL:
        kept = dict_in(y)
        given = kept.get("_backward")
        if given is not None:
            given()
            return 0
    return pull(y)
