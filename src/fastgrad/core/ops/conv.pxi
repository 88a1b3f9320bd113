# Convolutions, their two transposes, and pooling: the forwards. Parameters come as the rules prepare them, tuples of
# ints; what does not fit is None, and the rule says why.

cdef enum:
    LENGTHS = 1 << 30


cdef double ELEMENTS = 1e16


cdef bint read_length(object o, Py_ssize_t* value) except -1:
    """An int of which products with another one, and sums of them, fit into 64 bits."""
    cdef int overflow = 0
    cdef long long whole
    if type(o) is not int:
        return False
    whole = PyLong_AsLongLongAndOverflow(o, &overflow)
    value[0] = <Py_ssize_t>whole
    return overflow == 0 and 0 <= whole < LENGTHS


cdef bint read_axes_of(object o, int n, Py_ssize_t* first, Py_ssize_t* second) except -1:
    """A tuple of two ints, or of one for the second alone."""
    if type(o) is not tuple or len(<tuple>o) != n:
        return False
    return read_length(o[n - 1], second) and (n == 1 or read_length(o[0], first))


cdef bint read_padding(object padding, int n, Py_ssize_t span_h, Py_ssize_t span_w, Py_ssize_t* low,
                       Py_ssize_t* high) except -1:
    """Before and after each of two axes; `span` is how far a kernel reaches beyond its first element."""
    cdef int k
    low[0] = high[0] = 0
    if type(padding) is str:
        low[1] = span_w // 2
        high[1] = span_w - low[1]
        if n == 2:
            low[0] = span_h // 2
            high[0] = span_h - low[0]
        return padding == "same"
    if type(padding) is not tuple or len(<tuple>padding) != n:
        return False
    for k in range(n):
        if not read_axes_of(padding[k], 2, &low[2 - n + k], &high[2 - n + k]):
            return False
    return True


cdef bint read_convolution(int n, const Py_ssize_t* x, const Py_ssize_t* w, dict params, Conv* d) except -1:
    """Lengths of a convolution of arrays of these shapes; False where they do not fit, or where one is 0."""
    cdef Py_ssize_t[2] low
    cdef Py_ssize_t[2] high
    d.sh = d.dh = d.h = d.kh = 1
    if not read_length(params["groups"], &d.groups) or not read_axes_of(params["stride"], n, &d.sh,
            &d.sw) or not read_axes_of(params["dilation"], n, &d.dh, &d.dw):
        return False
    d.n = x[0]
    d.w = x[n + 1]
    d.kw = w[n + 1]
    if n == 2:
        d.h = x[2]
        d.kh = w[2]
    if min(d.groups, d.sh, d.sw) < 1 or min(d.dh, d.dw, d.n) < 1 or min(d.h, d.w) < 1 or min(d.kh, d.kw,
                                                                                             w[0]) < 1 or w[1] < 1:
        return False
    if max(d.h, d.w, d.kh) >= LENGTHS or d.kw >= LENGTHS:
        return False
    if x[1] % d.groups or w[0] % d.groups or x[1] // d.groups != w[1]:
        return False
    d.c = w[1]
    d.o = w[0] // d.groups
    if not read_padding(params["padding"], n, d.dh * (d.kh - 1), d.dw * (d.kw - 1), low, high):
        return False
    d.top = low[0]
    d.left = low[1]
    d.oh = d.h + low[0] + high[0] - d.dh * (d.kh - 1) - 1
    d.ow = d.w + low[1] + high[1] - d.dw * (d.kw - 1) - 1
    if d.oh < 0 or d.ow < 0:
        return False
    d.oh = d.oh // d.sh + 1
    d.ow = d.ow // d.sw + 1
    # What the padded input of all samples takes, and a row of windows as columns: NumPy knows what to say of the
    # impossible.
    return (<double>(d.h + low[0] + high[0]) * <double>(d.w + low[1] + high[1]) * <double>d.c * <double>d.n < ELEMENTS
            and <double>(d.c * d.kh * d.kw) * <double>d.ow < ELEMENTS)


cdef inline bint alike(Tensor a, Tensor b) noexcept:
    return a.layout.kernel != NO_KERNEL and a.layout.kernel == b.layout.kernel


cdef Layout* images(const Layout* like, int n, Py_ssize_t first, Py_ssize_t second, Py_ssize_t h,
                    Py_ssize_t w) except NULL:
    """The layout of a stack of stacks of rows (n is 1) or planes (n is 2)."""
    cdef Py_ssize_t[4] shape
    shape[0] = first
    shape[1] = second
    shape[2] = h if n == 2 else w
    shape[3] = w
    return layout_get(like.typenum, like.itemsize, n + 2, shape, NULL)


cdef Tensor convolution(int op, int n, Tensor x, Tensor w, object bias, dict params):
    cdef Conv d
    cdef Tensor y, b = None, source
    cdef Py_ssize_t columns = 0
    cdef Storage* scratch = NULL
    cdef Storage* kept = NULL
    if not alike(x, w) or x.layout.ndim != n + 2 or w.layout.ndim != n + 2 or not read_convolution(n, x.layout.shape,
            w.layout.shape, params, &d):
        return None
    if bias is not None:
        b = as_tensor(bias)
        if not alike(x, b) or b.layout.ndim != 1 or b.layout.shape[0] != w.layout.shape[0]:
            return None
        check_fresh(b)
    check_fresh(x)
    check_fresh(w)
    source = contiguous(x)
    w_source = contiguous(w)
    b_source = contiguous(b) if b is not None else None
    y = new_tensor(images(x.layout, n, d.n, d.groups * d.o, d.oh, d.ow))
    if wants_grad(w):
        columns = conv_columns(&d, x.layout.itemsize)
    try:
        scratch = storage_new(conv_scratch(&d, x.layout.itemsize) * x.layout.itemsize)
        if columns:
            kept = storage_new(columns * x.layout.itemsize)
        typed[x.layout.kernel].conv_forward(source.data, (<Tensor>w_source).data,
                                            NULL if b is None else (<Tensor>b_source).data, y.data,
                                            NULL if kept == NULL else payload(kept), payload(scratch), &d)
        if wants_grad(x) or wants_grad(w) or (b is not None and wants_grad(b)):
            link_operands(y, op, (x, w, b))
            (<NodeExtra>y.extra).params = params
            if kept != NULL:
                (<NodeExtra>y.extra).kept = storage_keep(kept)
    finally:
        if scratch != NULL:
            storage_release(scratch)
        if kept != NULL:
            storage_release(kept)
    return y


cdef Tensor convolution_transposed(int op, bint to_input, Tensor a, Tensor b, dict params):
    """The cotangent of the input, of cotangent and weight; or that of the weight, of input and cotangent."""
    lengths = params["lengths"] if to_input else params["kernel"]
    cdef Tensor g = a if to_input else b, y, one, other
    cdef int n = a.layout.ndim - 2, k
    cdef Py_ssize_t[4] shape
    cdef Py_ssize_t groups
    cdef Conv d
    cdef Storage* scratch
    if not read_length(params["groups"], &groups) or groups < 1:
        return None
    if (not alike(a, b) or (n != 1 and n != 2) or b.layout.ndim != n + 2 or type(lengths) is not tuple
            or len(<tuple>lengths) != n):
        return None
    shape[0] = a.layout.shape[0] if to_input else b.layout.shape[1]
    shape[1] = b.layout.shape[1] * groups if to_input else a.layout.shape[1] // groups
    for k in range(n):
        if not read_length(lengths[k], &shape[2 + k]):
            return None
    if not read_convolution(n, &shape[0] if to_input else a.layout.shape, b.layout.shape if to_input else &shape[0],
                            params, &d):
        return None
    if not same_shape(g.layout, images(g.layout, n, d.n, d.groups * d.o, d.oh, d.ow)):
        return None
    check_fresh(a)
    check_fresh(b)
    one = contiguous(a)
    other = contiguous(b)
    y = new_tensor(layout_get(a.layout.typenum, a.layout.itemsize, n + 2, shape, NULL))
    scratch = storage_new(conv_scratch(&d, a.layout.itemsize) * a.layout.itemsize)
    if to_input:
        typed[a.layout.kernel].conv_input_backward(one.data, other.data, y.data, payload(scratch), &d, False)
    else:
        typed[a.layout.kernel].conv_weight_backward(one.data, other.data, y.data, NULL, payload(scratch), &d, False)
    storage_release(scratch)
    if wants_grad(a) or wants_grad(b):
        link_operands(y, op, (a, b))
        (<NodeExtra>y.extra).params = params
    return y


cdef int backward_convolution(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Tensor x = nth_operand(extra, 0), w = nth_operand(extra, 1), b, source
    cdef int n = x.layout.ndim - 2, k
    cdef Conv d
    cdef Py_ssize_t[3] ones
    cdef Storage* scratch
    cdef char* where
    cdef bint add
    read_convolution(n, x.layout.shape, w.layout.shape, extra.params, &d)
    scratch = storage_new(conv_scratch(&d, x.layout.itemsize) * x.layout.itemsize)
    try:
        if takes(w, only_wanted):
            source = contiguous(x)
            cotangent_buffer(w, &where, &add)
            typed[x.layout.kernel].conv_weight_backward(source.data, g, where,
                                                        NULL if extra.kept == NULL else payload(extra.kept),
                                                        payload(scratch), &d, add)
        if takes(x, only_wanted):
            source = contiguous(w)
            cotangent_buffer(x, &where, &add)
            typed[x.layout.kernel].conv_input_backward(g, source.data, where, payload(scratch), &d, add)
    finally:
        storage_release(scratch)
    if extra.operands[2] is not None:
        b = nth_operand(extra, 2)
        if takes(b, only_wanted):
            ones[0] = b.layout.shape[0]
            ones[1] = ones[2] = 1
            cotangent_buffer(b, &where, &add)
            sum_into(layout_contiguous(y.layout), g,
                     layout_get(b.layout.typenum, b.layout.itemsize, n + 1, ones, NULL), where, add)
    return 0


cdef Tensor record_conv1d(int op, PyObject** given):
    x = given_tensor(given[0])
    return None if x is None else convolution(op, 1, <Tensor>x, as_tensor(<object>given[1]), <object>given[2],
                                              given_params(op, given))


cdef Tensor record_conv2d(int op, PyObject** given):
    x = given_tensor(given[0])
    return None if x is None else convolution(op, 2, <Tensor>x, as_tensor(<object>given[1]), <object>given[2],
                                              given_params(op, given))


cdef Tensor record_conv_input(int op, PyObject** given):
    x = given_tensor(given[0])
    return None if x is None else convolution_transposed(op, True, <Tensor>x, as_tensor(<object>given[1]),
                                                         given_params(op, given))


cdef Tensor record_conv_weight(int op, PyObject** given):
    x = given_tensor(given[0])
    return None if x is None else convolution_transposed(op, False, <Tensor>x, as_tensor(<object>given[1]),
                                                         given_params(op, given))


# The transposes have no backward kernel: their vjps are convolutions.
cdef str CONV = "x weight bias stride padding dilation groups"
register_op("conv1d", CONV, record_conv1d, backward_convolution, NULL, True)
register_op("conv2d", CONV, record_conv2d, backward_convolution, NULL, True)
register_op("conv_input", "x weight lengths stride padding dilation groups", record_conv_input, backward_rule, NULL,
            True)
register_op("conv_weight", "x cotangent kernel stride padding dilation groups", record_conv_weight, backward_rule,
            NULL, True)
