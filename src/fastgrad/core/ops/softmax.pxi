# The softmax family along axes.

cdef bint extents(const Layout* layout, object axis, Folded* f) except -1:
    """Whether `axis`, an int, a tuple of them or None, names neighbouring axes that have elements; (outer, n, inner) of
    them."""
    cdef long long axes
    if layout.kernel == NO_KERNEL or layout.ndim > 62:
        return False
    axes = read_axes(layout, axis)
    return axes != -1 and fold(layout, axes, f) and f.reduced > 0


cdef Tensor softmax(int op, PyObject** given, bint logarithm):
    cdef Folded f
    cdef Tensor x, y, source
    first = given_tensor(given[0])
    if first is None:
        return None
    x = <Tensor>first
    if not extents(x.layout, <object>given[1], &f):
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(layout_contiguous(x.layout))
    typed[x.layout.kernel].softmax_forward(source.data, y.data, f.outer, f.reduced, f.inner, logarithm)
    if wants_grad(x):
        link1(y, op, x)
        keep_parameter(y, <object>given[1])
    return y


cdef Tensor record_softmax(int op, PyObject** given):
    return softmax(op, given, False)


cdef Tensor record_log_softmax(int op, PyObject** given):
    return softmax(op, given, True)


cdef int backward_softmax(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Folded f
    cdef char* where
    cdef bint add
    cdef Tensor x = resolve(y.x1, y.gen1)
    folded_of(y, x, &f)
    cotangent_buffer_or_reuse(x, g, gs, &where, &add)
    typed[y.layout.kernel].softmax_backward(g, y.data, where, f.outer, f.reduced, f.inner, add)
    return 0


cdef int backward_log_softmax(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Folded f
    cdef char* where
    cdef bint add
    cdef Tensor x = resolve(y.x1, y.gen1)
    folded_of(y, x, &f)
    cotangent_buffer_or_reuse(x, g, gs, &where, &add)
    typed[y.layout.kernel].log_softmax_backward(g, y.data, where, f.outer, f.reduced, f.inner, add)
    return 0


cdef Tensor record_logsumexp(int op, PyObject** given):
    cdef Folded f
    cdef Tensor x, y, source
    cdef Storage* scratch
    cdef Layout* layout
    first = given_tensor(given[0])
    if first is None or type(<object>given[2]) is not bool:
        return None
    x = <Tensor>first
    layout = x.layout
    if not extents(layout, <object>given[1], &f):
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(reduced_layout(layout, read_axes(layout, <object>given[1]), <object>given[2]))
    scratch = storage_new(logsumexp_scratch(f.reduced, f.inner) * layout.itemsize)
    typed[layout.kernel].logsumexp_forward(source.data, y.data, payload(scratch), f.outer, f.reduced, f.inner)
    storage_release(scratch)
    if wants_grad(x):
        link1(y, op, guarded(x, op, READS_X1))
        keep_parameter(y, <object>given[1])
    return y


cdef int backward_logsumexp(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Folded f
    cdef char* where
    cdef bint add
    cdef Tensor x = resolve(y.x1, y.gen1), source = contiguous(x)
    folded_of(y, x, &f)
    cotangent_buffer(x, &where, &add)
    typed[y.layout.kernel].logsumexp_backward(g, source.data, y.data, where, f.outer, f.reduced, f.inner, add)
    return 0


cdef dict node_axis(Tensor y):
    return {"axis": parameter_of(y)}


cdef int SOFTMAX = register_op("softmax", "x axis", record_softmax, backward_softmax, node_axis)
cdef int LOG_SOFTMAX = register_op("log_softmax", "x axis", record_log_softmax, backward_log_softmax, node_axis)
cdef int LOGSUMEXP = register_op("logsumexp", "x axis keepdims", record_logsumexp, backward_logsumexp,
                                 axis_and_keepdims)
