# Cross-entropy over rows of logits, in the passes of the softmax kernels.

cdef double cross_entropy_forward(const floating* x, const Py_ssize_t* labels, floating* losses, floating* e,
                                  floating* inverse, bint reuse, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """log(sum(exp(x))) - x[label] of each row. `e` and `inverse` receive what the backward needs: exp(x - max) and
    1 / sum of that.

    Returns the sum of the losses where `losses` is NULL. With `reuse`, `e` is scratch for one block of rows, and
    nothing is kept for a backward.
    """
    cdef const Helpers* h = helpers_of(x)
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


cdef void cross_entropy_backward(const floating* g, bint each, double share, const Py_ssize_t* labels,
                                 const floating* e, const floating* inverse, floating* gx, Py_ssize_t rows,
                                 Py_ssize_t n, bint add) noexcept nogil:
    """gx (+)= (softmax - one-hot) * g: one g for each row, or one `g / share` for all."""
    cdef floating whole = g[0] / <floating>share if rows and not each else <floating>0, f
    for r in range(rows):
        if each:
            whole = g[r]
        f = whole * inverse[r]
        for j in range(n):
            store_or_add(gx + j, e[j] * f, add)
        gx[labels[r]] -= whole
        gx += n
        e += n
