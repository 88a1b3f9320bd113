# Backward of the reductions over the middle axis of (outer, n, inner).

cdef void broadcast_backward(const floating* g, floating* gx, const Extents* e, double divisor,
                             bint add) noexcept nogil:
    """gx (+)= g / divisor: an equal share to every summand."""
    cdef floating[BLOCK] share
    cdef floating v, divisor_ = <floating>divisor
    cdef Py_ssize_t o, r, i, j, m, n = e.n, inner = e.inner
    for o in range(e.outer):
        if inner == 1:
            v = g[o] / divisor_
            for r in range(n):
                store_or_add(gx + r, v, add)
        else:
            i = 0
            while i < inner:
                m = min(inner - i, <Py_ssize_t>BLOCK)
                for j in range(m):
                    share[j] = g[i + j] / divisor_       # once, not for each of the n rows
                for r in range(n):
                    for j in range(m):
                        store_or_add(gx + r * inner + i + j, share[j], add)
                i += m
            g += inner
        gx += n * inner


cdef inline bint is_extremum(floating x, floating best) noexcept nogil:
    """A NaN is the extremum, as in NumPy; `best` is NaN then."""
    return (x == best) | (x != x)


cdef void extremum_row_backward(floating g, const floating* x, floating best, floating* gx, Py_ssize_t n,
                                bint add) noexcept nogil:
    cdef Py_ssize_t r, ties = 0
    for r in range(n):
        ties += is_extremum(x[r], best)
    v = g / <floating>ties
    for r in range(n):
        store_or_add(gx + r, v if is_extremum(x[r], best) else <floating>0, add)


cdef void extremum_backward(const floating* g, const floating* x, const floating* y, floating* gx, floating* scratch,
                            const Extents* e, bint add) noexcept nogil:
    """The upstream gradient goes to the elements of x that equal the extremum y; ties share it equally."""
    cdef floating[BLOCK] share
    cdef Py_ssize_t o, r, i, j, m, at, n = e.n, inner = e.inner
    for o in range(e.outer):
        if inner == 1:
            extremum_row_backward(g[o], x, y[o], gx, n, add)
        else:
            i = 0
            while i < inner:
                m = min(inner - i, <Py_ssize_t>BLOCK)
                for j in range(m):
                    share[j] = 0
                for r in range(n):
                    at = r * inner + i
                    for j in range(m):
                        share[j] += <floating>1 if is_extremum(x[at + j], y[i + j]) else <floating>0
                for j in range(m):
                    share[j] = g[i + j] / share[j]
                for r in range(n):
                    at = r * inner + i
                    for j in range(m):
                        v = share[j]
                        store_or_add(gx + at + j, v if is_extremum(x[at + j], y[i + j]) else <floating>0, add)
                i += m
            g += inner
            y += inner
        x += n * inner
        gx += n * inner
