# Indexing by integer arrays: x[index], x[rows, columns], x[:, index], x[mask]. The arrays are read once, into the
# places they name of an (outer, n, inner) view of x; the places stay for the backward, the arrays need not.

cdef struct Places:
    int lead                # axes before those indexed
    int trail               # axes after them that the key names
    int axes                # indexed
    int ndim                # of the index arrays, broadcast against each other
    Py_ssize_t[64] shape
    Py_ssize_t count
    Py_ssize_t outer
    Py_ssize_t n
    Py_ssize_t inner
    Storage* at             # `count` numbers below n


cdef inline bint is_full_slice(object o):
    return type(o) is slice and (<object>o).start is None and (<object>o).stop is None and (<object>o).step is None


cdef inline bint is_index_array(cnp.ndarray a):
    """Whether the array is read as it is: C-contiguous int64."""
    cdef int typenum = cnp.PyArray_TYPE(a)
    return ((typenum == cnp.NPY_LONG or typenum == cnp.NPY_LONGLONG) and PyArray_ITEMSIZE(a) == 8
            and cnp.PyArray_IS_C_CONTIGUOUS(a) and PyArray_ISALIGNED(a) and PyArray_ISNOTSWAPPED(a))


cdef object index_array(object o):
    """An index array as C-contiguous int64; None for what is none, or would have to be checked for overflow."""
    if type(o) is Tensor:
        o = array_view(<Tensor>o, o, False)
    if type(o) is int or isinstance(o, np.integer):
        o = np.asarray(o)
    if not PyArray_Check(o):
        return None
    cdef cnp.ndarray a = o
    cdef int typenum = cnp.PyArray_TYPE(a)
    if is_index_array(a):
        return a
    if (cnp.PyTypeNum_ISSIGNED(typenum) and cnp.PyTypeNum_ISINTEGER(typenum)
            or cnp.PyTypeNum_ISUNSIGNED(typenum) and PyArray_ITEMSIZE(a) < 8):
        return np.array(a, np.int64, order="C")     # array, which keeps 0-d ones what they are
    return None


cdef bint same_shapes(cnp.ndarray a, cnp.ndarray b) noexcept:
    """As NumPy itself has it: a subclass may tell something else."""
    cdef int n = cnp.PyArray_NDIM(a)
    return n == cnp.PyArray_NDIM(b) and (n == 0
                                         or memcmp(cnp.PyArray_DIMS(a), cnp.PyArray_DIMS(b),
                                                   n * sizeof(Py_ssize_t)) == 0)


cdef list index_arrays(tuple key):
    """The index arrays of a key, of one shape; None where there is another part, or where they do not broadcast."""
    cdef list arrays = [], parts
    for part in key:
        a = index_array(part)
        if a is None:
            return None
        arrays.append(a)
    for a in arrays:
        if not same_shapes(a, arrays[0]):
            break
    else:
        return arrays
    try:
        parts = list(np.broadcast_arrays(*arrays))
    except ValueError:
        return None
    arrays = []
    for a in parts:
        arrays.append(np.array(a, order="C"))
    return arrays


cdef bint read_places(const Layout* layout, object key, Places* p) except -1:
    """Take a key apart; False where it is of another kind, or out of bounds: the rule says so. `at` is the caller's to
    release."""
    cdef int k, first = 0, last
    cdef cnp.ndarray a
    cdef list arrays
    cdef bint dots = False
    cdef tuple parts
    p.at = NULL
    p.lead = p.trail = 0
    if PyArray_Check(key) and is_index_array(<cnp.ndarray>key):
        return read_index(layout, key, p)
    parts = key if type(key) is tuple else (key,)
    last = <int>len(parts)
    if type(key) is tuple:
        dots = last > 0 and parts[0] is Ellipsis
        first = 1 if dots else 0
        while not dots and first < last and is_full_slice(parts[first]):
            first += 1
        p.lead = layout.ndim - (last - 1) if dots else first
        while last > first and is_full_slice(parts[last - 1]):
            last -= 1
            p.trail += 1
        parts = parts[first:last]
        by_arrays = False
        for part in parts:
            by_arrays = by_arrays or PyArray_Check(part) or type(part) is Tensor
        if p.lead < 0 or not by_arrays:
            return False
    if len(parts) == 1:
        part = parts[0]
        if type(part) is Tensor and (<Tensor>part).layout.typenum == cnp.NPY_BOOL:
            part = array_view(<Tensor>part, part, False)
        if PyArray_Check(part) and cnp.PyArray_TYPE(<cnp.ndarray>part) == cnp.NPY_BOOL:
            return not (dots and cnp.PyArray_NDIM(<cnp.ndarray>part) != 1) and read_mask(layout, part, p)
    arrays = index_arrays(parts)
    if arrays is None:
        return False
    a = arrays[0]
    p.axes = <int>len(arrays)
    p.ndim = cnp.PyArray_NDIM(a)
    p.count = cnp.PyArray_SIZE(a)
    for k in range(p.ndim):
        p.shape[k] = cnp.PyArray_DIMS(a)[k]
    if not fit_places(layout, p) or (p.count == 0 and p.axes > 1):
        return False        # of several arrays without elements NumPy looks at the bounds all the same
    p.at = storage_new(p.count * sizeof(Py_ssize_t))
    for k in range(p.axes):
        a = arrays[k]
        if cnp.PyArray_SIZE(a) != p.count or not combine_index(<Py_ssize_t*>cnp.PyArray_DATA(a), p.count,
                layout.shape[p.lead + k], <Py_ssize_t*>payload(p.at), k == 0):
            storage_release(p.at)
            p.at = NULL
            return False
    return True


cdef bint read_index(const Layout* layout, cnp.ndarray a, Places* p) except -1:
    """Of one index array along axis `lead`."""
    cdef int k
    p.axes = 1
    p.ndim = cnp.PyArray_NDIM(a)
    p.count = cnp.PyArray_SIZE(a)
    for k in range(p.ndim):
        p.shape[k] = cnp.PyArray_DIMS(a)[k]
    if not fit_places(layout, p):
        return False
    p.at = storage_new(p.count * sizeof(Py_ssize_t))
    if not combine_index(<Py_ssize_t*>cnp.PyArray_DATA(a), p.count, layout.shape[p.lead], <Py_ssize_t*>payload(p.at),
                         True):
        storage_release(p.at)
        p.at = NULL
        return False
    return True


cdef bint fit_places(const Layout* layout, Places* p) noexcept:
    """The extents, for `lead`, `axes` and `ndim` that are known; False where the layout has fewer axes, or the result
    too many."""
    cdef int k
    if p.lead + p.axes + p.trail > layout.ndim or layout.ndim - p.axes + p.ndim > MAX_NDIM:
        return False
    p.outer = p.n = p.inner = 1
    for k in range(layout.ndim):
        if k < p.lead:
            p.outer *= layout.shape[k]
        elif k < p.lead + p.axes:
            p.n *= layout.shape[k]
        else:
            p.inner *= layout.shape[k]
    return True


cdef bint read_mask(const Layout* layout, cnp.ndarray mask, Places* p) except -1:
    """The places where a mask over the first axes holds. Another thread may write to it, in NumPy and without the GIL,
    while it is read: what is filled is what there was room for."""
    cdef int k
    cdef Py_ssize_t i, found = 0
    cdef const char* m
    cdef Py_ssize_t* at
    p.axes = cnp.PyArray_NDIM(mask)
    p.ndim = 1
    if p.axes == 0 or not cnp.PyArray_IS_C_CONTIGUOUS(mask) or not fit_places(layout, p):
        return False
    for k in range(p.axes):
        if cnp.PyArray_DIMS(mask)[k] != layout.shape[p.lead + k]:
            return False
    m = <const char*>cnp.PyArray_DATA(mask)
    for i in range(p.n):
        found += m[i] != 0
    p.at = storage_new(found * sizeof(Py_ssize_t))
    at = <Py_ssize_t*>payload(p.at)
    p.count = 0
    for i in range(p.n):
        if m[i] and p.count < found:
            at[p.count] = i
            p.count += 1
    p.shape[0] = p.count
    return True


cdef Layout* picked_layout(const Layout* layout, const Places* p) except NULL:
    """The layout of `x[key]`: the axes indexed give way to those of the index."""
    cdef Py_ssize_t[64] shape
    cdef int tail = layout.ndim - p.lead - p.axes
    memcpy(shape, layout.shape, p.lead * sizeof(Py_ssize_t))
    memcpy(shape + p.lead, p.shape, p.ndim * sizeof(Py_ssize_t))
    memcpy(shape + p.lead + p.ndim, layout.shape + p.lead + p.axes, tail * sizeof(Py_ssize_t))
    return layout_get(layout.typenum, layout.itemsize, p.lead + p.ndim + tail, shape, NULL)


cdef int keep_places(Tensor y, const Places* p) except -1:
    cdef NodeExtra extra = extra_of(y)
    extra.kept = storage_keep(p.at)
    extra.numbers[0] = p.lead
    extra.numbers[1] = p.axes
    extra.numbers[2] = p.ndim
    extra.numbers[3] = p.count
    return 0


cdef void kept_places(Tensor y, const Layout* indexed, Places* p) noexcept:
    """The places of a recorded node; `indexed` is the layout that they lie in."""
    cdef NodeExtra extra = <NodeExtra>y.extra
    p.lead = <int>extra.numbers[0]
    p.trail = 0
    p.axes = <int>extra.numbers[1]
    p.ndim = <int>extra.numbers[2]
    p.count = extra.numbers[3]
    p.at = extra.kept
    fit_places(indexed, p)


cdef Tensor getitem_array(Tensor x, object key):
    cdef Places p
    cdef Tensor y, source
    if x.layout.kernel == NO_KERNEL or not read_places(x.layout, key, &p):
        return None
    try:
        check_fresh(x)
        source = contiguous(x)
        y = new_tensor(picked_layout(x.layout, &p))
        gather(x.layout.itemsize, source.data, <Py_ssize_t*>payload(p.at), y.data, p.outer, p.n, p.inner, p.count)
        if wants_grad(x):
            link1(y, GATHER, x)
            keep_places(y, &p)
    finally:
        storage_release(p.at)
    return y


cdef dict gather_params(Tensor y):
    """The key of a recorded GATHER, made of its places."""
    cdef Places p
    cdef Tensor x = resolve(y.x1, y.gen1)
    kept_places(y, x.layout, &p)
    cdef Tensor places = adopt(layout_get(cnp.NPY_LONGLONG, 8, 1, &p.count, NULL), p.at, payload(p.at))
    shape = shape_tuple(x.layout)[p.lead : p.lead + p.axes]
    like = shape_tuple(y.layout)[p.lead : p.lead + p.ndim]
    parts = np.unravel_index(array_view(places, places, False), shape) if p.count else [np.zeros(0, np.intp)] * p.axes
    key = [slice(None)] * p.lead
    for part in parts:
        key.append(part.reshape(like))
    return {"key": tuple(key)}


cdef Tensor scatter_add(Tensor x, object key, object shape):
    """Zeros of `shape` with `x` added at `key`."""
    cdef Py_ssize_t[64] dims
    cdef int ndim, k
    cdef Places p
    cdef Tensor y, source
    cdef Layout* whole
    if x.layout.kernel == NO_KERNEL or type(shape) is not tuple:
        return None
    ndim = read_shape(shape, dims)
    for k in range(ndim):
        if dims[k] < 0:
            return None
    if ndim < 0:
        return None
    whole = layout_get(x.layout.typenum, x.layout.itemsize, ndim, dims, NULL)
    basic = basic_key(key)
    if basic is not None:
        return scatter_basic(x, basic, shape, whole)
    keep(whole)     # no tensor holds it yet, and an object that the collector finds may run code meanwhile
    p.at = NULL
    try:
        if not read_places(whole, key, &p) or not same_shape(picked_layout(whole, &p), x.layout):
            return None
        check_fresh(x)
        source = contiguous(x)
        y = new_tensor(whole)
        memset(y.data, 0, whole.nbytes)
        typed[whole.kernel].scatter_add(source.data, <Py_ssize_t*>payload(p.at), y.data, p.outer, p.n, p.inner, p.count)
        if wants_grad(x):
            link1(y, SCATTER_ADD, x)
            keep_places(y, &p)
            (<NodeExtra>y.extra).params = {"key": key, "shape": shape}
    finally:
        release(whole)
        if p.at != NULL:
            storage_release(p.at)
    return y


cdef Tensor scatter_basic(Tensor x, object key, object shape, Layout* whole):
    """Of a key of integers, slices, Ellipsis and None."""
    cdef Py_ssize_t[64] part
    cdef Py_ssize_t[64] strides
    cdef Py_ssize_t offset
    cdef Tensor y
    cdef int ndim = parse_key(whole, key, part, strides, &offset)
    if ndim != x.layout.ndim or (ndim and memcmp(part, x.layout.shape, ndim * sizeof(Py_ssize_t)) != 0):
        return None
    check_fresh(x)
    y = new_tensor(whole)
    memset(y.data, 0, whole.nbytes)
    copy_strided(whole.itemsize, x.layout, x.data, x.layout.strides, y.data + offset, strides)
    if wants_grad(x):
        link1(y, SCATTER_ADD, x)
        extra_of(y).params = {"key": key, "shape": shape}
    return y


cdef int backward_gather(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    """What was read at a place adds up there."""
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Places p
    cdef char* where
    cdef bint add
    kept_places(y, x.layout, &p)
    cotangent_buffer(x, &where, &add)
    if not add:
        memset(where, 0, x.layout.nbytes)
    typed[x.layout.kernel].scatter_add(g, <Py_ssize_t*>payload(p.at), where, p.outer, p.n, p.inner, p.count)
    return 0


cdef int backward_scatter_add(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    """What was added to a place gets its cotangent."""
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Places p
    cdef Py_ssize_t[64] shape
    cdef Py_ssize_t[64] strides
    cdef Py_ssize_t offset
    cdef char* where
    cdef bint add
    cdef Layout* layout = layout_contiguous(x.layout)
    cdef NodeExtra extra = <NodeExtra>y.extra
    if extra.kept == NULL:
        parse_key(y.layout, extra.params["key"], shape, strides, &offset)
    cotangent_buffer(x, &where, &add)
    if extra.kept == NULL:
        if add:
            add_strided(layout.kernel, layout, g + offset, strides, where, layout.strides)
        else:
            copy_strided(layout.itemsize, layout, g + offset, strides, where, layout.strides)
        return 0
    kept_places(y, y.layout, &p)
    if add:
        typed[layout.kernel].gather_add(g, <Py_ssize_t*>payload(p.at), where, p.outer, p.n, p.inner, p.count)
    else:
        gather(layout.itemsize, g, <Py_ssize_t*>payload(p.at), where, p.outer, p.n, p.inner, p.count)
    return 0


cdef Tensor record_scatter_add(int op, PyObject** given):
    x = given_tensor(given[0])
    return scatter_add(<Tensor>x, <object>given[1], <object>given[2]) if x is not None else None


cdef int GATHER = register_op("getitem", "x key", NULL, backward_gather, gather_params)
cdef int SCATTER_ADD = register_op("scatter_add", "x key shape", record_scatter_add, backward_scatter_add, NULL, True)
