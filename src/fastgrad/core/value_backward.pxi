# Backward: every node once, after all that came of it. Interior gradients begin at 0 in every sweep; those of leaves add up.

cdef struct Vector:
    PyObject** items
    Py_ssize_t n
    Py_ssize_t room

cdef unsigned int last_mark = 0


cdef int push(Vector* v, PyObject* o) except -1:
    cdef void* bigger
    if v.n == v.room:
        bigger = PyMem_RawRealloc(v.items, (v.room * 2 + 64) * sizeof(PyObject*))
        if bigger == NULL:
            raise MemoryError()
        v.items = <PyObject**>bigger
        v.room = v.room * 2 + 64
    v.items[v.n] = o
    v.n += 1
    return 0


cdef inline PyObject* leaving(PyObject* o) noexcept:
    """The same pointer, marked: all that it came from has been visited."""
    return <PyObject*>(<uintptr_t>o | 1)


cdef int visit_operands(PyObject* o, Vector* stack) except -1:
    """Push what `o` came from, as `_prev` tells where the program has given one."""
    if (<Value>o).flags & GIVEN:
        for x in <set>dict_in(o)["_prev"]:
            if not is_value(<PyObject*>x):
                raise TypeError(f"_prev holds a {type(x).__name__}: only Values can be swept")
            push(stack, <PyObject*>x)
        return 0
    if (<Value>o).x2 != NULL and (<Value>o).op != POWER:
        push(stack, (<Value>o).x2)
    if (<Value>o).x1 != NULL:
        push(stack, (<Value>o).x1)
    return 0


cdef int sort_graph(PyObject* root, Vector* order) except -1:
    """All nodes below `root`, operands before what came of them. `order` holds references of its own."""
    global last_mark
    cdef Vector stack
    cdef PyObject* o
    cdef Py_ssize_t before
    memset(&stack, 0, sizeof(Vector))
    last_mark += 1
    if last_mark == 0:
        last_mark = 1
    try:
        push(&stack, root)
        while stack.n:
            stack.n -= 1
            o = stack.items[stack.n]
            if <uintptr_t>o & 1:
                o = <PyObject*>(<uintptr_t>o & ~<uintptr_t>1)
                push(order, o)
                Py_INCREF(<object>o)
            elif (<Value>o).mark != last_mark:
                (<Value>o).mark = last_mark
                push(&stack, leaving(o))
                before = stack.n
                visit_operands(o, &stack)
                if stack.n > before:
                    (<Value>o).grad_ = 0
                    (<Value>o).grad_kind = INT
    finally:
        PyMem_RawFree(stack.items)
    return 0


cdef inline int receive(PyObject* x, double value, Kind kind) except -1:
    """`x.grad += value`."""
    cdef Number n
    if (<Value>x).grad_kind != OBJECT and kind != OBJECT:
        n = number((<Value>x).grad_ + value, joined(<Kind>(<Value>x).grad_kind, kind))
        if n.kind != OBJECT:
            (<Value>x).grad_ = n.value
            (<Value>x).grad_kind = <unsigned char>n.kind
            return 0
    return receive_object(x, as_object(value, kind))


cdef int receive_object(PyObject* x, object value) except -1:
    return set_grad(<Value>x, grad_of(x) + value)


cdef inline int receive_product(PyObject* x, PyObject* other, PyObject* y) except -1:
    """`x.grad += other.data * y.grad`."""
    cdef Number n
    if (<Value>other).data_kind != OBJECT and (<Value>y).grad_kind != OBJECT:
        n = number((<Value>other).data_ * (<Value>y).grad_, joined(<Kind>(<Value>other).data_kind, <Kind>(<Value>y).grad_kind))
        if n.kind != OBJECT:
            return receive(x, n.value, n.kind)
    return receive_object(x, data_of(other) * grad_of(y))


cdef int pull(PyObject* y) except -1:
    """The local gradients of `y` times its own, to what it came from."""
    cdef PyObject* x = (<Value>y).x1
    cdef int op = (<Value>y).op
    cdef double g = (<Value>y).grad_
    cdef double local
    cdef Kind kind = <Kind>(<Value>y).grad_kind
    if op == ADD:
        if kind == OBJECT:
            receive_object(x, grad_of(y))
            return receive_object((<Value>y).x2, grad_of(y))
        receive(x, g, kind)
        return receive((<Value>y).x2, g, kind)
    if op == MULTIPLY:
        receive_product(x, (<Value>y).x2, y)
        return receive_product((<Value>y).x2, x, y)
    if op == LEAF or op == OTHER:
        return 0
    if op == POWER:
        return pull_power(y)
    if op == RELU:
        if kind == OBJECT or (<Value>y).data_kind == OBJECT or ((<Value>y).data_kind == FLOAT64 and kind == INT):
            return receive_object(x, (data_of(y) > 0) * grad_of(y))
        return receive(x, ((<Value>y).data_ > 0) * g, FLOAT64 if (<Value>y).data_kind == FLOAT64 else kind)
    # The others are floats.
    if op == TANH:
        local = (1 - (<Value>y).data_) * (1 + (<Value>y).data_)
    elif op == EXP:
        local = (<Value>y).data_
    elif op == SIGMOID:
        local = (1 - (<Value>y).data_) * (<Value>y).data_
    else:
        local = 1 / real(<Value>x)
    if kind == OBJECT:
        return receive_object(x, local * grad_of(y))
    return receive(x, local * g, joined(FLOAT, kind))


cdef int pull_power(PyObject* y) except -1:
    cdef PyObject* x = (<Value>y).x1
    cdef Number c = number_of(<object>(<Value>y).x2), n
    cdef double exponent = c.value
    cdef Kind kind
    if c.kind != OBJECT and (<Value>y).grad_kind != OBJECT:
        c.value -= 1
        n = power_of(<Value>x, c)
        if n.kind != OBJECT:
            kind = joined(n.kind, <Kind>(<Value>y).grad_kind)
            return receive(x, exponent * n.value * (<Value>y).grad_, kind)
    power_ = <object>(<Value>y).x2
    return receive_object(x, (power_ * data_of(x) ** (power_ - 1)) * grad_of(y))


cdef int sweep(Value root) except -1:
    cdef Vector order
    cdef Py_ssize_t k
    cdef PyObject* y
    memset(&order, 0, sizeof(Vector))
    try:
        sort_graph(<PyObject*>root, &order)
        root.grad_ = 1
        root.grad_kind = INT
        for k in range(order.n - 1, -1, -1):
            y = order.items[k]
            if dict_at(y)[0] != NULL:
                given = (<dict>dict_at(y)[0]).get("_backward")
                if given is not None:
                    given()
                    continue
            pull(y)
    finally:
        for k in range(order.n):
            drop(order.items[k])
        PyMem_RawFree(order.items)
    return 0
