# x to the power e, as exp(e log(x)). The logarithm has 66 digits, since the exponential magnifies its error up to 700
# times: those of a table (Tang, Table-driven implementation of the logarithm function, 1990) and a polynomial in the
# small rest. The polynomial is a minimax one of our own, from a Remez exchange in 45 digits.

cdef extern from *:
    """
    #ifdef FG_OWN_MATH
    #define FG_POWER_FIRST 0x3fe6400000000000u      /* 1 - 19.5 / 64; 32 rows from here to its double */
    /* Rows 1/c of 13 bits, and log(c) in two parts, of which the first is a multiple of 2**-42; |x/c - 1| <= 1/64. One
       row has 1 in its middle. */
    static double fg_power_rows[32][4] __attribute__((aligned(64))) = {
        {1.422119140625, -0.3521481117145413, -1.6300598540253155e-14, 0},
        {1.391357421875, -0.33027983311558273, -7.311533218756948e-14, 0},
        {1.36181640625, -0.3088194014680994, 8.836369091602878e-15, 0},
        {1.333251953125, -0.28762103543272133, -8.865540678903893e-14, 0},
        {1.30615234375, -0.2670856731706408, -6.771620697839476e-14, 0},
        {1.280029296875, -0.24688296585327407, 8.500177928536635e-14, 0},
        {1.2548828125, -0.22704219172987905, 1.1971618944343003e-14, 0},
        {1.230712890625, -0.20759358736336253, 7.540094349934923e-14, 0},
        {1.20751953125, -0.1885682813619951, -2.269656007844022e-14, 0},
        {1.185302734375, -0.16999821400600013, -8.144718930090761e-14, 0},
        {1.16357421875, -0.1514964909392802, -6.352639387200413e-14, 0},
        {1.142822265625, -0.13350087458070448, -2.2385616359881744e-14, 0},
        {1.122802734375, -0.11582800082055655, -2.3550318412021947e-14, 0},
        {1.103515625, -0.0985011061068235, -1.0965899689943145e-13, 0},
        {1.084716796875, -0.08131893621657582, 1.1060272846338487e-14, 0},
        {1.066650390625, -0.06452326223211458, 2.2409859490436093e-14, 0},
        {1.049072265625, -0.0479062170556972, 4.580258056441381e-14, 0},
        {1.0322265625, -0.03171818027067275, -1.117930281017946e-13, 0},
        {1.015869140625, -0.01574454226351918, -7.838853005504598e-14, 0},
        {1.0, 0, 0, 0},
        {0.9697265625, 0.030741141554244678, 3.582445626958196e-14, 0},
        {0.941162109375, 0.0606398807219648, -5.095195494573895e-14, 0},
        {0.914306640625, 0.08958927076810141, -7.755443647458838e-14, 0},
        {0.888916015625, 0.11775251854396629, -5.6020983784311775e-14, 0},
        {0.86474609375, 0.14531934837646077, 1.0409731215117122e-13, 0},
        {0.842041015625, 0.17192655378244126, 6.154581139106013e-14, 0},
        {0.820556640625, 0.1977723389941275, 1.1055606065210447e-13, 0},
        {0.800048828125, 0.22308251802041923, 1.0988795372777006e-13, 0},
        {0.780517578125, 0.2477980176595338, -3.153298487095793e-14, 0},
        {0.761962890625, 0.27185742444862626, -6.197819907608269e-14, 0},
        {0.744140625, 0.29552524991277096, 3.586053092023274e-14, 0},
        {0.727294921875, 0.31842321400608853, -2.709911762049999e-14, 0}
    };
    #if FG_WIDTH == 64
    static double fg_power_columns[4][32] __attribute__((aligned(64)));
    static void fg_turn_power_rows(void) {
        int i;
        for (i = 0; i < 128; i++) fg_power_columns[i % 4][i / 4] = fg_power_rows[i / 4][i % 4];
    }
    FG_INLINE fg_v fg_power_column(int k, fg_u row) {
        const __m512d* t = (const __m512d*)fg_power_columns[k];
        return (fg_v)_mm512_mask_blend_pd(_mm512_test_epi64_mask((__m512i)row, _mm512_set1_epi64(16)),
                                          _mm512_permutex2var_pd(t[0], (__m512i)row, t[1]),
                                          _mm512_permutex2var_pd(t[2], (__m512i)row, t[3]));
    }
    #define FG_POWER_COLUMNS                                                                                \\
        const fg_u row = *(const fg_u*)rows;                                                                \\
        const fg_v inverse = fg_power_column(0, row), log_hi = fg_power_column(1, row),                     \\
                   log_lo = fg_power_column(2, row)
    #else
    #define fg_turn_power_rows()
    #define FG_POWER_COLUMNS                                                                                \\
        FG_FIND_ROWS(fg_power_rows, rows);                                                                  \\
        FG_COLUMNS(fg_power_rows, 0, inverse, log_hi);                                                      \\
        FG_COLUMNS(fg_power_rows, 2, log_lo, unused);                                                       \\
        (void)unused
    #endif
    /* exp(x + x_lo) for |x| <= 708 */
    FG_INLINE fg_v fg_exp_sum(fg_v x, fg_v x_lo) {
        fg_v t = x * 1.4426950408889634 + FG_INTEGER, k = t - FG_INTEGER;
        fg_v hi = fg_fused(k, FG_ALL(-FG_LN2_HI), x), lo = k * FG_LN2_LO - x_lo;
        fg_v y = 1.0 + (hi + (fg_exp_tail(hi - lo) - lo));
        return (fg_v)((fg_u)y + ((fg_u)t << 52));
    }
    FG_INLINE fg_u fg_power_row(fg_v x) { return (((fg_u)fg_abs(x) - FG_POWER_FIRST) >> 47) & 31; }

    /* |x|**e. `far` becomes negative where that is none, or not within the range of normal numbers. */
    FG_INLINE fg_v fg_power(fg_v x, fg_v e, const uint64_t* rows, fg_u* far) {
        FG_POWER_COLUMNS;
        const fg_u bits = (fg_u)fg_abs(x), size = (fg_u)e & ~FG_SIGN, up = bits + (FG_ONE - FG_POWER_FIRST);
        const fg_v k = (fg_v)((up >> 52) | 0x4330000000000000u) - (4503599627370496.0 + 1023.0);
        const fg_v m = (fg_v)((up & 0x000fffffffffffffu) + FG_POWER_FIRST);
        /* r + r_lo = m / c - 1, where both products are exact */
        const fg_v m_first = (fg_v)((fg_u)m & FG_UPPER), a = fg_fused(m_first, inverse, FG_ALL(-1.0));
        const fg_v b = (m - m_first) * inverse, r = a + b, r_lo = (a - r) + b;
        /* log(x) = k ln 2 + log(c) + r - r**2 / 2 + ...: the largest terms are added without loss */
        const fg_v r_first = (fg_v)((fg_u)r & FG_UPPER), half = -0.5 * r_first, r2 = r * r, r4 = r2 * r2;
        const fg_v whole = fg_fused(k, FG_ALL(FG_LN2_HI), log_hi);
        const fg_v s = whole + r, s_lost = (whole - s) + r;
        const fg_v t = fg_fused(half, r_first, s), t_lost = fg_fused(half, r_first, s - t);
        /* (log(1 + r) - r + r**2 / 2) / r**3 for |r| <= 0.0158: 2.8e-18 */
        const fg_v q = ((0.3333333333333333 + -0.24999999999999997 * r)
                        + r2 * (0.20000000000035376 + -0.16666666666755844 * r))
                       + r4 * ((0.14285713577239198 + -0.12499998895900243 * r)
                               + r2 * (0.11115651398811728 + -0.10005202670104615 * r));
        const fg_v square = 0.5 * (r - r_first) * (r + r_first) + r * r_lo;
        const fg_v small = ((s_lost + t_lost) + (k * FG_LN2_LO + log_lo)) + ((r_lo - square) + r * r2 * q);
        /* times e, where the product of the first digits is exact */
        const fg_v log_x = (fg_v)((fg_u)(t + small) & FG_UPPER), e_first = (fg_v)((fg_u)e & FG_UPPER);
        const fg_v p = e_first * log_x, p_lo = (e - e_first) * log_x + e * ((t - log_x) + small);
        *far = (bits - 0x0010000000000000u) | (0x7fefffffffffffffu - bits)     /* x normal */
                | (0x4130000000000000u - size)                                  /* |e| <= 2**20 */
                | (0x4086200000000000u - ((fg_u)p & ~FG_SIGN));                 /* |p| <= 708 */
        return fg_exp_sum(p, p_lo);
    }
    /* The sign where x is negative: none for even e, NaN for e that are no integers. |e| <= 2**20 */
    FG_INLINE fg_v fg_power_signed(fg_v y, fg_v x, fg_v e) {
        const fg_v size = fg_abs(e), sum = size + 4503599627370496.0;   /* ends in the bits of the nearest integer */
        const fg_u below = (fg_u)(x < 0.0), integer = (fg_u)(sum - 4503599627370496.0 == size);
        return fg_pick(below & ~integer, FG_ALL(NAN), (fg_v)((fg_u)y ^ (below & ((fg_u)sum << 63))));
    }

    #define FG_IS_EASY(e) FG_EASY_POWER(e, 1, 1, 1, 0)
    FG_INLINE double fg_easy_power(double x, double e) { return FG_EASY_POWER(e, x * x, sqrt(x), 1.0 / x, NAN); }

    /* y = x**e for a number of vectors. What is far is computed by the C library. */
    static void fg_power_vectors(const double* x, const double* e, double* y, npy_intp count) {
        uint64_t rows[16 * FG_DOUBLES], far[16 * FG_DOUBLES];
        double out[16 * FG_DOUBLES];
        npy_intp i, m;
        for (; count > 0; count -= m, x += m * FG_DOUBLES, e += m * FG_DOUBLES, y += m * FG_DOUBLES) {
            const fg_v *xs = (const fg_v*)x, *es = (const fg_v*)e;
            fg_v* outs = (fg_v*)out;
            fg_u any_far = {0}, sign = {0};
            uint64_t easy = 0;
            m = count < 16 ? count : 16;
            for (i = 0; i < m; i++) {
                ((fg_u*)rows)[i] = fg_power_row(xs[i]);
                sign |= (fg_u)xs[i];
            }
            for (i = 0; i < m * FG_DOUBLES; i++) easy |= FG_IS_EASY(e[i]);
            for (i = 0; i < m; i++) {
                outs[i] = fg_power(xs[i], es[i], rows + i * FG_DOUBLES, (fg_u*)far + i);
                any_far |= ((fg_u*)far)[i];
            }
            if (fg_any_negative(sign))
                for (i = 0; i < m; i++) outs[i] = fg_power_signed(outs[i], xs[i], es[i]);
            if (fg_any_negative(any_far))
                for (i = 0; i < m * FG_DOUBLES; i++)
                    if ((int64_t)far[i] < 0) out[i] = pow(x[i], e[i]);
            if (easy)   /* the same bits as for constants, but for the roots of -0.0 and -infinity */
                for (i = 0; i < m * FG_DOUBLES; i++)
                    if (FG_IS_EASY(e[i]) && x[i] != -INFINITY) out[i] = fg_easy_power(x[i], e[i]) + 0.0;
            memcpy(y, out, m * FG_WIDTH);
        }
    }
    #endif
    """
