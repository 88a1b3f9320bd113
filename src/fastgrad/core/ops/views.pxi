# Views: the same memory under another layout. No copy, and a node whose backward puts the cotangent back in its place.
# What cannot be done gives None: the rule then says why, in NumPy's own way. Nor are parameters read here that are not
# exact ints and tuples: the rule's `prepare` makes them so, once, and comes back.

cdef object shape_tuple(const Layout* layout):
    return numbers_tuple(layout.shape, layout.ndim)


cdef tuple numbers_tuple(const Py_ssize_t* numbers, int n):
    cdef tuple made = PyTuple_New(n)
    cdef object number
    for k in range(n):
        number = numbers[k]
        Py_INCREF(number)       # PyTuple_SET_ITEM takes it
        PyTuple_SET_ITEM(made, k, number)
    return made


cdef Tensor view_of(int op, Tensor x, Layout* layout, Py_ssize_t offset):
    """A recorded view of `x`, from `offset` bytes on."""
    cdef Tensor y
    check_fresh(x)
    move_out(x)
    y = adopt(layout, x.storage, x.data + offset)
    y.flags |= VIEW
    y.saved = version_of(x)
    if x.flags & REQUIRES_GRAD and fg_grad_off == 0:
        link1(y, op, x)
    return y


cdef int read_shape(object shape, Py_ssize_t* out) except -2:
    """A shape, of exact ints that fit; returns the number of axes, -1 where it is none."""
    cdef int k, ndim
    if type(shape) is int:
        return 1 if read_int(shape, out) else -1
    if type(shape) is not tuple or len(<tuple>shape) > MAX_NDIM:
        return -1
    ndim = <int>len(<tuple>shape)
    for k in range(ndim):
        if not read_int((<tuple>shape)[k], out + k):
            return -1
    return ndim


cdef inline bint read_int(object o, Py_ssize_t* out) except -1:
    """An exact int that fits. Runs nobody's code."""
    cdef int overflow = 0
    if type(o) is not int:
        return False
    out[0] = <Py_ssize_t>PyLong_AsLongLongAndOverflow(o, &overflow)
    return overflow == 0


cdef bint strides_kept(const Layout* layout, int ndim, const Py_ssize_t* dims, Py_ssize_t* strides) noexcept:
    """Strides with which the memory of `layout`, not in C order and not empty, is an array of `dims` in C order; False
    where there are none. Runs of axes that make the same number of elements are paired, and those of `layout` must lie
    as one."""
    cdef Py_ssize_t[64] length
    cdef Py_ssize_t[64] step
    cdef Py_ssize_t old, new
    cdef int n = 0, at = 0, k, start, j
    for k in range(layout.ndim):
        if layout.shape[k] != 1:
            length[n] = layout.shape[k]
            step[n] = layout.strides[k]
            n += 1
    k = 0
    while k < n:
        start = at
        while at < ndim and dims[at] == 1:
            at += 1
        old = length[k]
        new = dims[at]
        while old != new:
            if new < old:
                at += 1
                new *= dims[at]
            else:
                if step[k] != length[k + 1] * step[k + 1]:
                    return False
                k += 1
                old *= length[k]
        strides[at] = step[k]
        for j in range(at, start, -1):
            strides[j - 1] = strides[j] * dims[j]
        k += 1
        at += 1
    for k in range(at, ndim):
        strides[k] = layout.itemsize
    return True


cdef Tensor reshape(Tensor x, object shape):
    cdef Py_ssize_t[64] dims
    cdef Py_ssize_t[64] strides
    cdef int ndim = read_shape(shape, dims), k, unknown = -1
    cdef Py_ssize_t known = 1
    cdef Tensor source = x
    if ndim < 0:
        return None
    for k in range(ndim):
        if dims[k] == -1 and unknown < 0:
            unknown = k
        elif dims[k] < 0:
            return None
        elif dims[k] > 0 and known > (<Py_ssize_t>1 << 62) // dims[k]:
            return None
        else:
            known *= dims[k]
    if unknown >= 0:
        if known == 0 or x.layout.size % known != 0:
            return None
        dims[unknown] = x.layout.size // known
        known *= dims[unknown]
    if known != x.layout.size:
        return None
    cdef Layout* layout = layout_get(x.layout.typenum, x.layout.itemsize, ndim, dims, NULL)
    if x.layout.flags & C_CONTIGUOUS:
        return view_of(RESHAPE, x, layout, 0)
    if known and strides_kept(x.layout, ndim, dims, strides):
        return view_of(RESHAPE, x, layout_get(x.layout.typenum, x.layout.itemsize, ndim, dims, strides), 0)
    cdef Tensor y
    check_fresh(x)
    source = private_copy(x)
    move_out(source)
    y = adopt(layout, source.storage, source.data)
    if wants_grad(x):
        link1(y, RESHAPE, x)
    return y


cdef Tensor permute_dims(Tensor x, object axes):
    """Axes in the order of `axes`; None reverses them."""
    cdef Py_ssize_t[64] shape
    cdef Py_ssize_t[64] strides
    cdef int ndim = x.layout.ndim, k
    cdef unsigned long long seen = 0
    cdef Py_ssize_t axis
    if axes is not None and (type(axes) is not tuple or len(<tuple>axes) != ndim):
        return None
    for k in range(ndim):
        if axes is None:
            axis = ndim - 1 - k
        elif not read_int((<tuple>axes)[k], &axis):
            return None
        if axis < 0:
            axis += ndim
        if axis < 0 or axis >= ndim or (seen >> axis) & 1:
            return None
        seen |= <unsigned long long>1 << axis
        shape[k] = x.layout.shape[axis]
        strides[k] = x.layout.strides[axis]
    cdef Tensor y = view_of(PERMUTE_DIMS, x, layout_get(x.layout.typenum, x.layout.itemsize, ndim, shape, strides), 0)
    if y.op != LEAF and axes is not None:
        keep_parameter(y, axes)
    return y


cdef Tensor broadcast_to(Tensor x, object shape):
    cdef Py_ssize_t[64] dims
    cdef Py_ssize_t[64] strides
    cdef int ndim = read_shape(shape, dims), k, lead = ndim - x.layout.ndim
    if lead < 0:
        return None
    for k in range(ndim):
        if k < lead or (x.layout.shape[k - lead] == 1 and dims[k] != 1):
            strides[k] = 0
            if dims[k] < 0:
                return None
        elif x.layout.shape[k - lead] == dims[k]:
            strides[k] = x.layout.strides[k - lead]
        else:
            return None
    return view_of(BROADCAST_TO, x, layout_get(x.layout.typenum, x.layout.itemsize, ndim, dims, strides), 0)


cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object o, int* overflow) except? -1
    ctypedef struct PySliceObject:
        PyObject* start
        PyObject* stop
        PyObject* step
    int PySlice_Unpack(object s, Py_ssize_t* start, Py_ssize_t* stop, Py_ssize_t* step) except -1
    Py_ssize_t PySlice_AdjustIndices(Py_ssize_t length, Py_ssize_t* start, Py_ssize_t* stop, Py_ssize_t step)


cdef int accumulate_strided(Tensor x, const Layout* part, const char* g, const Py_ssize_t* g_strides, Py_ssize_t offset,
                            const Py_ssize_t* strides) except -1:
    """Add `g`, of the shape of `part`, to the cotangent of `x` at an offset in bytes."""
    cdef char* where
    cdef bint add
    cotangent_buffer(x, &where, &add)
    if not add and part.size != x.layout.size:
        memset(where, 0, x.layout.nbytes)
    if add:
        add_strided(x.layout.kernel, part, g, g_strides, where + offset, strides)
    else:
        copy_strided(x.layout.itemsize, part, g, g_strides, where + offset, strides)
    return 0


cdef int backward_reshape(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    return accumulate(x, g, gs if not is_small(x.layout) else NULL)


cdef int backward_permute_dims(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Layout* whole = layout_contiguous(x.layout)
    cdef Layout* part = layout_contiguous(y.layout)
    cdef Py_ssize_t[64] strides
    cdef int k
    axes = parameter_of(y)
    for k in range(part.ndim):
        strides[k] = whole.strides[(axes[k] if axes is not None else part.ndim - 1 - k) % part.ndim]
    return accumulate_strided(x, part, g, part.strides, 0, strides)


cdef int backward_broadcast_to(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef char* where
    cdef bint add
    cotangent_buffer(x, &where, &add)
    return sum_into(layout_contiguous(y.layout), g, layout_contiguous(x.layout), where, add)


cdef Tensor record_reshape(int op, PyObject** given):
    x = given_tensor(given[0])
    return reshape(<Tensor>x, <object>given[1]) if x is not None and type(<object>given[1]) is tuple else None


cdef Tensor record_permute_dims(int op, PyObject** given):
    x = given_tensor(given[0])
    return permute_dims(<Tensor>x, <object>given[1]) if x is not None and type(<object>given[1]) is tuple else None


cdef Tensor record_broadcast_to(int op, PyObject** given):
    x = given_tensor(given[0])
    return broadcast_to(<Tensor>x, <object>given[1]) if x is not None and type(<object>given[1]) is tuple else None


cdef dict node_shape(Tensor y):
    return {"shape": shape_tuple(y.layout)}


cdef dict node_axes(Tensor y):
    axes = parameter_of(y)
    return {"axes": tuple(range(y.layout.ndim))[::-1] if axes is None else axes}


cdef int RESHAPE = register_op("reshape", "x shape", record_reshape, backward_reshape, node_shape)
cdef int PERMUTE_DIMS = register_op("permute_dims", "x axes", record_permute_dims, backward_permute_dims, node_axes)
cdef int BROADCAST_TO = register_op("broadcast_to", "x shape", record_broadcast_to, backward_broadcast_to, node_shape)
