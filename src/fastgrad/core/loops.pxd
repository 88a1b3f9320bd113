# NumPy's inner loops, called on raw pointers: its SIMD and its BLAS without the cost of calling a ufunc.

from numpy cimport npy_intp
from fastgrad.core.layout cimport Layout
from fastgrad.core.workers cimport split_from

ctypedef char* address
ctypedef const Py_ssize_t* steps_t
ctypedef const Layout* layout_t
ctypedef void (*Loop)(char** args, const npy_intp* dims, const npy_intp* steps, void* data) noexcept nogil

cdef struct BoundLoop:      # a loop and its last argument
    Loop run
    void* data

cdef struct Helpers:        # loops that kernels call on blocks, one set per dtype
    BoundLoop exp, log, log1p, sin, cos, tanh
    BoundLoop sigmoid, softplus     # our own, or none
    BoundLoop add, multiply, power, maximum, minimum, matmul

cdef Helpers[2] helpers     # by KernelDType

cdef BoundLoop numpy_loop(str name, int kernel) except *

cdef inline void apply1(const BoundLoop* loop, const void* x, void* y, npy_intp n, npy_intp step) noexcept nogil:
    cdef address[2] args = [<char*>x, <char*>y]
    cdef npy_intp[2] steps = [step, step]
    if n > 0:
        loop.run(args, &n, steps, loop.data)

cdef inline void apply2(const BoundLoop* loop, const void* x1, npy_intp step1, const void* x2, npy_intp step2, void* y,
                        npy_intp n, npy_intp step) noexcept nogil:
    cdef address[3] args = [<char*>x1, <char*>x2, <char*>y]
    cdef npy_intp[3] steps = [step1, step2, step]
    if n > 0:
        loop.run(args, &n, steps, loop.data)

# Results far larger than the cache are computed block by block and written past it: an ordinary store first reads the
# line that it overwrites, a third of the traffic of a one-operand op. While a block is written, the next blocks of the
# operands are prefetched. At 10^7 float64, ns per element: negative 1.04 to 0.64, multiply 1.46 to 1.02, exp 1.25 to
# 1.00, tanh 1.95 to 1.69; at 2 10^6 there is no difference (2026-11-22, Sapphire Rapids, 2 MiB of L2). Without such
# stores, where FG_BYPASS is 0, blocks are copied where several kernels share them: their result may replace an operand.
cdef extern from *:
    """
    #define FG_STREAM 33554432      /* bytes of a result from which this pays */
    #if defined(__SSE2__) || defined(_M_X64)
    #include <emmintrin.h>
    #define FG_BYPASS 1
    /* y = x, both aligned to 16 bytes. Prefetches as many bytes at `next1` and `next2`, which may be NULL. */
    static inline void fg_stream(const char* x, char* y, size_t nbytes, const char* next1, const char* next2) {
        size_t i = 0;
        for (; i + 64 <= nbytes; i += 64) {
            if (next1 != NULL) _mm_prefetch(next1 + i, _MM_HINT_T0);
            if (next2 != NULL) _mm_prefetch(next2 + i, _MM_HINT_T0);
            _mm_stream_si128((__m128i*)(y + i), _mm_load_si128((const __m128i*)(x + i)));
            _mm_stream_si128((__m128i*)(y + i + 16), _mm_load_si128((const __m128i*)(x + i + 16)));
            _mm_stream_si128((__m128i*)(y + i + 32), _mm_load_si128((const __m128i*)(x + i + 32)));
            _mm_stream_si128((__m128i*)(y + i + 48), _mm_load_si128((const __m128i*)(x + i + 48)));
        }
        memcpy(y + i, x + i, nbytes - i);
    }
    #define fg_stream_end() _mm_sfence()
    #else
    #define FG_BYPASS 0
    #define fg_stream(x, y, nbytes, next1, next2) memcpy(y, x, nbytes)
    #define fg_stream_end() ((void)0)
    #endif
    """
    const Py_ssize_t FG_STREAM
    const bint FG_BYPASS
    void fg_stream(const char* x, char* y, size_t nbytes, const char* next1, const char* next2) noexcept nogil
    void fg_stream_end() noexcept nogil

cdef enum:
    STREAM_BLOCK = 2048     # bytes: stays in the first-level cache between the loop and memory

cdef void stream_loop(const BoundLoop* loop, int nin, const char* x1, npy_intp step1, const char* x2, npy_intp step2,
                      char* y, npy_intp n, npy_intp step) noexcept nogil
cdef void split_loop(const BoundLoop* loop, int nin, const char* x1, npy_intp step1, const char* x2, npy_intp step2,
                     char* y, npy_intp n, npy_intp step) noexcept nogil

cdef inline void fresh1(const BoundLoop* loop, const void* x, void* y, npy_intp n, npy_intp step) noexcept nogil:
    """As `apply1`, into a fresh block that overlaps no operand."""
    if n * step >= split_from:
        split_loop(loop, 1, <const char*>x, step, NULL, 0, <char*>y, n, step)
    elif FG_BYPASS and n * step >= FG_STREAM:
        stream_loop(loop, 1, <const char*>x, step, NULL, 0, <char*>y, n, step)
    else:
        apply1(loop, x, y, n, step)

cdef inline void fresh2(const BoundLoop* loop, const void* x1, npy_intp step1, const void* x2, npy_intp step2, void* y,
                        npy_intp n, npy_intp step) noexcept nogil:
    """As `apply2`, into a fresh block that overlaps no operand. Sums and products cost so little that more of them are
    needed before splitting pays."""
    if n * step >> 1 >= split_from:
        split_loop(loop, 2, <const char*>x1, step1, <const char*>x2, step2, <char*>y, n, step)
    elif FG_BYPASS and n * step >= FG_STREAM:
        stream_loop(loop, 2, <const char*>x1, step1, <const char*>x2, step2, <char*>y, n, step)
    else:
        apply2(loop, x1, step1, x2, step2, y, n, step)

cdef inline void broadcast_strides(const Layout* layout, const Layout* x, const Py_ssize_t* strides,
                                   Py_ssize_t* out) noexcept nogil:
    """`strides` of an array of the shape of `x`, broadcast to the shape of `layout`."""
    cdef int k, lead = layout.ndim - x.ndim
    for k in range(layout.ndim):
        out[k] = 0 if k < lead or x.shape[k - lead] == 1 else strides[k - lead]

cdef void walk(const BoundLoop* loop, int count, int ndim, const Py_ssize_t* shape, steps_t* strides,
               address* base, Py_ssize_t weight) noexcept nogil
cdef void broadcast_apply(const BoundLoop* loop, int nin, const Layout* out, char* y, address* x,
                          layout_t* layouts) noexcept nogil
cdef void copy_strided(int itemsize, const Layout* shape, const char* x, const Py_ssize_t* x_strides, char* y,
                       const Py_ssize_t* y_strides) noexcept nogil
cdef void add_strided(int kernel, const Layout* shape, const char* x, const Py_ssize_t* x_strides, char* y,
                      const Py_ssize_t* y_strides) noexcept nogil
