# Reductions. Axes that lie together make an array of (outer, reduced, inner); other patterns take the rule.

cdef struct Folded:
    Py_ssize_t outer
    Py_ssize_t reduced
    Py_ssize_t inner


cdef bint fold(const Layout* layout, unsigned long long axes, Folded* f) noexcept nogil:
    """Whether the axes of the mask are neighbours, and the three extents."""
    cdef int k, stage = 0
    f.outer = f.reduced = f.inner = 1
    for k in range(layout.ndim):
        if (axes >> k) & 1:
            if stage == 2:
                return False
            stage = 1
            f.reduced *= layout.shape[k]
        elif stage == 0:
            f.outer *= layout.shape[k]
        else:
            stage = 2
            f.inner *= layout.shape[k]
    return True


cdef long long read_axes(const Layout* layout, object axis) except -2:
    """`axis` as a mask: an exact int, a tuple of them, or None for all; -1 where it is none of these, or there is no
    such axis."""
    cdef unsigned long long mask = 0
    cdef Py_ssize_t a, k
    if axis is None:
        return (<long long>1 << layout.ndim) - 1
    if type(axis) is not tuple:
        if not read_int(axis, &a) or a < -layout.ndim or a >= layout.ndim:
            return -1
        return <long long>1 << (a + layout.ndim if a < 0 else a)
    for k in range(len(<tuple>axis)):
        if not read_int((<tuple>axis)[k], &a):
            return -1
        if a < -layout.ndim or a >= layout.ndim:
            return -1
        if a < 0:
            a += layout.ndim
        if (mask >> a) & 1:
            return -1
        mask |= <unsigned long long>1 << a
    return <long long>mask


cdef Layout* reduced_layout(const Layout* layout, unsigned long long axes, bint keepdims) except NULL:
    cdef Py_ssize_t[64] shape
    cdef int k, ndim = 0
    for k in range(layout.ndim):
        if not (axes >> k) & 1:
            shape[ndim] = layout.shape[k]
            ndim += 1
        elif keepdims:
            shape[ndim] = 1
            ndim += 1
    if ndim == 0:
        return layout_scalar(layout.typenum, layout.itemsize)
    return layout_get(layout.typenum, layout.itemsize, ndim, shape, NULL)


cdef void reduce_loop(const BoundLoop* loop, const char* x, const Folded* f, Py_ssize_t itemsize,
                      char* y) noexcept nogil:
    """y[o, i] = loop over r of x[o, r, i]. NumPy's loop sums a run pairwise, so that errors grow as log n."""
    cdef Py_ssize_t o, r
    cdef address[3] args
    cdef npy_intp[3] steps
    cdef npy_intp n
    cdef Py_ssize_t row = f.inner * itemsize
    if f.inner == 1:
        steps[0] = 0
        steps[1] = itemsize
        steps[2] = 0
        for o in range(f.outer):
            # A sum starts from -0.0, as NumPy's does, so that the pairs are the same; an extremum starts from its first
            # element.
            n = f.reduced
            args[1] = <char*>x
            if loop == &helpers[<int>F64].add:
                (<double*>y)[0] = -0.0
            elif loop == &helpers[<int>F32].add:
                (<float*>y)[0] = -0.0
            else:
                memcpy(y, x, itemsize)
                args[1] += itemsize
                n -= 1
            args[0] = y
            args[2] = y
            if n > 0:
                loop.run(args, &n, steps, loop.data)
            y += itemsize
            x += f.reduced * itemsize
        return
    for o in range(f.outer):
        memcpy(y, x, row)
        x += row
        for r in range(1, f.reduced):
            apply2(loop, y, itemsize, x, itemsize, y, f.inner, itemsize)
            x += row
        y += row


cdef void scale(int kernel, char* y, Py_ssize_t n, double factor) noexcept nogil:
    cdef Py_ssize_t i
    if kernel == F64:
        for i in range(n):
            (<double*>y)[i] /= factor
    else:
        for i in range(n):
            (<float*>y)[i] /= <float>factor


cdef Tensor reduce(int op, PyObject** given, const BoundLoop* loop64, const BoundLoop* loop32, bint divide):
    """Reduce with NumPy's inner loop, and divide by the number of elements; None where only the rule can."""
    cdef long long axes
    cdef Folded f
    cdef Tensor x, y, source
    cdef Layout* layout
    first = given_tensor(given[0])
    if first is None or type(<object>given[2]) is not bool:
        return None
    x = <Tensor>first
    layout = x.layout
    if layout.kernel == NO_KERNEL or layout.ndim > 62:
        return None
    axes = read_axes(layout, <object>given[1])
    if axes == -1 or not fold(layout, axes, &f) or f.reduced == 0:
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(reduced_layout(layout, axes, <object>given[2]))
    if y.layout.size:
        reduce_loop(loop64 if layout.kernel == F64 else loop32, source.data, &f, layout.itemsize, y.data)
        if divide:
            scale(layout.kernel, y.data, y.layout.size, <double>f.reduced)
    if wants_grad(x):
        link1(y, op, guarded(x, op, READS_X1))
        if <object>given[1] is not None:
            keep_parameter(y, <object>given[1])
    return y


cdef int folded_of(Tensor y, Tensor x, Folded* f) except -1:
    """The extents a recorded reduction was made with."""
    fold(x.layout, read_axes(x.layout, parameter_of(y)), f)
    return 0


cdef long long summed_axes(const Layout* layout, const Layout* target) noexcept nogil:
    """Mask of the axes of `layout` that a broadcast from `target` has made."""
    cdef int lead = layout.ndim - target.ndim, k
    cdef unsigned long long axes = 0
    for k in range(layout.ndim):
        if k < lead or (target.shape[k - lead] == 1 and layout.shape[k] != 1):
            axes |= <unsigned long long>1 << k
    return <long long>axes


cdef int sum_into(const Layout* layout, const char* x, const Layout* target, char* y, bint add) except -1:
    """`y (+)= x` summed over the axes along which `target` is broadcast to `layout`; both C-contiguous, of a kernel
    dtype."""
    cdef Folded f
    cdef unsigned long long axes = summed_axes(layout, target), last
    cdef Storage* partial = NULL
    cdef Storage* result = NULL
    cdef Layout* less
    cdef int k
    if layout.size == 0:
        if not add:
            memset(y, 0, target.nbytes)
        return 0
    if not fold(layout, axes, &f):
        # Separate runs of axes: sum over the trailing run first, then over the rest.
        last = 0
        for k in range(layout.ndim - 1, -1, -1):
            if (axes >> k) & 1:
                last |= <unsigned long long>1 << k
            elif last:
                break
        less = reduced_layout(layout, last, True)
        fold(layout, last, &f)
        partial = storage_new(less.nbytes)
        reduce_loop(&helpers[layout.kernel].add, x, &f, layout.itemsize, payload(partial))
        try:
            sum_into(less, payload(partial), target, y, add)
        finally:
            storage_release(partial)
        return 0
    if not add:
        reduce_loop(&helpers[layout.kernel].add, x, &f, layout.itemsize, y)
        return 0
    result = storage_new(target.nbytes)
    reduce_loop(&helpers[layout.kernel].add, x, &f, layout.itemsize, payload(result))
    typed[layout.kernel].accumulate(payload(result), y, target.size)
    storage_release(result)
    return 0


cdef Tensor record_sum_to(int op, PyObject** given):
    cdef Py_ssize_t[64] dims
    cdef int ndim = read_shape(<object>given[1], dims), k
    cdef Layout* layout
    cdef Layout* target
    cdef Tensor x, y
    first = given_tensor(given[0])
    if first is None or type(<object>given[1]) is not tuple:
        return None
    x = <Tensor>first
    layout = x.layout
    if layout.kernel == NO_KERNEL or ndim < 0 or ndim > layout.ndim:
        return None
    for k in range(ndim):
        if dims[k] != layout.shape[layout.ndim - ndim + k] and dims[k] != 1:
            return None
    check_fresh(x)
    target = layout_get(layout.typenum, layout.itemsize, ndim, dims, NULL)
    y = new_tensor(target)
    source = contiguous(x)
    sum_into(layout, (<Tensor>source).data, target, y.data, False)
    if x.flags & REQUIRES_GRAD and fg_grad_off == 0:
        link1(y, op, x)
    return y


cdef int share_equally(Tensor y, char* g, bint divide) except -1:
    """Give every summand the upstream gradient, or its share of it."""
    cdef Folded f
    cdef char* where
    cdef bint add
    cdef double value, divisor
    cdef Tensor x = resolve(y.x1, y.gen1)
    folded_of(y, x, &f)
    divisor = <double>f.reduced if divide else 1
    if f.outer == 1 and f.inner == 1:
        value = (<double*>g)[0] if x.layout.kernel == F64 else <double>(<float*>g)[0]
        return accumulate_uniform(x, value / divisor)
    cotangent_buffer(x, &where, &add)
    typed[x.layout.kernel].broadcast_backward(g, where, f.outer, f.reduced, f.inner, divisor, add)
    return 0


cdef int backward_sum(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    return share_equally(y, g, False)


cdef int backward_mean(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    return share_equally(y, g, True)


cdef int backward_extremum(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    """The max gate: the upstream gradient goes to the winners."""
    cdef Folded f
    cdef char* where
    cdef bint add
    cdef Tensor x = resolve(y.x1, y.gen1), source = contiguous(x)
    folded_of(y, x, &f)
    expect_contiguous(source)
    cotangent_buffer(x, &where, &add)
    typed[x.layout.kernel].extremum_backward(g, source.data, y.data, where, f.outer, f.reduced, f.inner, add)
    return 0


cdef int backward_sum_to(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Layout* whole = layout_contiguous(x.layout)
    cdef Layout* part = layout_contiguous(y.layout)
    cdef Py_ssize_t[64] strides
    cdef int k, lead = whole.ndim - part.ndim
    for k in range(whole.ndim):
        strides[k] = 0 if k < lead or part.shape[k - lead] == 1 else part.strides[k - lead]
    return accumulate_strided(x, whole, g, strides, 0, whole.strides)


cdef Tensor record_sum(int op, PyObject** given):
    return reduce(op, given, &helpers[<int>F64].add, &helpers[<int>F32].add,
                  False) if <object>given[3] is None else None


cdef Tensor record_mean(int op, PyObject** given):
    return reduce(op, given, &helpers[<int>F64].add, &helpers[<int>F32].add, True) if <object>given[3] is None else None


cdef Tensor record_max(int op, PyObject** given):
    return reduce(op, given, &helpers[<int>F64].maximum, &helpers[<int>F32].maximum, False)


cdef Tensor record_min(int op, PyObject** given):
    return reduce(op, given, &helpers[<int>F64].minimum, &helpers[<int>F32].minimum, False)


cdef dict axis_and_keepdims(Tensor y):
    return {"axis": parameter_of(y), "keepdims": y.layout.ndim == (<Tensor>edge1(y)).layout.ndim}


cdef int SUM = register_op("sum", "x axis keepdims dtype", record_sum, backward_sum, axis_and_keepdims)
cdef int MEAN = register_op("mean", "x axis keepdims dtype", record_mean, backward_mean, axis_and_keepdims)
cdef int MAX = register_op("max", "x axis keepdims", record_max, backward_extremum, axis_and_keepdims)
cdef int MIN = register_op("min", "x axis keepdims", record_min, backward_extremum, axis_and_keepdims)
cdef int SUM_TO = register_op("sum_to", "x shape", record_sum_to, backward_sum_to, node_shape)
