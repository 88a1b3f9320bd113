# Sorting of short runs along the middle axis of (outer, n, inner).

cdef inline bint sorts_before(floating a, floating b) noexcept nogil:
    """NaNs are last, as in NumPy."""
    return a < b or (b != b and a == a)


cdef void sort_forward(const floating* x, floating* y, floating* scratch, const Extents* e) noexcept nogil:
    """Insertion sort: at most MOST_SORTED elements."""
    cdef Py_ssize_t o, i, r, at, n = e.n, inner = e.inner
    cdef floating v
    for o in range(e.outer):
        for i in range(inner):
            for r in range(n):
                v = x[r * inner + i]
                at = r
                while at > 0 and sorts_before(v, y[(at - 1) * inner + i]):
                    y[at * inner + i] = y[(at - 1) * inner + i]
                    at -= 1
                y[at * inner + i] = v
        x += n * inner
        y += n * inner


cdef void sort_backward(const floating* g, const floating* x, const floating* y, floating* gx, floating* scratch,
                        const Extents* e, bint add) noexcept nogil:
    """gx[k] (+)= g[r] where x[k] was sorted to place r; equal elements keep their order. `gx` may be `g`."""
    cdef floating[MOST_SORTED] upstream
    cdef int[MOST_SORTED] order
    cdef Py_ssize_t o, i, r, at, n = e.n, inner = e.inner
    cdef floating v
    for o in range(e.outer):
        for i in range(inner):
            for r in range(n):
                upstream[r] = g[r * inner + i]
                v = x[r * inner + i]
                at = r
                while at > 0 and sorts_before(v, x[order[at - 1] * inner + i]):
                    order[at] = order[at - 1]
                    at -= 1
                order[at] = <int>r
            for r in range(n):
                store_or_add(gx + order[r] * inner + i, upstream[r], add)
        g += n * inner
        x += n * inner
        gx += n * inner
