# The softmax family, products and running sums along axes. What only the rule can do gives None: it then says why not.

cdef bint extents(const Layout* layout, object axis, Folded* f) except -1:
    """Whether `axis`, an int, a tuple of them or None, names neighbouring axes that have elements; (outer, n, inner) of them."""
    cdef long long axes
    if layout.kernel == NO_KERNEL or layout.ndim > 62:
        return False
    axes = read_axes(layout, axis)
    return axes != -1 and fold(layout, axes, f) and f.reduced > 0


cdef Tensor softmax(int op, Tensor x, object axis):
    """SOFTMAX or LOG_SOFTMAX."""
    cdef Folded f
    cdef Tensor y, source
    if not extents(x.layout, axis, &f):
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(layout_contiguous(x.layout))
    softmax_forward(x.layout.kernel, source.data, y.data, f.outer, f.reduced, f.inner, op == LOG_SOFTMAX)
    if wants_grad(x):
        link1(y, op, x)
        keep_parameter(y, axis)
    return y


cdef Tensor logsumexp(Tensor x, object axis, bint keepdims):
    cdef Folded f
    cdef Tensor y, source
    cdef Storage* scratch
    cdef Layout* layout = x.layout
    if not extents(layout, axis, &f):
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(reduced_layout(layout, read_axes(layout, axis), keepdims))
    scratch = storage_new(logsumexp_scratch(f.reduced, f.inner) * layout.itemsize)
    logsumexp_forward(layout.kernel, source.data, y.data, payload(scratch), f.outer, f.reduced, f.inner)
    storage_release(scratch)
    if wants_grad(x):
        link1(y, LOGSUMEXP, guarded(x, LOGSUMEXP, READS_X1))
        keep_parameter(y, axis)
    return y


cdef Tensor cumsum(Tensor x, object axis):
    """Along one axis, or along the flattened `x` where that is None."""
    cdef Folded f
    cdef Tensor y, source
    cdef Layout* layout = x.layout
    if type(axis) is tuple or not extents(layout, axis, &f):
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(layout_contiguous(layout) if axis is not None else layout_get(layout.typenum, layout.itemsize, 1, &layout.size, NULL))
    cumsum_forward(layout.kernel, source.data, y.data, f.outer, f.reduced, f.inner)
    if wants_grad(x):
        link1(y, CUMSUM, x)
        keep_parameter(y, axis)
    return y


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
            cotangent_buffer(x, &where, &add)
        else:
            cotangent_buffer_or_reuse(x, g, gs, &where, &add)
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
