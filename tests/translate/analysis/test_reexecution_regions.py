"""NaNs in loops: code that is left where a NaN comes up gives what the reference machine gives, to the bit."""

from __future__ import annotations

import ctypes
import random

import numpy as np
import pytest

import armexec

NANS = (
    0x7FF8_0000_0000_0000,
    0xFFF8_0000_0000_0001,
    0x7FF0_0000_0000_0003,
    0xFFF4_0000_0000_0007,
    0x7FC0_0000_7FA0_0005,
    0xFFC0_0009_7F80_0000,
    0x7FF0_0000_0000_0000,
    0xFFF0_0000_0000_0000,
)
FIXED, RESULTS, MOVING = 0, 64, 128
"""Where the three pointers go at first, in doublewords; the last one moves on."""
SIZE = 2048
"""Doublewords of memory, more than any program goes through."""
COUNT = 6
"""Rounds of a loop."""


def _operation(rng: random.Random) -> str:
    d, n, m = (rng.randrange(6) for _ in range(3))
    name = rng.choice(("fadd", "fsub", "fmul", "fdiv", "fmax", "fminnm", "fmulx", "frecps"))
    match rng.randrange(14):
        case 0 | 1 | 2 | 3:
            return f"{name} d{d}, d{n}, d{m}"
        case 4 | 5:
            return f"{name} v{d}.2d, v{n}.2d, v{m}.2d"
        case 6:
            return f"{name} s{d}, s{n}, s{m}"
        case 7:
            return f"fmadd d{d}, d{n}, d{m}, d{rng.randrange(6)}"
        case 8:
            return f"fmla v{d}.2d, v{n}.2d, v{m}.d[{rng.randrange(2)}]"
        case 9:
            return rng.choice((f"fneg d{d}, d{n}", f"fabs v{d}.2d, v{n}.2d", f"fsqrt d{d}, d{n}"))
        case 10:
            return rng.choice((f"mov v{d}.d[{rng.randrange(2)}], v{n}.d[0]", f"faddp d{d}, v{n}.2d"))
        case 11:
            return rng.choice((f"fmov x{9 + d}, d{n}", f"fcvtzs x{9 + d}, d{n}", f"fmov d{d}, x{9 + n}"))
        case 12:
            return f"fcmp d{n}, d{m}\n fcsel d{d}, d{n}, d{m}, {rng.choice(('gt', 'ne', 'vs', 'mi'))}"
        case _:
            return rng.choice((f"eor v{d}.16b, v{n}.16b, v{m}.16b", f"fcvt s{d}, d{n}", f"fcvt d{d}, s{n}"))


def _access(rng: random.Random, *, stores: bool) -> str:
    v = rng.randrange(6)
    name = "str" if stores and rng.random() < 0.5 else "ldr"
    place = rng.choice(("[x0], #16", f"[x0, #{16 * rng.randrange(3)}]", "[x1]", f"[x1, #{8 * rng.randrange(4)}]"))
    kind = rng.choice("dddqs")
    if kind == "q" and place.startswith("[x1, #"):
        place = "[x1, #16]"
    if rng.random() < 0.1:
        return f"{name} x{9 + v}, [x1, #{8 * rng.randrange(4)}]"
    return f"{name} {kind}{v}, {place}"


def _updates(rng: random.Random) -> list[str]:
    """Numbers loaded, computed with, and stored where they were: some of such stores are made before they are sure."""
    lines = []
    for _ in range(rng.randrange(2, 4)):
        places = []
        for v in rng.sample(range(6), 2):
            register, kind = rng.choice(("x0", "x1", "x1")), rng.choice("ddqs")
            offset = rng.randrange(9) * (16 if kind == "q" else 8)
            places.append(f"{kind}{v}, [{register}, #{offset}]")
        lines += [f"ldr {place}" for place in places]
        lines += [_operation(rng) for _ in range(rng.randrange(1, 4))]
        if rng.random() < 0.2:
            lines.append(rng.choice(("ldr x10, [x1, #32]", "ldr d3, [x0, #8]", "str x9, [x1, #24]", "add x0, x0, #16")))
        lines += [f"str {place}" for place in places]
    return lines


def _body(rng: random.Random, label: str, *, stores: bool) -> list[str]:
    lines = _updates(rng) if stores and rng.random() < 0.5 else []
    for _ in range(rng.randrange(2, 9)):
        lines.append(_access(rng, stores=stores) if rng.random() < 0.35 else _operation(rng))
    if rng.random() < 0.4:
        skip = rng.randrange(1, len(lines) + 1)
        condition = rng.choice(("fcmp d0, d1\n b.gt", "fcmp d2, #0.0\n b.vs", "cbz x9,", "tbnz x3, #0,"))
        lines.insert(skip - 1, f"{condition} {label}s")
        lines.insert(rng.randrange(skip, len(lines) + 1), f"{label}s:")
    return lines


def _loop(rng: random.Random, label: str, counter: str, inner: list[str], *, stores: bool) -> list[str]:
    return [
        f"mov {counter}, #{COUNT}",
        f"{label}:",
        *_body(rng, f"{label}a", stores=stores),
        *inner,
        *_body(rng, f"{label}b", stores=stores),
        f"subs {counter}, {counter}, #1",
        f"b.ne {label}",
    ]


def program(rng: random.Random) -> str:
    """A function of two pointers to memory: loops that compute, and then all registers that they use put at x2."""
    kinds = [rng.random() < 0.3 for _ in range(3)]
    inner = _loop(rng, "inner", "x4", [], stores=kinds[0]) if rng.random() < 0.5 else []
    lines = [
        *(f"ldr q{i}, [x1, #{16 * i}]" for i in range(6)),
        *(f"mov x{9 + i}, #{i}" for i in range(6)),
        *_body(rng, "first", stores=kinds[1]),
        *_loop(rng, "outer", "x3", inner, stores=kinds[0]),
        *(_loop(rng, "last", "x3", [], stores=kinds[2]) if rng.random() < 0.5 else []),
    ]
    if rng.random() < 0.7:
        lines += [f"str q{i}, [x2, #{16 * i}]" for i in range(6)]
        lines += [f"str x{9 + i}, [x2, #{96 + 8 * i}]" for i in range(6)]
    else:
        lines.append("fmov x0, d0")
    lines.append("ret")
    if rng.random() < 0.5:
        return "\n".join(lines)
    # A caller that has numbers in registers too, and goes on with what it gets.
    before, after = (_body(rng, label, stores=False) for label in ("early", "late"))
    saves = ["stp x29, x30, [sp, #-64]!", "stp x19, x20, [sp, #16]", "stp d8, d9, [sp, #32]"]
    saves += ["mov x19, x2", "mov x20, x0"]
    keeps = ["fmov d8, d0", "bl body", "fadd d0, d0, d8", "mov x0, x20"]
    ends = ["str q0, [x19, #160]", "fmov x0, d0"]
    restores = ["ldp d8, d9, [sp, #32]", "ldp x19, x20, [sp, #16]", "ldp x29, x30, [sp], #64", "ret"]
    return "\n".join(["entry:", *saves, *before, *keeps, *after, *ends, *restores, "body:", *lines])


def _memory(rng: random.Random, nans: float) -> list[int]:
    words = []
    for _ in range(SIZE):
        if rng.random() < nans:
            words.append(rng.choice(NANS))
        else:
            high = ctypes.c_uint64.from_buffer(ctypes.c_double(rng.uniform(-3, 3))).value
            words.append(high if rng.random() < 0.8 else high & ~0xFFFF_FFFF | 0x3FC0_0000)
    return words


def _run(text: str, memory: list[int], engine: str) -> tuple[int, list[int]]:
    f = armexec.function(text, "unsigned long(void *, void *, void *)", engine=engine)
    words = (ctypes.c_uint64 * SIZE)(*memory)
    at = ctypes.addressof(words)
    result = f(at + 8 * MOVING, at + 8 * FIXED, at + 8 * RESULTS)
    # Where nothing else is returned, the first pointer is, moved on.
    return (result - at if 0 <= result - at < ctypes.sizeof(words) else result), list(words)


def _compare(seed: int) -> None:
    rng = random.Random(f"careful/{seed}")
    text = program(rng)
    memory = _memory(rng, rng.choice((0.0, 0.02, 0.1, 0.5)))
    ours, theirs = (_run(text, memory, engine) for engine in ("translated", "reference"))
    assert ours == theirs, f"seed {seed}:\n{text}"


@pytest.mark.parametrize("block", range(4))
def test_loops_give_what_the_reference_machine_gives(block: int) -> None:
    for seed in range(block * 6, block * 6 + 6):
        _compare(seed)


@pytest.mark.long
def test_many_loops() -> None:
    for seed in range(1000, 2000):
        _compare(seed)


def test_an_operand_is_looked_at_though_another_is_read_in_two_ways() -> None:
    """D4 is pending when the other operand's low half turns out to be so as another type."""
    text = """
        ldr d3, [x0]
        mov x3, #3
    last:
        ldr d2, [x0, #8]
        fadd d4, d2, d3
        fmax s1, s3, s3
        fmadd d2, d4, d1, d3
        fdiv d3, d3, d3
        subs x3, x3, #1
        b.ne last
        str q4, [x0, #16]
        ret
    """
    words = (ctypes.c_uint64 * 4)(0x7FF0_0000_0000_0000, 0xFFF8_0000_0000_0001)
    armexec.function(text, "void(void *)", engine="translated")(ctypes.addressof(words))
    assert words[2] == 0xFFF8_0000_0000_0001


def test_a_loop_that_has_to_be_tested_is_though_another_has_not() -> None:
    """More than being a NaN is asked in the first loop, so its rounds are tested; the second has no tests."""
    text = """
        mov x3, #6
    outer:
        mov x4, #6
    inner:
        ldr q5, [x0], #16
        fmulx d3, d4, d5
        fminnm d4, d3, d5
        subs x4, x4, #1
        b.ne inner
        ldr d2, [x0], #16
        ldr q3, [x0], #16
        fcmp d4, d0
        fcsel d4, d4, d0, mi
        subs x3, x3, #1
        b.ne outer
        mov x3, #6
    last:
        fadd d5, d5, d3
        subs x3, x3, #1
        b.ne last
        str q4, [x2, #64]
        ret
    """
    for seed in range(6):
        memory = _memory(random.Random(f"tested/{seed}"), 0.1)
        assert _run(text, memory, "translated:O2") == _run(text, memory, "reference")


@pytest.mark.parametrize("registers", [1, 2, 3])
@pytest.mark.parametrize(("arrangement", "dtype", "nan"), [("4s", "f4", 0x7FC0_0000), ("2d", "f8", 0x7FF8 << 48)])
def test_a_nan_in_any_lane_is_noticed(arrangement: str, dtype: str, nan: int, registers: int) -> None:
    lines = [f"ldr q{n}, [x0, #{16 * n}]\nldr q{n + 8}, [x1, #{16 * n}]" for n in range(registers)]
    lines += [f"fsub v{n}.{arrangement}, v{n}.{arrangement}, v{n + 8}.{arrangement}" for n in range(registers)]
    lines += [f"str q{n}, [x2, #{16 * n}]" for n in range(registers)]
    f = armexec.function("\n".join([*lines, "ret"]), "void(void *, void *, void *)", engine="translated:O2")
    count = 16 * registers // np.dtype(dtype).itemsize
    for lane in range(count):
        a = np.ones(count, dtype)
        a[lane] = np.inf
        result = np.zeros(count, dtype)
        f(a, a, result)
        # The host's own would have the sign set.
        expected = [nan if n == lane else 0 for n in range(count)]
        assert result.view(dtype.replace("f", "u")).tolist() == expected
