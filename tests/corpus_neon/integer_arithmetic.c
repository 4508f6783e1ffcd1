// Integers of all widths: sums, differences, products, absolute values and differences.
#include "both.h"
//@ default cases: (32) (32) (31) (16) (0)
//@ default buffers: 32 random

void add_s8(const int8_t *a, const int8_t *b, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s8(out + i, vaddq_s8(vld1q_s8(a + i), vld1q_s8(b + i)));)
    IN_C(ELEMENTS(16) out[i] = a[i] + b[i];)
}

void add_u16_half_vector(const uint16_t *a, const uint16_t *b, uint16_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1_u16(out + i, vadd_u16(vld1_u16(a + i), vld1_u16(b + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i] + b[i];)
}

void add_s32(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vaddq_s32(vld1q_s32(a + i), vld1q_s32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i] + b[i];)
}

void add_u64(const uint64_t *a, const uint64_t *b, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_u64(out + i, vaddq_u64(vld1q_u64(a + i), vld1q_u64(b + i)));)
    IN_C(ELEMENTS(2) out[i] = a[i] + b[i];)
}

void add_s64_scalar(const int64_t *a, const int64_t *b, int64_t *out, int n) {
    WITH_NEON(VECTORS(1) vst1_s64(out + i, vadd_s64(vld1_s64(a + i), vld1_s64(b + i)));)
    IN_C(ELEMENTS(1) out[i] = a[i] + b[i];)
}

void subtract_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vsubq_u8(vld1q_u8(a + i), vld1q_u8(b + i)));)
    IN_C(ELEMENTS(16) out[i] = a[i] - b[i];)
}

void subtract_s16(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vsubq_s16(vld1q_s16(a + i), vld1q_s16(b + i)));)
    IN_C(ELEMENTS(8) out[i] = a[i] - b[i];)
}

void subtract_s64(const int64_t *a, const int64_t *b, int64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_s64(out + i, vsubq_s64(vld1q_s64(a + i), vld1q_s64(b + i)));)
    IN_C(ELEMENTS(2) out[i] = a[i] - b[i];)
}

void multiply_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1_u8(out + i, vmul_u8(vld1_u8(a + i), vld1_u8(b + i)));)
    IN_C(ELEMENTS(8) out[i] = a[i] * b[i];)
}

void multiply_s16(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vmulq_s16(vld1q_s16(a + i), vld1q_s16(b + i)));)
    IN_C(ELEMENTS(8) out[i] = a[i] * b[i];)
}

void multiply_u32(const uint32_t *a, const uint32_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(out + i, vmulq_u32(vld1q_u32(a + i), vld1q_u32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i] * b[i];)
}

void multiply_add_s8(const int8_t *a, const int8_t *b, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s8(out + i, vmlaq_s8(vld1q_s8(out + i), vld1q_s8(a + i), vld1q_s8(b + i)));)
    IN_C(ELEMENTS(16) out[i] += a[i] * b[i];)
}

void multiply_add_u32(const uint32_t *a, const uint32_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1_u32(out + i, vmla_u32(vld1_u32(out + i), vld1_u32(a + i), vld1_u32(b + i)));)
    IN_C(ELEMENTS(2) out[i] += a[i] * b[i];)
}

void multiply_subtract_u16(const uint16_t *a, const uint16_t *b, uint16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_u16(out + i, vmlsq_u16(vld1q_u16(out + i), vld1q_u16(a + i), vld1q_u16(b + i)));)
    IN_C(ELEMENTS(8) out[i] -= (uint32_t)a[i] * b[i];)
}

void negative_s8(const int8_t *a, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s8(out + i, vnegq_s8(vld1q_s8(a + i)));)
    IN_C(ELEMENTS(16) out[i] = -a[i];)
}

void negative_s64(const int64_t *a, int64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_s64(out + i, vnegq_s64(vld1q_s64(a + i)));)
    IN_C(ELEMENTS(2) out[i] = -a[i];)
}

void absolute_s16(const int16_t *a, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vabsq_s16(vld1q_s16(a + i)));)
    IN_C(ELEMENTS(8) out[i] = a[i] < 0 ? -a[i] : a[i];)
}

void absolute_s64(const int64_t *a, int64_t *out, int n) {
    WITH_NEON(VECTORS(1) vst1_s64(out + i, vabs_s64(vld1_s64(a + i)));)
    IN_C(ELEMENTS(1) out[i] = a[i] < 0 ? -a[i] : a[i];)
}

void absolute_difference_s8(const int8_t *a, const int8_t *b, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s8(out + i, vabdq_s8(vld1q_s8(a + i), vld1q_s8(b + i)));)
    IN_C(ELEMENTS(16) out[i] = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];)
}

void absolute_difference_u32(const uint32_t *a, const uint32_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(out + i, vabdq_u32(vld1q_u32(a + i), vld1q_u32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];)
}

void absolute_difference_accumulate_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vabaq_u8(vld1q_u8(out + i), vld1q_u8(a + i), vld1q_u8(b + i)));)
    IN_C(ELEMENTS(16) out[i] += a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];)
}

void absolute_difference_accumulate_s32(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1_s32(out + i, vaba_s32(vld1_s32(out + i), vld1_s32(a + i), vld1_s32(b + i)));)
    IN_C(ELEMENTS(2) out[i] += a[i] > b[i] ? (int32_t)(a[i] - (int64_t)b[i]) : (int32_t)(b[i] - (int64_t)a[i]);)
}

void maximum_s8(const int8_t *a, const int8_t *b, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s8(out + i, vmaxq_s8(vld1q_s8(a + i), vld1q_s8(b + i)));)
    IN_C(ELEMENTS(16) out[i] = a[i] > b[i] ? a[i] : b[i];)
}

void maximum_u16(const uint16_t *a, const uint16_t *b, uint16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_u16(out + i, vmaxq_u16(vld1q_u16(a + i), vld1q_u16(b + i)));)
    IN_C(ELEMENTS(8) out[i] = a[i] > b[i] ? a[i] : b[i];)
}

void minimum_s32(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vminq_s32(vld1q_s32(a + i), vld1q_s32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i] < b[i] ? a[i] : b[i];)
}

void minimum_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1_u8(out + i, vmin_u8(vld1_u8(a + i), vld1_u8(b + i)));)
    IN_C(ELEMENTS(8) out[i] = a[i] < b[i] ? a[i] : b[i];)
}

void count_bits(const uint8_t *a, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vcntq_u8(vld1q_u8(a + i)));)
    IN_C(ELEMENTS(16) out[i] = __builtin_popcount(a[i]);)
}

void leading_zeros_u16(const uint16_t *a, uint16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_u16(out + i, vclzq_u16(vld1q_u16(a + i)));)
    IN_C(ELEMENTS(8) out[i] = a[i] ? __builtin_clz(a[i]) - 16 : 16;)
}

void leading_zeros_s32(const int32_t *a, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vclzq_s32(vld1q_s32(a + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i] ? __builtin_clz(a[i]) : 32;)
}

void leading_sign_bits_s8(const int8_t *a, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s8(out + i, vclsq_s8(vld1q_s8(a + i)));)
    IN_C(ELEMENTS(16) out[i] = __builtin_clrsb(a[i]) - 24;)
}

void leading_sign_bits_s32(const int32_t *a, int32_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1_s32(out + i, vcls_s32(vld1_s32(a + i)));)
    IN_C(ELEMENTS(2) out[i] = __builtin_clrsb(a[i]);)
}

void constants(uint8_t *bytes, uint16_t *halves, uint32_t *words, uint64_t *doubles, int n) {
    WITH_NEON(VECTORS(16) {
        vst1q_u8(bytes + i, vdupq_n_u8(0xa5));
        vst1q_u16(halves + i, vdupq_n_u16(0x4200));
        vst1q_u16(halves + i + 8, vdupq_n_u16(0xff12));
        vst1q_u32(words + i, vdupq_n_u32(0x00ab0000));
        vst1q_u32(words + i + 4, vdupq_n_u32(0x0012ffff));
        vst1q_u32(words + i + 8, vbicq_u32(vld1q_u32(words + i + 8), vdupq_n_u32(0x7f00)));
        vst1q_u32(words + i + 12, vorrq_u32(vld1q_u32(words + i + 12), vdupq_n_u32(0x33)));
        vst1q_u64(doubles + i, vdupq_n_u64(0xff00ffff00ff00ff));
        vst1q_u64(doubles + i + 2, vmovq_n_u64(0x0123456789abcdef));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) {
        EACH(j, 16) bytes[i + j] = 0xa5;
        EACH(j, 8) {
            halves[i + j] = 0x4200;
            halves[i + 8 + j] = 0xff12;
        }
        EACH(j, 4) {
            words[i + j] = 0x00ab0000;
            words[i + 4 + j] = 0x0012ffff;
            words[i + 8 + j] &= ~0x7f00;
            words[i + 12 + j] |= 0x33;
        }
        EACH(j, 2) {
            doubles[i + j] = 0xff00ffff00ff00ff;
            doubles[i + 2 + j] = 0x0123456789abcdef;
        }
    })
}
