// The second generation's matrix products and mixed dot products of bytes, and bfloat16.
//@ flags: -mcpu=apple-m2
#include "both.h"
//@ default cases: (32) (32) (16)
//@ default buffers: 32 random

#ifndef NEON
static float from_bfloat(uint16_t x) {
    union { uint32_t bits; float value; } u = {(uint32_t)x << 16};
    return u.value;
}

static uint16_t to_bfloat(float x) {
    union { float value; uint32_t bits; } u = {x};
    if (x != x)
        return u.bits >> 16 | 0x40;
    return (u.bits + 0x7fff + (u.bits >> 16 & 1)) >> 16;
}
#endif

void multiply_matrices_s8(const int8_t *a, const int8_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s32(
                  out + i / 4, vmmlaq_s32(vld1q_s32(out + i / 4), vld1q_s8(a + i), vld1q_s8(b + i)));)
    IN_C(for (int i = 0; i + 16 <= n; i += 16) EACH(r, 2) EACH(c, 2) EACH(k, 8)
             out[i / 4 + 2 * r + c] += a[i + 8 * r + k] * b[i + 8 * c + k];)
}

void multiply_matrices_u8(const uint8_t *a, const uint8_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u32(
                  out + i / 4, vmmlaq_u32(vld1q_u32(out + i / 4), vld1q_u8(a + i), vld1q_u8(b + i)));)
    IN_C(for (int i = 0; i + 16 <= n; i += 16) EACH(r, 2) EACH(c, 2) EACH(k, 8)
             out[i / 4 + 2 * r + c] += a[i + 8 * r + k] * b[i + 8 * c + k];)
}

void multiply_matrices_mixed(const uint8_t *a, const int8_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s32(
                  out + i / 4, vusmmlaq_s32(vld1q_s32(out + i / 4), vld1q_u8(a + i), vld1q_s8(b + i)));)
    IN_C(for (int i = 0; i + 16 <= n; i += 16) EACH(r, 2) EACH(c, 2) EACH(k, 8)
             out[i / 4 + 2 * r + c] += a[i + 8 * r + k] * b[i + 8 * c + k];)
}

void dot_mixed(const uint8_t *a, const int8_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        int32x4_t sum = vusdotq_s32(vld1q_s32(out + i / 4), vld1q_u8(a + i), vld1q_s8(b + i));
        sum = vusdotq_lane_s32(sum, vld1q_u8(a + i), vld1_s8(b + i), 1);
        vst1q_s32(out + i / 4, vsudotq_laneq_s32(sum, vld1q_s8(b + i), vld1q_u8(a + i), 2));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) EACH(j, 16) {
        int32_t *sum = out + (i + j) / 4;
        *sum += a[i + j] * b[i + j] + a[i + j] * b[i + 4 + j % 4] + b[i + j] * a[i + 8 + j % 4];
    })
}

//@ buffer a: float[32] = random
void convert_to_bfloat(const float *a, uint16_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        bfloat16x8_t x = vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(vld1q_f32(a + i)), vld1q_f32(a + i + 4));
        vst1q_u16(out + i, vreinterpretq_u16_bf16(x));
    })
    IN_C(ELEMENTS(8) out[i] = to_bfloat(a[i]);)
}

//@ buffer out: float[32] = random
void convert_from_bfloat(const uint16_t *a, float *out, int n) {
    WITH_NEON(VECTORS(8) {
        bfloat16x8_t x = vreinterpretq_bf16_u16(vld1q_u16(a + i));
        vst1q_f32(out + i, vcvtq_low_f32_bf16(x));
        vst1q_f32(out + i + 4, vcvtq_high_f32_bf16(x));
    })
    IN_C(ELEMENTS(8) out[i] = from_bfloat(a[i]);)
}

// Of integers small enough that every intermediate result is exact, whatever its rounding.
//@ buffer a: int8_t[32] = random
//@ buffer b: int8_t[32] = random
//@ buffer out: float[32] = random
void bfloat_products(const int8_t *a, const int8_t *b, float *out, int n) {
    WITH_NEON(VECTORS(8) {
        float32x4_t low = vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(a + i)))));
        float32x4_t high = vcvtq_f32_s32(vmovl_high_s16(vmovl_s8(vld1_s8(a + i))));
        bfloat16x8_t x = vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(low), high);
        low = vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(b + i)))));
        high = vcvtq_f32_s32(vmovl_high_s16(vmovl_s8(vld1_s8(b + i))));
        bfloat16x8_t y = vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(low), high);
        float32x4_t sum = vbfdotq_f32(vdupq_n_f32(0), x, y);
        sum = vbfmmlaq_f32(vbfdotq_laneq_f32(sum, x, y, 3), x, y);
        vst1q_f32(out + i, sum);
        vst1q_f32(out + i + 4, vbfmlalbq_f32(vbfmlaltq_lane_f32(sum, x, vget_low_bf16(y), 2), x, y));
    })
    IN_C(for (int i = 0; i + 8 <= n; i += 8) {
        const int8_t *x = a + i;
        const int8_t *y = b + i;
        EACH(j, 4) {
            int sum = x[2 * j] * y[2 * j] + x[2 * j + 1] * y[2 * j + 1] + x[2 * j] * y[6] + x[2 * j + 1] * y[7];
            EACH(k, 4) sum += x[j / 2 * 4 + k] * y[j % 2 * 4 + k];
            out[i + j] = sum;
            out[i + 4 + j] = sum + x[2 * j + 1] * y[2] + x[2 * j] * y[2 * j];
        }
    })
}
