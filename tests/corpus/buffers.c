// Functions on the caller's buffers: every element type, in and out, several at a time, aliasing-safe and unaligned.
#include <stddef.h>
#include <stdint.h>

//@ buffer p: int32_t[8] = 1 -2 3 -4 5 2147483647 -2147483648 0
//@ cases: (0) (1) (8)
//@ where: n=0..8
int64_t sum_i32(const int32_t *p, size_t n) {
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += p[i];
    return sum;
}

//@ buffer p: uint8_t[33] = random
//@ cases: (0) (33) (17)
//@ where: n=0..33
uint32_t sum_u8(const uint8_t *p, int n) {
    uint32_t sum = 0;
    while (n-- > 0)
        sum += *p++;
    return sum;
}

//@ buffer p: int8_t[16] = random
//@ cases: (16) (3)
//@ where: n=1..16
int8_t minimum_i8(const int8_t *p, int n) {
    int8_t least = p[0];
    for (int i = 1; i < n; i++)
        if (p[i] < least)
            least = p[i];
    return least;
}

//@ buffer p: uint16_t[16] = random
//@ cases: (16) (1)
//@ where: n=1..16
uint16_t maximum_u16(const uint16_t *p, unsigned n) {
    uint16_t most = 0;
    for (unsigned i = 0; i < n; i++)
        most = p[i] > most ? p[i] : most;
    return most;
}

//@ buffer a: int64_t[6] = random -1000000000..1000000000
//@ buffer b: int64_t[6] = random -1000000000..1000000000
//@ cases: (6) (0)
//@ where: n=0..6
int64_t dot_i64(const int64_t *a, const int64_t *b, int n) {
    int64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i] / 8;
    return sum;
}

//@ buffer to: uint8_t[24] = 9 9 9
//@ buffer from: uint8_t[24] = random
//@ cases: (24) (0) (7)
//@ where: n=0..24
void copy_bytes(uint8_t *to, const uint8_t *from, size_t n) {
    for (size_t i = 0; i < n; i++)
        to[i] = from[i];
}

//@ buffer p: uint32_t[12] = random
//@ cases: (12, 7) (0, 1) (5, 4294967295)
//@ where: n=0..12
void scale_u32(uint32_t *p, int n, uint32_t by) {
    for (int i = 0; i < n; i++)
        p[i] = p[i] * by + (uint32_t)i;
}

//@ buffer p: int16_t[15] = random
//@ cases: (15) (1) (8)
//@ where: n=0..15
void reverse_i16(int16_t *p, int n) {
    for (int i = 0; i < n / 2; i++) {
        int16_t t = p[i];
        p[i] = p[n - 1 - i];
        p[n - 1 - i] = t;
    }
}

//@ buffer a: int32_t[1] = 5
//@ buffer b: int32_t[1] = -7
//@ cases: () ()
void swap_i32(int32_t *a, int32_t *b) {
    int32_t t = *a;
    *a = *b;
    *b = t;
}

//@ buffer quotient: int32_t[1] = 0
//@ buffer remainder: int32_t[1] = 0
//@ cases: (17, 5) (-17, 5) (17, -5) random:6
//@ where: a=-2147483647..2147483647
_Bool divide(int32_t a, int32_t b, int32_t *quotient, int32_t *remainder) {
    if (b == 0)
        return 0;
    *quotient = a / b;
    *remainder = a % b;
    return 1;
}

//@ buffer s: uint8_t[20] = "hello corpus"
//@ cases: ()
size_t length(const uint8_t *s) {
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

//@ buffer s: uint8_t[20] = "Hello, World!"
//@ cases: ()
int upper_case(unsigned char *s) {
    int changed = 0;
    for (; *s; s++)
        if (*s >= 'a' && *s <= 'z') {
            *s = (unsigned char)(*s - 32);
            changed++;
        }
    return changed;
}

//@ buffer a: uint8_t[12] = "abcdef"
//@ buffer b: uint8_t[12] = "abcxyz"
//@ cases: (3) (4) (12)
//@ where: n=0..12
int compare_bytes(const uint8_t *a, const uint8_t *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

//@ buffer p: int32_t[10] = random -50..50
//@ cases: (10) (0) (1) (6)
//@ where: n=0..10
void sort_i32(int *p, int n) {
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && p[j - 1] > p[j]; j--) {
            int t = p[j];
            p[j] = p[j - 1];
            p[j - 1] = t;
        }
}

//@ buffer p: int64_t[9] = -9 -5 0 3 8 9 100 5000 9000000000
//@ cases: (3) (4) (9000000000) (-10)
int find_sorted(const int64_t *p, int64_t key) {
    int low = 0, high = 9;
    while (low < high) {
        int middle = (low + high) / 2;
        if (p[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < 9 && p[low] == key ? low : -1;
}

//@ buffer p: uint64_t[7] = random
//@ cases: (7)
//@ where: n=0..7
void prefix_sums(uint64_t *p, int n) {
    for (int i = 1; i < n; i++)
        p[i] += p[i - 1];
}

//@ buffer a: int32_t[9] = random -99..99
//@ buffer b: int32_t[9] = random -99..99
//@ buffer c: int32_t[9] = 0
//@ cases: ()
void multiply_3x3(const int32_t *a, const int32_t *b, int32_t *c) {
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            c[i * 3 + j] = 0;
            for (int k = 0; k < 3; k++)
                c[i * 3 + j] += a[i * 3 + k] * b[k * 3 + j];
        }
}

//@ buffer histogram: uint32_t[16] = 0
//@ buffer p: uint8_t[30] = random
//@ cases: (30) (5)
//@ where: n=0..30
unsigned count_nibbles(unsigned *histogram, const unsigned char *p, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        histogram[p[i] & 15]++;
        histogram[p[i] >> 4]++;
    }
    return histogram[0];
}

//@ buffer p: uint8_t[24] = random
//@ cases: (0) (1) (3) (13)
//@ where: at=0..13
uint64_t read_unaligned(const uint8_t *p, unsigned at) {
    uint64_t d;
    uint32_t w;
    __builtin_memcpy(&d, p + at, 8);
    __builtin_memcpy(&w, p + at + 3, 4);
    return d ^ w;
}

//@ buffer p: uint8_t[24] = 0
//@ cases: (0, 1) (5, 18446744073709551615) (7, 0x123456789abcdef0)
//@ where: at=0..16
void write_big_endian(uint8_t *p, unsigned at, uint64_t value) {
    for (int i = 7; i >= 0; i--, value >>= 8)
        p[at + (unsigned)i] = (uint8_t)value;
}

//@ buffer out: uint8_t[11] = 0
//@ cases: (0) (127) (128) (18446744073709551615) random:4
int encode_leb128(uint8_t *out, uint64_t value) {
    int n = 0;
    do {
        out[n] = (uint8_t)((value & 0x7f) | (value > 0x7f) << 7);
        n++;
    } while (value >>= 7);
    return n;
}

//@ buffer in: uint8_t[4] = 0xe5 0x8e 0x26
//@ buffer consumed: long long[1] = -1
//@ cases: ()
unsigned long decode_leb128(const uint8_t *in, long long *consumed) {
    unsigned long value = 0;
    int n = 0;
    do
        value |= (unsigned long)(in[n] & 0x7f) << 7 * n;
    while (in[n++] & 0x80);
    *consumed = n;
    return value;
}

//@ buffer to: uint8_t[24] = 0
//@ buffer from: uint8_t[8] = random
//@ cases: (8) (0) (3)
//@ where: n=0..8
size_t to_hexadecimal(uint8_t *to, const uint8_t *from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = (uint8_t) "0123456789abcdef"[from[i] >> 4];
        to[2 * i + 1] = (uint8_t) "0123456789abcdef"[from[i] & 15];
    }
    return 2 * n;
}

//@ buffer a: short[4] = random -99..99
//@ buffer b: unsigned short[4] = random 0..99
//@ buffer c: signed char[4] = random
//@ buffer d: unsigned long long[4] = random
//@ cases: (0, 1, 2, 3) (3, 3, 3, 3) random:3
//@ where: i=0..3, j=0..3, k=0..3, l=0..3
long eight_with_pointers(short *a, unsigned short *b, signed char *c, unsigned long long *d, int i, int j, int k, int l) {
    a[i] = (short)(a[i] + b[j]);
    b[j] = (unsigned short)(c[k] * 3);
    c[k] = (signed char)(d[l] >> 3);
    d[l] ^= (unsigned long long)a[i];
    return a[0] + b[1] + c[2] + (long)(d[3] >> 2);
}

static const int32_t *remembered;

//@ buffer p: int32_t[4] = 10 20 30 40
//@ cases: (0) (3)
//@ where: i=0..3
int pointer_through_global(int32_t *p, unsigned i) {
    remembered = p + i;
    p[i] *= 3;
    return *remembered;
}

//@ buffer p: uint8_t[32] = random
//@ cases: (32) (1) (0)
//@ where: n=0..32
uint32_t crc_bytes(const uint8_t *p, uint8_t n) {
    uint32_t crc = ~0u;
    while (n--) {
        crc ^= *p++;
        for (int k = 0; k < 4; k++)
            crc = crc >> 2 ^ (0xb8bc6765u & -(crc & 1)) ^ (0xedb88320u & -(crc >> 1 & 1));
    }
    return ~crc;
}

//@ buffer nodes: int32_t[10] = 4 7 0 6 2 9 8 1 -1 3
//@ cases: (0) (5) (2)
//@ where: start=0..9
int follow_links(const int32_t *nodes, int start) {
    int steps = 0;
    while (start >= 0 && steps < 20) {
        start = nodes[start];
        steps++;
    }
    return steps;
}

//@ buffer tape: uint8_t[16] = 0
//@ buffer program: uint8_t[24] = "+++[>++<-]>[>+++<-]>."
//@ cases: (2000)
//@ where: limit=0..5000
int brainfuck(uint8_t *tape, const uint8_t *program, int limit) {
    int output = -1;
    unsigned at = 0;
    for (const uint8_t *pc = program; *pc && limit-- > 0; pc++)
        switch (*pc) {
        case '>': at = (at + 1) & 15; break;
        case '<': at = (at - 1) & 15; break;
        case '+': tape[at]++; break;
        case '-': tape[at]--; break;
        case '.': output = tape[at]; break;
        case '[':
            if (!tape[at])
                for (int depth = 1; depth;) {
                    pc++;
                    depth += (*pc == '[') - (*pc == ']');
                }
            break;
        case ']':
            if (tape[at])
                for (int depth = 1; depth;) {
                    pc--;
                    depth += (*pc == ']') - (*pc == '[');
                }
            break;
        }
    return output;
}
