"""Compiled C with floating-point numbers and NEON on the translated engine, against the reference engine."""

from __future__ import annotations

import ctypes
import math
import struct

import pytest

import armexec

_SOURCE = r"""
#include <arm_neon.h>

double polynomial(double x, float y, int n) { double s = y; for (int i = 0; i < n; i++) s = s * x + i; return s; }
float mixed(int a, float x, long b, double y, unsigned char c) { return a * x + b / y - c; }
double eight(double a, double b, double c, double d, double e, double f, double g, double h) {
    return a - b + c - d + e - f + g - h;
}
double through(double x) { double volatile kept = polynomial(x, 2.0f, 3); return kept + mixed(1, 2.0f, 3, x, 4); }
_Float16 half(_Float16 a, _Float16 b) { return a * b + a; }
double choose(double x, int c) { return c ? x : x * 2; }
double divide(double a, double b) { return a / b; }
double subtract(double a, double b) { return a - b; }
double multiply_add(double a, double b, double c) { return __builtin_fma(a, b, c); }
double larger(double a, double b) { return __builtin_fmax(a, b); }
double chain(double a, double b, double c) { return __builtin_sqrt(a * b - c) / (a - b); }
long convert(double x) { return (long)x; }
unsigned convert_unsigned(float x) { return (unsigned)x; }
int order(double a, double b) { return (a < b) | (a <= b) << 1 | (a == b) << 2 | (a != b) << 3 | (a > b) << 4; }
double sum(const double *a, int n) { double s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
void scale(float *out, const float *a, float k, int n) { for (int i = 0; i < n; i++) out[i] = a[i] * k + i; }
void blend(unsigned char *out, const unsigned char *a, const unsigned char *b, int n) {
    for (int i = 0; i + 16 <= n; i += 16) {
        uint8x16_t x = vld1q_u8(a + i), y = vld1q_u8(b + i);
        vst1q_u8(out + i, vbslq_u8(vcgtq_u8(x, y), vqaddq_u8(x, y), vrhaddq_u8(x, vqtbl1q_u8(y, x))));
    }
}
unsigned reverse(unsigned x) {
    return vget_lane_u32(vreinterpret_u32_u8(vrev32_u8(vreinterpret_u8_u32(vdup_n_u32(x)))), 0);
}
"""
_STRICT = r"""
unsigned long divided(double a, double b) {
    unsigned long flags;
    double result;
    __asm__ volatile("msr fpsr, xzr\n fdiv %d1, %d2, %d3\n mrs %0, fpsr" : "=r"(flags), "=w"(result) : "w"(a), "w"(b));
    return flags;
}
double rounded(double a, double b, unsigned long mode) {
    double result;
    __asm__ volatile("msr fpcr, %3\n fadd %d0, %d1, %d2\n msr fpcr, xzr" : "=w"(result) : "w"(a), "w"(b), "r"(mode));
    return result;
}
"""
_NAN = struct.unpack("<d", bytes.fromhex("785600000000f97f"))[0]
_NUMBERS = (0.0, -0.0, 1.5, -2.25, 1e300, 5e-324, math.inf, -math.inf, _NAN, 1e10)


def _bits(value: float | int | None) -> bytes:
    return struct.pack("<d", value) if isinstance(value, float) else str(value).encode()


@pytest.fixture(scope="module", params=["-O0", "-O3"])
def modules(request: pytest.FixtureRequest) -> tuple[armexec.Module, armexec.Module]:
    translated, reference = (
        armexec.compile(_SOURCE, language="c", opt=request.param, engine=engine, target="linux")
        for engine in ("translated", "reference")
    )
    return translated, reference


@pytest.mark.parametrize("name", ["divide", "subtract", "larger", "order"])
def test_of_two_numbers(modules: tuple[armexec.Module, armexec.Module], name: str) -> None:
    for a in _NUMBERS:
        for b in _NUMBERS:
            one, other = (_bits(module[name](a, b)) for module in modules)
            assert one == other, (name, a, b)


@pytest.mark.parametrize("name", ["multiply_add", "chain"])
def test_of_three_numbers(modules: tuple[armexec.Module, armexec.Module], name: str) -> None:
    for i, a in enumerate(_NUMBERS):
        for j, b in enumerate(_NUMBERS):
            c = _NUMBERS[(3 * i + j) % len(_NUMBERS)]
            one, other = (_bits(module[name](a, b, c)) for module in modules)
            assert one == other, (name, a, b, c)


@pytest.mark.parametrize("name", ["through", "convert", "convert_unsigned"])
def test_of_one_number(modules: tuple[armexec.Module, armexec.Module], name: str) -> None:
    for a in _NUMBERS:
        one, other = (_bits(module[name](a)) for module in modules)
        assert one == other, (name, a)


def test_arguments_of_both_kinds(modules: tuple[armexec.Module, armexec.Module]) -> None:
    for module in modules:
        assert module.polynomial(2.0, 0.5, 3) == 0.5 * 8 + 0 * 4 + 1 * 2 + 2
        assert module.mixed(2, 1.5, 9, 2.0, 1) == 2 * 1.5 + 9 / 2.0 - 1
        assert module.eight(1, 2, 4, 8, 16, 32, 64, 128) == 1 - 2 + 4 - 8 + 16 - 32 + 64 - 128
        assert module.half(1.5, 2.5) == 5.25
        assert (module.choose(3.0, 1), module.choose(3.0, 0)) == (3.0, 6.0)
        assert module.reverse(0x01020304) == 0x04030201


def test_arrays(modules: tuple[armexec.Module, armexec.Module]) -> None:
    numbers = (ctypes.c_double * 37)(*(i * 0.1 for i in range(37)))
    singles = (ctypes.c_float * 37)(*(i * 0.1 for i in range(37)))
    a, b = ((ctypes.c_uint8 * 64)(*((i * k + 7) % 256 for i in range(64))) for k in (37, 91))
    found = []
    for module in modules:
        scaled = (ctypes.c_float * 37)()
        blended = (ctypes.c_uint8 * 64)()
        module.scale(scaled, singles, 3.0, 37)
        module.blend(blended, a, b, 64)
        found.append((module.sum(numbers, 37), bytes(scaled), bytes(blended)))
    assert found[0] == found[1]


def test_code_that_sees_the_flags_and_sets_the_mode() -> None:
    for engine in ("translated", "reference"):
        module = armexec.compile(_STRICT, language="c", opt="-O2", engine=engine)
        assert module.divided(1.0, 4.0) == 0
        assert module.divided(1.0, 3.0) == 0x10
        assert module.divided(1.0, 0.0) == 0x2
        assert module.divided(0.0, 0.0) == 0x1
        up, down = 1 << 22, 2 << 22
        assert module.rounded(1.0, 1e-30, up) == math.nextafter(1.0, 2.0)
        assert module.rounded(1.0, 1e-30, down) == 1.0
        assert module.rounded(1.0, -1e-30, down) == math.nextafter(1.0, 0.0)


def test_a_switch_beside_floating_point() -> None:
    source = """
    double f(double x, int n) {
        for (int i = 0; i < n; i++)
            switch (i % 7) {
            case 0: x = x * 1.5; break;
            case 1: x = x + 2.0; break;
            case 2: x = x / 3.0; break;
            case 3: x = x - n; break;
            case 4: x = x * x; break;
            case 5: x = -x; break;
            default: x = x + (double)i;
            }
        return x;
    }
    """
    found = [
        armexec.compile(source, language="c", opt="-O2", engine=engine).f(1.25, 20)
        for engine in ("translated", "reference")
    ]
    assert found[0] == found[1]
