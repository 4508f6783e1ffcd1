"""A run at one of its times, from what was recorded: nothing is executed for it."""

from __future__ import annotations

from typing import SupportsIndex

from armexec.cpu.views import VectorBits
from armexec.debugger.places import Places
from armexec.explorer.runs.recording import PART, SLOTS, Recording

__all__ = ["Moment", "Registers"]

_SP, _PC, _NZCV, _V = (SLOTS.index(name) for name in ("sp", "pc", "nzcv", "v0"))
_FPCR, _FPSR = SLOTS.index("fpcr"), SLOTS.index("fpsr")


class Registers:
    """Registers at a time, with the names that a Cpu has. `values` are those of `SLOTS`."""

    def __init__(self, values: list[int]) -> None:
        self.values = values

    @property
    def x(self) -> list[int]:
        return self.values

    @property
    def w(self) -> list[int]:
        return [value & 0xFFFF_FFFF for value in self.values[:31]]

    @property
    def v(self) -> list[VectorBits]:
        return [VectorBits(value.to_bytes(16, "little"), n) for n, value in enumerate(self.values[_V : _V + 32])]

    @property
    def sp(self) -> int:
        return self.values[_SP]

    @property
    def pc(self) -> int:
        return self.values[_PC]

    @property
    def nzcv(self) -> int:
        return self.values[_NZCV]

    @property
    def fpcr(self) -> int:
        return self.values[_FPCR]

    @property
    def fpsr(self) -> int:
        return self.values[_FPSR]


class _Memory:
    def __init__(self, recording: Recording, moment: Moment) -> None:
        self._recording = recording
        self._moment = moment

    def read(self, address: SupportsIndex, size: SupportsIndex) -> bytes:
        """Some bytes. Raises Error where nothing can be read now."""
        session = self._recording.session
        data = session.memory.read(address, size)
        return self._recording.written.moved(int(address), data, session.time, self._moment.time)


class Moment:
    """A run at a time, as conditions and the page see it: `cpu`, `memory` and `places`. `go` moves it."""

    def __init__(self, recording: Recording, time: int) -> None:
        self._recording = recording
        self.places: Places = recording.session.places
        self.memory = _Memory(recording, self)
        self._read_part(time // PART)
        self.go(time)

    def _read_part(self, index: int) -> None:
        part = self._recording.part(index)
        self._index = index
        self._steps: list[list[list[int | str]]] = part["steps"]
        self._first = [int(value, 16) for value in part["registers"]]
        self.cpu = Registers(list(self._first))
        self.time: int = part["begin"]

    def go(self, time: int) -> None:
        """Go to another time, between 0 and the end. A little later takes the least time."""
        if time // PART != self._index:
            self._read_part(time // PART)
        if time < self.time:
            self.cpu, self.time = Registers(list(self._first)), self._index * PART
        values, begin = self.cpu.values, self._index * PART
        for changed, *_ in self._steps[self.time - begin : time - begin]:
            for slot, value in zip(changed[::2], changed[1::2], strict=True):
                values[int(slot)] = int(value, 16)  # type: ignore[arg-type]
        self.time = time
