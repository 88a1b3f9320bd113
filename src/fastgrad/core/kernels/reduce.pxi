# Backward of the reductions, over (outer, n, inner): what was reduced is the middle axis.

cdef void spread_out(const floating* g, floating* gx, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner,
                     floating divisor, bint add) noexcept nogil:
    cdef floating[BLOCK] share
    cdef floating v
    cdef Py_ssize_t o, r, i, j, m
    for o in range(outer):
        if inner == 1:
            v = g[o] / divisor
            for r in range(n):
                put(gx + r, v, add)
        else:
            i = 0
            while i < inner:
                m = min(inner - i, <Py_ssize_t>BLOCK)
                for j in range(m):
                    share[j] = g[i + j] / divisor       # once, and not for each of the n rows
                for r in range(n):
                    for j in range(m):
                        put(gx + r * inner + i + j, share[j], add)
                i += m
            g += inner
        gx += n * inner


cdef void spread(int dtype, const void* g, void* gx, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner, double divisor,
                 bint add) noexcept nogil:
    """gx (+)= g / divisor: an equal share to every summand."""
    if dtype == F64:
        spread_out(<const double*>g, <double*>gx, outer, n, inner, divisor, add)
    else:
        spread_out(<const float*>g, <float*>gx, outer, n, inner, <float>divisor, add)


cdef inline bint is_best(floating x, floating best) noexcept nogil:
    """NaN wins, as it does in NumPy's maximum and minimum: then `best` is NaN too."""
    return (x == best) | (x != x)


cdef void route_row(floating g, const floating* x, floating best, floating* gx, Py_ssize_t n, bint add) noexcept nogil:
    cdef Py_ssize_t r, ties = 0
    cdef floating v
    for r in range(n):
        ties += is_best(x[r], best)
    v = g / <floating>ties
    for r in range(n):
        put(gx + r, v if is_best(x[r], best) else <floating>0, add)


cdef void route_to(const floating* g, const floating* x, const floating* y, floating* gx, Py_ssize_t outer,
                   Py_ssize_t n, Py_ssize_t inner, bint add) noexcept nogil:
    cdef floating[BLOCK] share
    cdef Py_ssize_t o, r, i, j, m, at
    cdef floating v
    for o in range(outer):
        if inner == 1:
            route_row(g[o], x, y[o], gx, n, add)
        else:
            i = 0
            while i < inner:
                m = min(inner - i, <Py_ssize_t>BLOCK)
                for j in range(m):
                    share[j] = 0
                for r in range(n):
                    at = r * inner + i
                    for j in range(m):
                        share[j] += <floating>1 if is_best(x[at + j], y[i + j]) else <floating>0
                for j in range(m):
                    share[j] = g[i + j] / share[j]
                for r in range(n):
                    at = r * inner + i
                    for j in range(m):
                        v = share[j]
                        put(gx + at + j, v if is_best(x[at + j], y[i + j]) else <floating>0, add)
                i += m
            g += inner
            y += inner
        x += n * inner
        gx += n * inner


cdef void route(int dtype, const void* g, const void* x, const void* y, void* gx, Py_ssize_t outer, Py_ssize_t n,
                Py_ssize_t inner, bint add) noexcept nogil:
    """The max gate: upstream gradient to the winners, the elements of x that equal y; ties share it equally."""
    if dtype == F64:
        route_to(<const double*>g, <const double*>x, <const double*>y, <double*>gx, outer, n, inner, add)
    else:
        route_to(<const float*>g, <const float*>x, <const float*>y, <float*>gx, outer, n, inner, add)
