# Ops along neighbouring axes, for which an array is one of (outer, n, inner). An op gives a kernel for each direction
# and says what its result looks like; recording and backward are shared. The rule handles other axes.

cdef enum AlongResult:
    REDUCED                 # without the axes, or with axes of length 1 if `keepdims`
    WHOLE                   # of the shape of the operand
    SCANNED                 # likewise, and flat where the axis is None


ctypedef Py_ssize_t (*AxisScratch)(Py_ssize_t n, Py_ssize_t inner) noexcept nogil       # elements

cdef struct AlongRow:       # arrays are by KernelDType
    int result
    int keepdims_at         # where `given` holds `keepdims`,
    int dtype_at            # a dtype, which only the rule handles,
    int number_at           # and a number for the kernels; 0: nowhere
    AxisForward[2] forward
    AxisBackward[2] backward
    AxisScratch forward_scratch         # NULL: none
    AxisScratch backward_scratch
    BoundLoop* loop[2]      # of NumPy, in place of `forward`: the op is a reduction by it
    bint mean               # the reduction is divided by n


cdef AlongRow[256] along    # by the number in Tensor.op


cdef Tensor record_along(int op, PyObject** given):
    cdef const AlongRow* row = &along[op]
    cdef Tensor x = given_tensor(given[0]), y, source
    cdef Extents e
    cdef Outside o
    cdef PyObject* axis = given[1]
    e.number = 0
    if (x is None or (row.dtype_at and <object>given[row.dtype_at] is not None)
            or (row.keepdims_at and type(<object>given[row.keepdims_at]) is not bool)
            or (row.number_at and not small_number(<object>given[row.number_at], &e.number))
            or (row.result == SCANNED and type(<object>axis) is tuple)):
        return None
    cdef Layout* layout = x.layout
    cdef int dtype = layout.kernel
    cdef long long axes = read_extents(layout, <object>axis, &e)
    if axes < 0 or e.number >= e.n:         # the second: not finite, for which the rule warns as NumPy does
        return None
    cdef bint waits = (postponed_values != NULL and row.loop[dtype] == &helpers[dtype].add
                       and can_sum_postponed(x, &e))
    if waits:
        source = x
    else:
        check_fresh(x)
        source = contiguous(x)
    if row.result == REDUCED:
        layout = reduced_layout(layout, axes, <object>given[row.keepdims_at] is True)
    elif row.result == SCANNED and <object>axis is None:
        layout = layout_get(layout.typenum, layout.itemsize, 1, &layout.size, NULL)
    else:
        layout = layout_contiguous(layout)
    y = new_tensor(layout)
    o.left = False
    if row.loop[dtype] != NULL:
        if waits:
            sum_postponed(x, &e, y.data)
        else:
            go_outside(&o, source.layout.nbytes, x, None, None, NULL, NULL)
            reduce_door(row.loop[dtype], source.data, &e, layout.itemsize, y.data)
            come_back(&o)
        if row.mean:
            divide_door(dtype, y.data, layout.size, <double>e.n)
    elif row.forward_scratch == NULL:
        go_outside(&o, source.layout.nbytes, x, None, None, NULL, NULL)
        axis_forward_door(row.forward[dtype], source.data, y.data, NULL, &e)
        come_back(&o)
    else:
        scratch = storage_new(row.forward_scratch(e.n, e.inner) * layout.itemsize)
        go_outside(&o, source.layout.nbytes, x, None, None, NULL, NULL)
        axis_forward_door(row.forward[dtype], source.data, y.data, payload(scratch), &e)
        come_back(&o)
        storage_release(scratch)
    if wants_grad(x):       # `link_wanted` is not inlined here
        check_unwritten(&o, op, x, None, None)
        link1(y, op, guarded(x, op, READS_X1))
        if e.number != 0 or (row.number_at and <object>axis is not None):
            keep_parameter(y, (<object>axis, e.number))
        elif <object>axis is not None:
            keep_parameter(y, <object>axis)
    return y


cdef int backward_along(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef const AlongRow* row = &along[y.op]
    cdef Tensor x = resolve(y.x1, y.gen1), source = None
    cdef Extents e
    cdef Outside o
    cdef bint add
    cdef Storage* scratch = NULL
    split(x.layout, read_axes(x.layout, along_axis(y, &e.number)), &e)
    if table[y.op].reads & READS_X1:
        source = contiguous(x)
        expect_contiguous(source)
    if row.result == REDUCED:
        gx = cotangent_buffer(x, &add)
    else:
        gx = cotangent_buffer_or_reuse(x, g, gs, &add)
    if row.backward_scratch != NULL:
        scratch = storage_new(row.backward_scratch(e.n, e.inner) * y.layout.itemsize)
    go_outside(&o, x.layout.nbytes, x, y, None, gs, cotangent_block(x))
    axis_backward_door(row.backward[y.layout.kernel], g, data_or_null(source),
                       y.data, gx, NULL if scratch == NULL else payload(scratch), &e, add)
    come_back(&o)
    if scratch != NULL:
        storage_release(scratch)
    return 0


cdef object along_axis(Tensor y, double* number):
    """The axis of a node, and the number of an op that has one, else 0."""
    parameter = parameter_of(y)
    number[0] = 0
    if along[y.op].number_at and parameter is not None:
        parameter, number[0] = parameter
    return parameter


cdef dict params_along(Tensor y):
    cdef double number
    params = {"axis": along_axis(y, &number)}
    if along[y.op].result == REDUCED:
        params["keepdims"] = y.layout.ndim == (<Tensor>edge1(y)).layout.ndim
    return params


cdef long long read_extents(const Layout* layout, object axis, Extents* e) except -2:
    """The axes as a mask, with their extents; -1 where there is no kernel for them, or no element along them."""
    if layout.kernel == NO_KERNEL or layout.ndim > 62:
        return -1
    cdef long long axes = read_axes(layout, axis)
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


cdef inline void extents_at(const Layout* layout, int first, int end, Extents* e) noexcept nogil:
    """The extents before, along and after the axes from `first` to `end`."""
    cdef int k
    e.outer = e.n = e.inner = 1
    for k in range(first):
        e.outer *= layout.shape[k]
    for k in range(first, end):
        e.n *= layout.shape[k]
    for k in range(end, layout.ndim):
        e.inner *= layout.shape[k]
    if e.n == 0 or e.inner == 0:
        e.outer = 0         # no elements: kernels iterate over `outer`, which may be 2**40


cdef bint split(const Layout* layout, unsigned long long axes, Extents* e) noexcept nogil:
    """The extents of the axes of a mask; False where these are not neighbours."""
    cdef int first = 0, end
    while first < layout.ndim and not (axes >> first) & 1:
        first += 1
    end = first
    while end < layout.ndim and (axes >> end) & 1:
        end += 1
    extents_at(layout, first, end, e)
    return end == layout.ndim or axes >> end == 0


cdef Layout* reduced_layout(const Layout* layout, unsigned long long axes, bint keepdims) except NULL:
    cdef Py_ssize_t[64] shape
    cdef int k, ndim = 0
    for k in range(layout.ndim):
        if keepdims or not (axes >> k) & 1:
            shape[ndim] = 1 if (axes >> k) & 1 else layout.shape[k]
            ndim += 1
    return layout_get(layout.typenum, layout.itemsize, ndim, shape, NULL)


cdef int register_along(str name, str signature, int result, AxisForward* forward, AxisBackward* backward,
                        BackwardOp own=backward_along) except -1:
    """Register an op along axes, whose first parameter is `axis`. Kernels are given by their members of `typed[F64]`;
    `own` is a backward that calls no kernel."""
    cdef int op = register_op(name, signature, record_along, own, params_along), k
    cdef AlongRow* row = &along[op]
    row.result = result
    names = signature.split()
    row.keepdims_at = names.index("keepdims") if result == REDUCED else 0
    row.dtype_at = names.index("dtype") if "dtype" in names else 0
    row.number_at = names.index("ddof") if "ddof" in names else 0
    for k in range(2):
        if forward != NULL:
            row.forward[k] = (<AxisForward*>(<char*>forward + k * sizeof(KernelSet)))[0]
        if backward != NULL:
            row.backward[k] = (<AxisBackward*>(<char*>backward + k * sizeof(KernelSet)))[0]
    return op


cdef int register_reduction(str name, str signature, BoundLoop* loop, AxisBackward* backward,
                            BackwardOp own=backward_along) except -1:
    """As `register_along`, of a reduction by NumPy's loop, given by its member of `helpers[F64]`."""
    cdef int op = register_along(name, signature, REDUCED, NULL, backward, own), k
    for k in range(2):
        along[op].loop[k] = <BoundLoop*>(<char*>loop + k * sizeof(Helpers))
    return op
