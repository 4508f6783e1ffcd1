"""The registers at one moment: what is known, and how the rest is told."""

from __future__ import annotations

import pickle

import pytest

import armexec
from armexec.cpu.snapshot import NAMES, CpuSnapshot

SOME = CpuSnapshot({"x0": 0x1_0000_0002, "sp": 0x1000, "nzcv": 0b0110, "v1": 0x3FF0_0000_0000_0000}, "they are gone")


def test_what_is_known_is_read_as_from_a_cpu() -> None:
    assert (SOME.x[0], SOME.w[0], SOME.sp, SOME.nzcv) == (0x1_0000_0002, 2, 0x1000, 6)
    assert (SOME.v[1].d, SOME.v[1].q, list(SOME.v[1].lanes("<f8"))) == (1.0, 0x3FF0_0000_0000_0000, [1.0, 0.0])
    assert SOME.known == ("x0", "sp", "nzcv", "v1")
    assert {name: SOME[name] for name in SOME.known}["sp"] == 0x1000
    whole = CpuSnapshot(dict.fromkeys(NAMES, 0))
    assert whole.known == NAMES
    assert list(whole.x) == list(whole.w) == [0] * 31
    assert [register.q for register in whole.v] == [0] * 32


@pytest.mark.parametrize(
    "read", [lambda c: c.x[1], lambda c: c.w[30], lambda c: c.pc, lambda c: c.v[0], lambda c: c["x5"]]
)
def test_what_is_not_known_is_an_error_that_says_why(read: object) -> None:
    with pytest.raises(armexec.UnknownRegister, match=r"isn't known here: they are gone.*reference"):
        read(SOME)  # type: ignore[operator]


def test_there_are_no_others() -> None:
    with pytest.raises(armexec.UnknownRegister, match="no register 'x31'"):
        SOME["x31"]
    for registers in (SOME.x, SOME.w, SOME.v):
        with pytest.raises(IndexError):
            registers[32]


def test_nothing_can_be_written() -> None:
    for name in ("sp", "pc", "nzcv", "fpcr"):
        with pytest.raises(AttributeError):
            setattr(SOME, name, 1)
    with pytest.raises(TypeError):
        SOME.x[0] = 1  # type: ignore[index]
    with pytest.raises(AttributeError):
        SOME.v[1].q = 1  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        SOME.v[1].lanes()[0] = 1


def test_texts() -> None:
    assert str(SOME).splitlines() == [
        "x0   0000000100000002  sp   0000000000001000  nzcv nZCv",
        "v1   00000000000000003ff0000000000000",
        "not known: x1-x30, pc, v0, v2-v31, fpcr, fpsr, tpidr_el0 (they are gone)",
    ]
    assert repr(SOME) == "<registers x0=0x100000002 sp=0x1000 nzcv=0x6 v1=0x3ff0000000000000>"


def test_it_can_be_copied() -> None:
    copied = pickle.loads(pickle.dumps(SOME))
    assert copied == SOME
    assert hash(copied) == hash(SOME)
    assert copied.why == SOME.why
