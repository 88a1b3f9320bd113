# Max and average pooling of planes.

cdef inline void span(Py_ssize_t window, Py_ssize_t step, Py_ssize_t before, Py_ssize_t gap, Py_ssize_t size,
                      Py_ssize_t n, Py_ssize_t* low, Py_ssize_t* high, Py_ssize_t* start) noexcept nogil:
    """The elements low <= k < high of a window that lie inside, at start + k * gap."""
    start[0] = window * step - before
    low[0] = 0 if start[0] >= 0 else (gap - 1 - start[0]) // gap
    high[0] = min(size, (n - start[0] + gap - 1) // gap) if n > start[0] else 0


cdef inline bint beats(floating v, floating most) noexcept nogil:
    """Larger, or the first NaN."""
    return (v > most) | ((v != v) & (most == most))


cdef inline floating larger_of(floating a, floating b) noexcept nogil:
    return a if a > b else b        # one instruction; gives `b` if either is NaN


cdef bint largest_of_four(const floating* a, const floating* b, floating* y, int* at, int here, int down,
                          Py_ssize_t n) noexcept nogil:
    """A row of adjacent windows of 2 x 2 in the rows `a` and `b`. Returns False if there is a NaN: the results are
    wrong then. Without branches, which could not be predicted: a window takes 2 ns instead of 15."""
    cdef int bad = 0
    for q in range(n):
        v0 = a[2 * q]
        v1 = a[2 * q + 1]
        v2 = b[2 * q]
        v3 = b[2 * q + 1]
        m = larger_of(larger_of(v0, v1), larger_of(v2, v3))
        bad |= <int>(v0 != v0) | <int>(v1 != v1) | <int>(v2 != v2) | <int>(v3 != v3)
        y[q] = m
        at[q] = here + 2 * <int>q + <int>(v0 < m) * (1 + <int>(v1 < m) * (down - 1 + <int>(v2 < m)))
    return bad == 0


cdef void largest_in_row(const floating* x, floating* y, int* at, Py_ssize_t p, const Windows* d) noexcept nogil:
    """Row `p` of the windows of a plane."""
    cdef Py_ssize_t q, i, j, i0, i1, j0, j1, top, left
    cdef floating most, v
    span(p, d.sh, d.top, d.dh, d.kh, d.h, &i0, &i1, &top)
    for q in range(d.ow):
        span(q, d.sw, d.left, d.dw, d.kw, d.w, &j0, &j1, &left)
        where = <int>((top + i0 * d.dh) * d.w + left + j0 * d.dw)
        most = x[where]
        for i in range(i0, i1):
            for j in range(j0, j1):
                v = x[(top + i * d.dh) * d.w + left + j * d.dw]
                if beats(v, most):
                    most = v
                    where = <int>((top + i * d.dh) * d.w + left + j * d.dw)
        y[q] = most
        at[q] = where


cdef void max_pool_forward(const floating* x, floating* y, int* at, const Windows* d) noexcept nogil:
    """The largest element of each window, and in `at` its index in the plane."""
    cdef bint four = (d.kh == 2 and d.kw == 2 and d.sh == 2 and d.sw == 2 and d.dh == 1 and d.dw == 1 and d.top == 0
                      and d.left == 0 and 2 * d.oh <= d.h and 2 * d.ow <= d.w)
    for plane in range(d.n):
        for p in range(d.oh):
            if not four or not largest_of_four(x + 2 * p * d.w, x + (2 * p + 1) * d.w, y, at, <int>(2 * p * d.w),
                                               <int>d.w, d.ow):
                largest_in_row(x, y, at, p, d)
            y += d.ow
            at += d.ow
        x += d.h * d.w


cdef void max_pool_backward(const floating* g, const int* at, floating* gx, const Windows* d) noexcept nogil:
    """gx[at] += g"""
    cdef Py_ssize_t plane, k, n = d.oh * d.ow
    for plane in range(d.n):
        for k in range(n):
            gx[at[k]] += g[k]
        g += n
        at += n
        gx += d.h * d.w


cdef void avg_pool(const floating* x, floating* y, const Windows* d, bint backward) noexcept nogil:
    """y = the mean of each window of `x`. If `backward`, x is the cotangent of the means: each element of `y`
    accumulates its share."""
    cdef Py_ssize_t plane, p, q, i, j, i0, i1, j0, j1, top, left
    cdef floating total, size
    for plane in range(d.n):
        for p in range(d.oh):
            span(p, d.sh, d.top, 1, d.kh, d.h, &i0, &i1, &top)
            for q in range(d.ow):
                span(q, d.sw, d.left, 1, d.kw, d.w, &j0, &j1, &left)
                size = <floating>(d.kh * d.kw) if d.count_pad else <floating>((i1 - i0) * (j1 - j0))
                if backward:
                    total = x[p * d.ow + q] / size
                    for i in range(i0, i1):
                        row = y + (top + i) * d.w + left
                        for j in range(j0, j1):
                            row[j] += total
                else:
                    total = 0
                    for i in range(i0, i1):
                        for j in range(j0, j1):
                            total += x[(top + i) * d.w + left + j]
                    y[p * d.ow + q] = total / size
        x += d.oh * d.ow if backward else d.h * d.w
        y += d.h * d.w if backward else d.oh * d.ow
