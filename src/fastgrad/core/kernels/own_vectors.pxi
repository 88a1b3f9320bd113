# Vectors as wide as the instruction set, for the elementary functions of our own in own_exp.pxi and the files after it.
# Loops that compilers vectorize took 1.4 times as long.
#
# Each lane takes the same steps and none depends on its neighbours; products and sums are rounded one by one
# (-ffp-contract=off, and no call of fma), and division is correctly rounded everywhere. So the value of an element is
# the same, bit for bit, with SSE2, AVX2, AVX-512 and NEON. Arguments near the ends of the domain, infinities and NaN
# are `far`: a block that has one takes more steps, which give the same values where both are valid.

cdef extern from *:
    """
    #include <math.h>
    #include <stdint.h>
    #if defined(__GNUC__) && (defined(__SSE2__) || defined(__aarch64__))
    #define FG_OWN_MATH 1
    #ifdef __SSE2__
    #include <immintrin.h>
    #endif
    #if defined(__AVX512F__)
    #define FG_WIDTH 64
    #elif defined(__AVX2__)
    #define FG_WIDTH 32
    #else
    #define FG_WIDTH 16
    #endif
    #define FG_DOUBLES (FG_WIDTH / 8)
    #define FG_INLINE static inline __attribute__((always_inline))
    typedef double fg_v __attribute__((vector_size(FG_WIDTH), aligned(8), may_alias));
    typedef uint64_t fg_u __attribute__((vector_size(FG_WIDTH), aligned(8), may_alias));

    #define FG_ALL(c) ((c) - (fg_v){0})
    #define FG_INTEGER 6755399441055744.0           /* 1.5 * 2**52: the sum ends in the bits of the nearest integer */
    #define FG_SIGN 0x8000000000000000u
    #define FG_ONE 0x3ff0000000000000u
    #define FG_UPPER 0xfffffffff8000000u            /* the first 26 digits of a number, whose products are exact */

    FG_INLINE fg_v fg_pick(fg_u mask, fg_v a, fg_v b) { return (fg_v)(((fg_u)a & mask) | ((fg_u)b & ~mask)); }
    FG_INLINE fg_v fg_abs(fg_v x) { return (fg_v)((fg_u)x & ~FG_SIGN); }
    FG_INLINE fg_v fg_with_sign(fg_v y, fg_v x) { return (fg_v)(((fg_u)y & ~FG_SIGN) | ((fg_u)x & FG_SIGN)); }

    /* a b + c, where the product is exact, so that it may be fused. */
    FG_INLINE fg_v fg_fused(fg_v a, fg_v b, fg_v c) {
    #if defined(__AVX512F__)
        return (fg_v)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
    #elif defined(__FMA__) && FG_WIDTH == 32
        return (fg_v)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
    #else
        return a * b + c;
    #endif
    }

    /* (n + n_lo) / (d + d_lo) with one rounding, but for the last bits: the quotient of the first digits has an exact
       remainder. */
    FG_INLINE fg_v fg_divide(fg_v n, fg_v n_lo, fg_v d, fg_v d_lo) {
        fg_v inverse = 1.0 / d, q = (fg_v)((fg_u)(n * inverse) & FG_UPPER), first = (fg_v)((fg_u)d & FG_UPPER);
        return q + ((fg_fused(-q, first, n) - q * ((d - first) + d_lo)) + n_lo) * inverse;
    }

    FG_INLINE int fg_any_negative(fg_u a) {
    #if defined(__AVX512F__)
        return _mm512_movepi64_mask((__m512i)a) != 0;
    #elif defined(__AVX2__)
        return _mm256_movemask_pd((__m256d)a) != 0;
    #elif defined(__SSE2__)
        return _mm_movemask_pd((__m128d)a) != 0;
    #else
        return (int64_t)(a[0] | a[1]) < 0;
    #endif
    }
    /* y = f(x) for a number of vectors: a function for the loops below. */
    typedef void (*fg_vectors)(const double* x, double* y, npy_intp count);
    typedef void (*fg_pairs)(const double* x1, const double* x2, double* y, npy_intp count);
    #define FG_EACH_VECTOR(f, count) for (i = 0; i < (count); i++) ((fg_v*)y)[i] = f(((const fg_v*)x)[i])
    #define FG_VECTORS(f)                                                                                   \\
        static void f##_vectors(const double* x, double* y, npy_intp count) {                               \\
            npy_intp i;                                                                                     \\
            FG_EACH_VECTOR(f, count);                                                                       \\
        }
    #define FG_VECTORS_FAR(f, is_far)                                                                       \\
        static void f##_vectors(const double* x, double* y, npy_intp count) {                               \\
            npy_intp i, m;                                                                                  \\
            for (; count > 0; count -= m) {                                                                 \\
                fg_u far = {0};                                                                             \\
                m = count < 16 ? count : 16;                                                                \\
                for (i = 0; i < m; i++) far |= is_far(((const fg_u*)x)[i]);                                 \\
                if (fg_any_negative(far)) FG_EACH_VECTOR(f##_far, m);                                       \\
                else FG_EACH_VECTOR(f, m);                                                                  \\
                x += m * FG_DOUBLES;                                                                          \\
                y += m * FG_DOUBLES;                                                                          \\
            }                                                                                               \\
        }
    #endif
    """
