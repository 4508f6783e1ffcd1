"""Code that was found before by its guest address: calls of other images don't ask Python each time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from armexec.translate.support.runtime_ir import FOUND_SIZE

__all__ = ["FoundCode"]

_CHUNK = 256


class FoundCode:
    """The table of `runtime/find_code.ll`, for code of one mode. Whoever calls its methods has the GIL.

    `put` is `@put_found` of that file, given the addresses of the table and of a record: the made code alone says where
    in the table a record stands.

    Another thread may look at a record at any time, so records never change, and stay for ever: 16 bytes for each
    address that was found, until as many were found again.
    """

    def __init__(self, put: Callable[[int, int], None]) -> None:
        self._put = put
        self._table = (ctypes.c_uint64 * FOUND_SIZE)()
        self._chunks: list[ctypes.Array[ctypes.c_uint64]] = []
        self._used = _CHUNK
        # The records that there are, by what they say: an image that is loaded again where it was needs no others.
        self._records: dict[tuple[int, int], int] = {}

    @property
    def address(self) -> int:
        """Where the table is."""
        return ctypes.addressof(self._table)

    def add(self, pc: int, host: int) -> None:
        """From now on, code finds `host` for a guest address."""
        record = self._records.get((pc, host))
        if record is None:
            record = self._records[pc, host] = self._new_record(pc, host)
        self._put(self.address, record)

    def _new_record(self, pc: int, host: int) -> int:
        if self._used == _CHUNK:
            self._chunks.append((ctypes.c_uint64 * (2 * _CHUNK))())
            self._used = 0
        chunk, at = self._chunks[-1], 2 * self._used
        self._used += 1
        chunk[at], chunk[at + 1] = pc, host
        return ctypes.addressof(chunk) + 8 * at
