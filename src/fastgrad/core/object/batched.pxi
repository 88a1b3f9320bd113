# Operands of vmap: whether there may be any, and where they are.

cdef type BATCHED = batching.Batched
cdef Py_ssize_t fg_levels = 0       # vmaps that are running, in all threads: operands may be Batched


def count_levels(int change):
    """Count a vmap that begins (1) or ends (-1)."""
    global fg_levels
    fg_levels += change


batching.count_levels(count_levels)


cdef bint has_batched(PyObject* const* args, Py_ssize_t n, int depth=0) noexcept:
    """Whether one of the objects is Batched, or a tuple or list with one inside. Runs no Python code."""
    cdef Py_ssize_t k
    for k in range(n):
        if type(<object>args[k]) is BATCHED:
            return True
        if depth < 32 and (PyTuple_CheckExact(<object>args[k]) or PyList_CheckExact(<object>args[k])):
            if has_batched(PySequence_Fast_ITEMS(<object>args[k]), Py_SIZE(<object>args[k]), depth + 1):
                return True
    return False
