"""The plan of a benchmark: the choice of what is measured, and measuring it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from armexec.bench.contenders.choice import choose
from armexec.bench.contenders.runner import Contender
from armexec.bench.kernels import Kernel
from armexec.bench.measurements.arrays import measure_arrays
from armexec.bench.measurements.calls import measure_calls
from armexec.bench.measurements.debugging import measure_debugging
from armexec.bench.measurements.first_call import measure_first_call
from armexec.bench.measurements.hot import measure_kernel
from armexec.bench.measurements.startup import measure_startup
from armexec.bench.measurements.text import measure_text
from armexec.bench.reports.report import Report, describe_machine
from armexec.errors import Error

__all__ = ["PARTS", "Plan", "choose_parts"]

PARTS = ("kernels", "first", "calls", "arrays", "text", "startup", "debugging")
"""The names that `--parts` takes."""

_ROUNDS, _QUICK_ROUNDS = 9, 3
_PROCESS_ROUNDS = 5
"""Maximum number of rounds of whole processes, which take a second each."""
_CALLS, _QUICK_CALLS = 50_000, 2_000


def choose_parts(names: Iterable[str]) -> tuple[str, ...]:
    """The parts of these names, in the order of PARTS. Raises Error if there is no part of a name."""
    wanted = set(names)
    for name in sorted(wanted - set(PARTS)):
        near = difflib.get_close_matches(name, PARTS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise Error(f"there is no part {name!r}{hint} The parts are {', '.join(PARTS)}")
    return tuple(part for part in PARTS if part in wanted)


@dataclass
class Plan:
    """The choice of what is measured: `engines` of `CHOICES` (all if empty), `tier` as for `contenders.choice.choose`.

    `rounds` is 9 unless given, 3 for `quick`, which also gives the kernels less to do.
    """

    kernels: Sequence[Kernel]
    parts: Sequence[str] = PARTS
    engines: Sequence[str] = ()
    rounds: int | None = None
    quick: bool = False
    tier: str | None = None
    _rounds: int = field(init=False)
    _contenders: list[Contender] = field(init=False)
    _absent: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Choose the contenders. Raises Error: an engine isn't known, or none can run."""
        self._contenders, self._absent = choose(self.engines, self.tier)
        self._rounds = self.rounds or (_QUICK_ROUNDS if self.quick else _ROUNDS)

    @property
    def steps(self) -> int:
        """The number of steps that `measure` has."""
        return sum(len(self.kernels) if part in ("kernels", "first") else 1 for part in self.parts)

    def measure(self, say: Callable[[str], None], step: Callable[[], None]) -> Report:
        """Measure everything; `say` is called with the current activity, `step` after each step.

        Raises:
            Error: something can't run after all, or two contenders differ.
        """
        rounds = self._rounds
        processes = 1 if self.quick else min(rounds, _PROCESS_ROUNDS)
        settings = {"rounds": rounds, "process_rounds": processes, "quick": self.quick, "tier": self.tier}
        described = {contender.name: contender.describe() for contender in self._contenders}
        report = Report(describe_machine(), settings, described, self._absent)
        if "kernels" in self.parts:
            for kernel in self.kernels:
                count = kernel.quick if self.quick else kernel.count
                report.kernels[kernel.name] = measure_kernel(kernel, count, self._contenders, rounds, say)
                step()
        if "first" in self.parts:
            say("first calls")
            measure_first_call(self.kernels[0], self.tier)  # leaves bytecode
            for kernel in self.kernels:
                both = report.first_calls[kernel.name] = {"cold": [], "warm": []}
                for number in range(processes):
                    say(f"{kernel.name}: first calls, round {number + 1} of {processes}")
                    for which, moments in measure_first_call(kernel, self.tier).items():
                        both[which].append(moments)
                step()
        if "calls" in self.parts:
            say("calls")
            report.calls = measure_calls(rounds, _QUICK_CALLS if self.quick else _CALLS)
            step()
        if "arrays" in self.parts:
            say("arrays")
            report.arrays = measure_arrays(processes if self.quick else rounds, quick=self.quick)
            step()
        if "text" in self.parts:
            say("assembler and disassembler")
            report.text = measure_text()
            step()
        if "startup" in self.parts:
            say("start-up")
            report.startup = measure_startup(processes)
            step()
        if "debugging" in self.parts:
            say("sessions and traces")
            unicorn = not self.engines or "unicorn" in self.engines
            report.debugging = measure_debugging(quick=self.quick, unicorn=unicorn, say=say)
            step()
        return report
