"""The same operations on pairs of vectors, which the host's longer vectors may take together, against the reference."""

from __future__ import annotations

import ctypes
import random

import pytest

import armexec
from armexec.isa import decode
from armexec.machines.llvm.machine import LlvmMachine
from armexec.translate.guest_state import OFFSETS
from armexec.translate.ir.vector_pairs import PairMachine, is_lanewise

from ..guest import functions

NANS = (
    0x7FF8_0000_0000_0000,
    0xFFF8_0000_0000_0001,
    0x7FF0_0000_0000_0003,
    0x7FC0_0000_7FA0_0005,
    0xFFF0_0000_0000_0000,
)
SIZE = 256
"""Doublewords of memory: a third to read, a third to change, a third for results."""

_THREE_SAME = {
    "16b": ("add", "sub", "mul", "and", "orr", "eor", "bic", "smax", "umin", "uabd", "uqadd", "sqsub", "cmgt", "cmhs"),
    "8h": ("add", "sub", "mul", "smin", "umax", "sabd", "sqadd", "uqsub", "cmeq", "cmge", "mla", "urhadd", "ushl"),
    "4s": (
        "add",
        "sub",
        "mul",
        "mls",
        "smax",
        "umin",
        "cmhi",
        "sshl",
        "fadd",
        "fsub",
        "fmul",
        "fmax",
        "fminnm",
        "fmla",
    ),
    "2d": ("add", "sub", "cmgt", "fadd", "fsub", "fmul", "fdiv", "fmls", "fcmgt", "zip1", "uzp2", "trn1"),
}
_PAIRED = {"add", "sub", "mul", "mla", "fadd", "fsub", "fmul", "fdiv", "fmla", "fmax", "and", "eor", "smax", "uabd"}
_PAIRED |= {"neg", "abs", "fneg", "fabs", "fsqrt", "scvtf", "not"}
_TWO = {
    "16b": ("neg", "abs", "cnt", "not", "rev64"),
    "8h": ("neg", "abs", "rev32", "clz"),
    "4s": ("neg", "fneg", "fabs", "fsqrt", "scvtf", "fcvtzs", "ucvtf", "frintn"),
    "2d": ("neg", "fneg", "fsqrt", "scvtf", "fcvtzu", "fabs"),
}
_SHIFTS = {"16b": 8, "8h": 16, "4s": 32, "2d": 64}


def _operation(rng: random.Random, together: list[int]) -> tuple[int, list[str]]:
    """The first register changed, and an operation on one, two or four registers, mostly such as came `together`."""
    shape = rng.choice(tuple(_THREE_SAME))
    count = rng.choice((1, 2, 2, 2, 4))
    kind = rng.choice((0, 0, 0, 3, 3, 4, 5))
    d = rng.choice((0, 4, 8, 12))
    n, m = (rng.choice(together if together and rng.random() < 0.9 else (0, 4, 8, 12)) for _ in range(2))
    other = rng.random() < 0.25
    lines = []
    names = _THREE_SAME[shape] if kind < 3 else _TWO[shape]
    name = rng.choice([name for name in names if name in _PAIRED or rng.random() < 0.2] or names)
    amount = rng.randrange(1, _SHIFTS[shape])
    shift = rng.choice(("sshr", "ushr", "shl", "usra"))
    for i in range(count):
        second = f"v{m if other else m + i}.{shape}"
        if kind < 3:
            lines.append(f"{name} v{d + i}.{shape}, v{n + i}.{shape}, {second}")
        elif kind == 3:
            lines.append(f"{name} v{d + i}.{shape}, v{n + i}.{shape}")
        elif kind == 4:
            lines.append(f"{shift} v{d + i}.{shape}, v{n + i}.{shape}, #{amount}")
        else:
            lines.append(f"ext v{d + i}.16b, v{n + i}.16b, v{m if other else m + i}.16b, #{amount % 16}")
    return d, lines


def program(rng: random.Random) -> str:
    """A loop on vectors from x0 and x1, which moves on through both; its registers are put at x2."""
    body: list[str] = []
    together: list[int] = []
    quiet = rng.random() < 0.4
    for _ in range(rng.randrange(4, 14)):
        place = rng.choice((0, 4, 8, 12))
        match rng.randrange(6):
            case 0 | 1:
                base, at = rng.choice(("x0", "x1")), 32 * rng.randrange(2)
                body.append(f"ldp q{place}, q{place + 1}, [{base}, #{at}]")
                together.append(place)
            case 2 if not quiet:
                body.append(f"stp q{place}, q{place + 1}, [x1, #{32 * rng.randrange(2)}]")
            case _:
                first, lines = _operation(rng, together)
                body += lines
                if len(lines) > 1:
                    together.append(first)
    place = rng.choice((0, 4, 8, 12))
    return "\n".join(
        (
            *(f"ldr q{i}, [x0, #{16 * i}]" for i in range(16)),
            "mov x3, #5",
            "again:",
            *body,
            "add x1, x1, #32" if quiet else f"stp q{place}, q{place + 1}, [x1], #32",
            "add x0, x0, #32",
            "subs x3, x3, #1",
            "b.ne again",
            *(f"str q{i}, [x2, #{16 * i}]" for i in range(16)),
            "ret",
        )
    )


def _run(text: str, memory: list[int], engine: str) -> list[int]:
    f = armexec.function(text, "void(void *, void *, void *)", engine=engine)
    words = (ctypes.c_uint64 * SIZE)(*memory)
    at = ctypes.addressof(words)
    f(at, at + 8 * 80, at + 8 * 160)
    return list(words)


def _compare(seed: int) -> None:
    rng = random.Random(f"widening/{seed}")
    text = program(rng)
    numbers, nans = rng.random() < 0.6, rng.choice((0.0, 0.03, 0.2))
    memory = []
    for _ in range(SIZE):
        number = ctypes.c_uint64.from_buffer(ctypes.c_double(rng.uniform(-9, 9))).value
        memory.append(rng.choice(NANS) if rng.random() < nans else number if numbers else rng.getrandbits(64))
    assert _run(text, memory, "translated") == _run(text, memory, "reference"), f"seed {seed}:\n{text}"


@pytest.mark.parametrize("block", range(4))
def test_pairs_give_what_the_reference_machine_gives(block: int) -> None:
    for seed in range(block * 8, block * 8 + 8):
        _compare(seed)


def test_logic_with_an_immediate_has_no_operand_to_pair() -> None:
    # Such an ORR has the mnemonic of one of vectors.
    logic = ("orr v0.4s, #1", "orr v1.4s, #1", "bic v0.8h, #2", "bic v1.8h, #2")
    (f,) = functions("\n".join(("f: ldp q0, q1, [x0]", *logic, "stp q0, q1, [x1]", "ret")), "f/2")
    source, target = (ctypes.c_uint64 * 4)(*range(4)), (ctypes.c_uint64 * 4)()
    f(ctypes.addressof(source), ctypes.addressof(target))
    assert list(target) == [(i | 0x1_0000_0001) & ~0x0002_0002_0002_0002 for i in range(4)]


def test_integers_by_an_element() -> None:
    multiply = ("mul v0.4s, v0.4s, v2.s[1]", "mul v1.4s, v1.4s, v2.s[1]", "mls v0.4s, v0.4s, v2.s[2]")
    lines = ("f: ldp q0, q1, [x0]", "ldr q2, [x0]", *multiply, "mls v1.4s, v1.4s, v2.s[2]", "stp q0, q1, [x1]", "ret")
    (f,) = functions("\n".join(lines), "f/2")
    source, target = (ctypes.c_uint32 * 8)(*range(3, 11)), (ctypes.c_uint32 * 8)()
    f(ctypes.addressof(source), ctypes.addressof(target))
    assert list(target) == [(i * 4 * (1 - 5)) & 0xFFFF_FFFF for i in range(3, 11)]


def test_every_lanewise_instruction_runs_on_pairs() -> None:
    rng = random.Random("lanewise")
    seen = set()
    for _ in range(60_000):
        # Of three registers or two, or by an element.
        decoded = decode(0x4E000000 | rng.getrandbits(32) & 0x31FFFFFF)
        if decoded is None or not is_lanewise(decoded):
            continue
        names = ("Rd", "Rn") if "H" in decoded.fields else ("Rd", "Rn", "Rm")
        others = {decoded.fields[name]: (decoded.fields[name] + 1) % 32 for name in names if name in decoded.fields}
        if "Rn" in decoded.fields:
            machine = LlvmMachine(OFFSETS, None, speculates=True)
            decoded.instruction.semantics(PairMachine(machine, others), *decoded.fields.values())
            assert machine.is_pair(decoded.fields["Rd"], (decoded.fields["Rd"] + 1) % 32)
            seen.add(decoded.form.mnemonic)
    assert len(seen) > 20


@pytest.mark.long
def test_many_pairs() -> None:
    for seed in range(1000, 2000):
        _compare(seed)
