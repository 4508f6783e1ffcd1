// Single values, in registers: what clang makes of the forms that have an instruction of their own.
#include <stdint.h>
//@ default cases: (0.5) (-0.5) (2.5) (-3.5) (1e9) (-7.25) random:8

//@ where: x=-1e9..1e9
int64_t to_s32_in_all_roundings(double x) {
    int32_t down = (int32_t)__builtin_floor(x), up = (int32_t)__builtin_ceil(x), even = (int32_t)__builtin_rint(x);
    int32_t away = (int32_t)__builtin_round(x), zero = (int32_t)x;
    return ((down * 3ll + up) * 5 + even) * 7 + away * 11ll + zero;
}

//@ where: x=-1e15..1e15
int64_t to_s64_in_all_roundings(double x) {
    int64_t down = (int64_t)__builtin_floor(x), up = (int64_t)__builtin_ceil(x), even = (int64_t)__builtin_rint(x);
    int64_t away = (int64_t)__builtin_round(x), zero = (int64_t)x;
    return ((down * 3 + up) * 5 + even) * 7 + away * 11 + zero;
}

//@ where: x=-1e8..1e8
int64_t f32_to_s32_in_all_roundings(float x) {
    int32_t down = (int32_t)__builtin_floorf(x), up = (int32_t)__builtin_ceilf(x), even = (int32_t)__builtin_rintf(x);
    int32_t away = (int32_t)__builtin_roundf(x), zero = (int32_t)x;
    return ((down * 3ll + up) * 5 + even) * 7 + away * 11ll + zero;
}

//@ where: x=-1e12..1e12
int64_t f32_to_s64_in_all_roundings(float x) {
    int64_t down = (int64_t)__builtin_floorf(x), up = (int64_t)__builtin_ceilf(x), even = (int64_t)__builtin_rintf(x);
    int64_t away = (int64_t)__builtin_roundf(x), zero = (int64_t)x;
    return ((down * 3 + up) * 5 + even) * 7 + away * 11 + zero;
}

//@ cases: (0.5) (2.5) (1e9) random:8
//@ where: x=0..1e18
uint64_t to_u64_in_all_roundings(double x) {
    uint64_t down = (uint64_t)__builtin_floor(x), up = (uint64_t)__builtin_ceil(x);
    return (down * 3 + up) * 5 + (uint64_t)__builtin_round(x) * 7 + (uint64_t)__builtin_rint(x) * 11 + (uint64_t)x;
}

//@ cases: (0.5) (2.5) (1e9) random:8
//@ where: x=0..4e9
uint32_t f32_to_u32_in_all_roundings(float x) {
    uint32_t down = (uint32_t)__builtin_floorf(x), up = (uint32_t)__builtin_ceilf(x);
    return (down * 3 + up) * 5 + (uint32_t)__builtin_roundf(x) * 7 + (uint32_t)__builtin_rintf(x) * 11 + (uint32_t)x;
}

double integral(double x) {
    return __builtin_floor(x) * 3 + __builtin_ceil(x) * 5 + __builtin_trunc(x) * 7 + __builtin_rint(x) * 11 +
           __builtin_round(x) * 13;
}

float integral_single(float x) {
    float down = __builtin_floorf(x), up = __builtin_ceilf(x), zero = __builtin_truncf(x);
    return down / 3 + up / 5 + zero / 7 + __builtin_rintf(x) / 11 + __builtin_roundf(x) / 13;
}

//@ cases: (1.5, 2, 3) (0.1, 10, -1) (-0.0, 5, 0) (inf, 1, -inf) random:8
double fused_forms(double x, double y, double z) {
    double a = __builtin_fma(x, y, z), b = __builtin_fma(-x, y, z), c = __builtin_fma(x, y, -z);
    return a - b / (1 + c * c) + -__builtin_fma(x, z, y) - -(x * y);
}

//@ cases: (1.5, 2, 3) (0.1, 10, -1) (-0.0, 5, 0) (inf, 1, -inf) random:8
float fused_forms_single(float x, float y, float z) {
    float a = __builtin_fmaf(x, y, z), b = __builtin_fmaf(-x, y, z), c = __builtin_fmaf(x, y, -z);
    return a - b / (1 + c * c) + -__builtin_fmaf(x, z, y) - -(x * y);
}

//@ cases: (1.5, 2) (0.0, -0.0) (-0.0, 0) (1, -1) (inf, -3) random:4
double negated_products(double x, double y) {
    return -(x * y) * (-x) - -(y * y);
}

//@ cases: (1, 2, 3) (3, 2, 1) (2, 2, 2) (nan, 1, 2) (1, nan, 2) (inf, -inf, 0) (0.0, -0.0, 0) random:6
int ordered(double x, double y, double z) {
    return (x < y && y < z) | (x <= y && y <= z) << 1 | (x == y || y == z) << 2 | (x > y || !(y > z)) << 3 |
           (x != y && y != z) << 4 | (!(x >= y) && y > 0) << 5 | __builtin_isless(x, z) << 6;
}

//@ cases: (1, 2, 3) (3, 2, 1) (2, 2, 2) (nan, 1, 2) (1, nan, 2) (inf, -inf, 0) (0.0, -0.0, 0) random:6
int ordered_single(float x, float y, float z) {
    return (x < y && y < z) | (x <= y && y <= z) << 1 | (x == y || y == z) << 2 | (x > y || !(y > z)) << 3 |
           (x != y && y != z) << 4 | (!(x >= y) && y > 0) << 5 | __builtin_isunordered(x, z) << 6;
}

//@ cases: (1, 2, 3) (3, 2, 1) (2, 2, 2) (nan, 1, 2) (-1, nan, 2) random:4
double middle(double x, double y, double z) {
    double least = x < y ? x : y, most = x < y ? y : x;
    return z < least ? least : z > most ? most : z;
}

//@ cases: (123456, 7) (-5, -9) random:6
double fixed_point(int32_t x, int64_t y) {
    return x / 256.0 + (float)y / 1024.0f + (uint32_t)x / 8.0f + (double)(uint64_t)y / 65536.0;
}

//@ cases: (1.5) (-3.25) random:6
//@ where: x=-1000..1000
int64_t to_fixed_point(double x) {
    return (int32_t)(x * 256) + (int64_t)(x * 1048576) * 3 + (int32_t)((float)x * 64) * 5ll;
}

//@ cases: (1) (0x3ff0000000000000) (0x7ff8000000000000) random:4
double reinterpret(uint64_t bits) {
    union { uint64_t bits; double value; } u = {bits};
    return u.value;
}

//@ cases: (3, 4) (-0.0, 1) (1e200, 1e-200) random:4
double hypotenuse(double x, double y) {
    double a = __builtin_fabs(x), b = __builtin_fabs(y), most = a > b ? a : b, least = a > b ? b : a;
    return most == 0 ? 0 : most * __builtin_sqrt(1 + (least / most) * (least / most));
}
