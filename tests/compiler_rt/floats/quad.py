"""Calls of the functions of binary128 in a batch: one C text that armexec runs, and qemu with libgcc."""

from __future__ import annotations

import random
import struct
from functools import lru_cache

import armexec
from armexec.module import Module

from ..helpers import quick
from .exact import DOUBLE, HALF, QUAD, SINGLE, Format

# The type of the result, the expression.
CALLS = {
    "add": ("f128", "__addtf3(x, y)"),
    "sub": ("f128", "__subtf3(x, y)"),
    "mul": ("f128", "__multf3(x, y)"),
    "div": ("f128", "__divtf3(x, y)"),
    "eq": ("int", "__eqtf2(x, y)"),
    "ne": ("int", "__netf2(x, y)"),
    "lt": ("int", "__lttf2(x, y)"),
    "le": ("int", "__letf2(x, y)"),
    "gt": ("int", "__gttf2(x, y)"),
    "ge": ("int", "__getf2(x, y)"),
    "unord": ("int", "__unordtf2(x, y)"),
    "neg": ("f128", "__negtf2(x)"),
    "fixsi": ("int", "__fixtfsi(x)"),
    "fixdi": ("long", "__fixtfdi(x)"),
    "fixti": ("s128", "__fixtfti(x)"),
    "fixunssi": ("unsigned", "__fixunstfsi(x)"),
    "fixunsdi": ("unsigned long", "__fixunstfdi(x)"),
    "fixunsti": ("u128", "__fixunstfti(x)"),
    "floatsi": ("f128", "__floatsitf(*(int *)a)"),
    "floatdi": ("f128", "__floatditf(*(long *)a)"),
    "floatti": ("f128", "__floattitf(*(s128 *)a)"),
    "floatunsi": ("f128", "__floatunsitf(*(unsigned *)a)"),
    "floatundi": ("f128", "__floatunditf(*(unsigned long *)a)"),
    "floatunti": ("f128", "__floatuntitf(*(u128 *)a)"),
    "extendhf": ("f128", "__extendhftf2(*(_Float16 *)a)"),
    "extendsf": ("f128", "__extendsftf2(*(float *)a)"),
    "extenddf": ("f128", "__extenddftf2(*(double *)a)"),
    "trunchf": ("_Float16", "__trunctfhf2(x)"),
    "truncsf": ("float", "__trunctfsf2(x)"),
    "truncdf": ("double", "__trunctfdf2(x)"),
}
NAMES = list(CALLS)
IN, OUT = 48, 24
_CASES = " ".join(
    f"case {i}: {{ {type} r = {call}; __builtin_memcpy(out, &r, sizeof r); break; }}"
    for i, (type, call) in enumerate(CALLS.values())
)
SOURCE = f"""
#define IN {IN}
#define OUT {OUT}
typedef unsigned long u64;
typedef __int128 s128;
typedef unsigned __int128 u128;
typedef long double f128;
int __eqtf2(f128, f128), __netf2(f128, f128), __lttf2(f128, f128), __letf2(f128, f128), __gttf2(f128, f128),
    __getf2(f128, f128), __unordtf2(f128, f128), __fixtfsi(f128);
f128 __addtf3(f128, f128), __subtf3(f128, f128), __multf3(f128, f128), __divtf3(f128, f128), __negtf2(f128);
long __fixtfdi(f128);
s128 __fixtfti(f128);
unsigned __fixunstfsi(f128);
u64 __fixunstfdi(f128);
u128 __fixunstfti(f128);
f128 __floatsitf(int), __floatditf(long), __floattitf(s128), __floatunsitf(unsigned), __floatunditf(u64),
    __floatuntitf(u128), __extendhftf2(_Float16), __extendsftf2(float), __extenddftf2(double);
_Float16 __trunctfhf2(f128);
float __trunctfsf2(f128);
double __trunctfdf2(f128);
void one(const unsigned char *in, unsigned char *out) {{
    u64 mode = in[1], old, fpsr;
    const void *a = in + 16, *b = in + 32;
    f128 x = *(f128 *)a, y = *(f128 *)b;
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    __asm__ volatile("msr fpcr, %0\\n msr fpsr, xzr" : : "r"(mode << 22) : "memory");
    switch (in[0]) {{
    {_CASES}
    }}
    __asm__ volatile("mrs %0, fpsr" : "=r"(fpsr) : : "memory");
    __asm__ volatile("msr fpcr, %0" : : "r"(old) : "memory");
    *(u64 *)(out + 16) = fpsr & 0x1f;
}}
void batch(const unsigned char *in, unsigned char *out, long n) {{
    for (long i = 0; i < n; i++) one(in + i * IN, out + i * OUT);
}}
"""
FORMATS: dict[str, Format] = {"hf": HALF, "sf": SINGLE, "df": DOUBLE}


@lru_cache
def module(engine: str) -> Module:
    return armexec.compile(SOURCE, language="c", opt="-O1", target="linux", engine=quick(engine))


def record(name: str, mode: int, a: int, b: int = 0) -> bytes:
    return struct.pack("<BB14x", NAMES.index(name), mode) + a.to_bytes(16, "little") + b.to_bytes(16, "little")


def run(engine: str, data: bytes) -> bytes:
    out = bytearray(len(data) // IN * OUT)
    module(engine)["batch"](data, out, len(data) // IN)
    return bytes(out)


def result(out: bytes, i: int) -> tuple[int, int]:
    """The bits that a call has given, and the flags of FPSR that it has raised."""
    return int.from_bytes(out[OUT * i : OUT * i + 16], "little"), out[OUT * i + 16]


# Zeros, the least and the greatest of each kind, infinities, quiet and signaling NaNs.
SPECIAL = [
    sign | bits
    for sign in (0, QUAD.sign)
    for bits in (
        0,
        1,
        (1 << 112) - 1,
        1 << 112,
        0x3FFF << 112,
        QUAD.infinity - 1,
        QUAD.infinity,
        QUAD.infinity | 1,
        QUAD.infinity | 1 << 111,
        QUAD.infinity | 0x1234 << 90,
        QUAD.infinity | 1 << 111 | 0x4321 << 70,
    )
]
# Where the narrower formats and the integers end.
_EDGES = (-1074, -1022, -149, -126, -24, -14, 15, 16, 31, 32, 63, 64, 127, 128, 1023, 1024)


def number(random: random.Random) -> int:
    """The bits of a number: special, near 1, or near where some format or rounding has an edge."""
    kind = random.randrange(10)
    if kind == 0:
        return random.choice(SPECIAL)
    sign = random.getrandbits(1) << 127
    if kind == 1:
        return sign | random.getrandbits(random.randrange(1, 113))
    exponent = {2: random.choice([1, 2, 100, 0x1FFF, 0x7FFD, 0x7FFE])}.get(kind, 0x3FFF + random.randrange(-130, 131))
    if kind in (3, 4):
        exponent = 0x3FFF + random.choice(_EDGES) + random.randrange(-2, 3)
    ones = random.choice([0, (1 << 112) - 1, random.getrandbits(112)])
    cut = random.choice([0, 59, 60, 88, 89, 101, 102])  # the last bits that the narrower formats keep
    return sign | exponent << 112 | ones >> cut << cut | random.choice([0, 0, 1 << max(cut - 1, 0), 1])


def operands(random: random.Random, name: str) -> tuple[int, int]:
    if name.startswith("float"):
        bits = random.getrandbits(128) >> random.randrange(128)
        if random.random() < 0.5:
            bits |= (1 << random.randrange(1, 100)) - 1 << random.randrange(28)
        return (-bits if random.random() < 0.5 else bits) & (1 << 128) - 1, 0
    if name.startswith("extend"):
        narrow = FORMATS[name[-2:]]
        bits = random.getrandbits(narrow.width)
        return random.choice([bits, bits | narrow.infinity, bits & ~narrow.infinity]), 0
    a = number(random)
    if random.random() < 0.2:  # sums that cancel, quotients near 1
        return a, a ^ random.getrandbits(1) << 127 ^ random.getrandbits(random.randrange(1, 6))
    return a, number(random)
