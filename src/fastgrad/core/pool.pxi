# Pooling of planes, window by window: largest elements with the places they were found at, and means.

cdef inline void span(Py_ssize_t place, Py_ssize_t step, Py_ssize_t before, Py_ssize_t gap, Py_ssize_t size, Py_ssize_t n,
                      Py_ssize_t* low, Py_ssize_t* high, Py_ssize_t* start) noexcept nogil:
    """Those elements low <= k < high of a window that lie inside, at start + k * gap."""
    start[0] = place * step - before
    low[0] = 0 if start[0] >= 0 else (gap - 1 - start[0]) // gap
    high[0] = min(size, (n - start[0] + gap - 1) // gap) if n > start[0] else 0


cdef inline bint beats(floating v, floating most) noexcept nogil:
    """Larger, or the first NaN."""
    return (v > most) | ((v != v) & (most == most))


cdef void largest_of_four(const floating* x, floating* y, int* at, Py_ssize_t h, Py_ssize_t w, Py_ssize_t oh, Py_ssize_t ow) noexcept nogil:
    """One plane in windows of 2 x 2, side by side. Without branches: which element wins cannot be foretold."""
    cdef Py_ssize_t p, q
    cdef const floating* a
    cdef const floating* b
    cdef floating m, n, v
    cdef int i, j, here
    for p in range(oh):
        a = x + 2 * p * w
        b = a + w
        for q in range(ow):
            here = <int>(2 * p * w + 2 * q)
            m = a[2 * q]
            v = a[2 * q + 1]
            i = here + 1 if beats(v, m) else here
            m = v if beats(v, m) else m
            n = b[2 * q]
            v = b[2 * q + 1]
            j = here + <int>w
            j = j + 1 if beats(v, n) else j
            n = v if beats(v, n) else n
            at[q] = j if beats(n, m) else i
            y[q] = n if beats(n, m) else m
        y += ow
        at += ow


cdef void largest_of_windows(const floating* x, floating* y, int* at, const Pool* d) noexcept nogil:
    cdef Py_ssize_t plane, p, q, i, j, i0, i1, j0, j1, top, left
    cdef floating most, v
    cdef int where
    cdef bint four = (d.kh == 2 and d.kw == 2 and d.sh == 2 and d.sw == 2 and d.dh == 1 and d.dw == 1 and d.top == 0 and d.left == 0
                      and 2 * d.oh <= d.h and 2 * d.ow <= d.w)
    for plane in range(d.planes):
        if four:
            largest_of_four(x, y, at, d.h, d.w, d.oh, d.ow)
            y += d.oh * d.ow
            at += d.oh * d.ow
        else:
            for p in range(d.oh):
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
                    y[0] = most
                    at[0] = where
                    y += 1
                    at += 1
        x += d.h * d.w


cdef void to_largest(const floating* g, const int* at, floating* gx, const Pool* d) noexcept nogil:
    cdef Py_ssize_t plane, k, n = d.oh * d.ow
    for plane in range(d.planes):
        for k in range(n):
            gx[at[k]] += g[k]
        g += n
        at += n
        gx += d.h * d.w


cdef void means(const floating* x, floating* y, const Pool* d, bint spread) noexcept nogil:
    """y = the mean of each window of `x`; or, if `spread`, x (the mean's cotangent) shared out to `y`, accumulating."""
    cdef Py_ssize_t plane, p, q, i, j, i0, i1, j0, j1, top, left
    cdef floating total, size
    cdef floating* row
    for plane in range(d.planes):
        for p in range(d.oh):
            span(p, d.sh, d.top, 1, d.kh, d.h, &i0, &i1, &top)
            for q in range(d.ow):
                span(q, d.sw, d.left, 1, d.kw, d.w, &j0, &j1, &left)
                size = <floating>(d.kh * d.kw) if d.count_pad else <floating>((i1 - i0) * (j1 - j0))
                if spread:
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
        x += d.oh * d.ow if spread else d.h * d.w
        y += d.h * d.w if spread else d.oh * d.ow


cdef void max_pool(int dtype, const void* x, void* y, int* at, const Pool* d) noexcept nogil:
    if dtype == F64:
        largest_of_windows(<const double*>x, <double*>y, at, d)
    else:
        largest_of_windows(<const float*>x, <float*>y, at, d)


cdef void max_unpool(int dtype, const void* g, const int* at, void* gx, const Pool* d) noexcept nogil:
    """gx += g, at the places that were found."""
    if dtype == F64:
        to_largest(<const double*>g, at, <double*>gx, d)
    else:
        to_largest(<const float*>g, at, <float*>gx, d)


cdef void avg_pool(int dtype, const void* x, void* y, const Pool* d, bint spread) noexcept nogil:
    if dtype == F64:
        means(<const double*>x, <double*>y, d, spread)
    else:
        means(<const float*>x, <float*>y, d, spread)
