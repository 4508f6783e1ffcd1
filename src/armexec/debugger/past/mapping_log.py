"""A log of the mappings of a session's program: each change can be undone, and done again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from armexec.debugger.past.write_log import WriteLog
from armexec.errors import Error, HostError
from armexec.program.system_calls import GuestMemory

__all__ = ["MappingLog"]

_MOST_KEPT = 1 << 28
"""Bytes that the guest has given back, and that are kept all the same."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Range:
    """Pages with a protection, as `GuestMemory` has it; None: the guest has given them back, or hasn't mapped them."""

    begin: int
    end: int
    protection: str | None


@dataclass(frozen=True)
class _Change:
    """A change that an instruction has made to some pages: their ranges before it, and the one after it."""

    time: int
    before: tuple[_Range, ...]
    after: _Range


class MappingLog:
    """The memory of a program. `now` tells the time of the session, and `log` is where overwritten bytes are noted.

    Pages that the guest unmaps are only made inaccessible, so that their content is there when the session goes back.
    The oldest of many are given back; it can't go back then to where they were mapped.
    """

    def __init__(self, memory: GuestMemory, now: Callable[[], int], log: Callable[[], WriteLog]) -> None:
        self._memory = memory
        self._now = now
        self._log = log
        self._ranges: list[_Range] = []
        self._changes: list[_Change] = []
        self._done = 0
        self._given_back: list[_Range] = []
        self._gone: list[tuple[int, _Range]] = []
        """Pages that aren't there any more, and since when. Others may be at their addresses since."""
        self.read = memory.read
        self.write = memory.write

    # -- see GuestMemory ----------------------------------------------------------------------------------------------
    def map(self, address: int | None, size: int, protection: str) -> int:
        if address is not None:
            self._note(address, address + size)
        place = self._memory.map(address, size, protection)
        self._change(_Range(place, place + size, protection))
        return place

    def unmap(self, address: int, size: int) -> None:
        for begin, end in self._mapped(address, address + size):
            self._memory.protect(begin, end - begin, "")
            self._change(_Range(begin, end, None))
            self._given_back.append(_Range(begin, end, None))
        while sum(each.end - each.begin for each in self._given_back) > _MOST_KEPT:
            oldest = self._given_back.pop(0)
            if self._covered(oldest) == [(oldest.begin, oldest.end, None)]:
                self._memory.unmap(oldest.begin, oldest.end - oldest.begin)
                self._ranges = _replaced(self._ranges, oldest, keep=False)
                self._gone.append((self._now(), oldest))

    def protect(self, address: int, size: int, protection: str) -> None:
        if sum(end - begin for begin, end in self._mapped(address, address + size)) != size:
            raise HostError(f"{size} bytes at {address:#x} weren't mapped by the program")
        self._memory.protect(address, size, protection)
        self._change(_Range(address, address + size, protection))

    # -- the past -----------------------------------------------------------------------------------------------------
    def undo(self, time: int, within: Callable[[], None]) -> None:
        """Undo what was done at `time` and later. `within` is called when all pages of that can be written.

        Raises Error: pages aren't there any more; and what `within` raises.
        """
        begin = bisect_left(self._changes, time, hi=self._done, key=lambda change: change.time)
        undone = self._changes[begin : self._done]
        self._check(undone)
        for change in undone:
            self._protect(_Range(change.after.begin, change.after.end, "rw"))
        within()
        for change in reversed(undone):
            for each in change.before:
                self._ranges = _replaced(self._ranges, each)
        for change in undone:
            for first, last, protection in self._covered(change.after):
                self._protect(_Range(first, last, protection))
        self._done = begin

    def redo(self, time: int) -> None:
        """Do what the instruction of a time has done, once more. Raises Error: pages aren't there any more."""
        while self._done < len(self._changes) and self._changes[self._done].time == time:
            after = self._changes[self._done].after
            self._check(self._changes[self._done : self._done + 1])
            self._protect(after)
            self._ranges = _replaced(self._ranges, after)
            self._done += 1

    def forget(self) -> None:
        """Drop the changes that are undone."""
        del self._changes[self._done :]

    # -- ranges -------------------------------------------------------------------------------------------------------
    def _change(self, after: _Range) -> None:
        """Note a change that the instruction has made, for the first time."""
        self.forget()
        before = tuple(_Range(*each) for each in self._covered(after))
        self._changes.append(_Change(self._now(), before, after))
        self._done += 1
        self._ranges = _replaced(self._ranges, after)

    def _covered(self, pages: _Range) -> list[tuple[int, int, str | None]]:
        """The parts of some pages, with their protections."""
        found: list[tuple[int, int, str | None]] = []
        at = pages.begin
        for each in self._ranges:
            begin, end = max(each.begin, pages.begin), min(each.end, pages.end)
            if begin >= end:
                continue
            if at < begin:
                found.append((at, begin, None))
            found.append((begin, end, each.protection))
            at = end
        if at < pages.end:
            found.append((at, pages.end, None))
        return found

    def _mapped(self, begin: int, end: int) -> list[tuple[int, int]]:
        parts = self._covered(_Range(begin, end, None))
        return [(first, last) for first, last, protection in parts if protection is not None]

    def _check(self, changes: Sequence[_Change]) -> None:
        """Raises Error: pages that were changed aren't there any more."""
        for each in changes:
            for since, gone in self._gone:
                if each.time < since and gone.begin < each.after.end and each.after.begin < gone.end:
                    raise Error(
                        f"can't go there: the program had memory at 0x{gone.begin:x} then, which it has given back"
                        " since, and which isn't kept: a session keeps the last 256 MiB"
                    )

    def _protect(self, pages: _Range) -> None:
        self._memory.protect(pages.begin, pages.end - pages.begin, pages.protection or "")

    def _note(self, begin: int, end: int) -> None:
        """Note what is in pages that are about to be mapped anew."""
        for first, last in self._mapped(begin, end):
            for at in range(first, last, _CHUNK):
                size = min(_CHUNK, last - at)
                self._memory.protect(at, size, "rw")
                data = self._memory.read(at, size)
                if any(data):
                    self._log().add(self._now(), at, data)


def _replaced(ranges: list[_Range], new: _Range, *, keep: bool = True) -> list[_Range]:
    """Ranges in order, with another one in the place of what was there."""
    made = []
    for each in ranges:
        if each.begin < new.begin:
            made.append(_Range(each.begin, min(each.end, new.begin), each.protection))
        if each.end > new.end:
            made.append(_Range(max(each.begin, new.end), each.end, each.protection))
    if keep:
        made.append(new)
    return sorted((each for each in made if each.begin < each.end), key=lambda each: each.begin)
