# Layer norm and batch norm, forward and backward: the statistics of each row or channel are kept for the backward.

cdef bint fits_scale(Tensor p, const Layout* layout, int axis, int ndim) noexcept:
    """Whether `p` is None, or a weight or bias for the kernel: contiguous, of the dtype of `layout`, and of the shape
    of `ndim` of its axes from `axis` on."""
    return p is None or (
        p.layout.kernel == layout.kernel and p.layout.ndim == ndim and p.layout.flags & C_CONTIGUOUS != 0
        and memcmp(p.layout.shape, layout.shape + axis, ndim * sizeof(Py_ssize_t)) == 0)


cdef Tensor record_norm(int op, Tensor x, PyObject** given, int first, int axes, object eps, NormForward* forward,
                        dict params):
    """Normalise `x` by a kernel, one per dtype. `axes` axes from `first` on are those of weight and bias."""
    cdef Tensor weight = given_optional(given[1]), bias = given_optional(given[2]), source, y
    cdef Layout* layout = x.layout
    cdef NodeExtra extra
    if (layout.kernel == NO_KERNEL or layout.size == 0 or type(eps) is not float
            or not fits_scale(weight, layout, first, axes) or not fits_scale(bias, layout, first, axes)):
        return None
    cdef tuple operands = (x, weight, bias)
    cdef bint wanted = check_operands(operands)
    cdef double number
    cdef Outside o
    cdef Extents e
    extents_at(layout, first, first + axes, &e)
    source = contiguous(x)
    y = new_tensor(layout_contiguous(layout))
    cdef Storage* stats = storage_new((2 * e.outer if forward == layer_norm else 5 * e.n) * layout.itemsize)
    try:
        number = eps
        go_outside(&o, layout.nbytes, x, weight, bias, NULL, NULL)
        norm_door(forward[layout.kernel], source.data, data_or_null(weight), data_or_null(bias), y.data, payload(stats),
                  &e, number)
        come_back(&o)
        if wanted:
            check_unwritten(&o, op, x, weight, bias)
            extra = link_operands(y, op, operands, params)
            extra.kept = storage_keep(stats)
            memcpy(extra.numbers, &e, sizeof(Extents))
    finally:
        storage_release(stats)
    return y


cdef Tensor record_layer_norm(int op, PyObject** given):
    cdef Tensor x = given_tensor(given[0])
    axes, eps = <object>given[3], <object>given[4]
    if x is None or type(axes) is not int or not 1 <= axes <= x.layout.ndim:
        return None
    return record_norm(op, x, given, x.layout.ndim - <int>axes, axes, eps, layer_norm, {"axes": axes, "eps": eps})


cdef int backward_layer_norm(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef const Extents* e = <Extents*>extra.numbers
    cdef int dtype = y.layout.kernel, k
    cdef bint add
    cdef Outside o
    cdef Tensor x = nth_operand(extra, 0), p, weight = None, source = contiguous(x)
    cdef Storage* kept = storage_keep(extra.kept)
    cdef char* stats = payload(kept)
    try:
        for k in range(1, 3):       # before x, whose cotangent may take the block of `g`
            p = wanted_operand(y, k, only_wanted)
            if p is not None:
                gx = cotangent_buffer(p, &add)
                if not add:
                    zero_door(gx, p.layout.nbytes)
                go_outside(&o, x.layout.nbytes, x, None, None, gs, cotangent_block(p))
                accumulate_rows_door(dtype, g, source.data if k == 1 else NULL, stats, gx, e.outer, e.n)
                come_back(&o)
        if takes(x, only_wanted):
            if extra.operands[1] is not None:
                weight = nth_operand(extra, 1)
            expect_contiguous(weight)
            gx = cotangent_buffer_or_reuse(x, g, gs, &add)
            go_outside(&o, x.layout.nbytes, x, weight, None, gs, cotangent_block(x))
            norm_backward_door(typed[dtype].layer_norm_backward, g, source.data, data_or_null(weight), gx, stats, e,
                               add)
            come_back(&o)
    finally:
        storage_release(kept)
    return 0


cdef Tensor record_batch_norm(int op, PyObject** given):
    """Normalises by the statistics of the batch itself."""
    cdef Tensor x = given_tensor(given[0])
    if x is None or x.layout.ndim < 2:
        return None
    return record_norm(op, x, given, 1, 1, <object>given[3], batch_norm, {"eps": <object>given[3]})


cdef int backward_batch_norm(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef const Extents* e = <Extents*>extra.numbers
    cdef Py_ssize_t item = y.layout.itemsize
    cdef int dtype = y.layout.kernel
    cdef bint add
    cdef Outside o
    cdef Tensor x = nth_operand(extra, 0), source = contiguous(x)
    cdef Tensor weight = wanted_operand(y, 1, only_wanted), bias = wanted_operand(y, 2, only_wanted)
    cdef Storage* sums = storage_new(2 * e.n * item)
    cdef Storage* kept = storage_keep(extra.kept)
    cdef char* stats = payload(kept)
    try:
        go_outside(&o, x.layout.nbytes, x, None, None, gs, NULL)
        batch_norm_sums_door(dtype, g, source.data, stats, payload(sums), e)
        come_back(&o)
        # before x, whose backward overwrites the sums, and whose cotangent may take the block of `g`
        if weight is not None:
            gx = cotangent_buffer(weight, &add)
            backward_door(kernels[<int>MULTIPLY].x1[dtype], dtype, payload(sums) + e.n * item, NULL,
                          stats + e.n * item, NULL, gx, e.n, add, NULL, False)
        if bias is not None:
            accumulate(bias, payload(sums), NULL)
        if takes(x, only_wanted):
            gx = cotangent_buffer_or_reuse(x, g, gs, &add)
            go_outside(&o, x.layout.nbytes, x, None, None, gs, cotangent_block(x))
            norm_backward_door(typed[dtype].batch_norm_backward, g, source.data, stats, gx, payload(sums), e, add)
            come_back(&o)
    finally:
        storage_release(sums)
        storage_release(kept)
    return 0


def batch_moments(Tensor y not None):
    """Mean and biased variance of each channel, as the batch norm `y` used them; None where they were not kept."""
    if y.op != BATCH_NORM or y.extra == NULL or (<NodeExtra>y.extra).kept == NULL:
        return None
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Layout* layout = layout_get(y.layout.typenum, y.layout.itemsize, 1, &(<Extents*>extra.numbers).n, NULL)
    cdef Tensor mean = new_tensor(layout)
    move_door(mean.data, payload(extra.kept), layout.nbytes)
    cdef Tensor var = new_tensor(layout)
    move_door(var.data, payload(extra.kept) + 2 * layout.nbytes, layout.nbytes)
    return mean, var


cdef NormForward[2] layer_norm = [typed[0].layer_norm_forward, typed[1].layer_norm_forward]
cdef NormForward[2] batch_norm = [typed[0].batch_norm_forward, typed[1].batch_norm_forward]
register_op("layer_norm", "x weight bias axes eps", record_layer_norm, backward_layer_norm)
cdef int BATCH_NORM = register_op("batch_norm", "x weight bias eps", record_batch_norm, backward_batch_norm)
