# Losses with labels: the exponentials of the forward are kept for the backward.

cdef bint read_labels(Tensor labels, Py_ssize_t classes, Py_ssize_t* out) except -1:
    """Labels as class numbers; False where one is none, or where they are no integers."""
    cdef Tensor source
    cdef Py_ssize_t k
    if labels.layout.itemsize != 8 or labels.layout.typenum not in (cnp.NPY_LONG, cnp.NPY_LONGLONG):
        a = array_view(labels, labels, False)
        if a.dtype.kind not in "iu":
            return False
        if a.size and not 0 <= a.min() <= a.max() < classes:
            return False
        labels = wrap_array(a.astype(np.int64))
    source = contiguous(labels)
    memcpy(out, source.data, source.layout.size * sizeof(Py_ssize_t))
    for k in range(source.layout.size):
        if out[k] < 0 or out[k] >= classes:
            return False
    return True


cdef Tensor cross_entropy(int op, Tensor x, Tensor labels, object reduction):
    """The exponentials and what they sum to stay for the backward, in a block of labels, exponentials, inverse sums."""
    cdef Layout* layout = x.layout
    cdef int how
    cdef Py_ssize_t rows, n, item = layout.itemsize
    cdef int k
    cdef bint record
    cdef Tensor y, source
    cdef Storage* block
    cdef NodeExtra extra
    cdef double total
    if type(reduction) is not str:
        return None
    how = 0 if reduction == "mean" else 1 if reduction == "sum" else 2
    if layout.kernel == NO_KERNEL or layout.ndim == 0 or labels.layout.ndim != layout.ndim - 1 or (how == 2
            and reduction != "none"):
        return None
    n = layout.shape[layout.ndim - 1]
    for k in range(layout.ndim - 1):
        if labels.layout.shape[k] != layout.shape[k]:
            return None
    rows = labels.layout.size
    if n == 0 or rows == 0:
        return None
    check_fresh(x)
    check_fresh(labels)
    record = wants_grad(x)
    source = contiguous(x)
    y = new_tensor(layout_get(layout.typenum, layout.itemsize, layout.ndim - 1, layout.shape, NULL) if how == 2
                   else layout_scalar(layout.typenum, layout.itemsize))
    block = storage_new(rows * <Py_ssize_t>sizeof(Py_ssize_t) + ((rows * n + rows) if record else max(n,
            <Py_ssize_t>BLOCK)) * item)
    try:
        if not read_labels(labels, n, <Py_ssize_t*>payload(block)):
            return None
        total = typed[layout.kernel].cross_entropy_forward(source.data, <Py_ssize_t*>payload(block),
                                                           y.data if how == 2 else NULL,
                                                           payload(block) + rows * sizeof(Py_ssize_t),
                                                           payload(block) + rows * sizeof(Py_ssize_t) + rows * n * item,
                                                           not record, rows, n)
        if how != 2:
            if how == 0:
                total /= <double>rows
            if layout.kernel == F64:
                (<double*>y.data)[0] = total
            else:
                (<float*>y.data)[0] = <float>total
        if record:
            link2(y, op, guarded(x, op, READS_X1), guarded(labels, op, READS_X2))
            extra = extra_of(y)
            if how != 0:
                extra.params = {"reduction": reduction}
            extra.numbers[0] = how
            extra.kept = storage_keep(block)
    finally:
        storage_release(block)
    return y


cdef int backward_cross_entropy(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Py_ssize_t n = x.layout.shape[x.layout.ndim - 1], rows = x.layout.size // n
    cdef char* e = payload(extra.kept) + rows * sizeof(Py_ssize_t)
    cdef char* where
    cdef bint add
    cotangent_buffer(x, &where, &add)
    typed[x.layout.kernel].cross_entropy_backward(g, extra.numbers[0] == 2,
                                                  <double>rows if extra.numbers[0] == 0 else 1,
                                                  <Py_ssize_t*>payload(extra.kept), e, e + rows * n * x.layout.itemsize,
                                                  where, rows, n, add)
    return 0


cdef Tensor record_cross_entropy(int op, PyObject** given):
    logits = given_tensor(given[0])
    return cross_entropy(op, <Tensor>logits, as_tensor(<object>given[1]),
                         <object>given[2]) if logits is not None else None


register_op("cross_entropy", "logits labels reduction", record_cross_entropy, backward_cross_entropy)
