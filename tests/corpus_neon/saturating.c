// Results that stop at the limits of their type.
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 random

void add_s8(const int8_t *a, const int8_t *b, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s8(out + i, vqaddq_s8(vld1q_s8(a + i), vld1q_s8(b + i)));)
    IN_C(ELEMENTS(16) out[i] = signed_limit(a[i] + b[i], 8);)
}

void add_u16(const uint16_t *a, const uint16_t *b, uint16_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1_u16(out + i, vqadd_u16(vld1_u16(a + i), vld1_u16(b + i)));)
    IN_C(ELEMENTS(4) out[i] = unsigned_limit(a[i] + b[i], 16);)
}

void add_s64(const int64_t *a, const int64_t *b, int64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_s64(out + i, vqaddq_s64(vld1q_s64(a + i), vld1q_s64(b + i)));)
    IN_C(ELEMENTS(2) out[i] = signed_limit((wide)a[i] + b[i], 64);)
}

void add_scalars(const int8_t *a, const uint16_t *b, const int32_t *c, const uint64_t *d, uint64_t *out, int n) {
    WITH_NEON(for (int i = 0; i + 4 <= n; i += 4) {
        out[i] = vqaddb_s8(a[i], a[i + 1]);
        out[i + 1] = vqsubh_u16(b[i], b[i + 1]);
        out[i + 2] = vqadds_s32(c[i], c[i + 1]);
        out[i + 3] = vqsubd_u64(d[i], d[i + 1]);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        out[i] = signed_limit(a[i] + a[i + 1], 8);
        out[i + 1] = unsigned_limit(b[i] - b[i + 1], 16);
        out[i + 2] = signed_limit((wide)c[i] + c[i + 1], 32);
        out[i + 3] = unsigned_limit((wide)d[i] - d[i + 1], 64);
    })
}

void subtract_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vqsubq_u8(vld1q_u8(a + i), vld1q_u8(b + i)));)
    IN_C(ELEMENTS(16) out[i] = unsigned_limit(a[i] - b[i], 8);)
}

void subtract_s32(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vqsubq_s32(vld1q_s32(a + i), vld1q_s32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = signed_limit((wide)a[i] - b[i], 32);)
}

void add_signed_to_unsigned_u8(const int8_t *a, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vsqaddq_u8(vld1q_u8(out + i), vld1q_s8(a + i)));)
    IN_C(ELEMENTS(16) out[i] = unsigned_limit(out[i] + a[i], 8);)
}

void add_unsigned_to_signed_s32(const uint32_t *a, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vuqaddq_s32(vld1q_s32(out + i), vld1q_u32(a + i)));)
    IN_C(ELEMENTS(4) out[i] = signed_limit((wide)out[i] + a[i], 32);)
}

void absolute_s8(const int8_t *a, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s8(out + i, vqabsq_s8(vld1q_s8(a + i)));)
    IN_C(ELEMENTS(16) out[i] = signed_limit(a[i] < 0 ? -a[i] : a[i], 8);)
}

void absolute_s64(const int64_t *a, int64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_s64(out + i, vqabsq_s64(vld1q_s64(a + i)));)
    IN_C(ELEMENTS(2) out[i] = signed_limit(a[i] < 0 ? -(wide)a[i] : a[i], 64);)
}

void negative_s16(const int16_t *a, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vqnegq_s16(vld1q_s16(a + i)));)
    IN_C(ELEMENTS(8) out[i] = signed_limit(-a[i], 16);)
}

void doubling_high_product_s16(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vqdmulhq_s16(vld1q_s16(a + i), vld1q_s16(b + i)));)
    IN_C(ELEMENTS(8) out[i] = signed_limit((wide)a[i] * b[i] * 2 >> 16, 16);)
}

void rounding_doubling_high_product_s32(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vqrdmulhq_s32(vld1q_s32(a + i), vld1q_s32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = signed_limit(((wide)a[i] * b[i] * 2 + (1ll << 31)) >> 32, 32);)
}

void rounding_doubling_high_product_scalars(const int16_t *a, const int32_t *b, int32_t *out, int n) {
    WITH_NEON(for (int i = 0; i + 2 <= n; i += 2) {
        out[i] = vqrdmulhh_s16(a[i], a[i + 1]);
        out[i + 1] = vqrdmulhs_s32(b[i], b[i + 1]);
    })
    IN_C(for (int i = 0; i + 2 <= n; i += 2) {
        out[i] = signed_limit(((wide)a[i] * a[i + 1] * 2 + (1 << 15)) >> 16, 16);
        out[i + 1] = signed_limit(((wide)b[i] * b[i + 1] * 2 + (1ll << 31)) >> 32, 32);
    })
}

void doubling_long_product_s16(const int16_t *a, const int16_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vqdmull_s16(vld1_s16(a + i), vld1_s16(b + i)));)
    IN_C(ELEMENTS(4) out[i] = signed_limit((wide)a[i] * b[i] * 2, 32);)
}

void doubling_long_multiply_add_s32(const int32_t *a, const int32_t *b, int64_t *out, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_s64(out + i, vqdmlal_s32(vld1q_s64(out + i), vld1_s32(a + i), vld1_s32(b + i)));
        vst1q_s64(out + i + 2, vqdmlal_high_s32(vld1q_s64(out + i + 2), vld1q_s32(a + i), vld1q_s32(b + i)));
    })
    IN_C(ELEMENTS(4) out[i] = signed_limit((wide)out[i] + signed_limit((wide)a[i] * b[i] * 2, 64), 64);)
}

void doubling_long_multiply_subtract_s16(const int16_t *a, const int16_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vqdmlsl_s16(vld1q_s32(out + i), vld1_s16(a + i), vld1_s16(b + i)));)
    IN_C(ELEMENTS(4) out[i] = signed_limit((wide)out[i] - signed_limit((wide)a[i] * b[i] * 2, 32), 32);)
}

void rounding_multiply_add_s16(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vqrdmlahq_s16(vld1q_s16(out + i), vld1q_s16(a + i), vld1q_s16(b + i)));)
    IN_C(ELEMENTS(8) out[i] = signed_limit((((wide)out[i] << 16) + (wide)a[i] * b[i] * 2 + (1 << 15)) >> 16, 16);)
}

void rounding_multiply_subtract_s32(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vqrdmlshq_s32(vld1q_s32(out + i), vld1q_s32(a + i), vld1q_s32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = signed_limit((((wide)out[i] << 32) - (wide)a[i] * b[i] * 2 + (1ll << 31)) >> 32, 32);)
}

void rounding_multiply_add_lane_s32(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(
                  out + i, vqrdmlahq_laneq_s32(vld1q_s32(out + i), vld1q_s32(a + i), vld1q_s32(b + i), 3));)
    IN_C(ELEMENTS(4) {
        wide product = (wide)a[i] * b[i / 4 * 4 + 3] * 2;
        out[i] = signed_limit((((wide)out[i] << 32) + product + (1ll << 31)) >> 32, 32);
    })
}
