# Matrix products by NumPy's matmul loop. The loop takes one stack axis; `walk` takes the others.

cdef struct Product:        # arguments of matmul's loop other than the pointers
    int kernel
    npy_intp m, n, p
    npy_intp[6] steps       # rows and columns of a, b and y


cdef void product_loop(char** args, const npy_intp* dims, const npy_intp* steps, void* data) noexcept nogil:
    cdef Product* d = <Product*>data
    cdef npy_intp[4] lengths = [dims[0], d.m, d.n, d.p]
    cdef npy_intp[9] all_steps = [steps[0], steps[1], steps[2], d.steps[0], d.steps[1], d.steps[2], d.steps[3],
                                  d.steps[4], d.steps[5]]
    helpers[d.kernel].matmul.run(args, lengths, all_steps, helpers[d.kernel].matmul.data)


cdef void matmul_stacked(int kernel, int ndim, const Py_ssize_t* shape, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p,
                         const char* a, const Py_ssize_t* a_batch, Py_ssize_t a_row, Py_ssize_t a_col,
                         const char* b, const Py_ssize_t* b_batch, Py_ssize_t b_row, Py_ssize_t b_col,
                         char* y, const Py_ssize_t* y_batch, Py_ssize_t y_row, Py_ssize_t y_col) noexcept nogil:
    """y[..., m, p] = a[..., m, n] @ b[..., n, p] over `ndim` leading axes of lengths `shape`; no length is 0."""
    cdef Product product
    cdef BoundLoop loop
    cdef steps_t[3] strides = [a_batch, b_batch, y_batch]
    cdef address[3] base = [<char*>a, <char*>b, y]
    product.kernel = kernel
    product.m = m
    product.n = n
    product.p = p
    product.steps[0] = a_row
    product.steps[1] = a_col
    product.steps[2] = b_row
    product.steps[3] = b_col
    product.steps[4] = y_row
    product.steps[5] = y_col
    loop.run = product_loop
    loop.data = &product
    walk(&loop, 3, ndim, shape, strides, base)


cdef inline void matrix_product(const floating* a, bint a_transposed, const floating* b, bint b_transposed, floating* y,
                                Py_ssize_t m, Py_ssize_t n, Py_ssize_t p) noexcept nogil:
    """y[m, p] = a[m, n] @ b[n, p], all C-contiguous; a transposed factor lies in memory as its transpose."""
    cdef Py_ssize_t item = sizeof(floating)
    matmul_strided(<int>F64 if floating is double else <int>F32, m, n, p,
                   <const char*>a, item if a_transposed else n * item, m * item if a_transposed else item,
                   <const char*>b, item if b_transposed else p * item, n * item if b_transposed else item,
                   <char*>y, p * item, item)
