"""Which translators there are for code that the guest has written, by address."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Collection
from typing import Generic, Protocol, TypeVar

from armexec.forks import hold
from armexec.memory import EXECUTABLE_RANGES
from armexec.translate.guest_state import GuestState
from armexec.translate.unit_registry import CodeSource
from armexec.translate.written.in_use import Retired, in_use
from armexec.translate.written.source import PAGE, WrittenSource

__all__ = ["WrittenCode"]


_MANY = 32
"""So many translators are kept that nothing finds any more: to see whether they are in use takes a while."""


class _Translator(Retired, Protocol):
    @property
    def code(self) -> CodeSource: ...

    def close(self) -> None: ...


T = TypeVar("T", bound=_Translator)


class WrittenCode(Generic[T]):
    """The translators, each for the code that is reached from one address.

    Where memory is changed, a translator isn't found until its code is executed again: it is looked then whether it is
    still the same code, and else there is a new translator. So code that is written around other code isn't translated
    again, and neither is what is only made writable for a while.

    `forget` is called when code must be found again by its address. Translators that are found no more stay until no
    thread can be in their code (`free`). `is_told`: memory is looked for; where nothing is ever found, as in a sandbox,
    nobody tells of changes.
    """

    def __init__(self, forget: Callable[[], None], *, is_told: bool = True) -> None:
        # An RLock: finalizers free memory of the guest at any time. What is called under it takes no other lock.
        self.lock = hold(threading.RLock())
        self._forget = forget
        self._retired: list[T] = []
        self._most_retired = _MANY
        self._freeing = hold(threading.Lock())
        self._bounds = (ctypes.c_uint64 * 2)((1 << 64) - 1, 0)
        # The garbage collector may have memory freed at any time, and so change this while it is looked at. What is put
        # back by mistake has no translator any more.
        self._by_page: dict[int, tuple[WrittenSource, ...]] = {}
        self._translators: dict[WrittenSource, T] = {}
        if is_told:
            EXECUTABLE_RANGES.listeners.append(self.changed)

    @property
    def bounds(self) -> tuple[int, int]:
        """The addresses of two words: where the code that was fetched begins and ends."""
        begin = ctypes.addressof(self._bounds)
        return begin, begin + 8

    def find(self, pc: int) -> T | None:
        """The translator that there is for the code at an address."""
        with self.lock:
            while EXECUTABLE_RANGES.at(pc) is not None and (found := self._source(pc)) is not None:
                translator = self._translators.get(found)
                if translator is not None and (found.valid.value or found.is_current()):
                    found.valid.value = 1
                    return translator
                self._drop(found)
        return None

    def note(self, pc: int) -> None:
        """Have `ic ivau` tell of changes of the code at an address told."""
        with self.lock:
            self._bounds[0] = min(self._bounds[0], pc)
            self._bounds[1] = max(self._bounds[1], pc + 4)

    def make(self, pc: int, make: Callable[[CodeSource], T]) -> T | None:
        """A new translator for the code at an address, made by `make`; None where there is no code."""
        if EXECUTABLE_RANGES.at(pc) is None:
            return None
        source = WrittenSource(pc, self.lock, self._fetched)
        translator = make(source.code())
        with self.lock:
            self._translators[source] = translator
            if source.fetch(pc) is None:
                self._drop(source)
                return None
        return translator

    def _source(self, address: int) -> WrittenSource | None:
        return next((s for s in self._by_page.get(address & -PAGE, ()) if address in s.words), None)

    @staticmethod
    def is_valid(translator: T) -> bool:
        """Whether the code of a translator hasn't been changed since it was found; `lock` is held."""
        return bool(ctypes.c_uint8.from_address(translator.code.valid or 0).value)

    def at(self, address: int) -> T | None:
        """The translator that has code at an address, if there is one."""
        with self.lock:
            source = self._source(address)
            return self._translators.get(source) if source is not None else None

    def reads_fpsr(self) -> int:
        """How many translators there are for code that can tell which flags operations have raised."""
        return sum(translator.code.reads_fpsr for translator in tuple(self._translators.values()))

    def _fetched(self, source: WrittenSource, address: int) -> None:
        """A word is about to be fetched."""
        self.note(address)
        page = address & -PAGE
        known = self._by_page.get(page, ())
        if source not in known:
            self._by_page[page] = (*known, source)

    def changed(self, begin: int, end: int, gone: bool) -> None:
        """Code in a range may be another now; `gone`: none is there."""
        with self.lock:
            try:
                self._change(begin, end, gone)
            except BaseException:
                # A handler of a signal has raised it. Nothing may be found that has been changed.
                for source in tuple(self._translators):
                    source.valid.value = 0
                raise
            finally:
                self._forget()

    def _change(self, begin: int, end: int, gone: bool) -> None:
        first, last = begin & -PAGE, end - 1 & -PAGE
        few = range(first, last + PAGE, PAGE)
        pages = few if len(few) < len(self._by_page) else [p for p in tuple(self._by_page) if first <= p <= last]
        for source in {source for page in pages for source in self._by_page.get(page, ())}:
            if source.overlaps(begin, end):
                source.valid.value = 0
                if gone:
                    self._drop(source)

    def _drop(self, source: WrittenSource) -> None:
        source.valid.value = 0
        for page in {address & -PAGE for address in source.words}:
            left = tuple(other for other in self._by_page.get(page, ()) if other is not source)
            if left:
                self._by_page[page] = left
            else:
                self._by_page.pop(page, None)
        translator = self._translators.pop(source, None)
        if translator is not None:
            translator.close()
            self._retired.append(translator)

    def free(self, running: Callable[[], Collection[GuestState]], stack_pointer: Callable[[], int]) -> None:
        """Give back host code that nothing can be in, if there is much of it. `running` gives the states of calls,
        `stack_pointer` this thread's."""
        if len(self._retired) < self._most_retired or not self._freeing.acquire(blocking=False):
            return
        try:
            # Others may be retired meanwhile, which come behind these.
            retired = self._retired[:]
            kept = in_use(retired, running(), stack_pointer())
            self._retired[: len(retired)] = kept
            self._most_retired = len(kept) + _MANY
        finally:
            self._freeing.release()
