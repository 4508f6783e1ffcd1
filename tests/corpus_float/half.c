// Half precision, each operation rounded to it.
#include <stdint.h>
//@ default cases: (33) (64) (7)
//@ default buffers: 64 random -100..100

void add(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = a[i] + b[i];
}

void multiply_add(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = a[i] * b[i] + out[i];
}

//@ buffer a: _Float16[64] = special
//@ buffer b: _Float16[64] = special
void arithmetic_on_special_values(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = i % 4 == 0 ? a[i] + b[i] : i % 4 == 1 ? a[i] - b[i] : i % 4 == 2 ? a[i] * b[i] : a[i] / b[i];
}

void smaller(const _Float16 *a, const _Float16 *b, _Float16 *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = a[i] < b[i] ? a[i] : b[i];
}

//@ buffer in: _Float16[64] = special
void to_float(const _Float16 *in, float *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = in[i];
}

//@ buffer in: float[64] = special
void from_float(const float *in, _Float16 *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (_Float16)in[i];
}

//@ buffer in: double[64] = random
void from_double(const double *in, _Float16 *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (_Float16)in[i];
}

void to_integer(const _Float16 *in, int16_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (int16_t)in[i];
}

//@ buffer in: int16_t[64] = random
void from_integer(const int16_t *in, _Float16 *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (_Float16)in[i];
}

float dot(const _Float16 *a, const _Float16 *b, int n) {
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum += (float)a[i] * (float)b[i];
    return sum;
}
