// Conversions between binary128 and integers of 32 (si), 64 (di) and 128 bits (ti).

#include "conversions.h"

int __fixtfsi(f128 x) { return (int)to_integer(x, 32, 1); }
s64 __fixtfdi(f128 x) { return (s64)to_integer(x, 64, 1); }
s128 __fixtfti(f128 x) { return (s128)to_integer(x, 128, 1); }
u32 __fixunstfsi(f128 x) { return (u32)to_integer(x, 32, 0); }
u64 __fixunstfdi(f128 x) { return (u64)to_integer(x, 64, 0); }
u128 __fixunstfti(f128 x) { return to_integer(x, 128, 0); }

f128 __floatsitf(int x) { return from_integer((u128)(s128)x, x < 0); }
f128 __floatditf(s64 x) { return from_integer((u128)(s128)x, x < 0); }
f128 __floattitf(s128 x) { return from_integer((u128)x, x < 0); }
f128 __floatunsitf(u32 x) { return from_integer(x, 0); }
f128 __floatunditf(u64 x) { return from_integer(x, 0); }
f128 __floatuntitf(u128 x) { return from_integer(x, 0); }
