# Matrix products with a skinny factor: 1 to 16 rows or columns, or sums of so few terms. These are layers with few
# outputs, their gradients and linear classifiers. BLAS packs the large factor, which is used too few times to pay for
# that; here it is read where it lies, once, and the skinny factor is packed.

cdef extern from *:
    """
    #if defined(__AVX512F__) || (defined(__AVX2__) && defined(__FMA__))
    #include <immintrin.h>
    #define FG_SKINNY_PRODUCT 1
    #if defined(__AVX512F__)
    #define FG_VECTOR 64
    #define FG_SUMS 28              /* vectors of sums that leave registers for the factors */
    #define FG_EACH_ACROSS(t) t(1) t(2) t(3) t(4) t(5) t(6) t(7) t(8) t(9) t(10) t(11) t(12) t(13) t(14)
    #define FG_ACROSS_ROWS 14
    #define FG_EACH_ALONG(t) t(1) t(2) t(3) t(4) t(5) t(6)
    #define FG_ALONG_ROWS 6
    #define FG_ALONG_COLUMNS 4
    #define FG_FMA_double(a, b, c) _mm512_fmadd_pd(a, b, c)
    #define FG_FMA_float(a, b, c) _mm512_fmadd_ps(a, b, c)
    #define FG_SOME_double(p, n) _mm512_maskz_loadu_pd((__mmask8)((1u << (n)) - 1), p)
    #define FG_SOME_float(p, n) _mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p)
    #define FG_TOTAL_double(v) _mm512_reduce_add_pd(v)
    #define FG_TOTAL_float(v) _mm512_reduce_add_ps(v)
    #else
    #define FG_VECTOR 32
    #define FG_SUMS 12
    #define FG_EACH_ACROSS(t) t(1) t(2) t(3) t(4) t(5) t(6) t(7) t(8) t(9) t(10) t(11) t(12)
    #define FG_ACROSS_ROWS 12
    #define FG_EACH_ALONG(t) t(1) t(2) t(3) t(4)
    #define FG_ALONG_ROWS 4
    #define FG_ALONG_COLUMNS 3
    #define FG_FMA_double(a, b, c) _mm256_fmadd_pd(a, b, c)
    #define FG_FMA_float(a, b, c) _mm256_fmadd_ps(a, b, c)
    static const int fg_some[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    #define FG_MASK(n) _mm256_loadu_si256((const __m256i*)(fg_some + 8 - (n)))
    #define FG_SOME_double(p, n) _mm256_maskload_pd(p, FG_MASK(2 * (n)))
    #define FG_SOME_float(p, n) _mm256_maskload_ps(p, FG_MASK(n))
    static inline double FG_TOTAL_double(__m256d v) {
        __m128d s = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
        return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
    }
    static inline float FG_TOTAL_float(__m256 v) {
        __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        s = _mm_add_ps(s, _mm_movehl_ps(s, s));
        return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
    }
    #endif
    #define FG_ACROSS_COLUMNS(rows) (FG_SUMS / (rows) > 4 ? 4 : FG_SUMS / (rows))
    #define FG_UNROLL _Pragma("GCC unroll 16")
    #define FG_LANES(T) (Py_ssize_t)(FG_VECTOR / sizeof(T))
    #define FG_AT(T, p) (fg_##T##s)*(const fg_##T##s_at*)(p)
    #define FG_TILES(T)                                                                                                \
    typedef T fg_##T##s __attribute__((vector_size(FG_VECTOR)));                                                       \
    typedef T fg_##T##s_at __attribute__((vector_size(FG_VECTOR), aligned(1), may_alias));                             \
    /* y[R, C] (+)= a[R, n] @ b[n, C], `a` packed by columns, C in vectors */                                          \
    static inline __attribute__((always_inline)) void fg_across_tile_##T(const int R, const int C, const T* a,         \
            const char* b, Py_ssize_t b_row, Py_ssize_t ahead, Py_ssize_t n, T* y, Py_ssize_t y_row, int add) {        \
        fg_##T##s s[FG_SUMS], v[4];                                                                                    \
        FG_UNROLL for (int i = 0; i < R; i++)                                                                          \
            FG_UNROLL for (int c = 0; c < C; c++)                                                                      \
                s[i * C + c] = add ? FG_AT(T, y + i * y_row + c * FG_LANES(T)) : (fg_##T##s){0};                       \
        for (Py_ssize_t k = 0; k < n; k++, a += R, b += b_row) {                                                       \
            FG_UNROLL for (int c = 0; c < C; c++) {                                                                    \
                v[c] = FG_AT(T, b + c * FG_VECTOR);                                                                    \
                _mm_prefetch(b + ahead + c * FG_VECTOR, _MM_HINT_T0);                                                  \
            }                                                                                                          \
            FG_UNROLL for (int i = 0; i < R; i++) {                                                                    \
                fg_##T##s f = a[i] - (fg_##T##s){0};                                                                   \
                FG_UNROLL for (int c = 0; c < C; c++) s[i * C + c] = FG_FMA_##T(f, v[c], s[i * C + c]);                \
            }                                                                                                          \
        }                                                                                                              \
        FG_UNROLL for (int i = 0; i < R; i++)                                                                          \
            FG_UNROLL for (int c = 0; c < C; c++)                                                                      \
                *(fg_##T##s_at*)(y + i * y_row + c * FG_LANES(T)) = s[i * C + c];                                      \
    }                                                                                                                  \
    /* y[R, C] (+)= a[R, n] @ b[n, C], both contiguous along the sum, `a` padded with zeros; only `there` columns */   \
    static inline __attribute__((always_inline)) void fg_along_tile_##T(const int R, const int C, const T* a,          \
            Py_ssize_t a_row, const char* b, Py_ssize_t b_col, int there, Py_ssize_t ahead, Py_ssize_t n, T* y,        \
            Py_ssize_t y_row, Py_ssize_t y_col, int add) {                                                             \
        fg_##T##s s[FG_SUMS], v[4];                                                                                    \
        const char* column[4];                                                                                         \
        FG_UNROLL for (int c = 0; c < C; c++) column[c] = b + (c < there ? c : there - 1) * b_col;                     \
        FG_UNROLL for (int i = 0; i < R; i++)                                                                          \
            FG_UNROLL for (int c = 0; c < C; c++) s[i * C + c] = (fg_##T##s){0};                                       \
        for (; n > 0; n -= FG_LANES(T), a += FG_LANES(T)) {                                                            \
            FG_UNROLL for (int c = 0; c < C; c++) {                                                                    \
                v[c] = n >= FG_LANES(T) ? FG_AT(T, column[c]) : (fg_##T##s)FG_SOME_##T((const T*)column[c], n);        \
                _mm_prefetch(column[c] + ahead, _MM_HINT_T0);                                                          \
                column[c] += FG_VECTOR;                                                                                \
            }                                                                                                          \
            FG_UNROLL for (int i = 0; i < R; i++) {                                                                    \
                fg_##T##s f = FG_AT(T, a + i * a_row);                                                                 \
                FG_UNROLL for (int c = 0; c < C; c++) s[i * C + c] = FG_FMA_##T(f, v[c], s[i * C + c]);                \
            }                                                                                                          \
        }                                                                                                              \
        FG_UNROLL for (int c = 0; c < C; c++)                                                                          \
            if (c < there)                                                                                             \
                FG_UNROLL for (int i = 0; i < R; i++) {                                                                \
                    T* to = y + i * y_row + c * y_col;                                                                 \
                    *to = FG_TOTAL_##T(s[i * C + c]) + (add ? *to : 0);                                                \
                }                                                                                                      \
    }
    FG_TILES(double)
    FG_TILES(float)
    #define FG_ACROSS(R) case R: \
        if (item == 8) fg_across_tile_double(R, FG_ACROSS_COLUMNS(R), a, b, b_row, ahead, n, y, y_row, add); \
        else fg_across_tile_float(R, FG_ACROSS_COLUMNS(R), a, b, b_row, ahead, n, y, y_row, add); \
        break;
    #define FG_ALONG(R) case R: \
        if (item == 8) \
            fg_along_tile_double(R, FG_ALONG_COLUMNS, a, a_row, b, b_col, there, ahead, n, y, y_row, y_col, add); \
        else fg_along_tile_float(R, FG_ALONG_COLUMNS, a, a_row, b, b_col, there, ahead, n, y, y_row, y_col, add); \
        break;
    static void fg_across(Py_ssize_t item, Py_ssize_t rows, const void* a, const char* b, Py_ssize_t b_row,
                          Py_ssize_t ahead, Py_ssize_t n, void* y, Py_ssize_t y_row, int add) {
        switch (rows) { FG_EACH_ACROSS(FG_ACROSS) }
    }
    static void fg_along(Py_ssize_t item, Py_ssize_t rows, const void* a, Py_ssize_t a_row, const char* b,
                         Py_ssize_t b_col, Py_ssize_t there, Py_ssize_t ahead, Py_ssize_t n, void* y, Py_ssize_t y_row,
                         Py_ssize_t y_col, int add) {
        switch (rows) { FG_EACH_ALONG(FG_ALONG) }
    }
    #else
    #define FG_SKINNY_PRODUCT 0
    #define FG_VECTOR 8
    #define FG_ACROSS_ROWS 1
    #define FG_ACROSS_COLUMNS(rows) 1
    #define FG_ALONG_ROWS 1
    #define FG_ALONG_COLUMNS 1
    #define fg_across(item, rows, a, b, b_row, ahead, n, y, y_row, add) ((void)0)
    #define fg_along(item, rows, a, a_row, b, b_col, there, ahead, n, y, y_row, y_col, add) ((void)0)
    #endif
    """
    const bint FG_SKINNY_PRODUCT
    const Py_ssize_t FG_VECTOR      # bytes
    const Py_ssize_t FG_ACROSS_ROWS                                         # of a tile, at most
    Py_ssize_t FG_ACROSS_COLUMNS(Py_ssize_t rows) noexcept nogil            # of a tile, in vectors
    const Py_ssize_t FG_ALONG_ROWS
    const Py_ssize_t FG_ALONG_COLUMNS
    void fg_across(Py_ssize_t item, Py_ssize_t rows, const void* a, const char* b, Py_ssize_t b_row, Py_ssize_t ahead,
                   Py_ssize_t n, void* y, Py_ssize_t y_row, bint add) noexcept nogil
    void fg_along(Py_ssize_t item, Py_ssize_t rows, const void* a, Py_ssize_t a_row, const char* b, Py_ssize_t b_col,
                  Py_ssize_t there, Py_ssize_t ahead, Py_ssize_t n, void* y, Py_ssize_t y_row, Py_ssize_t y_col,
                  bint add) noexcept nogil

cdef enum:
    SKINNY = 16             # rows, columns or terms
    SPAN = 1024             # columns of the large factor at a time, of which `across` keeps the sums of a block
    ALONG_DEPTH = 256       # terms at a time: the rows of two tiles of either factor fit into the first-level cache
    ACROSS_DEPTH = 24       # rows that are read side by side from main memory without loss, AMD EPYC, 2026-11-27
    NARROW_DEPTH = 48       # the same for tiles that are one vector wide
    ACROSS_AHEAD = 4        # vectors from those that are read to those that are fetched


cdef void pack_skinny(const Factor* s, Py_ssize_t first, Py_ssize_t rows, Py_ssize_t k, Py_ssize_t depth,
                      floating* packed, Py_ssize_t row, Py_ssize_t col) noexcept nogil:
    """packed[i * row + t * col] = s[first + i, k + t]"""
    cdef const char* x
    for i in range(rows):
        x = s.x + (first + i) * s.row + k * s.col
        for t in range(depth):
            packed[i * row + t * col] = (<const floating*>(x + t * s.col))[0]


cdef void skinny_across(Py_ssize_t r, Py_ssize_t n, Py_ssize_t q, const Factor* s, const Factor* large, floating* y,
                        Py_ssize_t y_row, Py_ssize_t y_col, Py_ssize_t most, floating* scratch) noexcept nogil:
    """y[r, q] = s[r, n] @ large[n, q], where the rows of `large` are contiguous, in tiles of at most `most` rows.
    r <= SKINNY unless y_col is 1."""
    cdef Py_ssize_t item = sizeof(floating), first = 0, k, i, j, span, depth, rows, width, there, out_row
    cdef Py_ssize_t deepest = ACROSS_DEPTH if FG_ACROSS_COLUMNS(min(r, most)) > 1 else NARROW_DEPTH
    cdef floating* edge = scratch + SKINNY * deepest
    cdef floating* sums = edge + (deepest + SKINNY) * 4 * FG_VECTOR // item
    cdef floating* out
    cdef const char* b
    while first < q:
        span = min(q - first, <Py_ssize_t>SPAN)
        out, out_row = (y + first, y_row) if y_col == 1 else (sums, span)
        k = 0
        while k < n:
            depth = min(n - k, deepest)
            i = 0
            while i < r:
                rows = (r - i) // ((r - i + most - 1) // most)      # tiles of nearly equal heights
                width = FG_ACROSS_COLUMNS(rows) * (FG_VECTOR // item)
                pack_skinny(s, i, rows, k, depth, scratch, 1, rows)
                j = 0
                while j < span:
                    b = large.x + k * large.row + (first + j) * item
                    there = min(span - j, width)
                    if there == width:
                        fg_across(item, rows, scratch, b, large.row, ACROSS_AHEAD * FG_VECTOR, depth,
                                  out + i * out_row + j, out_row, k > 0)
                    else:
                        across_edge(rows, scratch, b, large.row, depth, there, width, out + i * out_row + j, out_row,
                                    k > 0, edge)
                    j += width
                i += rows
            k += depth
        if y_col != 1:
            for j in range(span):
                for i in range(r):
                    y[i * y_row + (first + j) * y_col] = sums[i * span + j]
        first += span


cdef void across_edge(Py_ssize_t rows, const floating* a, const char* b, Py_ssize_t b_row, Py_ssize_t depth,
                      Py_ssize_t there, Py_ssize_t width, floating* y, Py_ssize_t y_row, bint add,
                      floating* edge) noexcept nogil:
    """`fg_across` for `there` columns, fewer than a tile has: `edge` has room for them, padded, and for the sums."""
    cdef Py_ssize_t item = sizeof(floating), t
    cdef floating* sums = edge + depth * width
    for t in range(depth):
        memset(edge + t * width + there, 0, (width - there) * item)
        memcpy(edge + t * width, b + t * b_row, there * item)
    if add:
        for t in range(rows):
            memcpy(sums + t * width, y + t * y_row, there * item)
    fg_across(item, rows, a, <const char*>edge, width * item, 0, depth, sums, width, add)
    for t in range(rows):
        memcpy(y + t * y_row, sums + t * width, there * item)


cdef void skinny_along(Py_ssize_t r, Py_ssize_t n, Py_ssize_t q, const Factor* s, const Factor* large, floating* y,
                       Py_ssize_t y_row, Py_ssize_t y_col, floating* scratch) noexcept nogil:
    """y[r, q] = s[r, n] @ large[n, q], where the columns of `large` are contiguous."""
    cdef Py_ssize_t item = sizeof(floating), lanes = FG_VECTOR // item, k = 0, i, j, depth, row, rows, columns
    while k < n:
        depth = min(n - k, <Py_ssize_t>ALONG_DEPTH)
        row = (depth + lanes - 1) // lanes * lanes
        memset(scratch, 0, r * row * item)
        pack_skinny(s, 0, r, k, depth, scratch, row, 1)
        j = 0
        while j < q:
            columns = min(q - j, FG_ALONG_COLUMNS)
            i = 0
            while i < r:
                rows = (r - i) // ((r - i + FG_ALONG_ROWS - 1) // FG_ALONG_ROWS)
                fg_along(item, rows, scratch + i * row, row, large.x + k * item + j * large.col, large.col, columns,
                         columns * large.col, depth, y + i * y_row + j * y_col, y_row, y_col, k > 0)
                i += rows
            j += columns
        k += depth


# Where this is faster than BLAS: OpenBLAS 0.3 on AMD EPYC (Zen 4), one thread, 2026-11-27, for AVX2 and AVX-512. With
# AVX-512 OpenBLAS does not pack up to 10^6 multiplications either, unless both factors are contiguous along the sum and
# the result has more than about 1,300 elements. Beyond, these kernels take 0.2 to 0.9 of the time. On a CPU without
# AVX-512 (OPENBLAS_CORETYPE=Haswell) it always packs.
cdef Py_ssize_t[2] blas_small = [BLAS_SMALL, BLAS_SMALL]    # multiplications up to which BLAS is faster, by KernelDType
if "avx512" not in instruction_sets():
    blas_small[<int>F64], blas_small[<int>F32] = 30000, 500000


cdef int skinny_side(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a,
                     const Factor* b) noexcept nogil:
    """Which length makes a product one for `skinny_product`: 1 for m, 2 for p, 3 for n. 0 where BLAS is the faster."""
    cdef Py_ssize_t item = item_bytes(kernel)
    if not FG_SKINNY_PRODUCT or n < 2:
        return 0
    cdef bint small = m * p <= blas_small[kernel] // n
    cdef bint long_sums = n >= (32 if FG_VECTOR == 64 else 512 // item)
    if 1 < m <= SKINNY <= p and long_sums and b.row == item and b.col != item and (m * p >= 1500 or not small):
        return 1
    if small:
        return 0
    if m > 1 and b.col == item and across_pays(m, n, p):
        return 1
    if p > 1 and long_sums and (across_pays(p, n, m) if a.row == item else p <= 14 and m >= SKINNY and a.col == item):
        return 2
    if n <= SKINNY and m > 1 and p >= 500 and b.col == item:
        return 3
    return 0


cdef inline bint across_pays(Py_ssize_t r, Py_ssize_t n, Py_ssize_t q) noexcept nogil:
    """Whether `skinny_across` pays: with two tiles of rows, the sums of the first must not leave the cache."""
    return r <= FG_ACROSS_ROWS and q >= 64 or FG_VECTOR == 64 and r <= SKINNY and n >= 512 and q >= 256


cdef inline Py_ssize_t skinny_scratch(int side, Py_ssize_t item, Py_ssize_t m, Py_ssize_t n) noexcept nogil:
    """Bytes for the packed factor, padded at the ends of sums, for the columns at an edge and for transposed sums."""
    cdef Py_ssize_t along = SKINNY * min(n + FG_VECTOR // item, <Py_ssize_t>ALONG_DEPTH) * item
    cdef Py_ssize_t sums = SKINNY * min(m, <Py_ssize_t>SPAN) if side == 2 else 0
    return max(along, (SKINNY * NARROW_DEPTH + sums) * item + (NARROW_DEPTH + SKINNY) * 4 * FG_VECTOR)


cdef void skinny_product(int side, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a, const Factor* b,
                         floating* y, floating* scratch) noexcept nogil:
    """C-contiguous `y[m, p] = a[m, n] @ b[n, p]`; `side` is from `skinny_side`."""
    cdef Py_ssize_t item = sizeof(floating)
    cdef Factor left, right
    if side == 2:       # y.T = b.T @ a.T
        left, right = factor(b.x, b.col, b.row), factor(a.x, a.col, a.row)
        if right.col == item:
            skinny_across(p, n, m, &left, &right, y, 1, p, FG_ACROSS_ROWS, scratch)
        else:
            skinny_along(p, n, m, &left, &right, y, 1, p, scratch)
    elif b.col == item:
        skinny_across(m, n, p, a, b, y, p, 1, 4 if side == 3 else FG_ACROSS_ROWS, scratch)
    else:
        skinny_along(m, n, p, a, b, y, p, 1, scratch)
