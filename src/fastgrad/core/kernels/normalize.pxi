# Layer norm over (rows, n): each row to mean 0 and variance 1, then scaled and shifted. Sums are taken in eight chains,
# whatever the vectors of the machine hold, so that every instruction set rounds the same.

cdef inline floating joined(const floating* s) noexcept nogil:
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))


cdef void normalize_rows(const floating* x, const floating* w, const floating* b, floating* y, floating* stats,
                         Py_ssize_t rows, Py_ssize_t n, floating eps) noexcept nogil:
    """`stats`, where wanted, takes mean and 1 / std of each row."""
    cdef floating[8] s
    cdef floating mean, scale, d, rest
    cdef Py_ssize_t r, i, k, whole = n - n % 8
    for r in range(rows):
        rest = 0
        for k in range(8):
            s[k] = 0
        i = 0
        while i < whole:
            for k in range(8):
                s[k] += x[i + k]
            i += 8
        for i in range(whole, n):
            rest += x[i]
        mean = (joined(s) + rest) / <floating>n
        rest = 0
        for k in range(8):
            s[k] = 0
        i = 0
        while i < whole:
            for k in range(8):
                d = x[i + k] - mean
                s[k] += d * d
            i += 8
        for i in range(whole, n):
            rest += (x[i] - mean) * (x[i] - mean)
        scale = <floating>1 / sqrt_((joined(s) + rest) / <floating>n + eps)
        if w == NULL:
            for i in range(n):
                y[i] = (x[i] - mean) * scale
        else:
            for i in range(n):
                y[i] = (x[i] - mean) * scale * w[i]
        if b != NULL:
            for i in range(n):
                y[i] += b[i]
        if stats != NULL:
            stats[2 * r] = mean
            stats[2 * r + 1] = scale
        x += n
        y += n


cdef void normalize_rows_backward(const floating* g, const floating* x, const floating* w, const floating* stats,
                                  floating* gx, Py_ssize_t rows, Py_ssize_t n, bint add) noexcept nogil:
    """`gx (+)= (h - mean(h) - z * mean(h * z)) / std`, with h = g * w and z the normalised x; `gx` may be `g`."""
    cdef floating[8] s
    cdef floating[8] t
    cdef floating mean, scale, h, rest, other, a, c
    cdef Py_ssize_t r, i, k, whole = n - n % 8
    for r in range(rows):
        mean = stats[2 * r]
        scale = stats[2 * r + 1]
        rest = other = 0
        for k in range(8):
            s[k] = 0
            t[k] = 0
        i = 0
        if w == NULL:
            while i < whole:
                for k in range(8):
                    s[k] += g[i + k]
                    t[k] += g[i + k] * (x[i + k] - mean)
                i += 8
        else:
            while i < whole:
                for k in range(8):
                    h = g[i + k] * w[i + k]
                    s[k] += h
                    t[k] += h * (x[i + k] - mean)
                i += 8
        for i in range(whole, n):
            h = g[i] if w == NULL else g[i] * w[i]
            rest += h
            other += h * (x[i] - mean)
        a = (joined(s) + rest) / <floating>n
        c = (joined(t) + other) / <floating>n * scale * scale
        if w == NULL:
            for i in range(n):
                put(gx + i, (g[i] - a - (x[i] - mean) * c) * scale, add)
        else:
            for i in range(n):
                put(gx + i, (g[i] * w[i] - a - (x[i] - mean) * c) * scale, add)
        g += n
        x += n
        gx += n


cdef void sum_rows(const floating* g, const floating* x, const floating* stats, floating* gw, Py_ssize_t rows,
                   Py_ssize_t n) noexcept nogil:
    """`gw += sum over rows of g * z`, of `g` alone where `x` is NULL."""
    cdef Py_ssize_t r, i
    cdef floating mean, scale
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


# Batch norm over (outer, channels, inner): each channel by its own mean and variance. `stats` has five numbers per
# channel, one kind after the other: mean, 1 / std, variance, factor and shift, so that y = (x - mean) * factor + shift.

cdef void channel_moments(const floating* x, floating* stats, Py_ssize_t outer, Py_ssize_t channels, Py_ssize_t inner,
                          floating eps) noexcept nogil:
    cdef floating* mean = stats
    cdef floating* scale = stats + channels
    cdef floating* var = stats + 2 * channels
    cdef floating count = <floating>(outer * inner), d
    cdef const floating* row
    cdef Py_ssize_t o, c, i, k, whole = inner - inner % 8
    cdef floating[8] s
    cdef floating rest
    for c in range(channels):
        mean[c] = 0
        var[c] = 0
    row = x
    for o in range(outer):
        if inner == 1:
            for c in range(channels):
                mean[c] += row[c]
            row += channels
            continue
        for c in range(channels):
            rest = 0
            for k in range(8):
                s[k] = 0
            i = 0
            while i < whole:
                for k in range(8):
                    s[k] += row[i + k]
                i += 8
            for i in range(whole, inner):
                rest += row[i]
            mean[c] += joined(s) + rest
            row += inner
    for c in range(channels):
        mean[c] /= count
    row = x
    for o in range(outer):
        if inner == 1:
            for c in range(channels):
                d = row[c] - mean[c]
                var[c] += d * d
            row += channels
            continue
        for c in range(channels):
            rest = 0
            for k in range(8):
                s[k] = 0
            i = 0
            while i < whole:
                for k in range(8):
                    d = row[i + k] - mean[c]
                    s[k] += d * d
                i += 8
            for i in range(whole, inner):
                rest += (row[i] - mean[c]) * (row[i] - mean[c])
            var[c] += joined(s) + rest
            row += inner
    for c in range(channels):
        var[c] /= count
        scale[c] = <floating>1 / sqrt_(var[c] + eps)


cdef void normalize_channels(const floating* x, const floating* w, const floating* b, floating* y, floating* stats,
                             Py_ssize_t outer, Py_ssize_t channels, Py_ssize_t inner, floating eps) noexcept nogil:
    cdef floating* mean = stats
    cdef floating* scale = stats + channels
    cdef floating* factor = stats + 3 * channels
    cdef floating* shift = stats + 4 * channels
    cdef Py_ssize_t o, c, i
    channel_moments(x, stats, outer, channels, inner, eps)
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


cdef void channel_sums(const floating* g, const floating* x, const floating* stats, floating* sums, Py_ssize_t outer,
                       Py_ssize_t channels, Py_ssize_t inner) noexcept nogil:
    """Per channel the sum of g, and after those the sums of g * (x - mean)."""
    cdef const floating* mean = stats
    cdef floating* other = sums + channels
    cdef Py_ssize_t o, c, i, k, whole = inner - inner % 8
    cdef floating[8] s
    cdef floating[8] t
    cdef floating rest, last
    for c in range(2 * channels):
        sums[c] = 0
    for o in range(outer):
        if inner == 1:
            for c in range(channels):
                sums[c] += g[c]
                other[c] += g[c] * (x[c] - mean[c])
            g += channels
            x += channels
            continue
        for c in range(channels):
            rest = last = 0
            for k in range(8):
                s[k] = 0
                t[k] = 0
            i = 0
            while i < whole:
                for k in range(8):
                    s[k] += g[i + k]
                    t[k] += g[i + k] * (x[i + k] - mean[c])
                i += 8
            for i in range(whole, inner):
                rest += g[i]
                last += g[i] * (x[i] - mean[c])
            sums[c] += joined(s) + rest
            other[c] += joined(t) + last
            g += inner
            x += inner


cdef void normalize_channels_backward(const floating* g, const floating* x, const floating* stats, floating* sums,
                                      floating* gx,
                                      Py_ssize_t outer, Py_ssize_t channels, Py_ssize_t inner, bint add) noexcept nogil:
    """`gx (+)= (g - mean(g) - (x - mean) * mean(g * (x - mean)) / std^2) * factor`; overwrites `sums`; `gx` may be
    `g`."""
    cdef const floating* mean = stats
    cdef const floating* scale = stats + channels
    cdef const floating* factor = stats + 3 * channels
    cdef floating* other = sums + channels
    cdef floating count = <floating>(outer * inner)
    cdef Py_ssize_t o, c, i
    for c in range(channels):
        sums[c] /= count
        other[c] = other[c] / count * scale[c] * scale[c]
    for o in range(outer):
        if inner == 1:
            for c in range(channels):
                put(gx + c, (g[c] - sums[c] - (x[c] - mean[c]) * other[c]) * factor[c], add)
            g += channels
            x += channels
            gx += channels
            continue
        for c in range(channels):
            for i in range(inner):
                put(gx + i, (g[i] - sums[c] - (x[i] - mean[c]) * other[c]) * factor[c], add)
            g += inner
            x += inner
            gx += inner


cdef void give_channels(const floating* sums, const floating* scale, floating* gp, Py_ssize_t channels,
                        bint add) noexcept nogil:
    """`gp (+)= sums * scale`, of `sums` alone where `scale` is NULL."""
    cdef Py_ssize_t c
    for c in range(channels):
        put(gp + c, sums[c] if scale == NULL else sums[c] * scale[c], add)


cdef void layer_norm_forward(int dtype, const void* x, const void* w, const void* b, void* y, void* stats,
                             Py_ssize_t rows, Py_ssize_t n, double eps) noexcept nogil:
    if dtype == F64:
        normalize_rows(<const double*>x, <const double*>w, <const double*>b, <double*>y, <double*>stats, rows, n, eps)
    else:
        normalize_rows(<const float*>x, <const float*>w, <const float*>b, <float*>y, <float*>stats, rows, n, <float>eps)


cdef void layer_norm_backward(int dtype, const void* g, const void* x, const void* w, const void* stats, void* gx,
                              Py_ssize_t rows, Py_ssize_t n, bint add) noexcept nogil:
    if dtype == F64:
        normalize_rows_backward(<const double*>g, <const double*>x, <const double*>w, <const double*>stats,
                                <double*>gx, rows, n, add)
    else:
        normalize_rows_backward(<const float*>g, <const float*>x, <const float*>w, <const float*>stats, <float*>gx,
                                rows, n, add)


cdef void layer_norm_sum(int dtype, const void* g, const void* x, const void* stats, void* gw, Py_ssize_t rows,
                         Py_ssize_t n) noexcept nogil:
    if dtype == F64:
        sum_rows(<const double*>g, <const double*>x, <const double*>stats, <double*>gw, rows, n)
    else:
        sum_rows(<const float*>g, <const float*>x, <const float*>stats, <float*>gw, rows, n)


cdef void batch_norm_forward(int dtype, const void* x, const void* w, const void* b, void* y, void* stats,
                             Py_ssize_t outer, Py_ssize_t channels, Py_ssize_t inner, double eps) noexcept nogil:
    if dtype == F64:
        normalize_channels(<const double*>x, <const double*>w, <const double*>b, <double*>y, <double*>stats, outer,
                           channels, inner, eps)
    else:
        normalize_channels(<const float*>x, <const float*>w, <const float*>b, <float*>y, <float*>stats, outer,
                           channels, inner, <float>eps)


cdef void batch_norm_sums(int dtype, const void* g, const void* x, const void* stats, void* sums, Py_ssize_t outer,
                          Py_ssize_t channels, Py_ssize_t inner) noexcept nogil:
    if dtype == F64:
        channel_sums(<const double*>g, <const double*>x, <const double*>stats, <double*>sums, outer, channels, inner)
    else:
        channel_sums(<const float*>g, <const float*>x, <const float*>stats, <float*>sums, outer, channels, inner)


cdef void batch_norm_backward(int dtype, const void* g, const void* x, const void* stats, void* sums, void* gx,
                              Py_ssize_t outer, Py_ssize_t channels, Py_ssize_t inner, bint add) noexcept nogil:
    if dtype == F64:
        normalize_channels_backward(<const double*>g, <const double*>x, <const double*>stats, <double*>sums,
                                    <double*>gx, outer, channels, inner, add)
    else:
        normalize_channels_backward(<const float*>g, <const float*>x, <const float*>stats, <float*>sums, <float*>gx,
                                    outer, channels, inner, add)


cdef void batch_norm_give(int dtype, const void* sums, const void* scale, void* gp, Py_ssize_t channels,
                          bint add) noexcept nogil:
    if dtype == F64:
        give_channels(<const double*>sums, <const double*>scale, <double*>gp, channels, add)
    else:
        give_channels(<const float*>sums, <const float*>scale, <float*>gp, channels, add)
