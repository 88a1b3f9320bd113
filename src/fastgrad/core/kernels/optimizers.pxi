# Steps of optimizers: one pass over a parameter, its gradient and its moments, all contiguous. A trailing underscore
# marks a number rounded to the dtype. The formulas stand in optim/formulas.py.

cdef struct Update:         # arrays and numbers of a call, in the order of its arguments; NULL where there is none
    const void* g
    void* p
    void* moments[3]
    double[7] numbers
    bint nesterov, first


cdef inline floating* part_of(void* x, Py_ssize_t first, const floating* unused) noexcept nogil:
    return NULL if x == NULL else <floating*>x + first


cdef inline void update_all(void* part, const Update* u, Py_ssize_t n, Py_ssize_t itemsize) noexcept nogil:
    if n * itemsize >= split_from:
        split_work(<Part>part, u, n, LANES)
    else:
        (<Part>part)(u, 0, n, 0)


cdef void sgd_part(const floating* job, Py_ssize_t start, Py_ssize_t last, int who) noexcept nogil:
    u = <const Update*><const void*>job
    g = <const floating*>u.g + start
    p = part_of(u.p, start, job)
    b = part_of(u.moments[0], start, job)
    cdef floating lr_ = <floating>u.numbers[0], momentum_ = <floating>u.numbers[1]
    cdef floating share = <floating>(1 - u.numbers[2]), decay_ = <floating>u.numbers[3], d, m
    cdef bint nesterov = u.nesterov, first = u.first
    for i in range(last - start):
        d = g[i] + decay_ * p[i] if decay_ != 0 else g[i]
        if b != NULL:
            m = d if first else momentum_ * b[i] + share * d
            b[i] = m
            d = d + momentum_ * m if nesterov else m
        p[i] -= lr_ * d


cdef void sgd_update(const floating* g, floating* p, floating* b, Py_ssize_t n, double lr, double momentum,
                     double dampening, double decay, bint nesterov, bint first) noexcept nogil:
    """`b` is the momentum buffer, or NULL. It starts as the gradient if this is the `first` step."""
    cdef Update u
    u.g, u.p, u.nesterov, u.first = g, p, nesterov, first
    u.moments = [b, NULL, NULL]
    u.numbers = [lr, momentum, dampening, decay, 0, 0, 0]
    update_all(<void*>sgd_part[floating], &u, n, sizeof(floating))


cdef void adam_part(const floating* job, Py_ssize_t start, Py_ssize_t last, int who) noexcept nogil:
    u = <const Update*><const void*>job
    g = <const floating*>u.g + start
    p = part_of(u.p, start, job)
    m = part_of(u.moments[0], start, job)
    v = part_of(u.moments[1], start, job)
    cdef floating rate_ = <floating>u.numbers[0], share1 = <floating>(1 - u.numbers[1])
    cdef floating share2 = <floating>(1 - u.numbers[2]), beta2_ = <floating>u.numbers[2]
    cdef floating root_ = <floating>u.numbers[3], eps_ = <floating>u.numbers[4], keep_ = <floating>u.numbers[5]
    cdef floating decay_ = <floating>u.numbers[6], d, a, b
    for i in range(last - start):
        d = g[i] + decay_ * p[i] if decay_ != 0 else g[i]
        a = m[i] + share1 * (d - m[i])
        b = beta2_ * v[i] + share2 * (d * d)
        m[i] = a
        v[i] = b
        p[i] = p[i] * keep_ - rate_ * (a / (sqrt_(b) * root_ + eps_))


cdef void adam_update(const floating* g, floating* p, floating* m, floating* v, Py_ssize_t n, double rate, double beta1,
                      double beta2, double root, double eps, double keep, double decay) noexcept nogil:
    """`rate` is lr / (1 - beta1^t), `root` 1 / sqrt(1 - beta2^t); decoupled weight decay multiplies p by `keep`."""
    cdef Update u
    u.g, u.p = g, p
    u.moments = [m, v, NULL]
    u.numbers = [rate, beta1, beta2, root, eps, keep, decay]
    update_all(<void*>adam_part[floating], &u, n, sizeof(floating))


cdef void rmsprop_part(const floating* job, Py_ssize_t start, Py_ssize_t last, int who) noexcept nogil:
    u = <const Update*><const void*>job
    g = <const floating*>u.g + start
    p = part_of(u.p, start, job)
    v = part_of(u.moments[0], start, job)
    m = part_of(u.moments[1], start, job)
    b = part_of(u.moments[2], start, job)
    cdef floating lr_ = <floating>u.numbers[0], alpha_ = <floating>u.numbers[1]
    cdef floating share = <floating>(1 - u.numbers[1]), eps_ = <floating>u.numbers[2]
    cdef floating momentum_ = <floating>u.numbers[3], decay_ = <floating>u.numbers[4], d, s
    for i in range(last - start):
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


cdef void rmsprop_update(const floating* g, floating* p, floating* v, floating* m, floating* b, Py_ssize_t n, double lr,
                         double alpha, double eps, double momentum, double decay) noexcept nogil:
    """`m` is the running mean of the gradient (centered form) and `b` the momentum buffer; each may be NULL."""
    cdef Update u
    u.g, u.p = g, p
    u.moments = [v, m, b]
    u.numbers = [lr, alpha, eps, momentum, decay, 0, 0]
    update_all(<void*>rmsprop_part[floating], &u, n, sizeof(floating))
