# Layer norm and batch norm, forward and backward: the statistics of each row or channel are kept for the backward.

cdef bint fits_scale(Tensor p, const Layout* layout, int axis, int ndim) noexcept:
    """Whether `p` is None, or a weight or bias for the kernel: contiguous, of the dtype of `layout`, and of the shape
    of `ndim` of its axes from `axis` on."""
    return p is None or (
        p.layout.kernel == layout.kernel and p.layout.ndim == ndim and p.layout.flags & C_CONTIGUOUS != 0
        and memcmp(p.layout.shape, layout.shape + axis, ndim * sizeof(Py_ssize_t)) == 0)


cdef Tensor record_layer_norm(int op, PyObject** given):
    cdef Tensor x = given_tensor(given[0]), weight, bias, y, source
    cdef Layout* layout
    cdef Py_ssize_t n = 1
    cdef int k, axes, first
    cdef char* stats = NULL
    cdef tuple operands
    cdef bint wanted
    if x is None:
        return None
    weight = given_optional(given[1])
    bias = given_optional(given[2])
    layout = x.layout
    if (layout.kernel == NO_KERNEL or layout.size == 0 or type(<object>given[3]) is not int
            or type(<object>given[4]) is not float or not 1 <= <object>given[3] <= layout.ndim):
        return None
    axes = <object>given[3]
    first = layout.ndim - axes
    if not fits_scale(weight, layout, first, axes) or not fits_scale(bias, layout, first, axes):
        return None
    operands = (x, weight, bias)
    wanted = check_operands(operands)
    for k in range(first, layout.ndim):
        n *= layout.shape[k]
    y = new_tensor(layout_contiguous(layout))
    if wanted:
        stats = keep_block(y, layout.size // n * 2 * layout.itemsize)
    source = contiguous(x)
    typed[layout.kernel].layer_norm_forward(source.data, data_or_null(weight), data_or_null(bias), y.data, stats,
                                            layout.size // n, n, <object>given[4])
    if wanted:
        link_operands(y, op, operands, {"axes": axes, "eps": <object>given[4]}).numbers[0] = n
    return y


cdef int backward_layer_norm(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Py_ssize_t n = extra.numbers[0], rows = y.layout.size // n
    cdef int dtype = y.layout.kernel, k
    cdef char* stats = payload(extra.kept)
    cdef char* gx
    cdef bint add
    cdef Tensor x = nth_operand(extra, 0), p, weight = None, source = contiguous(x)
    for k in range(1, 3):       # before x, whose cotangent may take the block of `g`
        if extra.operands[k] is None:
            continue
        p = nth_operand(extra, k)
        if takes(p, only_wanted):
            gx = cotangent_buffer(p, &add)
            if not add:
                memset(gx, 0, p.layout.nbytes)
            typed[dtype].accumulate_rows(g, source.data if k == 1 else NULL, stats, gx, rows, n)
    if takes(x, only_wanted):
        if extra.operands[1] is not None:
            weight = nth_operand(extra, 1)
        expect_contiguous(weight)
        gx = cotangent_buffer_or_reuse(x, g, gs, &add)
        typed[dtype].layer_norm_backward(g, source.data, data_or_null(weight), stats, gx, rows, n, add)
    return 0


cdef Tensor record_batch_norm(int op, PyObject** given):
    """Normalises by the statistics of the batch itself."""
    cdef Tensor x = given_tensor(given[0]), weight, bias, y, source
    cdef Layout* layout
    cdef Py_ssize_t outer, channels, inner
    cdef NodeExtra extra
    cdef Storage* stats
    cdef tuple operands
    cdef bint wanted
    if x is None:
        return None
    weight = given_optional(given[1])
    bias = given_optional(given[2])
    layout = x.layout
    if (layout.kernel == NO_KERNEL or type(<object>given[3]) is not float or layout.ndim < 2 or layout.size == 0
            or not fits_scale(weight, layout, 1, 1) or not fits_scale(bias, layout, 1, 1)):
        return None
    operands = (x, weight, bias)
    wanted = check_operands(operands)
    outer = layout.shape[0]
    channels = layout.shape[1]
    inner = layout.size // (outer * channels)
    source = contiguous(x)
    y = new_tensor(layout_contiguous(layout))
    stats = storage_new(5 * channels * layout.itemsize)
    try:
        typed[layout.kernel].batch_norm_forward(source.data, data_or_null(weight), data_or_null(bias), y.data,
                                                payload(stats), outer, channels, inner, <object>given[3])
        if wanted:
            extra = link_operands(y, op, operands, {"eps": <object>given[3]})
            extra.numbers[0] = outer
            extra.numbers[1] = channels
            extra.numbers[2] = inner
            extra.kept = storage_keep(stats)
    finally:
        storage_release(stats)
    return y


cdef int backward_batch_norm(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Py_ssize_t outer = extra.numbers[0], channels = extra.numbers[1], inner = extra.numbers[2]
    cdef Py_ssize_t item = y.layout.itemsize
    cdef int dtype = y.layout.kernel, k
    cdef char* stats = payload(extra.kept)
    cdef char* gx
    cdef bint add
    cdef Tensor x = nth_operand(extra, 0), p, source = contiguous(x)
    cdef Storage* sums = storage_new(2 * channels * item)
    try:
        typed[dtype].batch_norm_sums(g, source.data, stats, payload(sums), outer, channels, inner)
        # before x, whose backward overwrites the sums, and whose cotangent may take the block of `g`
        for k in range(1, 3):
            if extra.operands[k] is None:
                continue
            p = nth_operand(extra, k)
            if takes(p, only_wanted):
                gx = cotangent_buffer(p, &add)
                typed[dtype].batch_norm_parameter_backward(payload(sums) + (channels * item if k == 1 else 0),
                                                           stats + channels * item if k == 1 else NULL, gx, channels,
                                                           add)
        if takes(x, only_wanted):
            gx = cotangent_buffer_or_reuse(x, g, gs, &add)
            typed[dtype].batch_norm_backward(g, source.data, stats, payload(sums), gx, outer, channels, inner, add)
    finally:
        storage_release(sums)
    return 0


def batch_moments(Tensor y not None):
    """Mean and biased variance of each channel, as the batch norm `y` used them; None where they were not kept."""
    cdef NodeExtra extra
    cdef Tensor mean, var
    cdef Layout* layout
    if y.op != BATCH_NORM or y.extra == NULL or (<NodeExtra>y.extra).kept == NULL:
        return None
    extra = <NodeExtra>y.extra
    layout = layout_get(y.layout.typenum, y.layout.itemsize, 1, &extra.numbers[1], NULL)
    mean = new_tensor(layout)
    memcpy(mean.data, payload(extra.kept), layout.nbytes)
    var = new_tensor(layout)
    memcpy(var.data, payload(extra.kept) + 2 * layout.nbytes, layout.nbytes)
    return mean, var


register_op("layer_norm", "x weight bias axes eps", record_layer_norm, backward_layer_norm)
cdef int BATCH_NORM = register_op("batch_norm", "x weight bias eps", record_batch_norm, backward_batch_norm)
