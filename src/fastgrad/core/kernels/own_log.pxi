# log, log2, log10 and log1p; softplus, which has an exponential in it. The polynomial is a minimax one of our own, from
# a Remez exchange in 60 digits.

cdef extern from *:
    """
    #ifdef FG_OWN_MATH
    /* log(x 2**-scale) + small for x = m 2**k, sqrt(1/2) <= m < sqrt(2). With f = m - 1 and s = f / (2 + f),
       log(1 + f) = 2 artanh(s) = f - (f**2 / 2 - rest), where f is exact and added last (the form of FreeBSD's
       e_log.c). */
    #define FG_LOG_PARTS(x)                                                                                 \\
        fg_u bits = (fg_u)(x) + (FG_ONE - 0x3fe6a09e00000000u);                                             \\
        fg_v k = (fg_v)((bits >> 52) | 0x4330000000000000u) - (4503599627370496.0 + 1023.0);                \\
        fg_v f = (fg_v)((bits & 0x000fffffffffffffu) + 0x3fe6a09e00000000u) - 1.0, half = 0.5 * f * f
    /* rest = s (f**2 / 2 + R), R = 2 artanh(s) / s - 2 for s**2 <= 0.0295: 2.5e-19 of the logarithm */
    FG_INLINE fg_v fg_log_rest(fg_v f, fg_v half) {
        fg_v s = f / (2.0 + f), z = s * s, w = z * z;
        fg_v even = 0.6666666666666811 + (0.2857142881966686 * w
                    + w * w * (0.1818389729546771 + 0.14869631778197373 * w));
        fg_v odd = 0.3999999999900869 + (0.2222219152872629 * w + w * w * 0.1530617645756441);
        return s * (half + z * (even + z * odd));
    }
    FG_INLINE fg_v fg_log_plus(fg_v x, fg_v scale, fg_v small) {
        FG_LOG_PARTS(x);
        k -= scale;
        return fg_fused(k, FG_ALL(FG_LN2_HI), f - (half - (fg_log_rest(f, half) + (k * FG_LN2_LO + small))));
    }
    /* k times (k_hi + k_lo) + log(m) times (c_hi + c_lo), where the products of the first digits are exact */
    FG_INLINE fg_v fg_log_in(fg_v x, fg_v scale, double k_hi, double k_lo, double c_hi, double c_lo) {
        FG_LOG_PARTS(x);
        fg_v hi = (fg_v)((fg_u)(f - half) & FG_UPPER), lo = ((f - hi) - half) + fg_log_rest(f, half);
        fg_v a, b = hi * c_hi, u;
        k -= scale;
        a = k * k_hi;
        u = a + b;
        return u + (((a - u) + b) + ((lo + hi) * c_lo + lo * c_hi + k * k_lo));
    }
    FG_INLINE fg_v fg_log_scaled(fg_v x, fg_v scale) { return fg_log_plus(x, scale, FG_ALL(-0.0)); }
    FG_INLINE fg_v fg_log2_scaled(fg_v x, fg_v scale) {
        return fg_log_in(x, scale, 1.0, 0.0, 1.4426950365304947, 4.3584687174185184e-09);
    }
    FG_INLINE fg_v fg_log10_scaled(fg_v x, fg_v scale) {
        return fg_log_in(x, scale, 0.3010299956658855, -1.9043128467164274e-12,
                         0.434294480830431, 1.0728208431540585e-09);
    }
    FG_INLINE fg_v fg_log_poles(fg_v y, fg_v x, fg_v zero) {
        y = fg_pick((fg_u)(x < INFINITY), y, x);            /* infinity and NaN */
        y = fg_pick((fg_u)(zero == 0.0), FG_ALL(-INFINITY), y);
        return fg_pick((fg_u)(zero < 0.0), FG_ALL(NAN), y);
    }
    #define FG_LOG(name)                                                                                    \\
        FG_INLINE fg_v name(fg_v x) { return name##_scaled(x, FG_ALL(0.0)); }                               \\
        FG_INLINE fg_v name##_far(fg_v x) {                                                                 \\
            fg_u tiny = (fg_u)(x < 2.2250738585072014e-308);    /* subnormal */                             \\
            fg_v scale = fg_pick(tiny, FG_ALL(54.0), FG_ALL(0.0));                                          \\
            return fg_log_poles(name##_scaled(fg_pick(tiny, x * 18014398509481984.0, x), scale), x, x);     \\
        }
    FG_LOG(fg_log)
    FG_LOG(fg_log2)
    FG_LOG(fg_log10)
    /* Negative where x is not positive, normal and finite. */
    FG_INLINE fg_u fg_log_is_far(fg_u x) { return (x - 0x0010000000000000u) | (0x7fefffffffffffffu - x); }

    /* log(u) + c / u, where u is 1 + x rounded and c is what the rounding lost. */
    FG_INLINE fg_v fg_log1p(fg_v x) {
        fg_v u = 1.0 + x, c = fg_pick((fg_u)(x >= 1.0), 1.0 - (u - x), x - (u - 1.0));
        return fg_with_sign(fg_log_plus(u, FG_ALL(0.0), c / u), x);     /* the sign of -0 */
    }
    FG_INLINE fg_v fg_log1p_far(fg_v x) { return fg_log_poles(fg_log1p(x), x, 1.0 + x); }
    /* Negative where x <= -1 or x is not finite. */
    FG_INLINE fg_u fg_log1p_is_far(fg_u x) {
        return ((FG_ONE - 1 - (x & ~FG_SIGN)) & x) | (0x7fefffffffffffffu - (x & ~FG_SIGN));
    }

    /* The sum of two, and what it lost by rounding. */
    #define FG_SUM(sum, lost, a, b)                                                                         \\
        fg_v sum = (a) + (b), sum##_b = sum - (a), lost = ((a) - (sum - sum##_b)) + ((b) - sum##_b)
    /* base + log(x) + small, where the largest parts are added without loss */
    FG_INLINE fg_v fg_log_added(fg_v base, fg_v x, fg_v small) {
        FG_LOG_PARTS(x);
        fg_v part = k * FG_LN2_HI;
        FG_SUM(s, s_lost, base, part);
        FG_SUM(y, y_lost, s, f);
        return y + ((((fg_log_rest(f, half) + (k * FG_LN2_LO + small)) - half) + y_lost) + s_lost);
    }
    /* max(x, 0) + log1p(exp(-|x|)) */
    FG_INLINE fg_v fg_softplus(fg_v x) {
        fg_v below = -fg_abs(x);
        FG_EXP_PARTS(below);
        fg_v u = 1.0 + z, c = (z - (u - 1.0)) + z_lo;
        fg_v base = fg_pick((fg_u)(x > 0.0), x, FG_ALL(0.0));
        return fg_pick((fg_u)(z < 1e-12), base + (z + (z_lo - 0.5 * z * z)), fg_log_added(base, u, c / u));
    }
    FG_INLINE fg_v fg_softplus_far(fg_v x) {
        fg_v y = fg_softplus(fg_pick((fg_u)(fg_abs(x) <= 650.0), x, FG_ALL(40.0)));
        return fg_pick((fg_u)(fg_abs(x) <= 650.0), y, fg_pick((fg_u)(x > 0.0), x, fg_exp_far(x)));
    }

    FG_VECTORS_FAR(fg_log, fg_log_is_far)
    FG_VECTORS_FAR(fg_log2, fg_log_is_far)
    FG_VECTORS_FAR(fg_log10, fg_log_is_far)
    FG_VECTORS_FAR(fg_log1p, fg_log1p_is_far)
    FG_VECTORS_FAR(fg_softplus, fg_exp_parts_is_far)
    #endif
    """
