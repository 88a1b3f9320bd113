# Layer norm, forward and backward: mean and scale of every row are kept for the backward.

cdef bint scales_rows(object p, const Layout* layout, int axes) except -1:
    """Whether `p` is a weight or bias that the kernel takes: of the shape that `layout` ends with, contiguous, of its dtype."""
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
    cdef Extra extra
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
    if wants_grad(x) or (weight is not None and wants_grad(<Tensor>weight)) or (bias is not None and wants_grad(<Tensor>bias)):
        stats = storage_new(layout.size // n * 2 * layout.itemsize)
    layer_norm_forward(layout.kernel, source.data, NULL if weight is None else (<Tensor>weight).data,
                       NULL if bias is None else (<Tensor>bias).data, y.data, NULL if stats == NULL else payload(stats),
                       layout.size // n, n, eps)
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
    cdef Extra extra = <Extra>y.extra
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
            cotangent_room(p, &where, &add)
            if not add:
                memset(where, 0, p.layout.nbytes)
            layer_norm_sum(dtype, g, source.data if k == 1 else NULL, stats, where, rows, n)
    if takes(x, only_wanted):
        if extra.operands[1] is not None:
            weight = nth_operand(extra, 1)
        room_for(x, g, gs, &where, &add)
        layer_norm_backward(dtype, g, source.data, NULL if weight is None else weight.data, stats, where,
                            rows, n, add)
    return 0
