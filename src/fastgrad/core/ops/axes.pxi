# Ops along neighbouring axes, for which an array is one of (outer, n, inner). An op gives a kernel for each direction
# and says what its result looks like; recording and backward are shared. The rule handles other axes.

cdef struct Extents:
    Py_ssize_t outer
    Py_ssize_t n            # elements along the axes
    Py_ssize_t inner


cdef struct Along:          # the arguments of a kernel; all blocks are C-contiguous
    int dtype
    Extents e
    const char* x           # NULL in a backward that does not read it
    char* y
    const char* g
    char* gx
    bint add                # to gx, instead of setting it


cdef enum AlongResult:
    REDUCED                 # without the axes, or with axes of length 1: given[2] is `keepdims`
    WHOLE                   # of the shape of the operand
    SCANNED                 # likewise, and flat where the axis is None


ctypedef int (*AlongKernel)(const Along* a) except -1

cdef struct AlongRow:
    AlongKernel forward
    AlongKernel backward
    int result
    int dtype_at            # where `given` holds a dtype, which only the rule handles; 0: nowhere


cdef AlongRow[256] along    # by the number in Tensor.op


cdef Tensor record_along(int op, PyObject** given):
    cdef const AlongRow* row = &along[op]
    cdef Tensor x = given_tensor(given[0]), y, source
    cdef Along a
    cdef Layout* layout
    cdef PyObject* axis = given[1]
    cdef long long axes
    if (x is None or (row.dtype_at and <object>given[row.dtype_at] is not None)
            or (row.result == REDUCED and type(<object>given[2]) is not bool)
            or (row.result == SCANNED and type(<object>axis) is tuple)):
        return None
    layout = x.layout
    axes = read_extents(layout, <object>axis, &a.e)
    if axes < 0:
        return None
    check_fresh(x)
    source = contiguous(x)
    if row.result == REDUCED:
        layout = reduced_layout(layout, axes, <object>given[2] is True)
    elif row.result == SCANNED and <object>axis is None:
        layout = layout_get(layout.typenum, layout.itemsize, 1, &layout.size, NULL)
    else:
        layout = layout_contiguous(layout)
    y = new_tensor(layout)
    a.dtype = layout.kernel
    a.x = source.data
    a.y = y.data
    row.forward(&a)
    if link_wanted(y, op, x) and <object>axis is not None:
        keep_parameter(y, <object>axis)
    return y


cdef int backward_along(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef const AlongRow* row = &along[y.op]
    cdef Tensor x = resolve(y.x1, y.gen1), source
    cdef Along a
    recorded_extents(y, x, &a.e)
    a.dtype = y.layout.kernel
    a.x = NULL
    a.y = y.data
    a.g = g
    if table[y.op].reads & READS_X1:
        source = contiguous(x)
        expect_contiguous(source)
        a.x = source.data
    if row.result == REDUCED:
        a.gx = cotangent_buffer(x, &a.add)
    else:
        a.gx = cotangent_buffer_or_reuse(x, g, gs, &a.add)
    return row.backward(&a)


cdef dict params_along(Tensor y):
    params = {"axis": parameter_of(y)}
    if along[y.op].result == REDUCED:
        params["keepdims"] = y.layout.ndim == (<Tensor>edge1(y)).layout.ndim
    return params


cdef int recorded_extents(Tensor y, Tensor x, Extents* e) except -1:
    """The extents of a recorded op along axes of `x`."""
    split(x.layout, read_axes(x.layout, parameter_of(y)), e)
    return 0


cdef long long read_extents(const Layout* layout, object axis, Extents* e) except -2:
    """The axes as a mask, with their extents; -1 where there is no kernel for them, or no element along them."""
    cdef long long axes
    if layout.kernel == NO_KERNEL or layout.ndim > 62:
        return -1
    axes = read_axes(layout, axis)
    return axes if axes != -1 and split(layout, axes, e) and e.n > 0 else -1


cdef long long read_axes(const Layout* layout, object axis) except -2:
    """An exact int, a tuple of them, or None for all axes, as a mask; -1 where it is none of these or does not fit."""
    cdef unsigned long long mask = 0
    cdef Py_ssize_t k, a
    if axis is None:
        return (<long long>1 << layout.ndim) - 1
    if type(axis) is not tuple:
        return <long long>1 << a if read_axis(axis, layout.ndim, &a) else -1
    for k in range(len(<tuple>axis)):
        if not read_axis((<tuple>axis)[k], layout.ndim, &a) or (mask >> a) & 1:
            return -1
        mask |= <unsigned long long>1 << a
    return <long long>mask


cdef inline bint read_axis(object axis, int ndim, Py_ssize_t* out) except -1:
    """An exact int as the number of one of `ndim` axes."""
    if not read_int(axis, out):
        return False
    if out[0] < 0:
        out[0] += ndim
    return 0 <= out[0] < ndim


cdef bint split(const Layout* layout, unsigned long long axes, Extents* e) noexcept nogil:
    """Whether the axes of the mask are neighbours, and the extents before, along and after them."""
    cdef int k, stage = 0
    e.outer = e.n = e.inner = 1
    for k in range(layout.ndim):
        if (axes >> k) & 1:
            if stage == 2:
                return False
            stage = 1
            e.n *= layout.shape[k]
        elif stage == 0:
            e.outer *= layout.shape[k]
        else:
            stage = 2
            e.inner *= layout.shape[k]
    return True


cdef Layout* reduced_layout(const Layout* layout, unsigned long long axes, bint keepdims) except NULL:
    cdef Py_ssize_t[64] shape
    cdef int k, ndim = 0
    for k in range(layout.ndim):
        if keepdims or not (axes >> k) & 1:
            shape[ndim] = 1 if (axes >> k) & 1 else layout.shape[k]
            ndim += 1
    return layout_get(layout.typenum, layout.itemsize, ndim, shape, NULL)


cdef int register_along(str name, str signature, int result, AlongKernel forward, AlongKernel backward,
                        BackwardOp own=backward_along) except -1:
    """Register an op along axes, whose first parameter is `axis`; `own` is a backward that calls no kernel."""
    cdef int op = register_op(name, signature, record_along, own, params_along)
    along[op].forward = forward
    along[op].backward = backward
    along[op].result = result
    along[op].dtype_at = len(signature.split()) - 1 if signature.endswith(" dtype") else 0
    return op
