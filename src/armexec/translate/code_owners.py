"""The translators of images, by address."""

from __future__ import annotations

import ctypes
import threading
import weakref
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Protocol

from armexec.callbacks import SystemCallHandler
from armexec.forks import hold
from armexec.translate.execute.fault import Fault
from armexec.translate.execute.linked_unit import LinkedUnit
from armexec.translate.mode import Mode
from armexec.translate.policy import Policy
from armexec.translate.unit_registry import CodeSource

__all__ = ["CodeOwner", "CodeOwners"]


class CodeOwner(Protocol):
    """The translator of an image, as far as the runtime knows it."""

    to_error: Callable[[Fault], Exception]
    system_call: SystemCallHandler | None
    """None: a system call is a trap."""
    policy: Policy

    @property
    def code(self) -> CodeSource: ...

    @property
    def units(self) -> Sequence[LinkedUnit]: ...

    def check_return(self, address: int, entry: int) -> None:
        """Raise the error for an address that a call of `entry` has returned to, if nothing else can follow."""

    def counted_entry(self, address: int, *, is_strict: bool) -> int:
        """The host address of what takes the state structure for a call from Python, and counts instructions."""

    def state_function(self, address: int, mode: Mode) -> int:
        """The host address of the function at `address` that takes the state structure, 0 where there is no code."""

    @property
    def interprets(self) -> bool:
        """Whether code that the guest has written is interpreted as long as it is executed seldom."""

    def another(self, code: CodeSource) -> CodeOwner:
        """The translator of code that the guest has written."""

    def close(self) -> None:
        """Make nothing better any more."""

    def why(self, pc: int) -> str:
        """What an undefined instruction said about itself."""


class CodeOwners:
    """The translators of all images in memory.

    `forget` is called with a weak reference when code has gone: host code that can't be interrupted, since Python drops
    exceptions of such calls. `others` says how many translators there are besides, of code that can tell which flags
    operations have raised.
    """

    forget: Callable[[object], object]

    def __init__(self, others: Callable[[], int]) -> None:
        self._others = others
        self._lock = hold(threading.RLock())
        # Weakly: an image that nobody holds any more takes its translations with it.
        self._translators: list[weakref.ref[CodeOwner]] = []
        self._starts: list[int] = []
        self._strict = ctypes.c_uint64()

    @property
    def strict_images(self) -> int:
        """The address of a word: how many images there are whose code can tell which flags operations have raised."""
        return ctypes.addressof(self._strict)

    def add(self, translator: CodeOwner) -> None:
        """Find code by a translator from now on, as long as somebody holds it."""
        with self._lock:
            self.count_strict()
            index = bisect_right(self._starts, translator.code.base)
            self._starts.insert(index, translator.code.base)
            self._translators.insert(index, weakref.ref(translator, self.forget))
            self._strict.value += translator.code.reads_fpsr

    def remove(self, translator: CodeOwner) -> None:
        """Find code by a translator no more."""
        with self._lock:
            self.count_strict()
            kept = [reference() is not translator for reference in self._translators]
            self._starts = [start for start, keep in zip(self._starts, kept, strict=True) if keep]
            self._translators = [found for found, keep in zip(self._translators, kept, strict=True) if keep]
            self._strict.value -= translator.code.reads_fpsr

    def count_strict(self) -> None:
        """Count those whose code can tell flags, without what is gone."""
        with self._lock:
            alive = [
                (start, reference, found.code.reads_fpsr)
                for start, reference in zip(self._starts, self._translators, strict=True)
                if (found := reference()) is not None
            ]
            self._starts = [start for start, _, _ in alive]
            self._translators = [reference for _, reference, _ in alive]
            self._strict.value = sum(reads for _, _, reads in alive) + self._others()

    def at(self, address: int) -> CodeOwner | None:
        """The translator of the image that holds an address."""
        with self._lock:
            index = bisect_right(self._starts, address) - 1
            translator = self._translators[index]() if index >= 0 else None
        if translator is None or address >= translator.code.base + translator.code.size:
            return None
        return translator
