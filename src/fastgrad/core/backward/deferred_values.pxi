# Postponed values that deferred steps read: computed again, block by block, by further steps.

cdef int defer_value(Deferred* deferred, Tensor x, int node, Place* place) except -1:
    """Where the steps of a node find the value of its operand `x`. A postponed one is computed again, by steps into a
    buffer that `release_value` gives back."""
    cdef Place x1, x2, nothing = place_at(NULL, 0)
    cdef Step* s
    place[0] = in_memory(deferred, value_at(x))
    if not is_postponed(x):
        return 0
    defer_operand(deferred, x, 0, node, &x1)
    defer_operand(deferred, x, 1, node, &x2)
    place[0] = in_buffer(new_buffer(deferred, NULL, False))
    s = &deferred.steps[deferred.n_steps]
    defer_step(deferred, NULL, nothing, x1, x2, NULL, <int><size_t>place.start, 0, False)
    s.op = &kernels[x.op]
    release_value(deferred, x1)
    release_value(deferred, x2)
    return 0


cdef int defer_operand(Deferred* deferred, Tensor x, Py_ssize_t k, int node, Place* place) except -1:
    """`defer_value` of operand `k` of a postponed `x`, or a buffer with the constant that it is."""
    cdef PyObject* operand = edge_at(x, k)
    place[0] = place_at(NULL, 0)
    if operand != NULL:
        keep_deferred(deferred, <Tensor>operand, node, True)
        defer_value(deferred, <Tensor>operand, node, place)
    elif x.flags & (CONST1 if k == 0 else CONST2):
        place[0] = in_constant(deferred, constant_of(x.x1 if k == 0 else x.x2))
    return 0


cdef inline void release_value(Deferred* deferred, Place place) noexcept:
    cdef int b = <int><size_t>place.start
    if place.step == IN_BUFFER and not deferred.buffers[b].filled:
        release_buffer(deferred, b)


cdef bint is_held(PyObject* x, Sweep* here) noexcept:
    """Whether anybody but the sweep holds `x`, which it is about to process."""
    cdef Py_ssize_t count = 1
    cdef int k
    if here.deferred != NULL:
        for k in range(here.deferred.n_kept):
            count += here.deferred.kept[k] == x
    return Py_REFCNT(x) > count
