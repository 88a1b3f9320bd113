# Backward of the softmax family, of products and of running sums. Never frees what it has read: the sweep does.

cdef inline int room_for(Tensor x, char* g, Storage* gs, char** where, bint* add) except -1:
    """As `cotangent_room`; where nobody else reads the block at `g`, of the size of `x`, that becomes the room."""
    if gs != NULL and gs.refs == 1 and not x.flags & COTANGENT:
        x.cotangent.storage = storage_keep(gs)
        x.flags |= COTANGENT
        where[0] = g
        add[0] = False
        return 0
    return cotangent_room(x, where, add)


cdef int backward_along(Tensor y, Tensor x, char* g, Storage* gs) except -1:
    """SOFTMAX, LOG_SOFTMAX, LOGSUMEXP, CUMSUM and PROD."""
    cdef Folded f
    cdef int dtype = y.layout.kernel, op = y.op
    cdef char* where
    cdef bint add
    cdef Tensor source
    cdef Storage* scratch = NULL
    folded_of(y, x, &f)
    source = x
    if op == LOGSUMEXP or op == PROD:
        source = contiguous(x)
    if op == CUMSUM or op == PROD:
        scratch = storage_new((f.inner if op == CUMSUM else 3 * f.reduced + 64) * x.layout.itemsize)
    try:
        if op == LOGSUMEXP or op == PROD:
            cotangent_room(x, &where, &add)
        else:
            room_for(x, g, gs, &where, &add)
        if op == SOFTMAX:
            softmax_backward(dtype, g, y.data, where, f.outer, f.reduced, f.inner, add)
        elif op == LOG_SOFTMAX:
            log_softmax_backward(dtype, g, y.data, where, f.outer, f.reduced, f.inner, add)
        elif op == LOGSUMEXP:
            logsumexp_backward(dtype, g, source.data, y.data, where, f.outer, f.reduced, f.inner, add)
        elif op == CUMSUM:
            cumsum_backward(dtype, g, where, payload(scratch), f.outer, f.reduced, f.inner, add)
        else:
            prod_backward(dtype, g, source.data, y.data, where, payload(scratch), f.outer, f.reduced, f.inner, add)
    finally:
        if scratch != NULL:
            storage_release(scratch)
    return 0


cdef int backward_cross_entropy(Tensor y, Tensor x, char* g) except -1:
    cdef Extra extra = <Extra>y.extra
    cdef Py_ssize_t n = x.layout.shape[x.layout.ndim - 1], rows = x.layout.size // n
    cdef char* e = payload(extra.kept) + rows * sizeof(Py_ssize_t)
    cdef char* where
    cdef bint add
    cotangent_room(x, &where, &add)
    cross_entropy_backward(x.layout.kernel, g, extra.numbers[0] == 2, <double>rows if extra.numbers[0] == 0 else 1,
                           <Py_ssize_t*>payload(extra.kept), e, e + rows * n * x.layout.itemsize, where, rows, n, add)
    return 0
