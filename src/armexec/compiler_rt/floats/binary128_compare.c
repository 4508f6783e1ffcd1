// int __eqtf2(f128 a, f128 b) and the like: what they give compares with 0 as a with b; for NaNs, so that it is false.

#include "formats.h"

static int compare(u128 a, u128 b)
{
    if (!magnitude(a | b))
        return 0;
    s128 x = (s128)a, y = (s128)b;
    if (x < 0 && y < 0)
        return (x < y) - (x > y);
    return (x > y) - (x < y);
}

static int ordered(f128 fa, f128 fb, int unordered)
{
    u128 a = bits_of(fa), b = bits_of(fb);
    if (is_nan(a) || is_nan(b)) {
        raise_invalid();
        return unordered;
    }
    return compare(a, b);
}

int __letf2(f128 a, f128 b) { return ordered(a, b, 2); }
int __lttf2(f128 a, f128 b) { return ordered(a, b, 2); }
int __cmptf2(f128 a, f128 b) { return ordered(a, b, 1); }
int __getf2(f128 a, f128 b) { return ordered(a, b, -2); }
int __gttf2(f128 a, f128 b) { return ordered(a, b, -2); }

int __eqtf2(f128 fa, f128 fb)
{
    u128 a = bits_of(fa), b = bits_of(fb);
    if (is_nan(a) || is_nan(b)) {
        if (is_signaling(a) || is_signaling(b))
            raise_invalid();
        return 1;
    }
    return compare(a, b) != 0;
}

int __netf2(f128 a, f128 b) { return __eqtf2(a, b); }

int __unordtf2(f128 fa, f128 fb)
{
    u128 a = bits_of(fa), b = bits_of(fb);
    if (is_signaling(a) || is_signaling(b))
        raise_invalid();
    return is_nan(a) || is_nan(b);
}
