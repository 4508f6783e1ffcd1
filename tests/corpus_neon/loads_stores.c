// Structures taken apart into vectors and put together again, and single elements of memory.
#include "both.h"
//@ default cases: (16) (16)
//@ default buffers: 64 random

void load_2_u8(const uint8_t *a, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        uint8x16x2_t x = vld2q_u8(a + 2 * i);
        vst1q_u8(out + i, vsubq_u8(x.val[0], vaddq_u8(x.val[1], x.val[1])));
    })
    IN_C(ELEMENTS(16) out[i] = a[2 * i] - 2 * a[2 * i + 1];)
}

void load_2_u64(const uint64_t *a, uint64_t *out, int n) {
    WITH_NEON(VECTORS(2) {
        uint64x2x2_t x = vld2q_u64(a + 2 * i);
        vst1q_u64(out + i, vsubq_u64(x.val[0], x.val[1]));
    })
    IN_C(ELEMENTS(2) out[i] = a[2 * i] - a[2 * i + 1];)
}

void load_3_u8_colours(const uint8_t *a, uint8_t *red, uint8_t *green, uint8_t *blue, int n) {
    WITH_NEON(VECTORS(8) {
        uint8x8x3_t x = vld3_u8(a + 3 * i);
        vst1_u8(red + i, x.val[0]);
        vst1_u8(green + i, x.val[1]);
        vst1_u8(blue + i, x.val[2]);
    })
    IN_C(ELEMENTS(8) {
        red[i] = a[3 * i];
        green[i] = a[3 * i + 1];
        blue[i] = a[3 * i + 2];
    })
}

void load_3_s32(const int32_t *a, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) {
        int32x4x3_t x = vld3q_s32(a + 3 * i);
        vst1q_s32(out + i, vmlaq_s32(x.val[0], x.val[1], x.val[2]));
    })
    IN_C(ELEMENTS(4) out[i] = a[3 * i] + a[3 * i + 1] * a[3 * i + 2];)
}

void load_4_u16(const uint16_t *a, uint16_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        uint16x8x4_t x = vld4q_u16(a + 4 * i);
        vst1q_u16(out + i, veorq_u16(vsubq_u16(x.val[0], x.val[1]), vsubq_u16(x.val[2], x.val[3])));
    })
    IN_C(ELEMENTS(8) out[i] = (a[4 * i] - a[4 * i + 1]) ^ (a[4 * i + 2] - a[4 * i + 3]);)
}

void store_2_s16(const int16_t *a, const int16_t *b, int16_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        int16x8x2_t x = {{vld1q_s16(a + i), vld1q_s16(b + i)}};
        vst2q_s16(out + 2 * i, x);
    })
    IN_C(ELEMENTS(8) {
        out[2 * i] = a[i];
        out[2 * i + 1] = b[i];
    })
}

void store_3_u8(const uint8_t *a, const uint8_t *b, const uint8_t *c, uint8_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        uint8x16x3_t x = {{vld1q_u8(a + i), vld1q_u8(b + i), vld1q_u8(c + i)}};
        vst3q_u8(out + 3 * i, x);
    })
    IN_C(ELEMENTS(16) {
        out[3 * i] = a[i];
        out[3 * i + 1] = b[i];
        out[3 * i + 2] = c[i];
    })
}

void store_4_u32(const uint32_t *a, const uint32_t *b, uint32_t *out, int n) {
    WITH_NEON(VECTORS(2) {
        uint32x2x4_t x = {{vld1_u32(a + i), vld1_u32(b + i), vld1_u32(b + i + 2), vld1_u32(a + i + 2)}};
        vst4_u32(out + 4 * i, x);
    })
    IN_C(ELEMENTS(2) {
        out[4 * i] = a[i];
        out[4 * i + 1] = b[i];
        out[4 * i + 2] = b[i + 2];
        out[4 * i + 3] = a[i + 2];
    })
}

void load_store_many(const uint32_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(16) {
        uint32x4x4_t x = vld1q_u32_x4(a + i);
        uint32x4x3_t y = {{x.val[3], x.val[1], x.val[0]}};
        vst1q_u32_x3(out + i, y);
        vst1_u32_x2(out + i + 12, vld1_u32_x2(a + i + 8));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) EACH(j, 4) {
        out[i + j] = a[i + 12 + j];
        out[i + 4 + j] = a[i + 4 + j];
        out[i + 8 + j] = a[i + j];
        out[i + 12 + j] = a[i + 8 + j];
    })
}

void load_lane(const uint8_t *a, const int16_t *b, uint8_t *bytes, int16_t *halves, int n) {
    WITH_NEON(VECTORS(16) {
        vst1q_u8(bytes + i, vld1q_lane_u8(a + i + 3, vld1q_u8(bytes + i), 14));
        vst1_s16(halves + i, vld1_lane_s16(b + i + 1, vld1_s16(halves + i), 3));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) {
        bytes[i + 14] = a[i + 3];
        halves[i + 3] = b[i + 1];
    })
}

void store_lane(const uint32_t *a, const uint64_t *b, uint32_t *words, uint64_t *doubles, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_lane_u32(words + i, vld1q_u32(a + i), 2);
        vst1q_lane_u64(doubles + i, vld1q_u64(b + i), 1);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        words[i] = a[i + 2];
        doubles[i] = b[i + 1];
    })
}

void load_store_2_lane(const uint16_t *a, uint16_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        uint16x8x2_t x = vld2q_u16(a + 2 * i);
        x = vld2q_lane_u16(a + i + 5, x, 6);
        vst2q_u16(out + 2 * i, x);
        vst2q_lane_u16(out + i, x, 1);
    })
    IN_C(for (int i = 0; i + 8 <= n; i += 8) {
        uint16_t x[16];
        EACH(j, 16) x[j] = a[2 * i + j];
        x[12] = a[i + 5];
        x[13] = a[i + 6];
        EACH(j, 16) out[2 * i + j] = x[j];
        out[i] = x[2];
        out[i + 1] = x[3];
    })
}

void load_store_3_lane(const uint8_t *a, uint8_t *out, int n) {
    WITH_NEON(VECTORS(8) {
        uint8x8x3_t x = vld3_lane_u8(a + i + 1, vld3_u8(a + 3 * i), 7);
        vst3_u8(out + 3 * i, x);
        vst3_lane_u8(out + i, x, 2);
    })
    IN_C(for (int i = 0; i + 8 <= n; i += 8) {
        uint8_t x[24];
        EACH(j, 24) x[j] = a[3 * i + j];
        EACH(j, 3) x[21 + j] = a[i + 1 + j];
        EACH(j, 24) out[3 * i + j] = x[j];
        EACH(j, 3) out[i + j] = x[6 + j];
    })
}

void load_store_4_lane(const int32_t *a, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) {
        int32x4x4_t x = vld4q_lane_s32(a + i, vld4q_s32(a + 4 * i), 3);
        vst4q_s32(out + 4 * i, x);
        vst4q_lane_s32(out + 2 * i, x, 0);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        int32_t x[16];
        EACH(j, 16) x[j] = a[4 * i + j];
        EACH(j, 4) x[12 + j] = a[i + j];
        EACH(j, 16) out[4 * i + j] = x[j];
        EACH(j, 4) out[2 * i + j] = x[j];
    })
}

void load_replicated(const uint8_t *a, const int32_t *b, uint8_t *bytes, int32_t *words, int n) {
    WITH_NEON(VECTORS(16) {
        vst1q_u8(bytes + i, vld1q_dup_u8(a + i + 7));
        int32x4x3_t x = vld3q_dup_s32(b + i);
        vst1q_s32(words + i, vsubq_s32(vaddq_s32(x.val[0], x.val[1]), x.val[2]));
        uint8x8x4_t y = vld4_dup_u8(a + i + 1);
        vst1_u8(bytes + i + 16, vext_u8(y.val[2], y.val[3], 3));
        int32x2x2_t z = vld2_dup_s32(b + i + 2);
        vst1_s32(words + i + 4, vsub_s32(z.val[0], z.val[1]));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) {
        EACH(j, 16) bytes[i + j] = a[i + 7];
        EACH(j, 4) words[i + j] = b[i] + b[i + 1] - b[i + 2];
        EACH(j, 8) bytes[i + 16 + j] = j < 5 ? a[i + 3] : a[i + 4];
        EACH(j, 2) words[i + 4 + j] = b[i + 2] - b[i + 3];
    })
}
