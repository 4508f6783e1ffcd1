// Conversions between integers of 128 bits and the formats of half (hf), bfloat16 (bf), single (sf) and double (df)
// precision. They are rounded once.

#include "conversions.h"

s128 __fixhfti(_Float16 x) { return (s128)to_integer(extend(BITS16(x), HALF), 128, 1); }
s128 __fixbfti(__bf16 x) { return (s128)to_integer(extend(BITS16(x), BFLOAT), 128, 1); }
s128 __fixsfti(float x) { return (s128)to_integer(extend(BITS32(x), SINGLE), 128, 1); }
s128 __fixdfti(double x) { return (s128)to_integer(extend(BITS64(x), DOUBLE), 128, 1); }
u128 __fixunshfti(_Float16 x) { return to_integer(extend(BITS16(x), HALF), 128, 0); }
u128 __fixunsbfti(__bf16 x) { return to_integer(extend(BITS16(x), BFLOAT), 128, 0); }
u128 __fixunssfti(float x) { return to_integer(extend(BITS32(x), SINGLE), 128, 0); }
u128 __fixunsdfti(double x) { return to_integer(extend(BITS64(x), DOUBLE), 128, 0); }

#define FROM(name, result, format, bits) \
    result __float##name(s128 x) \
    { \
        return __builtin_bit_cast(result, (bits)from_wide((u128)x, x < 0, format)); \
    } \
    result __floatun##name(u128 x) \
    { \
        return __builtin_bit_cast(result, (bits)from_wide(x, 0, format)); \
    }

FROM(tihf, _Float16, HALF, unsigned short)
FROM(tibf, __bf16, BFLOAT, unsigned short)
FROM(tisf, float, SINGLE, u32)
FROM(tidf, double, DOUBLE, u64)
