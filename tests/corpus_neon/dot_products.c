// Sums of four products in each element.
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 random

void dot_u8(const uint8_t *a, const uint8_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u32(out + i / 4, vdotq_u32(vld1q_u32(out + i / 4), vld1q_u8(a + i), vld1q_u8(b + i)));)
    IN_C(ELEMENTS(16) out[i / 4] += a[i] * b[i];)
}

void dot_s8(const int8_t *a, const int8_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1_s32(out + i / 4, vdot_s32(vld1_s32(out + i / 4), vld1_s8(a + i), vld1_s8(b + i)));)
    IN_C(ELEMENTS(8) out[i / 4] += a[i] * b[i];)
}

void dot_lane_u8(const uint8_t *a, const uint8_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u32(
                  out + i / 4, vdotq_laneq_u32(vld1q_u32(out + i / 4), vld1q_u8(a + i), vld1q_u8(b + i), 3));)
    IN_C(ELEMENTS(16) out[i / 4] += a[i] * b[i / 16 * 16 + 12 + i % 4];)
}

void dot_lane_s8(const int8_t *a, const int8_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s32(
                  out + i / 4, vdotq_lane_s32(vld1q_s32(out + i / 4), vld1q_s8(a + i), vld1_s8(b + i), 1));)
    IN_C(ELEMENTS(16) out[i / 4] += a[i] * b[i / 16 * 16 + 4 + i % 4];)
}
