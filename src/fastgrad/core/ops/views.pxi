# Views: the same memory under another layout, without a copy; the backward adds the cotangent at its place. The rule
# handles parameters that are not exact ints and tuples, and what does not fit: it raises in NumPy's words.

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object o, int* overflow) except? -1


cdef struct Geometry:       # of a view
    int ndim
    Py_ssize_t[64] shape
    Py_ssize_t[64] strides  # bytes
    Py_ssize_t offset       # bytes


cdef object shape_tuple(const Layout* layout):
    return numbers_tuple(layout.shape, layout.ndim)


cdef tuple numbers_tuple(const Py_ssize_t* numbers, int n):
    cdef tuple made = PyTuple_New(n)
    cdef object number
    for k in range(n):
        number = numbers[k]
        put_item(made, k, number)
    return made


cdef Tensor view_of(int op, Tensor x, Layout* layout, Py_ssize_t offset, object parameter=None):
    """A recorded view of `x`, from `offset` bytes on."""
    check_fresh(x)
    move_out(x)
    cdef Tensor y = adopt(layout, x.storage, x.data + offset)
    y.flags |= VIEW
    y.saved = version_of(x)
    if not link_wanted(y, op, x):
        note_base(y, x)
    elif parameter is not None:
        keep_parameter(y, parameter)
    return y


cdef int read_shape(object shape, Py_ssize_t* out) except -2:
    """Read a shape of exact ints; returns the number of axes, -1 where it is none."""
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
    """Read an exact int that fits. Runs no Python code."""
    cdef int overflow = 0
    if type(o) is not int:
        return False
    out[0] = <Py_ssize_t>PyLong_AsLongLongAndOverflow(o, &overflow)
    return overflow == 0


cdef bint complete_shape(Py_ssize_t size, Geometry* v) noexcept:
    """Replace a -1 in the shape; False where it is not one of `size` elements."""
    cdef int k, unknown = -1
    cdef Py_ssize_t known = 1
    for k in range(v.ndim):
        if v.shape[k] == -1 and unknown < 0:
            unknown = k
        elif v.shape[k] < 0 or (v.shape[k] > 0 and known > (<Py_ssize_t>1 << 62) // v.shape[k]):
            return False
        else:
            known *= v.shape[k]
    if unknown >= 0:
        if known == 0 or size % known:
            return False
        v.shape[unknown] = size // known
        known = size
    return known == size


cdef bint keep_strides(const Layout* layout, Geometry* v) noexcept:
    """Find strides that read the memory of `layout`, not C-contiguous and not empty, in C order as an array of the
    shape of `v`; False where there are none. Runs of axes with the same number of elements are paired, and those of
    `layout` must be contiguous among themselves."""
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
        while at < v.ndim and v.shape[at] == 1:
            at += 1
        old = length[k]
        new = v.shape[at]
        while old != new:
            if new < old:
                at += 1
                new *= v.shape[at]
            else:
                if step[k] != length[k + 1] * step[k + 1]:
                    return False
                k += 1
                old *= length[k]
        v.strides[at] = step[k]
        for j in range(at, start, -1):
            v.strides[j - 1] = v.strides[j] * v.shape[j]
        k += 1
        at += 1
    for k in range(at, v.ndim):
        v.strides[k] = layout.itemsize
    return True


cdef Tensor reshape(Tensor x, object shape):
    """A view where the strides allow one, otherwise a copy."""
    cdef Geometry v
    v.ndim = read_shape(shape, v.shape)
    if v.ndim < 0 or not complete_shape(x.layout.size, &v):
        return None
    cdef Layout* layout = layout_get(x.layout.typenum, x.layout.itemsize, v.ndim, v.shape, NULL)
    if x.layout.flags & C_CONTIGUOUS:
        return view_of(RESHAPE, x, layout, 0)
    if x.layout.size and keep_strides(x.layout, &v):
        return view_of(RESHAPE, x, layout_get(x.layout.typenum, x.layout.itemsize, v.ndim, v.shape, v.strides), 0)
    check_fresh(x)
    cdef Tensor source = private_copy(x)
    move_out(source)
    cdef Tensor y = adopt(layout, source.storage, source.data)
    link_wanted(y, RESHAPE, x)
    return y


cdef Tensor permute_dims(Tensor x, object axes):
    """The axes in the order of `axes`; None reverses them."""
    cdef Geometry v
    cdef int ndim = x.layout.ndim, k
    cdef unsigned long long seen = 0
    cdef Py_ssize_t axis
    if axes is not None and (type(axes) is not tuple or len(<tuple>axes) != ndim):
        return None
    for k in range(ndim):
        if axes is None:
            axis = ndim - 1 - k
        elif not read_axis((<tuple>axes)[k], ndim, &axis) or (seen >> axis) & 1:
            return None
        seen |= <unsigned long long>1 << axis
        v.shape[k] = x.layout.shape[axis]
        v.strides[k] = x.layout.strides[axis]
    return view_of(PERMUTE_DIMS, x, layout_get(x.layout.typenum, x.layout.itemsize, ndim, v.shape, v.strides), 0, axes)


cdef int accumulate_strided(Tensor x, const Layout* part, const char* g, Storage* gs, const Py_ssize_t* g_strides,
                            Py_ssize_t offset, const Py_ssize_t* strides) except -1:
    """Add `g`, of the shape of `part` and in the block `gs`, to the cotangent of `x` at an offset in bytes. The strides
    are those of `part`, or on the stack."""
    cdef bint add
    cdef Outside o
    cdef char* gx = cotangent_buffer(x, &add)
    cdef Py_ssize_t cleared = 0 if add or part.size == x.layout.size else x.layout.nbytes
    keep(<Layout*>part)
    go_outside(&o, part.nbytes + cleared, None, None, None, gs, cotangent_block(x))
    if cleared:
        zero_door(gx, cleared)
    if add:
        add_door(x.layout.kernel, part, g, g_strides, gx + offset, strides)
    else:
        copy_door(x.layout.itemsize, part, g, g_strides, gx + offset, strides)
    come_back(&o)
    release(<Layout*>part)
    return 0


cdef Tensor record_reshape(int op, PyObject** given):
    cdef Tensor x = given_tensor(given[0])
    return None if x is None else reshape(x, <object>given[1])


cdef int backward_reshape(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    return accumulate(x, g, gs if not is_small(x.layout) else NULL)


cdef Tensor record_permute_dims(int op, PyObject** given):
    cdef Tensor x = given_tensor(given[0])
    return None if x is None or <object>given[1] is None else permute_dims(x, <object>given[1])


cdef int backward_permute_dims(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Layout* whole = layout_contiguous(x.layout)
    cdef Layout* part = layout_contiguous(y.layout)
    cdef Py_ssize_t[64] strides
    permuted_strides(y, whole, strides)
    return accumulate_strided(x, part, g, gs, part.strides, 0, strides)


cdef Tensor record_broadcast_to(int op, PyObject** given):
    cdef Tensor x = given_tensor(given[0])
    cdef Geometry v
    cdef int k, lead
    if x is None:
        return None
    v.ndim = read_shape(<object>given[1], v.shape)
    lead = v.ndim - x.layout.ndim
    if lead < 0:
        return None
    for k in range(v.ndim):
        if k < lead or (x.layout.shape[k - lead] == 1 and v.shape[k] != 1):
            v.strides[k] = 0
            if v.shape[k] < 0:
                return None
        elif x.layout.shape[k - lead] == v.shape[k]:
            v.strides[k] = x.layout.strides[k - lead]
        else:
            return None
    return view_of(op, x, layout_get(x.layout.typenum, x.layout.itemsize, v.ndim, v.shape, v.strides), 0)


cdef int backward_broadcast_to(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    return accumulate_summed(resolve(y.x1, y.gen1), layout_contiguous(y.layout), g, gs)


# Forward mode: the same view of the tangent. A direction of `t` takes as many bytes as its tensor.

cdef Tensor push_reshape(Tensor y, Tensor t, Py_ssize_t batch):
    return reshaped(y, t, batch)


cdef Tensor pull_reshape(Tensor y, Tensor g, Py_ssize_t batch):
    return reshaped(resolve(y.x1, y.gen1), g, batch)


cdef void permuted_strides(Tensor y, const Layout* whole, Py_ssize_t* strides):
    """The strides of a permuted `y` in an operand of the layout `whole`."""
    cdef int k, ndim = y.layout.ndim
    axes = parameter_of(y)
    for k in range(ndim):
        strides[k] = whole.strides[(axes[k] if axes is not None else ndim - 1 - k) % ndim]


cdef Tensor push_permute_dims(Tensor y, Tensor t, Py_ssize_t batch):
    cdef Layout* whole = layout_contiguous(resolve(y.x1, y.gen1).layout)
    cdef Py_ssize_t[64] strides
    permuted_strides(y, whole, strides)
    return rearranged(y, t, batch, whole.nbytes, 0, strides)


cdef Tensor pull_permute_dims(Tensor y, Tensor g, Py_ssize_t batch):
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Py_ssize_t[64] strides
    permuted_strides(y, layout_contiguous(x.layout), strides)
    return placed(x, layout_contiguous(y.layout), g, batch, 0, strides)


cdef Tensor push_broadcast_to(Tensor y, Tensor t, Py_ssize_t batch):
    cdef Layout* whole = layout_contiguous(resolve(y.x1, y.gen1).layout)
    cdef Py_ssize_t[64] strides
    broadcast_strides(y.layout, whole, whole.strides, strides)
    return rearranged(y, t, batch, whole.nbytes, 0, strides)


cdef Tensor pull_broadcast_to(Tensor y, Tensor g, Py_ssize_t batch):
    return sum_to_operand(y, resolve(y.x1, y.gen1), g, batch)


cdef dict node_shape(Tensor y):
    return {"shape": shape_tuple(y.layout)}


cdef dict node_axes(Tensor y):
    axes = parameter_of(y)
    return {"axes": tuple(range(y.layout.ndim))[::-1] if axes is None else axes}


cdef int RESHAPE = register_op("reshape", "x shape", record_reshape, backward_reshape, node_shape)
cdef int PERMUTE_DIMS = register_op("permute_dims", "x axes", record_permute_dims, backward_permute_dims, node_axes)
cdef int BROADCAST_TO = register_op("broadcast_to", "x shape", record_broadcast_to, backward_broadcast_to, node_shape)
table[RESHAPE].push = push_reshape
table[PERMUTE_DIMS].push = push_permute_dims
table[BROADCAST_TO].push = push_broadcast_to
table[RESHAPE].pull = pull_reshape
table[PERMUTE_DIMS].pull = pull_permute_dims
table[BROADCAST_TO].pull = pull_broadcast_to
