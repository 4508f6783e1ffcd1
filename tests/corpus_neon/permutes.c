// Elements moved within and between vectors.
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 random

void zip_u8(const uint8_t *a, const uint8_t *b, uint8_t *low, uint8_t *high, int n) {
    WITH_NEON(VECTORS(16) {
        vst1q_u8(low + i, vzip1q_u8(vld1q_u8(a + i), vld1q_u8(b + i)));
        vst1q_u8(high + i, vzip2q_u8(vld1q_u8(a + i), vld1q_u8(b + i)));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) EACH(j, 16) {
        low[i + j] = (j % 2 ? b : a)[i + j / 2];
        high[i + j] = (j % 2 ? b : a)[i + 8 + j / 2];
    })
}

void zip_s32(const int32_t *a, const int32_t *b, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) {
        int32x2x2_t pair = vzip_s32(vld1_s32(a + i), vld1_s32(b + i));
        vst1_s32(out + i, pair.val[0]);
        vst1_s32(out + i + 2, pair.val[1]);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) EACH(j, 4) out[i + j] = (j % 2 ? b : a)[i + j / 2];)
}

void unzip_u16(const uint16_t *a, const uint16_t *b, uint16_t *even, uint16_t *odd, int n) {
    WITH_NEON(VECTORS(8) {
        vst1q_u16(even + i, vuzp1q_u16(vld1q_u16(a + i), vld1q_u16(b + i)));
        vst1q_u16(odd + i, vuzp2q_u16(vld1q_u16(a + i), vld1q_u16(b + i)));
    })
    IN_C(for (int i = 0; i + 8 <= n; i += 8) EACH(j, 8) {
        even[i + j] = (j < 4 ? a : b)[i + j % 4 * 2];
        odd[i + j] = (j < 4 ? a : b)[i + j % 4 * 2 + 1];
    })
}

void unzip_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1_u8(out + i, vuzp2_u8(vld1_u8(a + i), vld1_u8(b + i)));)
    IN_C(for (int i = 0; i + 8 <= n; i += 8) EACH(j, 8) out[i + j] = (j < 4 ? a : b)[i + j % 4 * 2 + 1];)
}

void transpose_s32(const int32_t *a, const int32_t *b, int32_t *even, int32_t *odd, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_s32(even + i, vtrn1q_s32(vld1q_s32(a + i), vld1q_s32(b + i)));
        vst1q_s32(odd + i, vtrn2q_s32(vld1q_s32(a + i), vld1q_s32(b + i)));
    })
    IN_C(ELEMENTS(4) {
        even[i] = (i % 2 ? b : a)[i / 2 * 2];
        odd[i] = (i % 2 ? b : a)[i / 2 * 2 + 1];
    })
}

void transpose_u64(const uint64_t *a, const uint64_t *b, uint64_t *even, uint64_t *odd, int n) {
    WITH_NEON(VECTORS(2) {
        vst1q_u64(even + i, vtrn1q_u64(vld1q_u64(a + i), vld1q_u64(b + i)));
        vst1q_u64(odd + i, vtrn2q_u64(vld1q_u64(a + i), vld1q_u64(b + i)));
    })
    IN_C(ELEMENTS(2) {
        even[i] = (i % 2 ? b : a)[i / 2 * 2];
        odd[i] = (i % 2 ? b : a)[i / 2 * 2 + 1];
    })
}

void transpose_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(8) vst1_u8(out + i, vtrn2_u8(vld1_u8(a + i), vld1_u8(b + i)));)
    IN_C(ELEMENTS(8) out[i] = (i % 2 ? b : a)[i / 2 * 2 + 1];)
}

void extract_u8(const uint8_t *a, const uint8_t *b, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vextq_u8(vld1q_u8(a + i), vld1q_u8(b + i), 11));)
    IN_C(for (int i = 0; i + 16 <= n; i += 16) EACH(j, 16) out[i + j] = j < 5 ? a[i + j + 11] : b[i + j - 5];)
}

void extract_s16(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1_s16(out + i, vext_s16(vld1_s16(a + i), vld1_s16(b + i), 3));)
    IN_C(for (int i = 0; i + 4 <= n; i += 4) EACH(j, 4) out[i + j] = j < 1 ? a[i + j + 3] : b[i + j - 1];)
}

void reverse_u8(const uint8_t *a, uint8_t *in_2, uint8_t *in_4, uint8_t *in_8, int n) {
    WITH_NEON(VECTORS(16) {
        vst1q_u8(in_2 + i, vrev16q_u8(vld1q_u8(a + i)));
        vst1q_u8(in_4 + i, vrev32q_u8(vld1q_u8(a + i)));
        vst1q_u8(in_8 + i, vrev64q_u8(vld1q_u8(a + i)));
    })
    IN_C(ELEMENTS(16) {
        in_2[i] = a[i ^ 1];
        in_4[i] = a[i ^ 3];
        in_8[i] = a[i ^ 7];
    })
}

void reverse_u16(const uint16_t *a, uint16_t *in_4, uint16_t *in_8, int n) {
    WITH_NEON(VECTORS(8) {
        vst1q_u16(in_4 + i, vrev32q_u16(vld1q_u16(a + i)));
        vst1q_u16(in_8 + i, vrev64q_u16(vld1q_u16(a + i)));
    })
    IN_C(ELEMENTS(8) {
        in_4[i] = a[i ^ 1];
        in_8[i] = a[i ^ 3];
    })
}

void reverse_s32(const int32_t *a, int32_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1_s32(out + i, vrev64_s32(vld1_s32(a + i)));)
    IN_C(ELEMENTS(2) out[i] = a[i ^ 1];)
}

void reverse_bits(const uint8_t *a, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vrbitq_u8(vld1q_u8(a + i)));)
    IN_C(ELEMENTS(16) {
        uint8_t x = 0;
        EACH(j, 8) x |= (a[i] >> j & 1) << (7 - j);
        out[i] = x;
    })
}

void duplicate_lanes(const uint8_t *a, const int16_t *b, uint8_t *bytes, int16_t *halves, int n) {
    WITH_NEON(VECTORS(16) {
        vst1q_u8(bytes + i, vdupq_laneq_u8(vld1q_u8(a + i), 13));
        vst1q_s16(halves + i, vdupq_lane_s16(vld1_s16(b + i), 2));
        vst1_s16(halves + i + 8, vdup_n_s16(b[i + 9]));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) {
        EACH(j, 16) bytes[i + j] = a[i + 13];
        EACH(j, 8) halves[i + j] = b[i + 2];
        EACH(j, 4) halves[i + 8 + j] = b[i + 9];
    })
}

void insert_lanes(const uint32_t *a, const uint64_t *b, uint32_t *words, uint64_t *doubles, int n) {
    WITH_NEON(VECTORS(4) {
        uint32x4_t x = vcopyq_laneq_u32(vld1q_u32(words + i), 1, vld1q_u32(a + i), 3);
        vst1q_u32(words + i, vsetq_lane_u32(a[i], x, 2));
        uint64x2_t y = vsetq_lane_u64(b[i + 1], vld1q_u64(doubles + i), 0);
        vst1q_u64(doubles + i, vcombine_u64(vget_high_u64(y), vget_low_u64(y)));
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        words[i + 1] = a[i + 3];
        words[i + 2] = a[i];
        doubles[i] = doubles[i + 1];
        doubles[i + 1] = b[i + 1];
    })
}

void read_lanes(const int8_t *a, const uint8_t *b, const int16_t *c, const int32_t *d, int64_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        out[i] = vgetq_lane_s8(vld1q_s8(a + i), 15);
        out[i + 1] = vgetq_lane_u8(vld1q_u8(b + i), 9);
        out[i + 2] = vget_lane_s16(vld1_s16(c + i), 1);
        out[i + 3] = vgetq_lane_s32(vld1q_s32(d + i), 2);
        out[i + 4] = vgetq_lane_s64(vreinterpretq_s64_s32(vld1q_s32(d + i)), 1);
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) {
        out[i] = a[i + 15];
        out[i + 1] = b[i + 9];
        out[i + 2] = c[i + 1];
        out[i + 3] = d[i + 2];
        out[i + 4] = (int64_t)((uint64_t)(uint32_t)d[i + 3] << 32 | (uint32_t)d[i + 2]);
    })
}

//@ buffer index: uint8_t[32] = random 0..20
void table_1(const uint8_t *table, const uint8_t *index, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vqtbl1q_u8(vld1q_u8(table), vld1q_u8(index + i)));)
    IN_C(ELEMENTS(16) out[i] = index[i] < 16 ? table[index[i]] : 0;)
}

//@ buffer index: uint8_t[32] = random 0..40
void table_2(const uint8_t *table, const uint8_t *index, uint8_t *out, int n) {
    WITH_NEON(uint8x16x2_t tables = vld1q_u8_x2(table);
              VECTORS(8) vst1_u8(out + i, vqtbl2_u8(tables, vld1_u8(index + i)));)
    IN_C(ELEMENTS(8) out[i] = index[i] < 32 ? table[index[i]] : 0;)
}

//@ buffer table: uint8_t[48] = random
//@ buffer index: uint8_t[32] = random 0..60
void table_3(const uint8_t *table, const uint8_t *index, uint8_t *out, int n) {
    WITH_NEON(uint8x16x3_t tables = vld1q_u8_x3(table);
              VECTORS(16) vst1q_u8(out + i, vqtbl3q_u8(tables, vld1q_u8(index + i)));)
    IN_C(ELEMENTS(16) out[i] = index[i] < 48 ? table[index[i]] : 0;)
}

//@ buffer table: uint8_t[64] = random
void table_4(const uint8_t *table, const uint8_t *index, uint8_t *out, int n) {
    WITH_NEON(uint8x16x4_t tables = vld1q_u8_x4(table);
              VECTORS(16) vst1q_u8(out + i, vqtbl4q_u8(tables, vld1q_u8(index + i)));)
    IN_C(ELEMENTS(16) out[i] = index[i] < 64 ? table[index[i]] : 0;)
}

//@ buffer index: uint8_t[32] = random 0..40
void table_extension_1(const uint8_t *table, const uint8_t *index, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) vst1q_u8(out + i, vqtbx1q_u8(vld1q_u8(out + i), vld1q_u8(table), vld1q_u8(index + i)));)
    IN_C(ELEMENTS(16) out[i] = index[i] < 16 ? table[index[i]] : out[i];)
}

//@ buffer table: uint8_t[64] = random
//@ buffer index: uint8_t[32] = random 0..90
void table_extension_4(const uint8_t *table, const uint8_t *index, uint8_t *out, int n) {
    WITH_NEON(uint8x16x4_t tables = vld1q_u8_x4(table);
              VECTORS(8) vst1_u8(out + i, vqtbx4_u8(vld1_u8(out + i), tables, vld1_u8(index + i)));)
    IN_C(ELEMENTS(8) out[i] = index[i] < 64 ? table[index[i]] : out[i];)
}
