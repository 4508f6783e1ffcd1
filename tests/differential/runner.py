"""Cases on the reference machine and on an oracle, compared."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

from armexec.disasm import disassemble
from armexec.machines.traps import TrapKind

from . import on_qemu, on_reference, on_translated, on_unicorn
from .exceptions import Exception_, asked, covering
from .generate import case
from .state import Outcome, State

__all__ = ["ORACLES", "Case", "Failure", "compare", "make"]

RunAll = Callable[[Sequence[State]], list[Outcome]]

ORACLES: dict[str, RunAll] = {
    "unicorn": lambda states: [on_unicorn.run(state) for state in states],
    "qemu-user": on_qemu.run_all,
    "translated-O0": partial(on_translated.run_all, tier="O0"),
    "translated-O2": partial(on_translated.run_all, tier="O2"),
    # As for code that can't see FPCR and FPSR.
    "plain-O0": partial(on_translated.run_all, tier="O0", strict=False),
    "plain-O2": partial(on_translated.run_all, tier="O2", strict=False),
}
"""What the reference machine is compared with: oracles that aren't armexec's, and its other machine."""


@dataclass(frozen=True)
class Case:
    """A numbered case, and what the reference machine makes of it."""

    name: str
    seed: int
    index: int
    state: State
    outcome: Outcome


@dataclass(frozen=True)
class Failure:
    """A case that an oracle sees differently."""

    case: Case
    oracle: str
    theirs: Outcome
    differences: tuple[str, ...]

    def __str__(self) -> str:
        case = self.case
        text = "; ".join(i.text for i in disassemble(case.state.code, address=case.state.pc))
        return "\n".join(
            (
                f"{case.name}: `{text}` differs from {self.oracle} (armexec != {self.oracle}):",
                *(f"  {difference}" for difference in self.differences),
                str(case.state),
                f"again: python -m tests.differential {case.name} --seed {case.seed} --case {case.index}",
            )
        )


@cache
def make(name: str, seed: int, count: int) -> list[Case]:
    """The first `count` cases of an encoding. Words of encodings that aren't described yet are no cases."""
    return [made for index in range(count) if (made := make_one(name, seed, index)) is not None]


def make_one(name: str, seed: int, index: int) -> Case | None:
    state = case(name, seed, index)
    try:
        outcome = on_reference.run(state)
    except Exception as error:
        error.add_note(f"again: {sys.executable} -m tests.differential {name} --seed {seed} --case {index}")
        raise
    return None if outcome.trap is TrapKind.UNSUPPORTED else Case(name, seed, index, state, outcome)


def compare(cases: Sequence[Case], oracle: str) -> tuple[list[Failure], Counter[Exception_]]:
    """The cases that an oracle sees differently, and how often each exception was met."""
    cases = [case for case in cases if asked(oracle, case.state)]
    outcomes = ORACLES[oracle]([case.state for case in cases])
    failures = []
    met: Counter[Exception_] = Counter()
    for made, theirs in zip(cases, outcomes, strict=True):
        differences = made.outcome.differences(theirs)
        if not differences:
            continue
        exception = covering(oracle, made.state, made.outcome, theirs)
        if exception is not None:
            met[exception] += 1
        else:
            failures.append(Failure(made, oracle, theirs, tuple(differences)))
    return failures, met
