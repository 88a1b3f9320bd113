# Leaves whose gradients are combined with those of other processes (fastgrad.parallel). A receiver is told when the
# cotangent of a leaf is complete, while the sweep goes on, and again before any `.grad` is written.

def set_receiver(Tensor x not None, find, Py_ssize_t number):
    """Let `find()`, a weak reference, be told of the gradient of the leaf `x` as its `number`; None: nobody."""
    cdef NodeExtra extra = extra_of(x)
    extra.receiver = None if find is None else (find, number)
    x.flags |= HOOKED


def overwritten_array(Tensor x not None):
    """An array over the C-contiguous memory of the leaf `x`, for a caller that overwrites it at once, which counts as
    one write; None if the memory is not its own."""
    if is_recorded(x) or not x.layout.flags & C_CONTIGUOUS or (x.storage != NULL and x.storage.base != NULL):
        return None
    bump_version(x)
    return array_view(x, x, True)


cdef inline bint has_hooks(Tensor x) except -1:
    return x.flags & HOOKED != 0 and bool((<NodeExtra>x.extra).hooks)


cdef int hand_over(Tensor x, Sweep* here) except -1:
    """Pass the complete cotangent of the leaf `x` to its receiver, which may write to it until the sweep ends."""
    cdef unsigned short gen = x.gen
    cdef bint add
    cdef Tensor g
    found = (<NodeExtra>x.extra).receiver
    if found is None:
        return 0
    receiver = (<tuple>found)[0]()
    if receiver is None:
        return 0
    if here.record:
        raise errors.received_graph()
    if here.receivers == NULL:
        receivers = {}
        Py_INCREF(receivers)
        here.receivers = <PyObject*>receivers
    (<dict>here.receivers)[receiver] = None
    if here.captured:
        return 0        # all at once, at every replay
    if not is_small(x.layout) and not x.flags & COTANGENT_TENSOR:
        cotangent_buffer(x, &add)       # of its own
        g = cotangent_tensor(x)
    else:
        g = private_copy(cotangent_tensor(x))
        free_cotangent(x)
        set_cotangent_tensor(x, g)
    receiver.receive((<tuple>found)[1], array_view(g, g, True))
    check_held(x, gen, here)
    return 0


cdef int tell_receivers(Sweep* here) except -1:
    """All leaves were reached: the receivers finish what they have begun."""
    receivers = <dict>here.receivers
    for receiver in list(receivers):
        if here.captured:
            receiver.captured()
        else:
            receiver.finish()
    return 0
