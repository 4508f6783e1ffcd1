// Conversions through binary128, which holds all that the narrower formats do and integers of up to 112 bits.

#pragma once

#include "formats.h"

#define BITS16(x) __builtin_bit_cast(unsigned short, x)
#define BITS32(x) __builtin_bit_cast(u32, x)
#define BITS64(x) __builtin_bit_cast(u64, x)

// The formats, as the width and the size of the fraction.
#define HALF 16, 10
#define BFLOAT 16, 7
#define SINGLE 32, 23
#define DOUBLE 64, 52

// `bits` of a format with a sign, `width - 1 - fraction` bits of the exponent and `fraction` of the fraction.
static inline f128 extend(u64 bits, int width, int fraction)
{
    int exponents = width - 1 - fraction;
    s32 maximum = (1 << exponents) - 1, bias = maximum >> 1;
    u128 sign = (u128)(bits >> (width - 1)) << 127;
    s32 exponent = (s32)(bits >> fraction & (u64)maximum);
    u64 significand = bits & ((1UL << fraction) - 1);
    u128 placed = (u128)significand << (FRACTION - fraction);
    if (exponent == maximum) {
        if (significand && !(placed & QUIET))
            raise_invalid();
        return from_bits(sign | INFINITY_BITS | placed | (significand ? QUIET : 0));
    }
    if (!exponent) {
        if (!significand)
            return from_bits(sign);
        int shift = __builtin_clzl(significand) - (63 - fraction);
        placed = placed << shift & (HIDDEN - 1);
        exponent = 1 - shift;
    }
    return from_bits(sign | (u128)(exponent + 0x3fff - bias) << FRACTION | placed);
}

static inline u64 truncate(f128 x, int width, int fraction)
{
    int exponents = width - 1 - fraction;
    s32 maximum = (1 << exponents) - 1, bias = maximum >> 1;
    u128 a = bits_of(x), significand;
    int negative = (int)(a >> 127);
    u64 sign = (u64)negative << (width - 1);
    if (is_nan(a)) {
        if (is_signaling(a))
            raise_invalid();
        u64 payload = (u64)((a & (HIDDEN - 1)) >> (FRACTION - fraction));
        return sign | (u64)maximum << fraction | payload | 1UL << (fraction - 1);
    }
    if (magnitude(a) == INFINITY_BITS)
        return sign | (u64)maximum << fraction;
    if (!magnitude(a))
        return sign;
    s32 exponent = normalize(a, &significand) - 0x3fff + bias;
    return sign | (u64)round_to(negative, exponent, significand << 14, fraction, maximum);
}

// To an integer of `width` bits, towards zero. What doesn't fit becomes the nearest that does, and a NaN what an
// infinity of its sign becomes.
static inline u128 to_integer(f128 x, int width, int is_signed)
{
    u128 a = bits_of(x);
    int negative = (int)(a >> 127);
    s32 exponent = (s32)(magnitude(a) >> FRACTION) - 0x3fff;
    if (exponent < 0) {
        if (magnitude(a))
            raise_inexact();
        return 0;
    }
    u128 significand = (a & (HIDDEN - 1)) | HIDDEN;
    u128 most = ~(u128)0 >> (128 - width + is_signed);
    if (exponent < 128) {
        u128 whole, lost = 0;
        if (exponent >= FRACTION)
            whole = exponent - FRACTION < 16 ? significand << (exponent - FRACTION) : 0;
        else {
            whole = significand >> (FRACTION - exponent);
            lost = significand << (128 - FRACTION + exponent);
        }
        u128 limit = negative ? (is_signed ? most + 1 : 0) : most;
        if (exponent < width && whole <= limit) {
            if (lost)
                raise_inexact();
            return negative ? -whole : whole;
        }
    }
    raise_invalid();
    return negative ? (is_signed ? most + 1 : 0) : most;
}

// An integer, rounded to the bits of a format with `fraction` bits of the fraction.
static inline u128 round_integer(u128 value, int negative, int fraction, s32 maximum)
{
    if (!value)
        return 0;
    if (negative)
        value = -value;
    int zeros = leading_zeros(value);
    u128 significand = zeros ? value << (zeros - 1) : shift_right_sticky(value, 1);
    return round_to(negative, (maximum >> 1) + 127 - zeros, significand, fraction, maximum);
}

static inline f128 from_integer(u128 value, int negative)
{
    return from_bits((u128)negative << 127 | round_integer(value, negative, FRACTION, EXPONENT_MAX));
}

// To the narrower ones.
static inline u64 from_wide(u128 value, int negative, int width, int fraction)
{
    u64 bits = (u64)round_integer(value, negative, fraction, (1 << (width - 1 - fraction)) - 1);
    return bits | (u64)negative << (width - 1);
}
