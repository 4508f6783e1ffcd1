"""Functions of scalars that the tests make ufuncs of."""

from __future__ import annotations

from functools import cache

import armexec

SOURCE = """
#include <stdbool.h>
#include <stdint.h>
double add(double a, double b) { return a + b; }
double sub(double a, double b) { return a - b; }
double fma3(double a, double b, double c) { return __builtin_fma(a, b, c); }
double horner(double x) {
    double r = 1.0 / 40320;
    r = r * x + 1.0 / 5040; r = r * x + 1.0 / 720; r = r * x + 1.0 / 120; r = r * x + 1.0 / 24;
    r = r * x + 1.0 / 6; r = r * x + 0.5; r = r * x + 1; r = r * x + 1;
    return r;
}
double choose(double a, double b) { return a > b ? a : 2 * b; }
double rounds(double x) {
    double z = 0;
    for (int i = 0; i < 50; i++) { z = z * z + x; if (z > 4) break; }
    return z;
}
float addf(float a, float b) { return a + b; }
float saxpy(float a, float x, float y) { return a * x + y; }
double mixed(float a, double b, int c) { return a * b + c; }
float narrow(double a) { return a; }
double wide(float a) { return a; }
_Float16 addh(_Float16 a, _Float16 b) { return a + b; }
double identity(double a) { return a; }
int64_t bits(double a) { int64_t b; __builtin_memcpy(&b, &a, 8); return b; }
double clear(double a) {
    double s = 0;
    for (int i = 0; i < 4; i++) s += a * i;
    int64_t b;
    __builtin_memcpy(&b, &s, 8);
    b &= ~1LL;
    __builtin_memcpy(&s, &b, 8);
    return s * 2;
}
float sign(float a) { return __builtin_signbit(a * a - a) ? -1 : a + 1; }
double root(double a) { return __builtin_sqrt(a); }
double divide(double a, double b) { return a / b; }
bool less(double a, double b) { return a < b; }
bool both(bool a, bool b) { return a && b; }
int8_t add8(int8_t a, int8_t b) { return a + b; }
uint8_t addu8(uint8_t a, uint8_t b) { return a + b; }
int16_t add16(int16_t a, int16_t b) { return a + b; }
uint16_t addu16(uint16_t a, uint16_t b) { return a + b; }
int32_t add32(int32_t a, int32_t b) { return (uint32_t)a + (uint32_t)b; }
uint32_t addu32(uint32_t a, uint32_t b) { return a + b; }
int64_t add64(int64_t a, int64_t b) { return (uint64_t)a + (uint64_t)b; }
uint64_t addu64(uint64_t a, uint64_t b) { return a + b; }
long long addll(long long a, long long b) { return (uint64_t)a + (uint64_t)b; }
long add_minus(signed char a, unsigned short b, long c) { return a + b - c; }
int convert(double a) { return a; }
double table[4] = {1, 2, 4, 8};
double look(unsigned i) { return table[i & 3]; }
double at(const double *p);
double follow(long address) { return *(volatile double *)address; }
long calls;
long counted(long a) { return a + ++calls; }
__attribute__((noinline)) double square(double a) { return a * a; }
double calling(double a) { return square(a) + square(a + 1); }
int many(int a, int b, int c, int d, int e, int f, int g, int h, int i, signed char j) {
    return a - b + c - d + e - f + g - h + i * j;
}
_Complex double turn(_Complex double a) { return a * 2; }
double forever(double a) { for (;;) __asm__ volatile(""); }
double spin(double a) { for (long i = 0; i < 100000000000; i++) __asm__ volatile(""); return a; }
double recursive(double a) { volatile char big[64]; big[0] = 1; return recursive(a + 1) + big[0]; }
"""


@cache
def kernels(engine: str, opt: int = 2, **settings: object) -> armexec.Module:
    """The functions, compiled for an engine."""
    return armexec.compile(SOURCE, "c", opt=opt, engine=engine, **settings)  # type: ignore[arg-type]
