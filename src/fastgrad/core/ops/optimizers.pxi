# Steps of optimisers over lists of parameters: what `fastgrad.optim` calls once per group. Nothing is recorded; every
# write is counted, so that graphs that read the old values raise. What no kernel takes is left alone and reported.

cdef struct StepBlocks:     # of one parameter
    int dtype
    Py_ssize_t n            # elements of each
    char* p
    const char* g
    char* first             # moments; NULL where there are none
    char* second
    char* third


cdef inline bint is_writable_block(Tensor x) noexcept:
    return (x.layout.kernel != NO_KERNEL and x.layout.flags & C_CONTIGUOUS != 0
            and not (x.storage != NULL and x.storage.flags & READ_ONLY))


cdef bint read_moment(list moments, Py_ssize_t k, Tensor p, char** out) except -1:
    """Number `k`, made of zeros if it is None; False where it does not fit the parameter."""
    cdef Tensor m
    out[0] = NULL
    if moments is None:
        return True
    if moments[k] is None:
        m = new_tensor(p.layout)
        memset(m.data, 0, p.layout.nbytes)
        moments[k] = m
    elif not is_tensor(moments[k]) or (<Tensor>moments[k]).layout != p.layout:
        return False
    else:
        m = <Tensor>moments[k]
        bump_version(m)
    out[0] = m.data
    return True


cdef bint begin_step(list params, Py_ssize_t k, list first, list second, list third, list rest,
                     StepBlocks* s) except -1:
    """Count the writes to parameter `k` and its moments. False where it has no gradient, or where no kernel can take
    the step: `k` then goes to `rest`."""
    cdef Tensor p = <Tensor?>params[k]
    if p.grad_ == NULL:
        return False
    if ((<Tensor>p.grad_).layout != p.layout or not is_writable_block(p) or not read_moment(first, k, p, &s.first)
            or not read_moment(second, k, p, &s.second) or not read_moment(third, k, p, &s.third)):
        rest.append(k)
        return False
    bump_version(p)
    s.dtype = p.layout.kernel
    s.n = p.layout.size
    s.p = p.data
    s.g = (<Tensor>p.grad_).data
    return True


cdef int check_lengths(list params, list first, list second, list third) except -1:
    """Lists are read without a check of their lengths below: from here on nothing may run Python code, not even of the
    garbage collector, so that the list `rest` is made before."""
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
    cdef StepBlocks s
    cdef list rest = []
    cdef bint fresh
    check_lengths(params, buffers, None, None)
    for k in range(len(params)):
        fresh = momentum != 0 and buffers[k] is None
        if begin_step(params, k, buffers if momentum != 0 else None, None, None, rest, &s):
            typed[s.dtype].sgd_update(s.g, s.p, s.first, s.n, lr, momentum, dampening, decay, nesterov, fresh)
    return rest or None


def adam_step(list params, list means, list squares_, cnp.ndarray counts, double lr, double beta1, double beta2,
              double eps, double decay, bint decoupled):
    """One step of Adam or, `decoupled`, of AdamW; increments `counts` of steps. Returns as `sgd_step`."""
    cdef StepBlocks s
    cdef list rest = []
    cdef Py_ssize_t k, t = -1
    cdef Py_ssize_t* steps = counts_of(counts, params)
    cdef double rate = 0, root = 0
    check_lengths(params, means, squares_, None)
    for k in range(len(params)):
        if not begin_step(params, k, means, squares_, None, rest, &s):
            continue
        steps[k] += 1
        if steps[k] != t:
            t = steps[k]
            rate = lr / (1 - pow(beta1, <double>t))
            root = 1 / sqrt(1 - pow(beta2, <double>t))
        typed[s.dtype].adam_update(s.g, s.p, s.first, s.second, s.n, rate, beta1, beta2, root, eps,
                                   1 - lr * decay if decoupled else 1, 0 if decoupled else decay)
    return rest or None


def rmsprop_step(list params, list squares_, list means, list buffers, double lr, double alpha, double eps,
                 double momentum, double decay, bint centered):
    """One step of RMSprop. Returns as `sgd_step`."""
    cdef StepBlocks s
    cdef list rest = []
    check_lengths(params, squares_, means, buffers)
    for k in range(len(params)):
        if begin_step(params, k, squares_, means if centered else None, buffers if momentum != 0 else None, rest, &s):
            typed[s.dtype].rmsprop_update(s.g, s.p, s.first, s.second, s.third, s.n, lr, alpha, eps, momentum, decay)
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
    cdef char[8] factor_
    for o in tensors:
        x = <Tensor?>o
        if not is_writable_block(x):
            rest.append(o)
            continue
        bump_version(x)
        store_number(x.layout.kernel, factor_, c)
        apply2(&helpers[x.layout.kernel].multiply, x.data, x.layout.itemsize, factor_, 0, x.data, x.layout.size,
               x.layout.itemsize)
    return rest or None
