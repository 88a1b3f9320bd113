# Variance, standard deviation and Euclidean norm.

cdef Py_ssize_t spread_scratch(Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    return 2 * inner


cdef dict params_spread(Tensor y):
    cdef double number
    params = params_along(y)
    along_axis(y, &number)
    params["ddof"] = number
    return params


cdef Tensor record_euclidean_norm(int op, PyObject** given):
    """Takes the Euclidean norm."""
    cdef double order
    return record_along(op, given) if small_number(<object>given[3], &order) and order == 2 else None


cdef dict params_euclidean_norm(Tensor y):
    params = params_along(y)
    params["ord"] = 2
    return params


cdef str SPREAD = "x axis ddof keepdims dtype"
cdef int VAR = register_along("var", SPREAD, REDUCED, &typed[0].var_forward, &typed[0].var_backward)
cdef int STD = register_along("std", SPREAD, REDUCED, &typed[0].std_forward, &typed[0].std_backward)
cdef int NORM = register_along("norm", "x axis keepdims ord", REDUCED, &typed[0].norm_forward, &typed[0].norm_backward)
for _op in (VAR, STD, NORM):
    along[_op].forward_scratch = along[_op].backward_scratch = spread_scratch
table[VAR].params = table[STD].params = params_spread
table[NORM].params = params_euclidean_norm
table[NORM].record = record_euclidean_norm
