// One element of a vector with all of another.
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 random

void multiply_lane_s16(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vmulq_laneq_s16(vld1q_s16(a + i), vld1q_s16(b + i), 5));)
    IN_C(ELEMENTS(8) out[i] = a[i] * b[i / 8 * 8 + 5];)
}

void multiply_add_lane_u32(const uint32_t *a, const uint32_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(
                  out + i, vmlaq_lane_u32(vld1q_u32(out + i), vld1q_u32(a + i), vld1_u32(b + i), 1));)
    IN_C(ELEMENTS(4) out[i] += a[i] * b[i / 4 * 4 + 1];)
}

void multiply_subtract_lane_s16(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1_s16(out + i, vmls_lane_s16(vld1_s16(out + i), vld1_s16(a + i), vld1_s16(b + i), 2));)
    IN_C(ELEMENTS(4) out[i] -= a[i] * b[i / 4 * 4 + 2];)
}

void long_multiply_lane_u16(const uint16_t *a, const uint16_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        vst1q_u32(out + i, vmull_lane_u16(vld1_u16(a + i), vld1_u16(b + i), 3));
        vst1q_u32(out + i + 4, vmull_high_laneq_u16(vld1q_u16(a + i), vld1q_u16(b + i), 3));
    })
    IN_C(ELEMENTS(8) out[i] = (uint32_t)a[i] * b[i / 8 * 8 + 3];)
}

void long_multiply_add_lane_s32(const int32_t *a, const int32_t *b, int64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_s64(
                  out + i, vmlal_lane_s32(vld1q_s64(out + i), vld1_s32(a + i), vld1_s32(b + i), 0));)
    IN_C(ELEMENTS(2) out[i] += (int64_t)a[i] * b[i / 2 * 2];)
}

void long_multiply_subtract_lane_s16(const int16_t *a, const int16_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(
                  out + i, vmlsl_lane_s16(vld1q_s32(out + i), vld1_s16(a + i), vld1_s16(b + i), 3));)
    IN_C(ELEMENTS(4) out[i] -= a[i] * b[i / 4 * 4 + 3];)
}

void doubling_high_product_lane_s16(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vqdmulhq_laneq_s16(vld1q_s16(a + i), vld1q_s16(b + i), 7));)
    IN_C(ELEMENTS(8) out[i] = signed_limit((wide)a[i] * b[i / 8 * 8 + 7] * 2 >> 16, 16);)
}

void rounding_doubling_high_product_lane_s32(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1_s32(out + i, vqrdmulh_lane_s32(vld1_s32(a + i), vld1_s32(b + i), 1));)
    IN_C(ELEMENTS(2) out[i] = signed_limit(((wide)a[i] * b[i / 2 * 2 + 1] * 2 + (1ll << 31)) >> 32, 32);)
}

void doubling_long_product_lane_s16(const int16_t *a, const int16_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) {
        int32x4_t product = vqdmull_lane_s16(vld1_s16(a + i), vld1_s16(b + i), 2);
        vst1q_s32(out + i, vqdmlal_lane_s16(product, vld1_s16(a + i), vld1_s16(b + i), 0));
    })
    IN_C(ELEMENTS(4) {
        int32_t product = signed_limit((wide)a[i] * b[i / 4 * 4 + 2] * 2, 32);
        out[i] = signed_limit((wide)product + signed_limit((wide)a[i] * b[i / 4 * 4] * 2, 32), 32);
    })
}

void doubling_long_product_scalars(const int16_t *a, const int32_t *b, int64_t *out, int n) {
    WITH_NEON(for (int i = 0; i + 4 <= n; i += 4) {
        out[i] = vqdmullh_lane_s16(a[i], vld1_s16(a + i), 1);
        out[i + 1] = vqdmlals_lane_s32(out[i + 1], b[i], vld1_s32(b + i), 1);
        out[i + 2] = vqdmlsls_s32(out[i + 2], b[i], b[i + 2]);
        out[i + 3] = vqdmulhh_s16(a[i + 2], a[i + 3]);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        out[i] = signed_limit((wide)a[i] * a[i + 1] * 2, 32);
        out[i + 1] = signed_limit(out[i + 1] + (wide)signed_limit((wide)b[i] * b[i + 1] * 2, 64), 64);
        out[i + 2] = signed_limit(out[i + 2] - (wide)signed_limit((wide)b[i] * b[i + 2] * 2, 64), 64);
        out[i + 3] = signed_limit((wide)a[i + 2] * a[i + 3] * 2 >> 16, 16);
    })
}
