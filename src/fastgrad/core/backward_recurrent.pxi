# Backward of recurrent networks: through time step by step; weight and biases over all steps at once.

cdef int backward_recurrent(Tensor y, char* g, bint only_wanted) except -1:
    cdef Extra extra = <Extra>y.extra
    cdef int op = y.op, k, cells = cells_in(op)
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
    d.cell = CELL_LSTM if op == LSTM else CELL_GRU if op == GRU else CELL_RELU if extra.params["nonlinearity"] == "relu" else CELL_TANH
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
            cotangent_room(u, &where, &add)
            if not add:
                gu = where
        if op != GRU:
            gv = gu
        recurrent_backward(u.layout.kernel, g, w_source.data, y.data, payload(extra.kept), gu, gv, gh, gh + n * item, payload(block), &d)
        if takes(u, only_wanted) and add:
            accumulate(u.layout.kernel, gu, where, u.layout.size)
        if takes(w, only_wanted):
            product_into(w, rows, d.steps * d.batch, d.hidden, gv, item, rows * item, y.data, d.hidden * item, item)
        for k in range(cells):
            x = nth_operand(extra, 2 + k)
            if takes(x, only_wanted):
                give(x, gh + k * n * item, NULL)
        for k in range(2 + cells, <int>len(extra.operands)):
            if extra.operands[k] is not None:
                x = nth_operand(extra, k)
                if takes(x, only_wanted):
                    sum_columns(u.layout.kernel, gv if k == 4 else gu, sums, d.steps * d.batch, rows)
                    give(x, sums, NULL)
    finally:
        storage_release(block)
    return 0
