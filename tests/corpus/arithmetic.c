// Plain arithmetic in every integer width. Signed sums are made in unsigned types where they may overflow.
#include <stdint.h>

//@ cases: (0) (3) (-1) (2147483647) (-2147483648)
int identity(int num) {
    return num;
}

//@ cases: () ()
long long forty_two(void) {
    return 42;
}

//@ cases: (1, 2) (-1, 1) (2147483647, 1) random:20
int32_t add_i32(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

//@ cases: (0, 0) (0x8000000000000000, 0x8000000000000000) random:20
uint64_t add_u64(uint64_t a, uint64_t b) {
    return a + b;
}

//@ cases: (127, 1) (-128, -1) random:20
int8_t add_i8(int8_t a, int8_t b) {
    return (int8_t)(a + b);
}

//@ cases: (255, 1) (200, 100) random:20
unsigned char add_u8(unsigned char a, unsigned char b) {
    return (unsigned char)(a + b);
}

//@ cases: (-32768, 1) (32767, -1) random:20
short sub_i16(short a, short b) {
    return (short)(a - b);
}

//@ cases: (0, 1) (65535, 65535) random:20
uint16_t mul_u16(uint16_t a, uint16_t b) {
    return (uint16_t)((uint32_t)a * b);
}

//@ cases: (7, -3) (-7, 3) (-2147483648, 1) (2147483647, -1) random:20
//@ where: a=-2147483647..2147483647, b=-2147483648..2147483647
int32_t div_i32_or_zero(int32_t a, int32_t b) {
    return b ? a / b : 0;
}

//@ cases: (7, -3) (-7, 3) random:20
//@ where: a=-2147483647..2147483647
int32_t rem_i32(int32_t a, int32_t b) {
    return b ? a % b : a;
}

//@ cases: (7, 3) (0xffffffffffffffff, 2) random:20
unsigned long long div_u64(unsigned long long a, unsigned long long b) {
    return b ? a / b * 3 + a % b : ~0ull;
}

//@ cases: (-9, 4) (9223372036854775807, -1) random:20
//@ where: a=-9223372036854775807..9223372036854775807
long divmod_i64(long a, long b) {
    if (b == 0)
        return -1;
    return (a / b) ^ (a % b);
}

//@ cases: (0) (-1) (100) (-100) random:20
int32_t div_constants_i32(int32_t a) {
    return a / 3 + a / 7 - a / 10 + a / 641 - a / -5 + a / 16 + a % 1000;
}

//@ cases: (0) (0xffffffff) (99) random:20
uint32_t div_constants_u32(uint32_t a) {
    return a / 3 + a / 7 * 2 + a / 10 + a / 641 + a / 0x80000001u + a % 60 + a / 8;
}

//@ cases: (0) (0xffffffffffffffff) random:20
uint64_t div_constants_u64(uint64_t a) {
    return a / 3 ^ a / 7 ^ a / 10 ^ a / 1000000007 ^ a % 86400 ^ a / 4096;
}

//@ cases: (0) (-1) (-9223372036854775808) random:20
int64_t div_constants_i64(int64_t a) {
    return a / 3 ^ a / 7 ^ a / -10 ^ a / 1000000007 ^ a % 86400 ^ a / 4096;
}

//@ cases: (1, 2, 3) random:20
uint32_t multiply_add(uint32_t a, uint32_t b, uint32_t c) {
    return a * b + c;
}

//@ cases: (1, 2, 3) random:20
uint64_t multiply_subtract(uint64_t a, uint64_t b, uint64_t c) {
    return c - a * b;
}

//@ cases: (-2147483648, -2147483648, 5) random:20
int64_t widening_signed(int32_t a, int32_t b, int64_t c) {
    return (int64_t)((uint64_t)c + (uint64_t)((int64_t)a * b));
}

//@ cases: (0xffffffff, 0xffffffff, 5) random:20
uint64_t widening_unsigned(uint32_t a, uint32_t b, uint64_t c) {
    return c - (uint64_t)a * b;
}

//@ cases: (5) (-5) (-2147483648) random:10
uint32_t absolute(int32_t a) {
    return a < 0 ? 0u - (uint32_t)a : (uint32_t)a;
}

//@ cases: (5, 9, 2) (-5, 0, 5) random:20
int64_t clamp(int64_t value, int64_t low, int64_t high) {
    if (value < low)
        return low;
    if (value > high)
        return high;
    return value;
}

//@ cases: (1, 2, 3) (3, 2, 1) (2, 2, 2) random:20
int median_of_three(int a, int b, int c) {
    if (a > b) {
        int t = a;
        a = b;
        b = t;
    }
    if (b > c)
        b = c;
    return a > b ? a : b;
}

//@ cases: (-1, 1) (0, 0) (1, -1) random:20
int three_way_compare(long long a, long long b) {
    return (a > b) - (a < b);
}

//@ cases: (-1, 1) (0xffff, 0xff) random:20
//@ where: b=0..4294967295
unsigned compare_everything(int a, unsigned b) {
    unsigned r = 0;
    r |= (unsigned)((unsigned)a < b) << 0;
    r |= (unsigned)((unsigned)a <= b) << 1;
    r |= (unsigned)(a < (int)(b >> 1)) << 2;
    r |= (unsigned)(a >= (int)(b >> 1)) << 3;
    r |= (unsigned)(a == (int)(b & 0x7fff)) << 4;
    r |= (unsigned)((short)a > (signed char)b) << 5;
    r |= (unsigned)((unsigned char)a != (unsigned char)b) << 6;
    r |= (unsigned)(a > 0 && b) << 7;
    return r;
}

//@ cases: (1, 1, 1) (0, 1, 0) (1, 0, 0) (0, 0, 1)
_Bool majority(_Bool a, _Bool b, _Bool c) {
    return a + b + c >= 2;
}

//@ cases: (0) (1) (256) (-2147483648)
_Bool truth(int a) {
    return a;
}

//@ cases: (1, 2, 3, 4, 5, 6, 7, 8) (-1, -1, -1, -1, -1, -1, -1, -1) random:20
int64_t eight_wide(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h) {
    return a ^ (b >> 1) ^ ~c ^ (d & e) ^ (f | g) ^ (h >> 1);
}

//@ cases: (1, 2, 3, 4, 5, 6, 7, 1) (-1, 255, -1, 65535, -1, 0xffffffff, -1, 1) random:20
//@ where: h=0..1
uint64_t eight_mixed(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f, int64_t g, _Bool h) {
    uint64_t sum = (uint64_t)a;
    sum = sum * 31 + b;
    sum = sum * 31 + (uint64_t)c;
    sum = sum * 31 + d;
    sum = sum * 31 + (uint64_t)e;
    sum = sum * 31 + f;
    sum = sum * 31 + (uint64_t)g;
    return sum * 31 + h;
}

//@ cases: (0, 0) random:20
unsigned long long average(unsigned long long a, unsigned long long b) {
    return (a & b) + ((a ^ b) >> 1);
}

//@ cases: (100, 7) (0, 1) random:20
//@ where: b=1..4294967295
uint32_t ceiling_divide(uint32_t a, uint32_t b) {
    return a / b + (a % b != 0);
}

//@ cases: (2026, 11, 22) (2000, 2, 29) (1600, 3, 1) random:20
//@ where: year=1..9999, month=1..12, day=1..28
int days_from_civil(int year, unsigned month, unsigned day) {
    year -= month <= 2;
    int era = year / 400;
    unsigned of_era = (unsigned)(year - era * 400);
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + (int)(of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719468;
}
