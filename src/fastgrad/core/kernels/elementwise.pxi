# Backward kernels of the elementwise ops: out (+)= g * dy/dx, by the formulas of the rules. Literals are cast to
# `floating`, since a bare 1 makes the whole loop double. Conditional expressions choose between values that are loaded
# before: a load inside one becomes a branch, and with random signs that takes 20 times as long (relu's backward, 10^4
# elements, SSE2).

cdef void copy_backward(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                        Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i], add)


cdef void negative_backward(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                            Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, -g[i], add)


cdef void zero_backward(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                        Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    if not add:
        memset(out, 0, n * sizeof(floating))


cdef void abs_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                       Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        u = g[i]
        v = x[i]
        # x * 0 is NaN where x is, and both comparisons are false
        store_or_add(out + i, u if v > 0 else -u if v < 0 else v * <floating>0 * u, add)


cdef void sqrt_backward(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                        Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] * <floating>0.5 / y[i], add)


cdef void square_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                          Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] * (<floating>2 * x[i]), add)


cdef void reciprocal_backward(const floating* g, const floating* x1, const floating* x2, const floating* y,
                              floating* out, Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, -g[i] * y[i] * y[i], add)


cdef void exp_backward(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                       Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] * y[i], add)


cdef void expm1_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                         Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    cdef floating[BLOCK] e
    apply1(&h.exp, x, e, n, sizeof(floating))
    for i in range(n):
        store_or_add(out + i, e[i] * g[i], add)      # y + 1 would cancel for x far below 0


cdef void exp2_backward(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                        Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] * y[i] * <floating>0.69314718055994530942, add)


cdef void log_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                       Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] / x[i], add)


cdef void log1p_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                         Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] / (<floating>1 + x[i]), add)


cdef void log2_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                        Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] / (x[i] * <floating>0.69314718055994530942), add)


cdef void log10_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                         Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] / (x[i] * <floating>2.30258509299404568402), add)


cdef void sin_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                       Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    cdef floating[BLOCK] u
    apply1(&h.cos, x, u, n, sizeof(floating))
    for i in range(n):
        store_or_add(out + i, u[i] * g[i], add)


cdef void cos_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                       Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    cdef floating[BLOCK] u
    apply1(&h.sin, x, u, n, sizeof(floating))
    for i in range(n):
        store_or_add(out + i, u[i] * -g[i], add)


cdef void tan_backward(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                       Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] * (<floating>1 + y[i] * y[i]), add)


cdef void tanh_backward(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                        Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        # 1 - y*y would cancel near |y| = 1
        store_or_add(out + i, g[i] * (<floating>1 - y[i]) * (<floating>1 + y[i]), add)


cdef void sigmoid_backward(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                           Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] * y[i] * (<floating>1 - y[i]), add)


cdef void relu_backward(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                        Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        v = g[i]
        u = y[i]
        # a NaN passes the gradient on: a zero would hide it
        store_or_add(out + i, <floating>0 if u <= 0 else v, add)


cdef void softplus_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                            Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    cdef floating[BLOCK] s
    sigmoid_forward(x, s, n, h)
    for i in range(n):
        store_or_add(out + i, s[i] * g[i], add)


cdef void logsigmoid_backward(const floating* g, const floating* x, const floating* x2, const floating* y,
                              floating* out, Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    cdef floating[BLOCK] e
    for i in range(n):
        e[i] = -fabs_(x[i])
    apply1(&h.exp, e, e, n, sizeof(floating))
    for i in range(n):
        # sigmoid(-x), without the cancellation of 1 - sigmoid(x)
        u = e[i]
        store_or_add(out + i, g[i] * ((u if x[i] >= 0 else <floating>1) / (<floating>1 + u)), add)


cdef void silu_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                        Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    cdef floating[BLOCK] s
    sigmoid_forward(x, s, n, h)
    for i in range(n):
        store_or_add(out + i, g[i] * s[i] * (<floating>1 + x[i] * (<floating>1 - s[i])), add)


cdef void multiply_backward1(const floating* g, const floating* x1, const floating* x2, const floating* y,
                             floating* out, Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] * x2[i], add)


cdef void multiply_backward2(const floating* g, const floating* x1, const floating* x2, const floating* y,
                             floating* out, Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] * x1[i], add)


cdef void divide_backward1(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                           Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, g[i] / x2[i], add)


cdef void divide_backward2(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                           Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        store_or_add(out + i, -g[i] * y[i] / x2[i], add)


cdef void maximum_backward1(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                            Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    for i in range(n):
        v = g[i]
        u1 = x1[i]
        u2 = x2[i]
        store_or_add(out + i, <floating>0 if u1 < u2 else v * <floating>0.5 if u1 == u2 else v, add)


cdef void maximum_backward2(const floating* g, const floating* x1, const floating* x2, const floating* y, floating* out,
                            Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    maximum_backward1(g, x2, x1, y, out, n, c, h, add)


cdef void power_constant_backward(const floating* g, const floating* x, const floating* x2, const floating* y,
                                  floating* out, Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    """g * c * x**(c - 1) for a constant exponent; small integers are the common case."""
    cdef floating[BLOCK] powers
    cdef floating e = <floating>c, below = <floating>(c - 1)
    if c == 2:
        for i in range(n):
            store_or_add(out + i, g[i] * (<floating>2 * x[i]), add)
    elif c == 3:
        for i in range(n):
            store_or_add(out + i, g[i] * (<floating>3 * x[i] * x[i]), add)
    elif c == 1:
        copy_backward(g, x, x2, y, out, n, c, h, add)
    elif c == 0:
        zero_backward(g, x, x2, y, out, n, c, h, add)
    else:
        apply2(&h.power, x, sizeof(floating), &below, 0, powers, n, sizeof(floating))
        for i in range(n):
            store_or_add(out + i, g[i] * (e * powers[i]), add)


# Forwards that NumPy has no loop for, of at most BLOCK elements, which stay in the first-level cache.

cdef void sigmoid_forward(const floating* x, floating* y, Py_ssize_t n, const Helpers* h) noexcept nogil:
    """1 / (1 + exp(-x)) from exp(-|x|), which does not overflow and keeps all digits for x << 0."""
    if h.sigmoid.run != NULL:
        apply1(&h.sigmoid, x, y, n, sizeof(floating))
        return
    for i in range(n):
        y[i] = -fabs_(x[i])
    apply1(&h.exp, y, y, n, sizeof(floating))
    for i in range(n):
        y[i] = (<floating>1 if x[i] >= 0 else y[i]) / (<floating>1 + y[i])


cdef void silu_forward(const floating* x, floating* y, Py_ssize_t n, const Helpers* h) noexcept nogil:
    sigmoid_forward(x, y, n, h)
    for i in range(n):
        y[i] *= x[i]


cdef void relu_forward(const floating* x, floating* y, Py_ssize_t n, const Helpers* h) noexcept nogil:
    for i in range(n):
        y[i] = <floating>0 if x[i] < 0 else x[i]      # NaN stays, as in np.maximum(x, 0)


cdef inline void scaled_softplus(const floating* x, floating* y, Py_ssize_t n, floating sign,
                                const Helpers* h) noexcept nogil:
    """sign * (max(sign x, 0) + log1p(exp(-|x|)))"""
    for i in range(n):
        y[i] = -fabs_(x[i])
    apply1(&h.exp, y, y, n, sizeof(floating))
    apply1(&h.log1p, y, y, n, sizeof(floating))
    for i in range(n):
        u = sign * x[i]
        y[i] = sign * ((<floating>0 if u < 0 else u) + y[i])


cdef void softplus_forward(const floating* x, floating* y, Py_ssize_t n, const Helpers* h) noexcept nogil:
    if h.softplus.run != NULL:
        apply1(&h.softplus, x, y, n, sizeof(floating))
    else:
        scaled_softplus(x, y, n, <floating>1, h)


cdef void logsigmoid_forward(const floating* x, floating* y, Py_ssize_t n, const Helpers* h) noexcept nogil:
    if h.softplus.run == NULL:
        scaled_softplus(x, y, n, <floating>-1, h)
        return
    negative_backward(x, NULL, NULL, NULL, y, n, 0, h, False)
    apply1(&h.softplus, y, y, n, sizeof(floating))
    negative_backward(y, NULL, NULL, NULL, y, n, 0, h, False)
