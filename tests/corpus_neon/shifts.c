// Shifts by immediates and by signed counts: plain, rounding, saturating, narrowing, widening, inserting, accumulating.
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 random

void left_s8(const int8_t *a, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s8(out + i, vshlq_n_s8(vld1q_s8(a + i), 3));)
    IN_C(ELEMENTS(16) out[i] = a[i] << 3;)
}

void left_u64(const uint64_t *a, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_u64(out + i, vshlq_n_u64(vld1q_u64(a + i), 63));)
    IN_C(ELEMENTS(2) out[i] = a[i] << 63;)
}

void right_s16(const int16_t *a, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vshrq_n_s16(vld1q_s16(a + i), 16));)
    IN_C(ELEMENTS(8) out[i] = a[i] >> 16;)
}

void right_u32(const uint32_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(out + i, vshrq_n_u32(vld1q_u32(a + i), 7));)
    IN_C(ELEMENTS(4) out[i] = a[i] >> 7;)
}

void right_s64(const int64_t *a, int64_t *out, int n) {
    WITH_NEON(VECTORS(1) vst1_s64(out + i, vshr_n_s64(vld1_s64(a + i), 41));)
    IN_C(ELEMENTS(1) out[i] = a[i] >> 41;)
}

void rounding_right_u8(const uint8_t *a, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vrshrq_n_u8(vld1q_u8(a + i), 8));)
    IN_C(ELEMENTS(16) out[i] = (a[i] + 128) >> 8;)
}

void rounding_right_s64(const int64_t *a, int64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_s64(out + i, vrshrq_n_s64(vld1q_s64(a + i), 1));)
    IN_C(ELEMENTS(2) out[i] = shifted_rounded(a[i], -1);)
}

void right_accumulate_s8(const int8_t *a, int8_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1_s8(out + i, vsra_n_s8(vld1_s8(out + i), vld1_s8(a + i), 2));)
    IN_C(ELEMENTS(8) out[i] += a[i] >> 2;)
}

void rounding_right_accumulate_u32(const uint32_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(out + i, vrsraq_n_u32(vld1q_u32(out + i), vld1q_u32(a + i), 9));)
    IN_C(ELEMENTS(4) out[i] += ((uint64_t)a[i] + 256) >> 9;)
}

void insert_left_u16(const uint16_t *a, uint16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_u16(out + i, vsliq_n_u16(vld1q_u16(out + i), vld1q_u16(a + i), 5));)
    IN_C(ELEMENTS(8) out[i] = (out[i] & 31) | a[i] << 5;)
}

void insert_right_u64(const uint64_t *a, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_u64(out + i, vsriq_n_u64(vld1q_u64(out + i), vld1q_u64(a + i), 20));)
    IN_C(ELEMENTS(2) out[i] = (out[i] & ~(~0ull >> 20)) | a[i] >> 20;)
}

void saturating_left_s16(const int16_t *a, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vqshlq_n_s16(vld1q_s16(a + i), 4));)
    IN_C(ELEMENTS(8) out[i] = signed_limit(a[i] << 4, 16);)
}

void saturating_left_u64(const uint64_t *a, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_u64(out + i, vqshlq_n_u64(vld1q_u64(a + i), 30));)
    IN_C(ELEMENTS(2) out[i] = unsigned_limit((wide)a[i] << 30, 64);)
}

void saturating_left_to_unsigned_s32(const int32_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(out + i, vqshluq_n_s32(vld1q_s32(a + i), 11));)
    IN_C(ELEMENTS(4) out[i] = unsigned_limit((wide)a[i] << 11, 32);)
}

void long_left_s8(const int8_t *a, int16_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        vst1q_s16(out + i, vshll_n_s8(vld1_s8(a + i), 7));
        vst1q_s16(out + i + 8, vshll_high_n_s8(vld1q_s8(a + i), 7));
    })
    IN_C(ELEMENTS(16) out[i] = a[i] * 128;)
}

void long_left_whole_u32(const uint32_t *a, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_u64(out + i, vshll_n_u32(vld1_u32(a + i), 32));)
    IN_C(ELEMENTS(2) out[i] = (uint64_t)a[i] << 32;)
}

void narrowing_right_u16(const uint16_t *a, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        uint8x8_t low = vshrn_n_u16(vld1q_u16(a + i), 5);
        vst1q_u8(out + i, vshrn_high_n_u16(low, vld1q_u16(a + i + 8), 5));
    })
    IN_C(ELEMENTS(16) out[i] = a[i] >> 5;)
}

void rounding_narrowing_right_s64(const int64_t *a, int32_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1_s32(out + i, vrshrn_n_s64(vld1q_s64(a + i), 32));)
    IN_C(ELEMENTS(2) out[i] = shifted_rounded(a[i], -32);)
}

void saturating_narrowing_right_s32(const int32_t *a, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        int16x4_t low = vqshrn_n_s32(vld1q_s32(a + i), 9);
        vst1q_s16(out + i, vqshrn_high_n_s32(low, vld1q_s32(a + i + 4), 9));
    })
    IN_C(ELEMENTS(8) out[i] = signed_limit(a[i] >> 9, 16);)
}

void saturating_rounding_narrowing_right_u16(const uint16_t *a, uint8_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1_u8(out + i, vqrshrn_n_u16(vld1q_u16(a + i), 3));)
    IN_C(ELEMENTS(8) out[i] = unsigned_limit((a[i] + 4) >> 3, 8);)
}

void saturating_narrowing_right_to_unsigned_s16(const int16_t *a, uint8_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1_u8(out + i, vqshrun_n_s16(vld1q_s16(a + i), 6));)
    IN_C(ELEMENTS(8) out[i] = unsigned_limit(a[i] >> 6, 8);)
}

void saturating_rounding_narrowing_right_to_unsigned_s64(const int64_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1_u32(out + i, vqrshrun_n_s64(vld1q_s64(a + i), 12));)
    IN_C(ELEMENTS(2) out[i] = unsigned_limit(shifted_rounded(a[i], -12), 32);)
}

//@ buffer count: int8_t[32] = random
void by_register_s8(const int8_t *a, const int8_t *count, int8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_s8(out + i, vshlq_s8(vld1q_s8(a + i), vld1q_s8(count + i)));)
    IN_C(ELEMENTS(16) out[i] = count[i] >= 8 ? 0 : shifted(a[i], count[i]);)
}

//@ buffer count: int32_t[32] = random -40..40
void by_register_u32(const uint32_t *a, const int32_t *count, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(out + i, vshlq_u32(vld1q_u32(a + i), vld1q_s32(count + i)));)
    IN_C(ELEMENTS(4) out[i] = count[i] >= 32 ? 0 : shifted(a[i], count[i]);)
}

//@ buffer count: int64_t[32] = random -127..127
void by_register_s64(const int64_t *a, const int64_t *count, int64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_s64(out + i, vshlq_s64(vld1q_s64(a + i), vld1q_s64(count + i)));)
    IN_C(ELEMENTS(2) out[i] = count[i] >= 64 ? 0 : shifted(a[i], count[i]);)
}

//@ buffer count: int16_t[32] = random -20..20
void rounding_by_register_s16(const int16_t *a, const int16_t *count, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_s16(out + i, vrshlq_s16(vld1q_s16(a + i), vld1q_s16(count + i)));)
    IN_C(ELEMENTS(8) out[i] = count[i] >= 16 ? 0 : shifted_rounded(a[i], count[i]);)
}

//@ buffer count: int64_t[32] = random -70..70
void rounding_by_register_u64(const uint64_t *a, const int64_t *count, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_u64(out + i, vrshlq_u64(vld1q_u64(a + i), vld1q_s64(count + i)));)
    IN_C(ELEMENTS(2) out[i] = count[i] >= 64 ? 0 : shifted_rounded(a[i], count[i]);)
}

//@ buffer count: int8_t[32] = random -10..10
void saturating_by_register_u8(const uint8_t *a, const int8_t *count, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vqshlq_u8(vld1q_u8(a + i), vld1q_s8(count + i)));)
    IN_C(ELEMENTS(16) out[i] = unsigned_limit(shifted(a[i], count[i]), 8);)
}

//@ buffer count: int64_t[32] = random -70..63
void saturating_by_register_s64(const int64_t *a, const int64_t *count, int64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_s64(out + i, vqshlq_s64(vld1q_s64(a + i), vld1q_s64(count + i)));)
    IN_C(ELEMENTS(2) out[i] = signed_limit(shifted(a[i], count[i]), 64);)
}

//@ buffer count: int32_t[32] = random -40..40
void saturating_rounding_by_register_s32(const int32_t *a, const int32_t *count, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vqrshlq_s32(vld1q_s32(a + i), vld1q_s32(count + i)));)
    IN_C(ELEMENTS(4) out[i] = signed_limit(shifted_rounded(a[i], count[i]), 32);)
}

//@ buffer count: int16_t[32] = random -20..20
void saturating_rounding_scalars(const int16_t *a, const int16_t *count, const int64_t *b, int64_t *out, int n) {
    WITH_NEON(for (int i = 0; i + 4 <= n; i += 4) {
        out[i] = vqrshlh_s16(a[i], count[i]);
        out[i + 1] = vqshlh_s16(a[i + 1], count[i + 1]);
        out[i + 2] = vshld_s64(b[i + 2], count[i + 2]);
        out[i + 3] = vrshrd_n_s64(b[i + 3], 17);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        out[i] = signed_limit(shifted_rounded(a[i], count[i]), 16);
        out[i + 1] = signed_limit(shifted(a[i + 1], count[i + 1]), 16);
        out[i + 2] = shifted(b[i + 2], count[i + 2]);
        out[i + 3] = shifted_rounded(b[i + 3], -17);
    })
}
