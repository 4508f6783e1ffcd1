"""Object files in executable memory.

LLVM's LLJIT links them, each as a library of its own with its own names, by the newer of its linkers, JITLink
(docs/decisions/0015-linker.md has the figures). Pages are mapped writable, and those with code are executable and no
longer writable before anything in them runs.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from itertools import count
from typing import Any

from armexec.errors import HostError
from armexec.forks import hold
from armexec.memory import execution_refused
from armexec.translate.codegen.llvm import compile_object, llvm

__all__ = ["HostCode", "defined_names"]

_DEFINED = re.compile(r"^define (?!internal )[^@]*@([\w.]+)\(", re.MULTILINE)


class _Linkers:
    """LLJITs for `SHARE` libraries each.

    9 KB of each library stay when it is dropped, until its LLJIT is; making an LLJIT takes a millisecond and 120 KB.
    """

    SHARE = 64

    def __init__(self) -> None:
        # A library may be dropped at any time, also while the lock is held.
        self._lock = hold(threading.RLock())
        self._numbers = count()
        self._current: Any = None
        self._room = 0
        self._alive: dict[int, tuple[Any, int]] = {}

    def claim(self) -> tuple[Any, str]:
        """An LLJIT, and the name of a library to be in it."""
        with self._lock:
            if not self._room:
                self._current, old = (
                    llvm().create_lljit_compiler(use_jit_link=True, suppress_errors=True),
                    self._current,
                )
                self._room = self.SHARE
                if old is not None and id(old) not in self._alive:
                    old.close()
            self._room -= 1
            linker = self._current
            self._alive[id(linker)] = linker, self._alive.get(id(linker), (linker, 0))[1] + 1
            return linker, f"armexec{next(self._numbers)}"

    def release(self, linker: Any) -> None:
        """A library is gone."""
        with self._lock:
            left = self._alive[id(linker)][1] - 1
            if left:
                self._alive[id(linker)] = linker, left
                return
            del self._alive[id(linker)]
            if linker is not self._current:
                linker.close()


_linkers = _Linkers()


def defined_names(text: str) -> list[str]:
    """The functions that an IR text defines for others."""
    return _DEFINED.findall(text)


class HostCode:
    """An object file in executable memory, freed when nothing refers to it.

    `symbols`: the addresses of what the object needs; names of the C library and of Python are found by themselves.
    `names`: the functions that it defines and whose addresses are wanted. At least one is in each section of code that
    profilers and debuggers are to know well, see `host_symbols`.

    Raises:
        HostError: the object is none for this host, a symbol is missing, or there is no memory.
    """

    def __init__(self, data: bytes, symbols: Mapping[str, int], names: Collection[str]) -> None:
        # LLVM's linker ends the process where it is refused.
        refused = execution_refused()
        if refused:
            raise HostError(f"there can be no translated code: {refused}")
        builder = llvm().JITLibraryBuilder()
        builder.add_object_img(data)
        builder.add_current_process()
        for name, address in symbols.items():
            builder.import_symbol(name, address)
        for name in names:
            builder.export_symbol(name)
        self._linker, name = _linkers.claim()
        try:
            self._library = builder.link(self._linker, name)
        except RuntimeError as error:
            raise HostError(f"LLVM refused to link translated code: {error}") from error
        self.names = tuple(names)

    def __del__(self, _is_ending: Callable[[], bool] = sys.is_finalizing) -> None:
        # When the process ends, LLVM goes first.
        if _is_ending() or not hasattr(self, "_linker"):
            return
        if hasattr(self, "_library"):
            self._library.close()
        _linkers.release(self._linker)

    @classmethod
    def from_text(cls, text: str, symbols: Mapping[str, int], *, tier: str = "O2", size: int = 0) -> HostCode:
        """Compile an IR text and link it. Raises HostError."""
        return cls(compile_object(text, tier=tier, size=size), symbols, defined_names(text))

    def address(self, name: str) -> int:
        """Where a function is. Raises KeyError if it wasn't asked for."""
        return int(self._library[name])
