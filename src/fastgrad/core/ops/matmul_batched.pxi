# Products of stacks of matrices, broadcast against each other. One matrix against a stack of them is one larger
# product.

cdef struct Batched:        # a matmul of more than two dimensions
    int batch               # leading axes of the result
    Py_ssize_t[64] shape    # of the result's leading axes, then of one operand's cotangent
    Py_ssize_t[64] a_steps
    Py_ssize_t[64] b_steps
    Py_ssize_t m
    Py_ssize_t n
    Py_ssize_t p
    Py_ssize_t a_row
    Py_ssize_t a_col
    Py_ssize_t b_row
    Py_ssize_t b_col
    Py_ssize_t count        # matrices in the stack
    bint one                # matrix on the right, for rows that are better taken together


cdef bint broadcast_batch(const Layout* a, const Layout* b, Batched* s) noexcept nogil:
    """Extents and strides of `a @ b`; False where the shapes do not fit."""
    cdef int na = max(a.ndim - 2, 0), nb = max(b.ndim - 2, 0), k
    cdef Py_ssize_t la, lb
    s.batch = max(na, nb)
    s.m = a.shape[a.ndim - 2] if a.ndim > 1 else 1
    s.n = a.shape[a.ndim - 1]
    s.p = b.shape[b.ndim - 1] if b.ndim > 1 else 1
    s.a_row = a.strides[a.ndim - 2] if a.ndim > 1 else a.itemsize * s.n
    s.a_col = a.strides[a.ndim - 1]
    s.b_row = b.strides[b.ndim - 2] if b.ndim > 1 else b.strides[0]
    s.b_col = b.strides[b.ndim - 1] if b.ndim > 1 else b.itemsize
    if (b.shape[b.ndim - 2] if b.ndim > 1 else b.shape[0]) != s.n:
        return False
    s.count = 1
    for k in range(s.batch):
        la = a.shape[k - s.batch + na] if k >= s.batch - na else 1
        lb = b.shape[k - s.batch + nb] if k >= s.batch - nb else 1
        if la != lb and la != 1 and lb != 1:
            return False
        s.shape[k] = lb if la == 1 else la
        s.count *= s.shape[k]
        s.a_steps[k] = 0 if la == 1 else a.strides[k - s.batch + na]
        s.b_steps[k] = 0 if lb == 1 else b.strides[k - s.batch + nb]
    # NumPy 2.4's OpenBLAS on AMD EPYC, 2026: up to 10^6 products, or with few rows a matrix, one call wins, up to 10x;
    # beyond, a call per matrix is 20% faster, since each stays within the kernels that need no packing.
    s.one = b.ndim <= 2 and (s.m < 8 or s.count * s.m * s.n * s.p <= 1000000)
    return True


cdef void run_batched(int kernel, const Batched* s, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p,
                      const char* a, const Py_ssize_t* a_steps, Py_ssize_t a_row, Py_ssize_t a_col,
                      const char* b, const Py_ssize_t* b_steps, Py_ssize_t b_row, Py_ssize_t b_col,
                      char* y) noexcept nogil:
    """C-contiguous y[..., m, p] = a[..., m, n] @ b[..., n, p]"""
    cdef Py_ssize_t item = 8 if kernel == F64 else 4
    cdef Py_ssize_t[64] steps
    if s.count == 0 or m == 0 or p == 0:
        return
    if n == 0:
        memset(y, 0, s.count * m * p * item)
        return
    batch_steps(s, m * p * item, steps)
    matmul_stacked(kernel, s.batch, s.shape, m, n, p, a, a_steps, a_row, a_col, b, b_steps, b_row, b_col, y, steps,
                   p * item, item)


cdef inline void batch_steps(const Batched* s, Py_ssize_t step, Py_ssize_t* steps) noexcept nogil:
    """Strides of the leading axes of a C-contiguous stack of matrices of `step` bytes."""
    cdef int k
    for k in range(s.batch - 1, -1, -1):
        steps[k] = step
        step *= s.shape[k]


cdef Tensor matmul_batched(Tensor a, Tensor b):
    """`a @ b` where one has more than two dimensions; None where the shapes do not fit."""
    cdef Batched s
    cdef Layout* la = a.layout
    cdef Py_ssize_t[64] shape
    cdef int ndim
    cdef Tensor y
    if not broadcast_batch(la, b.layout, &s):
        return None
    check_fresh(a)
    check_fresh(b)
    ndim = s.batch
    memcpy(shape, s.shape, ndim * sizeof(Py_ssize_t))
    if la.ndim > 1:
        shape[ndim] = s.m
        ndim += 1
    if b.layout.ndim > 1:
        shape[ndim] = s.p
        ndim += 1
    y = new_tensor(layout_get(la.typenum, la.itemsize, ndim, shape, NULL))
    if s.one and la.flags & C_CONTIGUOUS:
        product(la.kernel, s.count * s.m, s.n, s.p, a.data, la.itemsize * s.n, la.itemsize, b.data, s.b_row, s.b_col,
                y.data)
    else:
        run_batched(la.kernel, &s, s.m, s.n, s.p, a.data, s.a_steps, s.a_row, s.a_col, b.data, s.b_steps, s.b_row,
                    s.b_col, y.data)
    if (a.flags | b.flags) & REQUIRES_GRAD and fg_grad_off == 0:
        link2(y, MATMUL, guarded(a, MATMUL, READS_X1), guarded(b, MATMUL, READS_X2))
    return y


cdef int backward_batched(Tensor y, Tensor a, Tensor b, char* g, bint only_wanted) except -1:
    """ga = g @ b.T and gb = a.T @ g, summed over the axes along which an operand was broadcast."""
    cdef Batched s
    cdef Py_ssize_t[64] g_steps
    cdef Py_ssize_t item = a.layout.itemsize
    cdef Tensor source
    broadcast_batch(a.layout, b.layout, &s)
    batch_steps(&s, s.m * s.p * item, g_steps)
    if takes(a, only_wanted):
        if s.one:
            product_into(a, s.count * s.m, s.p, s.n, g, s.p * item, item, b.data, s.b_col, s.b_row)
        else:
            batched_into(a, &s, s.m if a.layout.ndim > 1 else -1, s.n, s.p, g, g_steps, s.p * item, item, b.data,
                         s.b_steps, s.b_col, s.b_row)
    if takes(b, only_wanted):
        if b.layout.ndim <= 2:     # the sum over the stack is one product
            source = contiguous(a)
            product_into(b, s.n, s.count * s.m, s.p, source.data, item, s.n * item, g, s.p * item, item)
        else:
            batched_into(b, &s, s.n, s.p, s.m, a.data, s.a_steps, s.a_col, s.a_row, g, g_steps, s.p * item, item)
    return 0


cdef int batched_into(Tensor x, Batched* s, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t inner,
                    const char* a, const Py_ssize_t* a_steps, Py_ssize_t a_row, Py_ssize_t a_col,
                    const char* b, const Py_ssize_t* b_steps, Py_ssize_t b_row, Py_ssize_t b_col) except -1:
    """Add a stack of products to the cotangent of `x`, summed to its shape; `rows` is -1 where `x` is a vector."""
    cdef Py_ssize_t[64] shape
    cdef int ndim = s.batch
    cdef Layout* full
    cdef Storage* part
    cdef char* where
    cdef bint add
    memcpy(shape, s.shape, ndim * sizeof(Py_ssize_t))
    if rows >= 0:
        shape[ndim] = rows
        ndim += 1
    else:
        rows = 1
    shape[ndim] = columns
    full = layout_get(x.layout.typenum, x.layout.itemsize, ndim + 1, shape, NULL)
    cotangent_buffer(x, &where, &add)
    if same_shape(full, x.layout) and not add:
        run_batched(full.kernel, s, rows, inner, columns, a, a_steps, a_row, a_col, b, b_steps, b_row, b_col, where)
        return 0
    part = storage_new(full.nbytes)
    try:
        run_batched(full.kernel, s, rows, inner, columns, a, a_steps, a_row, a_col, b, b_steps, b_row, b_col,
                    payload(part))
        if same_shape(full, x.layout):
            typed[full.kernel].accumulate(payload(part), where, full.size)
        else:
            sum_into(full, payload(part), x.layout, where, add)
    finally:
        storage_release(part)
    return 0
