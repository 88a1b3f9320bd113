# A float64 matrix product for layers and their gradients: x @ w, g @ w.T, x.T @ g, where one length is a batch. BLAS
# packs its factors as for matrices of thousands of rows, which takes half of its time. Here only the second factor is
# packed, and the first if it is transposed. Tiles of the result stay in registers until their sums are complete.

cdef extern from *:
    """
    #if defined(__AVX512F__)
    #include <immintrin.h>
    #define FG_OWN_PRODUCT 1
    #define FG_ROWS(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11)
    #define FG_PREFETCH(p) _mm_prefetch((const char*)(p), _MM_HINT_T0)
    #define FG_FETCH(i) FG_PREFETCH(y + i * row); FG_PREFETCH(y + i * row + 8);
    #define FG_ZERO(i) __m512d p##i = _mm512_setzero_pd(), q##i = _mm512_setzero_pd();
    #define FG_READ(i) p##i = _mm512_loadu_pd(y + i * row); q##i = _mm512_loadu_pd(y + i * row + 8);
    #define FG_ADD(t, b) t = _mm512_fmadd_pd(v, b, t)
    #define FG_STEP(i) v = _mm512_set1_pd(a[i * a_row]); FG_ADD(p##i, b0); FG_ADD(q##i, b1);
    #define FG_WRITE(i) _mm512_storeu_pd(y + i * row, p##i); _mm512_storeu_pd(y + i * row + 8, q##i);
    /* y[12, 16] (+)= a[12, n] @ b[n, 16], `b` packed. In C, since compilers keep no array of 24 sums in registers. */
    static void fg_tile(const double* a, Py_ssize_t a_row, Py_ssize_t a_col, const double* b, Py_ssize_t n, double* y,
                        Py_ssize_t row, int add) {
        FG_ROWS(FG_FETCH)
        FG_ROWS(FG_ZERO)
        __m512d v, b0, b1;
        if (add) { FG_ROWS(FG_READ) }
        for (Py_ssize_t k = 0; k < n; k++, a += a_col, b += 16) {
            b0 = _mm512_load_pd(b);
            b1 = _mm512_load_pd(b + 8);
            FG_ROWS(FG_STEP)
        }
        FG_ROWS(FG_WRITE)
    }
    #else
    #define FG_OWN_PRODUCT 0
    #define fg_tile(a, a_row, a_col, b, n, y, row, add) ((void)0)
    #endif
    """
    const bint FG_OWN_PRODUCT
    void fg_tile(const double* a, Py_ssize_t a_row, Py_ssize_t a_col, const double* b, Py_ssize_t n, double* y,
                 Py_ssize_t row, bint add) noexcept nogil

cdef enum:
    ITEM = 8                # bytes of a float64
    ROWS = 12               # of a tile
    COLUMNS = 16
    DEPTH = 256             # terms summed at a time: a panel of either factor fits into the first-level cache
    COLUMN_PANELS = 32      # panels at a time: their part of the second factor fits into the second-level cache
    FEWEST = 96             # rows of the result for which packing the second factor pays
    BLAS_SMALL = 1000000    # multiplications up to which OpenBLAS does not pack and is faster
    BLAS_LARGE = 100000000  # and from which its packing pays


cdef Py_ssize_t own_product_scratch(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a,
                                    const Factor* b) noexcept nogil:
    """Bytes of scratch that `own_product` needs; 0 where BLAS is faster or the product is not supported."""
    cdef int side = skinny_side(kernel, m, n, p, a, b)
    if side:
        return skinny_scratch(side, item_bytes(kernel), m, n)
    if not FG_OWN_PRODUCT or kernel != F64 or m < FEWEST or p < 2 * COLUMNS or n < 32:
        return 0
    if m * p <= BLAS_SMALL // n or m * p > BLAS_LARGE // n:
        return 0
    if a.row != ITEM and (a.col != ITEM or a.row % ITEM):
        return 0
    if b.col != ITEM and (b.row != ITEM or m < n):      # packing a transposed factor costs more
        return 0
    return (min(n, <Py_ssize_t>DEPTH) * (ROWS + COLUMNS * min((p + COLUMNS - 1) // COLUMNS, <Py_ssize_t>COLUMN_PANELS))
            + ROWS * COLUMNS + COLUMNS) * ITEM


cdef void pack(const char* x, Py_ssize_t step, Py_ssize_t n_step, Py_ssize_t n, double* packed, int width,
               Py_ssize_t there) noexcept nogil:
    """packed[k, i] = x[i * step + k * n_step] for k < n and i < width; zeros from i = `there` on."""
    if there < width:
        memset(packed, 0, n * width * ITEM)
        for k in range(n):
            for i in range(there):
                packed[k * width + i] = (<const double*>(x + i * step + k * n_step))[0]
    elif step == ITEM and width == COLUMNS:
        for k in range(n):
            memcpy(packed + k * COLUMNS, x + k * n_step, COLUMNS * ITEM)
    elif step == ITEM and width == ROWS:
        for k in range(n):
            memcpy(packed + k * ROWS, x + k * n_step, ROWS * ITEM)
    else:
        for k in range(n):
            for i in range(width):
                packed[k * width + i] = (<const double*>(x + i * step))[k]      # n_step is ITEM


cdef void own_product(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a, const Factor* b, char* y,
                      char* scratch) noexcept nogil:
    """C-contiguous `y[m, p] = a[m, n] @ b[n, p]`, for products to which `own_product_scratch` gives scratch."""
    cdef int side = skinny_side(kernel, m, n, p, a, b)
    if side == 0:
        tiled_product(m, n, p, a, b, <double*>y, <double*>scratch)
    elif kernel == F64:
        skinny_product(side, m, n, p, a, b, <double*>y, <double*>scratch)
    else:
        skinny_product(side, m, n, p, a, b, <float*>y, <float*>scratch)


cdef void tiled_product(Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a, const Factor* b, double* y,
                        double* scratch) noexcept nogil:
    """C-contiguous `y[m, p] = a[m, n] @ b[n, p]`, each factor with one stride of ITEM."""
    cdef double* b_packed = <double*>((<size_t>scratch + 63) & ~<size_t>63)     # tiles read whole cache lines
    cdef double* a_packed
    cdef double* edge
    cdef Py_ssize_t panel, panels, first = 0, k, depth, i, rows, columns, r
    cdef const double* a_from
    cdef Py_ssize_t row_step, col_step
    while first < p:
        panels = min((p - first + COLUMNS - 1) // COLUMNS, <Py_ssize_t>COLUMN_PANELS)
        k = 0
        while k < n:
            depth = min(n - k, <Py_ssize_t>DEPTH)
            a_packed = b_packed + panels * COLUMNS * depth
            edge = a_packed + ROWS * depth
            for panel in range(panels):
                pack(b.x + (first + panel * COLUMNS) * b.col + k * b.row, b.col, b.row, depth,
                     b_packed + panel * COLUMNS * depth, COLUMNS, min(p - first - panel * COLUMNS, <Py_ssize_t>COLUMNS))
            i = 0
            while i < m:
                rows = min(m - i, <Py_ssize_t>ROWS)
                if a.col == ITEM and rows == ROWS:
                    a_from = <const double*>(a.x + i * a.row + k * ITEM)
                    row_step = a.row // ITEM
                    col_step = 1
                else:
                    pack(a.x + i * a.row + k * a.col, a.row, a.col, depth, a_packed, ROWS, rows)
                    a_from = a_packed
                    row_step = 1
                    col_step = ROWS
                for panel in range(panels):
                    tile = y + i * p + first + panel * COLUMNS
                    columns = min(p - first - panel * COLUMNS, <Py_ssize_t>COLUMNS)
                    if rows == ROWS and columns == COLUMNS:
                        fg_tile(a_from, row_step, col_step, b_packed + panel * COLUMNS * depth, depth, tile, p, k > 0)
                        continue
                    if k > 0:
                        for r in range(rows):
                            memcpy(edge + r * COLUMNS, tile + r * p, columns * ITEM)
                    fg_tile(a_from, row_step, col_step, b_packed + panel * COLUMNS * depth, depth, edge, COLUMNS, k > 0)
                    for r in range(rows):
                        memcpy(tile + r * p, edge + r * COLUMNS, columns * ITEM)
                i += rows
            k += depth
        first += panels * COLUMNS
