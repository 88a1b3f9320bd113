# The directions that a list of nodes begins and ends with, and elementwise kernels on batches of them.

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
        if not is_tensor(t) or not fits_batch(<Tensor>t, x, batch):
            raise direction_errors.direction_shape(word, k, t, shape_tuple(x.layout), dtype_of(x), size_or_none(batch))
        if fg_capture != NULL:
            capture_operand(<Tensor>t)
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


cdef inline bint has_shape_of(PyObject* x, Tensor y) noexcept:
    """Whether an operand of an elementwise `y`, if it is one, is not broadcast."""
    return x == NULL or same_shape((<Tensor>x).layout, y.layout)


cdef bint has_batch_kernels(Tensor y) noexcept:
    """Whether kernels differentiate `y`, an elementwise result."""
    return (kernels[y.op].nin != 0 and y.layout.kernel != NO_KERNEL and has_kernel(y) and not has_many(y)
            and y.layout.flags & C_CONTIGUOUS != 0)


cdef struct KernelCall:     # how the kernels of one node read it
    Backward[2] kernel      # to each operand
    const char* x1
    const char* x2
    const char* y
    double c
    bint constant           # one of the operands is the number `c`


cdef tuple prepare_kernels(Tensor y, KernelCall* call):
    """Fill in `call`; return what it borrows."""
    cdef PyObject* x1 = edge1(y)
    cdef PyObject* x2 = edge2(y)
    cdef int dtype = y.layout.kernel
    cdef bint constant = y.flags & (CONST1 | CONST2) != 0
    ready_operands(y)
    # `backward_apply` takes the constant for the operand that is NULL.
    cdef unsigned int reads = READS_X1 | READS_X2 if constant else operand_reads(y)
    cdef Tensor s1 = expanded(<Tensor>x1, y.layout, False) if x1 != NULL and reads & READS_X1 else None
    cdef Tensor s2 = expanded(<Tensor>x2, y.layout, False) if x2 != NULL and reads & READS_X2 else None
    cdef Tensor read = contiguous(result_read(y, False))
    call.kernel[0] = kernels[y.op].x1_alone[dtype] if y.flags & CONST2 else kernels[y.op].x1[dtype]
    call.kernel[1] = kernels[y.op].x2[dtype]
    call.x1 = data_or_null(s1)
    call.x2 = data_or_null(s2)
    call.y = read.data
    call.constant = constant
    call.c = constant_of(y.x1) if y.flags & CONST1 else constant_of(y.x2) if y.flags & CONST2 else 0
    return s1, s2, read


cdef void run_kernel(KernelCall* call, int k, const Layout* layout, const char* g, Tensor out, bint add) noexcept:
    """out (+)= g times the derivative with respect to operand `k`: for every array of a batch of a layout."""
    cdef Py_ssize_t at = 0
    cdef double* constant = &call.c if call.constant else NULL
    while at < out.layout.nbytes:
        backward_door(call.kernel[k], layout.kernel, g + at, call.x1, call.x2, call.y, out.data + at, layout.size, add,
                      constant, False)
        at += layout.nbytes
