// Half of a sum or a difference, without overflow.
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 random

void halving_add_s8(const int8_t *a, const int8_t *b, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s8(out + i, vhaddq_s8(vld1q_s8(a + i), vld1q_s8(b + i)));)
    IN_C(ELEMENTS(16) out[i] = (a[i] + b[i]) >> 1;)
}

void halving_add_u32(const uint32_t *a, const uint32_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(out + i, vhaddq_u32(vld1q_u32(a + i), vld1q_u32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = ((uint64_t)a[i] + b[i]) >> 1;)
}

void rounding_halving_add_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1_u8(out + i, vrhadd_u8(vld1_u8(a + i), vld1_u8(b + i)));)
    IN_C(ELEMENTS(8) out[i] = (a[i] + b[i] + 1) >> 1;)
}

void rounding_halving_add_s16(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vrhaddq_s16(vld1q_s16(a + i), vld1q_s16(b + i)));)
    IN_C(ELEMENTS(8) out[i] = (a[i] + b[i] + 1) >> 1;)
}

void rounding_halving_add_s32(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vrhaddq_s32(vld1q_s32(a + i), vld1q_s32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = ((int64_t)a[i] + b[i] + 1) >> 1;)
}

void halving_subtract_s16(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vhsubq_s16(vld1q_s16(a + i), vld1q_s16(b + i)));)
    IN_C(ELEMENTS(8) out[i] = (a[i] - b[i]) >> 1;)
}

void halving_subtract_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vhsubq_u8(vld1q_u8(a + i), vld1q_u8(b + i)));)
    IN_C(ELEMENTS(16) out[i] = (a[i] - b[i]) >> 1;)
}
