"""Samples of translated code: from host pcs to places of the guest."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from armexec.memory import process_map
from armexec.translate.codegen.link import HostCode
from armexec.translate.observe.naming import Naming

if TYPE_CHECKING:
    from armexec.translate.execute.linked_unit import LinkedUnit
    from armexec.translate.execute.runtime import Translator
    from armexec.translate.unit_registry import Names

__all__ = ["CodeRanges", "Sample", "places"]


class Sample(NamedTuple):
    """So many samples at an address of the guest; of code that belongs to no instruction, `address` is None."""

    names: Names | None
    address: int | None
    samples: int


class CodeRanges:
    """A watcher (`events`) that tells where translated code is, and keeps it there, so that pcs stay good.

    `add`: told where code begins and ends. `translators`: all that there were.
    """

    def __init__(self, add: Callable[[int, int], None]) -> None:
        self._add = add
        self.translators: list[Translator] = []

    def began(self, translator: Translator) -> None:
        self.translators.append(translator)
        self._tell({unit.begin for unit in tuple(translator.units)})

    def linked(self, code: HostCode) -> None:
        self._tell({code.address("begin")})

    def _tell(self, starts: set[int]) -> None:
        if starts:
            for entry in process_map():
                if any(entry.start <= start < entry.end for start in starts):
                    self._add(entry.start, entry.end)


def places(counts: Mapping[int, int], translators: Iterable[Translator]) -> Iterator[Sample]:
    """Samples by host pc as samples by place of the guest. Raises HostError."""
    units = sorted(
        ((unit, translator) for translator in translators for unit in translator.units), key=lambda of: of[0].begin
    )
    starts = [unit.begin for unit, _ in units]
    for pc, count in counts.items():
        index = bisect_right(starts, pc) - 1
        if index < 0:
            yield Sample(None, None, count)
            continue
        unit, translator = units[index]
        address = _guest_address(unit, pc)
        yield Sample(translator.code.names if address is not None else None, address, count)


def _guest_address(unit: LinkedUnit, pc: int) -> int | None:
    """The guest instruction that a host pc belongs to, else the first of its function, else None."""
    found = unit.guest_pc(pc)
    if found is not None:
        return found
    naming = Naming(offsets={function.offset for function in unit.compiled.functions} | {unit.compiled.entry})
    made = naming.guest(unit.host_function(pc) or "")
    return None if made is None else unit.base + made[0]
