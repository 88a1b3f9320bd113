# Cross-entropy over rows of logits. Takes what the softmax kernels compute row by row.

cdef double cross_entropy_fill(const floating* x, const Py_ssize_t* labels, floating* losses, floating* e,
                               floating* inverse, bint reuse,
                               Py_ssize_t rows, Py_ssize_t n, const Helpers* h) noexcept nogil:
    cdef floating[WIDTH] top
    cdef floating[WIDTH] s
    cdef floating[WIDTH] loss
    cdef Py_ssize_t o = 0, r, w
    cdef double sum = 0
    while o < rows:
        w = min(rows_at_once(n), rows - o)
        exp_rows(x, w, n, False, top, e, s, h)
        if not reuse:
            for r in range(w):
                inverse[o + r] = <floating>1 / s[r]
            e += w * n
        apply1(&h.log, s, s, w, sizeof(floating))
        for r in range(w):
            loss[r] = s[r] - (x[labels[o + r]] - top[r])
            x += n
        if losses != NULL:
            memcpy(losses + o, loss, w * sizeof(floating))
        else:
            sum += total(loss, w, h)
        o += w
    return sum


cdef double cross_entropy_forward(int dtype, const void* logits, const Py_ssize_t* labels, void* losses, void* e,
                                  void* inverse, bint reuse, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """log(sum(exp(x))) - x[label] of each row, and in `e` and `inverse` what the backward needs: exp(x - max), 1 / sum
    of that.

    Without `losses` their sum is returned. With `reuse`, `e` is scratch for one block of rows, and nothing is left for
    a backward.
    """
    if dtype == F64:
        return cross_entropy_fill(<const double*>logits, labels, <double*>losses, <double*>e, <double*>inverse, reuse,
                                  rows, n, &helpers[dtype])
    return cross_entropy_fill(<const float*>logits, labels, <float*>losses, <float*>e, <float*>inverse, reuse, rows, n,
                              &helpers[dtype])


cdef void cross_entropy_pull(const floating* g, bint each, double share, const Py_ssize_t* labels, const floating* e,
                             const floating* inverse,
                             floating* gx, Py_ssize_t rows, Py_ssize_t n, bint add) noexcept nogil:
    cdef Py_ssize_t r, j
    cdef floating whole = g[0] / <floating>share if rows and not each else <floating>0, f
    for r in range(rows):
        if each:
            whole = g[r]
        f = whole * inverse[r]
        for j in range(n):
            put(gx + j, e[j] * f, add)
        gx[labels[r]] -= whole
        gx += n
        e += n


cdef void cross_entropy_backward(int dtype, const void* g, bint each, double share, const Py_ssize_t* labels,
                                 const void* e, const void* inverse,
                                 void* gx, Py_ssize_t rows, Py_ssize_t n, bint add) noexcept nogil:
    """gx (+)= (softmax - one-hot) * g: one g for each row, or one `g / share` for all."""
    if dtype == F64:
        cross_entropy_pull(<const double*>g, each, share, labels, <const double*>e, <const double*>inverse,
                           <double*>gx, rows, n, add)
    else:
        cross_entropy_pull(<const float*>g, each, share, labels, <const float*>e, <const float*>inverse, <float*>gx,
                           rows, n, add)
