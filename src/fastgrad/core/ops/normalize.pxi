# Layer norm and batch norm, forward and backward: the statistics of every row or channel are kept for the backward.

cdef bint scales_rows(object p, const Layout* layout, int axes) except -1:
    """Whether `p` is a weight or bias that the kernel takes: of the shape that `layout` ends with, contiguous, of its
    dtype."""
    cdef Layout* own
    cdef int k
    if type(p) is not Tensor:
        return False
    own = (<Tensor>p).layout
    if own.kernel != layout.kernel or own.ndim != axes or not own.flags & C_CONTIGUOUS:
        return False
    for k in range(axes):
        if own.shape[k] != layout.shape[layout.ndim - axes + k]:
            return False
    return True


cdef Tensor layer_norm(Tensor x, object weight, object bias, object axes, object eps):
    """None where only the rule can."""
    cdef Layout* layout = x.layout
    cdef Py_ssize_t n = 1
    cdef int k, last
    cdef Tensor y, source
    cdef NodeExtra extra
    cdef Storage* stats = NULL
    if layout.kernel == NO_KERNEL or type(axes) is not int or type(eps) is not float or not 1 <= axes <= layout.ndim:
        return None
    last = axes
    for k in range(layout.ndim - last, layout.ndim):
        n *= layout.shape[k]
    if (layout.size == 0 or (weight is not None and not scales_rows(weight, layout, last))
            or (bias is not None and not scales_rows(bias, layout, last))):
        return None
    check_fresh(x)
    if weight is not None:
        check_fresh(<Tensor>weight)
    if bias is not None:
        check_fresh(<Tensor>bias)
    source = contiguous(x)
    y = new_tensor(layout_contiguous(layout))
    if wants_grad(x) or (weight is not None and wants_grad(<Tensor>weight)) or (bias is not None
                                                                                and wants_grad(<Tensor>bias)):
        stats = storage_new(layout.size // n * 2 * layout.itemsize)
    typed[layout.kernel].layer_norm_forward(source.data, NULL if weight is None else (<Tensor>weight).data,
                                            NULL if bias is None else (<Tensor>bias).data, y.data,
                                            NULL if stats == NULL else payload(stats), layout.size // n, n, eps)
    if stats == NULL:
        return y
    try:
        link_operands(y, LAYER_NORM, (x, weight, bias))
        extra = extra_of(y)
        extra.params = {"axes": axes, "eps": eps}
        extra.numbers[0] = n
        extra.kept = storage_keep(stats)
    finally:
        storage_release(stats)
    return y


cdef int backward_layer_norm(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Py_ssize_t n = extra.numbers[0], rows = y.layout.size // n
    cdef int dtype = y.layout.kernel, k
    cdef char* stats = payload(extra.kept)
    cdef char* where
    cdef bint add
    cdef Tensor x = nth_operand(extra, 0), p, weight = None
    cdef Tensor source = contiguous(x)
    for k in range(1, 3):       # before x, whose cotangent may take the block of `g`
        if extra.operands[k] is None:
            continue
        p = nth_operand(extra, k)
        if takes(p, only_wanted):
            cotangent_buffer(p, &where, &add)
            if not add:
                memset(where, 0, p.layout.nbytes)
            typed[dtype].accumulate_rows(g, source.data if k == 1 else NULL, stats, where, rows, n)
    if takes(x, only_wanted):
        if extra.operands[1] is not None:
            weight = nth_operand(extra, 1)
        expect_contiguous(weight)
        cotangent_buffer_or_reuse(x, g, gs, &where, &add)
        typed[dtype].layer_norm_backward(g, source.data, NULL if weight is None else weight.data, stats, where, rows, n,
                                         add)
    return 0


cdef bint scales_channels(object p, const Layout* layout) except -1:
    cdef Layout* own
    if type(p) is not Tensor:
        return False
    own = (<Tensor>p).layout
    return (own.kernel == layout.kernel and own.ndim == 1 and own.flags & C_CONTIGUOUS
            and own.shape[0] == layout.shape[1])


cdef Tensor batch_norm(Tensor x, object weight, object bias, object eps):
    """By the statistics of the batch itself. None where only the rule can."""
    cdef Layout* layout = x.layout
    cdef Py_ssize_t outer, channels, inner
    cdef Tensor y, source
    cdef NodeExtra extra
    cdef Storage* stats
    if (layout.kernel == NO_KERNEL or type(eps) is not float or layout.ndim < 2 or layout.size == 0
            or (weight is not None and not scales_channels(weight, layout)) or (bias is not None
                                                                                and not scales_channels(bias, layout))):
        return None
    check_fresh(x)
    if weight is not None:
        check_fresh(<Tensor>weight)
    if bias is not None:
        check_fresh(<Tensor>bias)
    outer = layout.shape[0]
    channels = layout.shape[1]
    inner = layout.size // (outer * channels)
    source = contiguous(x)
    y = new_tensor(layout_contiguous(layout))
    stats = storage_new(5 * channels * layout.itemsize)
    try:
        typed[layout.kernel].batch_norm_forward(source.data, NULL if weight is None else (<Tensor>weight).data,
                                                NULL if bias is None else (<Tensor>bias).data, y.data, payload(stats),
                                                outer, channels, inner, eps)
        if wants_grad(x) or (weight is not None and wants_grad(<Tensor>weight)) or (bias is not None
                                                                                    and wants_grad(<Tensor>bias)):
            link_operands(y, BATCH_NORM, (x, weight, bias))
            extra = extra_of(y)
            extra.params = {"eps": eps}
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
    cdef char* where
    cdef bint add
    cdef Tensor x = nth_operand(extra, 0), p
    cdef Tensor source = contiguous(x)
    cdef Storage* sums = storage_new(2 * channels * item)
    try:
        typed[dtype].batch_norm_sums(g, source.data, stats, payload(sums), outer, channels, inner)
        # before x, whose backward overwrites the sums, and whose cotangent may take the block of `g`
        for k in range(1, 3):
            if extra.operands[k] is None:
                continue
            p = nth_operand(extra, k)
            if takes(p, only_wanted):
                cotangent_buffer(p, &where, &add)
                typed[dtype].batch_norm_parameter_backward(payload(sums) + (channels * item if k == 1 else 0),
                                                           stats + channels * item if k == 1 else NULL, where, channels,
                                                           add)
        if takes(x, only_wanted):
            cotangent_buffer_or_reuse(x, g, gs, &where, &add)
            typed[dtype].batch_norm_backward(g, source.data, stats, payload(sums), where, outer, channels, inner, add)
    finally:
        storage_release(sums)
    return 0


def batch_moments(Tensor y not None):
    """Mean and biased variance of each channel that the batch norm `y` has used; None where they were not kept."""
    cdef NodeExtra extra
    cdef Py_ssize_t channels
    cdef Tensor mean, var
    cdef Layout* layout
    if y.op != BATCH_NORM or y.extra == NULL or (<NodeExtra>y.extra).kept == NULL:
        return None
    extra = <NodeExtra>y.extra
    channels = extra.numbers[1]
    layout = layout_get(y.layout.typenum, y.layout.itemsize, 1, &channels, NULL)
    mean = new_tensor(layout)
    memcpy(mean.data, payload(extra.kept), layout.nbytes)
    var = new_tensor(layout)
    memcpy(var.data, payload(extra.kept) + 2 * layout.nbytes, layout.nbytes)
    return mean, var


cdef Tensor record_layer_norm(int op, PyObject** given):
    x = given_tensor(given[0])
    if x is None:
        return None
    return layer_norm(<Tensor>x, given_optional(given[1]), given_optional(given[2]), <object>given[3], <object>given[4])


cdef Tensor record_batch_norm(int op, PyObject** given):
    x = given_tensor(given[0])
    if x is None:
        return None
    return batch_norm(<Tensor>x, given_optional(given[1]), given_optional(given[2]), <object>given[3])


cdef int LAYER_NORM = register_op("layer_norm", "x weight bias axes eps", record_layer_norm, backward_layer_norm)
cdef int BATCH_NORM = register_op("batch_norm", "x weight bias eps", record_batch_norm, backward_batch_norm)
