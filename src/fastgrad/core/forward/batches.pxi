# Tangents and cotangents of several directions at once: Tensors with an additional axis 0.

cdef enum:
    SINGLE = -1             # the size of a batch that is none


cdef Layout* batched_layout(const Layout* layout, Py_ssize_t batch) except NULL:
    """The C-contiguous layout of `batch` arrays of a layout, of one if that is SINGLE."""
    cdef Py_ssize_t[65] shape
    if batch == SINGLE:
        return layout_contiguous(<Layout*>layout)
    if layout.ndim == MAX_NDIM:
        raise direction_errors.too_many_axes()
    shape[0] = batch
    memcpy(shape + 1, layout.shape, layout.ndim * sizeof(Py_ssize_t))
    return layout_get(layout.typenum, layout.itemsize, layout.ndim + 1, shape, NULL)


cdef object size_or_none(Py_ssize_t batch):
    return None if batch == SINGLE else batch


cdef bint fits_batch(Tensor t, Tensor x, Py_ssize_t batch) noexcept:
    """Whether `t` has the dtype of `x`, and its shape behind the axis of the batch."""
    cdef int more = 0 if batch == SINGLE else 1
    return (t.layout.typenum == x.layout.typenum and t.layout.ndim == x.layout.ndim + more
            and (more == 0 or t.layout.shape[0] == batch)
            and memcmp(t.layout.shape + more, x.layout.shape, x.layout.ndim * sizeof(Py_ssize_t)) == 0)


cdef int take_directions(tuple tensors, object given, Py_ssize_t batch, str word, Sweep* here) except -1:
    """Start with the tangents of inputs, or the cotangents of outputs; None stands for zero."""
    cdef Tensor x
    cdef Py_ssize_t k
    if type(given) is not tuple and type(given) is not list or len(given) != len(tensors):
        raise TypeError(f"one of the {word} is wanted for each of the {len(tensors)} tensors, got {given!r}")
    for k in range(len(tensors)):
        x = tensors[k]
        t = given[k]
        if t is None:
            continue
        if type(t) is not Tensor or not fits_batch(<Tensor>t, x, batch):
            raise direction_errors.direction_shape(word, k, t, shape_tuple(x.layout), dtype_of(x), size_or_none(batch))
        if x.sweep == here.number and x.flags & REACHES_INPUT:
            set_direction(<PyObject*>x, t, here)
    return 0


cdef object taken_direction(Tensor x, object given, Sweep* here, bint record):
    """What was computed for `x`, as a Tensor that shares no memory with what the caller passed, nor with others."""
    cdef Tensor t
    if x.sweep != here.number or not x.flags & REACHES_INPUT:
        return None
    found = here.ready.items[x.pending]
    if found == NULL:
        return None
    t = <Tensor>found
    if t.storage != NULL and t.storage.refs > 1:
        return functions["copy"](t) if record else private_copy(t)
    for o in given:
        if o is t:
            return functions["copy"](t) if record else private_copy(t)
    return t


cdef inline bint reads_plainly(Tensor x, const Layout* layout) noexcept:
    """Whether kernels can read `x` beside a result of the layout, without a copy."""
    return x.layout.flags & C_CONTIGUOUS != 0 and same_shape(x.layout, layout) and x.layout.kernel == layout.kernel


cdef bint has_plain_kernels(Tensor y) noexcept:
    """Whether `y` is an elementwise result whose backward kernels read its operands and itself where they are."""
    cdef PyObject* x
    if (kernels[y.op].nin == 0 or y.layout.kernel == NO_KERNEL or not has_kernel(y) or has_many(y)
            or not y.layout.flags & C_CONTIGUOUS):
        return False
    x = edge1(y)
    if x != NULL and not reads_plainly(<Tensor>x, y.layout):
        return False
    x = edge2(y)
    return x == NULL or reads_plainly(<Tensor>x, y.layout)


cdef int apply_kernel(Tensor y, int k, Tensor read, Tensor g, Tensor out, bint add) except -1:
    """out (+)= g times the derivative of `y` with respect to operand `k`: for every array of a batch."""
    cdef PyObject* x1 = edge1(y)
    cdef PyObject* x2 = edge2(y)
    cdef int dtype = y.layout.kernel
    cdef Kernel* kernel = &kernels[y.op]
    cdef Backward backward = kernel.x2[dtype] if k else kernel.x1_alone[dtype] if y.flags & CONST2 else kernel.x1[dtype]
    cdef double c = constant_of(y.x1) if y.flags & CONST1 else constant_of(y.x2) if y.flags & CONST2 else 0
    cdef double* constant = &c if y.flags & (CONST1 | CONST2) else NULL
    cdef Py_ssize_t nbytes = y.layout.nbytes, at
    cdef const char* d1 = NULL if x1 == NULL else (<Tensor>x1).data
    cdef const char* d2 = NULL if x2 == NULL else (<Tensor>x2).data
    for at in range(0, out.layout.nbytes, max(nbytes, 1)):
        backward_apply(backward, dtype, g.data + at, d1, d2, read.data, out.data + at, y.layout.size, add, constant,
                       False)
    return 0
