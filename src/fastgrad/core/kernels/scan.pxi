# Running sums and products along the middle axis of (outer, n, inner), and the backward of a product.

cdef void cumsum_forward(const floating* x, floating* y, floating* scratch, const Extents* e) noexcept nogil:
    """y[r] = x[0] + ... + x[r]; n > 0"""
    cdef Py_ssize_t o, r, i, n = e.n, inner = e.inner
    cdef floating s
    for o in range(e.outer):
        if inner == 1:
            s = x[0]            # 0 + x[0] would lose the sign of a negative zero
            y[0] = s
            for r in range(1, n):
                s += x[r]
                y[r] = s
        else:
            memcpy(y, x, inner * sizeof(floating))
            for r in range(1, n):
                for i in range(inner):
                    y[r * inner + i] = y[(r - 1) * inner + i] + x[r * inner + i]
        x += n * inner
        y += n * inner


cdef void cumsum_backward(const floating* g, const floating* x, const floating* y, floating* gx, floating* s,
                          const Extents* e, bint add) noexcept nogil:
    """gx[r] (+)= g[r] + ... + g[n - 1]; gx may be g. `s` is scratch of `inner` elements, unused where that is 1."""
    cdef Py_ssize_t o, r, i, n = e.n, inner = e.inner
    cdef floating t
    for o in range(e.outer):
        if inner == 1:
            t = 0
            for r in range(n - 1, -1, -1):
                t += g[r]
                store_or_add(gx + r, t, add)
        else:
            memset(s, 0, inner * sizeof(floating))
            for r in range(n - 1, -1, -1):
                for i in range(inner):
                    s[i] += g[r * inner + i]
                    store_or_add(gx + r * inner + i, s[i], add)
        g += n * inner
        gx += n * inner


cdef void cumprod_forward(const floating* x, floating* y, floating* scratch, const Extents* e) noexcept nogil:
    """y[r] = x[0] * ... * x[r]; n > 0"""
    cdef Py_ssize_t o, r, i, n = e.n, inner = e.inner
    for o in range(e.outer):
        memcpy(y, x, inner * sizeof(floating))
        for r in range(1, n):
            for i in range(inner):
                y[r * inner + i] = y[(r - 1) * inner + i] * x[r * inner + i]
        x += n * inner
        y += n * inner


cdef void cumprod_backward(const floating* g, const floating* x, const floating* y, floating* gx, floating* s,
                           const Extents* e, bint add) noexcept nogil:
    """gx[r] (+)= y[r - 1] * s[r], where s[r] = g[r] + x[r + 1] * s[r + 1]; gx may be g. `s` is scratch of `inner`
    elements."""
    cdef Py_ssize_t o, r, i, at, n = e.n, inner = e.inner
    for o in range(e.outer):
        for r in range(n - 1, -1, -1):
            for i in range(inner):
                at = r * inner + i
                s[i] = g[at] if r == n - 1 else g[at] + x[at + inner] * s[i]
                store_or_add(gx + at, s[i] if r == 0 else y[at - inner] * s[i], add)
        g += n * inner
        x += n * inner
        y += n * inner
        gx += n * inner


cdef void products_without(const floating* x, Py_ssize_t stride, Py_ssize_t n, floating g, floating* level,
                 floating* down) noexcept nogil:
    """down[r] = g times the product of all x but x[r], by a tree of pairwise products. `level` holds 2 n + 64."""
    cdef Py_ssize_t k, m = n, depth = 0
    cdef floating* start[64]
    cdef Py_ssize_t length[64]
    cdef floating* at = level
    for k in range(n):
        level[k] = x[k * stride]
    while m > 1:
        start[depth] = at
        length[depth] = m
        depth += 1
        for k in range(m // 2):
            at[m + k] = at[2 * k] * at[2 * k + 1]
        if m % 2:
            at[m + m // 2] = at[m - 1]
        at += m
        m = (m + 1) // 2
    down[0] = g
    while depth > 0:
        depth -= 1
        m = length[depth]
        at = start[depth]
        if m % 2:
            down[m - 1] = down[m // 2]
        for k in range(m // 2 - 1, -1, -1):     # backward, so that nothing is overwritten before it is read
            half = down[k]
            down[2 * k + 1] = half * at[2 * k]
            down[2 * k] = half * at[2 * k + 1]


cdef void prod_backward(const floating* g, const floating* x, const floating* y, floating* gx, floating* scratch,
                        const Extents* e, bint add) noexcept nogil:
    """gx (+)= g * y / x, without the division where x has zeros or y has no digits left. `scratch` holds 3 n + 64
    elements."""
    cdef floating tiny = DBL_MIN if floating is double else FLT_MIN
    cdef Py_ssize_t o, r, i, at, n = e.n, inner = e.inner
    for o in range(e.outer):
        for i in range(inner):
            p = y[i]
            if (p > tiny or -p > tiny) and p - p == 0:
                part = g[i] * p
                for r in range(n):
                    at = r * inner + i
                    store_or_add(gx + at, part / x[at], add)
            else:
                products_without(x + i, inner, n, g[i], scratch, scratch + 2 * n + 64)
                for r in range(n):
                    store_or_add(gx + r * inner + i, scratch[2 * n + 64 + r], add)
        g += inner
        y += inner
        x += n * inner
        gx += n * inner
