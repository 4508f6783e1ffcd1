"""A run that was recorded, as columns and as rows."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from functools import cached_property
from typing import Any, SupportsIndex

import numpy as np

from armexec.cpu.stop import Stop
from armexec.debugger.places import Places
from armexec.engines.recorded.pieces import Accesses, Writes
from armexec.engines.recorded.tables import Array, joined
from armexec.tracing.columns import MemoryAccesses, RegisterWrites
from armexec.tracing.counts import BlockCounts, Counts
from armexec.tracing.recording import Recording
from armexec.tracing.rows import Row, Rows
from armexec.tracing.run import End
from armexec.tracing.turns import Blocks, Turns

__all__ = ["RecordedRun"]


class RecordedRun:
    """The data of a `Trace`. `turns` says which thread of the guest ran when."""

    def __init__(self, name: str, recording: Recording, places: Places, end: End, turns: Turns) -> None:
        self.name = name
        self.turns = turns
        self._end = end
        self.places = places
        self.result: Any = end.result
        self.error = end.error
        self.stop: Stop | None = end.stop
        self.first = recording.first
        self.recording = recording

    def __len__(self) -> int:
        return self.recording.end - self.first

    # -- columns ------------------------------------------------------------------------------------------------------
    @property
    def time(self) -> Array:
        """The number of each instruction: how many were executed before it."""
        return np.arange(self.first, self.recording.end)

    @property
    def thread(self) -> Array:
        """The number of the thread that has executed each instruction, as `Session.thread` has it."""
        return self.turns.at(self.time)

    @cached_property
    def _instructions(self) -> Array:
        """Each instruction as its place in the tables; of 4 bytes, since there may be many."""
        found = joined([piece.instructions().astype(np.uint32) for piece in self.recording.pieces], np.uint32)
        return found[len(found) - len(self) :]

    @cached_property
    def pc(self) -> Array:
        """The address of each instruction."""
        return self.recording.tables.pc[self._instructions]

    @cached_property
    def word(self) -> Array:
        """The word of each instruction."""
        return self.recording.tables.word[self._instructions]

    @cached_property
    def registers(self) -> RegisterWrites:
        """The registers that were written."""
        found = [piece.writes() for piece in self.recording.pieces]
        columns = Writes(*(joined(column, np.uint64) for column in zip(*found, strict=True))) if found else _no(Writes)
        kept = Writes(*(column[columns.time >= self.first] for column in columns))
        return RegisterWrites(kept.time, self.pc[kept.time - self.first], *kept[1:])

    @cached_property
    def memory(self) -> MemoryAccesses:
        """The accesses to memory."""
        found = [piece.accesses() for piece in self.recording.pieces]
        columns = (
            Accesses(*(joined(column, np.uint64) for column in zip(*found, strict=True))) if found else _no(Accesses)
        )
        kept = Accesses(*(column[columns.time >= self.first] for column in columns))
        return MemoryAccesses(kept.time, self.pc[kept.time - self.first], *kept[1:])

    # -- blocks -------------------------------------------------------------------------------------------------------
    def blocks(self) -> Iterator[Blocks]:
        """The blocks that were executed, from the first one that is complete."""
        for piece in self.recording.pieces:
            kept = np.flatnonzero(piece.times >= self.first)
            if len(kept):
                yield from self.turns.split(piece.headers[kept], piece.sp[kept], int(piece.times[kept[0]]))

    def counts(self) -> Counts:
        """How often each instruction was executed, and each branch taken."""
        counted = BlockCounts(self.recording.recorder.layouts)
        for blocks in self.blocks():
            counted.add(blocks.headers, blocks.thread)
        for thread, pc in self._end.pcs.items():
            counted.end(pc, thread)
        return counted.result()

    # -- rows ---------------------------------------------------------------------------------------------------------
    @cached_property
    def _rows(self) -> Rows:
        return Rows(self.places, self.turns)

    def __iter__(self) -> Iterator[Row]:
        return self.between(self.first, self.recording.end)

    def between(self, begin: int, end: int) -> Iterator[Row]:
        """The rows from one time on and before another, as far as they are there."""
        begin = max(begin, self.first)
        for piece in self.recording.pieces:
            if piece.first + piece.rows > begin and piece.first < end:
                yield from self._rows.of(piece, begin, end)

    def lines(self) -> Iterator[str]:
        """The rows as text, each behind its thread where there are several."""
        for row in self:
            yield f"{row.thread:>6} {row}" if self.turns.are_several else str(row)

    def __getitem__(self, index: SupportsIndex) -> Row:
        """The row of a number, from the end if it is negative. Raises IndexError."""
        at = operator.index(index)
        number = at + len(self) if at < 0 else at
        if not 0 <= number < len(self):
            raise IndexError(f"the trace has no row {at}: it has {len(self)}")
        time = self.first + number
        return next(self.between(time, time + 1))

    def __repr__(self) -> str:
        end = self.error if self.error is not None else self.stop
        return f"<Trace of {self.name}, {len(self)} instructions: {end}>"


def _no(kind: Any) -> Any:
    return kind(*(np.zeros(0, np.int64) for _ in kind._fields))
