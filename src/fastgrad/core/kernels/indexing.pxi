# Gather and scatter along the middle axis of (outer, n, inner). Indices are in bounds and not negative.

cdef extern from *:
    """
    /* Loaded once, since another thread may write the memory: what is checked is what is used. */
    static inline Py_ssize_t fg_load(const Py_ssize_t* x) { return *(const volatile Py_ssize_t*)x; }
    """
    Py_ssize_t fg_load(const Py_ssize_t* x) noexcept nogil


cdef bint combine_index(const Py_ssize_t* index, Py_ssize_t count, Py_ssize_t n, Py_ssize_t* at,
                        bint first) noexcept nogil:
    """at = at * n + index, or index if `first`. Negative indices count from the end. Returns False if one is out of
    bounds."""
    for k in range(count):
        i = fg_load(index + k)
        if i < 0:
            i += n
        if i < 0 or i >= n:
            return False
        at[k] = i if first else at[k] * n + i
    return True


cdef void gather(int itemsize, const char* x, const Py_ssize_t* at, char* y, const Extents* e,
                 Py_ssize_t count) noexcept nogil:
    """y[o, k] = x[o, at[k]]"""
    cdef Py_ssize_t o, k, row = e.inner * itemsize
    for o in range(e.outer):
        if row == 8:
            for k in range(count):
                (<uint64_t*>y)[k] = (<const uint64_t*>x)[at[k]]
        elif row == 4:
            for k in range(count):
                (<uint32_t*>y)[k] = (<const uint32_t*>x)[at[k]]
        else:
            for k in range(count):
                memcpy(y + k * row, x + at[k] * row, row)
        x += e.n * row
        y += count * row


cdef void scatter_add(const floating* g, const Py_ssize_t* at, floating* gx, const Extents* e,
                      Py_ssize_t count) noexcept nogil:
    """gx[o, at[k]] += g[o, k]; repeated indices add up."""
    cdef Py_ssize_t o, k, i, n = e.n, inner = e.inner
    for o in range(e.outer):
        if inner == 1:
            for k in range(count):
                gx[at[k]] += g[k]
            g += count
        else:
            for k in range(count):
                row = gx + at[k] * inner
                for i in range(inner):
                    row[i] += g[i]
                g += inner
        gx += n * inner


cdef void gather_add(const floating* x, const Py_ssize_t* at, floating* y, const Extents* e,
                     Py_ssize_t count) noexcept nogil:
    """y[o, k] += x[o, at[k]]"""
    cdef Py_ssize_t o, k, i, n = e.n, inner = e.inner
    for o in range(e.outer):
        for k in range(count):
            for i in range(inner):
                y[i] += x[at[k] * inner + i]
            y += inner
        x += n * inner
