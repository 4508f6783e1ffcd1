"""A fault is one of the instruction that made the access, and of its kind, whatever stands around it."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Iterator

import pytest

import armexec
from armexec.errors import ExecutionError, MemoryFault
from armexec.isa import decode
from differential.generate import encodings, random_word

ENGINES = ("reference", "translated:O2")
BAD = 0x1_0000
"""Nothing is ever mapped there."""
BEFORE = ("ldr x10, [x1]", "ldr q10, [x1]", "ldp x10, x11, [sp, #-16]", "str x10, [x1]", "ldrb w10, [x1, #3]", "nop")
AFTER = (
    "add x0, x{t}, x10",
    "fmov x0, d{t}",
    "umov w0, v{t}.b[5]",
    "str x{t}, [x1, #8]",
    "fadd d0, d{t}, d10",
    "add v0.4s, v{t}.4s, v10.4s\n fmov x0, d0",
    "cmp x{t}, x10\n cset x0, eq",
    "ldr x11, [x1, #16]\n eor x0, x11, x{t}",
    "cbz x{t}, 1f\n str x10, [x1]\n 1: mov x0, x10",
)


def loads_and_stores() -> list[str]:
    """The names of all encodings that access memory at the address in a register."""
    found = []
    for name, form in encodings().items():
        decoded = decode(random_word(random.Random(name), form))
        if decoded is not None and decoded.effects.accesses and "Rn" in decoded.fields:
            found.append(name)
    return found


def programs(names: list[str], seed: int) -> Iterator[tuple[str, int]]:
    """Words that access memory at X0, with others around, and at which instruction they stand."""
    for name in names:
        rng = random.Random(f"{seed}/{name}")
        word = random_word(rng, encodings()[name]) & ~(31 << 5)
        t = rng.randrange(2, 9)
        word = word & ~31 | t
        before, after = rng.sample(BEFORE, 2), rng.choice(AFTER).format(t=t)
        yield "\n".join([*before, f".word 0x{word:08x}", after, "ret"]), len(before)


def outcome(text: str, engine: str) -> tuple[object, ...]:
    """The error of a program, with its place and the kind of the access."""
    memory = (ctypes.c_uint64 * 8)()
    f = armexec.function(text, "long(long, long)", engine=engine)
    try:
        f(BAD, ctypes.addressof(memory))
    except MemoryFault as fault:
        is_there = fault.access == "align" or abs(fault.address - BAD) < 1 << 20
        return type(fault), fault.pc - f.address, fault.access, is_there
    except ExecutionError as error:
        return type(error), error.pc - f.address
    return ()


def check(names: list[str], seed: int) -> None:
    faults = 0
    for text, at in programs(names, seed):
        expected, *found = (outcome(text, engine) for engine in ENGINES)
        if expected[:1] == (MemoryFault,):
            assert expected[1] == 4 * at, (text, expected)
            assert expected[3], (text, expected)
            faults += 1
        # A load whose result nothing uses may not be made.
        allowed = (expected, ()) if expected[2:3] == ("read",) else (expected,)
        assert all(other in allowed for other in found), (text, expected, found)
    assert faults > len(names) // 2


@pytest.mark.parametrize("seed", range(2))
def test_faults_of_some_encodings(seed: int) -> None:
    check(random.Random(seed).sample(loads_and_stores(), 8), seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_faults_of_all_encodings(seed: int) -> None:
    check(loads_and_stores(), seed)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("text", "access"),
    [
        ("ldr q0, [x0]\n fmov x0, d0", "read"),
        ("ldr q0, [x0]\n nop\n umov w0, v0.b[3]\n add x0, x0, #1", "read"),
        ("casb w10, w15, [x0]\n mov x0, x10", "read"),
        ("casalb w10, w15, [x0]", "read"),
        ("ldumaxlb w10, w15, [x0]\n add x0, x10, x15", "read"),
        ("ldaddah w10, w15, [x0]", "read"),
        ("swp x10, x15, [x0]", "read"),
        ("str x10, [x0]", "write"),
        ("stp q10, q10, [x0]", "write"),
        ("stlr x10, [x0]", "write"),
        ("dc zva, x0", "write"),
    ],
)
def test_a_load_before_it_is_not_named(text: str, access: str, engine: str) -> None:
    assert outcome(f"ldr x10, [sp]\n ldr q10, [x1]\n{text}\n ret", engine) == (MemoryFault, 8, access, True)
