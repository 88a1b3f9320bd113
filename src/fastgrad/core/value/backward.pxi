# Backward: visits each node once, after all of its consumers. Interior gradients begin at 0 in every sweep; those of
# leaves add up.

cdef unsigned int last_mark = 0


# On the stack of `sort_graph` a pointer with its lowest bit set is a node whose operands have been pushed.

cdef inline PyObject* tagged(PyObject* o) noexcept:
    return <PyObject*>(<uintptr_t>o | 1)


cdef inline PyObject* untagged(PyObject* o) noexcept:
    return <PyObject*>(<uintptr_t>o & ~<uintptr_t>1)


cdef int sort_graph(Value root, Vector* order, bint sweeping) except -1:
    """Push all nodes below `root`, operands before results. `order` and the stack own their references. If `sweeping`,
    also set the gradients of all but leaves to 0."""
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
                push(order, untagged(o))
                stack.n -= 1
            elif (<Value>o).mark != mark:
                (<Value>o).mark = mark
                stack.items[stack.n - 1] = tagged(o)
                if (<Value>o).flags & GIVEN:
                    push_prev(<Value>o, &stack, sweeping)
                elif (<Value>o).x1 != NULL:
                    push_operands(<Value>o, &stack)
                    if sweeping:
                        (<Value>o).grad_ = 0
                        (<Value>o).grad_kind = INT
            else:
                stack.n -= 1
                drop(o)
    finally:
        for k in range(stack.n):
            stack.items[k] = untagged(stack.items[k])
        free_vector(&stack)
    return 0


cdef inline int push_operands(Value y, Vector* stack) except -1:
    if second_operand(y) != NULL:
        push_owned(stack, <object>y.x2)
    if y.x1 != NULL:
        push_owned(stack, <object>y.x1)
    return 0


cdef int push_prev(Value y, Vector* stack, bint sweeping) except -1:
    """Push the members of `_prev`; in the order of the operands if they are the same, or if it was deleted."""
    cdef Value held = y
    cdef Py_ssize_t before = stack.n
    cdef dict kept = dict_in(held)
    given = kept.get("_prev") if kept is not None else None
    if given is not None and type(given) is not set:
        raise value_errors.prev_kind(type(given).__name__)
    if given is None or are_operands(held, given):
        push_operands(held, stack)
    else:
        track(held)             # the program may have closed a cycle
        for x in <set>given:
            if not is_value(x):
                raise value_errors.prev_holds(type(x).__name__)
            push_owned(stack, x)
    if sweeping and (stack.n > before or held.x1 != NULL):
        set_grad(held, 0)
    return 0


cdef bint are_operands(Value y, set given):
    """Whether `given` has exactly the operands of `y`. Compares identities, which runs no Python code."""
    cdef PyObject* x2 = second_operand(y)
    for x in given:
        if <PyObject*>x != y.x1 and <PyObject*>x != x2:
            return False
    return len(given) == (y.x1 != NULL) + (x2 != NULL and x2 != y.x1)


cdef inline int call_backward(Value y) except -1:
    """`y._backward()`, which the program may have assigned."""
    cdef dict kept
    if fg_dict_at(y)[0] != NULL:
        kept = dict_in(y)
        given = kept.get("_backward")
        if given is not None:
            given()
            return 0
    return table[y.op].backward(y)


cdef int sweep(Value root) except -1:
    cdef Vector order
    cdef PyObject* y
    clear_vector(&order)
    try:
        sort_graph(root, &order, True)
        set_grad(root, 1)
        while order.n:
            y = order.items[order.n - 1]
            call_backward(<Value>y)
            order.n -= 1
            drop(y)
    finally:
        free_vector(&order)
    return 0
