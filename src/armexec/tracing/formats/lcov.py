"""Coverage as lcov has it: lines, functions and branches by source files (geninfo(1), "FILES")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from armexec.debugger.places import Places
from armexec.isa import decode
from armexec.tracing.counts import BranchCount, Counts
from armexec.tracing.formats.lines import CoveredFunction, functions_by_file
from armexec.tracing.recorded_run import RecordedRun

__all__ = ["lcov_text", "write"]


def write(trace: RecordedRun, file: BinaryIO) -> None:
    """Write the coverage of a trace. Raises Error: no line is known."""
    file.write(lcov_text(trace.counts(), trace.places).encode())


def lcov_text(counts: Counts, places: Places) -> str:
    """The text of a tracefile. Raises Error: no line is known."""
    out = ["TN:"]
    for file, functions in functions_by_file(places).items():
        out += [f"SF:{file}", *_functions(counts, functions), *_branches(counts, places, functions)]
        lines: dict[int, int] = {}
        for function in functions:
            for pc, line in function.lines.items():
                # What is done more than once in a line counts as often as the part that is done most often.
                lines[line] = max(lines.get(line, 0), counts.executed.get(pc, 0))
        out += [f"DA:{line},{count}" for line, count in sorted(lines.items())]
        out += [f"LF:{len(lines)}", f"LH:{sum(map(bool, lines.values()))}", "end_of_record"]
    return "\n".join([*out, ""])


def _functions(counts: Counts, functions: list[CoveredFunction]) -> Iterator[str]:
    called = [counts.executed.get(function.pc, 0) for function in functions]
    for function in functions:
        yield f"FN:{function.line},{function.name}"
    for function, count in zip(functions, called, strict=True):
        yield f"FNDA:{count},{function.name}"
    yield f"FNF:{len(functions)}"
    yield f"FNH:{sum(map(bool, called))}"


def _branches(counts: Counts, places: Places, functions: list[CoveredFunction]) -> Iterator[str]:
    """Each conditional branch as two: taken and not; "-" where it was never reached."""
    found: dict[int, list[BranchCount | None]] = {}
    for function in functions:
        for pc, line in function.lines.items():
            known = counts.branches.get(pc)
            if known is not None or _is_branch(places, pc):
                found.setdefault(line, []).append(known)
    hit = 0
    for line, branches in sorted(found.items()):
        for number, branch in enumerate(branches):
            for side, count in enumerate(branch or (None, None)):
                hit += bool(count)
                yield f"BRDA:{line},{number},{side},{'-' if count is None else count}"
    yield f"BRF:{2 * sum(map(len, found.values()))}"
    yield f"BRH:{hit}"


def _is_branch(places: Places, pc: int) -> bool:
    instruction = places.instruction(pc)
    decoded = decode(instruction.word) if instruction is not None else None
    return decoded is not None and decoded.effects.control == "conditional branch"
