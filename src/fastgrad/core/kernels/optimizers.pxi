# Steps of optimisers: one pass over a parameter, its gradient and its moments, all contiguous and of one dtype. What
# does not depend on the element is a branch that the compiler takes out of the loop. The formulas stand in
# optim/formulas.py.

cdef inline floating sqrt_(floating x) noexcept nogil:
    if floating is double:
        return sqrt(x)
    else:
        return sqrtf(x)


cdef void sgd_pass(const floating* g, floating* p, floating* b, Py_ssize_t n, floating lr, floating momentum,
                   floating share, floating decay, bint nesterov, bint first) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating d
    if b == NULL:
        if decay == 0:
            for i in range(n):
                p[i] -= lr * g[i]
        else:
            for i in range(n):
                p[i] -= lr * (g[i] + decay * p[i])
    elif first:                 # the buffer starts as the gradient
        for i in range(n):
            d = g[i] + decay * p[i] if decay != 0 else g[i]
            b[i] = d
            p[i] -= lr * (d + momentum * d if nesterov else d)
    elif nesterov:
        for i in range(n):
            d = g[i] + decay * p[i] if decay != 0 else g[i]
            b[i] = momentum * b[i] + share * d
            p[i] -= lr * (d + momentum * b[i])
    else:
        for i in range(n):
            d = g[i] + decay * p[i] if decay != 0 else g[i]
            b[i] = momentum * b[i] + share * d
            p[i] -= lr * b[i]


cdef void adam_pass(const floating* g, floating* p, floating* m, floating* v, Py_ssize_t n, floating rate,
                    floating share1,
                    floating beta2, floating share2, floating root, floating eps, floating keep,
                    floating decay) noexcept nogil:
    """`keep` is what decoupled weight decay leaves of p, `root` is 1 / sqrt(1 - beta2^t), `rate` lr / (1 - beta1^t)."""
    cdef Py_ssize_t i
    cdef floating d, a, b
    if decay != 0:
        for i in range(n):
            d = g[i] + decay * p[i]
            a = m[i] + share1 * (d - m[i])
            b = beta2 * v[i] + share2 * (d * d)
            m[i] = a
            v[i] = b
            p[i] = p[i] * keep - rate * (a / (sqrt_(b) * root + eps))
    else:
        for i in range(n):
            d = g[i]
            a = m[i] + share1 * (d - m[i])
            b = beta2 * v[i] + share2 * (d * d)
            m[i] = a
            v[i] = b
            p[i] = p[i] * keep - rate * (a / (sqrt_(b) * root + eps))


cdef void rmsprop_pass(const floating* g, floating* p, floating* v, floating* m, floating* b, Py_ssize_t n, floating lr,
                       floating alpha, floating share, floating eps, floating momentum, floating decay) noexcept nogil:
    """`m` is the running mean of the centred form, `b` the momentum; each may be NULL."""
    cdef Py_ssize_t i
    cdef floating d, s
    for i in range(n):
        d = g[i] + decay * p[i] if decay != 0 else g[i]
        s = alpha * v[i] + share * (d * d)
        v[i] = s
        if m != NULL:
            m[i] += share * (d - m[i])
            s -= m[i] * m[i]
        d = d / (sqrt_(s) + eps)
        if b != NULL:
            b[i] = momentum * b[i] + d
            d = b[i]
        p[i] -= lr * d


cdef void sgd_update(int dtype, const void* g, void* p, void* b, Py_ssize_t n, double lr, double momentum,
                     double dampening, double decay, bint nesterov, bint first) noexcept nogil:
    if dtype == F64:
        sgd_pass(<const double*>g, <double*>p, <double*>b, n, lr, momentum, 1 - dampening, decay, nesterov, first)
    else:
        sgd_pass(<const float*>g, <float*>p, <float*>b, n, <float>lr, <float>momentum, <float>(1 - dampening),
                 <float>decay, nesterov, first)


cdef void adam_update(int dtype, const void* g, void* p, void* m, void* v, Py_ssize_t n, double rate, double beta1,
                      double beta2, double root, double eps, double keep, double decay) noexcept nogil:
    if dtype == F64:
        adam_pass(<const double*>g, <double*>p, <double*>m, <double*>v, n, rate, 1 - beta1, beta2, 1 - beta2, root,
                  eps, keep, decay)
    else:
        adam_pass(<const float*>g, <float*>p, <float*>m, <float*>v, n, <float>rate, <float>(1 - beta1), <float>beta2,
                  <float>(1 - beta2), <float>root, <float>eps, <float>keep, <float>decay)


cdef void rmsprop_update(int dtype, const void* g, void* p, void* v, void* m, void* b, Py_ssize_t n, double lr,
                         double alpha, double eps, double momentum, double decay) noexcept nogil:
    if dtype == F64:
        rmsprop_pass(<const double*>g, <double*>p, <double*>v, <double*>m, <double*>b, n, lr, alpha, 1 - alpha, eps,
                     momentum, decay)
    else:
        rmsprop_pass(<const float*>g, <float*>p, <float*>v, <float*>m, <float*>b, n, <float>lr, <float>alpha,
                     <float>(1 - alpha), <float>eps, <float>momentum, <float>decay)


cdef double squares(int dtype, const void* x, Py_ssize_t n) noexcept nogil:
    """The sum of the squares, in float64 and in eight sums, whatever the vectors of the machine hold."""
    cdef double[8] s = [0, 0, 0, 0, 0, 0, 0, 0]
    cdef double rest = 0, e
    cdef Py_ssize_t i = 0, k
    if dtype == F64:
        while i + 8 <= n:
            for k in range(8):
                e = (<const double*>x)[i + k]
                s[k] += e * e
            i += 8
        while i < n:
            rest += (<const double*>x)[i] * (<const double*>x)[i]
            i += 1
    else:
        while i + 8 <= n:
            for k in range(8):
                e = (<const float*>x)[i + k]
                s[k] += e * e
            i += 8
        while i < n:
            e = (<const float*>x)[i]
            rest += e * e
            i += 1
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])) + rest


cdef void multiply_by(int dtype, void* x, Py_ssize_t n, double c) noexcept nogil:
    """x *= c"""
    cdef Py_ssize_t i
    cdef float c32 = <float>c
    if dtype == F64:
        for i in range(n):
            (<double*>x)[i] *= c
    else:
        for i in range(n):
            (<float*>x)[i] *= c32
