// Half precision: conversions and vector arithmetic.
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 special

// Vectors from and to memory. float16_t, the type of arm_neon.h, is __fp16.
#ifdef NEON
#define LOAD(p) vld1q_f16((const float16_t *)(p))
#define LOAD_4(p) vld1_f16((const float16_t *)(p))
#define STORE(p, x) vst1q_f16((float16_t *)(p), x)
#define STORE_4(p, x) vst1_f16((float16_t *)(p), x)
#else
static float minimum(float a, float b) {
    return a != a ? a : b != b ? b : a < b || (a == b && __builtin_signbit(a)) ? a : b;
}

static float minimum_number(float a, float b) {
    return a != a ? b : b != b ? a : minimum(a, b);
}

static int32_t limited(double x, int32_t least, int32_t most) {
    return x != x ? 0 : x >= most ? most : x <= least ? least : (int32_t)x;
}

// Rounded once: the sum is exact where the operands aren't many magnitudes apart.
static _Float16 fused(double a, double b, double c) {
    return (_Float16)(a * b + c);
}
#endif

void add(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    WITH_NEON(VECTORS(8) STORE(out + i, vaddq_f16(LOAD(a + i), LOAD(b + i)));)
    IN_C(ELEMENTS(8) out[i] = a[i] + b[i];)
}

void subtract(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    WITH_NEON(VECTORS(4) STORE_4(out + i, vsub_f16(LOAD_4(a + i), LOAD_4(b + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i] - b[i];)
}

void multiply(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    WITH_NEON(VECTORS(8) STORE(out + i, vmulq_f16(LOAD(a + i), LOAD(b + i)));)
    IN_C(ELEMENTS(8) out[i] = a[i] * b[i];)
}

void multiply_lane(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    WITH_NEON(VECTORS(8) STORE(out + i, vmulq_laneq_f16(LOAD(a + i), LOAD(b + i), 6));)
    IN_C(ELEMENTS(8) out[i] = a[i] * b[i / 8 * 8 + 6];)
}

void divide(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    WITH_NEON(VECTORS(8) STORE(out + i, vdivq_f16(LOAD(a + i), LOAD(b + i)));)
    IN_C(ELEMENTS(8) out[i] = a[i] / b[i];)
}

void square_root(const _Float16 *a, _Float16 *out, int n) {
    WITH_NEON(VECTORS(8) STORE(out + i, vsqrtq_f16(LOAD(a + i)));)
    IN_C(ELEMENTS(8) out[i] = (_Float16)__builtin_sqrtf(a[i]);)
}

void sign(const _Float16 *a, _Float16 *negative, _Float16 *absolute, int n) {
    WITH_NEON(VECTORS(8) {
        STORE(negative + i, vnegq_f16(LOAD(a + i)));
        STORE(absolute + i, vabsq_f16(LOAD(a + i)));
    })
    IN_C(ELEMENTS(8) {
        negative[i] = -a[i];
        absolute[i] = __builtin_fabsf(a[i]);
    })
}

void absolute_difference(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    WITH_NEON(VECTORS(8) STORE(out + i, vabdq_f16(LOAD(a + i), LOAD(b + i)));)
    IN_C(ELEMENTS(8) out[i] = __builtin_fabsf((_Float16)(a[i] - b[i]));)
}

//@ buffer a: _Float16[32] = random -30..30
//@ buffer b: _Float16[32] = random -30..30
//@ buffer out: _Float16[32] = random -100..100
void fused_multiply_add(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    WITH_NEON(VECTORS(8) STORE(out + i, vfmaq_f16(LOAD(out + i), LOAD(a + i), LOAD(b + i)));)
    IN_C(ELEMENTS(8) out[i] = fused(a[i], b[i], out[i]);)
}

//@ buffer a: _Float16[32] = random -30..30
//@ buffer b: _Float16[32] = random -30..30
//@ buffer out: _Float16[32] = random -100..100
void fused_multiply_subtract_lane(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    WITH_NEON(VECTORS(8) STORE(out + i, vfmsq_laneq_f16(LOAD(out + i), LOAD(a + i), LOAD(b + i), 5));)
    IN_C(ELEMENTS(8) out[i] = fused(-a[i], b[i / 8 * 8 + 5], out[i]);)
}

// Products of halves are exact in single precision, so this is one rounding as well.
//@ buffer a: _Float16[32] = random -30..30
//@ buffer b: _Float16[32] = random -30..30
//@ buffer out: float[32] = random -100..100
void long_multiply_add(const _Float16 *a, const _Float16 *b, float *out, int n) {
    WITH_NEON(VECTORS(8) {
        vst1q_f32(out + i, vfmlalq_low_f16(vld1q_f32(out + i), LOAD(a + i), LOAD(b + i)));
        vst1q_f32(out + i + 4, vfmlalq_high_f16(vld1q_f32(out + i + 4), LOAD(a + i), LOAD(b + i)));
    })
    IN_C(ELEMENTS(8) out[i] += (float)a[i] * (float)b[i];)
}

//@ buffer a: _Float16[32] = random -30..30
//@ buffer b: _Float16[32] = random -30..30
//@ buffer out: float[32] = random -100..100
void long_multiply_subtract_lane(const _Float16 *a, const _Float16 *b, float *out, int n) {
    WITH_NEON(VECTORS(8) {
        vst1q_f32(out + i, vfmlslq_laneq_low_f16(vld1q_f32(out + i), LOAD(a + i), LOAD(b + i), 7));
        vst1q_f32(out + i + 4, vfmlslq_laneq_high_f16(vld1q_f32(out + i + 4), LOAD(a + i), LOAD(b + i), 7));
    })
    IN_C(ELEMENTS(8) out[i] -= (float)a[i] * (float)b[i / 8 * 8 + 7];)
}

void extremes(const _Float16 *a, const _Float16 *b, _Float16 *least, _Float16 *most, _Float16 *number, int n) {
    WITH_NEON(VECTORS(8) {
        STORE(least + i, vminq_f16(LOAD(a + i), LOAD(b + i)));
        STORE(most + i, vmaxq_f16(LOAD(a + i), LOAD(b + i)));
        STORE(number + i, vminnmq_f16(LOAD(a + i), LOAD(b + i)));
    })
    IN_C(ELEMENTS(8) {
        least[i] = minimum(a[i], b[i]);
        most[i] = -minimum(-a[i], -b[i]);
        number[i] = minimum_number(a[i], b[i]);
    })
}

void pairwise_and_across(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    WITH_NEON(VECTORS(16) {
        STORE(out + i, vpaddq_f16(LOAD(a + i), LOAD(b + i)));
        out[i + 8] = vmaxvq_f16(LOAD(a + i));
        out[i + 9] = vminnmvq_f16(LOAD(b + i));
        STORE_4(out + i + 10, vpmax_f16(LOAD_4(a + i), LOAD_4(b + i)));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) {
        float most = a[i], least = b[i];
        EACH(j, 4) {
            const _Float16 *from = j < 2 ? a + i + 2 * j : b + i + 2 * j - 4;
            out[i + j] = a[i + 2 * j] + a[i + 2 * j + 1];
            out[i + 4 + j] = b[i + 2 * j] + b[i + 2 * j + 1];
            out[i + 10 + j] = -minimum(-from[0], -from[1]);
        }
        EACH(j, 8) {
            most = -minimum(-most, -a[i + j]);
            least = minimum_number(least, b[i + j]);
        }
        out[i + 8] = most;
        out[i + 9] = least;
    })
}

void compare(const _Float16 *a, const _Float16 *b, uint16_t *equal, uint16_t *more, uint16_t *least, int n) {
    WITH_NEON(VECTORS(8) {
        vst1q_u16(equal + i, vceqq_f16(LOAD(a + i), LOAD(b + i)));
        vst1q_u16(more + i, veorq_u16(vcgtq_f16(LOAD(a + i), LOAD(b + i)), vcgezq_f16(LOAD(a + i))));
        vst1q_u16(least + i, veorq_u16(vcageq_f16(LOAD(a + i), LOAD(b + i)), vcltzq_f16(LOAD(b + i))));
    })
    IN_C(ELEMENTS(8) {
        float x = a[i], y = b[i];
        equal[i] = -(x == y);
        more[i] = -(x > y) ^ -(x >= 0);
        least[i] = -(__builtin_fabsf(x) >= __builtin_fabsf(y)) ^ -(y < 0);
    })
}

void integral(const _Float16 *a, _Float16 *even, _Float16 *down, _Float16 *up, _Float16 *zero, _Float16 *apart, int n) {
    WITH_NEON(VECTORS(8) {
        STORE(even + i, vrndnq_f16(LOAD(a + i)));
        STORE(down + i, vrndmq_f16(LOAD(a + i)));
        STORE(up + i, vrndpq_f16(LOAD(a + i)));
        STORE(zero + i, vrndq_f16(LOAD(a + i)));
        STORE(apart + i, vrndaq_f16(LOAD(a + i)));
    })
    IN_C(ELEMENTS(8) {
        even[i] = __builtin_rintf(a[i]);
        down[i] = __builtin_floorf(a[i]);
        up[i] = __builtin_ceilf(a[i]);
        zero[i] = __builtin_truncf(a[i]);
        apart[i] = __builtin_roundf(a[i]);
    })
}

void to_integers(const _Float16 *a, int16_t *zero, uint16_t *even, int16_t *down, uint16_t *fixed, int n) {
    WITH_NEON(VECTORS(8) {
        vst1q_s16(zero + i, vcvtq_s16_f16(LOAD(a + i)));
        vst1q_u16(even + i, vcvtnq_u16_f16(LOAD(a + i)));
        vst1q_s16(down + i, vcvtmq_s16_f16(LOAD(a + i)));
        vst1q_u16(fixed + i, vcvtq_n_u16_f16(LOAD(a + i), 9));
    })
    IN_C(ELEMENTS(8) {
        zero[i] = limited(a[i], INT16_MIN, INT16_MAX);
        even[i] = limited(__builtin_rint(a[i]), 0, UINT16_MAX);
        down[i] = limited(__builtin_floor(a[i]), INT16_MIN, INT16_MAX);
        fixed[i] = limited(a[i] * 512.0, 0, UINT16_MAX);
    })
}

void from_integers(const int16_t *a, const uint16_t *b, _Float16 *whole, _Float16 *unsigned_whole, _Float16 *fixed, int n) {
    WITH_NEON(VECTORS(8) {
        STORE(whole + i, vcvtq_f16_s16(vld1q_s16(a + i)));
        STORE(unsigned_whole + i, vcvtq_f16_u16(vld1q_u16(b + i)));
        STORE(fixed + i, vcvtq_n_f16_s16(vld1q_s16(a + i), 16));
    })
    IN_C(ELEMENTS(8) {
        whole[i] = (_Float16)a[i];
        unsigned_whole[i] = (_Float16)(float)b[i];
        fixed[i] = (_Float16)(a[i] * 0x1p-16f);
    })
}

void widen(const _Float16 *a, float *out, int n) {
    WITH_NEON(VECTORS(8) {
        vst1q_f32(out + i, vcvt_f32_f16(LOAD_4(a + i)));
        vst1q_f32(out + i + 4, vcvt_high_f32_f16(LOAD(a + i)));
    })
    IN_C(ELEMENTS(8) out[i] = a[i];)
}

void narrow(const float *a, _Float16 *out, int n) {
    WITH_NEON(VECTORS(8) STORE(
                  out + i, vcvt_high_f16_f32(vcvt_f16_f32(vld1q_f32(a + i)), vld1q_f32(a + i + 4)));)
    IN_C(ELEMENTS(8) out[i] = (_Float16)a[i];)
}

void permuted(const _Float16 *a, const _Float16 *b, _Float16 *low, _Float16 *odd, _Float16 *table, int n) {
    WITH_NEON(VECTORS(8) {
        STORE(low + i, vzip1q_f16(LOAD(a + i), LOAD(b + i)));
        STORE(odd + i, vuzp2q_f16(LOAD(a + i), LOAD(b + i)));
        STORE(table + i, vrev64q_f16(vextq_f16(LOAD(a + i), LOAD(b + i), 3)));
    })
    IN_C(for (int i = 0; i + 8 <= n; i += 8) EACH(j, 8) {
        int from = (j ^ 3) + 3;
        low[i + j] = (j % 2 ? b : a)[i + j / 2];
        odd[i + j] = (j < 4 ? a : b)[i + j % 4 * 2 + 1];
        table[i + j] = from < 8 ? a[i + from] : b[i + from - 8];
    })
}

//@ buffer a: _Float16[32] = random -30..30
//@ buffer b: _Float16[32] = random -30..30
//@ buffer out: _Float16[32] = random -100..100
void complex_multiply_add(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    WITH_NEON(VECTORS(8) {
        float16x8_t sum = vcmlaq_f16(LOAD(out + i), LOAD(a + i), LOAD(b + i));
        STORE(out + i, vcaddq_rot90_f16(vcmlaq_rot90_f16(sum, LOAD(a + i), LOAD(b + i)), LOAD(b + i)));
    })
    IN_C(for (int i = 0; i < n / 8 * 8; i += 2) {
        _Float16 real = fused(a[i], b[i], out[i]), imaginary = fused(a[i], b[i + 1], out[i + 1]);
        out[i] = fused(-a[i + 1], b[i + 1], real) - b[i + 1];
        out[i + 1] = fused(a[i + 1], b[i], imaginary) + b[i];
    })
}

//@ buffer a: _Float16[32] = random 0.5..1
void reciprocal_by_steps(const _Float16 *a, _Float16 *out, int n) {
    WITH_NEON(VECTORS(8) {
        float16x8_t x = LOAD(a + i), y = vrecpeq_f16(x);
        STORE(out + i, vmulq_f16(y, vrecpsq_f16(x, y)));
    })
    IN_C(ELEMENTS(8) {
        int entry = a[i] < 1 ? (int)((float)a[i] * 512) : 256;
        _Float16 y = ((1 << 19) / (2 * entry + 1) + 1) / 2 / (a[i] < 1 ? 256.0f : 512.0f);
        out[i] = y * fused(-a[i], y, 2);
    })
}
