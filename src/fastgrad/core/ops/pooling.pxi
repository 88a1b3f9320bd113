# Pooling over windows, forward and backward.

cdef bint read_pool(const Py_ssize_t* x, Py_ssize_t planes, dict params, Windows* d) except -1:
    """Lengths of a pooling op over planes of two lengths, `x`; False where they do not fit."""
    d.n = planes
    d.h = x[0]
    d.w = x[1]
    d.count_pad = params.get("count_include_pad", True)
    if (not read_lengths(params["kernel_size"], 2, &d.kh, &d.kw) or type(params["padding"]) is str
            or not read_windows(2, params, d) or d.h > 2147483647 // d.w):     # places are ints
        return False
    if (d.dh > 1 or d.dw > 1) and (d.hp > d.h or d.wp > d.w):
        return False            # a window may then lie in the padding alone
    return 2 * max(d.top, d.hp - d.h - d.top) <= d.kh and 2 * max(d.left, d.wp - d.w - d.left) <= d.kw


cdef Layout* planes_of(const Layout* like, Py_ssize_t h, Py_ssize_t w) except NULL:
    """As `like`, with other lengths of the last two axes."""
    cdef Py_ssize_t[64] shape
    memcpy(shape, like.shape, like.ndim * sizeof(Py_ssize_t))
    shape[like.ndim - 2] = h
    shape[like.ndim - 1] = w
    return layout_get(like.typenum, like.itemsize, like.ndim, shape, NULL)


cdef bint pool_of(const Layout* x, dict params, Windows* d) except -1:
    """The lengths of a pooling op on an operand of this layout; only those of the transpose have `lengths`."""
    cdef Py_ssize_t[2] lengths
    cdef int n = x.ndim - 2
    if x.kernel == NO_KERNEL or n < 0 or x.size == 0:
        return False
    cdef Py_ssize_t planes = x.size // (x.shape[n] * x.shape[n + 1])
    if "lengths" not in params:
        return read_pool(x.shape + n, planes, params, d)
    return (read_lengths(params["lengths"], 2, &lengths[0], &lengths[1]) and read_pool(lengths, planes, params, d)
            and d.oh == x.shape[n] and d.ow == x.shape[n + 1])


cdef Tensor record_max_pool(int op, PyObject** given):
    cdef Windows d
    cdef Outside o
    cdef Tensor x = given_tensor(given[0]), y, source
    cdef dict params = given_params(op, given)
    if x is None or not pool_of(x.layout, params, &d):
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(planes_of(x.layout, d.oh, d.ow))
    cdef Storage* at = storage_new(y.layout.size * sizeof(int))
    try:
        go_outside(&o, x.layout.nbytes, x, None, None, NULL, NULL)
        max_pool_door(y.layout.kernel, source.data, y.data, <int*>payload(at), &d, False)
        come_back(&o)
        if link_unwritten(y, op, x, &o):
            extra_of(y).params = params
            (<NodeExtra>y.extra).kept = storage_keep(at)
    finally:
        storage_release(at)
    return y


cdef Tensor record_avg_pool(int op, PyObject** given):
    """The average, or its transpose."""
    cdef Windows d
    cdef Outside o
    cdef Tensor x = given_tensor(given[0]), y, source
    cdef dict params = given_params(op, given)
    cdef bint transposed = "lengths" in params
    if x is None or not pool_of(x.layout, params, &d):
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(planes_of(x.layout, d.h if transposed else d.oh, d.w if transposed else d.ow))
    go_outside(&o, max(x.layout.nbytes, y.layout.nbytes), x, None, None, NULL, NULL)
    if transposed:
        zero_door(y.data, y.layout.nbytes)
    avg_pool_door(y.layout.kernel, source.data, y.data, &d, transposed)
    come_back(&o)
    if link_unwritten(y, op, x, &o):
        extra_of(y).params = params
    return y


cdef int backward_pool(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    """Add each upstream gradient to the place of the maximum, or a share of it to all places of its window."""
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Windows d
    cdef Outside o
    cdef bint add
    cdef char* gx = cotangent_buffer(x, &add)
    cdef Storage* kept = extra.kept
    pool_of(x.layout, extra.params, &d)
    keep_memory(kept, NULL, NULL)
    go_outside(&o, x.layout.nbytes, None, None, None, gs, cotangent_block(x))
    if not add:
        zero_door(gx, x.layout.nbytes)
    if kept != NULL:
        max_pool_door(x.layout.kernel, g, gx, <int*>payload(kept), &d, True)
    else:
        avg_pool_door(x.layout.kernel, g, gx, &d, True)
    come_back(&o)
    release_memory(kept, NULL, NULL)
    return 0


cdef int backward_avg_unpool(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Windows d
    cdef Outside o
    pool_of(x.layout, (<NodeExtra>y.extra).params, &d)
    cdef Storage* part = storage_new(x.layout.nbytes)
    go_outside(&o, y.layout.nbytes, None, None, None, gs, NULL)
    avg_pool_door(x.layout.kernel, g, payload(part), &d, False)
    come_back(&o)
    return accumulate_block(x, part)


register_op("max_pool2d", "x kernel_size stride padding dilation", record_max_pool, backward_pool, NULL, True)
register_op("avg_pool2d", "x kernel_size stride padding count_include_pad", record_avg_pool, backward_pool, NULL, True)
register_op("avg_unpool2d", "x lengths kernel_size stride padding count_include_pad", record_avg_pool,
            backward_avg_unpool, NULL, True)
