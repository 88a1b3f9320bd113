# The softmax family along the middle axis of (outer, n, inner). The largest element is subtracted first, so that
# nothing overflows. NaN and infinite elements give what the rules' formulas give.
#
# Where inner is 1, one call of NumPy's exp loop takes as many rows as fill a block: for short rows the call costs more
# than the exponentials. Otherwise up to WIDTH columns are processed together.

cdef enum:
    WIDTH = 256


cdef floating reduced(const BoundLoop* loop, const floating* x, npy_intp n, floating y) noexcept nogil:
    """y = loop(y, x[k]) for k < n; NumPy's add loop sums pairwise."""
    cdef address[3] args = [<char*>&y, <char*>x, <char*>&y]
    cdef npy_intp[3] steps = [0, sizeof(floating), 0]
    loop.run(args, &n, steps, loop.data)
    return y


cdef inline floating largest(const floating* x, Py_ssize_t n, const Helpers* h) noexcept nogil:
    """The largest element. A NaN may be missed: the sum of the exponentials is NaN then."""
    cdef floating a = x[0], b, c, d
    cdef Py_ssize_t i = 1
    if n >= 64:
        return reduced(&h.maximum, x + 1, n - 1, a)
    if n >= 8:
        b = x[1]
        c = x[2]
        d = x[3]
        i = 4
        while i + 4 <= n:       # four chains, since each comparison waits for the one before it
            a = x[i] if x[i] > a else a
            b = x[i + 1] if x[i + 1] > b else b
            c = x[i + 2] if x[i + 2] > c else c
            d = x[i + 3] if x[i + 3] > d else d
            i += 4
        a = b if b > a else a
        c = d if d > c else c
        a = c if c > a else a
    while i < n:
        a = x[i] if x[i] > a else a
        i += 1
    return a


cdef inline floating total(const floating* x, Py_ssize_t n, const Helpers* h) noexcept nogil:
    cdef floating a = 0, b = 0
    cdef Py_ssize_t i = 0
    if n >= 32:
        return reduced(&h.add, x, n, a)
    while i + 2 <= n:
        a += x[i]
        b += x[i + 1]
        i += 2
    if i < n:
        a += x[i]
    return a + b


cdef inline Py_ssize_t rows_at_once(Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t rows = <Py_ssize_t>BLOCK // n
    return 1 if rows < 1 else <Py_ssize_t>WIDTH if rows > <Py_ssize_t>WIDTH else rows


cdef inline Py_ssize_t columns_at_once(Py_ssize_t left) noexcept nogil:
    return left if left < <Py_ssize_t>WIDTH else <Py_ssize_t>WIDTH


cdef void exp_rows(const floating* x, Py_ssize_t rows, Py_ssize_t n, bint finite, floating* top, floating* e,
                   floating* s, const Helpers* h) noexcept nogil:
    """For each row its largest element `top` (0 in place of an infinite one if `finite`), e = exp(x - top), and the sum
    of e."""
    cdef Py_ssize_t r, j
    cdef floating m
    cdef floating* d = e
    for r in range(rows):
        m = largest(x, n, h)
        if finite and not m - m == 0:
            m = 0
        top[r] = m
        for j in range(n):
            d[j] = x[j] - m
        x += n
        d += n
    apply1(&h.exp, e, e, rows * n, sizeof(floating))
    for r in range(rows):
        s[r] = total(e, n, h)
        e += n


cdef void exp_columns(const floating* x, Py_ssize_t n, Py_ssize_t stride, Py_ssize_t w, bint finite, floating* top,
                      floating* e, Py_ssize_t e_stride, floating* s, const Helpers* h) noexcept nogil:
    """As `exp_rows`, for w columns of n elements."""
    cdef const floating* row = x
    cdef floating* d = e
    for i in range(w):
        top[i] = row[i]
        s[i] = 0
    for r in range(1, n):
        row += stride
        for i in range(w):
            top[i] = row[i] if row[i] > top[i] else top[i]
    if finite:
        for i in range(w):
            if not top[i] - top[i] == 0:
                top[i] = 0
    row = x
    for r in range(n):
        for i in range(w):
            d[i] = row[i] - top[i]
        if e_stride != w:
            apply1(&h.exp, d, d, w, sizeof(floating))
        row += stride
        d += e_stride
    if e_stride == w:
        apply1(&h.exp, e, e, n * w, sizeof(floating))
    for r in range(n):
        for i in range(w):
            s[i] += e[i]
        e += e_stride


cdef void softmax_forward(const floating* x, floating* y, floating* scratch, const Extents* extents) noexcept nogil:
    softmax(x, y, extents, False)


cdef void log_softmax_forward(const floating* x, floating* y, floating* scratch,
                              const Extents* extents) noexcept nogil:
    softmax(x, y, extents, True)


cdef void softmax(const floating* x, floating* y, const Extents* extents, bint logarithm) noexcept nogil:
    """exp(x) / sum(exp(x)), or the logarithm of that."""
    cdef const Helpers* h = helpers_of(x)
    cdef floating[WIDTH] top
    cdef floating[WIDTH] s
    cdef Py_ssize_t o = 0, i, r, j, w, outer = extents.outer, n = extents.n, inner = extents.inner
    cdef floating m, f
    if inner == 1:
        while o < outer:
            w = min(rows_at_once(n), outer - o)
            exp_rows(x, w, n, False, top, y, s, h)
            if logarithm:
                apply1(&h.log, s, s, w, sizeof(floating))
                for r in range(w):
                    m = top[r]
                    f = s[r]
                    for j in range(n):
                        y[j] = (x[j] - m) - f
                    x += n
                    y += n
            else:
                for r in range(w):
                    f = <floating>1 / s[r]
                    for j in range(n):
                        y[j] *= f
                    y += n
                x += w * n
            o += w
        return
    for o in range(outer):
        i = 0
        while i < inner:
            w = columns_at_once(inner - i)
            exp_columns(x + i, n, inner, w, False, top, y + i, inner, s, h)
            if logarithm:
                apply1(&h.log, s, s, w, sizeof(floating))
            else:
                for j in range(w):
                    s[j] = <floating>1 / s[j]
            for r in range(n):
                if logarithm:
                    for j in range(w):
                        y[r * inner + i + j] = (x[r * inner + i + j] - top[j]) - s[j]
                else:
                    for j in range(w):
                        y[r * inner + i + j] *= s[j]
            i += w
        x += n * inner
        y += n * inner


cdef void softmax_backward(const floating* g, const floating* x, const floating* y, floating* gx, floating* scratch,
                           const Extents* extents, bint add) noexcept nogil:
    """gx (+)= y * (g - sum(g * y)); gx may be g."""
    cdef floating[WIDTH] d
    cdef Py_ssize_t o, i, r, j, w, at, outer = extents.outer, n = extents.n, inner = extents.inner
    if inner == 1:
        for o in range(outer):
            m = inner_product(g, y, n)
            for j in range(n):
                store_or_add(gx + j, y[j] * (g[j] - m), add)
            g += n
            y += n
            gx += n
        return
    for o in range(outer):
        i = 0
        while i < inner:
            w = columns_at_once(inner - i)
            for j in range(w):
                d[j] = 0
            for r in range(n):
                at = r * inner + i
                for j in range(w):
                    d[j] += g[at + j] * y[at + j]
            for r in range(n):
                at = r * inner + i
                for j in range(w):
                    store_or_add(gx + at + j, y[at + j] * (g[at + j] - d[j]), add)
            i += w
        g += n * inner
        y += n * inner
        gx += n * inner


cdef void log_softmax_backward(const floating* g, const floating* x, const floating* y, floating* gx,
                               floating* scratch, const Extents* extents, bint add) noexcept nogil:
    """gx (+)= g - exp(y) * sum(g); gx may be g."""
    cdef const Helpers* h = helpers_of(g)
    cdef floating[BLOCK] e
    cdef floating[WIDTH] d
    cdef Py_ssize_t outer = extents.outer, n = extents.n, inner = extents.inner
    cdef Py_ssize_t o = 0, i, r, j, w, at, m, lines
    if inner == 1:
        while o < outer:
            w = min(rows_at_once(n), outer - o)
            for r in range(w):
                d[r] = total(g + r * n, n, h)
            at = 0
            while at < n:               # once, unless one row is longer than a block
                m = min(n - at, <Py_ssize_t>BLOCK)
                apply1(&h.exp, y + at, e, w * m, sizeof(floating))
                for r in range(w):
                    s = d[r]
                    i = r * n + at
                    for j in range(m):
                        store_or_add(gx + i + j, g[i + j] - e[r * m + j] * s, add)
                at += m
            g += w * n
            y += w * n
            gx += w * n
            o += w
        return
    for o in range(outer):
        i = 0
        while i < inner:
            w = columns_at_once(inner - i)
            lines = <Py_ssize_t>BLOCK // w if w == inner else 1
            for j in range(w):
                d[j] = 0
            for r in range(n):
                at = r * inner + i
                for j in range(w):
                    d[j] += g[at + j]
            for r in range(n):
                at = r * inner + i
                m = r % lines
                if m == 0:
                    apply1(&h.exp, y + at, e, w * min(lines, n - r), sizeof(floating))
                for j in range(w):
                    store_or_add(gx + at + j, g[at + j] - e[m * w + j] * d[j], add)
            i += w
        g += n * inner
        y += n * inner
        gx += n * inner
