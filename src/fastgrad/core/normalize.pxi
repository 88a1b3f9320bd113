# Layer norm over (rows, n): each row to mean 0 and variance 1, then scaled and shifted. Sums are taken in eight chains, whatever
# the vectors of the machine hold, so that every instruction set rounds the same.

cdef inline floating joined(const floating* s) noexcept nogil:
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))


cdef void normalize_rows(const floating* x, const floating* w, const floating* b, floating* y, floating* stats, Py_ssize_t rows,
                         Py_ssize_t n, floating eps) noexcept nogil:
    """`stats`, where wanted, takes mean and 1 / std of each row."""
    cdef floating[8] s
    cdef floating mean, scale, d, rest
    cdef Py_ssize_t r, i, k, whole = n - n % 8
    for r in range(rows):
        rest = 0
        for k in range(8):
            s[k] = 0
        i = 0
        while i < whole:
            for k in range(8):
                s[k] += x[i + k]
            i += 8
        for i in range(whole, n):
            rest += x[i]
        mean = (joined(s) + rest) / <floating>n
        rest = 0
        for k in range(8):
            s[k] = 0
        i = 0
        while i < whole:
            for k in range(8):
                d = x[i + k] - mean
                s[k] += d * d
            i += 8
        for i in range(whole, n):
            rest += (x[i] - mean) * (x[i] - mean)
        scale = <floating>1 / sqrt_((joined(s) + rest) / <floating>n + eps)
        if w == NULL:
            for i in range(n):
                y[i] = (x[i] - mean) * scale
        else:
            for i in range(n):
                y[i] = (x[i] - mean) * scale * w[i]
        if b != NULL:
            for i in range(n):
                y[i] += b[i]
        if stats != NULL:
            stats[2 * r] = mean
            stats[2 * r + 1] = scale
        x += n
        y += n


cdef void normalize_rows_backward(const floating* g, const floating* x, const floating* w, const floating* stats, floating* gx,
                                  Py_ssize_t rows, Py_ssize_t n, bint add) noexcept nogil:
    """`gx (+)= (h - mean(h) - z * mean(h * z)) / std`, with h = g * w and z the normalised x; `gx` may be `g`."""
    cdef floating[8] s
    cdef floating[8] t
    cdef floating mean, scale, h, rest, other, a, c
    cdef Py_ssize_t r, i, k, whole = n - n % 8
    for r in range(rows):
        mean = stats[2 * r]
        scale = stats[2 * r + 1]
        rest = other = 0
        for k in range(8):
            s[k] = 0
            t[k] = 0
        i = 0
        if w == NULL:
            while i < whole:
                for k in range(8):
                    s[k] += g[i + k]
                    t[k] += g[i + k] * (x[i + k] - mean)
                i += 8
        else:
            while i < whole:
                for k in range(8):
                    h = g[i + k] * w[i + k]
                    s[k] += h
                    t[k] += h * (x[i + k] - mean)
                i += 8
        for i in range(whole, n):
            h = g[i] if w == NULL else g[i] * w[i]
            rest += h
            other += h * (x[i] - mean)
        a = (joined(s) + rest) / <floating>n
        c = (joined(t) + other) / <floating>n * scale * scale
        if w == NULL:
            for i in range(n):
                put(gx + i, (g[i] - a - (x[i] - mean) * c) * scale, add)
        else:
            for i in range(n):
                put(gx + i, (g[i] * w[i] - a - (x[i] - mean) * c) * scale, add)
        g += n
        x += n
        gx += n


cdef void sum_rows(const floating* g, const floating* x, const floating* stats, floating* gw, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """`gw += sum over rows of g * z`, of `g` alone where `x` is NULL."""
    cdef Py_ssize_t r, i
    cdef floating mean, scale
    for r in range(rows):
        if x == NULL:
            for i in range(n):
                gw[i] += g[i]
        else:
            mean = stats[2 * r]
            scale = stats[2 * r + 1]
            for i in range(n):
                gw[i] += g[i] * ((x[i] - mean) * scale)
            x += n
        g += n


cdef void layer_norm_forward(int dtype, const void* x, const void* w, const void* b, void* y, void* stats, Py_ssize_t rows,
                             Py_ssize_t n, double eps) noexcept nogil:
    if dtype == F64:
        normalize_rows(<const double*>x, <const double*>w, <const double*>b, <double*>y, <double*>stats, rows, n, eps)
    else:
        normalize_rows(<const float*>x, <const float*>w, <const float*>b, <float*>y, <float*>stats, rows, n, <float>eps)


cdef void layer_norm_backward(int dtype, const void* g, const void* x, const void* w, const void* stats, void* gx, Py_ssize_t rows,
                              Py_ssize_t n, bint add) noexcept nogil:
    if dtype == F64:
        normalize_rows_backward(<const double*>g, <const double*>x, <const double*>w, <const double*>stats, <double*>gx, rows, n, add)
    else:
        normalize_rows_backward(<const float*>g, <const float*>x, <const float*>w, <const float*>stats, <float*>gx, rows, n, add)


cdef void layer_norm_sum(int dtype, const void* g, const void* x, const void* stats, void* gw, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    if dtype == F64:
        sum_rows(<const double*>g, <const double*>x, <const double*>stats, <double*>gw, rows, n)
    else:
        sum_rows(<const float*>g, <const float*>x, <const float*>stats, <float*>gw, rows, n)
