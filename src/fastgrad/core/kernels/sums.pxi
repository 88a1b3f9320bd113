# Sums in eight chains, whatever the width of a vector: every instruction set rounds the same.

ctypedef fused accumulator:
    double
    float


cdef inline accumulator joined(const accumulator* s) noexcept nogil:
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))


cdef inline floating chained_sum(const floating* x, Py_ssize_t n) noexcept nogil:
    cdef floating[8] s = [0, 0, 0, 0, 0, 0, 0, 0]
    cdef floating rest = 0
    cdef Py_ssize_t i, k, whole = n - n % 8
    for i in range(0, whole, 8):
        for k in range(8):
            s[k] += x[i + k]
    for i in range(whole, n):
        rest += x[i]
    return joined(s) + rest


cdef inline accumulator squares_about(accumulator mean, const floating* x, Py_ssize_t n) noexcept nogil:
    """The sum of (x - mean)^2, in the precision of `mean`."""
    cdef accumulator[8] s = [0, 0, 0, 0, 0, 0, 0, 0]
    cdef accumulator rest = 0, d
    cdef Py_ssize_t i, k, whole = n - n % 8
    for i in range(0, whole, 8):
        for k in range(8):
            d = x[i + k] - mean
            s[k] += d * d
    for i in range(whole, n):
        d = x[i] - mean
        rest += d * d
    return joined(s) + rest


cdef inline floating inner_product(const floating* x1, const floating* x2, Py_ssize_t n) noexcept nogil:
    cdef floating[8] s = [0, 0, 0, 0, 0, 0, 0, 0]
    cdef floating rest = 0
    cdef Py_ssize_t i, k, whole = n - n % 8
    for i in range(0, whole, 8):
        for k in range(8):
            s[k] += x1[i + k] * x2[i + k]
    for i in range(whole, n):
        rest += x1[i] * x2[i]
    return joined(s) + rest


cdef inline void norm_sums(const floating* g, const floating* w, const floating* x, floating mean, Py_ssize_t n,
                           floating* first, floating* second) noexcept nogil:
    """The sums of h = g * w and of h * (x - mean); h is g where `w` is NULL."""
    cdef floating[8] s = [0, 0, 0, 0, 0, 0, 0, 0]
    cdef floating[8] t = [0, 0, 0, 0, 0, 0, 0, 0]
    cdef floating h, rest = 0, other = 0
    cdef Py_ssize_t i, k, whole = n - n % 8
    if w == NULL:
        for i in range(0, whole, 8):
            for k in range(8):
                s[k] += g[i + k]
                t[k] += g[i + k] * (x[i + k] - mean)
    else:
        for i in range(0, whole, 8):
            for k in range(8):
                h = g[i + k] * w[i + k]
                s[k] += h
                t[k] += h * (x[i + k] - mean)
    for i in range(whole, n):
        h = g[i] if w == NULL else g[i] * w[i]
        rest += h
        other += h * (x[i] - mean)
    first[0] = joined(s) + rest
    second[0] = joined(t) + other


cdef double sum_of_squares(const floating* x, Py_ssize_t n) noexcept nogil:
    """The sum of x^2, in float64."""
    return squares_about(<double>0, x, n)
