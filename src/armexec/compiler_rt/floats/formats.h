// Bits of floating-point numbers, rounding as FPCR says, and the flags of FPSR.

#pragma once

typedef unsigned __int128 u128;
typedef __int128 s128;
typedef unsigned long u64;
typedef long s64;
typedef unsigned int u32;
typedef int s32;
typedef long double f128;

_Static_assert(sizeof(f128) == 16 && __LDBL_MANT_DIG__ == 113, "long double is binary128");

#define TOP128 ((u128)1 << 127)

// binary128: a sign, 15 bits of the exponent, 112 of the fraction.
#define FRACTION 112
#define EXPONENT_MAX 0x7fff
#define HIDDEN ((u128)1 << FRACTION)
#define INFINITY_BITS ((u128)EXPONENT_MAX << FRACTION)
#define QUIET ((u128)1 << (FRACTION - 1))
// What libgcc makes of invalid operations, instead of Arm's default NaN.
#define DEFAULT_NAN (INFINITY_BITS | (HIDDEN - 1))

static inline u128 bits_of(f128 x) { return __builtin_bit_cast(u128, x); }
static inline f128 from_bits(u128 bits) { return __builtin_bit_cast(f128, bits); }
static inline u128 magnitude(u128 bits) { return bits & ~TOP128; }
static inline int is_nan(u128 bits) { return magnitude(bits) > INFINITY_BITS; }
static inline int is_signaling(u128 bits) { return is_nan(bits) && !(bits & QUIET); }

static inline int leading_zeros(u128 x)
{
    u64 high = (u64)(x >> 64);
    return high ? __builtin_clzl(high) : 64 + __builtin_clzl((u64)x);
}

// Right by any number of places; whether anything was lost stays in the lowest bit.
static inline u128 shift_right_sticky(u128 x, u32 by)
{
    if (by > 127)
        return x != 0;
    return by ? x >> by | (x << (128 - by) != 0) : x;
}

// FPCR.RMode. Arm ARM, C5.2.8.
enum { NEAREST, UPWARD, DOWNWARD, TO_ZERO };

static inline int rounding_mode(void)
{
    u64 fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr >> 22 & 3;
}

// FPSR's cumulative flags, raised by operations that raise them: so they are where code that looks at them runs, and
// cost nothing where there is none.
static inline void raise_invalid(void)
{
    double zero = 0, result;
    __asm__ volatile("fdiv %d0, %d1, %d1" : "=w"(result) : "w"(zero));
}

static inline void raise_divide_by_zero(void)
{
    double one = 1, zero = 0, result;
    __asm__ volatile("fdiv %d0, %d1, %d2" : "=w"(result) : "w"(one), "w"(zero));
}

static inline void raise_inexact(void)
{
    double one = 1, small = 0x1p-60, result;
    __asm__ volatile("fadd %d0, %d1, %d2" : "=w"(result) : "w"(one), "w"(small));
}

static inline void raise_overflow(void)  // and inexact
{
    double large = 0x1p1023, result;
    __asm__ volatile("fmul %d0, %d1, %d1" : "=w"(result) : "w"(large));
}

static inline void raise_underflow(void)  // and inexact
{
    double small = 0x1p-1022, result;
    __asm__ volatile("fmul %d0, %d1, %d1" : "=w"(result) : "w"(small));
}

// What is added below the last bit kept, of `lost` bits, before they are cut off.
static inline u128 rounding_increment(int mode, int negative, int lost)
{
    if (mode == NEAREST)
        return (u128)1 << (lost - 1);
    return mode == (negative ? DOWNWARD : UPWARD) ? ((u128)1 << lost) - 1 : 0;
}

// The number significand * 2^(exponent - bias - 126), rounded to a format with `fraction` bits of the fraction and
// exponents up to `maximum`, which is that of infinity; bit 126 of the significand is set, and its lowest bit may
// stand for all below. The format's bits without the sign.
static inline u128 round_to(int negative, s32 exponent, u128 significand, int fraction, s32 maximum)
{
    int mode = rounding_mode();
    int lost = 126 - fraction;
    int tiny = exponent <= 0;  // as Arm has it, before rounding
    if (tiny) {
        significand = shift_right_sticky(significand, 1 - exponent);
        exponent = 1;
    }
    u128 cut = significand & (((u128)1 << lost) - 1);
    u128 rounded = (significand + rounding_increment(mode, negative, lost)) >> lost;
    if (mode == NEAREST && cut == (u128)1 << (lost - 1))
        rounded &= ~(u128)1;
    // The leading bit adds one to the exponent's field, unless the number is subnormal.
    u128 limit = (u128)maximum << fraction;
    u128 result = ((u128)(exponent - 1) << fraction) + rounded;
    if (exponent >= maximum || result >= limit) {
        raise_overflow();
        return mode == NEAREST || mode == (negative ? DOWNWARD : UPWARD) ? limit : limit - 1;
    }
    if (cut) {
        if (tiny)
            raise_underflow();
        else
            raise_inexact();
    }
    return result;
}

static inline f128 round_pack(int negative, s32 exponent, u128 significand)
{
    return from_bits((u128)negative << 127 | round_to(negative, exponent, significand, FRACTION, EXPONENT_MAX));
}

// The quiet NaN that an operation on a NaN gives: of the first that is signaling, else of the first. Arm ARM,
// FPProcessNaNs.
static inline f128 choose_nan(u128 a, u128 b)
{
    if (is_signaling(a) || is_signaling(b))
        raise_invalid();
    u128 chosen = is_signaling(a) ? a : is_signaling(b) ? b : is_nan(a) ? a : b;
    return from_bits(chosen | QUIET);
}

static inline f128 invalid_operation(void)
{
    raise_invalid();
    return from_bits(DEFAULT_NAN);
}

// The exponent and the significand of a number that is neither 0 nor infinite, with bit 112 of the latter set.
static inline s32 normalize(u128 bits, u128 *significand)
{
    s32 exponent = (s32)(magnitude(bits) >> FRACTION);
    u128 fraction = bits & (HIDDEN - 1);
    if (exponent) {
        *significand = fraction | HIDDEN;
        return exponent;
    }
    int shift = leading_zeros(fraction) - (127 - FRACTION);
    *significand = fraction << shift;
    return 1 - shift;
}
