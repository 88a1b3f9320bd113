# Backward of convolutions and pooling. The transposes of convolutions have none of their own: their rules are other convolutions.

cdef int backward_convolution(Tensor y, char* g, bint only_wanted) except -1:
    cdef Extra extra = <Extra>y.extra
    cdef Tensor x = nth_operand(extra, 0), w = nth_operand(extra, 1), b, source
    cdef int n = x.layout.ndim - 2, k
    cdef Conv d
    cdef Py_ssize_t[3] ones
    cdef Storage* scratch
    cdef char* where
    cdef bint add
    read_convolution(n, x.layout.shape, w.layout.shape, extra.params, &d)
    scratch = storage_new(conv_scratch(&d, x.layout.itemsize) * x.layout.itemsize)
    try:
        if takes(w, only_wanted):
            source = contiguous(x)
            cotangent_room(w, &where, &add)
            conv_weight(x.layout.kernel, source.data, g, where, NULL if extra.kept == NULL else payload(extra.kept), payload(scratch), &d, add)
        if takes(x, only_wanted):
            source = contiguous(w)
            cotangent_room(x, &where, &add)
            conv_input(x.layout.kernel, g, source.data, where, payload(scratch), &d, add)
    finally:
        storage_release(scratch)
    if extra.operands[2] is not None:
        b = nth_operand(extra, 2)
        if takes(b, only_wanted):
            ones[0] = b.layout.shape[0]
            ones[1] = ones[2] = 1
            cotangent_room(b, &where, &add)
            sum_into(layout_contiguous(y.layout), g, layout_get(b.layout.typenum, b.layout.itemsize, n + 1, ones, NULL), where, add)
    return 0


cdef int backward_pool(Tensor y, Tensor x, char* g) except -1:
    cdef Extra extra = <Extra>y.extra
    cdef Pool d
    cdef char* where
    cdef bint add
    cdef Storage* part
    pool_of(y.op, x.layout, extra.params, &d)
    cotangent_room(x, &where, &add)
    if y.op == AVG_UNPOOL2D:
        if not add:
            avg_pool(x.layout.kernel, g, where, &d, False)
            return 0
        part = storage_new(x.layout.nbytes)
        avg_pool(x.layout.kernel, g, payload(part), &d, False)
        accumulate(x.layout.kernel, payload(part), where, x.layout.size)
        storage_release(part)
        return 0
    if not add:
        memset(where, 0, x.layout.nbytes)
    if y.op == MAX_POOL2D:
        max_unpool(x.layout.kernel, g, <int*>payload(extra.kept), where, &d)
    else:
        avg_pool(x.layout.kernel, g, where, &d, True)
    return 0
