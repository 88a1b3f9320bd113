# Indexing by ints, slices, None and Ellipsis: a view, or a copy of one element.

cdef inline Py_ssize_t slice_of(object s, Py_ssize_t length, Py_ssize_t* start, Py_ssize_t* step) except -1:
    cdef Py_ssize_t stop
    PySlice_Unpack(s, start, &stop, step)
    return PySlice_AdjustIndices(length, start, &stop, step[0])


cdef int parse_key(const Layout* layout, object key, Py_ssize_t* shape, Py_ssize_t* strides,
                   Py_ssize_t* offset) except -2:
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
    """A key of integers, slices, Ellipsis and None as such, its numbers exact ints; None where it is of another
    kind."""
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
    """As `parameters.key`, of a key that is basic. Numbers are asked for once, `__index__` of an object in place of an
    int too, and only when it is known that all the others are basic."""
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


cdef int backward_getitem(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Layout* whole = layout_contiguous(x.layout)
    cdef Layout* part = layout_contiguous(y.layout)
    cdef Py_ssize_t[64] shape
    cdef Py_ssize_t[64] strides
    cdef Py_ssize_t offset = 0
    parse_key(whole, parameter_of(y), shape, strides, &offset)
    return accumulate_strided(x, part, g, part.strides, offset, strides)


cdef Tensor record_getitem(int op, PyObject** given):
    cdef Tensor y
    x = given_tensor(given[0])
    if x is None:
        return None
    y = getitem_basic(<Tensor>x, <object>given[1])
    return y if y is not None else getitem_array(<Tensor>x, <object>given[1])


cdef dict index_key(Tensor y):
    return {"key": parameter_of(y)}


cdef int GETITEM = register_op("getitem", "x key", record_getitem, backward_getitem, index_key)
