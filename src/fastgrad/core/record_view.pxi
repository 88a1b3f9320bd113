# Views: the same memory under another layout. No copy, and a node whose backward puts the cotangent back in its place.
# What cannot be done gives None: the rule then says why, in NumPy's own way. Nor are parameters read here that are not exact ints
# and tuples: the rule's `prepare` makes them so, once, and comes back.

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


cdef inline Py_ssize_t slice_of(object s, Py_ssize_t length, Py_ssize_t* start, Py_ssize_t* step) except -1:
    cdef Py_ssize_t stop
    PySlice_Unpack(s, start, &stop, step)
    return PySlice_AdjustIndices(length, start, &stop, step[0])


cdef int parse_key(const Layout* layout, object key, Py_ssize_t* shape, Py_ssize_t* strides, Py_ssize_t* offset) except -2:
    """Geometry of `x[key]`, `key` a basic one; -1 where it names no elements of `x`."""
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
            return -1
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
            if not read_int(item, &i):
                return -1
            if i < -layout.shape[axis] or i >= layout.shape[axis]:
                return -1
            offset[0] += (i + layout.shape[axis] if i < 0 else i) * layout.strides[axis]
            axis += 1
    return made


cdef inline bint is_bound(PyObject* o) noexcept:
    return o == <PyObject*>None or type(<object>o) is int


cdef inline bint is_plain_slice(object s) noexcept:
    """Whether its bounds are exact ints, which mean the same whenever they are asked."""
    cdef PySliceObject* bounds = <PySliceObject*>s
    return is_bound(bounds.start) and is_bound(bounds.stop) and is_bound(bounds.step)


cdef object basic_key(object key):
    """A key of integers, slices, Ellipsis and None as such, its numbers exact ints; None where it is of another kind."""
    cdef Py_ssize_t k
    cdef tuple parts
    cdef type t = type(key)
    if t is tuple:
        parts = key
        for k in range(len(parts)):
            part = parts[k]
            t = type(part)
            if not (t is int or part is None or part is Ellipsis or (t is slice and is_plain_slice(part))):
                return made_basic(parts)
        return key
    if t is int or key is None or key is Ellipsis or (t is slice and is_plain_slice(key)):
        return key if key is not None else (None,)
    made = made_basic((key,))
    return made if made is None else made[0]


cdef object plain_bound(object o):
    return o if o is None else operator.index(o)


cdef tuple made_basic(tuple key):
    """As `parameters.key`, of a key that is basic. Numbers are asked for once, `__index__` of an object in place of an int too, and
    only when it is known that all the others are basic."""
    cdef list parts = []
    for part in key:
        if type(part) is not slice and part is not None and part is not Ellipsis:
            if isinstance(part, (bool, Tensor, ndarray_type)) or not hasattr(part, "__index__"):
                return None
    for part in key:
        if type(part) is slice:
            part = slice(plain_bound(part.start), plain_bound(part.stop), plain_bound(part.step))
        elif part is not None and part is not Ellipsis:
            part = operator.index(part)
        parts.append(part)
    return tuple(parts)


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
    cdef int ndim
    key = basic_key(key)
    if key is None:
        return None
    ndim = parse_key(x.layout, key, shape, strides, &offset)
    if ndim < 0:
        return None
    if ndim == 0 and names_element(key):
        return element_of(x, key, offset)
    cdef Layout* layout = layout_get(x.layout.typenum, x.layout.itemsize, ndim, shape, strides)
    cdef Tensor y = view_of(GETITEM, x, layout, offset)
    if y.op != LEAF:
        keep_parameter(y, key)
    return y
