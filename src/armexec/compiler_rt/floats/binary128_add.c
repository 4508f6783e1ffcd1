// f128 __addtf3(f128 a, f128 b), f128 __subtf3(f128 a, f128 b), f128 __negtf2(f128 a)

#include "formats.h"

// Bit 125 of a significand is the leading one of a normal number: bit 126 is for the carry.
#define SPARE 13

static f128 add(u128 a, u128 b)
{
    if (is_nan(a) || is_nan(b))
        return choose_nan(a, b);
    if (magnitude(a) < magnitude(b)) {
        u128 swapped = a;
        a = b;
        b = swapped;
    }
    int negative = (int)(a >> 127), subtract = (int)((a ^ b) >> 127);
    s32 exponent = (s32)(magnitude(a) >> FRACTION), smaller = (s32)(magnitude(b) >> FRACTION);
    if (exponent == EXPONENT_MAX) {
        if (smaller == EXPONENT_MAX && subtract)
            return invalid_operation();
        return from_bits(a);
    }
    u128 x = a & (HIDDEN - 1), y = b & (HIDDEN - 1);
    if (exponent)
        x |= HIDDEN;
    else
        exponent = 1;
    if (smaller)
        y |= HIDDEN;
    else
        smaller = 1;
    x <<= SPARE;
    y = shift_right_sticky(y << SPARE, exponent - smaller);
    u128 sum = subtract ? x - y : x + y;
    if (!sum)
        return from_bits((u128)(subtract ? rounding_mode() == DOWNWARD : negative) << 127);
    int shift = leading_zeros(sum) - 1;
    return round_pack(negative, exponent + 1 - shift, sum << shift);
}

f128 __addtf3(f128 a, f128 b) { return add(bits_of(a), bits_of(b)); }

f128 __subtf3(f128 a, f128 b)
{
    u128 subtrahend = bits_of(b);
    return add(bits_of(a), is_nan(subtrahend) ? subtrahend : subtrahend ^ TOP128);
}

f128 __negtf2(f128 a) { return from_bits(bits_of(a) ^ TOP128); }
