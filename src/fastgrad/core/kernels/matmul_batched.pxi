# Matrix products by NumPy's matmul loop, and so by its BLAS. The loop takes one stack axis; `walk` takes the others.

cdef enum:
    BLAS_SPLITS = 262144    # multiplications up to which OpenBLAS uses one thread

cdef struct Product:        # arguments of the loop other than the pointers
    int kernel
    npy_intp[4] dims        # the stack, then m, n, p
    npy_intp[9] steps       # of the stacks of a, b and y, then of the rows and columns of each


cdef inline void set_product(Product* d, int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a,
                             const Factor* b) noexcept nogil:
    cdef npy_intp item = item_bytes(kernel)
    d.kernel = kernel
    d.dims = [1, m, n, p]
    d.steps = [0, 0, 0, a.row, a.col, b.row, b.col, p * item, item]


cdef bint is_outer(int kernel, Py_ssize_t n, const Factor* b) noexcept nogil:
    """Whether `outer_product` computes a product of sums of `n` terms: gradients of the weights of single rows."""
    return n == 1 and b.col == item_bytes(kernel)


cdef void outer_rows(const char* a, Py_ssize_t a_row, const floating* b, floating* y, Py_ssize_t m,
                     Py_ssize_t p) noexcept nogil:
    cdef floating factor
    for i in range(m):
        factor = (<const floating*>(a + i * a_row))[0]
        for k in range(p):
            y[i * p + k] = <floating>0 + factor * b[k]      # as BLAS: a sum that begins with 0 is not -0


cdef void outer_product(int kernel, Py_ssize_t m, Py_ssize_t p, const char* a, Py_ssize_t a_row, const char* b,
                        char* y) noexcept nogil:
    """C-contiguous y[m, p] = a[m, 1] @ b[1, p]; BLAS takes 2 to 4 times as long, AMD EPYC, November 2026."""
    if kernel == F64:
        outer_rows(a, a_row, <const double*>b, <double*>y, m, p)
    else:
        outer_rows(a, a_row, <const float*>b, <float*>y, m, p)


cdef void matmul_strided(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a, const Factor* b,
                         char* y) noexcept nogil:
    """C-contiguous y[m, p] = a[m, n] @ b[n, p]"""
    cdef Product d
    cdef address[3] args = [<char*>a.x, <char*>b.x, y]
    if is_outer(kernel, n, b):
        outer_product(kernel, m, p, a.x, a.row, b.x, y)
        return
    set_product(&d, kernel, m, n, p, a, b)
    helpers[kernel].matmul.run(args, d.dims, d.steps, helpers[kernel].matmul.data)


cdef void product_loop(char** args, const npy_intp* dims, const npy_intp* steps, void* data) noexcept nogil:
    cdef Product d = (<Product*>data)[0]
    d.dims[0] = dims[0]
    memcpy(d.steps, steps, 3 * sizeof(npy_intp))
    helpers[d.kernel].matmul.run(args, d.dims, d.steps, helpers[d.kernel].matmul.data)


cdef void outer_loop(char** args, const npy_intp* dims, const npy_intp* steps, void* data) noexcept nogil:
    cdef Product* d = <Product*>data
    for k in range(dims[0]):
        outer_product(d.kernel, d.dims[1], d.dims[3], args[0] + k * steps[0], d.steps[3], args[1] + k * steps[1],
                      args[2] + k * steps[2])


cdef void matmul_stacked(int kernel, int ndim, const Py_ssize_t* shape, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p,
                         const Factor* a, const Factor* b, char* y, const Py_ssize_t* y_steps) noexcept nogil:
    """y[..., m, p] = a[..., m, n] @ b[..., n, p] over `ndim` leading axes of lengths `shape`; no length is 0."""
    cdef Product d
    cdef BoundLoop loop
    cdef steps_t[3] strides = [a.steps, b.steps, y_steps]
    cdef address[3] base = [<char*>a.x, <char*>b.x, y]
    set_product(&d, kernel, m, n, p, a, b)
    loop.run = outer_loop if is_outer(kernel, n, b) else product_loop
    loop.data = &d
    walk(&loop, 3, ndim, shape, strides, base, m * n * p + 9 if blas_is_serial or m * n * p <= BLAS_SPLITS else 0)


cdef inline void matrix_product(const floating* a, bint a_transposed, const floating* b, bint b_transposed, floating* y,
                                Py_ssize_t m, Py_ssize_t n, Py_ssize_t p) noexcept nogil:
    """y[m, p] = a[m, n] @ b[n, p], all C-contiguous; a transposed factor lies in memory as its transpose."""
    cdef Py_ssize_t item = sizeof(floating)
    cdef Factor left = factor(<const char*>a, item if a_transposed else n * item, m * item if a_transposed else item)
    cdef Factor right = factor(<const char*>b, item if b_transposed else p * item, n * item if b_transposed else item)
    matmul_strided(<int>F64 if floating is double else <int>F32, m, n, p, &left, &right, <char*>y)
