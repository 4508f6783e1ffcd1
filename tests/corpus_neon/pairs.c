// Neighbouring elements, and all elements of a vector.
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 random

void pairwise_add_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vpaddq_u8(vld1q_u8(a + i), vld1q_u8(b + i)));)
    IN_C(for (int i = 0; i + 16 <= n; i += 16) EACH(j, 8) {
        out[i + j] = a[i + 2 * j] + a[i + 2 * j + 1];
        out[i + 8 + j] = b[i + 2 * j] + b[i + 2 * j + 1];
    })
}

void pairwise_add_s32(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1_s32(out + i, vpadd_s32(vld1_s32(a + i), vld1_s32(b + i)));)
    IN_C(for (int i = 0; i + 2 <= n; i += 2) {
        out[i] = a[i] + a[i + 1];
        out[i + 1] = b[i] + b[i + 1];
    })
}

void pairwise_add_u64(const uint64_t *a, const uint64_t *b, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_u64(out + i, vpaddq_u64(vld1q_u64(a + i), vld1q_u64(b + i)));)
    IN_C(for (int i = 0; i + 2 <= n; i += 2) {
        out[i] = a[i] + a[i + 1];
        out[i + 1] = b[i] + b[i + 1];
    })
}

void pairwise_long_add_s8(const int8_t *a, int16_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s16(out + i / 2, vpaddlq_s8(vld1q_s8(a + i)));)
    IN_C(for (int i = 0; i < n / 16 * 16; i += 2) out[i / 2] = a[i] + a[i + 1];)
}

void pairwise_long_add_u32(const uint32_t *a, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1_u64(out + i / 2, vpaddl_u32(vld1_u32(a + i)));)
    IN_C(for (int i = 0; i + 2 <= n; i += 2) out[i / 2] = (uint64_t)a[i] + a[i + 1];)
}

void pairwise_long_accumulate_u16(const uint16_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_u32(out + i / 2, vpadalq_u16(vld1q_u32(out + i / 2), vld1q_u16(a + i)));)
    IN_C(for (int i = 0; i < n / 8 * 8; i += 2) out[i / 2] += a[i] + a[i + 1];)
}

void pairwise_long_accumulate_s32(const int32_t *a, int64_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s64(out + i / 2, vpadalq_s32(vld1q_s64(out + i / 2), vld1q_s32(a + i)));)
    IN_C(for (int i = 0; i < n / 4 * 4; i += 2) out[i / 2] += (int64_t)a[i] + a[i + 1];)
}

void pairwise_maximum_s16(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vpmaxq_s16(vld1q_s16(a + i), vld1q_s16(b + i)));)
    IN_C(for (int i = 0; i + 8 <= n; i += 8) EACH(j, 4) {
        const int16_t *p = a + i + 2 * j;
        const int16_t *q = b + i + 2 * j;
        out[i + j] = p[0] > p[1] ? p[0] : p[1];
        out[i + 4 + j] = q[0] > q[1] ? q[0] : q[1];
    })
}

void pairwise_minimum_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1_u8(out + i, vpmin_u8(vld1_u8(a + i), vld1_u8(b + i)));)
    IN_C(for (int i = 0; i + 8 <= n; i += 8) EACH(j, 4) {
        const uint8_t *p = a + i + 2 * j;
        const uint8_t *q = b + i + 2 * j;
        out[i + j] = p[0] < p[1] ? p[0] : p[1];
        out[i + 4 + j] = q[0] < q[1] ? q[0] : q[1];
    })
}

void sum_across_u8(const uint8_t *a, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) out[i] = vaddvq_u8(vld1q_u8(a + i));)
    IN_C(for (int i = 0; i + 16 <= n; i += 16) {
        out[i] = 0;
        EACH(j, 16) out[i] += a[i + j];
    })
}

int32_t sum_across_s32(const int32_t *a, int n) {
    int32_t sum = 0;
    WITH_NEON(VECTORS(4) sum ^= vaddvq_s32(vld1q_s32(a + i));)
    IN_C(for (int i = 0; i + 4 <= n; i += 4) sum ^= a[i] + a[i + 1] + a[i + 2] + a[i + 3];)
    return sum;
}

void long_sum_across_s16(const int16_t *a, int32_t *out, int n) {
    WITH_NEON(VECTORS(8) out[i] = vaddlvq_s16(vld1q_s16(a + i));)
    IN_C(for (int i = 0; i + 8 <= n; i += 8) {
        out[i] = 0;
        EACH(j, 8) out[i] += a[i + j];
    })
}

void long_sum_across_u32(const uint32_t *a, uint64_t *out, int n) {
    WITH_NEON(VECTORS(4) out[i] = vaddlvq_u32(vld1q_u32(a + i));)
    IN_C(for (int i = 0; i + 4 <= n; i += 4) out[i] = (uint64_t)a[i] + a[i + 1] + a[i + 2] + a[i + 3];)
}

void extremes_across(const int8_t *a, const uint16_t *b, const int32_t *c, int32_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        out[i] = vmaxvq_s8(vld1q_s8(a + i));
        out[i + 1] = vminv_s8(vld1_s8(a + i));
        out[i + 2] = vmaxv_u16(vld1_u16(b + i));
        out[i + 3] = vminvq_u16(vld1q_u16(b + i));
        out[i + 4] = vmaxvq_s32(vld1q_s32(c + i));
        out[i + 5] = vminvq_s32(vld1q_s32(c + i));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) {
        int32_t *p = out + i;
        p[0] = p[1] = a[i], p[2] = p[3] = b[i], p[4] = p[5] = c[i];
        EACH(j, 16) p[0] = a[i + j] > p[0] ? a[i + j] : p[0];
        EACH(j, 8) p[1] = a[i + j] < p[1] ? a[i + j] : p[1];
        EACH(j, 4) p[2] = b[i + j] > p[2] ? b[i + j] : p[2];
        EACH(j, 8) p[3] = b[i + j] < p[3] ? b[i + j] : p[3];
        EACH(j, 4) p[4] = c[i + j] > p[4] ? c[i + j] : p[4];
        EACH(j, 4) p[5] = c[i + j] < p[5] ? c[i + j] : p[5];
    })
}
