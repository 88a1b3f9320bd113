# Running sums and products along an axis.

cdef int cumsum_along(const Along* a) except -1:
    typed[a.dtype].cumsum_forward(a.x, a.y, NULL, a.e.outer, a.e.n, a.e.inner)
    return 0


cdef int cumsum_along_back(const Along* a) except -1:
    cdef Storage* scratch = storage_new(a.e.inner * item_bytes(a.dtype))
    typed[a.dtype].cumsum_backward(a.g, NULL, NULL, a.gx, payload(scratch), a.e.outer, a.e.n, a.e.inner, a.add)
    storage_release(scratch)
    return 0


cdef int cumprod_along(const Along* a) except -1:
    typed[a.dtype].cumprod_forward(a.x, a.y, NULL, a.e.outer, a.e.n, a.e.inner)
    return 0


cdef int cumprod_along_back(const Along* a) except -1:
    cdef Storage* scratch = storage_new(a.e.inner * item_bytes(a.dtype))
    typed[a.dtype].cumprod_backward(a.g, a.x, a.y, a.gx, payload(scratch), a.e.outer, a.e.n, a.e.inner, a.add)
    storage_release(scratch)
    return 0


cdef int CUMSUM = register_along("cumsum", "x axis dtype", SCANNED, cumsum_along, cumsum_along_back)
cdef int CUMPROD = register_along("cumprod", "x axis dtype", SCANNED, cumprod_along, cumprod_along_back)
