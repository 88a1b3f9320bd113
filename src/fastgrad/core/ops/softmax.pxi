# The softmax family along axes.

cdef int softmax_along(const Along* a) except -1:
    typed[a.dtype].softmax_forward(a.x, a.y, a.e.outer, a.e.n, a.e.inner, False)
    return 0


cdef int softmax_along_back(const Along* a) except -1:
    typed[a.dtype].softmax_backward(a.g, NULL, a.y, a.gx, NULL, a.e.outer, a.e.n, a.e.inner, a.add)
    return 0


cdef int log_softmax_along(const Along* a) except -1:
    typed[a.dtype].softmax_forward(a.x, a.y, a.e.outer, a.e.n, a.e.inner, True)
    return 0


cdef int log_softmax_along_back(const Along* a) except -1:
    typed[a.dtype].log_softmax_backward(a.g, NULL, a.y, a.gx, NULL, a.e.outer, a.e.n, a.e.inner, a.add)
    return 0


cdef int logsumexp_along(const Along* a) except -1:
    cdef Storage* scratch = storage_new(logsumexp_scratch(a.e.n, a.e.inner) * item_bytes(a.dtype))
    typed[a.dtype].logsumexp_forward(a.x, a.y, payload(scratch), a.e.outer, a.e.n, a.e.inner)
    storage_release(scratch)
    return 0


cdef int logsumexp_along_back(const Along* a) except -1:
    typed[a.dtype].logsumexp_backward(a.g, a.x, a.y, a.gx, NULL, a.e.outer, a.e.n, a.e.inner, a.add)
    return 0


cdef int SOFTMAX = register_along("softmax", "x axis", WHOLE, softmax_along, softmax_along_back)
cdef int LOG_SOFTMAX = register_along("log_softmax", "x axis", WHOLE, log_softmax_along, log_softmax_along_back)
cdef int LOGSUMEXP = register_along("logsumexp", "x axis keepdims", REDUCED, logsumexp_along, logsumexp_along_back)
