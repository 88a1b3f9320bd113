# The nodes that lead from inputs to outputs, listed once for forward mode and for batches of cotangents. The list is a
# sweep of its own: `leaves` holds the tensors, operands before consumers, and `pending` of each its place in the list.
# Its tangent or cotangent is at the same place in `ready`.

cdef Sweep* list_nodes(tuple outputs, Targets inputs) except NULL:
    """List all tensors that lead from an input to an output. The search ends at the inputs, which the caller
    keeps. `end_list` follows in any case."""
    cdef Sweep* here = begin_sweep()
    cdef list more = None
    cdef Py_ssize_t k
    here.only_wanted = True
    here.partial = True
    here.ordered = True
    here.retain = True
    here.record = False
    here.watched = False
    here.interleaved = True
    here.mask = REACHES_INPUT
    here.gradients = <PyObject*>inputs
    try:
        if len(outputs) > 1:
            more = []
            for k in range(1, len(outputs)):
                more.append((outputs[k], None))
        first_pass(<Tensor>outputs[0], more, here)
        reserve(&here.ready, here.leaves.n)
        memset(here.ready.items, 0, here.leaves.n * sizeof(PyObject*))
        here.ready.n = here.leaves.n
    except BaseException:
        end_list(here)
        raise
    return here


cdef void end_list(Sweep* here) noexcept:
    """Release the list, and the directions that it holds."""
    cdef Py_ssize_t k
    for k in range(here.leaves.n):
        x = <Tensor>here.leaves.items[k]
        if x.sweep == here.number:
            x.pending = 0
            x.sweep = 0
    end_sweep(here)


cdef inline bint is_listed(PyObject* x, Sweep* here) except -1:
    """Whether `x` leads to an input. Raises if the search has not seen it: Python code has let another sweep in, or
    written to a tensor, whose former node is in another one since."""
    if x == NULL or not (<Tensor>x).flags & REQUIRES_GRAD:
        return False
    if (<Tensor>x).sweep != here.number:
        raise errors.graph_changed()
    return (<Tensor>x).flags & REACHES_INPUT != 0


cdef inline PyObject* direction_at(PyObject* x, Sweep* here) except? NULL:
    """Borrowed: the tangent or cotangent of `x`, or NULL."""
    return here.ready.items[(<Tensor>x).pending] if is_listed(x, here) else NULL


cdef int set_direction(PyObject* x, object t, Sweep* here) except -1:
    """Give a listed tensor a direction, or add it to the one that it has. May run Python code."""
    cdef PyObject* before = here.ready.items[(<Tensor>x).pending]
    cdef Scope block = None
    if before != NULL:
        block = switched(here.record)
        try:
            t = functions["add"](<object>before, t)
        finally:
            close_scope(block)
        is_listed(x, here)
    replace_direction(x, t, here)
    return 0


cdef void replace_direction(PyObject* x, object t, Sweep* here) noexcept:
    before = here.ready.items[(<Tensor>x).pending]
    Py_INCREF(t)
    here.ready.items[(<Tensor>x).pending] = <PyObject*>t
    drop(before)


def reached_inputs(outputs, inputs):
    """Return for each input whether the outputs depend on it, and whether gradients on the way would meet hooks."""
    cdef tuple ys = recorded_sequence(outputs), xs = recorded_sequence(inputs)
    cdef Targets marked = targets_of(xs)
    cdef list reached = []
    cdef bint hooked = False
    cdef Py_ssize_t k
    cdef Tensor x
    cdef Sweep* here = list_nodes(ys, marked)
    try:
        for k in range(here.leaves.n):
            x = <Tensor>here.leaves.items[k]
            hooked = hooked or has_hooks(x)
        for x in xs:
            reached.append(x.sweep == here.number and x.flags & REACHES_INPUT != 0)
    finally:
        end_list(here)
    return tuple(reached), hooked


cdef tuple recorded_sequence(object given):
    """Some Tensors that require a gradient, as a tuple."""
    cdef tuple found = recorded_tensors(given)
    if found is None:
        raise TypeError("Tensors that require a gradient are wanted")
    for x in found:
        check_fresh(<Tensor>x)
    return found
