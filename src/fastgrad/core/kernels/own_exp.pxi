# exp, expm1, exp2, and sigmoid, which is made of exponentials alone.
#
# Polynomials are minimax ones of our own, from a Remez exchange in 60 digits; each line says of what, and its error.

cdef extern from *:
    """
    #ifdef FG_OWN_MATH
    #define FG_LN2_HI 0.6931471803691238            /* 32 bits: its product with an exponent is exact */
    #define FG_LN2_LO 1.9082149292705877e-10

    /* x = k ln 2 + r in two parts (Cody and Waite, Software Manual for the Elementary Functions, 1980): r = hi - lo,
       and hi is exact. The last bits of t are those of the integer k. */
    #define FG_REDUCE(x)                                                                                    \\
        fg_v t = (x) * 1.4426950408889634 + FG_INTEGER, k = t - FG_INTEGER;                                 \\
        fg_v hi = fg_fused(k, FG_ALL(-FG_LN2_HI), (x)), lo = k * FG_LN2_LO, r = hi - lo
    #define FG_POWER_OF_2(t) ((fg_v)(((fg_u)(t) << 52) + FG_ONE))

    /* (exp(r) - 1 - r) / r**2 - 1/2 for |r| <= ln 2 / 2: 5.4e-20 of exp(r) */
    FG_INLINE fg_v fg_exp_cubic(fg_v r, fg_v r2) {
        fg_v r4 = r2 * r2;
        fg_v even = 0.04166666666666673 * r2 + r4 * ((0.0013888888888858562 + 2.4801587353773277e-05 * r2)
                    + r4 * (2.7557233490907427e-07 + 2.0926909485634628e-09 * r2));
        fg_v odd = (0.16666666666666685 + 0.008333333333316685 * r2) + r4 * ((0.00019841269897193697
                   + 2.7557234099843114e-06 * r2) + r4 * 2.5112288305109906e-08);
        return even + r * odd;
    }
    FG_INLINE fg_v fg_exp_tail(fg_v r) {
        fg_v r2 = r * r, r4 = r2 * r2;
        fg_v first = (0.5 + 0.16666666666666685 * r) + r2 * (0.04166666666666673 + 0.008333333333316685 * r);
        fg_v rest = ((0.0013888888888858562 + 0.00019841269897193697 * r)
                    + r2 * (2.4801587353773277e-05 + 2.7557234099843114e-06 * r))
                    + r4 * ((2.7557233490907427e-07 + 2.5112288305109906e-08 * r) + 2.0926909485634628e-09 * r2);
        return r2 * first + r2 * r4 * rest;
    }
    /* The same, with the first digits of r**2 / 2 exact: for results in which 1 cancels. */
    FG_INLINE fg_v fg_exp_tail_exact(fg_v r, fg_v hi, fg_v lo) {
        fg_v r2 = r * r, first = (fg_v)((fg_u)r & FG_UPPER);
        fg_v square = 0.5 * ((hi - first) - lo) * (r + first);      /* (r**2 - first**2) / 2, but r not rounded */
        return 0.5 * first * first + ((square - lo) + r2 * fg_exp_cubic(r, r2));
    }

    /* exp(x) = 2**k exp(r); the largest part of exp(r) is exact and added last. */
    FG_INLINE fg_v fg_exp(fg_v x) {
        FG_REDUCE(x);
        fg_v y = 1.0 + (hi + (fg_exp_tail(r) - lo));
        return (fg_v)((fg_u)y + ((fg_u)t << 52));
    }
    /* The power of 2 is applied in two steps, since 2**k may not be normal. */
    FG_INLINE fg_v fg_exp_far(fg_v x) {
        fg_v c = fg_pick((fg_u)(x > 710.0), FG_ALL(710.0), x);      /* infinite from here; NaN stays */
        c = fg_pick((fg_u)(c < -746.0), FG_ALL(-746.0), c);         /* and 0 */
        FG_REDUCE(c);
        fg_v y = 1.0 + (hi + (fg_exp_tail(r) - lo));
        fg_v k1 = k * 0.5 + FG_INTEGER, k2 = (k - (k1 - FG_INTEGER)) + FG_INTEGER;
        return y * FG_POWER_OF_2(k1) * FG_POWER_OF_2(k2);
    }
    /* Negative where |x| > 708. */
    FG_INLINE fg_u fg_exp_is_far(fg_u x) { return 0x4086200000000000u - (x & ~FG_SIGN); }
    /* Negative where |x| > 650: beyond, the smaller part of an exponential in two may not be normal. Functions of the
       two parts are far from there, and use the parts below in both cases, so that no value depends on its block. */
    FG_INLINE fg_u fg_exp_parts_is_far(fg_u x) { return 0x4084500000000000u - (x & ~FG_SIGN); }

    /* 2**k - 1 = a + a_lo and 2**k hi are exact, and so is their sum u + v. */
    FG_INLINE fg_v fg_expm1(fg_v x) {
        FG_REDUCE(x);
        fg_v power = FG_POWER_OF_2(t), a = power - 1.0, a_lo = (power - a) - 1.0;
        fg_v b = power * hi, u = a + b, v = (a - u) + b;
        return fg_with_sign(u + ((v + a_lo) + power * fg_exp_tail_exact(r, hi, lo)), x);    /* the sign of -0 */
    }
    FG_INLINE fg_v fg_expm1_far(fg_v x) {
        fg_v y = fg_expm1(fg_pick((fg_u)(fg_abs(x) > 650.0), FG_ALL(-40.0), x));    /* -1 there */
        return fg_pick((fg_u)(x > 650.0), fg_exp_far(x), y);
    }

    /* exp(x) = z + z_lo */
    #define FG_EXP_PARTS(x)                                                                                 \\
        FG_REDUCE(x);                                                                                       \\
        fg_v power = FG_POWER_OF_2(t), q = hi + (fg_exp_tail(r) - lo), y = 1.0 + q;                         \\
        fg_v z = y * power, z_lo = (q - (y - 1.0)) * power
    /* 1 / (1 + z), or z / (1 + z) where x < 0, for z = exp(-|x|), which does not overflow */
    FG_INLINE fg_v fg_sigmoid(fg_v x) {
        fg_v below = -fg_abs(x);
        FG_EXP_PARTS(below);
        fg_v d = 1.0 + z, d_lo = (z - (d - 1.0)) + z_lo;
        fg_u sign = (fg_u)(x < 0.0);
        return fg_divide(fg_pick(sign, z, FG_ALL(1.0)), fg_pick(sign, z_lo, FG_ALL(0.0)), d, d_lo);
    }
    FG_INLINE fg_v fg_sigmoid_far(fg_v x) {
        fg_v y = fg_sigmoid(fg_pick((fg_u)(fg_abs(x) <= 650.0), x, FG_ALL(40.0)));      /* 1 there */
        return fg_pick((fg_u)(x >= -650.0), y, fg_exp_far(x));                          /* NaN stays */
    }

    /* exp(x ln 2), where the product of the first digits is exact */
    FG_INLINE fg_v fg_exp2_parts(fg_v x, fg_v k) {
        fg_v d = x - k, first = (fg_v)((fg_u)d & FG_UPPER), hi = first * 0.6931471824645996;
        fg_v lo = first * -1.904654299957768e-09 + (d - first) * 0.6931471805599453;
        return 1.0 + (hi + (lo + fg_exp_tail(hi + lo)));
    }
    FG_INLINE fg_v fg_exp2(fg_v x) {
        fg_v t = x + FG_INTEGER;
        return (fg_v)((fg_u)fg_exp2_parts(x, t - FG_INTEGER) + ((fg_u)t << 52));
    }
    FG_INLINE fg_v fg_exp2_far(fg_v x) {
        fg_v c = fg_pick((fg_u)(x > 1025.0), FG_ALL(1025.0), x), k, k1, k2;
        c = fg_pick((fg_u)(c < -1076.0), FG_ALL(-1076.0), c);
        k = (c + FG_INTEGER) - FG_INTEGER;
        k1 = k * 0.5 + FG_INTEGER;
        k2 = (k - (k1 - FG_INTEGER)) + FG_INTEGER;
        return fg_exp2_parts(c, k) * FG_POWER_OF_2(k1) * FG_POWER_OF_2(k2);
    }
    /* Negative where |x| > 1020. */
    FG_INLINE fg_u fg_exp2_is_far(fg_u x) { return 0x408fe00000000000u - (x & ~FG_SIGN); }

    FG_VECTORS_FAR(fg_exp, fg_exp_is_far)
    FG_VECTORS_FAR(fg_exp2, fg_exp2_is_far)
    FG_VECTORS_FAR(fg_expm1, fg_exp_parts_is_far)
    FG_VECTORS_FAR(fg_sigmoid, fg_exp_parts_is_far)
    #endif
    """
