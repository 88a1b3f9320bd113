# Running sums and products along an axis.

cdef Tensor scan(int op, PyObject** given, bint product):
    """Along one axis, or along the flattened operand where that is None."""
    cdef Folded f
    cdef Tensor x, y, source
    cdef Layout* layout
    cdef Scan forward
    first, axis = given_tensor(given[0]), <object>given[1]
    if first is None or <object>given[2] is not None or type(axis) is tuple:
        return None
    x = <Tensor>first
    layout = x.layout
    if not extents(layout, axis, &f):
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(layout_contiguous(layout) if axis is not None
                   else layout_get(layout.typenum, layout.itemsize, 1, &layout.size, NULL))
    forward = typed[layout.kernel].cumprod_forward if product else typed[layout.kernel].cumsum_forward
    forward(source.data, y.data, f.outer, f.reduced, f.inner)
    if wants_grad(x):
        link1(y, op, guarded(x, op, READS_X1))
        keep_parameter(y, axis)
    return y


cdef Tensor record_cumsum(int op, PyObject** given):
    return scan(op, given, False)


cdef int backward_cumsum(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Folded f
    cdef char* where
    cdef bint add
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Storage* scratch
    folded_of(y, x, &f)
    scratch = storage_new(f.inner * x.layout.itemsize)
    try:
        cotangent_buffer_or_reuse(x, g, gs, &where, &add)
        typed[y.layout.kernel].cumsum_backward(g, where, payload(scratch), f.outer, f.reduced, f.inner, add)
    finally:
        storage_release(scratch)
    return 0


cdef Tensor record_cumprod(int op, PyObject** given):
    return scan(op, given, True)


cdef int backward_cumprod(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Folded f
    cdef char* where
    cdef bint add
    cdef Tensor x = resolve(y.x1, y.gen1), source = contiguous(x)
    cdef Storage* scratch
    folded_of(y, x, &f)
    scratch = storage_new(f.inner * x.layout.itemsize)
    try:
        cotangent_buffer_or_reuse(x, g, gs, &where, &add)
        typed[y.layout.kernel].cumprod_backward(g, source.data, y.data, where, payload(scratch), f.outer, f.reduced,
                                                f.inner, add)
    finally:
        storage_release(scratch)
    return 0


cdef Tensor record_prod(int op, PyObject** given):
    return reduce(op, given, &helpers[<int>F64].multiply, &helpers[<int>F32].multiply,
                  False) if <object>given[3] is None else None


cdef int backward_prod(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Folded f
    cdef char* where
    cdef bint add
    cdef Tensor x = resolve(y.x1, y.gen1), source = contiguous(x)
    cdef Storage* scratch
    folded_of(y, x, &f)
    scratch = storage_new((3 * f.reduced + 64) * x.layout.itemsize)
    try:
        cotangent_buffer(x, &where, &add)
        typed[y.layout.kernel].prod_backward(g, source.data, y.data, where, payload(scratch), f.outer, f.reduced,
                                             f.inner, add)
    finally:
        storage_release(scratch)
    return 0


cdef int CUMSUM = register_op("cumsum", "x axis dtype", record_cumsum, backward_cumsum, node_axis)
cdef int CUMPROD = register_op("cumprod", "x axis dtype", record_cumprod, backward_cumprod, node_axis)
cdef int PROD = register_op("prod", "x axis keepdims dtype", record_prod, backward_prod, axis_and_keepdims)
