# Running sums and products along an axis.

cdef Py_ssize_t scan_scratch(Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    return inner


cdef int CUMSUM = register_along("cumsum", "x axis dtype", SCANNED, &typed[0].cumsum_forward,
                                 &typed[0].cumsum_backward)
cdef int CUMPROD = register_along("cumprod", "x axis dtype", SCANNED, &typed[0].cumprod_forward,
                                  &typed[0].cumprod_backward)
along[CUMSUM].backward_scratch = along[CUMPROD].backward_scratch = scan_scratch
