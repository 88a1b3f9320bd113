# Indexing by ints, slices, None and Ellipsis: a view, or a copy of one element.

cdef extern from "Python.h":
    ctypedef struct PySliceObject:
        PyObject* start
        PyObject* stop
        PyObject* step
    int PySlice_Unpack(object s, Py_ssize_t* start, Py_ssize_t* stop, Py_ssize_t* step) except -1
    Py_ssize_t PySlice_AdjustIndices(Py_ssize_t length, Py_ssize_t* start, Py_ssize_t* stop, Py_ssize_t step)


cdef inline int add_slice(const Layout* layout, int axis, object s, Geometry* v) except -1:
    """Append a slice of an axis."""
    cdef Py_ssize_t start = 0, stop = 0, step = 1
    PySlice_Unpack(s, &start, &stop, &step)
    v.shape[v.ndim] = PySlice_AdjustIndices(layout.shape[axis], &start, &stop, step)
    v.strides[v.ndim] = layout.strides[axis] * step
    if v.shape[v.ndim] > 0:
        v.offset += start * layout.strides[axis]
    v.ndim += 1
    return 0


cdef inline void add_axes(const Layout* layout, int first, int end, Geometry* v) noexcept:
    """Append whole axes."""
    cdef int axis
    for axis in range(first, end):
        v.shape[v.ndim] = layout.shape[axis]
        v.strides[v.ndim] = layout.strides[axis]
        v.ndim += 1


cdef bint parse_key(const Layout* layout, object key, Geometry* v) except -1:
    """The geometry of `x[key]`, `key` a basic one; False where it names no elements of `x`."""
    cdef int axis = 0, used = 0
    cdef Py_ssize_t i
    cdef bint ellipsis = False
    v.ndim = 0
    v.offset = 0
    if type(key) is slice and layout.ndim:      # x[a:b], frequent in elementwise code
        add_slice(layout, 0, key, v)
        add_axes(layout, 1, layout.ndim, v)
        return True
    if type(key) is not tuple:
        key = (key,)
    for item in <tuple>key:
        if type(item) is slice or type(item) is int:
            used += 1
        elif item is Ellipsis:
            if ellipsis:
                return False
            ellipsis = True
        elif item is not None:
            return False
    if used > layout.ndim or layout.ndim + len(<tuple>key) > MAX_NDIM:
        return False
    for item in <tuple>key:
        if type(item) is slice:
            add_slice(layout, axis, item, v)
            axis += 1
        elif item is Ellipsis:
            add_axes(layout, axis, axis + layout.ndim - used, v)
            axis += layout.ndim - used
        elif item is None:
            v.shape[v.ndim] = 1
            v.strides[v.ndim] = 0
            v.ndim += 1
        else:
            if not read_int(item, &i) or i < -layout.shape[axis] or i >= layout.shape[axis]:
                return False
            v.offset += (i + layout.shape[axis] if i < 0 else i) * layout.strides[axis]
            axis += 1
    add_axes(layout, axis, layout.ndim, v)
    return True


cdef inline bint is_bound(PyObject* o) noexcept:
    return o == <PyObject*>None or type(<object>o) is int


cdef inline bint is_plain(object part) noexcept:
    """Whether a part of a key is basic, and its numbers exact ints, which mean the same whenever they are read."""
    if type(part) is slice:
        s = <PySliceObject*>part
        return is_bound(s.start) and is_bound(s.stop) and is_bound(s.step)
    return type(part) is int or part is None or part is Ellipsis


cdef object basic_key(object key):
    """A key of integers, slices, Ellipsis and None, its numbers exact ints; None where it is of another kind."""
    if type(key) is not tuple:
        if is_plain(key):
            return key if key is not None else (None,)
        made = made_basic((key,))
        return made if made is None else made[0]
    for part in <tuple>key:
        if not is_plain(part):
            return made_basic(key)
    return key


cdef object plain_number(object o):
    return o if o is None else operator.index(o)


cdef tuple made_basic(tuple key):
    """As `parameters.key`, of a key that is basic. Objects are asked for their `__index__` once, and only when all
    parts are known to be basic: NumPy's bools, which are masks, have one before NumPy 2.3."""
    for part in key:
        if type(part) is not slice and part is not None and part is not Ellipsis:
            if isinstance(part, (bool, np.bool_, Tensor, ndarray_type)) or not hasattr(part, "__index__"):
                return None
    return tuple([slice(plain_number(part.start), plain_number(part.stop), plain_number(part.step))
                  if type(part) is slice else part if part is Ellipsis else plain_number(part) for part in key])


cdef inline bint names_element(object key) noexcept:
    """Whether a key that leaves no axis has no Ellipsis: NumPy then returns a scalar, otherwise a 0-d view."""
    if type(key) is tuple:
        for part in <tuple>key:
            if part is Ellipsis:
                return False
        return True
    return key is not Ellipsis


cdef Tensor element_of(Tensor x, object key, Py_ssize_t offset):
    """One element, copied as NumPy's scalars are: later writes to `x` do not change it."""
    cdef Tensor y
    check_fresh(x)
    if x.layout.typenum == cnp.NPY_DOUBLE and fg_captures == 0:
        y = float_tensor((<double*>(x.data + offset))[0])
    else:
        y = new_tensor(layout_get(x.layout.typenum, x.layout.itemsize, 0, NULL, NULL))
        move_door(y.data, x.data + offset, x.layout.itemsize)
    if wants_grad(x):
        link1(y, GETITEM, x)
        keep_parameter(y, key)
    return y


cdef Tensor getitem_basic(Tensor x, object key):
    """A view, or a copy of one element; None where the key is not basic."""
    cdef Geometry v
    key = basic_key(key)
    if key is None or not parse_key(x.layout, key, &v):
        return None
    if v.ndim == 0 and names_element(key):
        return element_of(x, key, v.offset)
    return view_of(GETITEM, x, layout_get(x.layout.typenum, x.layout.itemsize, v.ndim, v.shape, v.strides), v.offset,
                   key)


cdef int backward_getitem(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Layout* whole = layout_contiguous(x.layout)
    cdef Layout* part = layout_contiguous(y.layout)
    cdef Geometry v
    parse_key(whole, parameter_of(y), &v)
    return accumulate_strided(x, part, g, gs, part.strides, v.offset, v.strides)


cdef Tensor push_getitem(Tensor y, Tensor t, Py_ssize_t batch):
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Layout* whole = layout_contiguous(x.layout)
    cdef Geometry v
    parse_key(whole, parameter_of(y), &v)
    return rearranged(y, t, batch, whole.nbytes, v.offset, v.strides)


cdef Tensor pull_getitem(Tensor y, Tensor g, Py_ssize_t batch):
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Geometry v
    parse_key(layout_contiguous(x.layout), parameter_of(y), &v)
    return placed(x, layout_contiguous(y.layout), g, batch, v.offset, v.strides)


cdef Tensor record_getitem(int op, PyObject** given):
    cdef Tensor x = given_tensor(given[0]), y
    if x is None:
        return None
    y = getitem_basic(x, <object>given[1])
    return y if y is not None else getitem_array(x, <object>given[1])


cdef dict index_key(Tensor y):
    return {"key": parameter_of(y)}


cdef int GETITEM = register_op("getitem", "x key", record_getitem, backward_getitem, index_key)
table[GETITEM].push = push_getitem
table[GETITEM].pull = pull_getitem
