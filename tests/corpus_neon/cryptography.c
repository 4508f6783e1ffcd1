// AES, SHA-1, SHA-256, SHA-512 and SHA-3, of which the plain C follows the standards (FIPS 197, 180-4, 202).
#include "both.h"
//@ default cases: (32) (32) (16)
//@ default buffers: 32 random

#ifndef NEON
static uint8_t doubled(uint8_t x) {
    return x << 1 ^ (x >> 7) * 0x1b;
}

static uint8_t field_product(uint8_t a, uint8_t b) {
    uint8_t sum = 0;
    for (; b; b >>= 1, a = doubled(a))
        sum ^= b & 1 ? a : 0;
    return sum;
}

static uint8_t substituted(uint8_t x) {
    uint8_t inverse = 1, out;
    EACH(j, 254) inverse = field_product(inverse, x);
    out = inverse ^ 0x63;
    EACH(j, 4) {
        inverse = inverse << 1 | inverse >> 7;
        out ^= inverse;
    }
    return out;
}

static uint8_t unsubstituted(uint8_t x) {
    uint8_t y = 0;
    while (substituted(y) != x)
        y++;
    return y;
}

static uint32_t rotated(uint32_t x, int right) {
    return x >> right | x << (32 - right);
}

static uint64_t rotated_64(uint64_t x, int right) {
    return right ? x >> right | x << (64 - right) : x;
}

static uint32_t choose(uint32_t x, uint32_t y, uint32_t z) {
    return (x & y) ^ (~x & z);
}

static uint32_t majority(uint32_t x, uint32_t y, uint32_t z) {
    return (x & y) ^ (x & z) ^ (y & z);
}

// Four rounds of SHA-1 with the function of x, y, z; the words already have the constant added.
static void sha1_rounds(uint32_t *abcd, uint32_t e, const uint32_t *words, int function) {
    EACH(j, 4) {
        uint32_t x = abcd[1], y = abcd[2], z = abcd[3];
        uint32_t f = function == 0 ? choose(x, y, z) : function == 1 ? x ^ y ^ z : majority(x, y, z);
        uint32_t next = rotated(abcd[0], 27) + f + e + words[j];
        e = z;
        abcd[3] = y;
        abcd[2] = rotated(x, 2);
        abcd[1] = abcd[0];
        abcd[0] = next;
    }
}
#endif

void aes_round(const uint8_t *a, const uint8_t *key, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vaesmcq_u8(vaeseq_u8(vld1q_u8(a + i), vld1q_u8(key + i))));)
    IN_C(for (int i = 0; i + 16 <= n; i += 16) EACH(c, 4) {
        uint8_t x[4];
        EACH(r, 4) {
            int from = i + (c + r) % 4 * 4 + r;
            x[r] = substituted(a[from] ^ key[from]);
        }
        EACH(r, 4) out[i + 4 * c + r] = doubled(x[r]) ^ doubled(x[(r + 1) % 4]) ^ x[(r + 1) % 4] ^ x[(r + 2) % 4] ^ x[(r + 3) % 4];
    })
}

void aes_last_round(const uint8_t *a, const uint8_t *key, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, veorq_u8(vaeseq_u8(vld1q_u8(a + i), vld1q_u8(key)), vld1q_u8(key + i)));)
    IN_C(for (int i = 0; i + 16 <= n; i += 16) EACH(j, 16) {
        int from = (j / 4 + j % 4) % 4 * 4 + j % 4;
        out[i + j] = substituted(a[i + from] ^ key[from]) ^ key[i + j];
    })
}

//@ cases: (16)
void aes_inverse_round(const uint8_t *a, const uint8_t *key, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vaesimcq_u8(vaesdq_u8(vld1q_u8(a + i), vld1q_u8(key + i))));)
    IN_C(for (int i = 0; i + 16 <= n; i += 16) EACH(c, 4) {
        uint8_t x[4];
        EACH(r, 4) {
            int from = i + (c - r + 4) % 4 * 4 + r;
            x[r] = unsubstituted(a[from] ^ key[from]);
        }
        EACH(r, 4) out[i + 4 * c + r] = field_product(x[r], 14) ^ field_product(x[(r + 1) % 4], 11) ^
                                        field_product(x[(r + 2) % 4], 13) ^ field_product(x[(r + 3) % 4], 9);
    })
}

void sha1_hash(const uint32_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) {
        uint32x4_t x = vld1q_u32(out + i), words = vld1q_u32(a + i);
        x = vsha1cq_u32(x, vsha1h_u32(a[i]), words);
        x = vsha1pq_u32(x, a[i + 1], words);
        vst1q_u32(out + i, vsha1mq_u32(x, a[i + 2], words));
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        sha1_rounds(out + i, rotated(a[i], 2), a + i, 0);
        sha1_rounds(out + i, a[i + 1], a + i, 1);
        sha1_rounds(out + i, a[i + 2], a + i, 2);
    })
}

void sha1_schedule(const uint32_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        uint32x4_t x = vsha1su0q_u32(vld1q_u32(a + i), vld1q_u32(a + i + 4), vld1q_u32(a + i + 8));
        vst1q_u32(out + i, vsha1su1q_u32(x, vld1q_u32(a + i + 12)));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) for (int j = i; j < i + 4; j++) {
        uint32_t recent = j < i + 3 ? a[j + 13] : out[i];
        out[j] = rotated(a[j] ^ a[j + 2] ^ a[j + 8] ^ recent, 31);
    })
}

void sha256_hash(const uint32_t *a, const uint32_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        uint32x4_t low = vld1q_u32(a + i), high = vld1q_u32(a + i + 4), words = vld1q_u32(b + i);
        vst1q_u32(out + i, vsha256hq_u32(low, high, words));
        vst1q_u32(out + i + 4, vsha256h2q_u32(high, low, words));
    })
    IN_C(for (int i = 0; i + 8 <= n; i += 8) {
        uint32_t s[8];
        EACH(j, 8) s[j] = a[i + j];
        EACH(j, 4) {
            uint32_t sum = rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25);
            uint32_t first = s[7] + sum + choose(s[4], s[5], s[6]) + b[i + j];
            sum = rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22);
            uint32_t second = sum + majority(s[0], s[1], s[2]);
            for (int k = 7; k > 0; k--)
                s[k] = s[k - 1];
            s[4] += first;
            s[0] = first + second;
        }
        EACH(j, 8) out[i + j] = s[j];
    })
}

void sha256_schedule(const uint32_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        uint32x4_t x = vsha256su0q_u32(vld1q_u32(a + i), vld1q_u32(a + i + 4));
        vst1q_u32(out + i, vsha256su1q_u32(x, vld1q_u32(a + i + 8), vld1q_u32(a + i + 12)));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) for (int j = i; j < i + 4; j++) {
        uint32_t x = a[j + 1], y = j < i + 2 ? a[j + 14] : out[j - 2];
        x = rotated(x, 7) ^ rotated(x, 18) ^ x >> 3;
        out[j] = a[j] + x + a[j + 9] + (rotated(y, 17) ^ rotated(y, 19) ^ y >> 10);
    })
}

// Two rounds, as the architecture splits them: the words are of the state that the registers hold.
void sha512_hash(const uint64_t *a, uint64_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        uint64x2_t ab = vld1q_u64(a + i), cd = vld1q_u64(a + i + 2), ef = vld1q_u64(a + i + 4);
        uint64x2_t gh = vld1q_u64(a + i + 6);
        uint64x2_t first = vsha512hq_u64(gh, vextq_u64(ef, gh, 1), vextq_u64(cd, ef, 1));
        vst1q_u64(out + i, first);
        vst1q_u64(out + i + 2, vsha512h2q_u64(first, cd, ab));
    })
    IN_C(for (int i = 0; i + 8 <= n; i += 8) {
        uint64_t s[8], sums[2];
        EACH(j, 8) s[j] = a[i + j];
        EACH(j, 2) {
            uint64_t first = s[7] + ((s[4] & s[5]) ^ (~s[4] & s[6]));
            first += rotated_64(s[4], 14) ^ rotated_64(s[4], 18) ^ rotated_64(s[4], 41);
            uint64_t second = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
            second += rotated_64(s[0], 28) ^ rotated_64(s[0], 34) ^ rotated_64(s[0], 39);
            sums[j] = first;
            for (int k = 7; k > 0; k--)
                s[k] = s[k - 1];
            s[4] += first;
            s[0] = first + second;
        }
        out[i] = sums[1];
        out[i + 1] = sums[0];
        out[i + 2] = s[0];
        out[i + 3] = s[1];
    })
}

void sha512_schedule(const uint64_t *a, uint64_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        uint64x2_t x = vsha512su0q_u64(vld1q_u64(a + i), vld1q_u64(a + i + 2));
        vst1q_u64(out + i, vsha512su1q_u64(x, vld1q_u64(a + i + 14), vld1q_u64(a + i + 9)));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) for (int j = i; j < i + 2; j++) {
        uint64_t x = a[j + 1], y = a[j + 14];
        x = rotated_64(x, 1) ^ rotated_64(x, 8) ^ x >> 7;
        out[j] = a[j] + x + a[j + 9] + (rotated_64(y, 19) ^ rotated_64(y, 61) ^ y >> 6);
    })
}

void sha3_steps(const uint64_t *a, const uint64_t *b, uint64_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        uint64x2_t x = vld1q_u64(a + i), y = vld1q_u64(b + i), z = vld1q_u64(b + i + 2);
        vst1q_u64(out + i, veor3q_u64(x, y, z));
        vst1q_u64(out + i + 2, vrax1q_u64(x, y));
        vst1q_u64(out + i + 4, vxarq_u64(y, z, 43));
        vst1q_u64(out + i + 6, vbcaxq_u64(x, y, z));
    })
    IN_C(for (int i = 0; i + 8 <= n; i += 8) EACH(j, 2) {
        uint64_t x = a[i + j], y = b[i + j], z = b[i + 2 + j];
        out[i + j] = x ^ y ^ z;
        out[i + 2 + j] = x ^ rotated_64(y, 63);
        out[i + 4 + j] = rotated_64(y ^ z, 43);
        out[i + 6 + j] = x ^ (y & ~z);
    })
}
