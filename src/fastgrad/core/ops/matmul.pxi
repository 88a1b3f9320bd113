# Matrix products through NumPy's matmul loop, and so its BLAS: strided operands need no copy. Stacks of matrices are
# broadcast against each other; a stack times one matrix is one larger product.

cdef struct Matmul:         # a @ b
    int batch               # leading axes of the result
    Py_ssize_t[64] shape    # of the result's leading axes
    Py_ssize_t[64] a_steps, b_steps
    Py_ssize_t m, n, p
    Factor a, b
    Py_ssize_t count        # matrices in the stack
    bint one                # whether `b` is one matrix, and the rows of all of `a` are better taken together


cdef inline bint read_matmul(Tensor x1, Tensor x2, Matmul* s) noexcept:
    """Read `x1 @ x2`, neither of them 0-d; False where the shapes do not fit."""
    cdef const Layout* a = x1.layout
    cdef const Layout* b = x2.layout
    s.m = a.shape[a.ndim - 2] if a.ndim > 1 else 1
    s.n = a.shape[a.ndim - 1]
    s.p = b.shape[b.ndim - 1] if b.ndim > 1 else 1
    s.a = factor(x1.data, a.strides[a.ndim - 2] if a.ndim > 1 else a.itemsize * s.n, a.strides[a.ndim - 1], s.a_steps)
    s.b = factor(x2.data, b.strides[max(b.ndim - 2, 0)], b.strides[b.ndim - 1] if b.ndim > 1 else b.itemsize, s.b_steps)
    s.batch = 0
    s.count = 1
    s.one = True
    if b.shape[max(b.ndim - 2, 0)] != s.n:
        return False
    return (a.ndim <= 2 and b.ndim <= 2) or read_batch(a, b, s)


cdef inline Factor transposed(const Factor* x) noexcept nogil:
    return factor(x.x, x.col, x.row, x.steps)


cdef bint read_batch(const Layout* a, const Layout* b, Matmul* s) noexcept nogil:
    """The leading axes of a product of stacks; False where they do not broadcast."""
    cdef int na = max(a.ndim - 2, 0), nb = max(b.ndim - 2, 0), k
    cdef bint repeated = True       # whether `b` is one matrix for all of the stack, and `a` is the whole stack
    s.batch = max(na, nb)
    for k in range(s.batch):
        la = a.shape[k - s.batch + na] if k >= s.batch - na else 1
        lb = b.shape[k - s.batch + nb] if k >= s.batch - nb else 1
        if la != lb and la != 1 and lb != 1:
            return False
        s.shape[k] = lb if la == 1 else la
        s.count *= s.shape[k]
        s.a_steps[k] = 0 if la == 1 else a.strides[k - s.batch + na]
        s.b_steps[k] = 0 if lb == 1 else b.strides[k - s.batch + nb]
        repeated = repeated and s.b_steps[k] == 0 and la == s.shape[k]
    # NumPy 2.4's OpenBLAS on AMD EPYC, 2026: up to 10^6 products, or with few rows a matrix, one call wins, up to 10x;
    # beyond, a call per matrix is 20% faster, since each stays within the kernels that need no packing.
    s.one = (b.ndim <= 2 or (repeated and a.ndim > 2)) and (s.m < 8 or s.count * s.m * s.n * s.p <= 1000000)
    return True


cdef inline Layout* stacked_layout(const Layout* like, const Matmul* s, Py_ssize_t rows,
                                   Py_ssize_t columns) except NULL:
    """The layout of a stack of matrices; -1 stands for an axis that a vector does not have."""
    cdef Py_ssize_t[66] shape
    cdef int ndim = s.batch, k
    for k in range(ndim):
        shape[k] = s.shape[k]
    if rows >= 0:
        shape[ndim] = rows
        ndim += 1
    if columns >= 0:
        shape[ndim] = columns
        ndim += 1
    return layout_get(like.typenum, like.itemsize, ndim, shape, NULL)


cdef Tensor matmul(int op, Tensor a, Tensor b):
    """`a @ b`, or the same as `dot`; the rule handles what does not fit, and says why."""
    cdef Matmul s
    cdef Layout* la = a.layout
    cdef Layout* lb = b.layout
    ready(a)
    ready(b)
    if la.ndim == 0 or lb.ndim == 0 or not same_kernel(a, b) or not read_matmul(a, b, &s):
        return rule_op(op, (a, b))
    check_fresh(a)
    check_fresh(b)
    cdef Tensor y = new_tensor(stacked_layout(la, &s, s.m if la.ndim > 1 else -1, s.p if lb.ndim > 1 else -1))
    cdef Outside o
    if s.batch == 0:
        product(la.kernel, s.m, s.n, s.p, &s.a, &s.b, y.data, &o, a, b, NULL)
    elif s.one and la.flags & C_CONTIGUOUS:
        s.a = factor(a.data, la.itemsize * s.n, la.itemsize)
        product(la.kernel, s.count * s.m, s.n, s.p, &s.a, &s.b, y.data, &o, a, b, NULL)
    else:
        go_outside(&o, bytes_of(s.count * s.m * s.n * s.p), a, b, None, NULL, NULL)
        run_batched(la.kernel, &s, s.m, s.n, s.p, &s.a, &s.b, y.data)
        come_back(&o)
    if (a.flags | b.flags) & REQUIRES_GRAD and fg_grad_off == 0:
        check_unwritten(&o, op, a, b, None)
        link2(y, op, guarded(a, op, READS_X1), guarded(b, op, READS_X2))
    return y


cdef object matmul_any(object a, object b):
    if is_tensor(a) and is_tensor(b):
        return matmul(MATMUL, <Tensor>a, <Tensor>b)
    if not (is_tensor(a) or is_operand(a)) or not (is_tensor(b) or is_operand(b)):
        return NotImplemented
    return matmul(MATMUL, as_tensor(a), as_tensor(b))


cdef Tensor record_matmul(int op, PyObject** given):
    cdef Tensor a = given_tensor(given[0])
    return None if a is None else matmul(op, a, as_tensor(<object>given[1]))


cdef Tensor record_dot(int op, PyObject** given):
    """Takes vectors and matrices."""
    cdef Tensor a = given_tensor(given[0]), b = given_tensor(given[1])
    if a is None or b is None or not (0 < a.layout.ndim <= 2 and 0 < b.layout.ndim <= 2):
        return None
    return matmul(op, a, b)


cdef bint own_products_on = simd.blas_has_one_thread()      # several threads of BLAS are faster than our one


def own_products(on):
    """Switch our own matrix product on or off, for tests; returns what it was."""
    global own_products_on
    before = own_products_on
    own_products_on = on
    return before


cdef int product(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a, const Factor* b,
                 char* y, Outside* o, Tensor x1, Tensor x2, Storage* s) except -1:
    """C-contiguous `y[m, p] = a[m, n] @ b[n, p]`, by our own kernel where that is the faster, otherwise by NumPy's
    BLAS. Large ones run without the GIL if the factors are given: as `x1` and `x2`, or as `x1` and the block `s`."""
    o.left = False
    if m == 0 or p == 0:
        return 0
    if n == 0:
        zero_door(y, m * p * item_bytes(kernel))
        return 0
    cdef Py_ssize_t scratch = own_product_scratch(kernel, m, n, p, a, b) if own_products_on else 0
    cdef Storage* block = storage_new(scratch) if scratch else NULL
    cdef char* room = payload(block) if scratch else NULL
    go_outside(o, 0 if x1 is None else bytes_of(m * n * p), x1, x2, None, s, NULL)
    product_door(kernel, m, n, p, a, b, y, room)
    come_back(o)
    if scratch:
        storage_release(block)
    return 0


cdef void run_batched(int kernel, const Matmul* s, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a,
                      const Factor* b, char* y) noexcept:
    """C-contiguous y[..., m, p] = a[..., m, n] @ b[..., n, p]"""
    cdef Py_ssize_t item = item_bytes(kernel)
    cdef Py_ssize_t[64] steps
    if s.count == 0 or m == 0 or p == 0:
        return
    if n == 0:
        zero_door(y, s.count * m * p * item)
        return
    batch_steps(s, m * p * item, steps)
    stacked_door(kernel, s.batch, s.shape, m, n, p, a, b, y, steps)


cdef inline void batch_steps(const Matmul* s, Py_ssize_t step, Py_ssize_t* steps) noexcept nogil:
    """Strides of the leading axes of a C-contiguous stack of matrices of `step` bytes."""
    cdef int k
    for k in range(s.batch - 1, -1, -1):
        steps[k] = step
        step *= s.shape[k]


cdef int backward_matmul(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    """For y[m, p] = a[m, n] @ b[n, p]: ga = g @ b.T and gb = a.T @ g, through strides, summed over the axes along which
    an operand was broadcast."""
    cdef Tensor a = resolve(y.x1, y.gen1), b = resolve(y.x2, y.gen2)
    cdef Storage* a_memory = a.storage
    cdef Storage* b_memory = b.storage
    keep_memory(a_memory, b_memory, gs)
    try:
        matmul_gradients(y, a, b, g, gs, only_wanted)
    finally:
        release_memory(a_memory, b_memory, gs)
    return 0


cdef int matmul_gradients(Tensor y, Tensor a, Tensor b, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Matmul s
    cdef Py_ssize_t[64] g_steps
    cdef Py_ssize_t item = a.layout.itemsize, first = 0
    cdef Tensor part
    expect_contiguous(y)
    read_matmul(a, b, &s)
    batch_steps(&s, s.m * s.p * item, g_steps)
    cdef Factor upstream = factor(g, s.p * item, item, g_steps), left = transposed(&s.a), right = transposed(&s.b)
    if takes(a, only_wanted):
        part = sole_part(a, only_wanted, &first) if s.batch == 0 else None
        if part is not None:        # as of [x, h, 1] @ w in a recurrent network: the other columns are not needed
            right.x += first * right.col
            product_into(part, s.m, s.p, part.layout.shape[1], &upstream, &right, b, gs)
        elif s.one:
            product_into(a, s.count * s.m, s.p, s.n, &upstream, &right, b, gs)
        else:
            batched_into(a, &s, s.m if a.layout.ndim > 1 else -1, s.n, s.p, &upstream, &right)
    if takes(b, only_wanted):
        if b.layout.ndim > 2:
            return batched_into(b, &s, s.n, s.p, s.m, &left, &upstream)
        if s.batch:     # the sum over the stack is one product
            a = contiguous(a)
            left = factor(a.data, item, s.n * item)
        product_into(b, s.n, s.count * s.m, s.p, &left, &upstream, a, gs)
    return 0


cdef int product_into(Tensor x, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a, const Factor* b,
                      Tensor f, Storage* s) except -1:
    """Add a matrix product to the cotangent of `x`. One factor is `f`, the other in the block `s`; where that is NULL,
    the product keeps the GIL. The caller keeps the blocks of the factors."""
    cdef Outside o
    cdef Storage* part = storage_new(x.layout.nbytes)
    cdef unsigned int number = x.sweep
    try:
        product(x.layout.kernel, m, n, p, a, b, payload(part), &o, None if s == NULL else f, None, s)
        if x.sweep != number:
            raise errors.graph_changed()
        return accumulate(x, payload(part), NULL if is_small(x.layout) else part)
    finally:
        storage_release(part)


cdef int batched_into(Tensor x, const Matmul* s, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t inner,
                      const Factor* a, const Factor* b) except -1:
    """Add a stack of products to the cotangent of `x`, summed to its shape; `rows` is -1 where `x` is a vector. The
    caller keeps the blocks of the factors."""
    cdef Outside o
    cdef unsigned int number = x.sweep
    cdef Layout* full = stacked_layout(x.layout, s, rows, columns)
    cdef Storage* part = storage_new(full.nbytes)
    keep(full)      # borrowed, and other threads run
    go_outside(&o, bytes_of(s.count * rows * inner * columns), None, None, None, NULL, NULL)
    run_batched(full.kernel, s, 1 if rows < 0 else rows, inner, columns, a, b, payload(part))
    come_back(&o)
    try:
        if x.sweep != number:
            storage_release(part)
            raise errors.graph_changed()
        return accumulate_broadcast(x, full, part)
    finally:
        release(full)


cdef int MATMUL = register_op("matmul", "x1 x2", record_matmul, backward_matmul)
register_op("dot", "x1 x2", record_dot, backward_matmul)
