// double _Complex __muldc3(double a, double b, double c, double d), which is (a + ib) * (c + id), __divdc3, which is
// (a + ib) / (c + id), and the same of half (hc), single (sc) and quadruple precision (tc).
//
// ISO C, annex G.5.1: infinities are recovered where an operand is infinite. Half and single precision are divided in
// the next wider format; the others are scaled by a power of two first, so that nothing overflows on the way.

#define f128 long double
typedef unsigned __int128 u128;

#define is_nan(x) __builtin_isnan(x)
#define is_infinite(x) __builtin_isinf(x)
#define is_finite(x) __builtin_isfinite(x)
#define INFINITY_OF(type) ((type)__builtin_inff())
// 1 for infinity, else 0, and 0 for a NaN, with the operand's sign.
#define SIGNED(type, value, x) (__builtin_signbit(x) ? -(type)(value) : (type)(value))
#define BOXED(type, x) SIGNED(type, is_infinite(x) ? 1 : 0, x)
#define NUMBER(type, x) (is_nan(x) ? SIGNED(type, 0, x) : (x))

#define RESULT(type, x, y) \
    type _Complex result; \
    __real__ result = x; \
    __imag__ result = y; \
    return result;

#define MULTIPLY(name, type) \
    type _Complex name(type a, type b, type c, type d) \
    { \
        type ac = a * c, bd = b * d, ad = a * d, bc = b * c; \
        type x = ac - bd, y = ad + bc; \
        if (is_nan(x) && is_nan(y)) { \
            int again = 0; \
            if (is_infinite(a) || is_infinite(b)) { \
                a = BOXED(type, a); \
                b = BOXED(type, b); \
                c = NUMBER(type, c); \
                d = NUMBER(type, d); \
                again = 1; \
            } \
            if (is_infinite(c) || is_infinite(d)) { \
                c = BOXED(type, c); \
                d = BOXED(type, d); \
                a = NUMBER(type, a); \
                b = NUMBER(type, b); \
                again = 1; \
            } \
            if (!again && (is_infinite(ac) || is_infinite(bd) || is_infinite(ad) || is_infinite(bc))) { \
                a = NUMBER(type, a); \
                b = NUMBER(type, b); \
                c = NUMBER(type, c); \
                d = NUMBER(type, d); \
                again = 1; \
            } \
            if (again) { \
                x = INFINITY_OF(type) * (a * c - b * d); \
                y = INFINITY_OF(type) * (a * d + b * c); \
            } \
        } \
        RESULT(type, x, y) \
    }

MULTIPLY(__mulhc3, _Float16)
MULTIPLY(__mulsc3, float)
MULTIPLY(__muldc3, double)
MULTIPLY(__multc3, f128)

// What is left of a division whose parts are both NaNs, given whether the divisor is zero.
#define RECOVER(type, zero) \
    if (is_nan(x) && is_nan(y)) { \
        if ((zero) && (!is_nan(a) || !is_nan(b))) { \
            x = SIGNED(type, INFINITY_OF(type), c) * a; \
            y = SIGNED(type, INFINITY_OF(type), c) * b; \
        } else if ((is_infinite(a) || is_infinite(b)) && is_finite(c) && is_finite(d)) { \
            a = BOXED(type, a); \
            b = BOXED(type, b); \
            x = INFINITY_OF(type) * (a * c + b * d); \
            y = INFINITY_OF(type) * (b * c - a * d); \
        } else if ((is_infinite(c) || is_infinite(d)) && is_finite(a) && is_finite(b)) { \
            c = BOXED(type, c); \
            d = BOXED(type, d); \
            x = (type)0 * (a * c + b * d); \
            y = (type)0 * (b * c - a * d); \
        } \
    }

// The products of the wider format are exact, and its range is wide enough for them.
#define DIVIDE_WIDER(name, type, wide) \
    type _Complex name(type a, type b, type c, type d) \
    { \
        wide denominator = (wide)c * c + (wide)d * d; \
        type x = (type)(((wide)a * c + (wide)b * d) / denominator); \
        type y = (type)(((wide)b * c - (wide)a * d) / denominator); \
        RECOVER(type, denominator == 0) \
        RESULT(type, x, y) \
    }

DIVIDE_WIDER(__divhc3, _Float16, float)
DIVIDE_WIDER(__divsc3, float, double)

// `name`: the exponent of the greater of two magnitudes, with that of the least normal number for subnormal ones; 0 if
// it is 0, infinite or a NaN. `name_scale`: a number times a power of two.
#define SCALING(name, type, bits, fraction, bias) \
    static inline int name(type c, type d) \
    { \
        bits x = __builtin_bit_cast(bits, c) << 1 >> 1, y = __builtin_bit_cast(bits, d) << 1 >> 1; \
        bits greater = x > y ? x : y; \
        int exponent = (int)(greater >> fraction); \
        if (exponent == 2 * bias + 1 || !greater) \
            return 0; \
        return (exponent ? exponent : 1) - bias; \
    } \
    static inline type name##_scale(type x, int by) \
    { \
        by = by > 2 * bias - 2 ? 2 * bias - 2 : by < 2 - 2 * bias ? 2 - 2 * bias : by; \
        int half = by / 2; \
        x *= __builtin_bit_cast(type, (bits)(half + bias) << fraction); \
        return x * __builtin_bit_cast(type, (bits)(by - half + bias) << fraction); \
    }

SCALING(exponent_double, double, unsigned long, 52, 1023)
SCALING(exponent_f128, f128, u128, 112, 16383)

// The divisor is scaled to about 1; the dividend only where its products would overflow or be subnormal.
#define DIVIDE_SCALED(name, type, exponent, bias) \
    type _Complex name(type a, type b, type c, type d) \
    { \
        int scale = exponent(c, d), size = exponent(a, b); \
        int other = size > bias - 16 ? 16 : size < 512 - bias ? -512 : 0; \
        a = exponent##_scale(a, -other); \
        b = exponent##_scale(b, -other); \
        c = exponent##_scale(c, -scale); \
        d = exponent##_scale(d, -scale); \
        type denominator = c * c + d * d; \
        type x = exponent##_scale((a * c + b * d) / denominator, other - scale); \
        type y = exponent##_scale((b * c - a * d) / denominator, other - scale); \
        RECOVER(type, denominator == 0) \
        RESULT(type, x, y) \
    }

DIVIDE_SCALED(__divdc3, double, exponent_double, 1023)
DIVIDE_SCALED(__divtc3, f128, exponent_f128, 16383)
