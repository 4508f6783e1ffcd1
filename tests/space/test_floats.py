"""Floating point in translated code: results and FPSR are those of the reference engine, whichever way is taken."""

from __future__ import annotations

import random
import struct

import pytest

from translate import process_environment

from .guest import CODE, start

# Around the borders between zeros, denormals, normal numbers and infinities, and what rounds over them.
_SINGLES = [
    0,
    1,
    0x7FFFFF,
    0x800000,
    0x800001,
    0xFFFFFF,
    0x1000000,
    0x3F000000,
    0x3F7FFFFF,
    0x3F800000,
    0x3F800001,
    0x40490FDB,
]
_SINGLES += [0x7F000000, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000, 0x1FFFFFFF, 0x20000000, 0x5F000000]
_DOUBLES = [0, 1, 0xF_FFFF_FFFF_FFFF, 0x10_0000_0000_0000, 0x10_0000_0000_0001, 0x1F_FFFF_FFFF_FFFF]
_DOUBLES += [
    0x20_0000_0000_0000,
    0x3FE0_0000_0000_0000,
    0x3FEF_FFFF_FFFF_FFFF,
    0x3FF0_0000_0000_0000,
    0x3FF0_0000_0000_0001,
    0x4009_21FB_5444_2D18,
]
_DOUBLES += [0x7FE0_0000_0000_0000, 0x7FEF_FFFF_FFFF_FFFF, 0x7FF0_0000_0000_0000, 0x7FF0_0000_0000_0001]
_DOUBLES += [0x7FF8_0000_0000_0000, 0x1FFF_FFFF_FFFF_FFFF, 0x2000_0000_0000_0000, 0x5FF0_0000_0000_0000]

TEXT = """
    fadd {t}3, {t}0, {t}1
    fsub {t}4, {t}0, {t}1
    fmul {t}5, {t}0, {t}1
    fdiv {t}6, {t}0, {t}1
    fsqrt {t}7, {t}0
    fmadd {t}8, {t}0, {t}1, {t}2
    fnmsub {t}9, {t}0, {t}1, {t}2
    fcmp {t}0, {t}1
    cset w0, lt
    cset w1, vs
    fcmpe {t}0, {t}2
    mrs x2, nzcv
    fmla v10.4s, v0.4s, v1.4s
    fmul v11.2d, v0.2d, v1.2d
    mrs x3, fpsr
    brk #0
"""


def _operand(rng: random.Random, letter: str) -> int:
    bits = 32 if letter == "s" else 64
    choice = rng.randrange(4)
    if choice == 0:
        value = rng.getrandbits(bits)
    elif choice == 1:
        value = int.from_bytes(struct.pack("<f" if bits == 32 else "<d", rng.uniform(-100, 100)), "little")
    else:
        value = rng.choice(_SINGLES if bits == 32 else _DOUBLES) + rng.choice((0, 0, 1))
    return value ^ rng.getrandbits(1) << bits - 1


def _compare(letter: str, engine: str, count: int, seed: int) -> None:
    rng = random.Random(f"{letter}/{seed}")
    text = TEXT.format(t=letter)
    cpus = [start(name, text)[1] for name in ("reference", engine)]
    for _ in range(count):
        operands = [_operand(rng, letter) | _operand(rng, "d") << 64 for _ in range(3)]
        fpcr = rng.choice((0, 0, 0, 1 << 22, 1 << 24, 1 << 25))
        fpsr = rng.choice((0, 1 << 4, 1 << 4, 0x9F))
        for cpu in cpus:
            cpu.pc, cpu.fpcr, cpu.fpsr = CODE, fpcr, fpsr
            for n, operand in enumerate(operands):
                cpu.v[n] = operand
            cpu.run()
        assert cpus[0].save() == cpus[1].save(), f"{operands} {fpcr:#x} {fpsr:#x}\n{cpus[0]}\n{cpus[1]}"


@pytest.mark.parametrize("engine", ["quick", "eager"])
@pytest.mark.parametrize("letter", ["s", "d"])
def test_results_and_flags(letter: str, engine: str) -> None:
    _compare(letter, engine, 400, 1)


@pytest.mark.parametrize(
    ("letter", "operands"), [("s", (0xFF_FFFF, 0x3F00_0000)), ("d", (0x1F_FFFF_FFFF_FFFF, 0x3FE0_0000_0000_0000))]
)
def test_a_product_that_is_rounded_up_to_the_least_normal_number(letter: str, operands: tuple[int, int]) -> None:
    """That is an underflow: it is found before rounding."""
    _, cpu, _ = start("quick", TEXT.format(t=letter))
    for _ in range(3):
        cpu.pc, cpu.fpsr, cpu.v[0].q, cpu.v[1].q = CODE, 1 << 4, *operands
        cpu.run(instruction_limit=3)
        assert cpu.v[5].q == {"s": 0x80_0000, "d": 0x10_0000_0000_0000}[letter]
        assert cpu.fpsr == 1 << 4 | 1 << 3


@pytest.mark.long
@pytest.mark.parametrize("letter", ["s", "d"])
def test_many_results_and_flags(letter: str) -> None:
    _compare(letter, "quick", 100_000, 2)


@process_environment.layout_known
@pytest.mark.parametrize("name", process_environment.CONTROLS)
def test_the_environment_of_the_process_is_neither_used_nor_changed(name: str) -> None:
    control = process_environment.CONTROLS[name]
    _, cpu, _ = start("quick", "again: fadd d2, d0, d1; fdiv d3, d4, d5; fadd d6, d7, d3; b again")
    cpu.fpsr = 1 << 4
    cpu.v[0].q, cpu.v[1].q = 0x10_0000_0000_0001, 0x8010_0000_0000_0000
    cpu.v[4].d, cpu.v[5].d, cpu.v[7].d = 1, 3, 1e-300
    cpu.run(instruction_limit=8)
    with process_environment.environment(control):
        stop = cpu.run(instruction_limit=32)
        assert process_environment.control_register() & ~0x3F == control & ~0x3F
    assert stop.reason == "instruction limit"
    # The difference is a denormal number; the quotient is rounded to nearest.
    assert (cpu.v[2].q, cpu.v[3].q, cpu.v[6].q) == (1, 0x3FD5_5555_5555_5555, 0x3FD5_5555_5555_5555)


def test_translated_code_that_writes_fpcr_goes_on_behind_it() -> None:
    _, cpu, _ = start("eager", "mov x1, #0\n1: msr fpcr, x0\n add x1, x1, #1\n cmp x1, #9\n b.ne 1b\n svc #0")
    cpu.x[0] = 1 << 22
    stop = cpu.run()
    assert (stop.reason, cpu.x[1], cpu.fpcr) == ("system call", 9, 1 << 22)
