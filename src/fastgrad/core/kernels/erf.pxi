# The error function and what is made of it, with the functions of the C library.

cdef extern from "<math.h>" nogil:
    double erf(double x)
    double erfc(double x)
    float erff(float x)
    float erfcf(float x)


cdef inline floating erfc_(floating x) noexcept nogil:
    return erfc(x) if floating is double else erfcf(x)


cdef void erf_forward(const floating* x, floating* y, Py_ssize_t n, const Helpers* h) noexcept nogil:
    for i in range(n):
        y[i] = erf(x[i]) if floating is double else erff(x[i])


cdef void erfc_forward(const floating* x, floating* y, Py_ssize_t n, const Helpers* h) noexcept nogil:
    for i in range(n):
        y[i] = erfc_(x[i])


cdef inline void scaled_bell(const floating* g, const floating* x, floating* out, Py_ssize_t n, floating scale,
                             const Helpers* h, bint add) noexcept nogil:
    """out (+)= g * scale * exp(-x * x)"""
    cdef floating[BLOCK] e
    for i in range(n):
        e[i] = -x[i] * x[i]
    apply1(&h.exp, e, e, n, sizeof(floating))
    for i in range(n):
        store_or_add(out + i, g[i] * (e[i] * scale), add)


cdef void erf_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                       Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    scaled_bell(g, x, out, n, <floating>1.12837916709551257390, h, add)         # 2 / sqrt(pi)


cdef void erfc_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                        Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    scaled_bell(g, x, out, n, <floating>-1.12837916709551257390, h, add)


cdef void gelu_forward(const floating* x, floating* y, Py_ssize_t n, const Helpers* h) noexcept nogil:
    for i in range(n):
        y[i] = <floating>0.5 * x[i] * erfc_(x[i] * <floating>-0.70710678118654752440)       # sqrt(1/2)


cdef void gelu_backward(const floating* g, const floating* x, const floating* x2, const floating* y, floating* out,
                        Py_ssize_t n, double c, const Helpers* h, bint add) noexcept nogil:
    cdef floating[BLOCK] e
    cdef floating v
    for i in range(n):
        e[i] = x[i] * x[i] * <floating>-0.5
    apply1(&h.exp, e, e, n, sizeof(floating))
    for i in range(n):
        v = <floating>0.5 * erfc_(x[i] * <floating>-0.70710678118654752440)
        store_or_add(out + i, g[i] * (v + x[i] * (e[i] * <floating>0.39894228040143267794)), add)     # 1 / sqrt(2 pi)
