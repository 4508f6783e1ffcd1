"""What is recorded of a run, while it is and afterwards."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from armexec.engines.recorded.pieces import Piece
from armexec.engines.recorded.records import Chunk, Recorder
from armexec.engines.recorded.tables import Array, Tables

__all__ = ["Recording"]

_BLOCKS = 1 << 16
"""Maximum blocks of a piece."""


class _Part(NamedTuple):
    chunk: Chunk
    headers: Array
    data: Array
    rows: int


class Recording:
    """Keeps what a recorder gives.

    `limit`: with `ring`, no more than about so many instructions are kept: the last ones.
    """

    def __init__(self, limit: int, *, ring: bool) -> None:
        self.recorder = Recorder(self._take)
        self._limit = limit
        self._ring = ring
        self._parts: deque[_Part] = deque()
        self._rows = 0
        self._dropped = 0

    def _take(self, chunk: Chunk) -> None:
        headers = np.frombuffer(chunk.headers, np.uint64, chunk.header_bytes // 8)
        data = np.frombuffer(chunk.data, np.uint64, chunk.data_bytes // 8)
        rows = int((headers >> np.uint64(32)).sum())
        self._parts.append(_Part(chunk, headers, data, rows))
        self._rows += rows
        while self._ring and self._rows - self._parts[0].rows >= self._limit:
            dropped = self._parts.popleft()
            self._rows -= dropped.rows
            self._dropped += dropped.rows
            self.recorder.reuse(dropped.chunk)

    @property
    def end(self) -> int:
        """How many instructions were executed."""
        return self._dropped + self._rows

    @property
    def first(self) -> int:
        """The time of the first instruction that counts."""
        return max(self._dropped, self.end - self._limit) if self._ring else 0

    @cached_property
    def tables(self) -> Tables:
        """The layouts, when the run has ended."""
        return Tables(self.recorder.layouts.known)

    @cached_property
    def pieces(self) -> list[Piece]:
        """All that was recorded, when the run has ended. The first piece may begin before `first`."""
        return [piece for piece in self._cut() if piece.first + piece.rows > self.first]

    def _cut(self) -> Iterator[Piece]:
        time = self._dropped
        for part in self._parts:
            place = 0
            for begin in range(0, len(part.headers), _BLOCKS):
                piece = Piece(self.tables, time, part.headers[begin : begin + _BLOCKS], part.data[place:])
                yield piece
                time += piece.rows
                place += piece.words
