# Recurrent networks over whole sequences. The rule handles what the kernels do not take, or raises.

cdef inline int states_of(int cell) noexcept:
    """The number of states that a step passes to the next one."""
    return 2 if cell == CELL_LSTM else 1


cdef bint has_lengths(Tensor x, const Layout* like, int ndim, Py_ssize_t first, Py_ssize_t second) noexcept:
    """Whether `x` is a vector or matrix of these lengths, of the dtype of `like`."""
    return (x.layout.kernel == like.kernel and x.layout.ndim == ndim and x.layout.shape[0] == first
            and (ndim == 1 or x.layout.shape[1] == second))


cdef inline Recurrent recurrent_of(int cell, Tensor u, Tensor w) noexcept:
    cdef Recurrent d
    d.cell = cell
    d.steps = u.layout.shape[0]
    d.batch = u.layout.shape[1]
    d.hidden = w.layout.shape[1]
    return d


cdef bint fit_recurrent(int cell, tuple operands) except -1:
    """Whether the operands, Tensors or None, are those of a network, and no length is 0."""
    cdef Recurrent d
    for k in range(2 + states_of(cell)):
        if operands[k] is None:     # only a bias may be left out
            return False
    cdef Tensor u = operands[0]
    cdef Tensor w = operands[1]
    if not same_kernel(u, w) or u.layout.ndim != 3 or w.layout.ndim != 2 or u.layout.size == 0:
        return False
    d = recurrent_of(cell, u, w)
    rows = d.hidden * (4 if cell == CELL_LSTM else 3 if cell == CELL_GRU else 1)
    if u.layout.shape[2] != rows or w.layout.shape[0] != rows:
        return False
    for k in range(2, len(operands)):
        if k < 2 + states_of(cell):
            if not has_lengths(operands[k], u.layout, 2, d.batch, d.hidden):
                return False
        elif operands[k] is not None and not has_lengths(operands[k], u.layout, 1, rows, 0):
            return False
    return True


cdef Tensor recurrent(int op, int cell, tuple given, dict params):
    cdef Recurrent d
    cdef Outside out
    cdef Py_ssize_t[4] shape
    cdef Tensor y, u, w, b, bv = None, x
    cdef char* kept = NULL
    cdef int k, states
    cdef list converted = []
    for o in given:
        converted.append(None if o is None else as_tensor(o))
    operands = tuple(converted)
    if not fit_recurrent(cell, operands):
        return None
    cdef bint wanted = check_operands(operands)
    states = states_of(cell)
    u = <Tensor>operands[0]
    w = <Tensor>operands[1]
    d = recurrent_of(cell, u, w)
    cdef Py_ssize_t item = w.layout.itemsize
    cdef Py_ssize_t n = d.batch * d.hidden * item
    shape[0] = 2
    shape[1] = d.steps + 1
    shape[2] = d.batch
    shape[3] = d.hidden
    y = new_tensor(layout_get(w.layout.typenum, item, 2 + states, &shape[2 - states], NULL))
    if wanted:
        kept = keep_block(y, recurrent_kept(&d) * d.steps * item)
    u = contiguous(u)
    w = contiguous(w)
    for k in range(states):
        x = contiguous(<Tensor>operands[2 + k])
        move_door(y.data + k * (d.steps + 1) * n, x.data, n)
    b = operands[2 + states]
    if b is not None:
        b = contiguous(b)
    if cell == CELL_GRU and operands[4] is not None:
        bv = private_copy(<Tensor>operands[4])      # `out` has room for three Tensors that others write to
    cdef Storage* scratch = storage_new((recurrent_scratch(&d) + w.layout.shape[0]) * item)
    cdef char* zeros = payload(scratch) + recurrent_scratch(&d) * item
    zero_door(zeros, w.layout.shape[0] * item)
    go_outside(&out, bytes_of(u.layout.size * d.hidden), <Tensor>operands[0], <Tensor>operands[1], b, NULL, NULL)
    recurrent_door(u.layout.kernel, u.data, w.data, zeros if b is None else b.data, zeros if bv is None else bv.data,
                   y.data, kept, payload(scratch), &d)
    come_back(&out)
    storage_release(scratch)
    if wanted:
        check_unwritten(&out, op, <Tensor>operands[0], <Tensor>operands[1], b)
        link_operands(y, op, operands, params).numbers[0] = cell
    return y


cdef int backward_recurrent(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef Tensor u = nth_operand(extra, 0), w = nth_operand(extra, 1), x, w_source = contiguous(w)
    cdef Py_ssize_t item = u.layout.itemsize, rows = w.layout.shape[0], n
    cdef Recurrent d = recurrent_of(<int>extra.numbers[0], u, w)
    cdef int k, states = states_of(d.cell)
    cdef char* gx = NULL
    cdef bint add = True
    cdef Outside o
    cdef Storage* kept = extra.kept
    cdef Factor left, right
    n = d.batch * d.hidden
    cdef Storage* block = storage_new((recurrent_scratch(&d) + 2 * n + rows) * item + 2 * u.layout.nbytes)
    keep_memory(kept, gs, NULL)
    try:
        gh = payload(block) + recurrent_scratch(&d) * item
        sums = gh + 2 * n * item
        gu = sums + rows * item
        gv = gu + u.layout.nbytes
        if takes(u, only_wanted):
            gx = cotangent_buffer(u, &add)
            if not add:
                gu = gx
        if d.cell != CELL_GRU:
            gv = gu
        go_outside(&o, bytes_of(u.layout.size * d.hidden), w, y, None, NULL, cotangent_block(u) if gx != NULL else NULL)
        recurrent_backward_door(u.layout.kernel, g, w_source.data, y.data, payload(kept), gu, gv, gh, n * item,
                                payload(block), &d)
        come_back(&o)
        if takes(u, only_wanted) and add:
            accumulate_door(u.layout.kernel, gu, gx, u.layout.size)
        if takes(w, only_wanted):
            left = factor(gv, item, rows * item)
            right = factor(y.data, d.hidden * item, item)
            product_into(w, rows, d.steps * d.batch, d.hidden, &left, &right, None, NULL)
        for k in range(states):
            x = wanted_operand(y, 2 + k, only_wanted)
            if x is not None:
                accumulate(x, gh + k * n * item, NULL)
        for k in range(2 + states, <int>len(extra.operands)):
            x = wanted_operand(y, k, only_wanted)
            if x is not None:
                zero_door(sums, rows * item)
                accumulate_rows_door(u.layout.kernel, gv if k == 4 else gu, NULL, NULL, sums, d.steps * d.batch, rows)
                accumulate(x, sums, NULL)
    finally:
        storage_release(block)
        release_memory(kept, gs, NULL)
    return 0


cdef Tensor record_rnn(int op, PyObject** given):
    return recurrent(op, CELL_RELU if <object>given[4] == "relu" else CELL_TANH, given_tuple(given, 4),
                     given_params(op, given))


cdef Tensor record_lstm(int op, PyObject** given):
    return recurrent(op, CELL_LSTM, given_tuple(given, 5), NO_PARAMS)


cdef Tensor record_gru(int op, PyObject** given):
    return recurrent(op, CELL_GRU, given_tuple(given, 5), NO_PARAMS)


register_op("rnn", "u weight h0 bias nonlinearity", record_rnn, backward_recurrent, NULL, True)
register_op("lstm", "u weight h0 c0 bias", record_lstm, backward_recurrent, NULL, True)
register_op("gru", "u weight h0 bias_ih bias_hh", record_gru, backward_recurrent, NULL, True)
