# Reductions, and the sum over broadcast axes.

cdef int backward_sum(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    """Every summand gets the upstream gradient, or for a mean its share of it."""
    cdef Extents e
    cdef bint add
    cdef Outside o
    cdef Tensor x = resolve(y.x1, y.gen1)
    split(x.layout, read_axes(x.layout, parameter_of(y)), &e)
    cdef double divisor = <double>e.n if along[y.op].mean else 1
    if e.outer == 1 and e.inner == 1:
        return accumulate_uniform(x, g, 1, e.n if along[y.op].mean else 0)
    cdef char* gx = cotangent_buffer(x, &add)
    go_outside(&o, x.layout.nbytes, None, None, None, gs, cotangent_block(x))
    broadcast_backward_door(x.layout.kernel, g, gx, &e, divisor, add)
    come_back(&o)
    return 0


cdef Tensor push_sum(Tensor y, Tensor t, Py_ssize_t batch):
    """The sum or mean of every direction."""
    cdef Extents e
    cdef Tensor x = resolve(y.x1, y.gen1), source, out
    cdef Py_ssize_t itemsize = x.layout.itemsize
    if (x.layout.size == 0 or x.layout.kernel == NO_KERNEL or batch == 0
            or not split(x.layout, read_axes(x.layout, parameter_of(y)), &e)):
        return None
    source = contiguous(t)
    out = new_tensor(batched_layout(y.layout, batch))
    if batch != SINGLE:
        e.outer *= batch
    reduce_door(&helpers[x.layout.kernel].add, source.data, &e, itemsize, out.data)
    if along[y.op].mean:
        divide_door(x.layout.kernel, out.data, out.layout.size, <double>e.n)
    return out


cdef Tensor pull_sum(Tensor y, Tensor g, Py_ssize_t batch):
    """Every summand gets the cotangent, or for a mean its share of it."""
    cdef Tensor x = resolve(y.x1, y.gen1), out
    cdef Py_ssize_t[64] strides
    cdef unsigned long long axes
    cdef int k
    cdef Py_ssize_t step
    if x.layout.kernel == NO_KERNEL:
        return None
    axes = read_axes(x.layout, parameter_of(y))
    step = y.layout.itemsize
    for k in range(x.layout.ndim - 1, -1, -1):
        strides[k] = 0 if (axes >> k) & 1 else step
        if not (axes >> k) & 1:
            step *= x.layout.shape[k]
    out = rearranged(x, g, batch, y.layout.nbytes, 0, strides)
    if along[y.op].mean and y.layout.size:
        divide_door(x.layout.kernel, out.data, out.layout.size, <double>(x.layout.size // y.layout.size))
    return out


cdef Tensor sum_to_operand(Tensor y, Tensor x, Tensor g, Py_ssize_t batch):
    """A direction of `y` summed to one of `x`, which is broadcast to `y`; None where the rule does it."""
    cdef Py_ssize_t[65] shape
    cdef int k, lead = y.layout.ndim - x.layout.ndim
    cdef Tensor source, out
    if x.layout.kernel == NO_KERNEL or y.layout.ndim == MAX_NDIM:
        return None
    source = contiguous(g)
    shape[0] = batch
    for k in range(lead):
        shape[1 + k] = 1
    memcpy(shape + 1 + lead, x.layout.shape, x.layout.ndim * sizeof(Py_ssize_t))
    target = keep(layout_get(x.layout.typenum, x.layout.itemsize, y.layout.ndim + 1, shape, NULL))
    try:
        out = new_tensor(batched_layout(x.layout, batch))
        sum_into(batched_layout(y.layout, batch), source.data, target, out.data, False, NULL, NULL)
    finally:
        release(target)
    return out


cdef long long summed_axes(const Layout* layout, const Layout* target) noexcept nogil:
    """Mask of the axes of `layout` that a broadcast from `target` has made."""
    cdef int lead = layout.ndim - target.ndim, k
    cdef unsigned long long axes = 0
    for k in range(layout.ndim):
        if k < lead or (target.shape[k - lead] == 1 and layout.shape[k] != 1):
            axes |= <unsigned long long>1 << k
    return <long long>axes


cdef void add_along(int kernel, const char* x, const Extents* e, char* y, Storage* s, Storage* t) noexcept:
    """y = the sums of `x`. As `sum_into`, without the GIL unless `s` is NULL."""
    cdef Outside o
    cdef Py_ssize_t item = item_bytes(kernel)
    go_outside(&o, 0 if s == NULL else e.outer * e.n * e.inner * item, None, None, None, s, t)
    reduce_door(&helpers[kernel].add, x, e, item, y)
    come_back(&o)


cdef int sum_into(const Layout* layout, const char* x, const Layout* target, char* y, bint add, Storage* s,
                  Storage* t) except -1:
    """`y (+)= x` summed over the axes along which `target` is broadcast to `layout`; both C-contiguous, of a kernel
    dtype. Large ones run without the GIL if their blocks are given, `s` and `t`."""
    cdef Extents e
    cdef unsigned long long axes = summed_axes(layout, target), last
    cdef Storage* partial = NULL
    cdef Storage* result = NULL
    cdef Py_ssize_t size = target.size
    cdef int kernel = layout.kernel, k
    if layout.size == 0:
        if not add:
            zero_door(y, target.nbytes)
        return 0
    if not split(layout, axes, &e):
        # Separate runs of axes: sum over the trailing run first, then over the rest.
        last = 0
        for k in range(layout.ndim - 1, -1, -1):
            if (axes >> k) & 1:
                last |= <unsigned long long>1 << k
            elif last:
                break
        less = keep(reduced_layout(layout, last, True))
        keep(<Layout*>target)       # both are borrowed, and other threads run
        try:
            split(layout, last, &e)
            partial = storage_new(less.nbytes)
            add_along(kernel, x, &e, payload(partial), s, NULL)
            sum_into(less, payload(partial), target, y, add, s if s == NULL else partial, t)
        finally:
            release(less)
            release(<Layout*>target)
            if partial != NULL:
                storage_release(partial)
        return 0
    if not add:
        add_along(kernel, x, &e, y, s, t)
        return 0
    result = storage_new(target.nbytes)
    add_along(kernel, x, &e, payload(result), s, t)
    accumulate_door(kernel, payload(result), y, size)
    storage_release(result)
    return 0


cdef Tensor record_sum_to(int op, PyObject** given):
    cdef Py_ssize_t[64] dims
    cdef int ndim = read_shape(<object>given[1], dims), k
    cdef Tensor x = given_tensor(given[0]), y, source
    if x is None or type(<object>given[1]) is not tuple:
        return None
    cdef Layout* layout = x.layout
    if layout.kernel == NO_KERNEL or ndim < 0 or ndim > layout.ndim:
        return None
    for k in range(ndim):
        if dims[k] != layout.shape[layout.ndim - ndim + k] and dims[k] != 1:
            return None
    check_fresh(x)
    y = new_tensor(layout_get(layout.typenum, layout.itemsize, ndim, dims, NULL))
    source = contiguous(x)
    sum_into(layout, source.data, y.layout, y.data, False, NULL, NULL)
    link_wanted(y, op, x)
    return y


cdef int backward_sum_to(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Layout* whole = layout_contiguous(x.layout)
    cdef Py_ssize_t[64] strides
    broadcast_strides(whole, y.layout, layout_contiguous(y.layout).strides, strides)
    return accumulate_strided(x, whole, g, gs, strides, 0, whole.strides)


cdef Py_ssize_t prod_scratch(Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    return 3 * n + 64


cdef str REDUCTION = "x axis keepdims dtype"
cdef int SUM = register_reduction("sum", REDUCTION, &helpers[0].add, NULL, backward_sum)
cdef int MEAN = register_reduction("mean", REDUCTION, &helpers[0].add, NULL, backward_sum)
cdef int PROD = register_reduction("prod", REDUCTION, &helpers[0].multiply, &typed[0].prod_backward)
cdef int MAX = register_reduction("max", "x axis keepdims", &helpers[0].maximum, &typed[0].extremum_backward)
cdef int MIN = register_reduction("min", "x axis keepdims", &helpers[0].minimum, &typed[0].extremum_backward)
along[MEAN].mean = True
table[SUM].push = push_sum
table[MEAN].push = push_sum
table[SUM].pull = pull_sum
table[MEAN].pull = pull_sum
along[PROD].backward_scratch = prod_scratch
register_op("sum_to", "x shape", record_sum_to, backward_sum_to, node_shape)
