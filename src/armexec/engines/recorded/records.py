"""Recording of executed instructions: buffers, and single instructions that the interpreter executes.

The form is that of `translate/observed/records.py`, whoever executes.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from typing import NamedTuple, Protocol

from armexec.cpu.cpu import Cpu
from armexec.cpu.state import OFFSETS, CpuState
from armexec.cpu.stop import Stop
from armexec.engines.running import Guest
from armexec.engines.stepping import Run, Stepper
from armexec.isa.transfers import Transfer, transfer
from armexec.translate.observed.records import (
    NZCV_NUMBER,
    REGISTER_NAMES,
    SP_NUMBER,
    V0_NUMBER,
    AccessSlot,
    Control,
    Layouts,
    Slots,
    written_by,
)
from armexec.translate.observed.traced import MOST

__all__ = ["Chunk", "RecordedGuest", "Recorder", "RecordingStepper", "TracedGuest"]

_HEADERS, _DATA = 1 << 22, 1 << 26
"""Bytes of a chunk of either stream, for blocks and for results. What isn't used of them takes addresses, no memory."""
_LEAST = 1 << 15
"""There is no more room when there is none for so many instructions."""
_SMALL = 1 << 19
"""Bytes of a chunk of the first stream, where it is looked at and forgotten: so it stays in the processor's caches."""
_PIECE = 16


class Chunk(NamedTuple):
    """A part of both streams, with the bytes of each that count."""

    headers: mmap.mmap
    header_bytes: int
    data: mmap.mmap
    data_bytes: int


class Recorder:
    """Both streams of a run, and the layouts of its blocks.

    `take` is given each chunk when it is full, and the last by `flush`. `values`: without it, the second stream has
    stack pointers only, and a chunk's memory is used again when `take` has returned.
    """

    def __init__(self, take: Callable[[Chunk], None], *, values: bool = True) -> None:
        self.layouts = Layouts()
        self.values = values
        self.control = Control()
        self._take = take
        self._headers: mmap.mmap
        self._data: mmap.mmap
        self._at = 0, 0
        self._free: list[tuple[mmap.mmap, mmap.mmap]] = []
        self._map()

    @property
    def address(self) -> int:
        """The address of `control`."""
        return ctypes.addressof(self.control)

    def _map(self) -> None:
        if self._free:
            self._headers, self._data = self._free.pop()
        else:
            self._headers = _private(_HEADERS if self.values else _SMALL)
            self._data = _private(_DATA if self.values else _SMALL)
        self._begin()

    def reuse(self, chunk: Chunk) -> None:
        """Write over the memory of a chunk that nobody looks at any more."""
        self._free.append((chunk.headers, chunk.data))

    def _begin(self) -> None:
        self._at = headers, data = _address(self._headers), _address(self._data)
        self.control.header, self.control.data = headers, data

    @property
    def room(self) -> int:
        """For how many instructions there is room."""
        headers: int = (self._at[0] + len(self._headers) - self.control.header) // 8 - 1
        if not self.values:
            return headers
        results: int = (self._at[1] + len(self._data) - self.control.data) // MOST
        return min(headers, results)

    @property
    def is_full(self) -> bool:
        """Whether there is room for few instructions only."""
        return self.room < _LEAST

    def flush(self) -> None:
        """Have what was recorded taken, and begin another chunk."""
        control = self.control
        header_bytes, data_bytes = control.header - self._at[0], control.data - self._at[1]
        if header_bytes:
            self._take(Chunk(self._headers, header_bytes, self._data, data_bytes))
            if self.values:
                self._map()
            else:
                self._begin()

    def add(self, start: int, word: int, slots: Slots, record: bytes) -> None:
        """Record one instruction."""
        if self.is_full:
            self.flush()
        control = self.control
        entry = 1 << 32 | self.layouts.number(start, (word,), (slots,))
        ctypes.memmove(control.data, record, len(record))
        ctypes.memmove(control.header, entry.to_bytes(8, "little"), 8)
        control.data += len(record)
        control.header += 8


def _private(size: int) -> mmap.mmap:
    """New memory. It isn't shared, which worker processes couldn't have."""
    return mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def _address(memory: mmap.mmap) -> int:
    # The view keeps the memory from being closed, but not from being freed with the object.
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


class TracedGuest(Guest, Protocol):
    """A guest that something may go on with elsewhere after each instruction."""

    def registers_redirected(self, cpu: Cpu) -> bool:
        """Change the registers where something else runs in the place of what is at the pc; whether they were."""


class RecordedGuest:
    """A guest whose accesses are noted. `accessed` is told of those that it allows: the kind, address and size."""

    def __init__(self, guest: TracedGuest, accessed: Callable[[str, int, int], None] | None = None) -> None:
        self.guest = guest
        self.accesses: list[tuple[bool, int, bytes, bytes]] = []
        """Whether it is a write, the address, the old bytes, and the new ones."""
        self.word = 0
        self.is_external = False
        """Whether the host has done something for the instruction."""
        self._accessed = accessed
        self._old: tuple[int, bytes] = (0, b"")
        self.invalidate = guest.invalidate
        self.hooked = guest.hooked
        self.is_host_function = guest.is_host_function
        self.registers_redirected = guest.registers_redirected

    def start(self) -> None:
        """An instruction begins."""
        self.accesses = []
        self.is_external = False

    def fetch(self, address: int) -> int | None:
        word = self.guest.fetch(address)
        self.word = word or 0
        return word

    def read_as_guest(self, address: int, size: int) -> bytes:
        data = self.guest.read_as_guest(address, size)
        self.accesses.append((False, address, data, data))
        if self._accessed is not None:
            self._accessed("read", address, size)
        return data

    def overwritten(self, address: int, size: int) -> bytes:
        data = self.guest.overwritten(address, size)
        self._old = address, data
        return data

    def write_as_guest(self, address: int, data: bytes) -> None:
        before, old = self._old
        self.guest.write_as_guest(address, data)
        self.accesses.append((True, address, old if before == address else data, data))
        if self._accessed is not None:
            self._accessed("write", address, len(data))

    def call_hooks(self, kind: str, cpu: Cpu, address: int, detail: object) -> bool:
        self.is_external = True
        return self.guest.call_hooks(kind, cpu, address, detail)

    def call_host_function(self, cpu: Cpu, address: int) -> bool:
        self.is_external = True
        return self.guest.call_host_function(cpu, address)

    def call_access_hooks(self, kind: str, cpu: Cpu, pc: int, address: int, data: bytes) -> None:
        self.is_external = True
        self.guest.call_access_hooks(kind, cpu, pc, address, data)


class RecordingStepper(Stepper):
    """Executes instructions one at a time, and records each that is complete."""

    def __init__(self, run: Run, guest: RecordedGuest, recorder: Recorder) -> None:
        super().__init__(run, guest)
        self._recorded = guest
        self._recorder = recorder
        self._earlier = ctypes.create_string_buffer(ctypes.sizeof(CpuState))

    def step(self) -> Stop | None:
        guest, run = self._recorded, self.run
        pc, executed = int(self.state.pc), run.executed
        ctypes.memmove(self._earlier, self._address, self._size)
        guest.start()
        stop = None
        try:
            stop = super().step()
        finally:
            # A hook may have raised when the instruction was complete.
            if run.executed != executed and self._complete(stop, pc):
                self._record(pc)
        return stop

    def _complete(self, stop: Stop | None, pc: int) -> bool:
        return stop is None or int(self.state.pc) != pc

    def _record(self, pc: int) -> None:
        guest = self._recorded
        leaves = transfer(guest.word) is not Transfer.DIRECT
        state = ctypes.string_at(self._address, self._size)
        slots, record = self._values(state) if self._recorder.values else (Slots(), bytearray())
        if leaves:
            record += _register(state, SP_NUMBER)
        self._recorder.add(pc, guest.word, slots._replace(sp=leaves), bytes(record))

    def _values(self, state: bytes) -> tuple[Slots, bytearray]:
        """The accesses and the registers of the instruction."""
        guest = self._recorded
        registers = set(written_by(guest.word))
        if guest.is_external:
            registers |= self._changed()
        slots: list[AccessSlot] = []
        record = bytearray()
        for is_write, address, old, new in guest.accesses:
            for at in range(0, len(new), _PIECE):
                size = min(len(new) - at, _PIECE)
                room = 8 if size <= 8 else 16
                slots.append(AccessSlot(is_write, size))
                record += (address + at & (1 << 64) - 1).to_bytes(8, "little")
                for data in (old, new) if is_write else (new,):
                    record += data[at : at + size].ljust(room, b"\0")
        numbers = tuple(sorted(registers))
        for number in numbers:
            record += _register(state, number)
        return Slots(tuple(slots), numbers), record

    def _changed(self) -> set[int]:
        """The registers that differ from before."""
        before, after = self._earlier.raw, ctypes.string_at(self._address, self._size)
        return {n for n in range(len(REGISTER_NAMES)) if _register(before, n) != _register(after, n)}


_X, _SP, _FLAGS, _V = OFFSETS["x"], OFFSETS["sp"], OFFSETS["n"], OFFSETS["v_registers"]


def _register(state: bytes, number: int) -> bytes:
    """A register as it is recorded."""
    if number < SP_NUMBER:
        return state[_X + 8 * number : _X + 8 * number + 8]
    if number == SP_NUMBER:
        return state[_SP : _SP + 8]
    if number == NZCV_NUMBER:
        n, z, c, v = state[_FLAGS : _FLAGS + 4]
        return (n << 3 | z << 2 | c << 1 | v).to_bytes(8, "little")
    begin = _V + 16 * (number - V0_NUMBER)
    return state[begin : begin + 16]
