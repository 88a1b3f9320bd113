# Variance, standard deviation and Euclidean norm over the middle axis of (outer, n, inner). `s` is scratch of
# 2 * inner elements, unused where inner is 1.

cdef inline void column_means(const floating* x, floating* mean, Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    cdef Py_ssize_t r, i
    memcpy(mean, x, inner * sizeof(floating))
    for r in range(1, n):
        for i in range(inner):
            mean[i] += x[r * inner + i]
    for i in range(inner):
        mean[i] /= <floating>n


cdef void var_forward(const floating* x, floating* y, floating* s, const Extents* e) noexcept nogil:
    """y = sum((x - mean)^2) / (n - ddof), where `ddof` is e.number"""
    cdef Py_ssize_t o, r, i, n = e.n, inner = e.inner
    cdef floating d, freedom = <floating>(n - e.number)
    for o in range(e.outer):
        if inner == 1:
            y[0] = squares_about(chained_sum(x, n) / <floating>n, x, n) / freedom
        else:
            column_means(x, s, n, inner)
            memset(y, 0, inner * sizeof(floating))
            for r in range(n):
                for i in range(inner):
                    d = x[r * inner + i] - s[i]
                    y[i] += d * d
            for i in range(inner):
                y[i] /= freedom
        x += n * inner
        y += inner


cdef void std_forward(const floating* x, floating* y, floating* s, const Extents* e) noexcept nogil:
    cdef Py_ssize_t i
    var_forward(x, y, s, e)
    for i in range(e.outer * e.inner):
        y[i] = sqrt_(y[i])


cdef void norm_forward(const floating* x, floating* y, floating* s, const Extents* e) noexcept nogil:
    """y = sqrt(sum(x^2))"""
    cdef Py_ssize_t o, r, i, n = e.n, inner = e.inner
    for o in range(e.outer):
        if inner == 1:
            y[0] = sqrt_(inner_product(x, x, n))
        else:
            memset(y, 0, inner * sizeof(floating))
            for r in range(n):
                for i in range(inner):
                    y[i] += x[r * inner + i] * x[r * inner + i]
            for i in range(inner):
                y[i] = sqrt_(y[i])
        x += n * inner
        y += inner


cdef inline bint all_equal(const floating* x, Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    cdef Py_ssize_t r
    for r in range(1, n):
        if x[r * inner] != x[0]:
            return False
    return True


cdef inline floating std_slope(floating g, floating y, floating mean, floating freedom, const floating* x, Py_ssize_t n,
                               Py_ssize_t inner) noexcept nogil:
    """The factor of x - mean: g / (freedom * y); 0 if all elements are equal, whatever rounding made of y."""
    cdef floating noise = <floating>(DBL_EPSILON if floating is double else FLT_EPSILON) * <floating>n
    if y <= noise * fabs_(mean) and all_equal(x, n, inner):
        return 0
    return g / (freedom * (<floating>1 if y == 0 else y))


cdef inline void spread_backward(const floating* g, const floating* x, const floating* y, floating* gx, floating* s,
                                 const Extents* e, bint add, bint root) noexcept nogil:
    """gx (+)= (x - mean) * 2 g / (n - ddof), or for the root of the variance, y, with g / y in place of 2 g"""
    cdef Py_ssize_t o, r, i, n = e.n, inner = e.inner
    cdef floating freedom = <floating>(n - e.number)
    cdef floating mean, v
    cdef floating* slope = s + inner
    for o in range(e.outer):
        if inner == 1:
            mean = chained_sum(x, n) / <floating>n
            v = std_slope(g[0], y[0], mean, freedom, x, n, 1) if root else g[0] * (<floating>2 / freedom)
            for r in range(n):
                store_or_add(gx + r, (x[r] - mean) * v, add)
        else:
            column_means(x, s, n, inner)
            for i in range(inner):
                if root:
                    slope[i] = std_slope(g[i], y[i], s[i], freedom, x + i, n, inner)
                else:
                    slope[i] = g[i] * (<floating>2 / freedom)
            for r in range(n):
                for i in range(inner):
                    store_or_add(gx + r * inner + i, (x[r * inner + i] - s[i]) * slope[i], add)
        g += inner
        y += inner
        x += n * inner
        gx += n * inner


cdef void var_backward(const floating* g, const floating* x, const floating* y, floating* gx, floating* s,
                       const Extents* e, bint add) noexcept nogil:
    spread_backward(g, x, x, gx, s, e, add, False)


cdef void std_backward(const floating* g, const floating* x, const floating* y, floating* gx, floating* s,
                       const Extents* e, bint add) noexcept nogil:
    spread_backward(g, x, y, gx, s, e, add, True)


cdef void norm_backward(const floating* g, const floating* x, const floating* y, floating* gx, floating* s,
                        const Extents* e, bint add) noexcept nogil:
    """gx (+)= x * g / y; 0 where y is 0"""
    cdef Py_ssize_t o, r, i, n = e.n, inner = e.inner
    for o in range(e.outer):
        for i in range(inner):
            s[i] = g[i] / (<floating>1 if y[i] == 0 else y[i])
        for r in range(n):
            for i in range(inner):
                store_or_add(gx + r * inner + i, x[r * inner + i] * s[i], add)
        g += inner
        y += inner
        x += n * inner
        gx += n * inner
