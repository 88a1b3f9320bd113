# Conversion from and to NumPy arrays and Python numbers. Arrays are wrapped without a copy if their dtype, byte order
# and alignment allow.

cdef extern from "Python.h":
    double PyFloat_AS_DOUBLE(PyObject* o)

cdef extern from "numpy/arrayobject.h":
    object PyArray_NewCopy(cnp.ndarray a, cnp.NPY_ORDER order)
    object PyArray_NewFromDescr(PyTypeObject* subtype, cnp.dtype descr, int nd, const cnp.npy_intp* dims,
                                const cnp.npy_intp* strides, void* data, int flags, object obj)
    int PyArray_SetBaseObject(cnp.ndarray arr, object obj) except -1
    cnp.dtype PyArray_DescrFromType(int typenum)
    object PyArray_Scalar(void* data, cnp.dtype descr, object base)
    int PyArray_CheckExact(object o)
    int PyArray_Check(object o)
    bint PyArray_ISALIGNED(cnp.ndarray arr)
    bint PyArray_ISNOTSWAPPED(cnp.ndarray arr)
    bint PyArray_ISWRITEABLE(cnp.ndarray arr)
    int PyArray_ITEMSIZE(cnp.ndarray arr)
    enum: NPY_ARRAY_WRITEABLE

cdef extern from "numpy/arrayscalars.h":
    ctypedef struct PyDoubleScalarObject:
        double obval

cdef object ndarray_type = np.ndarray
cdef object generic_type = np.generic
cdef object float64_type = np.float64


cdef inline bint is_complex(int typenum) noexcept:
    return typenum == cnp.NPY_CFLOAT or typenum == cnp.NPY_CDOUBLE


cdef inline bint supported(int typenum) noexcept:
    return cnp.NPY_BOOL <= typenum <= cnp.NPY_DOUBLE or is_complex(typenum)


cdef inline bint is_inexact(int typenum) noexcept:
    return typenum == cnp.NPY_DOUBLE or typenum == cnp.NPY_FLOAT or is_complex(typenum)


cdef Layout* layout_of(cnp.ndarray a) except NULL:
    return layout_get(cnp.PyArray_TYPE(a), PyArray_ITEMSIZE(a), cnp.PyArray_NDIM(a),
                      <Py_ssize_t*>cnp.PyArray_DIMS(a), <Py_ssize_t*>cnp.PyArray_STRIDES(a))


cdef Tensor wrap_array(cnp.ndarray a):
    """A tensor that shares the array's memory; a copy where it is misaligned or of foreign byte order."""
    if not supported(cnp.PyArray_TYPE(a)):
        raise errors.unsupported_dtype(a.dtype)
    if not PyArray_ISALIGNED(a) or not PyArray_ISNOTSWAPPED(a):
        a = a.astype(a.dtype.newbyteorder("="), copy=True)
    cdef Layout* layout = layout_of(a)
    cdef Tensor t = alloc()
    t.layout = keep(layout)
    t.data = <char*>cnp.PyArray_DATA(a)
    t.storage = storage_foreign(a)
    if not PyArray_ISWRITEABLE(a):
        t.storage.flags |= READ_ONLY
    return t


cdef Tensor own_array(cnp.ndarray a):
    """As `wrap_array`, but a small value goes into the tensor itself. For arrays that nobody else holds."""
    if (cnp.PyArray_NBYTES(a) > 8 or not supported(cnp.PyArray_TYPE(a)) or not cnp.PyArray_IS_C_CONTIGUOUS(a)
            or not PyArray_ISNOTSWAPPED(a)):
        return wrap_array(a)
    cdef Tensor t = new_tensor(layout_contiguous(layout_of(a)))
    memcpy(t.own.value, cnp.PyArray_DATA(a), cnp.PyArray_NBYTES(a))
    return t


cdef inline Tensor float_tensor(double value):
    return fg_owned(number_at(value))


cdef Tensor as_tensor(object o):
    """Any operand as a Tensor: shares an array's memory, copies the rest."""
    if is_tensor(o):
        return <Tensor>o
    if type(o) is float or type(o) is float64_type:
        t = float_tensor(PyFloat_AS_DOUBLE(<PyObject*>o))
    elif PyArray_Check(o):
        t = shared(o)
    else:
        t = own_array(np.array(o))
    if fg_capture != NULL:
        capture_constant(t)
    return t


cdef Tensor shared(cnp.ndarray a):
    """A tensor over memory that its owner may write at any time, so that recorded ops keep private copies of it."""
    cdef Tensor t = wrap_array(a)
    if not t.storage.flags & READ_ONLY or seen_elsewhere(a):
        t.storage.flags |= FOREIGN_WRITABLE
    return t


cdef bint seen_elsewhere(cnp.ndarray a):
    """Whether the memory of a read-only array has an owner that may write: an array that it is a view of, a Tensor."""
    cdef object base = a
    while PyArray_Check(base) and not PyArray_ISWRITEABLE(<cnp.ndarray>base):
        base = base.base
    return base is not None and type(base) is not bytes


cdef object array_view(Tensor t, object base, bint writeable):
    """An ndarray over the tensor's memory, kept alive by `base`."""
    ready(t)
    cdef cnp.dtype descr = PyArray_DescrFromType(t.layout.typenum)
    Py_INCREF(descr)        # NewFromDescr takes a reference for itself
    cdef object a = PyArray_NewFromDescr(
        <PyTypeObject*>ndarray_type, descr, t.layout.ndim, <cnp.npy_intp*>t.layout.shape,
        <cnp.npy_intp*>t.layout.strides, t.data, NPY_ARRAY_WRITEABLE if writeable else 0, None)
    Py_INCREF(base)         # and so does SetBaseObject
    PyArray_SetBaseObject(a, base)
    return a


cdef Tensor detached(Tensor t):
    """The same memory without the graph."""
    if fg_capture != NULL:
        capture_operand(t)      # of the alias, nobody would know that its memory comes from outside
    return alias_of(t)


cdef Tensor alias_of(Tensor t):
    ready(t)
    move_out(t)
    cdef Tensor alias = adopt(t.layout, t.storage, t.data)
    alias.flags |= VIEW
    alias.saved = version_of(t)
    return alias


cdef object to_numpy(Tensor t, bint writeable=False):
    """An ndarray that outlives the graph: its base is a tensor without edges."""
    if fg_capture != NULL:
        leave_program(t, "an array")
    return array_view(t, detached(t), writeable)


cdef object scalar_item(Tensor t):
    """The one element as a Python number."""
    if fg_capture != NULL and stays_tensor(t):
        return detached(t)
    if t.layout.typenum == cnp.NPY_DOUBLE and fg_capture == NULL:
        return (<double*>t.data)[0]
    return to_numpy(t).item()


cdef Tensor contiguous(Tensor t):
    """`t`, or a copy of it in C order that is not recorded."""
    ready(t)
    return t if t.layout.flags & C_CONTIGUOUS else private_copy(t)


cdef Tensor private_copy(Tensor t):
    """A C-contiguous copy, also of a contiguous tensor."""
    ready(t)
    cdef Layout* layout = layout_contiguous(t.layout)
    cdef Tensor c = new_tensor(layout)
    copy_door(layout.itemsize, layout, t.data, t.layout.strides, c.data, layout.strides)
    return c


def tensor(data, *, dtype=None, requires_grad=False, device=None):
    if device is not None:
        devices.check(device)
    if type(data) is float and dtype is None:
        t = float_tensor(data)
        if fg_capture != NULL:
            capture_constant(t)
    else:
        if is_tensor(data):
            check_door(<Tensor>data, "fg.tensor(x)", False)
            data = to_numpy(<Tensor>data)
        a = np.array(data, dtype=dtype, order="C", copy=True)
        if fg_capture != NULL:
            note_array(a)
        t = private_copy(wrap_array(a))
    if requires_grad:
        require(t)
    return t


cdef int require(Tensor t) except -1:
    if not is_inexact(t.layout.typenum):
        raise errors.integer_gradient(dtype_of(t))
    t.flags |= REQUIRES_GRAD
    if is_leaf(t):      # no longer a view of a constant
        drop_edges(t)
    return 0


def asarray(obj, dtype=None, *, copy=None, device=None):
    if device is not None:
        devices.check(device)
    if is_tensor(obj) or (fg_levels and type(obj) is BATCHED):
        same = dtype is None or np.dtype(dtype) == obj.dtype
        if same and not copy:
            return obj
        if copy is False:
            raise errors.copy_needed(obj.dtype, np.dtype(dtype))
        return functions["copy"](obj) if same else functions["astype"](obj, np.dtype(dtype))
    if dtype is None and ((PyArray_CheckExact(obj) and not copy) or (type(obj) is float and copy is not False)):
        return as_tensor(obj)
    a, owned = parameters.array_of(obj, dtype, copy)
    if owned is None:
        return op_functions.stacked(obj, dtype, asarray)
    t = own_array(a) if owned else shared(a)
    if fg_capture != NULL:
        capture_constant(t)
    return t
