// Between integers and floating point, quantization, fixed point.
#include <stdint.h>
//@ default cases: (33) (64) (7)
//@ default buffers: 64 random

void s8_to_f32(const int8_t *in, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i];
}

void u16_to_f32(const uint16_t *in, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i] * 0.5f;
}

void s32_to_f32(const int32_t *in, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i];
}

void u32_to_f32(const uint32_t *in, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i];
}

void s64_to_f32(const int64_t *in, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i];
}

void u64_to_f32(const uint64_t *in, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i];
}

void s32_to_f64(const int32_t *in, double *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i];
}

void s64_to_f64(const int64_t *in, double *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i];
}

void u64_to_f64(const uint64_t *in, double *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i];
}

//@ buffer in: float[64] = random -128..127
void f32_to_s8(const float *in, int8_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (int8_t)in[i];
}

//@ buffer in: float[64] = random 0..65535
void f32_to_u16(const float *in, uint16_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (uint16_t)in[i];
}

//@ buffer in: float[64] = random -2147483000..2147483000
void f32_to_s32(const float *in, int32_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (int32_t)in[i];
}

//@ buffer in: float[64] = random 0..4294960000
void f32_to_u32(const float *in, uint32_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (uint32_t)in[i];
}

//@ buffer in: float[64] = random -9.2e18..9.2e18
void f32_to_s64(const float *in, int64_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (int64_t)in[i];
}

//@ buffer in: double[64] = random -2147483647..2147483647
void f64_to_s32(const double *in, int32_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (int32_t)in[i];
}

//@ buffer in: double[64] = random -9.2e18..9.2e18
void f64_to_s64(const double *in, int64_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (int64_t)in[i];
}

//@ buffer in: double[64] = random 0..1.8e19
void f64_to_u64(const double *in, uint64_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (uint64_t)in[i];
}

//@ buffer in: double[64] = special
void f64_to_f32(const double *in, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (float)in[i];
}

//@ buffer in: float[64] = special
void f32_to_f64(const float *in, double *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i];
}

//@ buffer in: float[64] = random -300..300
//@ cases: (0.75, 33) (2, 64)
void quantize(float scale, const float *in, int8_t *out, int n) {
    for (int i = 0; i < n; i++) {
        float x = __builtin_rintf(in[i] / scale);
        out[i] = x < -128 ? -128 : x > 127 ? 127 : (int8_t)x;
    }
}

//@ cases: (0.75, 3, 33) (0.01, -100, 64)
void dequantize(float scale, int8_t zero, const int8_t *in, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = scale * (in[i] - zero);
}

//@ buffer in: double[64] = random -1000..1000
void to_fixed_point(const double *in, int32_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (int32_t)(in[i] * 65536);
}

void from_fixed_point(const int32_t *in, double *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i] / 65536.0;
}

//@ buffer in: float[64] = special
void float_bits(const float *in, uint32_t *exponent, uint32_t *fraction, int n) {
    for (int i = 0; i < n; i++) {
        union { float value; uint32_t bits; } u = {in[i] == in[i] ? in[i] : 1.0f};
        exponent[i] = u.bits >> 23 & 255;
        fraction[i] = u.bits & 0x7fffff;
    }
}

//@ cases: (0) (-1) (12345.678) (-4e9) random:4
//@ where: x=-1e15..1e15
int64_t nearest(double x) {
    return (int64_t)(x < 0 ? x - 0.5 : x + 0.5);
}

//@ cases: (0) (-1) (9223372036854775807) random:6
double halves_of_integer(int64_t x) {
    return (double)(uint32_t)x + (double)(x >> 32) * 0x1p32;
}

//@ cases: (0) (0xffffffffffffffff) (0x8000000000000001) (0x8000008000000001) random:6
float from_u64(uint64_t x) {
    return (float)x;
}
