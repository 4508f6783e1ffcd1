"""A guest whose stores and calls into the host are noted, so that a run can go back and forth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from armexec.cpu.cpu import Cpu
from armexec.debugger.past.write_log import WriteLog
from armexec.engines.running import Guest
from armexec.memory import AccessError

if TYPE_CHECKING:
    from armexec.debugger.past.mapping_log import MappingLog

__all__ = ["DebuggedGuest", "SessionGuest", "WatchHit", "Watched", "reads_clock"]

_PAGE = 4096
_MRS_CNTVCT, _MRS_MASK = 0xD53BE040, 0xFFFFFFE0
"""`mrs Xt, cntvct_el0` (Arm ARM, C6.2, "MRS")."""


def reads_clock(word: int) -> bool:
    """Whether an instruction reads the time, which is another one each time."""
    return word & _MRS_MASK == _MRS_CNTVCT


class DebuggedGuest(Guest, Protocol):
    """A guest as a debugger sees it. `scratch_code`: the begin and end of memory of this process that a debugger may
    put code into; nothing but the interpreter reads it."""

    scratch_code: list[tuple[int, int]]

    def peek(self, address: int, size: int) -> bytes:
        """Memory, whatever the guest may do there. Raises AccessError."""

    def poke(self, address: int, data: bytes) -> None:
        """Change memory, whatever the guest may do there. Raises AccessError."""

    def redirects(self, pc: int) -> bool:
        """Whether `registers_redirected` would do something."""

    def registers_redirected(self, cpu: Cpu) -> bool:
        """Change the pc where something else runs in the place of what is there; whether it was."""


class Watched(NamedTuple):
    """Bytes that are watched: from `begin` to `end`, for what `kinds` has, "r" or "w" or both."""

    begin: int
    end: int
    kinds: str


class WatchHit(Exception):
    """The instruction is about to access watched bytes."""

    def __init__(self, watched: Watched, kind: str, address: int, size: int) -> None:
        super().__init__(watched)
        self.watched = watched
        self.kind = kind
        self.address = address
        self.size = size


class SessionGuest:
    """A guest that notes in `log` what is overwritten, at the `time` that it is set to.

    `word` is the word that was fetched last. `is_external`: the host has done something for the instruction. What the
    host overwrites is found by comparing the pages that the guest has used before. Of pages that are Python's, too,
    only the bytes are compared that it has used.
    """

    def __init__(self, guest: DebuggedGuest, owned: Callable[[int], Sequence[tuple[int, int]]] | None = None) -> None:
        """`owned`: the begin and the end of what is the guest's of a page, by its number; by default, all is."""
        self.guest = guest
        self._owned = owned
        # What it has used of the pages that aren't all its own: a bit for each byte.
        self._shared: dict[int, int] = {}
        self.log = WriteLog()
        self.mappings: MappingLog | None = None
        """The log of the guest's mappings; None where the guest can't map memory."""
        self.time = 0
        self.word = 0
        self.is_external = False
        self.watched: tuple[Watched, ...] = ()
        self.access: Callable[[str, int, bytes, bytes], object] | None = None
        """Called for each access: "read" or "write", the address, what was there and what is there then."""
        self._pages: set[int] = set()
        self._overwritten = b""
        self.invalidate = guest.invalidate
        self.is_host_function = guest.is_host_function
        self.hooked = guest.hooked

    def use_pages(self, pages: Iterable[int]) -> None:
        """Take pages for used by the guest, by their numbers."""
        for page in set(pages) - self._pages:
            self._add(page)

    def use(self, address: int, size: int) -> None:
        """Take bytes for used by the guest."""
        end = address + max(size, 1)
        for page in range(address // _PAGE, (end - 1) // _PAGE + 1):
            if page not in self._pages:
                self._add(page)
            if page in self._shared:
                begin = page * _PAGE
                first, last = max(address, begin) - begin, min(end, begin + _PAGE) - begin
                self._shared[page] |= (1 << last) - (1 << first)

    def _add(self, page: int) -> None:
        self._pages.add(page)
        if self._owned is not None and self._owned(page) != [(page * _PAGE, (page + 1) * _PAGE)]:
            self._shared[page] = 0

    def fetch(self, address: int) -> int | None:
        word = self.guest.fetch(address)
        self.word = word or 0
        return word

    def read_as_guest(self, address: int, size: int) -> bytes:
        if self.watched:
            self._check("r", address, size)
        data = self.guest.read_as_guest(address, size)
        self.use(address, size)
        if self.access is not None:
            self.access("read", address, data, data)
        return data

    def overwritten(self, address: int, size: int) -> bytes:
        if self.watched:
            self._check("w", address, size)
        self._overwritten = data = self.guest.overwritten(address, size)
        return data

    def write_as_guest(self, address: int, data: bytes) -> None:
        if len(self._overwritten) != len(data):
            self._overwritten = self.guest.overwritten(address, len(data))
        before, self._overwritten = self._overwritten, b""
        self.guest.write_as_guest(address, data)
        self.log.add(self.time, address, before)
        self.use(address, len(data))
        if self.access is not None:
            self.access("write", address, before, data)

    def watched_by(self, kind: str, address: int, size: int) -> Watched | None:
        """What is watched of an access, "r" or "w"."""
        for watched in self.watched:
            if kind in watched.kinds and watched.begin < address + size and address < watched.end:
                return watched
        return None

    def _check(self, kind: str, address: int, size: int) -> None:
        watched = self.watched_by(kind, address, size)
        if watched is not None:
            raise WatchHit(watched, kind, address, size)

    def call_hooks(self, kind: str, cpu: Cpu, address: int, detail: object) -> bool:
        return self._external(lambda: self.guest.call_hooks(kind, cpu, address, detail))

    def call_host_function(self, cpu: Cpu, address: int) -> bool:
        return self._external(lambda: self.guest.call_host_function(cpu, address))

    def call_access_hooks(self, kind: str, cpu: Cpu, pc: int, address: int, data: bytes) -> None:
        def call() -> bool:
            self.guest.call_access_hooks(kind, cpu, pc, address, data)
            return True

        self._external(call)

    def _external(self, call: Callable[[], bool]) -> bool:
        """Call something of the host, and note the bytes that it changes."""
        self.is_external = True
        before = {page: self._page(page) for page in self._pages}
        try:
            return call()
        finally:
            for page, data in before.items():
                now = self._page(page)
                if now != data and data and now:
                    self._note(page, data, now)

    def _note(self, page: int, before: bytes, now: bytes) -> None:
        """Note what has changed of a page."""
        for first, last in self._parts(page):
            if before[first:last] != now[first:last]:
                self.log.add(self.time, page * _PAGE + first, before[first:last])

    def _parts(self, page: int) -> Iterator[tuple[int, int]]:
        """The parts of a page that are the guest's, by their distances from its beginning."""
        begin = page * _PAGE
        if page not in self._shared or self._owned is None:
            yield 0, _PAGE
            return
        bits = self._shared[page]
        for first, last in self._owned(page):
            bits |= (1 << last - begin) - (1 << first - begin)
        while bits:
            first = (bits & -bits).bit_length() - 1
            length = (~(bits >> first) & (bits >> first) + 1).bit_length() - 1
            yield first, first + length
            bits &= -1 << first + length

    def _page(self, page: int) -> bytes:
        try:
            return self.guest.peek(page * _PAGE, _PAGE)
        except AccessError:
            # Not mapped any more, or not yet.
            return b""

    def undo(self, time: int) -> None:
        """Put back what was overwritten, mapped and unmapped at a time and later.

        Raises AccessError, and Error: it can't be put back.
        """
        if self.mappings is None:
            self.log.undo(time, self.guest.poke)
        else:
            self.mappings.undo(time, lambda: self.log.undo(time, self.guest.poke))

    def write(self, address: int, data: bytes) -> None:
        """Change memory as a debugger, and note what was there. Raises AccessError."""
        before = self.guest.peek(address, len(data))
        self.guest.poke(address, data)
        self.log.add(self.time, address, before)
        self.use(address, len(data))
