# Recurrent networks over whole sequences. What the kernels do not take is None: the rule does it, or says why not.

cdef int cell_of(int op, dict params) except -1:
    """Which cell an op runs."""
    if op == LSTM:
        return CELL_LSTM
    if op == GRU:
        return CELL_GRU
    return CELL_RELU if params["nonlinearity"] == "relu" else CELL_TANH


cdef inline int states_of(int cell) noexcept:
    """How many states a step hands to the next one."""
    return 2 if cell == CELL_LSTM else 1


cdef bint has_lengths(Tensor x, const Layout* like, int ndim, Py_ssize_t first, Py_ssize_t second) noexcept:
    """Whether `x` is a vector or matrix of these lengths, of the dtype of `like`."""
    return (x.layout.kernel == like.kernel and x.layout.ndim == ndim and x.layout.shape[0] == first
            and (ndim == 1 or x.layout.shape[1] == second))


cdef bint read_recurrent(int op, tuple operands, dict params, Recurrent* d) except -1:
    """The lengths of a network on these operands, Tensors or None; False where they do not fit, or where one is 0."""
    cdef Tensor u, w
    cdef Py_ssize_t k, rows
    d.cell = cell_of(op, params)
    for k in range(2 + states_of(d.cell)):
        if operands[k] is None:     # only a bias may be left out
            return False
    u = operands[0]
    w = operands[1]
    if (u.layout.kernel == NO_KERNEL or u.layout.kernel != w.layout.kernel or u.layout.ndim != 3 or w.layout.ndim != 2
            or u.layout.size == 0):
        return False
    d.steps = u.layout.shape[0]
    d.batch = u.layout.shape[1]
    d.hidden = w.layout.shape[1]
    rows = d.hidden * (4 if d.cell == CELL_LSTM else 3 if d.cell == CELL_GRU else 1)
    if u.layout.shape[2] != rows or w.layout.shape[0] != rows:
        return False
    for k in range(2, len(operands)):
        if k < 2 + states_of(d.cell):
            if not has_lengths(operands[k], u.layout, 2, d.batch, d.hidden):
                return False
        elif operands[k] is not None and not has_lengths(operands[k], u.layout, 1, rows, 0):
            return False
    return True


cdef tuple tensors_of(tuple operands):
    """Operands as Tensors; None stays."""
    cdef list made = []
    for o in operands:
        made.append(None if o is None else as_tensor(o))
    return tuple(made)


cdef Tensor recurrent(int op, tuple operands, dict params):
    cdef Recurrent d
    cdef Py_ssize_t[4] shape
    cdef Py_ssize_t item, n
    cdef Tensor y, u, w, b, bv, x
    cdef Storage* scratch = NULL
    cdef Storage* kept = NULL
    cdef char* zeros
    cdef bint record = False
    cdef int k
    operands = tensors_of(operands)
    if not read_recurrent(op, operands, params, &d):
        return None
    for o in operands:
        if o is not None:
            check_fresh(<Tensor>o)
            record = record or wants_grad(<Tensor>o)
    u = contiguous(<Tensor>operands[0])
    w = contiguous(<Tensor>operands[1])
    item = u.layout.itemsize
    n = d.batch * d.hidden * item
    shape[0] = 2
    shape[1] = d.steps + 1
    shape[2] = d.batch
    shape[3] = d.hidden
    y = new_tensor(layout_get(u.layout.typenum, u.layout.itemsize, 2 + states_of(d.cell),
                              &shape[2 - states_of(d.cell)], NULL))
    for k in range(states_of(d.cell)):
        x = contiguous(<Tensor>operands[2 + k])
        memcpy(y.data + k * (d.steps + 1) * n, x.data, n)
    b = operands[2 + states_of(d.cell)]
    b = contiguous(b) if b is not None else None
    bv = contiguous(<Tensor>operands[4]) if d.cell == CELL_GRU and operands[4] is not None else None
    try:
        scratch = storage_new((recurrent_scratch(&d) + w.layout.shape[0]) * item)
        zeros = payload(scratch) + recurrent_scratch(&d) * item
        memset(zeros, 0, w.layout.shape[0] * item)
        if record:
            kept = storage_new(recurrent_kept(&d) * d.steps * item)
        typed[u.layout.kernel].recurrent_forward(u.data, w.data, zeros if b is None else b.data,
                                                 zeros if bv is None else bv.data, y.data,
                                                 NULL if kept == NULL else payload(kept), payload(scratch), &d)
        if record:
            link_operands(y, op, operands)
            (<NodeExtra>y.extra).params = params
            (<NodeExtra>y.extra).kept = storage_keep(kept)
    finally:
        if scratch != NULL:
            storage_release(scratch)
        if kept != NULL:
            storage_release(kept)
    return y


cdef int backward_recurrent(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef NodeExtra extra = <NodeExtra>y.extra
    cdef int k, cells
    cdef Tensor u = nth_operand(extra, 0), w = nth_operand(extra, 1), x, w_source = contiguous(w)
    cdef Py_ssize_t item = u.layout.itemsize, rows = w.layout.shape[0], n
    cdef Recurrent d
    cdef Storage* block = NULL
    cdef char* gu
    cdef char* gv
    cdef char* gh
    cdef char* sums
    cdef char* where
    cdef bint add = True
    d.cell = cell_of(y.op, extra.params)
    cells = states_of(d.cell)
    d.steps = u.layout.shape[0]
    d.batch = u.layout.shape[1]
    d.hidden = w.layout.shape[1]
    n = d.batch * d.hidden
    block = storage_new((recurrent_scratch(&d) + 2 * n + rows) * item + 2 * u.layout.nbytes)
    try:
        gh = payload(block) + recurrent_scratch(&d) * item
        sums = gh + 2 * n * item
        gu = sums + rows * item
        gv = gu + u.layout.nbytes
        if takes(u, only_wanted):
            cotangent_buffer(u, &where, &add)
            if not add:
                gu = where
        if d.cell != CELL_GRU:
            gv = gu
        typed[u.layout.kernel].recurrent_backward(g, w_source.data, y.data, payload(extra.kept), gu, gv, gh,
                                                  gh + n * item, payload(block), &d)
        if takes(u, only_wanted) and add:
            typed[u.layout.kernel].accumulate(gu, where, u.layout.size)
        if takes(w, only_wanted):
            product_into(w, rows, d.steps * d.batch, d.hidden, gv, item, rows * item, y.data, d.hidden * item, item)
        for k in range(cells):
            x = nth_operand(extra, 2 + k)
            if takes(x, only_wanted):
                accumulate(x, gh + k * n * item, NULL)
        for k in range(2 + cells, <int>len(extra.operands)):
            if extra.operands[k] is not None:
                x = nth_operand(extra, k)
                if takes(x, only_wanted):
                    memset(sums, 0, rows * item)
                    typed[u.layout.kernel].accumulate_rows(gv if k == 4 else gu, NULL, NULL, sums, d.steps * d.batch,
                                                           rows)
                    accumulate(x, sums, NULL)
    finally:
        storage_release(block)
    return 0


cdef Tensor record_rnn(int op, PyObject** given):
    return recurrent(op, (<object>given[0], <object>given[1], <object>given[2], <object>given[3]),
                     given_params(op, given))


cdef Tensor record_gated(int op, PyObject** given):
    return recurrent(op, (<object>given[0], <object>given[1], <object>given[2], <object>given[3], <object>given[4]),
                     NO_PARAMS)


cdef int RNN = register_op("rnn", "u weight h0 bias nonlinearity", record_rnn, backward_recurrent, NULL, True)
cdef int LSTM = register_op("lstm", "u weight h0 c0 bias", record_gated, backward_recurrent, NULL, True)
cdef int GRU = register_op("gru", "u weight h0 bias_ih bias_hh", record_gated, backward_recurrent, NULL, True)
