# Choosing: where and clip. Their nodes keep operands as the rule names them, numbers among them.

cdef inline int link_operands(Tensor y, int op, tuple operands) except -1:
    """As `link_many` for a built-in op; what its backward reads is kept from writes by others."""
    cdef Tensor x
    cdef Py_ssize_t k
    for k in range(len(operands)):
        if type(operands[k]) is Tensor:
            x = <Tensor>operands[k]
            if x.storage != NULL and x.storage.flags & FOREIGN_WRITABLE and nth_bit(table[op].operand_reads, k):
                operands = operands[:k] + (guarded_copy(x),) + operands[k + 1:]
    return link_many(y, rule_of[op], operands, None, op)


cdef object tensor_or_number(object o):
    return as_tensor(o) if PyArray_Check(o) else o


cdef long long LARGEST_INT = <long long>1 << 53         # up to here every int is a float64


cdef bint small_number(object o, double* value) except -1:
    """Whether `o` is a Python float, or an int that a float64 holds."""
    cdef long long whole
    cdef int overflow
    if type(o) is float:
        value[0] = o
        return True
    if type(o) is int:
        whole = PyLong_AsLongLongAndOverflow(o, &overflow)
        value[0] = <double>whole
        return overflow == 0 and -LARGEST_INT <= whole <= LARGEST_INT
    return False


cdef Tensor condition_of(Tensor c):
    """The condition as bytes: the tensor itself, or of another dtype whether its elements are not 0."""
    if c.layout.typenum == cnp.NPY_BOOL:
        return c
    return own_array(array_view(c, c, False).astype(bool))


cdef Tensor where(Tensor condition, object a, object b):
    """`a` where the condition holds, `b` elsewhere; each a tensor of a kernel dtype, or one of them a Python number."""
    cdef Tensor mask, y, x
    cdef Layout* out
    cdef int k, kernel = NO_KERNEL
    cdef double number
    cdef double[2] wide
    cdef float[2] narrow
    cdef address[3] base
    cdef layout_t[3] layouts
    cdef bint record = False
    operands = (a, b)
    for k in range(2):
        if type(operands[k]) is Tensor:
            x = <Tensor>operands[k]
            if x.layout.kernel == NO_KERNEL or kernel != NO_KERNEL and kernel != x.layout.kernel:
                return None
            kernel = x.layout.kernel
            record = record or wants_grad(x)
    if kernel == NO_KERNEL:
        return None
    mask = condition_of(condition)
    out = mask.layout
    for k in range(2):
        if type(operands[k]) is Tensor:
            x = <Tensor>operands[k]
            check_fresh(x)
            base[k + 1] = x.data
            layouts[k + 1] = x.layout
            if not same_shape(out, x.layout):
                out = broadcast_layout(x.layout, out)
                if out == NULL:
                    return None
        elif small_number(operands[k], &number):
            wide[k] = number
            narrow[k] = <float>number
            base[k + 1] = <char*>&wide[k] if kernel == F64 else <char*>&narrow[k]
            layouts[k + 1] = scalar_f64
        else:
            return None
    check_fresh(condition)
    x = <Tensor>(a if type(a) is Tensor else b)
    y = new_tensor(layout_get(x.layout.typenum, x.layout.itemsize, out.ndim, out.shape, NULL))
    base[0] = mask.data
    layouts[0] = mask.layout
    where_forward(kernel, y.layout, y.data, base, layouts)
    if record:
        link_operands(y, WHERE, (condition, a, b))
    return y


cdef bint bound_of(object o, double otherwise, double* value) except -1:
    """A bound of `clip` that is a number, or None."""
    if o is None:
        value[0] = otherwise
        return True
    return small_number(o, value) and value[0] == value[0]


cdef Tensor clip(Tensor x, object low, object high):
    """Between two numbers, of which one may be None."""
    cdef double lo, hi
    cdef Tensor y, source
    if (x.layout.kernel == NO_KERNEL or low is None and high is None or not bound_of(low, -INFINITY, &lo)
            or not bound_of(high, INFINITY, &hi)):
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(layout_contiguous(x.layout))
    typed[x.layout.kernel].clip_forward(source.data, y.data, x.layout.size, lo, hi)
    if wants_grad(x):
        link_operands(y, CLIP, (x, low, high))
        (<NodeExtra>y.extra).number = lo
        memcpy((<NodeExtra>y.extra).numbers, &hi, sizeof(double))
    return y


cdef int backward_where(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Tensor mask = condition_of(nth_operand(extra, 0)), x
    cdef Layout* layout = layout_contiguous(y.layout)
    cdef int k
    cdef bint add, turn, whole
    cdef char* where
    cdef Storage* part
    for k in range(1, 3):
        if type(extra.operands[k]) is not Tensor:
            continue
        x = nth_operand(extra, k)
        if not takes(x, only_wanted):
            continue
        turn = k == 2
        whole = same_shape(x.layout, layout)
        if whole and k == 2 and gs != NULL and gs.refs == 1 and not x.flags & COTANGENT:
            cotangent_buffer_or_reuse(x, g, gs, &where, &add)
        else:
            cotangent_buffer(x, &where, &add)
        if whole and not add:
            where_backward(layout.kernel, mask.layout, mask.data, layout, g, where, turn)
            continue
        part = storage_new(layout.nbytes)
        try:
            where_backward(layout.kernel, mask.layout, mask.data, layout, g, payload(part), turn)
            if whole:
                typed[layout.kernel].accumulate(payload(part), where, layout.size)
            else:
                sum_into(layout, payload(part), x.layout, where, add)
        finally:
            storage_release(part)
    return 0


cdef int backward_clip(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Tensor x = nth_operand(extra, 0), source
    cdef double high
    cdef char* where
    cdef bint add
    memcpy(&high, extra.numbers, sizeof(double))
    source = contiguous(x)
    cotangent_buffer_or_reuse(x, g, gs, &where, &add)
    typed[x.layout.kernel].clip_backward(g, source.data, where, x.layout.size, extra.number, high, add)
    return 0


cdef Tensor record_where(int op, PyObject** given):
    condition = given_tensor(given[0])
    if condition is None:
        return None
    return where(<Tensor>condition, tensor_or_number(<object>given[1]), tensor_or_number(<object>given[2]))


cdef Tensor record_clip(int op, PyObject** given):
    x = given_tensor(given[0])
    return clip(<Tensor>x, <object>given[1], <object>given[2]) if x is not None else None


cdef int WHERE = register_op("where", "condition x1 x2", record_where, backward_where)
cdef int CLIP = register_op("clip", "x min max", record_clip, backward_clip)
