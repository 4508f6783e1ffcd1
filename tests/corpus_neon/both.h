// What every file of this corpus begins with: each function has a body of intrinsics for AArch64 (with NEON defined)
// and one of plain C for the host, whose results are the expected ones.
#include <stdint.h>
#ifdef NEON
#include <arm_neon.h>
#define WITH_NEON(...) __VA_ARGS__
#define IN_C(...)
#else
#define WITH_NEON(...)
#define IN_C(...) __VA_ARGS__
#endif

// The whole vectors of L elements among n elements, and the elements in them.
#define VECTORS(L) for (int i = 0; i + (L) <= n; i += (L))
#define ELEMENTS(L) for (int i = 0; i < n / (L) * (L); i++)
#define EACH(j, count) for (int j = 0; j < (count); j++)

#ifndef NEON
typedef __int128 wide;

// x limited to what a signed or an unsigned integer of some bits can hold.
static inline int64_t signed_limit(wide x, int bits) {
    wide most = ((wide)1 << (bits - 1)) - 1, least = -most - 1;
    return x > most ? most : x < least ? least : x;
}

static inline uint64_t unsigned_limit(wide x, int bits) {
    wide most = ((wide)1 << bits) - 1;
    return x > most ? most : x < 0 ? 0 : x;
}

// x shifted left, or right if the count is negative, with no limit on the bits before the decimal point.
static inline wide shifted(wide x, int count) {
    return count >= 0 ? (count > 64 ? (x != 0 ? (x < 0 ? -((wide)1 << 100) : (wide)1 << 100) : 0) : x << count)
                      : x >> (count < -120 ? 120 : -count);
}

// The same, to the nearest, halves up.
static inline wide shifted_rounded(wide x, int count) {
    return count >= 0 ? shifted(x, count) : count < -100 ? 0 : (x + ((wide)1 << (-count - 1))) >> -count;
}
#endif
