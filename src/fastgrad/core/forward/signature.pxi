# What two graphs have in common whose derivatives have the same pattern.

cdef object comparable(object value):
    """A parameter in a form that can be compared."""
    if value is None or type(value) is int or type(value) is bool or type(value) is slice:
        return value
    return parameters.comparable(value)


cdef list listed_nodes(tuple outputs, tuple inputs):
    """The tensors that lead from an input to an output, operands before consumers."""
    cdef Targets marked = targets_of(inputs)
    cdef list found = []
    cdef Py_ssize_t k
    cdef Sweep* here = list_nodes(outputs, marked)
    try:
        for k in range(here.leaves.n):
            found.append(<object>here.leaves.items[k])
    finally:
        end_list(here)
    return found


def graph_signature(outputs, inputs):
    """Return the nodes that lead from the inputs to the outputs, operands first, and a list that describes them.

    The lists of two graphs are equal if these have the same ops, shapes and dtypes, connected in the same way, hooks at
    the same places, and the same parameters where patterns depend on them.
    """
    cdef tuple ys = recorded_sequence(outputs), xs = recorded_sequence(inputs)
    cdef dict number = {}
    cdef list nodes = [], found = []
    cdef Py_ssize_t k
    cdef Tensor y
    for y in xs:
        number[y] = len(number)
        found.append(shape_tuple(y.layout))
        found.append(dtype_of(y))
    for y in listed_nodes(ys, xs):
        if has_hooks(y):
            found.append(HOOKED)
        if y in number:
            continue
        if y.flags & FREED:
            raise errors.graph_freed(op_name(y))
        number[y] = len(number)
        nodes.append(y)
        rule = rule_for(y)
        found.append(rule)
        found.append(shape_tuple(y.layout))
        found.append(dtype_of(y))
        operands = node_operands(y)
        found.append(len(operands))     # so that each place of two lists means the same until they differ
        for k in range(len(operands)):
            o = operands[k]
            at = number.get(o) if is_tensor(o) and flows_along(y, k) else None
            found.append(at if at is not None else shape_tuple((<Tensor>o).layout) if is_tensor(o) else None)
        if rule.pattern is not None or rule.view:
            for value in node_params(y).values():
                found.append(comparable(value))
    for y in ys:
        found.append(number.get(y))
        found.append(shape_tuple(y.layout))
        found.append(dtype_of(y))
    return nodes, found
