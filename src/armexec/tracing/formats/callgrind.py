"""Costs of functions, lines and calls as callgrind has them ("Callgrind Format Specification", Valgrind's manual): what
kcachegrind and callgrind_annotate read. A cost is a number of instructions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

from armexec.debugger.places import Place, Places
from armexec.tracing.calls import CallCost, CallCosts
from armexec.tracing.counts import Counts
from armexec.tracing.recorded_run import RecordedRun

__all__ = ["callgrind_text", "write"]

_Calls = Mapping[tuple[int, int], CallCost]


def write(trace: RecordedRun, file: BinaryIO) -> None:
    """Write the costs of a trace."""
    costs = CallCosts(trace.recording.recorder.layouts, trace.turns)
    for blocks in trace.blocks():
        costs.add(blocks)
    file.write(callgrind_text(trace.name, trace.counts(), costs.result(), trace.places).encode())


def callgrind_text(command: str, counts: Counts, calls: _Calls, places: Places) -> str:
    """The text of a profile."""
    out = [
        "# callgrind format",
        "version: 1",
        "creator: armexec",
        f"cmd: {command}",
        "positions: instr line",
        "events: Ir",
        f"summary: {sum(counts.executed.values())}",
    ]
    known = {pc: places.place(pc) for pc in counts.executed}
    by_caller: dict[int, list[tuple[int, CallCost]]] = {}
    for (caller, target), cost in calls.items():
        by_caller.setdefault(caller, []).append((target, cost))
    functions: dict[tuple[str, str, str], list[int]] = {}
    for pc, place in known.items():
        functions.setdefault((_object(places, pc), _file(place), _name(place)), []).append(pc)
    for (image, file, name), pcs in sorted(functions.items()):
        out += ["", f"ob={image}", f"fl={file}", f"fn={name}"]
        for pc in sorted(pcs):
            line = _line(known[pc])
            out.append(f"0x{pc:x} {line} {counts.executed[pc]}")
            for target, cost in sorted(by_caller.get(pc, ())):
                out += _call(places, target, cost)
                out.append(f"0x{pc:x} {line} {cost.cost}")
    return "\n".join([*out, "", f"totals: {sum(counts.executed.values())}", ""])


def _call(places: Places, target: int, cost: CallCost) -> Iterator[str]:
    place = places.place(target)
    yield f"cob={_object(places, target)}"
    yield f"cfi={_file(place)}"
    yield f"cfn={_name(place)}"
    yield f"calls={cost.calls} 0x{target:x} {_line(place)}"


def _object(places: Places, pc: int) -> str:
    found = places.image_at(pc)
    return found[0].name if found is not None else "???"


def _file(place: Place) -> str:
    return place.line.file if place.line is not None and place.line.line else "???"


def _line(place: Place) -> int:
    return place.line.line if place.line is not None else 0


def _name(place: Place) -> str:
    return place.function or place.symbol.partition("+")[0] or f"0x{place.address:x}"
