"""Small programs in address spaces, on each engine that has them."""

from __future__ import annotations

from typing import Any

import pytest

import armexec
from armexec.cpu import Stop
from armexec.engines.observed import Observed, Policy
from armexec.space import AddressSpace
from engines import AVAILABLE

CODE = 0x4000_0000
DATA = 0x10_0000
"""Where no process of the host has memory of its own."""
EAGER = Policy(hot=1, very_hot=2)
"""Translate at once, and again soon."""
QUICK = Policy(hot=1, very_hot=0)
"""Translate at once, and never again."""
ALONE = Policy(hot=1, very_hot=0, longest=1, together=1)
"""Each instruction is a block."""

ENGINES = ("reference", "translated", "eager", "alone", *(["native"] if "native" in AVAILABLE else []))
"""The engines, and the translated one with other policies."""
on_each_engine = pytest.mark.parametrize("engine", ENGINES)


def executed(engine: str, stop: Stop, count: int) -> bool:
    """Whether a run has executed so many instructions. A processor doesn't count them."""
    return stop.instructions == count or (engine == "native" and stop.instructions is None)


def make_space(engine: str) -> AddressSpace:
    """An empty space."""
    policy = {"eager": EAGER, "quick": QUICK, "alone": ALONE}.get(engine)
    space = AddressSpace("translated" if policy else engine)
    if policy is not None:
        runner: Any = Observed(space.page_table, policy)
        space._runner = runner
    return space


def start(engine: str, text: str, data: bytes = b"") -> tuple[AddressSpace, armexec.Cpu, dict[str, int]]:
    """A space with assembly at CODE and a page of data at DATA, which X1 holds; a Cpu at its start; its labels."""
    space = make_space(engine)
    code = armexec.assemble(text, address=CODE)
    space.map(CODE, max(len(code.bytes), 1), "rx", data=code.bytes)
    space.map(DATA, 0x1000, "rw", data=data)
    cpu = armexec.Cpu(space)
    cpu.pc, cpu.x[1] = CODE, DATA
    return space, cpu, dict(code.symbols)
