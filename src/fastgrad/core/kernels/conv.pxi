# Convolutions as matrix products: the windows of a tile, some samples or some rows of one, are the columns of a matrix
# that stays in the cache. Groups are processed one after the other. All arrays are C-contiguous.

cdef enum:
    SLACK = 8               # elements beyond the end of a row of windows that may be read or written
    WHOLE = 2097152         # bytes of columns up to which one tile takes all samples
    PART = 524288           # bytes of columns of a tile otherwise

cdef struct Tile:           # a range of the samples and of the rows of their results
    Py_ssize_t first, count
    Py_ssize_t row, rows
    Py_ssize_t hp, wp       # lengths of the part of the padded input that the windows cover
    Py_ssize_t m            # windows
    Py_ssize_t most, most_rows      # `count` and `rows` of the first tile, the largest


cdef inline Py_ssize_t kernel_size(const Windows* d) noexcept nogil:
    """Products that are summed for an element of the result."""
    return d.c * d.kh * d.kw


cdef bint first_tile(const Windows* d, int itemsize, Tile* t) noexcept nogil:
    """Set the first tile. Returns whether it is the only one."""
    cdef Py_ssize_t row = kernel_size(d) * d.ow * itemsize
    t.first = t.row = 0
    t.count = d.n
    t.rows = d.oh
    if row * d.oh * d.n > WHOLE:
        t.count = min(d.n, max(<Py_ssize_t>1, PART // (row * d.oh)))
        if row * d.oh > PART:
            t.rows = min(d.oh, max(<Py_ssize_t>1, PART // row))
    t.most = t.count
    t.most_rows = t.rows
    fit_tile(d, t)
    return t.count == d.n and t.rows == d.oh


cdef void fit_tile(const Windows* d, Tile* t) noexcept nogil:
    t.hp = (t.rows - 1) * d.sh + (d.kh - 1) * d.dh + 1
    t.wp = (d.ow - 1) * d.sw + (d.kw - 1) * d.dw + 1
    t.m = t.count * t.rows * d.ow


cdef bint next_tile(const Windows* d, Tile* t) noexcept nogil:
    """Move to the next tile. Returns False after the last."""
    t.row += t.rows
    if t.row >= d.oh:
        t.row = 0
        t.first += t.count
        if t.first >= d.n:
            return False
    t.count = min(t.most, d.n - t.first)
    t.rows = min(t.most_rows, d.oh - t.row)
    fit_tile(d, t)
    return True


cdef Py_ssize_t conv_scratch(const Windows* d, int itemsize) noexcept nogil:
    """Elements of scratch of each of the three kernels: padded input, columns, results, a weight."""
    cdef Tile t
    first_tile(d, itemsize, &t)
    return (d.c * t.count * t.hp * t.wp + (kernel_size(d) + d.o) * t.m + d.o * kernel_size(d)) + 3 * SLACK


cdef Py_ssize_t conv_columns(const Windows* d, int itemsize) noexcept nogil:
    """Elements of all columns, which the forward keeps for the backward; 0 where they are too many to keep."""
    cdef Tile t
    if not first_tile(d, itemsize, &t) or d.groups * kernel_size(d) * t.m * itemsize > WHOLE:
        return 0
    return d.groups * kernel_size(d) * t.m + SLACK


cdef void pad_tile(const floating* x, floating* xp, const Windows* d, Py_ssize_t group, const Tile* t) noexcept nogil:
    """xp[c, sample] = the part of the padded input that the tile covers."""
    cdef Py_ssize_t above = d.top - t.row * d.sh
    cdef Py_ssize_t r0 = max(<Py_ssize_t>0, above), r1 = min(t.hp, d.h + above)
    cdef Py_ssize_t c0 = min(d.left, t.wp), c1 = min(t.wp, d.w + d.left), c, b, r
    cdef bint bare = r0 > 0 or r1 < t.hp or c0 > 0 or c1 < t.wp
    for c in range(d.c):
        for b in range(t.count):
            if bare:
                memset(xp, 0, t.hp * t.wp * sizeof(floating))
            plane = x + (((t.first + b) * d.groups + group) * d.c + c) * d.h * d.w
            if t.wp == d.w and not bare:
                memcpy(xp, plane - above * d.w, t.hp * t.wp * sizeof(floating))
            elif c1 > c0:
                for r in range(r0, r1):
                    memcpy(xp + r * t.wp + c0, plane + (r - above) * d.w + c0 - d.left, (c1 - c0) * sizeof(floating))
            xp += t.hp * t.wp


cdef void unpad_tile(const floating* gxp, floating* gx, const Windows* d, Py_ssize_t group,
                     const Tile* t) noexcept nogil:
    """gx += the cotangent of the padded input."""
    cdef Py_ssize_t above = d.top - t.row * d.sh
    cdef Py_ssize_t r0 = max(<Py_ssize_t>0, above), r1 = min(t.hp, d.h + above)
    cdef Py_ssize_t c0 = min(d.left, t.wp), c1 = min(t.wp, d.w + d.left), c, b, r, i
    for c in range(d.c):
        for b in range(t.count):
            for r in range(r0, r1):
                row = gx + ((((t.first + b) * d.groups + group) * d.c + c) * d.h + r - above) * d.w - d.left
                source = gxp + r * t.wp
                for i in range(c0, c1):
                    row[i] += source[i]
            gxp += t.hp * t.wp


cdef inline floating* copy_row(const floating* x, floating* to, Py_ssize_t n, Py_ssize_t step) noexcept nogil:
    """to[:n] = x[::step]. Short rows are copied in blocks of fixed length, which may go beyond the end: what follows is
    written later. Returns the end."""
    if step != 1:
        for i in range(n):
            to[i] = x[i * step]
    elif n <= 4:
        memcpy(to, x, 4 * sizeof(floating))
    elif n <= 64:
        for i in range(0, n, 8):
            memcpy(to + i, x + i, 8 * sizeof(floating))
    else:
        memcpy(to, x, n * sizeof(floating))
    return to + n


cdef void columns_of(const floating* xp, floating* columns, const Windows* d, const Tile* t) noexcept nogil:
    """columns[c, i, j, window] = the element of the padded input at (c, i, j) of the window."""
    for c in range(d.c):
        for i in range(d.kh):
            for j in range(d.kw):
                for b in range(t.count):
                    source = xp + ((c * t.count + b) * t.hp + i * d.dh) * t.wp + j * d.dw
                    for r in range(t.rows):
                        columns = copy_row(source, columns, d.ow, d.sw)
                        source += d.sh * t.wp


cdef inline void add_row(const floating* x, floating* to, Py_ssize_t n, Py_ssize_t step) noexcept nogil:
    if step != 1:
        for i in range(n):
            to[i * step] += x[i]
    elif n == 4:
        for i in range(4):
            to[i] += x[i]
    elif n == 8:
        for i in range(8):
            to[i] += x[i]
    else:
        for i in range(n):
            to[i] += x[i]


cdef void add_columns(const floating* columns, floating* xp, const Windows* d, const Tile* t) noexcept nogil:
    """The transpose of `columns_of`, accumulating."""
    for c in range(d.c):
        for i in range(d.kh):
            for j in range(d.kw):
                for b in range(t.count):
                    to = xp + ((c * t.count + b) * t.hp + i * d.dh) * t.wp + j * d.dw
                    for r in range(t.rows):
                        add_row(columns, to, d.ow, d.sw)
                        columns += d.ow
                        to += d.sh * t.wp


cdef void channels_first(const floating* g, floating* to, const Windows* d, Py_ssize_t group,
                         const Tile* t) noexcept nogil:
    """to[o, window] = the tile of `g`, whose first axis is the sample."""
    cdef Py_ssize_t o, b, i, n = t.rows * d.ow
    for o in range(d.o):
        for b in range(t.count):
            row = g + (((t.first + b) * d.groups + group) * d.o + o) * d.oh * d.ow + t.row * d.ow
            for i in range(n):
                to[i] = row[i]
            to += n


cdef void samples_first(const floating* y, const floating* bias, floating* to, const Windows* d, Py_ssize_t group,
                        const Tile* t) noexcept nogil:
    """The transpose of `channels_first`, plus the bias of each channel."""
    cdef Py_ssize_t o, b, i, n = t.rows * d.ow
    for o in range(d.o):
        plus = bias[group * d.o + o] if bias != NULL else <floating>0
        for b in range(t.count):
            row = to + (((t.first + b) * d.groups + group) * d.o + o) * d.oh * d.ow + t.row * d.ow
            for i in range(n):
                row[i] = y[i] + plus
            y += n


cdef void conv_forward(const floating* x, const floating* w, const floating* bias, floating* y, floating* kept,
                       floating* scratch, const Windows* d) noexcept nogil:
    """`kept` receives the columns of all groups; it and `bias` may be NULL."""
    cdef Py_ssize_t k = kernel_size(d), group
    cdef Tile t
    for group in range(d.groups):
        first_tile(d, sizeof(floating), &t)
        columns = scratch + d.c * t.count * t.hp * t.wp + SLACK
        out = columns + k * t.m + SLACK
        if kept != NULL:                # then there is one tile only
            columns = kept + group * k * t.m
        while True:
            pad_tile(x, scratch, d, group, &t)
            columns_of(scratch, columns, d, &t)
            matrix_product(w + group * d.o * k, False, columns, False, out, d.o, k, t.m)
            samples_first(out, bias, y, d, group, &t)
            if not next_tile(d, &t):
                break


cdef void conv_weight_backward(const floating* x, const floating* g, floating* gw, const floating* kept,
                               floating* scratch, const Windows* d, bint add) noexcept nogil:
    """gw (+)= the correlation of input and cotangent; `kept` are the columns of the forward, or NULL."""
    cdef Py_ssize_t k = kernel_size(d), group
    cdef Tile t
    cdef const floating* columns
    for group in range(d.groups):
        first = not add
        first_tile(d, sizeof(floating), &t)
        own = scratch + d.c * t.count * t.hp * t.wp + SLACK
        upstream = own + k * t.m + SLACK
        part = upstream + d.o * t.m
        while True:
            if kept != NULL:
                columns = kept + group * k * t.m
            else:
                columns = own
                pad_tile(x, scratch, d, group, &t)
                columns_of(scratch, own, d, &t)
            channels_first(g, upstream, d, group, &t)
            matrix_product(upstream, False, columns, True, gw if first else part, d.o, t.m, k)
            if not first:
                accumulate(part, gw, d.o * k)
            first = False
            if not next_tile(d, &t):
                break
        gw += d.o * k


cdef void conv_input_backward(const floating* g, const floating* w, floating* gx, floating* scratch, const Windows* d,
                              bint add) noexcept nogil:
    """gx (+)= the transposed convolution of `g`."""
    cdef Py_ssize_t k = kernel_size(d), group
    cdef Tile t
    if not add:
        memset(gx, 0, d.n * d.groups * d.c * d.h * d.w * sizeof(floating))
    for group in range(d.groups):
        first_tile(d, sizeof(floating), &t)
        columns = scratch + d.c * t.count * t.hp * t.wp + SLACK
        upstream = columns + k * t.m + SLACK
        while True:
            channels_first(g, upstream, d, group, &t)
            matrix_product(w + group * d.o * k, True, upstream, False, columns, k, d.o, t.m)
            memset(scratch, 0, d.c * t.count * t.hp * t.wp * sizeof(floating))
            add_columns(columns, scratch, d, &t)
            unpad_tile(scratch, gx, d, group, &t)
            if not next_tile(d, &t):
                break
