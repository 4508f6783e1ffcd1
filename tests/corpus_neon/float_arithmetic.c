// Single and double precision: arithmetic with infinities and NaNs, minima and maxima, fused products, comparisons.
#include "both.h"
//@ default cases: (32) (32) (31) (16)
//@ default buffers: 32 special

#ifndef NEON
// Zeros of different signs are ordered, and a NaN wins.
static double minimum(double a, double b) {
    return a != a ? a : b != b ? b : a < b || (a == b && __builtin_signbit(a)) ? a : b;
}

static double maximum(double a, double b) {
    return -minimum(-a, -b);
}

// A number wins against a NaN (which is quiet here).
static double minimum_number(double a, double b) {
    return a != a ? b : b != b ? a : minimum(a, b);
}

static double maximum_number(double a, double b) {
    return -minimum_number(-a, -b);
}

static double product_extended(double a, double b, double exact) {
    int zero_by_infinity = (a == 0 && __builtin_isinf(b)) || (b == 0 && __builtin_isinf(a));
    return zero_by_infinity ? (!__builtin_signbit(a) != !__builtin_signbit(b) ? -2.0 : 2.0) : exact;
}
#endif

void add_f32(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(out + i, vaddq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i] + b[i];)
}

void add_f64(const double *a, const double *b, double *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_f64(out + i, vaddq_f64(vld1q_f64(a + i), vld1q_f64(b + i)));)
    IN_C(ELEMENTS(2) out[i] = a[i] + b[i];)
}

void subtract_f32(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(2) vst1_f32(out + i, vsub_f32(vld1_f32(a + i), vld1_f32(b + i)));)
    IN_C(ELEMENTS(2) out[i] = a[i] - b[i];)
}

void multiply_f32(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(out + i, vmulq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i] * b[i];)
}

void multiply_f64(const double *a, const double *b, double *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_f64(out + i, vmulq_f64(vld1q_f64(a + i), vld1q_f64(b + i)));)
    IN_C(ELEMENTS(2) out[i] = a[i] * b[i];)
}

void divide_f32(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(out + i, vdivq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = a[i] / b[i];)
}

void divide_f64(const double *a, const double *b, double *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_f64(out + i, vdivq_f64(vld1q_f64(a + i), vld1q_f64(b + i)));)
    IN_C(ELEMENTS(2) out[i] = a[i] / b[i];)
}

void square_root(const float *a, const double *b, float *single_roots, double *double_roots, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_f32(single_roots + i, vsqrtq_f32(vld1q_f32(a + i)));
        vst1q_f64(double_roots + i, vsqrtq_f64(vld1q_f64(b + i)));
        vst1_f64(double_roots + i + 2, vsqrt_f64(vld1_f64(b + i + 2)));
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        EACH(j, 4) single_roots[i + j] = __builtin_sqrtf(a[i + j]);
        EACH(j, 3) double_roots[i + j] = __builtin_sqrt(b[i + j]);
    })
}

void sign(const float *a, const double *b, float *singles, double *doubles, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_f32(singles + i, vnegq_f32(vabsq_f32(vld1q_f32(a + i))));
        vst1q_f64(doubles + i, vnegq_f64(vld1q_f64(b + i)));
        vst1q_f64(doubles + i + 2, vabsq_f64(vld1q_f64(b + i + 2)));
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        EACH(j, 4) singles[i + j] = -__builtin_fabsf(a[i + j]);
        EACH(j, 2) {
            doubles[i + j] = -b[i + j];
            doubles[i + 2 + j] = __builtin_fabs(b[i + 2 + j]);
        }
    })
}

void absolute_difference(const float *a, const float *b, const double *c, float *singles, double *doubles, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_f32(singles + i, vabdq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));
        doubles[i] = vabdd_f64(c[i], c[i + 1]);
        doubles[i + 1] = vabds_f32(a[i], b[i + 1]);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        EACH(j, 4) singles[i + j] = __builtin_fabsf(a[i + j] - b[i + j]);
        doubles[i] = __builtin_fabs(c[i] - c[i + 1]);
        doubles[i + 1] = __builtin_fabsf(a[i] - b[i + 1]);
    })
}

void fused_multiply_add_f32(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(out + i, vfmaq_f32(vld1q_f32(out + i), vld1q_f32(a + i), vld1q_f32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = __builtin_fmaf(a[i], b[i], out[i]);)
}

void fused_multiply_subtract_f64(const double *a, const double *b, double *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_f64(out + i, vfmsq_f64(vld1q_f64(out + i), vld1q_f64(a + i), vld1q_f64(b + i)));)
    IN_C(ELEMENTS(2) out[i] = __builtin_fma(-a[i], b[i], out[i]);)
}

void fused_multiply_add_lane_f32(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(
                  out + i, vfmaq_laneq_f32(vld1q_f32(out + i), vld1q_f32(a + i), vld1q_f32(b + i), 2));)
    IN_C(ELEMENTS(4) out[i] = __builtin_fmaf(a[i], b[i / 4 * 4 + 2], out[i]);)
}

void fused_multiply_subtract_lane_scalars(const float *a, const double *b, float *singles, double *doubles, int n) {
    WITH_NEON(VECTORS(4) {
        singles[i] = vfmss_laneq_f32(singles[i], a[i], vld1q_f32(a + i), 3);
        doubles[i] = vfmad_laneq_f64(doubles[i], b[i], vld1q_f64(b + i), 1);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        singles[i] = __builtin_fmaf(-a[i], a[i + 3], singles[i]);
        doubles[i] = __builtin_fma(b[i], b[i + 1], doubles[i]);
    })
}

void multiply_lane_f64(const double *a, const double *b, double *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_f64(out + i, vmulq_laneq_f64(vld1q_f64(a + i), vld1q_f64(b + i), 1));)
    IN_C(ELEMENTS(2) out[i] = a[i] * b[i / 2 * 2 + 1];)
}

void multiply_extended(const float *a, const float *b, const double *c, float *singles, double *doubles, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_f32(singles + i, vmulxq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));
        vst1q_f64(doubles + i, vmulxq_laneq_f64(vld1q_f64(c + i), vld1q_f64(c + i), 1));
        doubles[i + 2] = vmulxd_f64(c[i + 2], c[i + 3]);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        EACH(j, 4) singles[i + j] = product_extended(a[i + j], b[i + j], a[i + j] * b[i + j]);
        EACH(j, 2) doubles[i + j] = product_extended(c[i + j], c[i + 1], c[i + j] * c[i + 1]);
        doubles[i + 2] = product_extended(c[i + 2], c[i + 3], c[i + 2] * c[i + 3]);
    })
}

//@ buffer a: float[32] = 0 inf -inf -0.0 0 -0.0 inf nan 1 -2 0 0 nan inf -inf -inf
//@ buffer b: float[32] = inf 0 -0.0 -inf -inf inf 0 0 inf inf 0 nan inf inf inf -1
void multiply_extended_of_zero_and_infinity(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(out + i, vmulxq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = product_extended(a[i], b[i], a[i] * b[i]);)
}

void minimum_f32(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(4) vst1q_f32(out + i, vminq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));)
    IN_C(ELEMENTS(4) out[i] = minimum(a[i], b[i]);)
}

void maximum_f64(const double *a, const double *b, double *out, int n) {
    WITH_NEON(VECTORS(2) vst1q_f64(out + i, vmaxq_f64(vld1q_f64(a + i), vld1q_f64(b + i)));)
    IN_C(ELEMENTS(2) out[i] = maximum(a[i], b[i]);)
}

//@ buffer a: float[32] = 0 -0.0 nan 1 nan inf -inf -0.0 0x1p-149 -0x1p-149 0 nan
//@ buffer b: float[32] = -0.0 0 1 nan nan nan inf -0.0 -0x1p-149 0 0x1p-149 -inf
void extremes_of_zeros_and_nans(const float *a, const float *b, float *least, float *most, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_f32(least + i, vminq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));
        vst1q_f32(most + i, vmaxq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));
    })
    IN_C(ELEMENTS(4) {
        least[i] = minimum(a[i], b[i]);
        most[i] = maximum(a[i], b[i]);
    })
}

//@ buffer a: float[32] = 0 -0.0 nan 1 nan inf -inf -0.0 0x1p-149 -0x1p-149 0 nan
//@ buffer b: float[32] = -0.0 0 1 nan nan nan inf -0.0 -0x1p-149 0 0x1p-149 -inf
void number_extremes_of_zeros_and_nans(const float *a, const float *b, float *least, float *most, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_f32(least + i, vminnmq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));
        vst1q_f32(most + i, vmaxnmq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));
    })
    IN_C(ELEMENTS(4) {
        least[i] = minimum_number(a[i], b[i]);
        most[i] = maximum_number(a[i], b[i]);
    })
}

void number_extremes_f64(const double *a, const double *b, double *least, double *most, int n) {
    WITH_NEON(VECTORS(2) {
        vst1q_f64(least + i, vminnmq_f64(vld1q_f64(a + i), vld1q_f64(b + i)));
        vst1q_f64(most + i, vmaxnmq_f64(vld1q_f64(a + i), vld1q_f64(b + i)));
    })
    IN_C(ELEMENTS(2) {
        least[i] = minimum_number(a[i], b[i]);
        most[i] = maximum_number(a[i], b[i]);
    })
}

void pairwise(const float *a, const float *b, const double *c, float *singles, double *doubles, int n) {
    WITH_NEON(VECTORS(16) {
        vst1q_f32(singles + i, vpaddq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));
        vst1q_f32(singles + i + 4, vpmaxq_f32(vld1q_f32(a + i + 4), vld1q_f32(b + i + 4)));
        vst1_f32(singles + i + 8, vpminnm_f32(vld1_f32(a + i + 8), vld1_f32(b + i + 8)));
        vst1q_f64(doubles + i, vpminq_f64(vld1q_f64(c + i), vld1q_f64(c + i + 2)));
        doubles[i + 2] = vpaddd_f64(vld1q_f64(c + i + 4));
        doubles[i + 3] = vpmaxnmqd_f64(vld1q_f64(c + i + 6));
    })
    IN_C(for (int i = 0; i + 16 <= n; i += 16) {
        const float *x = a + i;
        const float *y = b + i;
        const double *z = c + i;
        EACH(j, 4) {
            const float *from = j < 2 ? x + 2 * j : y + 2 * j - 4;
            singles[i + j] = from[0] + from[1];
            singles[i + 4 + j] = maximum(from[4], from[5]);
        }
        singles[i + 8] = minimum_number(x[8], x[9]);
        singles[i + 9] = minimum_number(y[8], y[9]);
        doubles[i] = minimum(z[0], z[1]);
        doubles[i + 1] = minimum(z[2], z[3]);
        doubles[i + 2] = z[4] + z[5];
        doubles[i + 3] = maximum_number(z[6], z[7]);
    })
}

void across(const float *a, const double *b, float *singles, double *doubles, int n) {
    WITH_NEON(VECTORS(4) {
        singles[i] = vaddvq_f32(vld1q_f32(a + i));
        singles[i + 1] = vmaxvq_f32(vld1q_f32(a + i));
        singles[i + 2] = vminnmvq_f32(vld1q_f32(a + i));
        doubles[i] = vaddvq_f64(vld1q_f64(b + i));
        doubles[i + 1] = vminvq_f64(vld1q_f64(b + i));
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        const float *x = a + i;
        float sum = (x[0] + x[1]) + (x[2] + x[3]);
        float most = maximum(maximum(x[0], x[1]), maximum(x[2], x[3]));
        singles[i + 2] = minimum_number(minimum_number(x[0], x[1]), minimum_number(x[2], x[3]));
        singles[i] = sum;
        singles[i + 1] = most;
        double total = b[i] + b[i + 1], least = minimum(b[i], b[i + 1]);
        doubles[i] = total;
        doubles[i + 1] = least;
    })
}

void compare_f32(const float *a, const float *b, uint32_t *equal, uint32_t *more, uint32_t *least, int n) {
    WITH_NEON(VECTORS(4) {
        float32x4_t x = vld1q_f32(a + i), y = vld1q_f32(b + i);
        vst1q_u32(equal + i, vceqq_f32(x, y));
        vst1q_u32(more + i, vcgtq_f32(x, y));
        vst1q_u32(least + i, veorq_u32(vcgeq_f32(x, y), vshrq_n_u32(vcltq_f32(x, y), 16)));
    })
    IN_C(ELEMENTS(4) {
        equal[i] = -(a[i] == b[i]);
        more[i] = -(a[i] > b[i]);
        least[i] = (a[i] >= b[i] ? -1u : 0) ^ (a[i] < b[i] ? 0xffff : 0);
    })
}

void compare_with_zero_f64(const double *a, uint64_t *equal, uint64_t *more, uint64_t *less, int n) {
    WITH_NEON(VECTORS(2) {
        float64x2_t x = vld1q_f64(a + i);
        vst1q_u64(equal + i, vceqzq_f64(x));
        vst1q_u64(more + i, veorq_u64(vcgtzq_f64(x), vshrq_n_u64(vcgezq_f64(x), 32)));
        vst1q_u64(less + i, veorq_u64(vcltzq_f64(x), vshrq_n_u64(vclezq_f64(x), 32)));
    })
    IN_C(ELEMENTS(2) {
        equal[i] = a[i] == 0 ? ~0ull : 0;
        more[i] = (a[i] > 0 ? ~0ull : 0) ^ (a[i] >= 0 ? ~0u : 0);
        less[i] = (a[i] < 0 ? ~0ull : 0) ^ (a[i] <= 0 ? ~0u : 0);
    })
}

void compare_absolute(const float *a, const double *b, uint32_t *singles, uint64_t *doubles, int n) {
    WITH_NEON(VECTORS(4) {
        vst1q_u32(singles + i, vcageq_f32(vld1q_f32(a + i), vld1q_f32(a)));
        vst1q_u64(doubles + i, vcagtq_f64(vld1q_f64(b + i), vld1q_f64(b)));
        doubles[i + 2] = vcaltd_f64(b[i + 2], b[i + 3]);
        doubles[i + 3] = vcles_f32(a[i + 2], a[i + 3]);
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        EACH(j, 4) singles[i + j] = -(__builtin_fabsf(a[i + j]) >= __builtin_fabsf(a[j]));
        EACH(j, 2) doubles[i + j] = -(uint64_t)(__builtin_fabs(b[i + j]) > __builtin_fabs(b[j]));
        doubles[i + 2] = -(uint64_t)(__builtin_fabs(b[i + 2]) < __builtin_fabs(b[i + 3]));
        doubles[i + 3] = -(uint32_t)(a[i + 2] <= a[i + 3]);
    })
}

void complex_add(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(8) {
        vst1q_f32(out + i, vcaddq_rot90_f32(vld1q_f32(a + i), vld1q_f32(b + i)));
        vst1q_f32(out + i + 4, vcaddq_rot270_f32(vld1q_f32(a + i + 4), vld1q_f32(b + i + 4)));
    })
    IN_C(for (int i = 0; i + 8 <= n; i += 8) for (int j = i; j < i + 4; j += 2) {
        out[j] = a[j] - b[j + 1];
        out[j + 1] = a[j + 1] + b[j];
        out[j + 4] = a[j + 4] + b[j + 5];
        out[j + 5] = a[j + 5] - b[j + 4];
    })
}

void complex_multiply_add_f32(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(4) {
        float32x4_t x = vld1q_f32(a + i), y = vld1q_f32(b + i);
        vst1q_f32(out + i, vcmlaq_rot90_f32(vcmlaq_f32(vld1q_f32(out + i), x, y), x, y));
    })
    IN_C(for (int i = 0; i < n / 4 * 4; i += 2) {
        float real = __builtin_fmaf(a[i], b[i], out[i]), imaginary = __builtin_fmaf(a[i], b[i + 1], out[i + 1]);
        out[i] = __builtin_fmaf(-a[i + 1], b[i + 1], real);
        out[i + 1] = __builtin_fmaf(a[i + 1], b[i], imaginary);
    })
}

void complex_conjugate_multiply_f64(const double *a, const double *b, double *out, int n) {
    WITH_NEON(VECTORS(2) {
        float64x2_t x = vld1q_f64(a + i), y = vld1q_f64(b + i);
        vst1q_f64(out + i, vcmlaq_rot270_f64(vcmlaq_rot180_f64(vld1q_f64(out + i), x, y), x, y));
    })
    IN_C(for (int i = 0; i + 2 <= n; i += 2) {
        double real = __builtin_fma(-a[i], b[i], out[i]), imaginary = __builtin_fma(-a[i], b[i + 1], out[i + 1]);
        out[i] = __builtin_fma(a[i + 1], b[i + 1], real);
        out[i + 1] = __builtin_fma(-a[i + 1], b[i], imaginary);
    })
}

void complex_multiply_lane_f32(const float *a, const float *b, float *out, int n) {
    WITH_NEON(VECTORS(4) {
        float32x4_t x = vld1q_f32(a + i), y = vld1q_f32(b + i);
        vst1q_f32(out + i, vcmlaq_laneq_f32(vld1q_f32(out + i), x, y, 1));
    })
    IN_C(for (int i = 0; i < n / 4 * 4; i += 2) {
        out[i] = __builtin_fmaf(a[i], b[i / 4 * 4 + 2], out[i]);
        out[i + 1] = __builtin_fmaf(a[i], b[i / 4 * 4 + 3], out[i + 1]);
    })
}

//@ buffer a: float[40] = special
void permuted(const float *a, const double *b, float *singles, double *doubles, int n) {
    WITH_NEON(VECTORS(4) {
        float32x4x2_t x = vld2q_f32(a + i);
        vst1q_f32(singles + i, vrev64q_f32(vextq_f32(x.val[0], x.val[1], 1)));
        vst1q_f64(doubles + i, vzip2q_f64(vld1q_f64(b + i), vld1q_dup_f64(b + i)));
        vst1_f64(doubles + i + 2, vdup_laneq_f64(vsetq_lane_f64(2.5, vld1q_f64(b + i), 0), 0));
    })
    IN_C(for (int i = 0; i + 4 <= n; i += 4) {
        float x[4] = {a[i + 2], a[i + 4], a[i + 6], a[i + 1]};
        EACH(j, 4) singles[i + j] = x[j ^ 1];
        doubles[i] = b[i + 1];
        doubles[i + 1] = b[i];
        doubles[i + 2] = 2.5;
    })
}
