# Recurrent networks over all steps of a sequence. The pre-activations of a step are stored gate by gate, each a block
# of batch x hidden, so that exp runs once over all logistic gates and tanh once over the others. `kept` holds what the
# backward reads, a few blocks per step. `states` are those of all steps; the caller sets the first. Arrays are
# C-contiguous.

cdef inline int gates_of(int cell) noexcept nogil:
    return 4 if cell == CELL_LSTM else 3 if cell == CELL_GRU else 1


cdef Py_ssize_t recurrent_kept(const Recurrent* d) noexcept nogil:
    """Elements that a step keeps for the backward: i, f, o, n and tanh(c); or r, z, n and what r scales."""
    return d.batch * d.hidden * (5 if d.cell == CELL_LSTM else 4 if d.cell == CELL_GRU else 0)


cdef Py_ssize_t recurrent_scratch(const Recurrent* d) noexcept nogil:
    """Elements of scratch: the transposed weight and a step's product; in the backward its cotangents, a column sum and
    the weight's cotangent."""
    cdef Py_ssize_t rows = gates_of(d.cell) * d.hidden
    return 2 * rows * d.hidden + 2 * rows * d.batch + 4 * d.batch * d.hidden + 2 * rows + recurrent_kept(d)


cdef inline void gate_of(const floating* x, const floating* v, const floating* b, floating* z, const Recurrent* d,
                         int gates, int k, bint negative) noexcept nogil:
    """z = x + v + b for gate `k`, or its negative; `b` may be NULL."""
    cdef Py_ssize_t r, j, n = d.hidden
    cdef floating sign = <floating>-1 if negative else <floating>1
    x += k * n
    v += k * n
    for r in range(d.batch):
        if b == NULL:
            for j in range(n):
                z[j] = sign * (x[j] + v[j])
        else:
            for j in range(n):
                z[j] = sign * (x[j] + v[j] + b[k * n + j])
        x += gates * n
        v += gates * n
        z += n


cdef inline void logistic(floating* z, Py_ssize_t n, const Helpers* h) noexcept nogil:
    """z = 1 / (1 + exp(z)), of negative pre-activations."""
    apply1(&h.exp, z, z, n, sizeof(floating))
    for i in range(n):
        z[i] = <floating>1 / (<floating>1 + z[i])


cdef void lstm_step(const floating* x, const floating* v, const floating* b, const floating* c, floating* z,
                    floating* cy, floating* hy, const Recurrent* d, const Helpers* h) noexcept nogil:
    cdef Py_ssize_t k, n = d.batch * d.hidden
    cdef floating* f = z + n
    cdef floating* o = z + 2 * n
    cdef floating* g = z + 3 * n
    cdef floating* s = z + 4 * n
    gate_of(x, v, b, z, d, 4, 0, True)
    gate_of(x, v, b, f, d, 4, 1, True)
    gate_of(x, v, b, o, d, 4, 3, True)
    gate_of(x, v, b, g, d, 4, 2, False)
    logistic(z, 3 * n, h)
    apply1(&h.tanh, g, g, n, sizeof(floating))
    for k in range(n):
        cy[k] = f[k] * c[k] + z[k] * g[k]
    apply1(&h.tanh, cy, s, n, sizeof(floating))
    for k in range(n):
        hy[k] = o[k] * s[k]


cdef void gru_step(const floating* x, const floating* v, const floating* b, const floating* bv, const floating* hx,
                   floating* z, floating* hy, const Recurrent* d, const Helpers* h) noexcept nogil:
    """`b` is the bias of x, plus that of v for r and z; `bv` is that of v for n."""
    cdef Py_ssize_t k, j, r, n = d.batch * d.hidden
    cdef floating* u = z + n
    cdef floating* g = z + 2 * n
    cdef floating* q = z + 3 * n
    gate_of(x, v, b, z, d, 3, 0, True)
    gate_of(x, v, b, u, d, 3, 1, True)
    logistic(z, 2 * n, h)
    k = 0
    for r in range(d.batch):
        for j in range(d.hidden):
            q[k + j] = v[(3 * r + 2) * d.hidden + j] + bv[j]
        for j in range(d.hidden):
            g[k + j] = x[(3 * r + 2) * d.hidden + j] + b[2 * d.hidden + j] + z[k + j] * q[k + j]
        k += d.hidden
    apply1(&h.tanh, g, g, n, sizeof(floating))
    for k in range(n):
        hy[k] = (<floating>1 - u[k]) * g[k] + u[k] * hx[k]


cdef void recurrent_forward(const floating* u, const floating* w, const floating* b, const floating* bv,
                            floating* states, floating* kept, floating* scratch, const Recurrent* d) noexcept nogil:
    """`states` are those of h, then for LSTM those of c; `kept` is NULL where there will be no backward."""
    cdef const Helpers* h = helpers_of(u)
    cdef Py_ssize_t n = d.batch * d.hidden, rows = gates_of(d.cell) * d.hidden, t, i, j
    cdef floating* wt = scratch
    cdef floating* v = wt + rows * d.hidden
    cdef floating* both = v + rows * d.batch
    cdef floating* z = both + rows
    cdef floating* c = states + (d.steps + 1) * n
    for i in range(rows):
        for j in range(d.hidden):
            wt[j * rows + i] = w[i * d.hidden + j]
    if d.cell == CELL_GRU:
        for j in range(rows):
            both[j] = b[j] + bv[j] if j < 2 * d.hidden else b[j]
        b = both
        bv += 2 * d.hidden
    for t in range(d.steps):
        if kept != NULL:
            z = kept + t * recurrent_kept(d)
        matrix_product(states, False, wt, False, v, d.batch, d.hidden, rows)
        if d.cell == CELL_LSTM:
            lstm_step(u, v, b, c, z, c + n, states + n, d, h)
            c += n
        elif d.cell == CELL_GRU:
            gru_step(u, v, b, bv, states, z, states + n, d, h)
        else:
            gate_of(u, v, b, states + n, d, 1, 0, False)
            if d.cell == CELL_TANH:
                apply1(&h.tanh, states + n, states + n, n, sizeof(floating))
            else:
                relu_forward(states + n, states + n, n, h)
        u += rows * d.batch
        states += n


cdef void lstm_step_backward(const floating* z, const floating* c, const floating* gh, floating* gc, floating* gu,
                             const Recurrent* d) noexcept nogil:
    """gu = the cotangents of the pre-activations; gc = that of the cell state before the step, `c`."""
    cdef Py_ssize_t r, j, k, n = d.batch * d.hidden, m = d.hidden
    cdef const floating* f = z + n
    cdef const floating* o = z + 2 * n
    cdef const floating* g = z + 3 * n
    cdef const floating* s = z + 4 * n
    for k in range(n):
        gc[k] += gh[k] * o[k] * (<floating>1 - s[k]) * (<floating>1 + s[k])
    k = 0
    for r in range(d.batch):
        for j in range(m):
            gu[j] = gc[k + j] * g[k + j] * z[k + j] * (<floating>1 - z[k + j])
        for j in range(m):
            gu[m + j] = gc[k + j] * c[k + j] * f[k + j] * (<floating>1 - f[k + j])
        for j in range(m):
            gu[2 * m + j] = gc[k + j] * z[k + j] * (<floating>1 - g[k + j]) * (<floating>1 + g[k + j])
        for j in range(m):
            gu[3 * m + j] = gh[k + j] * s[k + j] * o[k + j] * (<floating>1 - o[k + j])
        gu += 4 * m
        k += m
    for k in range(n):
        gc[k] *= f[k]


cdef void gru_step_backward(const floating* z, const floating* hx, floating* gh, floating* gu, floating* gv,
                            const Recurrent* d) noexcept nogil:
    """gu, gv = the cotangents of both pre-activations; gh = the part of the state's that does not pass through them."""
    cdef Py_ssize_t r, j, k = 0, n = d.batch * d.hidden, m = d.hidden
    cdef const floating* u = z + n
    cdef const floating* g = z + 2 * n
    cdef const floating* q = z + 3 * n
    for r in range(d.batch):
        for j in range(m):
            gu[2 * m + j] = gh[k + j] * (<floating>1 - u[k + j]) * (<floating>1 - g[k + j]) * (<floating>1 + g[k + j])
        for j in range(m):
            gu[m + j] = gh[k + j] * (hx[k + j] - g[k + j]) * u[k + j] * (<floating>1 - u[k + j])
        for j in range(m):
            gu[j] = gu[2 * m + j] * q[k + j] * z[k + j] * (<floating>1 - z[k + j])
        memcpy(gv, gu, 2 * m * sizeof(floating))
        for j in range(m):
            gv[2 * m + j] = gu[2 * m + j] * z[k + j]
        gu += 3 * m
        gv += 3 * m
        k += m
    for k in range(n):
        gh[k] *= u[k]


cdef void recurrent_backward(const floating* g, const floating* w, const floating* states, const floating* kept,
                             floating* gu, floating* gv, floating* gh, floating* gc, floating* scratch,
                             const Recurrent* d) noexcept nogil:
    """`gu`: the cotangents of the pre-activations of all steps; `gv`: of the state's part, `gu` itself where it is the
    same; `gh`, `gc`: of the first states."""
    cdef Py_ssize_t n = d.batch * d.hidden, rows = gates_of(d.cell) * d.hidden, t, k
    cdef floating* back = scratch
    cdef const floating* gc_in = g + (d.steps + 1) * n
    cdef const floating* c = states + (d.steps + 1) * n
    memcpy(gh, g + d.steps * n, n * sizeof(floating))
    if d.cell == CELL_LSTM:
        memcpy(gc, gc_in + d.steps * n, n * sizeof(floating))
    for t in range(d.steps - 1, -1, -1):
        if d.cell == CELL_LSTM:
            lstm_step_backward(kept + t * 5 * n, c + t * n, gh, gc, gu + t * d.batch * rows, d)
            for k in range(n):
                gc[k] += gc_in[t * n + k]
        elif d.cell == CELL_GRU:
            gru_step_backward(kept + t * 4 * n, states + t * n, gh, gu + t * d.batch * rows, gv + t * d.batch * rows, d)
        elif d.cell == CELL_TANH:
            tanh_backward(gh, NULL, NULL, states + (t + 1) * n, gu + t * n, n, 0, NULL, False)
        else:
            relu_backward(gh, NULL, NULL, states + (t + 1) * n, gu + t * n, n, 0, NULL, False)
        matrix_product(gv + t * d.batch * rows, False, w, False, back, d.batch, rows, d.hidden)
        if d.cell == CELL_GRU:
            for k in range(n):
                gh[k] += back[k] + g[t * n + k]
        else:
            for k in range(n):
                gh[k] = back[k] + g[t * n + k]
