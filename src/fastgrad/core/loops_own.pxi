# Loops used where NumPy's are missing, give wrong values or are refused. Slow: a call per element. Sums are taken in
# NumPy's order, pairwise, and so are equal to NumPy's.

from libc.math cimport cos, exp, log, log1p, pow, sin, tanh

ctypedef double (*Math1)(double) noexcept nogil
ctypedef double (*Math2)(double, double) noexcept nogil

ctypedef fused floating:
    double
    float


cdef double plus(double a, double b) noexcept nogil: return a + b
cdef double times(double a, double b) noexcept nogil: return a * b
# NaN if either is
cdef double larger(double a, double b) noexcept nogil: return a if a >= b or a != a else b
cdef double smaller(double a, double b) noexcept nogil: return a if a <= b or a != a else b


cdef void each1(char** args, const npy_intp* dims, const npy_intp* steps, floating* data) noexcept nogil:
    cdef npy_intp i
    cdef char* x = args[0]
    cdef char* y = args[1]
    for i in range(dims[0]):
        (<floating*>y)[0] = <floating>(<Math1><void*>data)((<floating*>x)[0])
        x += steps[0]
        y += steps[1]


cdef void each2(char** args, const npy_intp* dims, const npy_intp* steps, floating* data) noexcept nogil:
    cdef npy_intp i
    cdef char* x1 = args[0]
    cdef char* x2 = args[1]
    cdef char* y = args[2]
    for i in range(dims[0]):
        (<floating*>y)[0] = <floating>(<Math2><void*>data)((<floating*>x1)[0], (<floating*>x2)[0])
        x1 += steps[0]
        x2 += steps[1]
        y += steps[2]


cdef floating pairwise(const char* x, npy_intp n, npy_intp step, floating* unused) noexcept nogil:
    """The sum in the order of NumPy's `pairwise_sum`: eight chains over at most 128 elements, halves above. Its error
    grows as log n; that of a sum from the first element to the last, as n."""
    cdef floating[8] chain
    cdef floating total = -0.0
    cdef npy_intp i, k, half
    if n > 128:
        half = n // 2
        half -= half % 8
        return pairwise(x, half, step, unused) + pairwise(x + half * step, n - half, step, unused)
    if n < 8:
        for i in range(n):
            total += (<const floating*>(x + i * step))[0]
        return total
    for k in range(8):
        chain[k] = (<const floating*>(x + k * step))[0]
    for i in range(8, n - n % 8, 8):
        for k in range(8):
            chain[k] += (<const floating*>(x + (i + k) * step))[0]
    total = ((chain[0] + chain[1]) + (chain[2] + chain[3])) + ((chain[4] + chain[5]) + (chain[6] + chain[7]))
    for i in range(n - n % 8, n):
        total += (<const floating*>(x + i * step))[0]
    return total


cdef void add(char** args, const npy_intp* dims, const npy_intp* steps, floating* data) noexcept nogil:
    cdef floating* y = <floating*>args[2]
    if args[0] == args[2] and steps[0] == 0 and steps[2] == 0:     # a reduction
        y[0] = y[0] + pairwise(args[1], dims[0], steps[1], data)
    else:
        each2(args, dims, steps, data)
