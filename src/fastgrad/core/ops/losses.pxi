# Losses with labels: the exponentials of the forward are kept for the backward.

cdef bint read_labels(Tensor labels, Py_ssize_t classes, Py_ssize_t* out) except -1:
    """Read labels as class numbers; False where they are not integers below `classes`."""
    if labels.layout.itemsize != 8 or labels.layout.typenum not in (cnp.NPY_LONG, cnp.NPY_LONGLONG):
        if fg_capture != NULL and labels.layout.typenum != cnp.NPY_BOOL:
            return read_labels(functions["astype"](labels, np.dtype(np.int64)), classes, out)
        a = array_view(labels, labels, False)
        if a.dtype.kind not in "iu":
            return False
        if a.size and not 0 <= a.min() <= a.max() < classes:
            return False
        labels = wrap_array(a.astype(np.int64))
    cdef Tensor source = contiguous(labels)
    return labels_door(<const Py_ssize_t*>source.data, source.layout.size, classes, out)


cdef Tensor record_cross_entropy(int op, PyObject** given):
    """A recorded result keeps one block: labels, exponentials, and the inverse sums of these."""
    cdef Tensor x = given_tensor(given[0]), labels, y, source
    cdef int k
    cdef bint wanted, mean, each
    cdef char* e
    cdef Outside o
    cdef NodeExtra extra
    cdef double share = 1
    reduction = <object>given[2]
    if x is None:
        return None
    labels = as_tensor(<object>given[1])
    cdef Layout* layout = x.layout
    if type(reduction) is not str or layout.kernel == NO_KERNEL or labels.layout.ndim != layout.ndim - 1:
        return None
    mean = reduction == "mean"
    each = not mean and reduction != "sum"
    if each and reduction != "none":
        return None
    for k in range(layout.ndim - 1):
        if labels.layout.shape[k] != layout.shape[k]:
            return None
    cdef Py_ssize_t n = layout.shape[layout.ndim - 1]
    cdef Py_ssize_t rows = labels.layout.size
    if n == 0 or rows == 0:
        return None
    check_fresh(x)
    check_fresh(labels)
    wanted = wants_grad(x)
    if mean:
        share = <double>rows
    source = contiguous(x)
    y = new_tensor(layout_get(layout.typenum, layout.itemsize, layout.ndim - 1 if each else 0, layout.shape, NULL))
    cdef Storage* block = storage_new(rows * <Py_ssize_t>sizeof(Py_ssize_t)
                                      + (rows * n + rows if wanted else max(n, <Py_ssize_t>BLOCK)) * layout.itemsize)
    try:
        if not read_labels(labels, n, <Py_ssize_t*>payload(block)):
            return None
        e = payload(block) + rows * sizeof(Py_ssize_t)
        go_outside(&o, layout.nbytes, x, labels, None, NULL, NULL)
        cross_entropy_door(layout.kernel, source.data, <Py_ssize_t*>payload(block), y.data, e,
                           rows * n * layout.itemsize, not wanted, rows, n, each, share)
        come_back(&o)
        if wanted:
            check_unwritten(&o, op, x, labels, None)
            link2(y, op, guarded(x, op, READS_X1), guarded(labels, op, READS_X2))
            extra = extra_of(y)
            if not mean:
                extra.params = {"reduction": reduction}
            extra.numbers[0] = each
            extra.number = share
            extra.kept = storage_keep(block)
    finally:
        storage_release(block)
    return y


cdef int backward_cross_entropy(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Py_ssize_t n = x.layout.shape[x.layout.ndim - 1], rows = x.layout.size // n
    cdef bint add
    cdef Outside o
    cdef char* gx = cotangent_buffer(x, &add)
    cdef Storage* kept = storage_keep(extra.kept)
    cdef char* e = payload(kept) + rows * sizeof(Py_ssize_t)
    go_outside(&o, x.layout.nbytes, None, None, None, gs, cotangent_block(x))
    cross_entropy_backward_door(x.layout.kernel, g, extra.numbers[0], extra.number, <Py_ssize_t*>payload(kept), e,
                                rows * n * x.layout.itemsize, gx, rows, n, add)
    come_back(&o)
    storage_release(kept)
    return 0


register_op("cross_entropy", "logits labels reduction", record_cross_entropy, backward_cross_entropy)
