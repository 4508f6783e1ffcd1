// Comparisons, which give masks, and logic.
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 random

void equal_s8(const int8_t *a, const int8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vceqq_s8(vld1q_s8(a + i), vld1q_s8(b + i)));)
    IN_C(ELEMENTS(16) out[i] = -(a[i] == b[i]);)
}

void equal_u64(const uint64_t *a, const uint64_t *b, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_u64(out + i, vceqq_u64(vld1q_u64(a + i), vld1q_u64(b + i)));)
    IN_C(ELEMENTS(2) out[i] = -(uint64_t)(a[i] == b[i]);)
}

void greater_s16(const int16_t *a, const int16_t *b, uint16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_u16(out + i, vcgtq_s16(vld1q_s16(a + i), vld1q_s16(b + i)));)
    IN_C(ELEMENTS(8) out[i] = -(a[i] > b[i]);)
}

void higher_u32(const uint32_t *a, const uint32_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(out + i, vcgtq_u32(vld1q_u32(a + i), vld1q_u32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = -(a[i] > b[i]);)
}

void greater_or_equal_s64(const int64_t *a, const int64_t *b, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_u64(out + i, vcgeq_s64(vld1q_s64(a + i), vld1q_s64(b + i)));)
    IN_C(ELEMENTS(2) out[i] = -(uint64_t)(a[i] >= b[i]);)
}

void higher_or_same_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1_u8(out + i, vcge_u8(vld1_u8(a + i), vld1_u8(b + i)));)
    IN_C(ELEMENTS(8) out[i] = -(a[i] >= b[i]);)
}

void less_s32(const int32_t *a, const int32_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(out + i, vcltq_s32(vld1q_s32(a + i), vld1q_s32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = -(a[i] < b[i]);)
}

void with_zero_s8(const int8_t *a, uint8_t *equal, uint8_t *greater, uint8_t *less, uint8_t *least, int n) {
    WITH_NEON(VECTORS(16) {
        int8x16_t x = vld1q_s8(a + i);
        vst1q_u8(equal + i, vceqzq_s8(x));
        vst1q_u8(greater + i, vcgtzq_s8(x));
        vst1q_u8(less + i, vcltzq_s8(x));
        vst1q_u8(least + i, veorq_u8(vcgezq_s8(x), vshrq_n_u8(vclezq_s8(x), 4)));
    })
    IN_C(ELEMENTS(16) {
        equal[i] = -(a[i] == 0);
        greater[i] = -(a[i] > 0);
        less[i] = -(a[i] < 0);
        least[i] = (a[i] >= 0 ? 0xff : 0) ^ (a[i] <= 0 ? 0xf : 0);
    })
}

void with_zero_s64(const int64_t *a, uint64_t *equal, uint64_t *greater, uint64_t *less, int n) {
    WITH_NEON(VECTORS(2) {
        int64x2_t x = vld1q_s64(a + i);
        vst1q_u64(equal + i, vceqzq_s64(x));
        vst1q_u64(greater + i, vcgezq_s64(x));
        less[i] = vcltzd_s64(a[i]);
        less[i + 1] = vclezd_s64(a[i + 1]);
    })
    IN_C(for (int i = 0; i + 2 <= n; i += 2) {
        EACH(j, 2) {
            equal[i + j] = -(uint64_t)(a[i + j] == 0);
            greater[i + j] = -(uint64_t)(a[i + j] >= 0);
        }
        less[i] = -(uint64_t)(a[i] < 0);
        less[i + 1] = -(uint64_t)(a[i + 1] <= 0);
    })
}

void test_bits_u16(const uint16_t *a, const uint16_t *b, uint16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_u16(out + i, vtstq_u16(vld1q_u16(a + i), vld1q_u16(b + i)));)
    IN_C(ELEMENTS(8) out[i] = -((a[i] & b[i]) != 0);)
}

void scalars(const int64_t *a, const uint64_t *b, uint64_t *out, int n) {
    WITH_NEON(for (int i = 0; i + 4 <= n; i += 4) {
        out[i] = vcgtd_s64(a[i], a[i + 1]);
        out[i + 1] = vcged_u64(b[i], b[i + 1]);
        out[i + 2] = vceqd_s64(a[i + 2], a[i + 3]);
        out[i + 3] = vtstd_u64(b[i + 2], b[i + 3]);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        out[i] = -(uint64_t)(a[i] > a[i + 1]);
        out[i + 1] = -(uint64_t)(b[i] >= b[i + 1]);
        out[i + 2] = -(uint64_t)(a[i + 2] == a[i + 3]);
        out[i + 3] = -(uint64_t)((b[i + 2] & b[i + 3]) != 0);
    })
}

void select_bits(const uint8_t *mask, const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vbslq_u8(vld1q_u8(mask + i), vld1q_u8(a + i), vld1q_u8(b + i)));)
    IN_C(ELEMENTS(16) out[i] = (mask[i] & a[i]) | (~mask[i] & b[i]);)
}

void select_larger(const int32_t *a, const int32_t *b, const int32_t *c, const int32_t *d, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) {
        uint32x4_t mask = vcgtq_s32(vld1q_s32(a + i), vld1q_s32(b + i));
        vst1q_s32(out + i, vbslq_s32(mask, vld1q_s32(c + i), vld1q_s32(d + i)));
    })
    IN_C(ELEMENTS(4) out[i] = a[i] > b[i] ? c[i] : d[i];)
}

void logic(const uint32_t *a, const uint32_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) {
        uint32x4_t x = vld1q_u32(a + i), y = vld1q_u32(b + i), z = vld1q_u32(out + i);
        x = veorq_u32(vandq_u32(x, y), vorrq_u32(y, z));
        vst1q_u32(out + i, vornq_u32(vbicq_u32(x, z), vmvnq_u32(y)));
    })
    IN_C(ELEMENTS(4) {
        uint32_t x = (a[i] & b[i]) ^ (b[i] | out[i]);
        out[i] = (x & ~out[i]) | ~~b[i];
    })
}

void exclusive_or_of_three(const uint16_t *a, const uint16_t *b, uint16_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1q_u16(out + i, veor3q_u16(vld1q_u16(a + i), vld1q_u16(b + i), vld1q_u16(out + i)));)
    IN_C(ELEMENTS(8) out[i] ^= a[i] ^ b[i];)
}
