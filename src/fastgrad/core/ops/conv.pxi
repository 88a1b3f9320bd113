# Convolutions and their two transposes. Parameters come as the rules prepare them, tuples of ints; the rule handles
# what does not fit, or raises.

cdef enum:
    LENGTHS = 1 << 30


cdef double ELEMENTS = 1e16


cdef bint read_length(object o, Py_ssize_t* value) except -1:
    """An int of which products with another one, and sums of them, fit into 64 bits."""
    return read_int(o, value) and 0 <= value[0] < LENGTHS


cdef bint read_lengths(object o, int n, Py_ssize_t* first, Py_ssize_t* second) except -1:
    """A tuple of two lengths, or of one for the second alone."""
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
        if not read_lengths(padding[k], 2, &low[2 - n + k], &high[2 - n + k]):
            return False
    return True


cdef inline Py_ssize_t count_windows(Py_ssize_t length, Py_ssize_t span, Py_ssize_t stride) noexcept nogil:
    """How many windows start along a padded axis; 0 where none fits. `span` reaches beyond a window's first element."""
    return (length - span - 1) // stride + 1 if length > span else 0


cdef bint read_windows(int n, dict params, Windows* d) except -1:
    """Read stride, dilation and padding of `n` axes and count the windows, the lengths of input and kernel being given;
    False where they do not fit, or where one is 0."""
    cdef Py_ssize_t[2] low
    cdef Py_ssize_t[2] high
    d.sh = d.dh = d.dw = 1
    if (not read_lengths(params["stride"], n, &d.sh, &d.sw)
            or ("dilation" in params and not read_lengths(params["dilation"], n, &d.dh, &d.dw))
            or min(d.n, d.h, d.w) < 1 or min(d.kh, d.kw, d.sh) < 1 or min(d.sw, d.dh, d.dw) < 1
            or max(d.h, d.w, d.kh) >= LENGTHS or d.kw >= LENGTHS):
        return False
    cdef Py_ssize_t span_h = d.dh * (d.kh - 1)
    cdef Py_ssize_t span_w = d.dw * (d.kw - 1)
    if not read_padding(params["padding"], n, span_h, span_w, low, high):
        return False
    d.top = low[0]
    d.left = low[1]
    d.hp = d.h + low[0] + high[0]
    d.wp = d.w + low[1] + high[1]
    d.oh = count_windows(d.hp, span_h, d.sh)
    d.ow = count_windows(d.wp, span_w, d.sw)
    return d.oh > 0 and d.ow > 0


cdef bint read_convolution(int n, const Py_ssize_t* x, const Py_ssize_t* w, dict params, Windows* d) except -1:
    """Lengths of a convolution of arrays of these shapes; False where they do not fit, or where one is 0."""
    d.n = x[0]
    d.h = x[2] if n == 2 else 1
    d.w = x[n + 1]
    d.kh = w[2] if n == 2 else 1
    d.kw = w[n + 1]
    if (not read_windows(n, params, d) or not read_length(params["groups"], &d.groups)
            or min(d.groups, w[0], w[1]) < 1 or x[1] % d.groups or w[0] % d.groups or x[1] // d.groups != w[1]):
        return False
    d.c = w[1]
    d.o = w[0] // d.groups
    # Bounds on the padded input of all samples, and on a row of windows as columns: NumPy reports what is larger.
    return (<double>d.hp * <double>d.wp * <double>d.c * <double>d.n < ELEMENTS
            and <double>(d.c * d.kh * d.kw) * <double>d.ow < ELEMENTS)


cdef Layout* images(const Layout* like, int n, Py_ssize_t first, Py_ssize_t second, Py_ssize_t h,
                    Py_ssize_t w) except NULL:
    """The layout of a stack of stacks of rows (n is 1) or planes (n is 2)."""
    cdef Py_ssize_t[4] shape
    shape[0] = first
    shape[1] = second
    shape[2] = h if n == 2 else w
    shape[3] = w
    return layout_get(like.typenum, like.itemsize, n + 2, shape, NULL)


cdef Tensor record_conv(int op, PyObject** given):
    cdef Windows d
    cdef Outside o
    cdef Tensor x = given_tensor(given[0]), w, b, y, source, w_source
    cdef char* columns = NULL
    if x is None:
        return None
    w = as_tensor(<object>given[1])
    b = given_optional(given[2])
    cdef dict params = given_params(op, given)
    cdef int n = x.layout.ndim - 2
    if (not same_kernel(x, w) or (n != 1 and n != 2) or w.layout.ndim != n + 2
            or not read_convolution(n, x.layout.shape, w.layout.shape, params, &d)):
        return None
    if b is not None and not (same_kernel(x, b) and b.layout.ndim == 1 and b.layout.shape[0] == w.layout.shape[0]):
        return None
    cdef tuple operands = (x, w, b)
    cdef bint wanted = check_operands(operands)
    cdef Py_ssize_t item = x.layout.itemsize
    y = new_tensor(images(x.layout, n, d.n, d.groups * d.o, d.oh, d.ow))
    if wants_grad(w) and conv_columns(&d, item):
        columns = keep_block(y, conv_columns(&d, item) * item)
    source = contiguous(x)
    w_source = contiguous(w)
    if b is not None:
        b = contiguous(b)
    cdef Storage* scratch = storage_new(conv_scratch(&d, item) * item)
    go_outside(&o, bytes_of(y.layout.size * d.c * d.kh * d.kw), x, w, b, NULL, NULL)
    conv_door(x.layout.kernel, source.data, w_source.data, data_or_null(b), y.data, columns, payload(scratch), &d)
    come_back(&o)
    storage_release(scratch)
    if wanted:
        check_unwritten(&o, op, x, w, b)
        link_operands(y, op, operands, params)
    return y


cdef Tensor record_conv_transposed(int op, PyObject** given):
    """The cotangent of the input, of cotangent and weight; or that of the weight, of input and cotangent."""
    cdef Tensor a = given_tensor(given[0]), b, g, y, a_source, b_source
    cdef int n, k
    cdef Py_ssize_t[4] shape
    cdef Py_ssize_t groups
    cdef Windows d
    cdef Outside o
    if a is None:
        return None
    b = as_tensor(<object>given[1])
    cdef dict params = given_params(op, given)
    cdef bint to_input = "lengths" in params
    g = a if to_input else b
    n = a.layout.ndim - 2
    lengths = <object>given[2]
    if (not read_length(params["groups"], &groups) or groups < 1 or not same_kernel(a, b) or (n != 1 and n != 2)
            or b.layout.ndim != n + 2 or type(lengths) is not tuple or len(<tuple>lengths) != n):
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
    operands = (a, b)
    cdef bint wanted = check_operands(operands)
    a_source = contiguous(a)
    b_source = contiguous(b)
    y = new_tensor(layout_get(a.layout.typenum, a.layout.itemsize, n + 2, shape, NULL))
    cdef Storage* scratch = storage_new(conv_scratch(&d, a.layout.itemsize) * a.layout.itemsize)
    go_outside(&o, bytes_of(g.layout.size * d.c * d.kh * d.kw), a, b, None, NULL, NULL)
    if to_input:
        conv_input_door(a.layout.kernel, a_source.data, b_source.data, y.data, payload(scratch), &d, False)
    else:
        conv_weight_door(a.layout.kernel, a_source.data, b_source.data, y.data, NULL, payload(scratch), &d, False)
    come_back(&o)
    storage_release(scratch)
    if wanted:
        check_unwritten(&o, op, a, b, None)
        link_operands(y, op, operands, params)
    return y


cdef int backward_conv(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Tensor x = nth_operand(extra, 0), w = nth_operand(extra, 1), b, source
    cdef int n = x.layout.ndim - 2
    cdef Windows d
    cdef Py_ssize_t[3] ones
    cdef bint add
    cdef Outside o
    cdef Storage* kept = extra.kept
    read_convolution(n, x.layout.shape, w.layout.shape, extra.params, &d)
    cdef Py_ssize_t nbytes = bytes_of(y.layout.size * d.c * d.kh * d.kw)
    cdef Storage* scratch = storage_new(conv_scratch(&d, x.layout.itemsize) * x.layout.itemsize)
    keep_memory(kept, gs, NULL)
    try:
        if takes(w, only_wanted):
            source = contiguous(x)
            gx = cotangent_buffer(w, &add)
            go_outside(&o, nbytes, x, None, None, NULL, cotangent_block(w))
            conv_weight_door(x.layout.kernel, source.data, g, gx, NULL if kept == NULL else payload(kept),
                             payload(scratch), &d, add)
            come_back(&o)
        if takes(x, only_wanted):
            source = contiguous(w)
            gx = cotangent_buffer(x, &add)
            go_outside(&o, nbytes, w, None, None, NULL, cotangent_block(x))
            conv_input_door(x.layout.kernel, g, source.data, gx, payload(scratch), &d, add)
            come_back(&o)
        b = wanted_operand(y, 2, only_wanted)
        if b is not None:
            ones[0] = b.layout.shape[0]
            ones[1] = ones[2] = 1
            gx = cotangent_buffer(b, &add)
            sum_into(layout_contiguous(y.layout), g,
                     layout_get(b.layout.typenum, b.layout.itemsize, n + 1, ones, NULL), gx, add, gs,
                     cotangent_block(b))
    finally:
        storage_release(scratch)
        release_memory(kept, gs, NULL)
    return 0


# The transposes have no backward kernel: their vjps are convolutions.
cdef str CONV = "x weight bias stride padding dilation groups"
register_op("conv1d", CONV, record_conv, backward_conv, NULL, True)
register_op("conv2d", CONV, record_conv, backward_conv, NULL, True)
register_op("conv_input", "x weight lengths stride padding dilation groups", record_conv_transposed, backward_rule,
            NULL, True)
register_op("conv_weight", "x cotangent kernel stride padding dilation groups", record_conv_transposed, backward_rule,
            NULL, True)
