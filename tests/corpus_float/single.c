// Loops over floats.
#include <stdint.h>
//@ default cases: (33) (64) (7)
//@ default buffers: 64 random -100..100

//@ cases: (2.5, 33) (-0.0, 64) (1e-20, 5)
void saxpy(float a, const float *x, float *y, int n) {
    for (int i = 0; i < n; i++)
        y[i] = a * x[i] + y[i];
}

float dot(const float *x, const float *y, int n) {
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

// Four sums side by side, which a compiler may keep in a vector.
float dot_in_four(const float *x, const float *y, int n) {
    float sums[4] = {0, 0, 0, 0};
    for (int i = 0; i + 4 <= n; i += 4)
        for (int j = 0; j < 4; j++)
            sums[j] += x[i + j] * y[i + j];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

float fused_dot(const float *x, const float *y, int n) {
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum = __builtin_fmaf(x[i], y[i], sum);
    return sum;
}

void fused_triad(const float *a, const float *b, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = __builtin_fmaf(a[i], b[i], out[i]);
}

void fused_negative(const float *a, const float *b, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = -__builtin_fmaf(-a[i], b[i], out[i]);
}

void stencil(const float *in, float *out, int n) {
    for (int i = 1; i < n - 1; i++)
        out[i] = 0.25f * in[i - 1] + 0.5f * in[i] + 0.25f * in[i + 1];
}

void prefix_sum(const float *in, float *out, int n) {
    float sum = 0;
    for (int i = 0; i < n; i++)
        out[i] = sum += in[i];
}

float smallest(const float *x, int n) {
    float least = x[0];
    for (int i = 1; i < n; i++)
        least = x[i] < least ? x[i] : least;
    return least;
}

int index_of_largest(const float *x, int n) {
    int best = 0;
    for (int i = 1; i < n; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

//@ cases: (-10, 10, 64) (0, 1.5, 33) (-1e30, 1e30, 9)
void clamp(float low, float high, float *x, int n) {
    for (int i = 0; i < n; i++)
        x[i] = x[i] < low ? low : x[i] > high ? high : x[i];
}

void absolute_difference(const float *a, const float *b, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = __builtin_fabsf(a[i] - b[i]);
}

void divide(const float *a, const float *b, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = b[i] != 0 ? a[i] / b[i] : -1.0f;
}

void roots(const float *a, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = __builtin_sqrtf(__builtin_fabsf(a[i]));
}

void roundings(const float *a, float *down, float *up, float *zero, float *even, int n) {
    for (int i = 0; i < n; i++) {
        down[i] = __builtin_floorf(a[i]);
        up[i] = __builtin_ceilf(a[i]);
        zero[i] = __builtin_truncf(a[i]);
        even[i] = __builtin_rintf(a[i]);
    }
}

void copy_signs(const float *a, const float *b, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = __builtin_copysignf(a[i], b[i]);
}

//@ buffer a: float[64] = special
//@ buffer b: float[64] = special
void compare(const float *a, const float *b, uint8_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (a[i] < b[i]) | (a[i] <= b[i]) << 1 | (a[i] == b[i]) << 2 | (a[i] != b[i]) << 3 |
                 __builtin_isunordered(a[i], b[i]) << 4 | (a[i] >= b[i]) << 5;
}

//@ buffer a: float[64] = special
//@ buffer b: float[64] = special
void arithmetic_on_special_values(const float *a, const float *b, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = i % 4 == 0 ? a[i] + b[i] : i % 4 == 1 ? a[i] - b[i] : i % 4 == 2 ? a[i] * b[i] : a[i] / b[i];
}

//@ buffer a: float[64] = random
//@ buffer b: float[64] = random
void sums_of_all_magnitudes(const float *a, const float *b, float *sum, float *product, float *quotient, int n) {
    for (int i = 0; i < n; i++) {
        sum[i] = a[i] + b[i];
        product[i] = a[i] * b[i];
        quotient[i] = a[i] / b[i];
    }
}

//@ cases: (0) (0.5) (-1.25) (3) random:4
//@ where: x=-8..8
float polynomial(float x) {
    return ((((0.0083333f * x + 0.041667f) * x + 0.166667f) * x + 0.5f) * x + 1) * x + 1;
}

//@ cases: (0) (0.5) (-1.25) (3) random:4
//@ where: x=-8..8
float fused_polynomial(float x) {
    float sum = 0.0083333f;
    sum = __builtin_fmaf(sum, x, 0.041667f);
    sum = __builtin_fmaf(sum, x, 0.166667f);
    sum = __builtin_fmaf(sum, x, 0.5f);
    return __builtin_fmaf(__builtin_fmaf(sum, x, 1), x, 1);
}

void normalize(const float *a, float *x, float *y, float *z, int n) {
    for (int i = 0; i < n; i++) {
        float length = __builtin_sqrtf(x[i] * x[i] + y[i] * y[i] + z[i] * z[i] + a[i] * a[i] + 1);
        x[i] /= length;
        y[i] /= length;
        z[i] /= length;
    }
}

//@ buffer pairs: float[128] = random -100..100
//@ buffer out: float[128] = random -100..100
void complex_square(const float *pairs, float *out, int n) {
    for (int i = 0; i < n; i++) {
        float re = pairs[2 * i], im = pairs[2 * i + 1];
        out[2 * i] = re * re - im * im;
        out[2 * i + 1] = 2 * re * im;
    }
}

void select_by_sign(const float *a, const float *b, const float *c, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = a[i] > 0 ? b[i] : c[i];
}

void reverse(const float *in, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[n - 1 - i];
}

//@ buffer in: float[128] = random -100..100
void strided(const float *in, float *even, float *odd, int n) {
    for (int i = 0; i < n; i++) {
        even[i] = in[2 * i];
        odd[i] = in[2 * i + 1];
    }
}

//@ buffer in: float[192] = random 0..1
void grey(const float *in, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = 0.299f * in[3 * i] + 0.587f * in[3 * i + 1] + 0.114f * in[3 * i + 2];
}

//@ cases: (0.5) (2) (1e10) (1e-30) random:4
//@ where: x=0.001..1000
float inverse_root(float x) {
    union { float value; uint32_t bits; } u = {x};
    u.bits = 0x5f3759df - (u.bits >> 1);
    float y = u.value;
    for (int i = 0; i < 3; i++)
        y = y * (1.5f - 0.5f * x * y * y);
    return y;
}

void table_interpolation(const float *table, const float *at, float *out, int n) {
    for (int i = 0; i < n; i++) {
        float x = (at[i] + 100) * 0.3f;
        int whole = (int)x;
        out[i] = table[whole] + (table[whole + 1] - table[whole]) * (x - (float)whole);
    }
}
