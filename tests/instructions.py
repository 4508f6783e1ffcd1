"""Known vectors: an instruction, what it starts from, and all that it changes; on every machine and on Unicorn.

    @family
    def test_add(check):
        check("add x1, x2, x3", x2=5, x3=7, gives={"x1": 12})

What `gives` doesn't name must stay as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import pytest

from armexec.asm import assemble
from armexec.machines.traps import TrapKind
from differential import on_reference, on_translated, on_unicorn
from differential.state import CODE, DATA, MASK64, Outcome, State

__all__ = ["DATA", "PC", "Check", "family"]

PC = CODE + 0x1000
"""Where the first instruction stands."""
_STACK = DATA + 0x2000

_ENGINES: dict[str, Callable[[Sequence[State]], list[Outcome]]] = {
    "reference": lambda states: [on_reference.run(state) for state in states],
    "translated-O0": partial(on_translated.run_all, tier="O0"),
    "translated-O2": partial(on_translated.run_all, tier="O2"),
    "unicorn": lambda states: [on_unicorn.run(state) for state in states],
}


class Check(Protocol):
    """States a vector.

    Registers are x0-x30 and sp, by default distinct numbers; `nzcv` four bits as "0110"; `memory` bytes (as hexadecimal
    text) by address. `gives` has registers, nzcv, memory, pc, fpcr and fpsr; or trap. `unicorn` is False where
    Unicorn is known to differ (differential/exceptions.py says why).
    """

    def __call__(
        self,
        text: str,
        *,
        gives: Mapping[str, Any],
        nzcv: str = "0000",
        memory: Mapping[int, str] | None = None,
        unicorn: bool = True,
        **registers: int,
    ) -> None: ...


def _number(name: str) -> int:
    return 31 if name == "sp" else int(name.removeprefix("x"))


class _Vectors:
    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.vectors: list[tuple[str, State, Mapping[str, Any]]] = []

    def add(
        self,
        text: str,
        *,
        gives: Mapping[str, Any],
        nzcv: str = "0000",
        memory: Mapping[int, str] | None = None,
        unicorn: bool = True,
        **registers: int,
    ) -> None:
        if self.engine == "unicorn" and not unicorn:
            return
        values = [0x0101_0101_0101_0101 * n for n in range(31)] + [_STACK]
        for name, value in registers.items():
            values[_number(name)] = value & MASK64
        code = tuple(assemble(text, address=PC).words)
        patches = [(address, bytes.fromhex(data)) for address, data in (memory or {}).items()]
        self.vectors.append((text, State(PC, code, values, int(nzcv, 2), patches=patches), gives))

    def run(self) -> None:
        if not self.vectors and self.engine == "unicorn":
            pytest.skip("Unicorn knows none of these instructions")
        outcomes = _ENGINES[self.engine]([state for _, state, _ in self.vectors])
        assert outcomes
        wrong = []
        for (text, state, gives), outcome in zip(self.vectors, outcomes, strict=True):
            for difference in _expected(state, gives).differences(outcome):
                wrong.append(f"{text}: {difference} (expected != {self.engine})")
        assert not wrong, "\n".join(wrong)


def _expected(state: State, gives: Mapping[str, Any]) -> Outcome:
    registers = list(state.registers)
    memory = state.memory()
    expected = Outcome(registers, state.nzcv, state.pc + 4 * len(state.code), b"", None)
    for name, value in gives.items():
        if name == "trap":
            expected.trap = TrapKind[value]
            expected.pc = state.pc
        elif name == "pc":
            expected.pc = value
        elif name in ("fpcr", "fpsr"):
            setattr(expected, name, value)
        elif name == "nzcv":
            expected.nzcv = int(value, 2)
        elif name == "memory":
            for address, data in value.items():
                memory[address - DATA : address - DATA + len(data) // 2] = bytes.fromhex(data)
        else:
            registers[_number(name)] = value & MASK64
    expected.memory = bytes(memory)
    return expected


def family(vectors: Callable[[Check], None]) -> Callable[..., None]:
    """A test of the vectors that a function states, on each engine."""

    @pytest.mark.parametrize("engine", _ENGINES)
    def test(engine: str) -> None:
        collected = _Vectors(engine)
        vectors(collected.add)
        collected.run()

    test.__doc__ = vectors.__doc__
    return test
