// Products of polynomials over the field of two elements.
#include "both.h"
//@ default cases: (32) (32) (16)
//@ default buffers: 32 random

#ifndef NEON
static unsigned __int128 product(uint64_t a, uint64_t b) {
    unsigned __int128 sum = 0;
    EACH(j, 64) if (b >> j & 1) sum ^= (unsigned __int128)a << j;
    return sum;
}
#endif

void multiply_p8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_p8(out + i, vmulq_p8(vld1q_p8(a + i), vld1q_p8(b + i)));)
    IN_C(ELEMENTS(16) out[i] = product(a[i], b[i]);)
}

void long_multiply_p8(const uint8_t *a, const uint8_t *b, uint16_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        vst1q_p16(out + i, vmull_p8(vld1_p8(a + i), vld1_p8(b + i)));
        vst1q_p16(out + i + 8, vmull_high_p8(vld1q_p8(a + i), vld1q_p8(b + i)));
    })
    IN_C(ELEMENTS(16) out[i] = product(a[i], b[i]);)
}

void long_multiply_p64(const uint64_t *a, const uint64_t *b, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) {
        uint64x2_t low = vreinterpretq_u64_p128(vmull_p64(a[i], b[i]));
        poly64x2_t x = vreinterpretq_p64_u64(vld1q_u64(a + i)), y = vreinterpretq_p64_u64(vld1q_u64(b + i));
        vst1q_u64(out + i, veorq_u64(low, vreinterpretq_u64_p128(vmull_high_p64(x, y))));
    })
    IN_C(for (int i = 0; i + 2 <= n; i += 2) {
        unsigned __int128 x = product(a[i], b[i]) ^ product(a[i + 1], b[i + 1]);
        out[i] = x;
        out[i + 1] = x >> 64;
    })
}
