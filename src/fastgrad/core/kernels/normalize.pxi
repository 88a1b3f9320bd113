# Layer norm over (rows, n) and batch norm over (outer, channels, inner): each row or channel to mean 0 and variance 1,
# then scaled and shifted.

cdef void layer_norm_forward(const floating* x, const floating* w, const floating* b, floating* y, floating* stats,
                             const Extents* e, double eps) noexcept nogil:
    """`stats` receives mean and 1 / std of each row; `w` and `b` may be NULL."""
    cdef floating mean, scale
    cdef Py_ssize_t r, i, n = e.n
    for r in range(e.outer):
        mean = chained_sum(x, n) / <floating>n
        scale = <floating>1 / sqrt_(squares_about(mean, x, n) / <floating>n + <floating>eps)
        if w == NULL:
            for i in range(n):
                y[i] = (x[i] - mean) * scale
        else:
            for i in range(n):
                y[i] = (x[i] - mean) * scale * w[i]
        if b != NULL:
            for i in range(n):
                y[i] += b[i]
        stats[2 * r] = mean
        stats[2 * r + 1] = scale
        x += n
        y += n


cdef void layer_norm_backward(const floating* g, const floating* x, const floating* w, floating* gx,
                              const floating* stats, const Extents* e, bint add) noexcept nogil:
    """gx (+)= (h - mean(h) - z * mean(h * z)) / std, with h = g * w and z the normalized x; `gx` may be `g`."""
    cdef floating mean, scale, a, c
    cdef Py_ssize_t r, i, n = e.n
    for r in range(e.outer):
        mean = stats[2 * r]
        scale = stats[2 * r + 1]
        norm_sums(g, w, x, mean, n, &a, &c)
        a /= <floating>n
        c = c / <floating>n * scale * scale
        if w == NULL:
            for i in range(n):
                store_or_add(gx + i, (g[i] - a - (x[i] - mean) * c) * scale, add)
        else:
            for i in range(n):
                store_or_add(gx + i, (g[i] * w[i] - a - (x[i] - mean) * c) * scale, add)
        g += n
        x += n
        gx += n


cdef void accumulate_rows(const floating* g, const floating* x, const floating* stats, floating* gw, Py_ssize_t rows,
                          Py_ssize_t n) noexcept nogil:
    """gw += the sum over rows of g * z, with z the normalized x; of g where `x` is NULL."""
    for r in range(rows):
        if x == NULL:
            for i in range(n):
                gw[i] += g[i]
        else:
            mean = stats[2 * r]
            scale = stats[2 * r + 1]
            for i in range(n):
                gw[i] += g[i] * ((x[i] - mean) * scale)
            x += n
        g += n


# The `stats` of batch norm are five numbers per channel, one kind after the other: mean, 1 / std, variance, factor and
# shift, so that y = (x - mean) * factor + shift.

cdef void channel_moments(const floating* x, floating* mean, floating* var, Py_ssize_t outer, Py_ssize_t channels,
                          Py_ssize_t inner) noexcept nogil:
    """Mean and biased variance of each channel."""
    cdef floating count = <floating>(outer * inner), d
    cdef const floating* row = x
    for c in range(channels):
        mean[c] = 0
        var[c] = 0
    for o in range(outer):
        if inner == 1:
            for c in range(channels):
                mean[c] += row[c]
            row += channels
            continue
        for c in range(channels):
            mean[c] += chained_sum(row, inner)
            row += inner
    for c in range(channels):
        mean[c] /= count
    for o in range(outer):
        if inner == 1:
            for c in range(channels):
                d = x[c] - mean[c]
                var[c] += d * d
            x += channels
            continue
        for c in range(channels):
            var[c] += squares_about(mean[c], x, inner)
            x += inner
    for c in range(channels):
        var[c] /= count


cdef void batch_norm_forward(const floating* x, const floating* w, const floating* b, floating* y, floating* stats,
                             const Extents* e, double eps) noexcept nogil:
    """`w` and `b` may be NULL."""
    cdef Py_ssize_t outer = e.outer, channels = e.n, inner = e.inner, o, c, i
    cdef floating* mean = stats
    cdef floating* scale = stats + channels
    cdef floating* var = stats + 2 * channels
    cdef floating* factor = stats + 3 * channels
    cdef floating* shift = stats + 4 * channels
    channel_moments(x, mean, var, outer, channels, inner)
    for c in range(channels):
        scale[c] = <floating>1 / sqrt_(var[c] + <floating>eps)
    for c in range(channels):
        factor[c] = scale[c] if w == NULL else scale[c] * w[c]
        shift[c] = <floating>0 if b == NULL else b[c]
    for o in range(outer):
        if inner == 1:
            for c in range(channels):
                y[c] = (x[c] - mean[c]) * factor[c] + shift[c]
            x += channels
            y += channels
            continue
        for c in range(channels):
            for i in range(inner):
                y[i] = (x[i] - mean[c]) * factor[c] + shift[c]
            x += inner
            y += inner


cdef void batch_norm_sums(const floating* g, const floating* x, const floating* mean, floating* sums,
                          const Extents* e) noexcept nogil:
    """The sum of g of each channel, then the sum of g * (x - mean) of each channel."""
    cdef Py_ssize_t channels = e.n, inner = e.inner, o, c
    cdef floating* other = sums + channels
    cdef floating first, second
    memset(sums, 0, 2 * channels * sizeof(floating))
    for o in range(e.outer):
        if inner == 1:
            for c in range(channels):
                sums[c] += g[c]
                other[c] += g[c] * (x[c] - mean[c])
            g += channels
            x += channels
            continue
        for c in range(channels):
            norm_sums(g, <const floating*>NULL, x, mean[c], inner, &first, &second)
            sums[c] += first
            other[c] += second
            g += inner
            x += inner


cdef void batch_norm_backward(const floating* g, const floating* x, const floating* stats, floating* gx, floating* sums,
                              const Extents* e, bint add) noexcept nogil:
    """gx (+)= (g - mean(g) - (x - mean) * mean(g * (x - mean)) / std^2) * factor; overwrites `sums`; `gx` may be
    `g`."""
    cdef Py_ssize_t outer = e.outer, channels = e.n, inner = e.inner, o, c, i
    cdef const floating* mean = stats
    cdef const floating* scale = stats + channels
    cdef const floating* factor = stats + 3 * channels
    cdef floating* other = sums + channels
    cdef floating count = <floating>(outer * inner)
    for c in range(channels):
        sums[c] /= count
        other[c] = other[c] / count * scale[c] * scale[c]
    for o in range(outer):
        if inner == 1:
            for c in range(channels):
                store_or_add(gx + c, (g[c] - sums[c] - (x[c] - mean[c]) * other[c]) * factor[c], add)
            g += channels
            x += channels
            gx += channels
            continue
        for c in range(channels):
            for i in range(inner):
                store_or_add(gx + i, (g[i] - sums[c] - (x[i] - mean[c]) * other[c]) * factor[c], add)
            g += inner
            x += inner
            gx += inner
