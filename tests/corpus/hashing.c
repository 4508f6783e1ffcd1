// Hashes, checksums, random number generators and small ciphers on integers and static text.
#include <stdint.h>

static const uint8_t message[] = "It is a truth universally acknowledged, that a single word must be in want of a bus.";

//@ cases: (0) (1) (20)
//@ where: n=0..84
//@ heavy: (84)
uint32_t crc32_bitwise(uint8_t n) {
    uint32_t crc = 0xffffffff;
    for (int i = 0; i < n; i++) {
        crc ^= message[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
    }
    return ~crc;
}

static uint32_t crc_table[16];

//@ cases: (0) (10) (40)
//@ where: n=0..84
uint32_t crc32_nibbles(uint8_t n) {
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t c = i;
        for (int k = 0; k < 4; k++)
            c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
        crc_table[i] = c;
    }
    uint32_t crc = 0xffffffff;
    for (int i = 0; i < n; i++) {
        crc ^= message[i];
        crc = crc >> 4 ^ crc_table[crc & 15];
        crc = crc >> 4 ^ crc_table[crc & 15];
    }
    return ~crc;
}

//@ cases: (0) (1) (84)
//@ where: n=0..84
uint32_t adler32(uint8_t n) {
    uint32_t a = 1, b = 0;
    for (int i = 0; i < n; i++) {
        a = (a + message[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

//@ cases: (0) (1) (84)
//@ where: n=0..84
uint64_t fnv1a(uint8_t n) {
    uint64_t h = 0xcbf29ce484222325;
    for (int i = 0; i < n; i++)
        h = (h ^ message[i]) * 0x100000001b3;
    return h;
}

//@ cases: (0) (7) (84)
//@ where: n=0..84
uint16_t fletcher16(uint8_t n) {
    uint16_t a = 0, b = 0;
    for (int i = 0; i < n; i++) {
        a = (uint16_t)((a + message[i]) % 255);
        b = (uint16_t)((b + a) % 255);
    }
    return (uint16_t)(b << 8 | a);
}

//@ cases: (0) (1) (0xffffffff) random:8
uint32_t murmur_finalizer(uint32_t h) {
    h ^= h >> 16;
    h *= 0x85ebca6b;
    h ^= h >> 13;
    h *= 0xc2b2ae35;
    return h ^ h >> 16;
}

//@ cases: (0) (1) (0xffffffffffffffff) random:8
uint64_t splitmix64(uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static inline uint32_t rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }

//@ cases: (1, 2, 3, 4) random:8
uint64_t chacha_quarter_round(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    a += b, d ^= a, d = rotate(d, 16);
    c += d, b ^= c, b = rotate(b, 12);
    a += b, d ^= a, d = rotate(d, 8);
    c += d, b ^= c, b = rotate(b, 7);
    return ((uint64_t)a << 32 | b) ^ ((uint64_t)d << 20 | c);
}

//@ cases: (0, 0, 1) (1, 2, 8) random:3
//@ where: rounds=0..16
//@ heavy: (0xdeadbeef, 0xcafef00d, 32)
uint64_t tea_encrypt(uint32_t v0, uint32_t v1, uint8_t rounds) {
    static const uint32_t key[4] = {0x01234567, 0x89abcdef, 0xfedcba98, 0x76543210};
    uint32_t sum = 0;
    while (rounds--) {
        sum += 0x9e3779b9;
        v0 += (v1 << 4) + key[0] ^ v1 + sum ^ (v1 >> 5) + key[1];
        v1 += (v0 << 4) + key[2] ^ v0 + sum ^ (v0 >> 5) + key[3];
    }
    return (uint64_t)v0 << 32 | v1;
}

static uint64_t xoroshiro[2];

//@ cases: ()
void xoroshiro_reset(void) {
    xoroshiro[0] = 1;
    xoroshiro[1] = 2;
}

//@ before: xoroshiro_reset
//@ cases: () () () () () ()
uint64_t xoroshiro_next(void) {
    uint64_t s0 = xoroshiro[0], s1 = xoroshiro[1], result = s0 + s1;
    s1 ^= s0;
    xoroshiro[0] = (s0 << 24 | s0 >> 40) ^ s1 ^ s1 << 16;
    xoroshiro[1] = s1 << 37 | s1 >> 27;
    return result;
}

//@ cases: (0, 0, 0, 0) (0x6b206574, 0, 1, 2) random:3
uint64_t siphash_rounds(uint64_t k0, uint64_t k1, uint64_t m, uint8_t rounds) {
    uint64_t v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d, v2 = k0 ^ 0x6c7967656e657261,
             v3 = k1 ^ 0x7465646279746573 ^ m;
    for (int i = 0; i < (rounds & 3) + 2; i++) {
        v0 += v1, v1 = v1 << 13 | v1 >> 51, v1 ^= v0, v0 = v0 << 32 | v0 >> 32;
        v2 += v3, v3 = v3 << 16 | v3 >> 48, v3 ^= v2;
        v0 += v3, v3 = v3 << 21 | v3 >> 43, v3 ^= v0;
        v2 += v1, v1 = v1 << 17 | v1 >> 47, v1 ^= v2, v2 = v2 << 32 | v2 >> 32;
    }
    return v0 ^ v1 ^ v2 ^ v3 ^ m;
}

//@ where: which=0..7
//@ heavy: (0) (1) (7)
uint32_t sha256_word(uint8_t which) {
    // The digest's word of the empty message: constants from the fractional parts of roots, made with integers only.
    uint32_t k[64], h[8], w[64];
    int found = 0;
    for (uint32_t p = 2; found < 64; p++) {
        _Bool prime = 1;
        for (uint32_t d = 2; d * d <= p; d++)
            if (p % d == 0) {
                prime = 0;
                break;
            }
        if (!prime)
            continue;
        uint64_t cube = 0, square = 0;
        for (int bit = 35; bit >= 0; bit--) {
            unsigned __int128 t = cube | 1ull << bit;
            if (t * t * t <= (unsigned __int128)p << 96)
                cube = (uint64_t)t;
            t = square | 1ull << bit;
            if (t * t <= (unsigned __int128)p << 64)
                square = (uint64_t)t;
        }
        k[found] = (uint32_t)cube;
        if (found < 8)
            h[found] = (uint32_t)square;
        found++;
    }
    for (int i = 0; i < 64; i++) {
        if (i < 16)
            w[i] = i == 0 ? 0x80000000 : 0;
        else
            w[i] = w[i - 16] + (rotate(w[i - 15], 25) ^ rotate(w[i - 15], 14) ^ w[i - 15] >> 3) + w[i - 7] +
                   (rotate(w[i - 2], 15) ^ rotate(w[i - 2], 13) ^ w[i - 2] >> 10);
    }
    uint32_t s[8];
    for (volatile int i = 0; i < 8; i++)
        s[i] = h[i];
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = s[7] + (rotate(s[4], 26) ^ rotate(s[4], 21) ^ rotate(s[4], 7)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) +
                      k[i] + w[i];
        uint32_t t2 = (rotate(s[0], 30) ^ rotate(s[0], 19) ^ rotate(s[0], 10)) +
                      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        for (int j = 7; j > 0; j--)
            s[j] = s[j - 1];
        s[4] += t1;
        s[0] = t1 + t2;
    }
    return h[which] + s[which];
}
