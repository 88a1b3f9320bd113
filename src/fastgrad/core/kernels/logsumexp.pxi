# The logarithm of a sum of exponentials, in the passes of the softmax kernels.

cdef Py_ssize_t logsumexp_scratch(Py_ssize_t n, Py_ssize_t inner) noexcept nogil:
    """Elements of scratch that `logsumexp_forward` needs."""
    return max(n, <Py_ssize_t>BLOCK) if inner == 1 else n * columns_at_once(inner)


cdef void logsumexp_forward(const floating* x, floating* y, floating* e, const Extents* extents) noexcept nogil:
    """log(sum(exp(x))); `e` is scratch."""
    cdef const Helpers* h = helpers_of(x)
    cdef floating[WIDTH] top
    cdef floating[WIDTH] s
    cdef Py_ssize_t o = 0, i, j, w, outer = extents.outer, n = extents.n, inner = extents.inner
    if inner == 1:
        while o < outer:
            w = min(rows_at_once(n), outer - o)
            exp_rows(x, w, n, True, top, e, s, h)
            apply1(&h.log, s, s, w, sizeof(floating))
            for j in range(w):
                y[o + j] = s[j] + top[j]
            x += w * n
            o += w
        return
    for o in range(outer):
        i = 0
        while i < inner:
            w = columns_at_once(inner - i)
            exp_columns(x + i, n, inner, w, True, top, e, w, s, h)
            apply1(&h.log, s, s, w, sizeof(floating))
            for j in range(w):
                y[i + j] = s[j] + top[j]
            i += w
        x += n * inner
        y += inner


cdef inline floating reference(floating y) noexcept nogil:
    """What to subtract from the elements. 0 where all are -inf: their gradient is 0 and not NaN."""
    return 0 if y - y != 0 and y < 0 else y


cdef void logsumexp_backward(const floating* g, const floating* x, const floating* y, floating* gx, floating* scratch,
                             const Extents* extents, bint add) noexcept nogil:
    """gx (+)= g * exp(x - y)"""
    cdef const Helpers* h = helpers_of(g)
    cdef floating[BLOCK] e
    cdef Py_ssize_t o = 0, i, r, j, w, at, m, outer = extents.outer, n = extents.n, inner = extents.inner
    cdef floating s
    if inner == 1:
        while o < outer:
            w = min(rows_at_once(n), outer - o)
            at = 0
            while at < n:               # once, unless one row is longer than a block
                m = min(n - at, <Py_ssize_t>BLOCK)
                for r in range(w):
                    s = reference(y[o + r])
                    for j in range(m):
                        e[r * m + j] = x[r * n + at + j] - s
                apply1(&h.exp, e, e, w * m, sizeof(floating))
                for r in range(w):
                    s = g[o + r]
                    for j in range(m):
                        store_or_add(gx + r * n + at + j, s * e[r * m + j], add)
                at += m
            x += w * n
            gx += w * n
            o += w
        return
    for o in range(outer):
        for r in range(n):
            i = 0
            while i < inner:
                m = min(inner - i, <Py_ssize_t>BLOCK)
                for j in range(m):
                    e[j] = x[i + j] - reference(y[i + j])
                apply1(&h.exp, e, e, m, sizeof(floating))
                for j in range(m):
                    store_or_add(gx + i + j, g[i + j] * e[j], add)
                i += m
            x += inner
            gx += inner
        g += inner
        y += inner
