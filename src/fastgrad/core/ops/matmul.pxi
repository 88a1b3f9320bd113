# Matrix products through NumPy's matmul loop, and so its BLAS: strided operands need no copy.

cdef Tensor matmul(Tensor a, Tensor b):
    """`a @ b` for vectors and matrices; what does not fit takes the rule: it says why."""
    cdef Layout* la = a.layout
    cdef Layout* lb = b.layout
    cdef Py_ssize_t[2] shape
    cdef Py_ssize_t m, n, p
    cdef int ndim = 0
    cdef Tensor y
    if la.ndim == 0 or lb.ndim == 0:
        return rule_op(MATMUL, (a, b))
    if la.kernel == NO_KERNEL or la.kernel != lb.kernel:
        return rule_op(MATMUL, (a, b))
    if la.ndim > 2 or lb.ndim > 2:
        y = matmul_batched(a, b)
        return y if y is not None else rule_op(MATMUL, (a, b))
    check_fresh(a)
    check_fresh(b)
    m = la.shape[0] if la.ndim == 2 else 1
    n = la.shape[la.ndim - 1]
    p = lb.shape[1] if lb.ndim == 2 else 1
    if lb.shape[0] != n:
        return rule_op(MATMUL, (a, b))
    if la.ndim == 2:
        shape[ndim] = m
        ndim += 1
    if lb.ndim == 2:
        shape[ndim] = p
        ndim += 1
    y = new_tensor(layout_get(la.typenum, la.itemsize, ndim, shape, NULL))
    product(la.kernel, m, n, p,
            a.data, la.strides[0] if la.ndim == 2 else la.itemsize * n, la.strides[la.ndim - 1],
            b.data, lb.strides[0], lb.strides[1] if lb.ndim == 2 else la.itemsize,
            y.data)
    if (a.flags | b.flags) & REQUIRES_GRAD and fg_grad_off == 0:
        link2(y, MATMUL, guarded(a, MATMUL, READS_X1), guarded(b, MATMUL, READS_X2))
    return y


cdef bint own_products_on = simd.blas_has_one_thread()      # several threads of BLAS are faster than our one


def own_products(on):
    """Switch our own matrix product on or off, for tests; returns what it was."""
    global own_products_on
    before = own_products_on
    own_products_on = on
    return before


cdef int product(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const char* a, Py_ssize_t a_row,
                 Py_ssize_t a_col, const char* b, Py_ssize_t b_row, Py_ssize_t b_col, char* y) except -1:
    """C-contiguous `y[m, p] = a[m, n] @ b[n, p]`, by our own kernel where that is the faster, otherwise by NumPy's
    BLAS."""
    cdef Py_ssize_t itemsize = 8 if kernel == F64 else 4, scratch
    cdef Storage* room
    if m == 0 or p == 0:
        return 0
    if n == 0:
        memset(y, 0, m * p * itemsize)
        return 0
    scratch = own_product_scratch(kernel, m, n, p, a_row, a_col, b_row, b_col) if own_products_on else 0
    if scratch == 0:
        matmul_strided(kernel, m, n, p, a, a_row, a_col, b, b_row, b_col, y, p * itemsize, itemsize)
        return 0
    room = storage_new(scratch)
    own_product(m, n, p, a, a_row, a_col, b, b_row, b_col, <double*>y, <double*>payload(room))
    storage_release(room)
    return 0


cdef int backward_matmul(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    """For y[m, p] = a[m, n] @ b[n, p]: ga = g @ b.T and gb = a.T @ g, through strides, without a copy."""
    cdef Tensor a = resolve(y.x1, y.gen1), b = resolve(y.x2, y.gen2)
    cdef Layout* la = a.layout
    cdef Layout* lb = b.layout
    cdef Py_ssize_t item = la.itemsize
    cdef Py_ssize_t m = la.shape[0] if la.ndim == 2 else 1
    cdef Py_ssize_t n = la.shape[la.ndim - 1]
    cdef Py_ssize_t p = lb.shape[1] if lb.ndim == 2 else 1
    expect_contiguous(y)
    if la.ndim > 2 or lb.ndim > 2:
        return backward_batched(y, a, b, g, only_wanted)
    if takes(a, only_wanted):
        product_into(a, m, p, n, g, p * item, item, b.data, lb.strides[1] if lb.ndim == 2 else item, lb.strides[0])
    if takes(b, only_wanted):
        product_into(b, n, m, p, a.data, la.strides[la.ndim - 1], la.strides[0] if la.ndim == 2 else item * n, g,
                     p * item, item)
    return 0


cdef int product_into(Tensor x, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const char* a, Py_ssize_t a_row,
                      Py_ssize_t a_col, const char* b, Py_ssize_t b_row, Py_ssize_t b_col) except -1:
    """Add a matrix product to the cotangent of `x`."""
    cdef char* where
    cdef bint add
    cdef Storage* part
    cotangent_buffer(x, &where, &add)
    if not add:
        return product(x.layout.kernel, m, n, p, a, a_row, a_col, b, b_row, b_col, where)
    part = storage_new(x.layout.nbytes)
    try:
        product(x.layout.kernel, m, n, p, a, a_row, a_col, b, b_row, b_col, payload(part))
        typed[x.layout.kernel].accumulate(payload(part), where, x.layout.size)
    finally:
        storage_release(part)
    return 0


cdef Tensor record_matmul(int op, PyObject** given):
    a = given_tensor(given[0])
    return matmul(<Tensor>a, as_tensor(<object>given[1])) if a is not None else None


cdef int MATMUL = register_op("matmul", "x1 x2", record_matmul, backward_matmul)


cdef object matmul_any(object a, object b):
    if type(a) is Tensor and type(b) is Tensor:
        return matmul(<Tensor>a, <Tensor>b)
    if not (type(a) is Tensor or is_operand(a)) or not (type(b) is Tensor or is_operand(b)):
        return NotImplemented
    return matmul(as_tensor(a), as_tensor(b))
