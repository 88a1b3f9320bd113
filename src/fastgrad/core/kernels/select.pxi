# where and clip. `where` moves elements as bits.

ctypedef fused bits:
    uint64_t
    uint32_t


cdef inline void as_bits(const uint8_t* c, uint8_t* holds, npy_intp n) noexcept nogil:
    """holds = 0 or 1 for each byte, in a loop of its own: bytes are compared 16 at a time before they are widened."""
    for i in range(n):
        holds[i] = c[i] != 0


cdef void select_block(const uint8_t* c, const bits* x1, bint many1, const bits* x2, bint many2, bits* y,
                       npy_intp n) noexcept nogil:
    cdef npy_intp i
    cdef bits v1 = x1[0], v2 = x2[0]
    if many1 and many2:
        for i in range(n):
            y[i] = x2[i] ^ ((x1[i] ^ x2[i]) & -<bits>c[i])
    elif many1:
        for i in range(n):
            y[i] = v2 ^ ((x1[i] ^ v2) & -<bits>c[i])
    elif many2:
        for i in range(n):
            y[i] = x2[i] ^ ((v1 ^ x2[i]) & -<bits>c[i])
    else:
        for i in range(n):
            y[i] = v2 ^ ((v1 ^ v2) & -<bits>c[i])


cdef void select(char** args, const npy_intp* dims, const npy_intp* steps, bits* data) noexcept nogil:
    """A loop like NumPy's: `args` are the condition (bytes), x1, x2 and the result."""
    cdef npy_intp i, n = dims[0], s1 = steps[1], s2 = steps[2], sy = steps[3], sc = steps[0]
    cdef const uint8_t* c = <const uint8_t*>args[0]
    cdef const char* x1 = args[1]
    cdef const char* x2 = args[2]
    cdef char* y = args[3]
    cdef uint8_t[BLOCK] holds
    if sc == 1 and sy == sizeof(bits) and (s1 == 0 or s1 == sizeof(bits)) and (s2 == 0 or s2 == sizeof(bits)):
        while n > 0:
            i = min(n, <npy_intp>BLOCK)
            as_bits(c, holds, i)
            select_block(holds, <const bits*>x1, s1 != 0, <const bits*>x2, s2 != 0, <bits*>y, i)
            c += i
            x1 += i * s1
            x2 += i * s2
            y += i * sy
            n -= i
        return
    for i in range(n):
        (<bits*>y)[0] = (<const bits*>x1)[0] if c[0] else (<const bits*>x2)[0]
        c += sc
        x1 += s1
        x2 += s2
        y += sy


cdef void where_forward(int dtype, const Layout* out, char* y, address* x, layout_t* layouts) noexcept nogil:
    """y = x1 where the condition holds and x2 elsewhere, with broadcasting. `x` are the condition, x1 and x2."""
    cdef BoundLoop loop
    loop.run = <Loop><void*>select[uint64_t] if dtype == F64 else <Loop><void*>select[uint32_t]
    loop.data = NULL
    broadcast_apply(&loop, 3, out, y, x, layouts)


cdef void masked(char** args, const npy_intp* dims, const npy_intp* steps, bits* inverted) noexcept nogil:
    """gx = g where the condition holds (does not hold, if `inverted` is not NULL), 0 elsewhere."""
    cdef npy_intp i, n = dims[0], sc = steps[0]
    cdef const uint8_t* c = <const uint8_t*>args[0]
    cdef const bits* g = <const bits*>args[1]
    cdef bits* gx = <bits*>args[2]
    cdef uint8_t flip = inverted != NULL
    cdef uint8_t[BLOCK] holds
    cdef npy_intp m
    if sc == 1 and steps[1] == sizeof(bits) and steps[2] == sizeof(bits):
        while n > 0:
            m = min(n, <npy_intp>BLOCK)
            as_bits(c, holds, m)
            if flip:
                for i in range(m):
                    gx[i] = g[i] & (<bits>holds[i] - 1)
            else:
                for i in range(m):
                    gx[i] = g[i] & -<bits>holds[i]
            c += m
            g += m
            gx += m
            n -= m
        return
    for i in range(n):
        gx[0] = g[0] & -<bits>((c[0] != 0) != flip)
        c += sc
        g = <const bits*>(<const char*>g + steps[1])
        gx = <bits*>(<char*>gx + steps[2])


cdef void where_backward(int dtype, const Layout* condition, const char* c, const Layout* layout, const char* g,
                         char* gx, bint inverted) noexcept nogil:
    """gx = g where x1 was chosen, or x2 if `inverted`; 0 elsewhere. `gx` may be `g`; both are C-contiguous."""
    cdef BoundLoop loop
    cdef address[2] base = [<char*>c, <char*>g]
    cdef layout_t[2] layouts = [condition, layout]
    loop.run = <Loop><void*>masked[uint64_t] if dtype == F64 else <Loop><void*>masked[uint32_t]
    loop.data = <void*><size_t>inverted
    broadcast_apply(&loop, 2, layout, gx, base, layouts)


cdef void clip_forward(const floating* x, floating* y, Py_ssize_t n, double low, double high) noexcept nogil:
    """min(max(x, low), high); an infinite bound is none"""
    cdef floating v, low_ = <floating>low, high_ = <floating>high
    for i in range(n):
        v = low_ if x[i] <= low_ else x[i]        # NaN compares false and stays
        y[i] = high_ if v >= high_ else v


cdef void clip_backward(const floating* g, const floating* x, floating* gx, Py_ssize_t n, double low, double high,
                        bint add) noexcept nogil:
    """gx (+)= g where low <= x <= high; gx may be g."""
    cdef floating v, low_ = <floating>low, high_ = <floating>high
    for i in range(n):
        v = g[i]            # loaded in any case: a conditional load is not vectorized
        store_or_add(gx + i, <floating>0 if (x[i] < low_) | (x[i] > high_) else v, add)
