# Indexing by integer arrays: x[index], x[rows, columns], x[:, index], x[mask]. The arrays are read once, into places
# along the middle axis of (outer, n, inner). The backward keeps the places, not the arrays.

cdef extern from *:
    """
    /* Far from the code of short indices. */
    FG_COLD static int fg_combine_outside(const Py_ssize_t* index, Py_ssize_t count, Py_ssize_t n, Py_ssize_t* at,
                                          int first);
    """

cdef struct Places:
    int lead                # axes before those indexed
    int trail               # axes after them that the key names
    int axes                # indexed
    int ndim                # of the index arrays, broadcast against each other
    Py_ssize_t[64] shape
    Py_ssize_t count
    Extents e
    Storage* at             # `count` numbers below n


cdef inline bint is_full_slice(object o):
    return type(o) is slice and (<object>o).start is None and (<object>o).stop is None and (<object>o).step is None


cdef inline bint is_index_array(cnp.ndarray a):
    """Whether the array is C-contiguous int64, and read without a copy."""
    cdef int typenum = cnp.PyArray_TYPE(a)
    return ((typenum == cnp.NPY_LONG or typenum == cnp.NPY_LONGLONG) and PyArray_ITEMSIZE(a) == 8
            and cnp.PyArray_IS_C_CONTIGUOUS(a) and PyArray_ISALIGNED(a) and PyArray_ISNOTSWAPPED(a))


cdef object index_array(object o):
    """An index array as C-contiguous int64; None for other objects, and for integers that int64 may not hold."""
    if is_tensor(o):
        if fg_capture != NULL:
            return captured_index(<Tensor>o)
        o = array_view(<Tensor>o, o, False)
    elif fg_capture != NULL and PyArray_Check(o):
        note_array(<cnp.ndarray>o)
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
        return np.array(a, np.int64, order="C")     # np.ascontiguousarray would make 0-d arrays 1-d
    return None


cdef list index_arrays(tuple key):
    """The index arrays of a key, of one shape; None where it has other parts, or where they do not broadcast."""
    cdef list arrays = []
    cdef bint alike = True
    for part in key:
        a = index_array(part)
        if a is None:
            return None
        arrays.append(a)
        alike = alike and cnp.PyArray_SAMESHAPE(a, arrays[0])
    if alike:
        return arrays
    cdef list copies = [], shapes = []
    for a in arrays:
        shapes.append(a.shape)
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        return None
    for part, a in zip(key, arrays):
        if fg_capture != NULL and is_tensor(part):
            copies.append(captured_array("broadcast", partial(broadcast_index, shape=shape), <Tensor>part))
            continue
        copy = np.array(np.broadcast_to(a, shape), order="C")
        if fg_capture != NULL:
            note_array(<cnp.ndarray>copy)
        copies.append(copy)
    return copies


cdef object captured_index(Tensor x):
    """`index_array` of a Tensor, which a program reads, or copies, at every replay."""
    capture_operand(x)
    a = array_view(x, x, False)
    if is_index_array(<cnp.ndarray>a):
        return a
    if x.dtype.kind not in "iu" or (x.dtype.kind == "u" and x.layout.itemsize == 8):
        return None
    return captured_array("astype", partial(broadcast_index, shape=shape_tuple(x.layout)), x)


def broadcast_index(a, shape):
    return np.array(np.broadcast_to(a, shape), np.int64, order="C")


cdef object captured_array(str name, call, Tensor x):
    """The result of `call(array of x)`, int64 and in the memory of the program."""
    y = captured_call(name, call, (x,))
    return array_view(y, y, False)


cdef bint read_places(const Layout* layout, object key, Places* p) except -1:
    """Read a key; False where it is of another kind, or out of bounds, which the rule reports. The caller releases `at`
    where it is not NULL."""
    cdef int k, first = 0, last
    cdef bint dots = False
    p.at = NULL
    p.lead = p.trail = 0
    if PyArray_Check(key) and is_index_array(<cnp.ndarray>key):
        if fg_capture != NULL:
            note_array(<cnp.ndarray>key)
        return make_places(layout, <cnp.ndarray>key, 1, p) and add_indices(layout, [key], p)
    cdef tuple parts = key if type(key) is tuple else (key,)
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
            by_arrays = by_arrays or PyArray_Check(part) or is_tensor(part)
        if p.lead < 0 or not by_arrays:
            return False
    if len(parts) == 1:
        part = parts[0]
        if is_tensor(part) and (<Tensor>part).layout.typenum == cnp.NPY_BOOL:
            if fg_capture != NULL:
                leave_program(<Tensor>part, "a mask as an index")
            part = array_view(<Tensor>part, part, False)
        if PyArray_Check(part) and cnp.PyArray_TYPE(<cnp.ndarray>part) == cnp.NPY_BOOL:
            if dots and cnp.PyArray_NDIM(<cnp.ndarray>part) != 1 or not read_mask(layout, part, p):
                return False
            if fg_capture != NULL:
                capture_held(p.at)
            return True
    cdef list arrays = index_arrays(parts)
    return arrays is not None and make_places(layout, arrays[0], <int>len(arrays), p) and add_indices(
        layout, arrays, p)


cdef inline bint make_places(const Layout* layout, cnp.ndarray a, int axes, Places* p) except -1:
    """Allocate places for so many index arrays of the shape of `a`; False where they do not fit."""
    cdef int k
    p.axes = axes
    p.ndim = cnp.PyArray_NDIM(a)
    p.count = cnp.PyArray_SIZE(a)
    for k in range(p.ndim):
        p.shape[k] = cnp.PyArray_DIMS(a)[k]
    if not fit_places(layout, p) or (p.count == 0 and axes > 1):
        return False        # NumPy checks the bounds of several arrays without elements all the same
    p.at = storage_new(p.count * sizeof(Py_ssize_t))
    return True


cdef inline bint add_indices(const Layout* layout, list arrays, Places* p) except -1:
    """Combine the index arrays of the axes from `lead` on to places; False where one is out of bounds."""
    cdef int k
    cdef bint noted = False     # as steps of a program; other places are the same at every replay
    if fg_capture != NULL:
        for k in range(p.axes):
            noted = noted or not is_constant_at(<char*>cnp.PyArray_DATA(<cnp.ndarray>arrays[k]))
    for k in range(p.axes):
        a = <cnp.ndarray>arrays[k]
        if cnp.PyArray_SIZE(a) != p.count:
            return False
        at = <Py_ssize_t*>cnp.PyArray_DATA(a)
        if not (index_door(at, p.count, layout.shape[p.lead + k], <Py_ssize_t*>payload(p.at), k == 0) if noted else
                combine_outside(at, p.count, layout.shape[p.lead + k], <Py_ssize_t*>payload(p.at), k == 0)
                if p.count >= LEAVES_BYTES // 8 else
                combine_index(at, p.count, layout.shape[p.lead + k], <Py_ssize_t*>payload(p.at), k == 0)):
            return False
    if fg_capture != NULL and not noted:
        capture_held(p.at)
    return True


cdef bint combine_outside "fg_combine_outside"(const Py_ssize_t* index, Py_ssize_t count, Py_ssize_t n, Py_ssize_t* at,
                                              bint first) noexcept:
    """`combine_index` without the GIL. The caller holds the array."""
    cdef Outside o
    go_outside(&o, count * <Py_ssize_t>sizeof(Py_ssize_t), None, None, None, NULL, NULL)
    cdef bint found = combine_index(index, count, n, at, first)
    come_back(&o)
    return found


cdef bint fit_places(const Layout* layout, Places* p) noexcept:
    """Set the extents; False where the layout has fewer axes than the key, or the result too many."""
    if p.lead + p.axes + p.trail > layout.ndim or layout.ndim - p.axes + p.ndim > MAX_NDIM:
        return False
    extents_at(layout, p.lead, p.lead + p.axes, &p.e)
    return True


cdef Py_ssize_t count_true(const char* m, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i, found = 0
    for i in range(n):
        found += m[i] != 0
    return found


cdef Py_ssize_t find_true(const char* m, Py_ssize_t n, Py_ssize_t* at, Py_ssize_t most) noexcept nogil:
    """Write at most so many places where `m` is true; returns how many."""
    cdef Py_ssize_t i, found = 0
    for i in range(n):
        if m[i] and found < most:
            at[found] = i
            found += 1
    return found


cdef bint read_mask(const Layout* layout, cnp.ndarray mask, Places* p) except -1:
    """The places where a mask is true. Another thread may write to the mask meanwhile: no more places are written than
    were allocated."""
    cdef Outside o
    cdef int k
    p.axes = cnp.PyArray_NDIM(mask)
    p.ndim = 1
    if p.axes == 0 or not cnp.PyArray_IS_C_CONTIGUOUS(mask) or not fit_places(layout, p):
        return False
    for k in range(p.axes):
        if cnp.PyArray_DIMS(mask)[k] != layout.shape[p.lead + k]:
            return False
    cdef const char* m = <const char*>cnp.PyArray_DATA(mask)
    go_outside(&o, p.e.n, None, None, None, NULL, NULL)
    p.count = count_true(m, p.e.n)
    come_back(&o)
    p.at = storage_new(p.count * sizeof(Py_ssize_t))
    go_outside(&o, p.e.n, None, None, None, NULL, NULL)
    p.count = find_true(m, p.e.n, <Py_ssize_t*>payload(p.at), p.count)
    come_back(&o)
    p.shape[0] = p.count
    return True


cdef Layout* picked_layout(const Layout* layout, const Places* p) except NULL:
    """The layout of `x[key]`: the axes of the index replace those indexed."""
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
    """The places of a recorded node in an array of the layout `indexed`."""
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
    cdef Outside o
    cdef Tensor y, source
    p.at = NULL
    try:
        if x.layout.kernel == NO_KERNEL or not read_places(x.layout, key, &p):
            return None
        check_fresh(x)
        source = contiguous(x)
        y = new_tensor(picked_layout(x.layout, &p))
        go_outside(&o, y.layout.nbytes, x, None, None, NULL, NULL)
        gather_door(x.layout.itemsize, source.data, <Py_ssize_t*>payload(p.at), y.data, &p.e, p.count)
        come_back(&o)
        if link_unwritten(y, GATHER, x, &o):
            keep_places(y, &p)
    finally:
        if p.at != NULL:
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
    key = [slice(None)] * p.lead
    if fg_capture != NULL and p.count and not is_constant_at(payload(p.at)):
        for k in range(p.axes):
            key.append(captured_call("index", partial(index_of_axis, k=k, shape=shape, like=like), (places,)))
        return {"key": tuple(key)}
    parts = np.unravel_index(array_view(places, places, False), shape) if p.count else [np.zeros(0, np.intp)] * p.axes
    for part in parts:
        key.append(part.reshape(like))
    return {"key": tuple(key)}


def index_of_axis(places, k, shape, like):
    return np.unravel_index(places, shape)[k].reshape(like)


cdef int backward_gather(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    """Add up what was read at each place."""
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Places p
    cdef Outside o
    cdef bint add
    cdef char* gx = cotangent_buffer(x, &add)
    cdef Py_ssize_t cleared = 0 if add else x.layout.nbytes
    kept_places(y, x.layout, &p)
    storage_keep(p.at)
    go_outside(&o, y.layout.nbytes + cleared, None, None, None, gs, cotangent_block(x))
    zero_door(gx, cleared)
    gather_kernel_door(typed[x.layout.kernel].scatter_add, g, <Py_ssize_t*>payload(p.at), gx, &p.e, p.count)
    come_back(&o)
    storage_release(p.at)
    return 0


cdef Tensor record_scatter_add(int op, PyObject** given):
    """Zeros of a shape with `x` added at a key."""
    cdef Tensor x = given_tensor(given[0]), y, source = None
    cdef Places p
    cdef Outside o
    cdef Geometry v
    cdef int k
    key, shape = <object>given[1], <object>given[2]
    if x is None or x.layout.kernel == NO_KERNEL or type(shape) is not tuple:
        return None
    v.ndim = read_shape(shape, v.shape)
    for k in range(v.ndim):
        if v.shape[k] < 0:
            return None
    if v.ndim < 0:
        return None
    whole = keep(layout_get(x.layout.typenum, x.layout.itemsize, v.ndim, v.shape, NULL))    # across Python code
    p.at = NULL
    try:
        basic = basic_key(key)
        if basic is None and fg_capture == NULL:    # which has keys with Tensors
            key = rule_of[op].prepare({"key": key, "shape": shape})["key"]
        if basic is not None:
            if not parse_key(whole, basic, &v) or v.ndim != x.layout.ndim or memcmp(
                    v.shape, x.layout.shape, v.ndim * sizeof(Py_ssize_t)) != 0:
                return None
        elif not read_places(whole, key, &p) or not same_shape(picked_layout(whole, &p), x.layout):
            return None
        check_fresh(x)
        y = new_tensor(whole)
        if basic is None:
            source = contiguous(x)
        go_outside(&o, whole.nbytes + x.layout.nbytes, x, None, None, NULL, NULL)
        zero_door(y.data, whole.nbytes)
        if source is None:
            copy_door(whole.itemsize, x.layout, x.data, x.layout.strides, y.data + v.offset, v.strides)
        else:
            gather_kernel_door(typed[whole.kernel].scatter_add, source.data, <Py_ssize_t*>payload(p.at), y.data, &p.e,
                               p.count)
        come_back(&o)
        if link_unwritten(y, op, x, &o):
            if basic is None:
                keep_places(y, &p)
            extra_of(y).params = {"key": key if basic is None else basic, "shape": shape}
    finally:
        release(whole)
        if p.at != NULL:
            storage_release(p.at)
    return y


cdef int backward_scatter_add(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    """The cotangent of what was added to a place is that of the place."""
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Layout* layout = layout_contiguous(x.layout)
    cdef Places p
    cdef Outside o
    cdef Geometry v
    cdef bint add
    if extra.kept == NULL:
        parse_key(y.layout, extra.params["key"], &v)
        return accumulate_strided(x, layout, g + v.offset, gs, v.strides, 0, layout.strides)
    cdef char* gx = cotangent_buffer(x, &add)
    kept_places(y, y.layout, &p)
    storage_keep(p.at)
    go_outside(&o, x.layout.nbytes, None, None, None, gs, cotangent_block(x))
    if add:
        gather_kernel_door(typed[x.layout.kernel].gather_add, g, <Py_ssize_t*>payload(p.at), gx, &p.e, p.count)
    else:
        gather_door(x.layout.itemsize, g, <Py_ssize_t*>payload(p.at), gx, &p.e, p.count)
    come_back(&o)
    storage_release(p.at)
    return 0


cdef Tensor push_scatter_add(Tensor y, Tensor t, Py_ssize_t batch):
    """The same places of the tangent; arrays of places are left to the rule."""
    cdef Geometry v
    if (<NodeExtra>y.extra).kept != NULL:
        return None
    parse_key(layout_contiguous(y.layout), (<NodeExtra>y.extra).params["key"], &v)
    return placed(y, layout_contiguous(resolve(y.x1, y.gen1).layout), t, batch, v.offset, v.strides)


cdef Tensor pull_scatter_add(Tensor y, Tensor g, Py_ssize_t batch):
    cdef Geometry v
    if (<NodeExtra>y.extra).kept != NULL:
        return None
    parse_key(layout_contiguous(y.layout), (<NodeExtra>y.extra).params["key"], &v)
    return rearranged(resolve(y.x1, y.gen1), g, batch, y.layout.nbytes, v.offset, v.strides)


cdef int GATHER = register_op("getitem", "x key", NULL, backward_gather, gather_params)
cdef int SCATTER_ADD = register_op("scatter_add", "x key shape", record_scatter_add, backward_scatter_add)
table[SCATTER_ADD].push = push_scatter_add
table[SCATTER_ADD].pull = pull_scatter_add
