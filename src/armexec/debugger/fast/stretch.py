"""Many instructions at once, exactly as many as are wanted, with all that a session keeps of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from armexec.cpu.cpu import Cpu, Limits
from armexec.cpu.stop import StopReason
from armexec.debugger.fast.blocks import Blocks
from armexec.debugger.past.path import Counted
from armexec.debugger.past.write_log import Overwritten, WriteLog
from armexec.debugger.session_guest import SessionGuest, reads_clock
from armexec.debugger.target import Target
from armexec.engines.observed import Policy
from armexec.engines.recorded.ends import Ends, Leaves, leaves
from armexec.engines.recorded.pieces import Accesses, Piece
from armexec.engines.recorded.records import Chunk, RecordedGuest, Recorder
from armexec.engines.recorded.tables import Array, Tables, joined, spread
from armexec.engines.stepping import Run
from armexec.memory.guest.page_table import PAGE

__all__ = ["Stretch", "Stretches"]

_WATCHED = 1 << 22
"""Bytes: where more are watched, the interpreter executes."""


class _Elsewhere(Exception):
    """A stretch ends before the next instruction: the host does something there, or the session may stop there."""


@dataclass(frozen=True)
class Stretch:
    """Instructions that were executed. `begin` and `end`: times before and after. `registers`: those before. `pages`:
    numbers of the pages that were accessed."""

    begin: int
    end: int
    registers: bytes
    run: Run
    path: Counted
    stores: Overwritten
    pages: list[int]
    leaves: Leaves


class _Within:
    """A guest for which the host does nothing."""

    def __init__(self, guest: SessionGuest, stops: Collection[int]) -> None:
        inner = self._inner = guest.guest
        self._guest = guest
        self._stops = stops
        self.fetch = inner.fetch
        self.write_as_guest = inner.write_as_guest
        self.invalidate = inner.invalidate
        self.is_host_function = inner.is_host_function

    def read_as_guest(self, address: int, size: int) -> bytes:
        self._check("r", address, size)
        return self._inner.read_as_guest(address, size)

    def overwritten(self, address: int, size: int) -> bytes:
        self._check("w", address, size)
        return self._inner.overwritten(address, size)

    def _check(self, kind: str, address: int, size: int) -> None:
        if self._guest.watched_by(kind, address, size) is not None:
            raise _Elsewhere

    def hooked(self, kind: str, begin: int, end: int) -> bool:
        found = self._inner.hooked(kind, begin, end)
        if kind == "svc" or (found and kind != "code"):
            raise _Elsewhere
        return found

    def call_hooks(self, kind: str, cpu: Cpu, address: int, detail: object) -> bool:
        raise _Elsewhere

    def call_host_function(self, cpu: Cpu, address: int) -> bool:
        raise _Elsewhere

    def call_access_hooks(self, kind: str, cpu: Cpu, pc: int, address: int, data: bytes) -> None:
        raise _Elsewhere

    def registers_redirected(self, cpu: Cpu) -> bool:
        if cpu.pc in self._stops or self._inner.redirects(cpu.pc):
            raise _Elsewhere
        return False


class _Guest(RecordedGuest):
    """It refuses to execute what gives another result each time."""

    def __init__(self, guest: _Within, accessed: Callable[[str, int, int], None] | None) -> None:
        super().__init__(guest, accessed)
        self._is_executing = False
        self.registers_redirected = self._redirected

    def start(self) -> None:
        super().start()
        self._is_executing = True

    def fetch(self, address: int) -> int | None:
        word = super().fetch(address)
        # Blocks, which are read meanwhile, leave it to the interpreter.
        if self._is_executing and word is not None and reads_clock(word):
            raise _Elsewhere
        return word

    def _redirected(self, cpu: Cpu) -> bool:
        self._is_executing = False
        return self.guest.registers_redirected(cpu)


class Stretches:
    """Executes instructions of a target, whose code isn't translated otherwise."""

    def __init__(self, target: Target, policy: Policy | None = None) -> None:
        self._chunks: list[Chunk] = []
        self._recorder = Recorder(self._chunks.append)
        self._blocks = Blocks(target, self._recorder, policy)
        self._cpu = target.cpu
        self._guest = target.guest
        self._ends = Ends(self._recorder.layouts)
        self._tables = Tables(())
        self._stops: frozenset[int] = frozenset()
        self.pending: Stretch | None = None
        """The last one, until it is noted: whoever has called `run` sets None then."""

    def run(self, time: int, most: int, stops: frozenset[int], *, once_more: bool) -> Stretch | None:
        """Execute instructions until `most` were executed, a place to stop at is reached, or something else is to be
        done: a call into the host, an access to watched bytes, what the guest can't do. None where this is at once.

        All is as before when this raises, such as KeyboardInterrupt.

        Args:
            time: what time it is.
            most: how many.
            stops: addresses before which it ends.
            once_more: they were executed before, and aren't counted for limits.
        """
        guest = self._guest
        if sum(watched.end - watched.begin for watched in guest.watched) > _WATCHED:
            return None
        for address in stops - self._stops:
            self._blocks.traced.end_before(address)
        self._stops = stops
        stretch = self._run(time, most, stops, once_more=once_more)
        if stretch is not None and guest.guest.redirects(self._cpu.pc):
            # Something else happens with the last instruction: without it.
            self.undo(stretch)
            before = stretch.end - stretch.begin - 1
            return self._run(time, before, stops, once_more=once_more) if before else None
        return stretch

    def close(self) -> None:
        """Follow the target no more."""
        self._blocks.close()

    def undo(self, stretch: Stretch) -> None:
        """Have registers, memory and limits as they were before the last stretch."""
        self._cpu.restore(stretch.registers)
        log = WriteLog()
        log.extend(stretch.stores)
        log.undo(0, self._guest.guest.poke)
        stretch.run.count(stretch.begin - stretch.end)
        self.pending = None

    def _run(self, time: int, most: int, stops: frozenset[int], *, once_more: bool) -> Stretch | None:
        cpu = self._cpu
        before = cpu.save()
        run = Run(cpu, Limits(instructions=most), once_more=once_more)
        guest = _Guest(_Within(self._guest, stops), self._blocks.accessed)
        watched = [(watched.begin, watched.end) for watched in self._guest.watched]
        try:
            with self._blocks.withheld(watched):
                try:
                    stop = self._blocks.traced.trace(guest, run)
                except _Elsewhere:
                    stop = None
            if stop is not None and stop.reason is StopReason.INTERRUPTED:
                # For whoever looks next.
                cpu.interrupt()
            self.pending = self._taken(time, before, run)
            return self.pending
        except BaseException:
            # What the interpreter was executing may not have been recorded.
            for is_write, address, old, _ in reversed(guest.accesses):
                if is_write:
                    self._guest.guest.poke(address, old)
            stretch = self._taken(time, before, run)
            if stretch is not None:
                self.undo(stretch)
            cpu.restore(before)
            self.pending = None
            raise
        finally:
            for chunk in self._chunks:
                self._recorder.reuse(chunk)
            self._chunks.clear()

    # -- what was recorded --------------------------------------------------------------------------------------------
    def _taken(self, time: int, registers: bytes, run: Run) -> Stretch | None:
        """The stretch that was executed since `time`; None if there was no instruction."""
        self._recorder.flush()
        if not self._chunks:
            return None
        layouts = self._recorder.layouts
        if len(self._tables.count) != len(layouts.known):
            self._tables = Tables(layouts.known)
        self._ends.update()
        pieces: list[Piece] = []
        end = time
        for chunk in self._chunks:
            headers = np.frombuffer(chunk.headers, np.uint64, chunk.header_bytes // 8)
            data = np.frombuffer(chunk.data, np.uint64, chunk.data_bytes // 8)
            pieces.append(Piece(self._tables, end, headers, data))
            end += pieces[-1].rows
        layout, executed, sp = (
            joined([getattr(piece, name) for piece in pieces], np.int64) for name in ("layout", "executed", "sp")
        )
        following = np.append(self._ends.start[layout[1:]], np.uint64(self._cpu.pc))
        accesses = Accesses(
            *(joined(column, np.uint64) for column in zip(*(p.accesses() for p in pieces), strict=True))
        )
        return Stretch(
            time,
            end,
            registers,
            run,
            self._path(time, end, layout, executed),
            _stores(accesses),
            _pages(accesses),
            leaves(self._ends, layout, executed, sp, following, time + np.cumsum(executed)),
        )

    def _path(self, time: int, end: int, layout: Array, executed: Array) -> Counted:
        """Which instructions were executed, how often, and when last."""
        width = int(executed.max()) + 1
        kind = layout * width + executed
        often = np.bincount(kind)
        last = np.zeros(len(often), np.int64)
        np.maximum.at(last, kind, time + np.cumsum(executed) - executed)
        kinds = np.flatnonzero(often)
        found = spread(kinds % width)
        chosen = kinds[found.row]
        every = self._ends.start[chosen // width] + (4 * found.within).astype(np.uint64)
        pcs, inverse = np.unique(every, return_inverse=True)
        counts = np.bincount(inverse, often[chosen], len(pcs)).astype(np.int64)
        latest = np.zeros(len(pcs), np.int64)
        np.maximum.at(latest, inverse, last[chosen] + found.within)
        return Counted(time, end, pcs, counts, latest)


def _stores(accesses: Accesses) -> Overwritten:
    """The stores, once for each address and size."""
    at = np.flatnonzero(accesses.is_write)
    address, size, time = accesses.address[at], accesses.size[at].astype(np.uint64), accesses.time[at]
    # An address of the guest has 56 bits at most, and a size is 16 at most.
    key = address << np.uint64(5) | size
    order = np.argsort(key, kind="stable")
    begins = np.concatenate([[True], key[order][1:] != key[order][:-1]]) if len(at) else np.zeros(0, bool)
    first, last = order[begins], order[np.concatenate([begins[1:], [True]])] if len(at) else order
    by_time = np.argsort(first)
    first, last = first[by_time], last[by_time]
    old = np.stack([accesses.old[at][first], accesses.old_high[at][first]], axis=1)
    content = old.view(np.uint8).reshape(-1, 16)[np.arange(16) < size[first, None]]
    return Overwritten(time[first], time[last], address[first], size[first], content.tobytes())


def _pages(accesses: Accesses) -> list[int]:
    first = accesses.address // np.uint64(PAGE)
    last = (accesses.address + accesses.size.astype(np.uint64) - np.uint64(1)) // np.uint64(PAGE)
    found: list[int] = np.unique(np.concatenate([np.unique(first), last[last != first]])).tolist()
    return found
