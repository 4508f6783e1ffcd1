// 64- and 128-bit arithmetic: carries, products, shifts, divisions (with the support routines they need), fixed point.
#include <stdint.h>

typedef unsigned __int128 u128;
typedef __int128 i128;

#if !__STDC_HOSTED__
// What compilers call for 128-bit division. Halves keep the shifts from becoming calls themselves.
static u128 divide(u128 n, u128 d, u128 *remainder) {
    u128 quotient = 0, rest = 0;
    uint64_t high = (uint64_t)(n >> 64);
    int bits = high ? 128 - __builtin_clzll(high) : (uint64_t)n ? 64 - __builtin_clzll((uint64_t)n) : 0;
    for (int i = bits - 1; i >= 0; i--) {
        uint64_t word = i >= 64 ? (uint64_t)(n >> 64) : (uint64_t)n;
        _Bool carry = rest >> 127 != 0;
        rest = rest << 1 | (word >> (i & 63) & 1);
        quotient <<= 1;
        if (carry || rest >= d) {
            rest -= d;
            quotient |= 1;
        }
    }
    *remainder = rest;
    return quotient;
}

u128 __udivti3(u128 n, u128 d) {
    u128 rest;
    return divide(n, d, &rest);
}

u128 __umodti3(u128 n, u128 d) {
    u128 rest;
    divide(n, d, &rest);
    return rest;
}

i128 __divti3(i128 n, i128 d) {
    u128 rest, quotient = divide(n < 0 ? -(u128)n : (u128)n, d < 0 ? -(u128)d : (u128)d, &rest);
    return (i128)((n < 0) != (d < 0) ? -quotient : quotient);
}

i128 __modti3(i128 n, i128 d) {
    u128 rest;
    divide(n < 0 ? -(u128)n : (u128)n, d < 0 ? -(u128)d : (u128)d, &rest);
    return (i128)(n < 0 ? -rest : rest);
}
#endif

static inline u128 make(uint64_t high, uint64_t low) { return (u128)high << 64 | low; }
static inline uint64_t mix(u128 x) { return (uint64_t)(x >> 64) * 3 ^ (uint64_t)x; }

//@ cases: (0, 0xffffffffffffffff, 0, 1) random:12
uint64_t add_128(uint64_t ah, uint64_t al, uint64_t bh, uint64_t bl) {
    return mix(make(ah, al) + make(bh, bl));
}

//@ cases: (0, 0, 0, 1) random:12
uint64_t sub_128(uint64_t ah, uint64_t al, uint64_t bh, uint64_t bl) {
    return mix(make(ah, al) - make(bh, bl));
}

//@ cases: (0xffffffffffffffff, 0xffffffffffffffff) random:12
uint64_t multiply_high_u64(uint64_t a, uint64_t b) {
    return (uint64_t)((u128)a * b >> 64);
}

//@ cases: (-9223372036854775808, -9223372036854775808) (-1, 1) random:12
int64_t multiply_high_i64(int64_t a, int64_t b) {
    return (int64_t)((i128)a * b >> 64);
}

//@ cases: (1, 2, 3, 4) random:12
uint64_t multiply_128(uint64_t ah, uint64_t al, uint64_t bh, uint64_t bl) {
    return mix(make(ah, al) * make(bh, bl));
}

//@ cases: (0, 1, 127) (0x8000000000000000, 0, 64) (1, 1, 0) random:12
uint64_t shifts_128(uint64_t high, uint64_t low, uint8_t by) {
    by &= 127;
    u128 x = make(high, low);
    return mix(x << by) ^ mix(x >> by) * 5 ^ mix((u128)((i128)(x & ~((u128)1 << 127)) >> by)) * 7;
}

//@ cases: (-1, 0, 100) (-1, 5, 1) random:8
int64_t arithmetic_shift_128(int64_t high, uint64_t low, uint8_t by) {
    i128 x = (i128)make((uint64_t)high, low) >> (by & 127);
    return (int64_t)x ^ (int64_t)(x >> 64);
}

//@ cases: (1, 2, 3, 4) (1, 0, 0, 0xffffffffffffffff) (-1, 0, 1, 0) random:12
int compare_128(int64_t ah, uint64_t al, int64_t bh, uint64_t bl) {
    i128 a = (i128)make((uint64_t)ah, al), b = (i128)make((uint64_t)bh, bl);
    return (a < b) | (a == b) << 1 | ((u128)a < (u128)b) << 2 | (a >= b) << 3 | ((u128)a > (u128)b) << 4;
}

//@ cases: (0, 7, 0, 3) (1, 0, 0, 10) (0, 3, 0, 7) random:4
//@ where: ah=0..65535, bl=4294967296..18446744073709551615
//@ heavy: (0xffffffffffffffff, 12345, 0, 0x93e1ba4a0d1b2c3d) (0xfedcba9876543210, 1, 77, 5)
uint64_t divide_unsigned_128(uint64_t ah, uint64_t al, uint64_t bh, uint64_t bl) {
    u128 a = make(ah, al), b = make(bh, bl);
    return mix(a / b) + mix(a % b) * 31;
}

//@ cases: (-1, 5, 0, 3) (0, 9, -1, 18446744073709551614) random:4
//@ where: ah=-70000..70000, bh=-4..-1, bl=1..18446744073709551614
//@ heavy: (-9223372036854775808, 3, 0, 77) (9223372036854775807, 5, -1, 0xf000000000000000)
int64_t divide_signed_128(int64_t ah, uint64_t al, int64_t bh, uint64_t bl) {
    i128 a = (i128)make((uint64_t)ah, al), b = (i128)make((uint64_t)bh, bl);
    return (int64_t)mix((u128)(a / b)) ^ (int64_t)mix((u128)(a % b)) >> 3;
}

//@ cases: (3, 5, 7) random:4
//@ where: a=0..4294967296, b=0..4294967296, modulus=1..18446744073709551615
//@ heavy: (0xfffffffffffffffe, 0xfffffffffffffffd, 0xffffffffffffffff)
uint64_t multiply_modulo(uint64_t a, uint64_t b, uint64_t modulus) {
    return (uint64_t)((u128)a * b % modulus);
}

//@ cases: (0, 0, 1) (0xffffffffffffffff, 0xffffffffffffffff, 1) random:12
//@ where: carry=0..1
uint64_t add_with_carry(uint64_t a, uint64_t b, _Bool carry) {
    uint64_t sum, total;
    _Bool first = __builtin_add_overflow(a, b, &sum), second = __builtin_add_overflow(sum, (uint64_t)carry, &total);
    return total ^ (uint64_t)(first | second) << 63;
}

//@ cases: (5, 0xffffffffffffffff) random:8
uint64_t long_addition(uint64_t seed, uint64_t step) {
    uint64_t a[6], b[6], carry = 0, sum = 0;
    for (int i = 0; i < 6; i++) {
        a[i] = seed += step;
        b[i] = ~(seed * 3);
    }
    for (int i = 0; i < 6; i++) {
        u128 t = (u128)a[i] + b[i] + carry;
        carry = (uint64_t)(t >> 64);
        sum = sum * 7 + (uint64_t)t;
    }
    return sum + carry;
}

//@ cases: (0xffffffff, 0xffffffffffffffff) random:8
uint64_t long_multiplication(uint32_t seed, uint64_t by) {
    uint64_t number[4] = {seed, ~(uint64_t)seed, (uint64_t)seed << 32, 1}, carry = 0;
    for (int i = 0; i < 4; i++) {
        u128 t = (u128)number[i] * by + carry;
        number[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    return number[0] ^ number[1] * 3 ^ number[2] * 5 ^ number[3] * 7 ^ carry;
}

//@ cases: (65536, 65536) (-65536, 98304) random:10
int32_t fixed_point_multiply(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + 0x8000) >> 16);
}

//@ cases: (65536, 131072) (1, 3) random:10
//@ where: a=-1000000..1000000, b=1..1000000
int32_t fixed_point_divide(int32_t a, int32_t b) {
    return (int32_t)((int64_t)a * 65536 / b);
}

//@ cases: (0) (16) (0xffffffffffffffff) random:3
uint32_t square_root_64(uint64_t n) {
    uint64_t root = 0, rest = n;
    for (uint64_t bit = 1ull << 62; bit; bit >>= 2)
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else
            root >>= 1;
    return (uint32_t)root;
}

static __attribute__((noinline)) i128 fused(i128 a, int64_t b, u128 c) { return (i128)((u128)a * (u128)(i128)b + c); }

//@ cases: (1, 2, 3, 4, 5) (-1, 0, -1, 0, 1) random:10
int64_t wide_arguments(int64_t ah, uint64_t al, int64_t b, uint64_t ch, uint64_t cl) {
    i128 r = fused((i128)make((uint64_t)ah, al), b, make(ch, cl));
    return (int64_t)(r >> 64) ^ (int64_t)r;
}

//@ cases: (1, 0, 0) (0x123456789abcdef0, 0xfedcba9876543210, 3) random:6
uint64_t rotate_128(uint64_t high, uint64_t low, uint8_t by) {
    by &= 127;
    u128 x = make(high, low);
    x = x << by | x >> (-by & 127);
    return mix(x) + (uint64_t)__builtin_popcountll((uint64_t)x);
}

//@ cases: (0xffffffffffffffff, 0xffffffffffffffff) (3, 4) random:8
uint64_t overflow_128(uint64_t a, uint64_t b) {
    u128 product = (u128)a * b, sum;
    _Bool carry = __builtin_add_overflow(product, (u128)a << 64, &sum);
    return mix(sum) << 1 | carry;
}
