# Steps of optimizers: one pass over a parameter, its gradient and its moments, all contiguous. A trailing underscore
# marks a number rounded to the dtype. The formulas stand in optim/formulas.py.

cdef void sgd_update(const floating* g, floating* p, floating* b, Py_ssize_t n, double lr, double momentum,
                     double dampening, double decay, bint nesterov, bint first) noexcept nogil:
    """`b` is the momentum buffer, or NULL. It starts as the gradient if this is the `first` step."""
    cdef floating lr_ = <floating>lr, momentum_ = <floating>momentum, share = <floating>(1 - dampening)
    cdef floating decay_ = <floating>decay, d, m
    for i in range(n):
        d = g[i] + decay_ * p[i] if decay_ != 0 else g[i]
        if b != NULL:
            m = d if first else momentum_ * b[i] + share * d
            b[i] = m
            d = d + momentum_ * m if nesterov else m
        p[i] -= lr_ * d


cdef void adam_update(const floating* g, floating* p, floating* m, floating* v, Py_ssize_t n, double rate, double beta1,
                      double beta2, double root, double eps, double keep, double decay) noexcept nogil:
    """`rate` is lr / (1 - beta1^t), `root` 1 / sqrt(1 - beta2^t); decoupled weight decay multiplies p by `keep`."""
    cdef floating rate_ = <floating>rate, share1 = <floating>(1 - beta1), share2 = <floating>(1 - beta2)
    cdef floating beta2_ = <floating>beta2, root_ = <floating>root, eps_ = <floating>eps, keep_ = <floating>keep
    cdef floating decay_ = <floating>decay, d, a, b
    for i in range(n):
        d = g[i] + decay_ * p[i] if decay_ != 0 else g[i]
        a = m[i] + share1 * (d - m[i])
        b = beta2_ * v[i] + share2 * (d * d)
        m[i] = a
        v[i] = b
        p[i] = p[i] * keep_ - rate_ * (a / (sqrt_(b) * root_ + eps_))


cdef void rmsprop_update(const floating* g, floating* p, floating* v, floating* m, floating* b, Py_ssize_t n, double lr,
                         double alpha, double eps, double momentum, double decay) noexcept nogil:
    """`m` is the running mean of the gradient (centered form) and `b` the momentum buffer; each may be NULL."""
    cdef floating lr_ = <floating>lr, alpha_ = <floating>alpha, share = <floating>(1 - alpha), eps_ = <floating>eps
    cdef floating momentum_ = <floating>momentum, decay_ = <floating>decay, d, s
    for i in range(n):
        d = g[i] + decay_ * p[i] if decay_ != 0 else g[i]
        s = alpha_ * v[i] + share * (d * d)
        v[i] = s
        if m != NULL:
            m[i] += share * (d - m[i])
            s -= m[i] * m[i]
        d = d / (sqrt_(s) + eps_)
        if b != NULL:
            b[i] = momentum_ * b[i] + d
            d = b[i]
        p[i] -= lr_ * d
