"""Samples of translated code: from host pcs to places of the guest."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from armexec.memory import process_map
from armexec.translate.codegen.link import HostCode
from armexec.translate.observe.naming import Naming

if TYPE_CHECKING:
    from armexec.translate.events import LinkedCode, TranslatedImage
    from armexec.translate.unit_registry import Names

__all__ = ["CodeRanges", "Sample", "places"]


class Sample(NamedTuple):
    """So many samples at an address of the guest; of code that belongs to no instruction, `address` is None."""

    names: Names | None
    address: int | None
    samples: int


class CodeRanges:
    """A listener (`events`) that tells where translated code is, and keeps it there, so that pcs stay good.

    `add`: told where code begins and ends. `images`: all that there were.
    """

    def __init__(self, add: Callable[[int, int], None]) -> None:
        self._add = add
        self.images: list[TranslatedImage] = []

    def began(self, image: TranslatedImage) -> None:
        self.images.append(image)
        self._tell({unit.begin for unit in tuple(image.units)})

    def linked(self, code: HostCode) -> None:
        self._tell({code.address("begin")})

    def _tell(self, starts: set[int]) -> None:
        if starts:
            for entry in process_map():
                if any(entry.start <= start < entry.end for start in starts):
                    self._add(entry.start, entry.end)


def places(counts: Mapping[int, int], images: Iterable[TranslatedImage]) -> Iterator[Sample]:
    """Samples by host pc as samples by place of the guest. Raises HostError."""
    units = sorted(((unit, image) for image in images for unit in image.units), key=lambda of: of[0].begin)
    starts = [unit.begin for unit, _ in units]
    for pc, count in counts.items():
        index = bisect_right(starts, pc) - 1
        if index < 0:
            yield Sample(None, None, count)
            continue
        unit, image = units[index]
        address = _guest_address(unit, pc)
        yield Sample(image.code.names if address is not None else None, address, count)


def _guest_address(unit: LinkedCode, pc: int) -> int | None:
    """The guest instruction that a host pc belongs to, else the first of its function, else None."""
    found = unit.guest_pc(pc)
    if found is not None:
        return found
    naming = Naming(offsets={function.offset for function in unit.compiled.functions} | {unit.compiled.entry})
    made = naming.guest(unit.host_function(pc) or "")
    return None if made is None else unit.base + made[0]
