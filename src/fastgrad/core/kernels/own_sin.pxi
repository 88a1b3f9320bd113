# sin and cos. The polynomials are minimax ones of our own, from a Remez exchange in 40 digits; each line says of what,
# and its error.

cdef extern from *:
    """
    #ifdef FG_OWN_MATH
    /* |x| = k pi/2 + r + r_lo for |x| < 12000 (Cody and Waite; three parts of pi/2). The first two have 40 bits and k
       has 13, so that both products are exact, and so is the first difference. Doubles of that size are at least 2**-60
       away from multiples of pi/2; the error of r + r_lo is below 2**-119. */
    #define FG_REDUCE_ANGLE(x)                                                                              \\
        fg_v c = fg_abs(x), t = c * 0.6366197723675814 + FG_INTEGER, k = t - FG_INTEGER;                    \\
        fg_v a = c - k * 1.5707963267941523, b = k * 7.443547480480255e-13, w = a - b, v = w - a;           \\
        fg_v rest = ((a - (w - v)) - (b + v)) - k * 6.36831716351095e-25, r = w + rest;                     \\
        fg_v r_lo = (w - r) + rest, z = r * r

    /* (sin(r) / r - 1) / r**2 for |r| <= pi/4: 3.5e-18 of sin(r) */
    FG_INLINE fg_v fg_sin_octant(fg_v r, fg_v r_lo, fg_v z) {
        fg_v z2 = z * z;
        fg_v p = (-0.16666666666666632 + 0.008333333333322552 * z) + z2 * ((-0.0001984126982989607
                 + 2.7557313717363606e-06 * z) + z2 * (-2.5050761512366756e-08 + 1.589696661842659e-10 * z));
        return r + (r * z * p + (r_lo - 0.5 * z * r_lo));
    }
    /* (cos(r) - 1 + r**2 / 2) / r**4 for |r| <= pi/4: 5.7e-20 of cos(r). The largest part of the sum is added last. */
    FG_INLINE fg_v fg_cos_octant(fg_v r, fg_v r_lo, fg_v z) {
        fg_v z2 = z * z, half = 0.5 * z, one = 1.0 - half;
        fg_v p = (0.041666666666666595 + -0.0013888888888873047 * z) + z2 * ((2.4801587288841983e-05
                 + -2.755731417576659e-07 * z) + z2 * (2.0875700284042685e-09 + -1.1358504331851095e-11 * z));
        return one + (((1.0 - one) - half) + (z2 * p - r * r_lo));
    }
    /* The last bits of `quarter` count quarters of a turn. */
    #define FG_QUARTER(quarter)                                                                             \\
        fg_u odd = 0 - ((quarter) & 1), sign = ((quarter) & 2) << 62;                                       \\
        fg_v y = fg_pick(odd, fg_cos_octant(r, r_lo, z), fg_sin_octant(r, r_lo, z))
    FG_INLINE fg_v fg_sin(fg_v x) {
        FG_REDUCE_ANGLE(x);
        FG_QUARTER((fg_u)t);
        return (fg_v)((fg_u)y ^ sign ^ ((fg_u)x & FG_SIGN));
    }
    FG_INLINE fg_v fg_cos(fg_v x) {
        FG_REDUCE_ANGLE(x);
        FG_QUARTER((fg_u)t + 1);
        return (fg_v)((fg_u)y ^ sign);
    }

    /* Negative where |x| > 12000. There, the C library reduces by as many digits of pi as it takes. */
    FG_INLINE fg_u fg_angle_is_far(fg_u x) { return 0x40c7700000000000u - (x & ~FG_SIGN); }
    #define FG_ANGLE(name, exact)                                                                           \\
        static fg_v __attribute__((noinline)) name##_far(fg_v x) {                                          \\
            int i;                                                                                          \\
            fg_v y = name(x);                                                                               \\
            for (i = 0; i < FG_DOUBLES; i++)                                                                \\
                if (!(fabs(x[i]) <= 12000.0)) y[i] = exact(x[i]);                                           \\
            return y;                                                                                       \\
        }
    FG_ANGLE(fg_sin, sin)
    FG_ANGLE(fg_cos, cos)

    FG_VECTORS_FAR(fg_sin, fg_angle_is_far)
    FG_VECTORS_FAR(fg_cos, fg_angle_is_far)
    #endif
    """
