# Choosing: where and clip. Their nodes keep operands as the rule names them, numbers among them.

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
    if fg_capture != NULL:
        return functions["astype"](c, np.dtype(bool))
    return own_array(array_view(c, c, False).astype(bool))


cdef Tensor record_where(int op, PyObject** given):
    """Takes tensors of one kernel dtype, of which one may be a Python number."""
    cdef Tensor condition = given_tensor(given[0]), mask, y, x, like = None
    cdef int k
    cdef double[2] wide
    cdef float[2] narrow
    cdef address[3] base
    cdef layout_t[3] layouts
    cdef bint wanted = False
    if condition is None:
        return None
    cdef tuple operands = (condition, tensor_or_number(<object>given[1]), tensor_or_number(<object>given[2]))
    for k in range(1, 3):
        if is_tensor(operands[k]):
            x = <Tensor>operands[k]
            if x.layout.kernel == NO_KERNEL or (like is not None and x.layout.kernel != like.layout.kernel):
                return None
            like = x
            check_fresh(x)
            wanted = wanted or wants_grad(x)
    if like is None:
        return None
    check_fresh(condition)
    mask = condition_of(condition)
    cdef Layout* out = mask.layout
    for k in range(1, 3):
        if is_tensor(operands[k]):
            x = <Tensor>operands[k]
            base[k] = x.data
            layouts[k] = x.layout
            if not same_shape(out, x.layout):
                out = broadcast_layout(x.layout, out)
                if out == NULL:
                    return None
        elif small_number(operands[k], &wide[k - 1]):
            narrow[k - 1] = <float>wide[k - 1]
            base[k] = <char*>&wide[k - 1] if like.layout.kernel == F64 else <char*>&narrow[k - 1]
            layouts[k] = scalar_f64
        else:
            return None
    y = new_tensor(layout_get(like.layout.typenum, like.layout.itemsize, out.ndim, out.shape, NULL))
    base[0] = mask.data
    layouts[0] = mask.layout
    if y.layout.nbytes < LEAVES_BYTES:
        where_door(y.layout.kernel, y.layout, y.data, base, layouts)
    else:
        where_large(op, operands, y, base, layouts, wanted)
    if wanted:
        link_operands(y, op, operands, None)
    return y


cdef int where_large(int op, tuple operands, Tensor y, address* base, layout_t* layouts, bint wanted) except -1:
    cdef Tensor x1 = None, x2 = None
    cdef Outside o
    if is_tensor(operands[1]):
        x1 = <Tensor>operands[1]
    if is_tensor(operands[2]):
        x2 = <Tensor>operands[2]
    go_outside(&o, y.layout.nbytes, <Tensor>operands[0], x1, x2, NULL, NULL)
    where_door(y.layout.kernel, y.layout, y.data, base, layouts)
    come_back(&o)
    return check_unwritten(&o, op, <Tensor>operands[0], x1, x2) if wanted else 0


cdef int backward_where(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Tensor mask = condition_of(nth_operand(extra, 0)), x
    cdef Layout* layout = layout_contiguous(y.layout)
    cdef Outside o
    cdef int k
    for k in range(1, 3):
        x = wanted_operand(y, k, only_wanted)
        if x is not None:
            # `g` is read for the last time where k is 2
            part = storage_keep(gs) if k == 2 and gs != NULL and gs.refs == 1 else storage_new(layout.nbytes)
            go_outside(&o, layout.nbytes, mask, None, None, gs, NULL)
            where_backward_door(layout.kernel, mask.layout, mask.data, layout, g, payload(part), k == 2)
            come_back(&o)
            accumulate_broadcast(x, layout, part)
    return 0


cdef bint read_bound(object o, double otherwise, double* value) except -1:
    """A bound of `clip` that is a number, or None."""
    if o is None:
        value[0] = otherwise
        return True
    return small_number(o, value) and value[0] == value[0]


cdef Tensor record_clip(int op, PyObject** given):
    """Takes bounds that are numbers; one may be None."""
    cdef double low, high
    cdef Tensor x = given_tensor(given[0]), y, source
    cdef Outside o
    cdef NodeExtra extra
    operands = (x, <object>given[1], <object>given[2])
    if (x is None or x.layout.kernel == NO_KERNEL or operands[1] is None and operands[2] is None
            or not read_bound(operands[1], -INFINITY, &low) or not read_bound(operands[2], INFINITY, &high)):
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(layout_contiguous(x.layout))
    go_outside(&o, x.layout.nbytes, x, None, None, NULL, NULL)
    clip_door(x.layout.kernel, source.data, y.data, x.layout.size, low, high)
    come_back(&o)
    if wants_grad(x):
        check_unwritten(&o, op, x, None, None)
        extra = link_operands(y, op, operands, None)
        extra.number = low
        memcpy(extra.numbers, &high, sizeof(double))
    return y


cdef int backward_clip(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Tensor x = nth_operand(extra, 0), source = contiguous(x)
    cdef double high
    cdef Outside o
    cdef bint add
    cdef char* gx = cotangent_buffer_or_reuse(x, g, gs, &add)
    memcpy(&high, extra.numbers, sizeof(double))
    go_outside(&o, x.layout.nbytes, x, None, None, gs, cotangent_block(x))
    clip_backward_door(x.layout.kernel, g, source.data, gx, x.layout.size, extra.number, high, add)
    come_back(&o)
    return 0


register_op("where", "condition x1 x2", record_where, backward_where)
cdef int CLIP = register_op("clip", "x min max", record_clip, backward_clip)
