# The softmax family along axes.

cdef int SOFTMAX = register_along("softmax", "x axis dtype", WHOLE, &typed[0].softmax_forward,
                                  &typed[0].softmax_backward)
cdef int LOG_SOFTMAX = register_along("log_softmax", "x axis dtype", WHOLE, &typed[0].log_softmax_forward,
                                      &typed[0].log_softmax_backward)
cdef int LOGSUMEXP = register_along("logsumexp", "x axis keepdims", REDUCED, &typed[0].logsumexp_forward,
                                    &typed[0].logsumexp_backward)
along[LOGSUMEXP].forward_scratch = logsumexp_scratch
