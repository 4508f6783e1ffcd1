// Switches: dense (jump tables at -O2), sparse (compare trees), ranges, 64-bit cases, fall-through, computed goto.
#include <stdint.h>

//@ cases: (0) (1) (2) (3) (4) (5) (6) (7) (8) (9) (10) (11) (12) (13) (-1) (2147483647) (-2147483648)
int dense_calls(int op) {
    switch (op) {
    case 0: return op + 100;
    case 1: return op * 7;
    case 2: return op << 4;
    case 3: return -op;
    case 4: return ~op;
    case 5: return op ^ 0x55;
    case 6: return op % 4;
    case 7: return op / 2;
    case 8: return op - 1000;
    case 9: return op * op;
    case 10: return op | 0x100;
    case 11: return op & 0xe;
    default: return -12345;
    }
}

//@ cases: (0, 9, 4) (1, 9, 4) (2, 9, 4) (3, 9, 4) (4, 9, 0) (5, 9, 4) (6, 9, 4) (7, 9, 4) (8, 9, 4) (9, 1, 2) (10, 5, 6) (11, 5, 6) (12, 5, 3) (13, 5, 6) (14, 9, 4) (255, 1, 1) random:30
//@ where: op=0..15
uint64_t calculator(uint8_t op, uint64_t a, uint64_t b) {
    switch (op) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return a * b;
    case 3: return b ? a / b : 0;
    case 4: return b ? a % b : a;
    case 5: return a & b;
    case 6: return a | b;
    case 7: return a ^ b;
    case 8: return a << (b & 63);
    case 9: return a >> (b & 63);
    case 10: return (uint64_t)((int64_t)a >> (b & 63));
    case 11: return a < b;
    case 12: return (int64_t)a < (int64_t)b;
    case 13: return a == b;
    default: return 0xdead;
    }
}

//@ cases: (0) (7) (100) (1000) (-1000) (65536) (123456789) (2147483647) (-2147483648) (8) random:5
int sparse(int key) {
    switch (key) {
    case -2147483647 - 1: return 1;
    case -1000: return 2;
    case 0: return 3;
    case 7: return 4;
    case 100: return 5;
    case 1000: return 6;
    case 65536: return 7;
    case 123456789: return 8;
    case 2147483647: return 9;
    default: return 0;
    }
}

//@ cases: (0) (1) (2) (3) (4) (5) (6) (40) (41) (42) (43) (44) (1000000000001) (1000000000002) (1000000000003) (1000000000004) (-1)
long two_clusters(long long key) {
    switch (key) {
    case 1: return 11;
    case 2: return 17;
    case 3: return 5;
    case 4: return 23;
    case 5: return 1;
    case 40: return -4;
    case 41: return 77;
    case 42: return 42;
    case 43: return 9;
    case 1000000000001: return 8;
    case 1000000000002: return 64;
    case 1000000000003: return 33;
    case 1000000000004: return 2;
    default: return key < 0 ? -1 : 0;
    }
}

//@ cases: (48) (57) (65) (70) (97) (102) (103) (47) (58) (255) (0) random:10
int hex_digit(unsigned char c) {
    switch (c) {
    case '0' ... '9': return c - '0';
    case 'a' ... 'f': return c - 'a' + 10;
    case 'A' ... 'F': return c - 'A' + 10;
    default: return -1;
    }
}

//@ cases: (1, 2000) (2, 2000) (2, 1900) (2, 2023) (4, 1) (12, 1) (13, 1) (0, 0) random:10
//@ where: month=0..13, year=1..3000
unsigned days_in_month(unsigned month, unsigned year) {
    switch (month) {
    case 2: return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    case 4:
    case 6:
    case 9:
    case 11: return 30;
    case 1:
    case 3:
    case 5:
    case 7:
    case 8:
    case 10:
    case 12: return 31;
    }
    return 0;
}

//@ cases: (0, 5) (1, 5) (2, 5) (3, 5) (4, 5) (5, 5) (6, 5) (7, 5) random:10
//@ where: from=0..8
uint32_t fall_through(uint32_t from, uint32_t x) {
    switch (from) {
    case 0: x += 1;        // fall through
    case 1: x *= 3;        // fall through
    case 2: x ^= 0xff;     // fall through
    case 3: x = x << 7 | x >> 25; // fall through
    case 4: x -= 9; break;
    case 5: x = ~x;        // fall through
    case 6: x /= 3; break;
    default: x = 0;
    }
    return x;
}

//@ cases: (0) (1) (2) (3) (4) (5) (6) (7) (8) (9) (255)
uint16_t lookup_by_switch(uint8_t key) {
    switch (key) {
    case 0: return 0x1021;
    case 1: return 0x8005;
    case 2: return 0x3d65;
    case 3: return 0xc867;
    case 4: return 0x0589;
    case 5: return 0x8bb7;
    case 6: return 0xa097;
    case 7: return 0x4599;
    case 8: return 0x5935;
    default: return 0;
    }
}

//@ cases: (-3) (-2) (-1) (0) (1) (2) (3) (127) (-128)
signed char negative_cases(signed char key) {
    switch (key) {
    case -128: return 12;
    case -3: return 99;
    case -2: return -7;
    case -1: return 31;
    case 0: return 0;
    case 1: return 64;
    case 2: return -128;
    default: return 1;
    }
}

//@ cases: (0, 0) (0, 3) (2, 0) (2, 1) (2, 2) (1, 1) (1, 0) (3, 3) random:6
//@ where: outer=0..4, inner=0..4
int nested_switches(int outer, int inner) {
    switch (outer) {
    case 0:
        switch (inner) {
        case 0: return 1;
        case 3: return 2;
        default: break;
        }
        return 3;
    case 1: return inner ? 4 : 5;
    case 2:
        switch (inner) {
        case 0: return 6;
        case 1: return 7;
        case 2: return 8;
        case 3: return 9;
        case 4: return 10;
        }
        // fall through
    default: return outer * 100 + inner;
    }
}

//@ cases: (0, 1) (1, 1) (2, 1) (3, 1) (4, 1) random:10
//@ where: op=0..4
int64_t computed_goto_table(uint32_t op, int32_t x) {
    static const void *const labels[] = {&&negate, &&twice, &&square, &&low, &&end};
    int64_t value = x;
    goto *labels[op];
negate:
    value = -value;
    goto end;
twice:
    value *= 2;
    goto end;
square:
    value *= value;
    goto end;
low:
    value &= 0xff;
end:
    return value;
}

//@ cases: (0) (1) (0x123) (0xffffffff) random:6
uint32_t threaded_code(uint32_t program) {
    // Each hexadecimal digit of the program is an operation; computed gotos go from one to the next.
    static const int offsets[] = {&&op_add - &&op_add, &&op_mul - &&op_add, &&op_rot - &&op_add, &&op_inv - &&op_add};
    uint32_t x = 0x9e3779b9;
    int left = 8;
#define NEXT                                                                                                           \
    do {                                                                                                               \
        if (left-- == 0)                                                                                               \
            return x;                                                                                                  \
        uint32_t digit = program & 3;                                                                                  \
        program >>= 4;                                                                                                 \
        goto *(const void *)((const char *)&&op_add + offsets[digit]);                                                 \
    } while (0)
    NEXT;
op_add:
    x += 0x1111;
    NEXT;
op_mul:
    x *= 17;
    NEXT;
op_rot:
    x = x >> 9 | x << 23;
    NEXT;
op_inv:
    x = ~x;
    NEXT;
#undef NEXT
}

enum color { RED = 1, GREEN = 2, BLUE = 4, ALPHA = 8 };

//@ cases: (0) (1) (2) (3) (4) (5) (6) (7) (8) (15) (16)
unsigned enumeration(unsigned mask) {
    switch ((enum color)mask) {
    case RED: return 0xff0000;
    case GREEN: return 0x00ff00;
    case BLUE: return 0x0000ff;
    case ALPHA: return 0xff000000;
    default: return mask & (RED | GREEN | BLUE) ? 0x808080 : 0;
    }
}

static __attribute__((noinline)) int handler_a(int x) { return x + 1; }
static __attribute__((noinline)) int handler_b(int x) { return x * 2; }
static __attribute__((noinline)) int handler_c(int x) { return x ^ 3; }
static __attribute__((noinline)) int handler_d(int x) { return -x; }
static __attribute__((noinline)) int handler_e(int x) { return x - 10; }
static __attribute__((noinline)) int handler_f(int x) { return x & 0xf0; }

//@ cases: (0, 5) (1, 5) (2, 5) (3, 5) (4, 5) (5, 0xff) (6, 5) random:10
//@ where: which=0..7, x=-1000000..1000000
int switch_of_tail_calls(unsigned which, int x) {
    switch (which) {
    case 0: return handler_a(x);
    case 1: return handler_b(x);
    case 2: return handler_c(x);
    case 3: return handler_d(x);
    case 4: return handler_e(x);
    case 5: return handler_f(x);
    default: return 0;
    }
}
