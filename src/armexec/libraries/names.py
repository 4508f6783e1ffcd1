"""The names that the libraries define, known before they are built."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

__all__ = ["FILE", "c_names", "is_cxx_name", "names_text"]

FILE = Path(__file__).with_name("c_names.txt")
# Itanium C++ ABI, 5.1: names in std, with std's templates in their types or not, and the run-time library's own.
_CXX = re.compile(
    r"_Z(GTt|GV|T[VISTCWH])?N?[VKrRO]*(St|S[sabiod]|10__cxxabiv1|9__gnu_cxx).*"
    r"|_Z(nw|na|dl|da)\w+|__cxa_\w+|__gxx_personality_v0|_Unwind_\w+|__dynamic_cast"
)


@cache
def c_names() -> frozenset[str]:
    """The symbols of the C library: one a line in a file, which `names_text` makes."""
    return frozenset(FILE.read_text(encoding="ascii").split())


def is_cxx_name(name: str) -> bool:
    """Whether the C++ library may define a name."""
    return _CXX.fullmatch(name) is not None


def names_text() -> str:
    """The text of the file, from the library itself. Raises CompileError if that can't be built."""
    from armexec.libraries.archives import library_files
    from armexec.objects import StaticLibrary

    library = library_files("c")
    found = {file: set(StaticLibrary(data, file).symbols) for file, data in library.items() if file.endswith(".a")}
    # Zig has sin, fmod and their like in its own compiler_rt; what compilers call begins with two underscores.
    mathematics = {name for name in found.pop("libcompiler_rt.a") if not name.startswith("__")}
    names = mathematics.union(*found.values())
    return "".join(f"{name}\n" for name in sorted(names))
