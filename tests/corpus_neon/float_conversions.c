// Between precisions, to integers in every rounding, to integral values, fixed point; estimates and their steps.
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 special

#ifndef NEON
// To the nearest, halves away from zero.
static double away(double x) {
    return x < 0 ? -__builtin_floor(-x + 0.5) : __builtin_floor(x + 0.5);
}

// An integral value, limited to an integer type; a NaN gives 0.
static int32_t to_s32(double x) {
    return x != x ? 0 : x >= 0x1p31 ? INT32_MAX : x < -0x1p31 ? INT32_MIN : (int32_t)x;
}

static uint32_t to_u32(double x) {
    return x != x ? 0 : x >= 0x1p32 ? UINT32_MAX : x <= -1 ? 0 : (uint32_t)x;
}

static int64_t to_s64(double x) {
    return x != x ? 0 : x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
}

static uint64_t to_u64(double x) {
    return x != x ? 0 : x >= 0x1p64 ? UINT64_MAX : x <= -1 ? 0 : (uint64_t)x;
}

static uint32_t bits(float x) {
    union { float value; uint32_t bits; } u = {x};
    return u.bits;
}

static float from_bits(uint32_t x) {
    union { uint32_t bits; float value; } u = {x};
    return u.value;
}

// Arm's tables of estimates, from the Architecture Reference Manual's RecipEstimate and RecipSqrtEstimate: from 9 bits
// to 9 bits.
static uint32_t reciprocal_entry(uint32_t a) {
    return ((1 << 19) / (2 * a + 1) + 1) / 2;
}

static uint32_t root_entry(uint32_t a) {
    a = a < 256 ? 2 * a + 1 : ((a >> 1) * 2 + 1) * 2;
    uint64_t b = 512;
    while (a * (b + 1) * (b + 1) < 1 << 28)
        b++;
    return (b + 1) / 2;
}
#endif

void widen_f32(const float *a, double *out, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_f64(out + i, vcvt_f64_f32(vld1_f32(a + i)));
        vst1q_f64(out + i + 2, vcvt_high_f64_f32(vld1q_f32(a + i)));
    })
    IN_C(ELEMENTS(4) out[i] = a[i];)
}

void narrow_f64(const double *a, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(
                  out + i, vcvt_high_f32_f64(vcvt_f32_f64(vld1q_f64(a + i)), vld1q_f64(a + i + 2)));)
    IN_C(ELEMENTS(4) out[i] = a[i];)
}

//@ buffer a: double[32] = random -3..3
void narrow_to_odd_f64(const double *a, float *out, int n) {
    WITH_NEON(VECTORS(2) vst1_f32(out + i, vcvtx_f32_f64(vld1q_f64(a + i)));)
    IN_C(ELEMENTS(2) {
        float x = a[i];
        if (x != a[i]) {
            // The neighbour towards zero, with its last bit set.
            uint32_t least = bits(x) - (__builtin_fabs(x) > __builtin_fabs(a[i]));
            x = from_bits(least | 1);
        }
        out[i] = x;
    })
}

void from_s32(const int32_t *a, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(out + i, vcvtq_f32_s32(vld1q_s32(a + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i];)
}

void from_u32(const uint32_t *a, float *out, int n) {
    WITH_NEON(VECTORS(2) vst1_f32(out + i, vcvt_f32_u32(vld1_u32(a + i)));)
    IN_C(ELEMENTS(2) out[i] = a[i];)
}

void from_s64(const int64_t *a, double *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_f64(out + i, vcvtq_f64_s64(vld1q_s64(a + i)));)
    IN_C(ELEMENTS(2) out[i] = a[i];)
}

void from_u64(const uint64_t *a, double *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_f64(out + i, vcvtq_f64_u64(vld1q_u64(a + i)));)
    IN_C(ELEMENTS(2) out[i] = a[i];)
}

void from_fixed_point(const int32_t *a, const uint64_t *b, float *singles, double *doubles, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_f32(singles + i, vcvtq_n_f32_s32(vld1q_s32(a + i), 13));
        vst1q_f64(doubles + i, vcvtq_n_f64_u64(vld1q_u64(b + i), 64));
        doubles[i + 2] = vcvts_n_f32_u32(a[i], 32);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        EACH(j, 4) singles[i + j] = (float)a[i + j] * 0x1p-13f;
        EACH(j, 2) doubles[i + j] = (double)b[i + j] * 0x1p-64;
        doubles[i + 2] = (float)(uint32_t)a[i] * 0x1p-32f;
    })
}

void to_fixed_point(const float *a, const double *b, int32_t *words, uint64_t *doubles, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_s32(words + i, vcvtq_n_s32_f32(vld1q_f32(a + i), 20));
        vst1q_u64(doubles + i, vcvtq_n_u64_f64(vld1q_f64(b + i), 33));
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        EACH(j, 4) words[i + j] = to_s32(a[i + j] * 0x1p20);
        EACH(j, 2) doubles[i + j] = to_u64(b[i + j] * 0x1p33);
    })
}

void to_s32_truncated(const float *a, int32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_s32(out + i, vcvtq_s32_f32(vld1q_f32(a + i)));)
    IN_C(ELEMENTS(4) out[i] = to_s32(__builtin_trunc(a[i]));)
}

void to_u32_truncated(const float *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(out + i, vcvtq_u32_f32(vld1q_f32(a + i)));)
    IN_C(ELEMENTS(4) out[i] = to_u32(__builtin_trunc(a[i]));)
}

void to_s64_truncated(const double *a, int64_t *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_s64(out + i, vcvtq_s64_f64(vld1q_f64(a + i)));)
    IN_C(ELEMENTS(2) out[i] = to_s64(__builtin_trunc(a[i]));)
}

//@ buffer a: float[32] = 0.5 -0.5 1.5 2.5 -1.5 -2.5 0.49999997 -0.49999997 8388607.5 -8388607.5 2147483520 -2147483648 4294967040 -1.5 nan inf -inf 0 -0.0 3.75 -3.75 1e20 -1e20 0x1p-149 1.25 -1.25 7 -7 100.5 101.5 -100.5 -101.5
void to_s32_in_all_roundings(const float *a, int32_t *even, int32_t *down, int32_t *up, int32_t *apart, int n) {
    WITH_NEON(VECTORS(4) {
        float32x4_t x = vld1q_f32(a + i);
        vst1q_s32(even + i, vcvtnq_s32_f32(x));
        vst1q_s32(down + i, vcvtmq_s32_f32(x));
        vst1q_s32(up + i, vcvtpq_s32_f32(x));
        vst1q_s32(apart + i, vcvtaq_s32_f32(x));
    })
    IN_C(ELEMENTS(4) {
        even[i] = to_s32(__builtin_rint(a[i]));
        down[i] = to_s32(__builtin_floor(a[i]));
        up[i] = to_s32(__builtin_ceil(a[i]));
        apart[i] = to_s32(away(a[i]));
    })
}

//@ buffer a: float[32] = 0.5 -0.5 1.5 2.5 -1.5 -2.5 0.49999997 -0.49999997 8388607.5 -8388607.5 2147483520 -2147483648 4294967040 -1.5 nan inf -inf 0 -0.0 3.75 -3.75 1e20 -1e20 0x1p-149 1.25 -1.25 7 -7 100.5 101.5 -100.5 -101.5
void to_u32_in_all_roundings(const float *a, uint32_t *even, uint32_t *down, uint32_t *up, uint32_t *apart, int n) {
    WITH_NEON(VECTORS(4) {
        float32x4_t x = vld1q_f32(a + i);
        vst1q_u32(even + i, vcvtnq_u32_f32(x));
        vst1q_u32(down + i, vcvtmq_u32_f32(x));
        vst1q_u32(up + i, vcvtpq_u32_f32(x));
        vst1q_u32(apart + i, vcvtaq_u32_f32(x));
    })
    IN_C(ELEMENTS(4) {
        even[i] = to_u32(__builtin_rint(a[i]));
        down[i] = to_u32(__builtin_floor(a[i]));
        up[i] = to_u32(__builtin_ceil(a[i]));
        apart[i] = to_u32(away(a[i]));
    })
}

void to_64_bits_in_all_roundings(const double *a, int64_t *even, uint64_t *down, int64_t *up, uint64_t *zero, int n) {
    WITH_NEON(VECTORS(2) {
        float64x2_t x = vld1q_f64(a + i);
        vst1q_s64(even + i, vcvtnq_s64_f64(x));
        vst1q_u64(down + i, vcvtmq_u64_f64(x));
        vst1q_s64(up + i, vcvtpq_s64_f64(x));
        vst1q_u64(zero + i, vcvtq_u64_f64(x));
    })
    IN_C(ELEMENTS(2) {
        even[i] = to_s64(__builtin_rint(a[i]));
        down[i] = to_u64(__builtin_floor(a[i]));
        up[i] = to_s64(__builtin_ceil(a[i]));
        zero[i] = to_u64(__builtin_trunc(a[i]));
    })
}

void scalar_conversions(const float *a, const double *b, const int64_t *c, int64_t *out, float *floats, int n) {
    WITH_NEON(VECTORS(4) {
        out[i] = vcvtns_s32_f32(a[i]);
        out[i + 1] = vcvtmd_s64_f64(b[i]);
        out[i + 2] = vcvts_u32_f32(a[i + 1]);
        out[i + 3] = vcvtpd_u64_f64(b[i + 1]);
        floats[i] = vcvtd_f64_s64(c[i]);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        out[i] = to_s32(__builtin_rint(a[i]));
        out[i + 1] = to_s64(__builtin_floor(b[i]));
        out[i + 2] = to_u32(a[i + 1]);
        out[i + 3] = to_u64(__builtin_ceil(b[i + 1]));
        floats[i] = (double)c[i];
    })
}

void integral_f32(const float *a, float *even, float *down, float *up, float *zero, float *apart, int n) {
    WITH_NEON(VECTORS(4) {
        float32x4_t x = vld1q_f32(a + i);
        vst1q_f32(even + i, vrndnq_f32(x));
        vst1q_f32(down + i, vrndmq_f32(x));
        vst1q_f32(up + i, vrndpq_f32(x));
        vst1q_f32(zero + i, vrndq_f32(x));
        vst1q_f32(apart + i, vrndaq_f32(x));
    })
    IN_C(ELEMENTS(4) {
        even[i] = __builtin_rintf(a[i]);
        down[i] = __builtin_floorf(a[i]);
        up[i] = __builtin_ceilf(a[i]);
        zero[i] = __builtin_truncf(a[i]);
        apart[i] = __builtin_roundf(a[i]);
    })
}

void integral_f64(const double *a, double *current, double *exact, double *apart, int n) {
    WITH_NEON(VECTORS(2) {
        float64x2_t x = vld1q_f64(a + i);
        vst1q_f64(current + i, vrndiq_f64(x));
        vst1q_f64(exact + i, vrndxq_f64(x));
        vst1q_f64(apart + i, vrndaq_f64(x));
    })
    IN_C(ELEMENTS(2) {
        current[i] = exact[i] = __builtin_rint(a[i]);
        apart[i] = __builtin_round(a[i]);
    })
}

void estimate_reciprocal_u32(const uint32_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(out + i, vrecpeq_u32(vld1q_u32(a + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i] >> 31 ? reciprocal_entry(a[i] >> 23) << 23 : UINT32_MAX;)
}

void estimate_root_u32(const uint32_t *a, uint32_t *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_u32(out + i, vrsqrteq_u32(vld1q_u32(a + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i] >> 30 ? root_entry(a[i] >> 23) << 23 : UINT32_MAX;)
}

//@ buffer a: float[32] = random -1000..1000
void estimate_reciprocal_f32(const float *a, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(out + i, vrecpeq_f32(vld1q_f32(a + i)));)
    IN_C(ELEMENTS(4) {
        // For normal numbers with a normal reciprocal, and zeros.
        uint32_t x = bits(a[i]), exponent = x >> 23 & 255;
        uint32_t entry = reciprocal_entry(256 | (x >> 15 & 255)) & 255;
        out[i] = a[i] == 0 ? 1 / a[i] : from_bits((x & 1u << 31) | (253 - exponent) << 23 | entry << 15);
    })
}

//@ buffer a: float[32] = random 0.001..1000
void estimate_root_f32(const float *a, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(out + i, vrsqrteq_f32(vld1q_f32(a + i)));)
    IN_C(ELEMENTS(4) {
        uint32_t x = bits(a[i]), exponent = x >> 23;
        uint32_t entry = root_entry(exponent % 2 ? 128 | (x >> 16 & 127) : 256 | (x >> 15 & 255)) & 255;
        out[i] = from_bits((380 - exponent) / 2 << 23 | entry << 15);
    })
}

//@ buffer a: double[32] = random 0.5..1
void reciprocal_by_steps(const double *a, double *out, int n) {
    WITH_NEON(VECTORS(2) {
        float64x2_t x = vld1q_f64(a + i), y = vrecpeq_f64(x);
        EACH(j, 3) y = vmulq_f64(y, vrecpsq_f64(x, y));
        vst1q_f64(out + i, y);
    })
    IN_C(ELEMENTS(2) {
        double y = reciprocal_entry((uint32_t)(a[i] < 1 ? a[i] * 512 : 256)) / (a[i] < 1 ? 256.0 : 512.0);
        EACH(j, 3) y = y * __builtin_fma(-a[i], y, 2);
        out[i] = y;
    })
}

void reciprocal_step(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(out + i, vrecpsq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));)
    IN_C(ELEMENTS(4) {
        int zero_by_infinity = (a[i] == 0 && __builtin_isinf(b[i])) || (b[i] == 0 && __builtin_isinf(a[i]));
        out[i] = zero_by_infinity ? 2 : __builtin_fmaf(-a[i], b[i], 2);
    })
}

// The fused result is halved before its one rounding: in the range of normal numbers that is the same as after it.
//@ buffer a: float[32] = random -50..50
//@ buffer b: float[32] = random -50..50
void root_step(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(out + i, vrsqrtsq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = __builtin_fmaf(-a[i], b[i], 3) / 2;)
}

//@ buffer a: float[32] = special
void exponent_estimate(const float *a, float *out, int n) {
    WITH_NEON(for (int i = 0; i < n; i++) out[i] = vrecpxs_f32(a[i]);)
    IN_C(for (int i = 0; i < n; i++) {
        uint32_t x = bits(a[i]), exponent = x >> 23 & 255;
        exponent = exponent == 0 ? 254 : ~exponent & 255;
        out[i] = a[i] != a[i] ? a[i] : from_bits((x & 1u << 31) | exponent << 23);
    })
}

//@ buffer a: double[32] = special
void to_s32_modulo(const double *a, int32_t *out, int n) {
    WITH_NEON(for (int i = 0; i < n; i++) out[i] = __builtin_arm_jcvt(a[i]);)
    IN_C(for (int i = 0; i < n; i++) {
        double x = __builtin_trunc(a[i]);
        x -= __builtin_trunc(x * 0x1p-32) * 0x1p32;
        out[i] = __builtin_isfinite(a[i]) ? (int32_t)(uint32_t)(int64_t)x : 0;
    })
}
