# The softmax family along axes.

cdef int SOFTMAX = register_along("softmax", "x axis dtype", WHOLE, &typed[0].softmax_forward,
                                  &typed[0].softmax_backward)
cdef int LOG_SOFTMAX = register_along("log_softmax", "x axis dtype", WHOLE, &typed[0].log_softmax_forward,
                                      &typed[0].log_softmax_backward)
cdef int LOGSUMEXP = register_along("logsumexp", "x axis keepdims", REDUCED, &typed[0].logsumexp_forward,
                                    &typed[0].logsumexp_backward)
along[LOGSUMEXP].forward_scratch = logsumexp_scratch


cdef Tensor softmax_direction(Tensor y, Tensor t, Py_ssize_t batch):
    """In either mode: the Jacobian of softmax is symmetric."""
    cdef Extents e
    cdef double number
    cdef Py_ssize_t at = 0
    cdef Tensor read = contiguous(result_read(y, False)), source = contiguous(t)
    if y.layout.kernel == NO_KERNEL or not split(y.layout, read_axes(y.layout, along_axis(y, &number)), &e):
        return None
    cdef Tensor out = new_tensor(batched_layout(y.layout, batch))
    while at < out.layout.nbytes:
        axis_backward_door(along[SOFTMAX].backward[y.layout.kernel], source.data + at, NULL, read.data, out.data + at,
                           NULL, &e, False)
        at += y.layout.nbytes
    return out


table[SOFTMAX].push = softmax_direction
table[SOFTMAX].pull = softmax_direction
