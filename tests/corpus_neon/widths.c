// From narrow elements to wide ones and back.
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 random

void long_add_u8(const uint8_t *a, const uint8_t *b, uint16_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        uint8x16_t x = vld1q_u8(a + i), y = vld1q_u8(b + i);
        vst1q_u16(out + i, vaddl_u8(vget_low_u8(x), vget_low_u8(y)));
        vst1q_u16(out + i + 8, vaddl_high_u8(x, y));
    })
    IN_C(ELEMENTS(16) out[i] = a[i] + b[i];)
}

void long_subtract_s16(const int16_t *a, const int16_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        int16x8_t x = vld1q_s16(a + i), y = vld1q_s16(b + i);
        vst1q_s32(out + i, vsubl_s16(vget_low_s16(x), vget_low_s16(y)));
        vst1q_s32(out + i + 4, vsubl_high_s16(x, y));
    })
    IN_C(ELEMENTS(8) out[i] = a[i] - b[i];)
}

void wide_add_s32(const int32_t *a, int64_t *out, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_s64(out + i, vaddw_s32(vld1q_s64(out + i), vld1_s32(a + i)));
        vst1q_s64(out + i + 2, vaddw_high_s32(vld1q_s64(out + i + 2), vld1q_s32(a + i)));
    })
    IN_C(ELEMENTS(4) out[i] += a[i];)
}

void wide_subtract_u8(const uint8_t *a, uint16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_u16(out + i, vsubw_u8(vld1q_u16(out + i), vld1_u8(a + i)));)
    IN_C(ELEMENTS(8) out[i] -= a[i];)
}

void long_multiply_s8(const int8_t *a, const int8_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        int8x16_t x = vld1q_s8(a + i), y = vld1q_s8(b + i);
        vst1q_s16(out + i, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
        vst1q_s16(out + i + 8, vmull_high_s8(x, y));
    })
    IN_C(ELEMENTS(16) out[i] = a[i] * b[i];)
}

void long_multiply_u32(const uint32_t *a, const uint32_t *b, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_u64(out + i, vmull_u32(vld1_u32(a + i), vld1_u32(b + i)));)
    IN_C(ELEMENTS(2) out[i] = (uint64_t)a[i] * b[i];)
}

void long_multiply_add_u16(const uint16_t *a, const uint16_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        uint16x8_t x = vld1q_u16(a + i), y = vld1q_u16(b + i);
        vst1q_u32(out + i, vmlal_u16(vld1q_u32(out + i), vget_low_u16(x), vget_low_u16(y)));
        vst1q_u32(out + i + 4, vmlal_high_u16(vld1q_u32(out + i + 4), x, y));
    })
    IN_C(ELEMENTS(8) out[i] += (uint32_t)a[i] * b[i];)
}

void long_multiply_subtract_s32(const int32_t *a, const int32_t *b, int64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_s64(out + i, vmlsl_s32(vld1q_s64(out + i), vld1_s32(a + i), vld1_s32(b + i)));)
    IN_C(ELEMENTS(2) out[i] -= (int64_t)a[i] * b[i];)
}

void long_absolute_difference_u8(const uint8_t *a, const uint8_t *b, uint16_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        uint8x16_t x = vld1q_u8(a + i), y = vld1q_u8(b + i);
        vst1q_u16(out + i, vabdl_u8(vget_low_u8(x), vget_low_u8(y)));
        vst1q_u16(out + i + 8, vabdl_high_u8(x, y));
    })
    IN_C(ELEMENTS(16) out[i] = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];)
}

void long_absolute_difference_accumulate_s16(const int16_t *a, const int16_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vabal_s16(vld1q_s32(out + i), vld1_s16(a + i), vld1_s16(b + i)));)
    IN_C(ELEMENTS(4) out[i] += a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];)
}

void extend_s8(const int8_t *a, int16_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        vst1q_s16(out + i, vmovl_s8(vld1_s8(a + i)));
        vst1q_s16(out + i + 8, vmovl_high_s8(vld1q_s8(a + i)));
    })
    IN_C(ELEMENTS(16) out[i] = a[i];)
}

void extend_u32(const uint32_t *a, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_u64(out + i, vmovl_u32(vld1_u32(a + i)));)
    IN_C(ELEMENTS(2) out[i] = a[i];)
}

void narrow_s16(const int16_t *a, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        vst1q_s8(out + i, vmovn_high_s16(vmovn_s16(vld1q_s16(a + i)), vld1q_s16(a + i + 8)));
    })
    IN_C(ELEMENTS(16) out[i] = a[i];)
}

void narrow_u64(const uint64_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1_u32(out + i, vmovn_u64(vld1q_u64(a + i)));)
    IN_C(ELEMENTS(2) out[i] = a[i];)
}

void saturating_narrow_s32(const int32_t *a, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        vst1q_s16(out + i, vqmovn_high_s32(vqmovn_s32(vld1q_s32(a + i)), vld1q_s32(a + i + 4)));
    })
    IN_C(ELEMENTS(8) out[i] = signed_limit(a[i], 16);)
}

void saturating_narrow_u16(const uint16_t *a, uint8_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1_u8(out + i, vqmovn_u16(vld1q_u16(a + i)));)
    IN_C(ELEMENTS(8) out[i] = unsigned_limit(a[i], 8);)
}

void saturating_narrow_to_unsigned_s64(const int64_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_u32(out + i, vqmovun_high_s64(vqmovun_s64(vld1q_s64(a + i)), vld1q_s64(a + i + 2)));
    })
    IN_C(ELEMENTS(4) out[i] = unsigned_limit(a[i], 32);)
}

void saturating_narrow_scalars(const int16_t *a, const uint32_t *b, const int64_t *c, int32_t *out, int n) {
    WITH_NEON(for (int i = 0; i + 4 <= n; i += 4) {
        out[i] = vqmovnh_s16(a[i]);
        out[i + 1] = vqmovns_u32(b[i]);
        out[i + 2] = vqmovnd_s64(c[i]);
        out[i + 3] = vqmovunh_s16(a[i]);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        out[i] = signed_limit(a[i], 8);
        out[i + 1] = unsigned_limit(b[i], 16);
        out[i + 2] = signed_limit(c[i], 32);
        out[i + 3] = unsigned_limit(a[i], 8);
    })
}

void add_high_half_u16(const uint16_t *a, const uint16_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        uint8x8_t low = vaddhn_u16(vld1q_u16(a + i), vld1q_u16(b + i));
        vst1q_u8(out + i, vaddhn_high_u16(low, vld1q_u16(a + i + 8), vld1q_u16(b + i + 8)));
    })
    IN_C(ELEMENTS(16) out[i] = (uint16_t)(a[i] + b[i]) >> 8;)
}

void rounding_add_high_half_s32(const int32_t *a, const int32_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1_s16(out + i, vraddhn_s32(vld1q_s32(a + i), vld1q_s32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = (uint32_t)(a[i] + b[i] + 0x8000) >> 16;)
}

void subtract_high_half_u64(const uint64_t *a, const uint64_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1_u32(out + i, vsubhn_u64(vld1q_u64(a + i), vld1q_u64(b + i)));)
    IN_C(ELEMENTS(2) out[i] = (a[i] - b[i]) >> 32;)
}

void rounding_subtract_high_half_s16(const int16_t *a, const int16_t *b, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        int8x8_t low = vrsubhn_s16(vld1q_s16(a + i), vld1q_s16(b + i));
        vst1q_s8(out + i, vrsubhn_high_s16(low, vld1q_s16(a + i + 8), vld1q_s16(b + i + 8)));
    })
    IN_C(ELEMENTS(16) out[i] = (uint16_t)(a[i] - b[i] + 0x80) >> 8;)
}
