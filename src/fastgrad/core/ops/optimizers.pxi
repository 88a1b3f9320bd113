# Steps of optimisers over lists of parameters: what `fastgrad.optim` calls once per group. Nothing is recorded; every
# write is counted, so that a graph that still needs the old values knows. What has no kernel is left alone and named in
# the result.

cdef inline Tensor gradient_of(Tensor p):
    """The gradient, where a kernel can take the step: contiguous, of one floating dtype, writable memory."""
    cdef Tensor g = <Tensor>p.grad_
    if (p.layout.kernel == NO_KERNEL or g.layout != p.layout or not p.layout.flags & C_CONTIGUOUS
            or (p.storage != NULL and p.storage.flags & READ_ONLY)):
        return None
    return g


cdef Tensor moment(list moments, Py_ssize_t k, Tensor p):
    """Number `k`, made of zeros where there is none; None where it does not fit the parameter."""
    cdef Tensor made
    o = moments[k]
    if o is None:
        made = new_tensor(p.layout)
        memset(made.data, 0, p.layout.nbytes)
        moments[k] = made
        return made
    if type(o) is not Tensor or (<Tensor>o).layout != p.layout:
        return None
    bump_version(<Tensor>o)
    return <Tensor>o


cdef int check_lengths(list params, list first, list second, list third) except -1:
    """Lists are read without a look at their ends below: from here on nothing may run Python code, of the garbage
    collector either, so that the list of what is left out is made before."""
    cdef Py_ssize_t n = len(params)
    if len(first) != n or (second is not None and len(second) != n) or (third is not None and len(third) != n):
        raise ValueError("one moment of each kind per parameter")
    return 0


cdef Py_ssize_t* counts_of(cnp.ndarray counts, list params) except NULL:
    if (cnp.PyArray_TYPE(counts) != cnp.NPY_INTP or cnp.PyArray_SIZE(counts) != len(params)
            or not cnp.PyArray_IS_C_CONTIGUOUS(counts)):
        raise ValueError("one count per parameter")
    return <Py_ssize_t*>cnp.PyArray_DATA(counts)


def sgd_step(list params, list buffers, double lr, double momentum, double dampening, double decay, bint nesterov):
    """One step of SGD. Returns the numbers of the parameters that it could not take, or None."""
    cdef Tensor p, g, b
    cdef list rest = []
    cdef Py_ssize_t k
    cdef bint first
    check_lengths(params, buffers, None, None)
    for k in range(len(params)):
        p = <Tensor?>params[k]
        if p.grad_ == NULL:
            continue
        g = gradient_of(p)
        b = None
        first = momentum != 0 and buffers[k] is None
        if g is not None and momentum != 0:
            b = moment(buffers, k, p)
        if g is None or (momentum != 0 and b is None):
            rest.append(k)
            continue
        bump_version(p)
        typed[p.layout.kernel].sgd_update(g.data, p.data, NULL if b is None else b.data, p.layout.size, lr, momentum,
                                          dampening, decay, nesterov, first)
    return rest or None


def adam_step(list params, list means, list squares_, cnp.ndarray counts, double lr, double beta1, double beta2,
              double eps, double decay, bint decoupled):
    """One step of Adam or, `decoupled`, of AdamW; `counts` of steps are raised. Returns as `sgd_step`."""
    cdef Tensor p, g, m, v
    cdef list rest = []
    cdef Py_ssize_t k, t = -1
    cdef Py_ssize_t* steps = counts_of(counts, params)
    cdef double rate = 0, root = 0
    check_lengths(params, means, squares_, None)
    for k in range(len(params)):
        p = <Tensor?>params[k]
        if p.grad_ == NULL:
            continue
        g = gradient_of(p)
        m = v = None
        if g is not None:
            m = moment(means, k, p)
            v = moment(squares_, k, p)
        if m is None or v is None:
            rest.append(k)
            continue
        steps[k] += 1
        if steps[k] != t:
            t = steps[k]
            rate = lr / (1 - pow(beta1, <double>t))
            root = 1 / sqrt(1 - pow(beta2, <double>t))
        bump_version(p)
        typed[p.layout.kernel].adam_update(g.data, p.data, m.data, v.data, p.layout.size, rate, beta1, beta2, root, eps,
                                           1 - lr * decay if decoupled else 1, 0 if decoupled else decay)
    return rest or None


def rmsprop_step(list params, list squares_, list means, list buffers, double lr, double alpha, double eps,
                 double momentum, double decay, bint centered):
    """One step of RMSprop. Returns as `sgd_step`."""
    cdef Tensor p, g, v, m, b
    cdef list rest = []
    cdef Py_ssize_t k
    check_lengths(params, squares_, means, buffers)
    for k in range(len(params)):
        p = <Tensor?>params[k]
        if p.grad_ == NULL:
            continue
        g = gradient_of(p)
        v = m = b = None
        if g is not None:
            v = moment(squares_, k, p)
            m = moment(means, k, p) if centered else None
            b = moment(buffers, k, p) if momentum != 0 else None
        if v is None or (centered and m is None) or (momentum != 0 and b is None):
            rest.append(k)
            continue
        bump_version(p)
        typed[p.layout.kernel].rmsprop_update(g.data, p.data, v.data, NULL if m is None else m.data,
                                              NULL if b is None else b.data, p.layout.size, lr, alpha, eps, momentum,
                                              decay)
    return rest or None


def sum_of_squares(list tensors):
    """Over all elements of all `tensors`, in float64; None where one of them has no kernel."""
    cdef double total = 0
    cdef Tensor x
    for o in tensors:
        x = <Tensor?>o
        if x.layout.kernel == NO_KERNEL or not x.layout.flags & C_CONTIGUOUS:
            return None
        total += typed[x.layout.kernel].sum_of_squares(x.data, x.layout.size)
    return total


def scale_in_place(list tensors, double c):
    """Multiply all `tensors` by `c`, unrecorded. Returns those that it could not take, or None."""
    cdef Tensor x
    cdef list rest = []
    for o in tensors:
        x = <Tensor?>o
        if x.layout.kernel == NO_KERNEL or not x.layout.flags & C_CONTIGUOUS or (x.storage != NULL
                                                                                 and x.storage.flags & READ_ONLY):
            rest.append(o)
            continue
        bump_version(x)
        typed[x.layout.kernel].multiply_by(x.data, x.layout.size, c)
    return rest or None
