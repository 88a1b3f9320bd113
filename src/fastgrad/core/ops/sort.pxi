# Sorting of short runs.

cdef Tensor record_sort(int op, PyObject** given):
    """Takes at most MOST_SORTED elements along the axis: NumPy sorts longer runs faster, and up to 32 axes only."""
    cdef Tensor x = given_tensor(given[0])
    cdef Py_ssize_t axis
    if (x is None or x.layout.ndim > 32 or not read_axis(<object>given[1], x.layout.ndim, &axis)
            or x.layout.shape[axis] > MOST_SORTED):
        return None
    return record_along(op, given)


cdef int SORT = register_along("sort", "x axis", WHOLE, &typed[0].sort_forward, &typed[0].sort_backward)
table[SORT].record = record_sort
