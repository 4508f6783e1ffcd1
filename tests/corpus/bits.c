// Bit manipulation: builtins, rotates, reversals, tricks, overflow checks.
#include <stdint.h>

#ifndef __has_builtin
#define __has_builtin(name) 0
#endif

//@ cases: (1) (0x80000000) (0xffffffff) random:20
//@ where: x=1..4294967295
int leading_zeros_32(uint32_t x) {
    return __builtin_clz(x);
}

//@ cases: (1) (0x8000000000000000) random:20
//@ where: x=1..18446744073709551615
int leading_zeros_64(uint64_t x) {
    return __builtin_clzll(x);
}

//@ cases: (1) (0x80000000) random:20
//@ where: x=1..4294967295
int trailing_zeros_32(uint32_t x) {
    return __builtin_ctz(x);
}

//@ cases: (1) (0x8000000000000000) random:20
//@ where: x=1..18446744073709551615
int trailing_zeros_64(uint64_t x) {
    return __builtin_ctzll(x);
}

//@ cases: (0) (1) (-1) (256) random:10
int find_first_set(int x) {
    return x ? __builtin_ctz((unsigned)x) + 1 : 0;
}

//@ cases: (0) (-1) (1) (-9223372036854775808) random:15
int redundant_sign_bits(int64_t x) {
    uint64_t y = (uint64_t)(x ^ x >> 1);
    return y ? __builtin_clzll(y) - (x == 0) : 63;
}

//@ cases: (0) (0xffffffff) random:15
int population_32(uint32_t x) {
    x -= x >> 1 & 0x55555555;
    x = (x & 0x33333333) + (x >> 2 & 0x33333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f;
    return (int)(x * 0x01010101 >> 24);
}

//@ cases: (0) (0xffffffffffffffff) random:15
int population_64(uint64_t x) {
    return __builtin_popcountll(x);
}

//@ cases: (0) (1) (0xffffffff) random:15
_Bool parity(uint32_t x) {
    return __builtin_parity(x);
}

//@ cases: (0x1234) random:10
uint16_t swap_16(uint16_t x) {
    return __builtin_bswap16(x);
}

//@ cases: (0x12345678) random:10
uint32_t swap_32(uint32_t x) {
    return __builtin_bswap32(x);
}

//@ cases: (0x123456789abcdef0) random:10
uint64_t swap_64(uint64_t x) {
    return __builtin_bswap64(x);
}

//@ cases: (0x11223344) random:10
uint32_t swap_halves_each(uint32_t x) {
    return (x & 0xff00ff00) >> 8 | (x & 0x00ff00ff) << 8;
}

//@ cases: (1) (0x80000001) random:15
uint32_t reverse_32(uint32_t x) {
#if __has_builtin(__builtin_bitreverse32)
    return __builtin_bitreverse32(x);
#else
    uint32_t r = 0;
    for (int i = 0; i < 32; i++)
        r |= (x >> i & 1) << (31 - i);
    return r;
#endif
}

//@ cases: (1) (0x8000000000000001) random:15
uint64_t reverse_64(uint64_t x) {
#if __has_builtin(__builtin_bitreverse64)
    return __builtin_bitreverse64(x);
#else
    uint64_t r = 0;
    for (int i = 0; i < 64; i++)
        r |= (x >> i & 1) << (63 - i);
    return r;
#endif
}

//@ cases: (1) (0x81) random:10
unsigned char reverse_8(unsigned char x) {
    return (unsigned char)(((x * 0x0802u & 0x22110u) | (x * 0x8020u & 0x88440u)) * 0x10101u >> 16);
}

//@ cases: (0x80000001, 0) (0x80000001, 31) random:15
uint32_t rotate_left_32(uint32_t x, uint32_t by) {
    return x << (by & 31) | x >> (-by & 31);
}

//@ cases: (0x8000000000000001, 0) (3, 63) random:15
uint64_t rotate_right_64(uint64_t x, uint32_t by) {
    return x >> (by & 63) | x << (-by & 63);
}

//@ cases: (0x8001, 0) (0x8001, 4) random:10
uint16_t rotate_left_16(uint16_t x, uint8_t by) {
    by &= 15;
    return (uint16_t)(x << by | x >> ((16 - by) & 15));
}

//@ cases: (0x12345678, 0x9abcdef0) random:10
uint64_t rotate_constants(uint32_t a, uint64_t b) {
    return (a << 7 | a >> 25) + (b >> 23 | b << 41) + (a >> 31 | a << 1);
}

//@ cases: (1, 0) (-1, 31) (-2147483648, 31) random:15
int32_t shift_right_arithmetic(int32_t x, uint8_t by) {
    return x >> (by & 31);
}

//@ cases: (1, 0) (-1, 63) random:15
uint64_t shift_both_ways(int64_t x, uint8_t by) {
    by &= 63;
    return (uint64_t)x << by ^ (uint64_t)(x >> by) ^ (uint64_t)x >> by;
}

//@ cases: (0xdeadbeef, 4, 8) (0xffffffff, 0, 32) random:15
//@ where: low=0..31, width=1..32
uint32_t extract_field(uint32_t x, uint8_t low, uint8_t width) {
    return x >> low & (uint32_t)((1ull << width) - 1);
}

//@ cases: (0xdeadbeef) random:15
int64_t signed_fields(uint64_t x) {
    int64_t a = (int64_t)(x << 51) >> 60, b = (int64_t)(x << 20) >> 47, c = (int32_t)((uint32_t)x << 3) >> 9;
    return a * 1000003 + b * 31 + c;
}

//@ cases: (0, 0xffffffffffffffff) random:15
uint64_t insert_fields(uint64_t x, uint64_t y) {
    x = (x & ~0xff00ull) | (y & 0xff) << 8;
    x = (x & ~(0xfffffull << 40)) | (y >> 10 & 0xfffff) << 40;
    return (x & ~0xfull) | (y >> 60);
}

//@ cases: (0) (0x80000000) (12) random:10
uint32_t lowest_bits(uint32_t x) {
    return (x & -x) ^ (x & (x - 1)) << 1 ^ (x | (x - 1)) >> 1 ^ (~x & (x + 1));
}

//@ cases: (0) (1) (3) (0x80000000) (0x80000001) random:10
uint32_t round_up_to_power(uint32_t x) {
    x--;
    x |= x >> 1;
    x |= x >> 2;
    x |= x >> 4;
    x |= x >> 8;
    x |= x >> 16;
    return x + 1;
}

//@ cases: (0, 0) (0xffff, 0) (0x1234, 0x5678) random:10
uint32_t morton(uint16_t x, uint16_t y) {
    uint32_t parts[2] = {x, y};
    for (int i = 0; i < 2; i++) {
        uint32_t v = parts[i];
        v = (v | v << 8) & 0x00ff00ff;
        v = (v | v << 4) & 0x0f0f0f0f;
        v = (v | v << 2) & 0x33333333;
        parts[i] = (v | v << 1) & 0x55555555;
    }
    return parts[0] | parts[1] << 1;
}

//@ cases: (0) (0xffffffff) random:10
uint32_t gray_code_round_trip(uint32_t x) {
    uint32_t gray = x ^ x >> 1, back = gray;
    for (int shift = 1; shift < 32; shift <<= 1)
        back ^= back >> shift;
    return back == x ? gray : 0;
}

//@ cases: (0) (0x00ff00ff00ff00ff) (0x0101010101010101) random:15
_Bool has_zero_byte(uint64_t x) {
    return ((x - 0x0101010101010101u) & ~x & 0x8080808080808080u) != 0;
}

//@ cases: (0xff00ff00, 0x0ff00ff0) random:15
uint64_t logical_mix(uint64_t a, uint64_t b) {
    uint64_t r = a & ~b;
    r ^= ~(a ^ b);
    r += a | ~b;
    r ^= (a & 0x00ff00ff00ff00ff) | (b & 0xff00ff00ff00ff00);
    r -= a & 0x7ffffffe;
    r ^= ~(a & b >> 7);
    return r + (b & 0xfffffffffffffffc) + (a | 0x0f0f0f0f0f0f0f0f);
}

//@ cases: (2147483647, 1) (-2147483648, -1) (1, 2) random:15
int64_t add_overflow_i32(int32_t a, int32_t b) {
    int32_t sum;
    _Bool overflow = __builtin_add_overflow(a, b, &sum);
    return overflow ? (int64_t)sum * 256 + 1 : sum;
}

//@ cases: (-9223372036854775808, 1) (0, -9223372036854775808) (1, 2) random:15
int64_t sub_overflow_i64(int64_t a, int64_t b) {
    int64_t difference;
    return __builtin_sub_overflow(a, b, &difference) ? ~difference : difference;
}

//@ cases: (4294967296, 4294967296) (-1, -9223372036854775808) (3, 5) random:15
int64_t mul_overflow_i64(int64_t a, int64_t b) {
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? ~product : product;
}

//@ cases: (0xffffffff, 0xffffffff) (65536, 65536) (3, 5) random:15
uint32_t mul_overflow_u32(uint32_t a, uint32_t b) {
    uint32_t product;
    return __builtin_mul_overflow(a, b, &product) ? ~product : product;
}

//@ cases: (127, 1) (-128, -1) (100, 27) random:15
int saturating_add_i8(int8_t a, int8_t b) {
    int8_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a < 0 ? -128 : 127) : sum;
}

//@ cases: (0xffffffffffffffff, 1) random:15
uint64_t saturating_sub_u64(uint64_t a, uint64_t b) {
    uint64_t difference;
    return __builtin_sub_overflow(a, b, &difference) ? 0 : difference;
}

//@ cases: (300, -5, 7) random:15
int32_t mixed_overflow(int64_t a, int16_t b, uint32_t c) {
    int32_t x;
    uint16_t y;
    uint8_t z;
    int flags = __builtin_add_overflow(a, b, &x) | __builtin_sub_overflow(c, b, &y) << 1 |
                __builtin_mul_overflow(b, c, &z) << 2;
    return flags << 24 ^ (x & 0xffffff) ^ y ^ z;
}

//@ cases: (0, 0) (100, 200) random:15
uint32_t select_without_branches(uint32_t a, uint32_t b) {
    uint32_t mask = -(uint32_t)(a < b);
    return (a & mask) | (b & ~mask);
}

//@ cases: (0) (1) (0xffff) random:10
uint16_t extend_everything(uint16_t x) {
    int a = (int8_t)x;
    long b = (int16_t)x;
    unsigned c = (uint8_t)x;
    long long d = (int32_t)((uint32_t)x << 16);
    return (uint16_t)(a + b * 3 + c * 5 + (d >> 20));
}
