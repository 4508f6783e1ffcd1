// f128 __multf3(f128 a, f128 b), f128 __divtf3(f128 a, f128 b)

#include "formats.h"

f128 __multf3(f128 fa, f128 fb)
{
    u128 a = bits_of(fa), b = bits_of(fb);
    int negative = (int)((a ^ b) >> 127);
    if (is_nan(a) || is_nan(b))
        return choose_nan(a, b);
    u128 x = magnitude(a), y = magnitude(b);
    if (x == INFINITY_BITS || y == INFINITY_BITS) {
        if (!x || !y)
            return invalid_operation();
        return from_bits((u128)negative << 127 | INFINITY_BITS);
    }
    if (!x || !y)
        return from_bits((u128)negative << 127);
    s32 exponent = normalize(a, &x) + normalize(b, &y) - 0x3fff;

    // 256 bits, the leading one at 253 or 254.
    x <<= 15;
    y <<= 14;
    u64 x0 = (u64)x, x1 = (u64)(x >> 64), y0 = (u64)y, y1 = (u64)(y >> 64);
    u128 low = (u128)x0 * y0, cross = (u128)x1 * y0, other = (u128)x0 * y1, high = (u128)x1 * y1;
    u128 middle = (low >> 64) + (u64)cross + (u64)other;
    high += (cross >> 64) + (other >> 64) + (middle >> 64);
    low = middle << 64 | (u64)low;
    if (high >> 126)
        exponent++;
    else {
        high = high << 1 | low >> 127;
        low <<= 1;
    }
    return round_pack(negative, exponent, high | (low != 0));
}

// One digit of a quotient with digits of 64 bits: of *rest * 2^64 by the divisor, whose bit 127 is set and which is
// greater than the rest; the rest is the new one. Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D.
static inline u64 digit(u128 *rest, u128 divisor)
{
    u64 high = (u64)(divisor >> 64), low = (u64)divisor;
    u128 quotient, over;
    if ((u64)(*rest >> 64) == high) {
        quotient = ~0UL;
        over = (u128)(u64)*rest + high;
    } else {
        quotient = *rest / high;
        over = *rest - quotient * high;
    }
    while (!(over >> 64) && quotient * low > over << 64) {
        quotient--;
        over += high;
    }
    // Modulo 2^128, which the new rest is less than.
    *rest = (over << 64) - quotient * low;
    return (u64)quotient;
}

f128 __divtf3(f128 fa, f128 fb)
{
    u128 a = bits_of(fa), b = bits_of(fb);
    int negative = (int)((a ^ b) >> 127);
    u128 sign = (u128)negative << 127;
    if (is_nan(a) || is_nan(b))
        return choose_nan(a, b);
    u128 x = magnitude(a), y = magnitude(b);
    if (x == INFINITY_BITS)
        return y == INFINITY_BITS ? invalid_operation() : from_bits(sign | INFINITY_BITS);
    if (y == INFINITY_BITS)
        return from_bits(sign);
    if (!y) {
        if (!x)
            return invalid_operation();
        raise_divide_by_zero();
        return from_bits(sign | INFINITY_BITS);
    }
    if (!x)
        return from_bits(sign);
    s32 exponent = normalize(a, &x) - normalize(b, &y) + 0x3fff;
    x <<= 14;
    y <<= 15;
    u128 quotient = (u128)digit(&x, y) << 64;
    quotient |= digit(&x, y);
    if (quotient >> 127)
        quotient = shift_right_sticky(quotient, 1);
    else
        exponent--;
    return round_pack(negative, exponent, quotient | (x != 0));
}
