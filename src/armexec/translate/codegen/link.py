"""Object files in executable memory (docs/decisions/0015-linker.md).

Pages are writable while they are filled, and those with code are executable and no longer writable before anything in
them runs.
"""

from __future__ import annotations

import ctypes
import re
import sys
import weakref
from collections.abc import Collection, Mapping
from functools import cache

from armexec.errors import HostError
from armexec.memory import code_arena
from armexec.translate.codegen.host_object import read_object
from armexec.translate.codegen.host_relocations import linked

__all__ = ["HostCode", "defined_names"]

_DEFINED = re.compile(r"^define (?!internal )[^@]*@([\w.]+)\(", re.MULTILINE)
_RTLD_DEFAULT = -2 if sys.platform == "darwin" else 0


def defined_names(text: str) -> list[str]:
    """The functions that an IR text defines for others."""
    return _DEFINED.findall(text)


@cache
def _address_in_process(name: str) -> int | None:
    """The address of a function of the C library or of Python."""
    find = ctypes.CDLL(None).dlsym
    find.argtypes, find.restype = (ctypes.c_void_p, ctypes.c_char_p), ctypes.c_void_p
    address: int | None = find(_RTLD_DEFAULT, name.encode())
    return address


class HostCode:
    """An object file in executable memory, freed when nothing refers to it.

    `symbols`: the addresses of what the object needs; names of the C library and of Python are found by themselves.
    `names`: the functions that it defines and whose addresses are wanted.

    Raises:
        HostError: the object is none for this host, a symbol is missing, or there is no memory.
    """

    def __init__(self, data: bytes, symbols: Mapping[str, int], names: Collection[str]) -> None:
        def resolve(name: str) -> int:
            address = symbols.get(name)
            if address is None:
                address = _address_in_process(name)
            if address is None:
                raise HostError(f"translated code can't be linked: nothing defines {name}")
            return address

        found = read_object(data)
        size, make = linked(found, resolve)
        missing = [name for name in names if name not in found.symbols]
        if missing:
            raise HostError(f"translated code can't be linked: it doesn't define {', '.join(missing)}")
        pages = code_arena().place(size, make)
        self.names = tuple(names)
        self.begin, self.end = pages.address, pages.address + size
        self._addresses = {name: pages.address + found.symbols[name] for name in names}
        # At the end of the process code may still run; the system frees the memory then.
        weakref.finalize(self, pages.free).atexit = False

    def address(self, name: str) -> int:
        """Where a function is. Raises KeyError if it wasn't asked for."""
        return self._addresses[name]
