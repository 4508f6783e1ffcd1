"""What a session has done, as the page is told: what each instruction has changed, in parts of 512.

The page has the registers at the beginning of a part and applies the changes itself, so that moving the slider asks
nobody.
"""

from __future__ import annotations

import json
import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable
from operator import itemgetter
from time import monotonic
from typing import Any

from armexec.cpu.registers import REGISTERS
from armexec.cpu.stop import Stop
from armexec.debugger import Session
from armexec.debugger.call_stack import OpenCall
from armexec.errors import Error
from armexec.explorer.runs.accesses import Accesses
from armexec.explorer.runs.written_bytes import WrittenBytes

__all__ = ["PART", "SLOTS", "Recording", "registers_of"]

PART = 512
"""Instructions of a part."""
SLOTS = (*(f"x{n}" for n in range(31)), "sp", "pc", "nzcv", *(f"v{n}" for n in range(32)), "fpcr", "fpsr", "tpidr_el0")
"""The registers in the order in which the page has them."""
_LARGEST = 4096
"""Bytes of one change of memory that the page is told."""
_GENERAL = struct.Struct("<33Q4B")
_VECTORS = REGISTERS["v0"].offset
_SYSTEM = struct.Struct("<3Q")
_FPCR_OFFSET = REGISTERS["fpcr"].offset


def registers_of(state: bytes) -> list[int]:
    """The values of `SLOTS` in the bytes of a Cpu's state."""
    return [*_general(state), *_vectors(state), *_SYSTEM.unpack_from(state, _FPCR_OFFSET)]


def _general(state: bytes) -> list[int]:
    """The values up to the flags."""
    *general, n, z, c, v = _GENERAL.unpack_from(state)
    return [*general, n << 3 | z << 2 | c << 1 | v]


def _vectors(state: bytes) -> list[int]:
    return [int.from_bytes(state[at : at + 16], "little") for at in range(_VECTORS, _VECTORS + 512, 16)]


class Recording:
    """A session that is run once, from its time on. `parts`: JSON of each finished part; `sp`, `pcs`: the stack pointer
    and the pc at each time; `outputs`: the times after which there was output, with its length then; `accesses` and
    `written`: those of memory, and what they have written."""

    def __init__(
        self,
        session: Session,
        base: int,
        written: Callable[[], int],
        check: Callable[[str, int, bytes, bytes], object] = lambda *access: None,
    ) -> None:
        """`base`: what addresses of instructions count from. `written`: how many bytes of output there are. `check`: is
        called for each access, as `SessionGuest.access` is."""
        self.session = session
        self.base = base
        self.parts: list[str] = []
        self.sp = array("Q")
        self.pcs = array("Q")
        self.outputs: list[tuple[int, int]] = []
        self.calls: list[tuple[int, OpenCall | None]] = [(0, session.timeline.calls.innermost)]
        self.accesses = Accesses()
        self.written = WrittenBytes()
        self.end = 0
        self._written = written
        self._check = check
        self._output = 0
        state = session.cpu.save()
        self._registers = registers_of(state)
        self._rest = state[_VECTORS:]
        self._begin_part()

    def _begin_part(self) -> None:
        self._first = [f"{value:x}" for value in self._registers]
        self._pcs: list[int] = []
        self._steps: list[Any] = []

    def extend(self, count: int, seconds: float) -> Stop | None:
        """Go on by at most so many instructions and seconds; why it can't go on, None if it can."""
        session = self.session
        if session.time != self.end:
            session.goto(self.end)
        timeline, cpu = session.timeline, session.cpu
        log, state, base = timeline.guest.log, cpu.state, self.base
        timeline.begin(session.target.leave)
        until = monotonic() + seconds
        last = self.end + count
        timeline.guest.access = self._access
        try:
            while self.end < last:
                stop = timeline.over()
                if stop is not None:
                    return stop
                pc, logged = int(state.pc), len(log)
                self.sp.append(int(state.sp))
                stop = session.forward()
                if session.time == self.end:
                    self.sp.pop()
                    return stop
                self._pcs.append(pc - base)
                self.pcs.append(pc)
                self._steps.append(self._changes(cpu.save(), log.written_since(logged), self.end))
                self.end += 1
                if timeline.calls.innermost is not self.calls[-1][1]:
                    self.calls.append((self.end, timeline.calls.innermost))
                if timeline.guest.is_external and (output := self._written()) != self._output:
                    self._output = output
                    self.outputs.append((self.end, output))
                if len(self._pcs) == PART:
                    self.parts.append(self._part())
                    self._begin_part()
                if stop is not None:
                    return stop
                if not self.end % 256 and monotonic() > until:
                    return None
        finally:
            timeline.guest.access = None
            timeline.settle()
        return None

    def change(self, change: Callable[[], object]) -> tuple[list[str], list[str]]:
        """Have registers or memory changed by hand now, at the end; the names of the registers that are other ones, and
        the bytes, as address, old and new. The state after the last instruction becomes that after the change."""
        session = self.session
        if session.time != self.end:
            session.goto(self.end)
        log = session.timeline.guest.log
        logged, is_external = len(log), session.timeline.guest.is_external
        session.timeline.guest.is_external = False
        change()
        registers, *more = self._changes(session.cpu.save(), log.written_since(logged), self.end - 1)
        session.timeline.guest.is_external = is_external
        memory = more[0] if more else []
        for slot, value in zip(registers[::2], registers[1::2], strict=True):
            if not self._pcs:
                self._first[slot] = value
        if self._steps:
            step = self._steps[-1]
            step[0] += registers
            if memory:
                step[1:] = [[*(step[1] if len(step) > 1 else []), *memory]]
        return [SLOTS[slot] for slot in registers[::2]], memory

    def _access(self, kind: str, address: int, old: bytes, new: bytes) -> None:
        self.accesses.add(self.end, kind, address, len(new))
        self._check(kind, address, old, new)

    def _changes(self, after: bytes, written: list[tuple[int, bytes]], time: int) -> list[Any]:
        """The registers that differ, as number and value, and the bytes, as address, old and new, from a time to the
        next one."""
        now = self._registers
        # The rest changes seldom, and takes longer to compare.
        known = _general(after) if after[_VECTORS:] == self._rest else registers_of(after)
        self._rest = after[_VECTORS:]
        registers: list[int | str] = []
        for slot, new in enumerate(known):
            if now[slot] != new:
                now[slot] = new
                registers += (slot, f"{new:x}")
        memory: list[str] = []
        for address, bytes_before in written:
            try:
                bytes_now = self.session.memory.read(address, len(bytes_before))
            except Error:
                continue
            self.written.add(time, address, bytes_before, bytes_now)
            memory += _difference(address, bytes_before, bytes_now)
        if self.session.timeline.guest.is_external:
            # The host's writes are no accesses of instructions.
            for address_text, _, new_text in zip(memory[::3], memory[1::3], memory[2::3], strict=True):
                self.accesses.add(time, "write", int(address_text, 16), len(new_text) // 2)
        return [registers, memory] if memory else [registers]

    def _part(self) -> str:
        return json.dumps(
            {"begin": self.end - len(self._pcs), "registers": self._first, "pcs": self._pcs, "steps": self._steps},
            separators=(",", ":"),
        )

    def call_at(self, time: int) -> OpenCall | None:
        """The innermost call that is going on at a time."""
        return self.calls[bisect_right(self.calls, time, key=itemgetter(0)) - 1][1]

    def part(self, index: int) -> Any:
        """A part, also the last, which isn't finished."""
        if 0 <= index < len(self.parts):
            return json.loads(self.parts[index])
        return json.loads(self._part()) if index == len(self.parts) else None


def _difference(address: int, old: bytes, new: bytes) -> list[str]:
    """A change of memory without the bytes at its ends that are as before, if it is large."""
    if len(old) > 64:
        different = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
        if not different:
            return []
        first, end = different[0], min(different[-1] + 1, different[0] + _LARGEST)
        address, old, new = address + first, old[first:end], new[first:end]
    return [f"{address:x}", old.hex(), new.hex()]
