# The nodes that lead from inputs to outputs, in the order in which forward mode visits them.

cdef list order_nodes(tuple outputs, dict inputs):
    """All tensors that lead from an input to an output, operands before consumers. The search ends at the inputs, whose
    addresses are the keys of `inputs`."""
    cdef Sweep* here = begin_sweep()
    cdef list more = None, found = []
    cdef Py_ssize_t k
    here.only_wanted = True
    here.partial = True
    here.ordered = True
    here.retain = True
    here.record = False
    here.watched = False
    here.interleaved = False
    here.mask = REACHES_INPUT
    here.gradients = <PyObject*>inputs
    try:
        if len(outputs) > 1:
            more = []
            for k in range(1, len(outputs)):
                more.append((outputs[k], None))
        first_pass(<Tensor>outputs[0], more, here)
        for k in range(here.leaves.n):
            found.append(<object>here.leaves.items[k])
    finally:
        end_sweep(here)
    return found


cdef dict marked_inputs(tuple inputs):
    """The inputs by address, as a sweep looks them up."""
    cdef dict found = {}
    cdef Tensor x
    for x in inputs:
        found[<size_t><PyObject*>x] = None
        x.flags |= INPUT
    return found


def reached_inputs(outputs, inputs):
    """Return for each input whether the outputs depend on it, and whether hooks are in between."""
    cdef dict marked = marked_inputs(tuple(inputs))
    cdef set nodes = set(order_nodes(tuple(outputs), marked))
    cdef Tensor y
    cdef bint hooked = False
    for y in nodes:
        hooked = hooked or (y.flags & HOOKED != 0 and <size_t><PyObject*>y not in marked)
    cdef list reached = []
    for x in inputs:
        reached.append(x in nodes)
    return tuple(reached), hooked
