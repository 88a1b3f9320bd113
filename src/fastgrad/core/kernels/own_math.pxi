# Loops of our own for elementary functions, and where they are used: where NumPy's loops call the C library for each
# element, as most do on CPUs without AVX-512, and where NumPy's are slower even so. In float32, elements are computed
# in float64, and so are correctly rounded but for one in 10^8.

cdef extern from *:
    """
    #ifdef FG_OWN_MATH
    /* The last vector of n elements, with 1.0, of which no function is far, after the end. Made in registers: a load
       after shorter stores would wait for them. */
    #define FG_NTH(type, i) ((i) < n ? (double)*(const type*)(x + (i) * sx) : 1.0)
    #if FG_WIDTH == 64
    #define FG_LAST(type) ((fg_v){FG_NTH(type, 0), FG_NTH(type, 1), FG_NTH(type, 2), FG_NTH(type, 3),           \\
                                  FG_NTH(type, 4), FG_NTH(type, 5), FG_NTH(type, 6), FG_NTH(type, 7)})
    #elif FG_WIDTH == 32
    #define FG_LAST(type) ((fg_v){FG_NTH(type, 0), FG_NTH(type, 1), FG_NTH(type, 2), FG_NTH(type, 3)})
    #else
    #define FG_LAST(type) ((fg_v){FG_NTH(type, 0), FG_NTH(type, 1)})
    #endif

    /* Loops as NumPy's; `run` is a function for vectors. Operands may be strided, or the result themselves. */
    static void fg_own_f64(char** args, const npy_intp* dims, const npy_intp* steps, void* run) {
        double b[64];
        const char* x = args[0];
        char* y = args[1];
        npy_intp n = dims[0], m, i, sx = steps[0], sy = steps[1];
        if (sx == 8 && sy == 8 && n >= FG_DOUBLES) {
            const fg_v last = *(const fg_v*)(x + n * 8 - FG_WIDTH);     /* before it is overwritten */
            ((fg_vectors)run)((const double*)x, (double*)y, n / FG_DOUBLES);
            if (n & (FG_DOUBLES - 1)) {       /* overlaps the one before, where it gives the same */
                *(fg_v*)b = last;
                ((fg_vectors)run)(b, (double*)(y + n * 8 - FG_WIDTH), 1);
            }
            return;
        }
        for (; n > 0; n -= m, x += m * sx, y += m * sy) {
            m = n < 64 ? n : 64;
            if (n <= FG_DOUBLES) *(fg_v*)b = FG_LAST(double);
            else {
                *(fg_v*)(b + ((m - 1) & -FG_DOUBLES)) = FG_ALL(1.0);
                for (i = 0; i < m; i++) b[i] = *(const double*)(x + i * sx);
            }
            ((fg_vectors)run)(b, b, (m + FG_DOUBLES - 1) / FG_DOUBLES);
            for (i = 0; i < m; i++) *(double*)(y + i * sy) = b[i];
        }
    }
    static void fg_own_f32(char** args, const npy_intp* dims, const npy_intp* steps, void* run) {
        double b[64];
        const char* x = args[0];
        char* y = args[1];
        npy_intp n, m, i, sx = steps[0], sy = steps[1];
        for (n = dims[0]; n > 0; n -= m, x += m * sx, y += m * sy) {
            m = n < 64 ? n : 64;
            if (n <= FG_DOUBLES) *(fg_v*)b = FG_LAST(float);
            else {
                *(fg_v*)(b + ((m - 1) & -FG_DOUBLES)) = FG_ALL(1.0);
                if (sx == 4) for (i = 0; i < m; i++) b[i] = ((const float*)x)[i];
                else for (i = 0; i < m; i++) b[i] = *(const float*)(x + i * sx);
            }
            ((fg_vectors)run)(b, b, (m + FG_DOUBLES - 1) / FG_DOUBLES);
            if (sy == 4) for (i = 0; i < m; i++) ((float*)y)[i] = (float)b[i];
            else for (i = 0; i < m; i++) *(float*)(y + i * sy) = (float)b[i];
        }
    }
    /* `m` elements of an operand, and 1.0 up to the end of a vector. */
    FG_INLINE const double* fg_own_block(const char* x, npy_intp sx, npy_intp m, double* b) {
        npy_intp i;
        if (sx == 8 && !(m & (FG_DOUBLES - 1))) return (const double*)x;
        *(fg_v*)(b + ((m - 1) & -FG_DOUBLES)) = FG_ALL(1.0);
        for (i = 0; i < m; i++) b[i] = *(const double*)(x + i * sx);
        return b;
    }
    /* The same for the two operands of power. As in NumPy's loop, one easy exponent means the other op, which gives
       the root of -0.0 and -infinity. */
    static void fg_own_pairs(char** args, const npy_intp* dims, const npy_intp* steps, void* run) {
        double b1[64], b2[64], out[64];
        const double *x1, *x2 = NULL;
        npy_intp at, i, m, n = dims[0], held = 0;
        if (n && steps[1] == 0 && FG_IS_EASY(*(const double*)args[1])) {
            const double e = *(const double*)args[1];
            for (i = 0; i < n; i++)
                *(double*)(args[2] + i * steps[2]) = fg_easy_power(*(const double*)(args[0] + i * steps[0]), e);
            return;
        }
        for (at = 0; at < n; at += m) {
            char* y = args[2] + at * steps[2];
            m = n - at < 64 ? n - at : 64;
            x1 = fg_own_block(args[0] + at * steps[0], steps[0], m, b1);
            if (steps[1] != 0 || m != held) x2 = fg_own_block(args[1] + at * steps[1], steps[1], m, b2);
            held = m;
            ((fg_pairs)run)(x1, x2, out, (m + FG_DOUBLES - 1) / FG_DOUBLES);
            for (i = 0; i < m; i++) *(double*)(y + i * steps[2]) = out[i];
        }
    }
    static void fg_turn_tables(void) {
        static int turned = 0;      /* where the module is executed twice */
        if (turned) return;
        turned = 1;
        fg_turn_rows(fg_tanh_rows);
        fg_turn_rows(fg_erf_rows);
        fg_turn_power_rows();
    }
    /* The function for vectors of that name, or NULL if there is none. */
    static void* fg_own_run(const char* name) {
        static const struct { const char* name; fg_vectors run; } rows[] = {
            {"exp", fg_exp_vectors}, {"exp2", fg_exp2_vectors}, {"expm1", fg_expm1_vectors},
            {"log", fg_log_vectors}, {"log2", fg_log2_vectors}, {"log10", fg_log10_vectors},
            {"log1p", fg_log1p_vectors}, {"tanh", fg_tanh_vectors}, {"sigmoid", fg_sigmoid_vectors},
            {"softplus", fg_softplus_vectors}, {"sin", fg_sin_vectors}, {"cos", fg_cos_vectors},
            {"erf", fg_erf_vectors}, {"power", (fg_vectors)fg_power_vectors},
        };
        size_t i;
        for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            if (strcmp(rows[i].name, name) == 0) return (void*)rows[i].run;
        return NULL;
    }
    #else       /* without vectors in C, as MSVC's, NumPy's loops remain */
    static void* fg_own_run(const char* name) { return (void)name, NULL; }
    #define fg_own_f64 NULL
    #define fg_own_f32 NULL
    #define fg_own_pairs NULL
    #define fg_turn_tables()
    #endif
    """
    void fg_turn_tables()
    void* fg_own_run(const char* name)
    void fg_own_f64(char** args, const npy_intp* dims, const npy_intp* steps, void* run) noexcept nogil
    void fg_own_f32(char** args, const npy_intp* dims, const npy_intp* steps, void* run) noexcept nogil
    void fg_own_pairs(char** args, const npy_intp* dims, const npy_intp* steps, void* run) noexcept nogil


cdef int use_own(str name, int op, int dtype, BoundLoop* helper, bint always) except -1:
    """Take a loop of our own in place of NumPy's, in the row of the op and where kernels call it as `helper`. Unless
    `always`, only where NumPy has no AVX-512: that is known without timing, so that results do not vary. With AVX-512,
    per element, expm1 takes 1.2 ns (NumPy: 1.7), sin and cos 1.8 (8.4), erf 1.5 (libm: 6.7), but tanh 1.8 (1.6),
    power 3.2 (2.2)."""
    cdef BoundLoop loop
    loop.run = <Loop>fg_own_pairs if kernels[op].nin == 2 else <Loop>fg_own_f64 if dtype == F64 else <Loop>fg_own_f32
    loop.data = fg_own_run(name.encode())
    if loop.data == NULL or not own_loops_allowed or (numpy_is_wide and not always):
        return 0
    if helper != NULL:
        helper[0] = loop
    else:
        kernels[op].own[dtype] = NULL
    if kernels[op].own[dtype] == NULL:      # otherwise it calls the helper
        kernels[op].loop[dtype] = loop
    letter = "d" if dtype == F64 else "f"
    own_loops[f"{name}:{letter * kernels[op].nin}->{letter}"] = None
    return 0


cdef int fill_own() except -1:
    """The loops of our own. In float32, NumPy has fast ones for the others with AVX2: per element, sin and cos take
    1.2 ns, power 4.2 (ours: 5.0)."""
    fg_turn_tables()
    use_own("exp", EXP, F64, &helpers[<int>F64].exp, False)
    use_own("log", LOG, F64, &helpers[<int>F64].log, False)
    use_own("log1p", LOG1P, F64, &helpers[<int>F64].log1p, False)
    use_own("log1p", LOG1P, F32, &helpers[<int>F32].log1p, False)
    use_own("tanh", TANH, F64, &helpers[<int>F64].tanh, False)
    use_own("sin", SIN, F64, &helpers[<int>F64].sin, True)
    use_own("cos", COS, F64, &helpers[<int>F64].cos, True)
    use_own("sigmoid", SIGMOID, F64, &helpers[<int>F64].sigmoid, False)
    use_own("softplus", SOFTPLUS, F64, &helpers[<int>F64].softplus, False)
    use_own("power", POWER, F64, &helpers[<int>F64].power, False)
    use_own("expm1", EXPM1, F64, NULL, True)
    use_own("expm1", EXPM1, F32, NULL, False)
    for dtype in (F64, F32):
        use_own("erf", ERF, dtype, NULL, True)
        use_own("exp2", EXP2, dtype, NULL, False)
        use_own("log2", LOG2, dtype, NULL, False)
        use_own("log10", LOG10, dtype, NULL, False)
    return 0
