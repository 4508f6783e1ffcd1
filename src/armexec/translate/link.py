"""Object files in executable memory.

LLVM's LLJIT links them, each as a library of its own with its own names, by the newer of its linkers, JITLink: the
older one keeps 11 KB for each library that is dropped (docs/architecture.md has the figures). Pages are mapped
writable, and those with code are executable and no longer writable before anything in them runs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from itertools import count
from threading import Lock
from typing import Any

from armexec.errors import HostError

from .host import compile_object, llvm

__all__ = ["HostCode", "defined_names"]

_DEFINED = re.compile(r"^define (?!internal )[^@]*@([\w.]+)\(", re.MULTILINE)
_numbers = count()
_lock = Lock()


@cache
def _linker() -> Any:
    """Never freed: its libraries are."""
    return llvm().create_lljit_compiler(use_jit_link=True)


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
        builder = llvm().JITLibraryBuilder()
        builder.add_object_img(data)
        builder.add_current_process()
        for name, address in symbols.items():
            builder.import_symbol(name, address)
        for name in names:
            builder.export_symbol(name)
        try:
            with _lock:
                linker = _linker()
            self._library = builder.link(linker, f"armexec{next(_numbers)}")
        except RuntimeError as error:
            raise HostError(f"LLVM refused to link translated code: {error}") from error
        self.names = tuple(names)

    @classmethod
    def from_text(cls, text: str, symbols: Mapping[str, int], *, tier: str = "O2", size: int = 0) -> HostCode:
        """Compile an IR text and link it. Raises HostError."""
        return cls(compile_object(text, tier=tier, size=size), symbols, defined_names(text))

    def address(self, name: str) -> int:
        """Where a function is. Raises KeyError if it wasn't asked for."""
        return int(self._library[name])
