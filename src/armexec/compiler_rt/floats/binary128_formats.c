// Conversions between binary128 and the narrower formats: f128 __extenddftf2(double), double __trunctfdf2(f128), ...
// A NaN keeps the highest bits of its payload, and becomes quiet.

#include "conversions.h"

f128 __extendhftf2(_Float16 x) { return extend(BITS16(x), HALF); }
f128 __extendbftf2(__bf16 x) { return extend(BITS16(x), BFLOAT); }
f128 __extendsftf2(float x) { return extend(BITS32(x), SINGLE); }
f128 __extenddftf2(double x) { return extend(BITS64(x), DOUBLE); }

_Float16 __trunctfhf2(f128 x) { return __builtin_bit_cast(_Float16, (unsigned short)truncate(x, HALF)); }
__bf16 __trunctfbf2(f128 x) { return __builtin_bit_cast(__bf16, (unsigned short)truncate(x, BFLOAT)); }
float __trunctfsf2(f128 x) { return __builtin_bit_cast(float, (u32)truncate(x, SINGLE)); }
double __trunctfdf2(f128 x) { return __builtin_bit_cast(double, truncate(x, DOUBLE)); }

// bfloat16, which no instruction of Armv8.0 converts.
__bf16 __trunchfbf2(_Float16 x) { return __trunctfbf2(extend(BITS16(x), HALF)); }
__bf16 __truncsfbf2(float x) { return __trunctfbf2(extend(BITS32(x), SINGLE)); }
__bf16 __truncdfbf2(double x) { return __trunctfbf2(extend(BITS64(x), DOUBLE)); }
float __extendbfsf2(__bf16 x) { return __trunctfsf2(extend(BITS16(x), BFLOAT)); }
double __extendbfdf2(__bf16 x) { return __trunctfdf2(extend(BITS16(x), BFLOAT)); }
_Float16 __truncbfhf2(__bf16 x) { return __trunctfhf2(extend(BITS16(x), BFLOAT)); }
