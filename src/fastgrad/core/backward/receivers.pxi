# Leaves whose gradients are combined with those of other processes (fastgrad.parallel). A receiver says at the start
# how this process weights its gradients, is told when that of a leaf is complete, while the sweep goes on, and once
# more when all are, before any `.grad` is written:
#
#     weight, local = receiver.begin()
#     receiver.receive(number, array)     # weighted, in memory that may be written until the sweep ends
#     receiver.receive(number, None)      # or weighted in the part of a buffer that `set_receiver` was given
#     receiver.finish()                   # afterwards, the parts are the gradients
#
# With `local`, it is only told of the end. Where all leaves of a sweep have one receiver, and nobody sees the
# cotangents in between, the roots are weighted rather than the leaves, which may have a million elements.

cdef bint receivers_known = False


def set_receiver(Tensor x not None, find, Py_ssize_t number, part=None):
    """Let `find()`, a weak reference, be told of the gradient of the leaf `x` as its `number`; None: nobody. `part`: a
    C-contiguous array of its shape and dtype, into which the gradient is copied and which then has the result."""
    global receivers_known
    cdef NodeExtra extra = extra_of(x)
    if part is not None and (part.shape != x.shape or part.dtype != x.dtype or not part.flags.c_contiguous
                             or not part.flags.writeable):
        raise ValueError("a part is a C-contiguous, writeable array of the shape and dtype of the leaf")
    extra.receiver = None if find is None else (find, number, part)
    x.flags |= HOOKED
    receivers_known = True


def overwritten_array(Tensor x not None):
    """An array over the C-contiguous memory of the leaf `x`, for a caller that overwrites it at once, which counts as
    one write; None if the memory is not its own."""
    if is_recorded(x) or not x.layout.flags & C_CONTIGUOUS or (x.storage != NULL and x.storage.base != NULL):
        return None
    bump_version(x)
    return array_view(x, x, True)


cdef inline bint has_hooks(Tensor x) except -1:
    return x.flags & HOOKED != 0 and bool((<NodeExtra>x.extra).hooks)


@cython.final
cdef class Reception:
    """What a receiver was given in a sweep."""
    cdef double weight
    cdef bint local
    cdef list leaves        # that have a part
    cdef list parts


# --- the weight of the roots

cdef inline void look_at_node(PyObject* y, Sweep* here) noexcept:
    """First pass: see whether the roots can be weighted. Rules in Python need not be linear in the cotangent."""
    if (<Tensor>y).flags & (HOOKED | RETAIN) or (<Tensor>y).op == RULE:
        here.weighted = False


cdef inline void look_at_leaf(PyObject* x, Sweep* here) noexcept:
    cdef NodeExtra extra
    if (<Tensor>x).flags & HOOKED:
        extra = <NodeExtra>(<Tensor>x).extra
        if extra.receiver is not None and not extra.hooks:
            find = <PyObject*>(<tuple>extra.receiver)[0]
            if here.finder == NULL:
                here.finder = find
            if here.finder == find:
                return
    here.weighted = False


cdef double weight_of_roots(Sweep* here) except? -1:
    """After the first pass. Runs Python code."""
    cdef Reception r
    find, here.finder = <object>here.finder, NULL
    receiver = find()
    if receiver is None:
        here.weighted = False
        return 1
    r = reception(receiver, here)
    here.weighted = r.weight != 0       # otherwise this rank may have nothing but NaN
    return r.weight if here.weighted else 1


cdef Tensor weighted_seed(Tensor y, Tensor g, double weight):
    cdef Scope block = switched(False)
    try:
        return functions["multiply"](g if g is not None else one_like(y), weight)
    finally:
        close_scope(block)


# --- leaves

cdef Reception reception(object receiver, Sweep* here):
    cdef Reception r
    if here.receivers == NULL:
        receivers = {}
        Py_INCREF(receivers)
        here.receivers = <PyObject*>receivers
    r = (<dict>here.receivers).get(receiver)
    if r is None:
        r = Reception.__new__(Reception)
        r.leaves, r.parts = [], []
        if not here.captured:
            r.weight, r.local = receiver.begin()
        (<dict>here.receivers)[receiver] = r
    return r


cdef inline char* cotangent_at(Tensor x) noexcept:
    return &x.cotangent.value[0] if is_small(x.layout) or x.flags & UNIFORM else payload(x.cotangent.storage)


cdef void weigh(int dtype, char* g, Py_ssize_t step, double weight, char* out, Py_ssize_t n) noexcept:
    """out = g * weight, or 0 if that is 0, whatever `g` is. `out` may be `g`."""
    cdef Py_ssize_t item = item_bytes(dtype)
    cdef float narrow = <float>weight
    if weight == 0:
        memset(out, 0, n * item)
    elif weight != 1 or step == 0:
        apply2(&helpers[dtype].multiply, g, step, &weight if dtype == F64 else <void*>&narrow, 0, out, n, item)
    elif out != g:
        memcpy(out, g, n * item)


cdef Tensor weighted_copy(Tensor g, double weight):
    """Of any dtype."""
    g = private_copy(g)
    array = array_view(g, g, True)
    if weight == 0:
        array[...] = 0
    elif weight != 1:
        array *= weight
    return g


cdef int hand_over(Tensor x, Sweep* here) except -1:
    """Pass the complete cotangent of the leaf `x` to its receiver, weighted."""
    cdef unsigned short gen = x.gen
    cdef int dtype = x.layout.kernel
    cdef bint add
    cdef Reception r
    cdef double weight
    cdef Tensor g
    if (<NodeExtra>x.extra).receiver is None:
        return 0
    find, number, part = (<NodeExtra>x.extra).receiver
    receiver = find()
    if receiver is None:
        return 0
    if here.record:
        raise errors.received_graph()
    r = reception(receiver, here)
    if here.captured:
        return 0        # all at once, at every replay
    check_held(x, gen, here)
    weight = 1 if here.weighted else r.weight
    if r.local:
        part = None
    if x.flags & COTANGENT_TENSOR or dtype == NO_KERNEL or (part is None and is_small(x.layout) and not r.local):
        g = weighted_copy(cotangent_tensor(x), weight)
        check_held(x, gen, here)
        free_cotangent(x)
        set_cotangent_tensor(x, g)
        if part is not None:
            part[...] = array_view(g, g, False)
    elif part is not None:
        weigh(dtype, cotangent_at(x), 0 if x.flags & UNIFORM else x.layout.itemsize, weight,
              <char*>cnp.PyArray_DATA(<cnp.ndarray>part), x.layout.size)
    else:
        cotangent_buffer(x, &add)       # of its own
        weigh(dtype, cotangent_at(x), x.layout.itemsize, weight, cotangent_at(x), x.layout.size)
    if not r.local:
        if part is not None:
            r.leaves.append(x)
            r.parts.append(part)
            receiver.receive(number, None)
        else:
            g = cotangent_tensor(x)
            receiver.receive(number, array_view(g, g, True))
    check_held(x, gen, here)
    return 0


cdef int take_result(Tensor x, object part, Sweep* here) except -1:
    """Make what a receiver has left in `part` the cotangent of the leaf `x`."""
    cdef bint add
    if x.sweep != here.number or not x.flags & COTANGENT:
        raise errors.graph_changed()
    if x.flags & COTANGENT_TENSOR:
        array_view(cotangent_tensor(x), x, True)[...] = part
        return 0
    cotangent_buffer(x, &add)           # of its own
    memcpy(cotangent_at(x), cnp.PyArray_DATA(<cnp.ndarray>part), x.layout.nbytes)
    return 0


cdef int tell_receivers(Sweep* here) except -1:
    """All leaves were reached: the receivers finish what they have begun."""
    cdef Reception r
    cdef Py_ssize_t k
    for receiver, r in list((<dict>here.receivers).items()):
        if here.captured:
            receiver.captured()
            continue
        receiver.finish()
        for k in range(len(r.leaves)):
            take_result(<Tensor>r.leaves[k], r.parts[k], here)
    return 0
