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

void recurrence(const _Float16 *x, _Float16 *out, int n) {
    _Float16 last = 1;
    for (int i = 0; i < n; i++) {
        _Float16 next = x[i] * (_Float16)0.0625 - last / 2;
        last = next < 0 ? -next : next;
        if (last > 3)
            last = (_Float16)__builtin_sqrtf(last);
        out[i] = last;
    }
}

int count_ordered(const _Float16 *x, int n) {
    int count = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[i - 1] && x[i] != 0)
            count += (int)x[i] + 1;
    return count;
}

//@ buffer x: _Float16[64] = random -100..100
uint64_t scalar_roundings(const _Float16 *x, int n) {
    uint64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum = sum * 3 + (int32_t)__builtin_floorf(x[i]) + (int64_t)__builtin_ceilf(x[i]) * 5 + (uint32_t)(x[i] * x[i] + 1);
    return sum;
}
