# Views: the same memory under another layout. No copy, and a node whose backward puts the cotangent back in its place.
# What cannot be done gives None: the rule then says why, in NumPy's own way.

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
    """A shape given as an int or a sequence of ints; returns the number of axes, -1 where it is no shape."""
    cdef int ndim
    if type(shape) is not tuple:
        shape = (operator.index(shape),) if hasattr(shape, "__index__") else tuple(shape)
    if len(shape) > MAX_NDIM:
        return -1
    ndim = <int>len(shape)
    for k in range(ndim):
        out[k] = shape[k]
    return ndim


cdef bint strides_kept(const Layout* layout, int ndim, const Py_ssize_t* dims, Py_ssize_t* strides) noexcept:
    """Strides with which the memory of `layout`, not in C order and not empty, is an array of `dims` in C order; False where there
    are none. Runs of axes that make the same number of elements are paired, and those of `layout` must lie as one."""
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
    if axes is not None and len(axes) != ndim:
        return None
    for k in range(ndim):
        axis = ndim - 1 - k if axes is None else operator.index(axes[k])
        if axis < 0:
            axis += ndim
        if axis < 0 or axis >= ndim or (seen >> axis) & 1:
            return None
        seen |= <unsigned long long>1 << axis
        shape[k] = x.layout.shape[axis]
        strides[k] = x.layout.strides[axis]
    cdef Tensor y = view_of(PERMUTE_DIMS, x, layout_get(x.layout.typenum, x.layout.itemsize, ndim, shape, strides), 0)
    if y.op != LEAF and axes is not None:
        order_of = []
        for a in axes:
            order_of.append(operator.index(a))
        keep_parameter(y, tuple(order_of))
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
    Py_ssize_t PyNumber_AsSsize_t(object o, PyObject* overflow) except? -1     # clips where `overflow` is NULL
    int PySlice_Unpack(object s, Py_ssize_t* start, Py_ssize_t* stop, Py_ssize_t* step) except -1
    Py_ssize_t PySlice_AdjustIndices(Py_ssize_t length, Py_ssize_t* start, Py_ssize_t* stop, Py_ssize_t step)


cdef inline Py_ssize_t slice_of(object s, Py_ssize_t length, Py_ssize_t* start, Py_ssize_t* step) except -1:
    cdef Py_ssize_t stop
    PySlice_Unpack(s, start, &stop, step)
    return PySlice_AdjustIndices(length, start, &stop, step[0])


cdef int parse_key(const Layout* layout, object key, Py_ssize_t* shape, Py_ssize_t* strides, Py_ssize_t* offset) except -2:
    """Geometry of `x[key]` for integers, slices, Ellipsis and None; -1 where the key is of another kind."""
    cdef int axis = 0, made = 0, used = 0, k
    cdef Py_ssize_t start = 0, step = 1, i
    cdef bint ellipsis = False
    offset[0] = 0
    if type(key) is slice and layout.ndim == 1:     # x[a:b], what elementwise code on vectors is full of
        shape[0] = slice_of(key, layout.shape[0], &start, &step)
        strides[0] = layout.strides[0] * step
        if shape[0] > 0:
            offset[0] = start * layout.strides[0]
        return 1
    if type(key) is not tuple:
        key = (key,)
    for item in key:
        if type(item) is slice or type(item) is int:
            used += 1
        elif item is Ellipsis:
            if ellipsis:
                return -1
            ellipsis = True
        elif item is not None:
            if type(item) is bool or not hasattr(item, "__index__") or isinstance(item, (Tensor, ndarray_type)):
                return -1
            used += 1
    if used > layout.ndim:
        return -1
    if layout.ndim + len(key) > MAX_NDIM:
        return -1
    if not ellipsis and used < layout.ndim:
        key = key + (Ellipsis,)
    for item in key:
        if type(item) is slice:
            shape[made] = slice_of(item, layout.shape[axis], &start, &step)
            strides[made] = layout.strides[axis] * step
            if shape[made] > 0:
                offset[0] += start * layout.strides[axis]
            made += 1
            axis += 1
        elif item is Ellipsis:
            for k in range(layout.ndim - used):
                shape[made] = layout.shape[axis]
                strides[made] = layout.strides[axis]
                made += 1
                axis += 1
        elif item is None:
            shape[made] = 1
            strides[made] = 0
            made += 1
        else:
            i = PyNumber_AsSsize_t(item, NULL)
            if i < -layout.shape[axis] or i >= layout.shape[axis]:
                return -1
            offset[0] += (i + layout.shape[axis] if i < 0 else i) * layout.strides[axis]
            axis += 1
    return made


cdef inline bint is_fixed(object o):
    """Whether a part of a key means the same whenever it is asked."""
    cdef type t = type(o)
    return t is int or o is None or o is Ellipsis


cdef object fixed_key(object key):
    """A basic key as the backward may read it again: an object with `__index__` of its own could answer otherwise by then."""
    if type(key) is tuple:
        for part in key:
            if fixed_key(part) is not part:
                parts = []
                for one in key:
                    parts.append(fixed_key(one))
                return tuple(parts)
        return key
    if type(key) is slice:
        if is_fixed(key.start) and is_fixed(key.stop) and is_fixed(key.step):
            return key
        return slice(fixed_key(key.start), fixed_key(key.stop), fixed_key(key.step))
    return key if is_fixed(key) else operator.index(key)


cdef inline bint names_element(object key) noexcept:
    """Whether a key that leaves no axis has no Ellipsis: NumPy then gives a scalar, with one a 0-d view."""
    if type(key) is tuple:
        for part in <tuple>key:
            if part is Ellipsis:
                return False
        return True
    return key is not Ellipsis


cdef Tensor element_of(Tensor x, object key, Py_ssize_t offset):
    """One element, as a copy: what is written to `x` later does not change it, as with NumPy's scalars."""
    cdef Tensor y
    check_fresh(x)
    if x.layout.typenum == cnp.NPY_DOUBLE:
        y = float_tensor((<double*>(x.data + offset))[0])
    else:
        y = new_tensor(layout_get(x.layout.typenum, x.layout.itemsize, 0, NULL, NULL))
        memcpy(y.data, x.data + offset, x.layout.itemsize)
    if wants_grad(x):
        link1(y, GETITEM, x)
        keep_parameter(y, key)
    return y


cdef Tensor getitem_basic(Tensor x, object key):
    """A view, or a copy of one element; None where the key is not basic."""
    cdef Py_ssize_t[64] shape
    cdef Py_ssize_t[64] strides
    cdef Py_ssize_t offset
    cdef int ndim = parse_key(x.layout, key, shape, strides, &offset)
    if ndim < 0:
        return None
    if wants_grad(x):
        fixed = fixed_key(key)
        if fixed is not key:
            return getitem_basic(x, fixed)
    if ndim == 0 and names_element(key):
        return element_of(x, key, offset)
    cdef Layout* layout = layout_get(x.layout.typenum, x.layout.itemsize, ndim, shape, strides)
    cdef Tensor y = view_of(GETITEM, x, layout, offset)
    if y.op != LEAF:
        keep_parameter(y, key)
    return y
