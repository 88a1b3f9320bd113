# Triangles of matrices.

cdef void triangle(const floating* x, floating* y, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t cols, Py_ssize_t k,
                   bint upper, bint add) noexcept nogil:
    """y (+)= the elements of x above diagonal `k`, or below it, and on it; 0 for the others. `y` may be `x`."""
    cdef Py_ssize_t m, r, i, at
    for m in range(count):
        for r in range(rows):
            at = max(min(r + k if upper else r + k + 1, cols), <Py_ssize_t>0)       # where the row changes
            for i in range(at):
                store_or_add(y + i, <floating>0 if upper else x[i], add)
            for i in range(at, cols):
                store_or_add(y + i, x[i] if upper else <floating>0, add)
            x += cols
            y += cols
