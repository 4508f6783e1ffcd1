"""Objects and the libraries that they need -> the image of a program."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from armexec.compiler_rt import PROGRAM_UNITS, RuntimeLibrary, runtime_names
from armexec.errors import LoadError
from armexec.libraries.archives import library_files
from armexec.libraries.calls import FINISH, FLUSH, START
from armexec.libraries.names import c_names, is_cxx_name
from armexec.objects import Image, Part, StaticLibrary, read_part
from armexec.objects.formats.archive import Member
from armexec.objects.linking import Library, Selection, select
from armexec.objects.linking.missing import missing_text
from armexec.toolchain import wheel_compiler

__all__ = [
    "archives",
    "can_link",
    "library_needed",
    "link_program",
    "support_code",
    "unlisted",
    "without",
]

_ENTRY = "_start"
# Compilers refer to these only where something is thrown or caught: compiler_rt can but end the program.
_EXCEPTIONS = {"__cxa_throw", "__cxa_rethrow", "__cxa_end_catch"}


def can_link(image: Image) -> bool:
    """Whether the libraries can be linked with an image: it is made of ELF objects or of assembled code, and the
    libraries can be had."""
    return (
        type(image) is Image
        and image.format in ("elf", "words")
        and not image.is_executable
        and wheel_compiler() is not None
    )


def library_needed(objects: Sequence[Part], is_given: Callable[[str], bool] = lambda _: False) -> bool:
    """Whether objects need the C library or the C++ library.

    That is so if compiler_rt doesn't define a symbol that they want and one of the libraries does, or if they throw or
    catch exceptions. Symbols that are given from elsewhere don't count. No library is built for the answer.
    """
    defined = {s.name for part in objects for s in part.symbols if s.section is not None and s.binding != "local"}
    wanted = {s.name for part in objects for s in part.symbols if s.section is None and s.binding != "weak"} - defined
    if wanted & _EXCEPTIONS:
        return True
    candidates = [name for name in wanted - runtime_names() if name in c_names() or is_cxx_name(name)]
    return any(not is_given(name) for name in candidates)


def link_program(
    name: str,
    objects: Sequence[Part],
    libraries: Sequence[Library] = (),
    *,
    allow_missing: bool = False,
    is_given: Callable[[str], bool] = lambda _: False,
) -> Image:
    """Link objects with the members that they need of other `libraries` and of the C and C++ library.

    The image is an executable's (`Image`), and its functions are those of the objects and of `libraries`. If one of the
    objects defines main, it begins at `_start`; in any case it has `START`, `FINISH` and `FLUSH`. Copies, arithmetic
    and atomics are compiler_rt's; memory, exit, exceptions and all else are the C and C++ library's. The C++ library is
    linked if C++ needs more than compiler_rt has.

    Args:
        allow_missing: leave symbols undefined; the code that uses them traps.
        is_given: tells the names that stay undefined in any case, since they are given from elsewhere.

    Raises:
        LoadError: symbols aren't defined, or are defined twice.
        CompileError: a library can't be built.
    """
    # The assembler's code has no system of its own: here it has Linux.
    objects = [replace(part, format="elf") if part.format == "words" else part for part in objects]
    if any(part.format != "elf" for part in objects):
        raise LoadError(f"{name}: only ELF objects for Linux are linked with the C library: compile for linux")
    c = library_files("c")
    parts = list(objects)
    roots = [START, FINISH, FLUSH]
    if any(
        s.name == "main" and s.section is not None and s.binding != "local" for part in objects for s in part.symbols
    ):
        parts.append(unlisted(read_part(c["crt1.o"], "crt1.o")))
        roots.append(_ENTRY)
    parts.append(support_code("start.s"))
    wanted = {s.name for part in objects for s in part.symbols if s.section is None and s.name}
    given = {symbol for symbol in wanted if is_given(symbol)}
    basic: list[Library] = [RuntimeLibrary(without=PROGRAM_UNITS), *libraries]
    last: list[Library] = [*archives(c), RuntimeLibrary(only=PROGRAM_UNITS)]
    selection = select(parts, without(given, [*basic, *last]), roots)
    if _needs_cxx(objects, selection, given):
        parts.append(support_code("exceptions.s"))
        selection = select(parts, without(given, [*basic, *archives(library_files("c++")), *last]), roots)
    if selection.missing and not allow_missing:
        count = len(selection.missing)
        raise LoadError(
            f"{name}: {count} undefined symbol{'s' if count > 1 else ''}, which neither the objects nor the libraries"
            f" define:\n{missing_text(selection)}"
        )
    return Image(name, selection.parts, selection, own=len(objects))


def _needs_cxx(objects: Sequence[Part], selection: Selection, given: Collection[str]) -> bool:
    wanted = {s.name for part in objects for s in part.symbols if s.section is None}
    return bool(wanted & _EXCEPTIONS) or any(is_cxx_name(name) and name not in given for name in selection.missing)


class _Without:
    """A library without some of its symbols, which only the members that define them use."""

    def __init__(self, library: Library, names: Collection[str]) -> None:
        self.symbols = {name: member for name, member in library.symbols.items() if name not in names}
        self._library = library
        self._names = names

    def part(self, member: Any) -> Part:
        part = self._library.part(member)
        symbols = [
            s._replace(binding="local") if s.name in self._names and s.section is not None else s for s in part.symbols
        ]
        return replace(part, symbols=symbols)


def without(names: Collection[str], libraries: Sequence[Library]) -> Sequence[Library]:
    """Libraries without some of their symbols."""
    return [_Without(library, names) for library in libraries] if names else libraries


def archives(library: dict[str, bytes]) -> list[Library]:
    """The archives among the files of a library."""
    return [_archive(name, data) for name, data in library.items() if name.endswith(".a")]


class _SystemLibrary(StaticLibrary):
    """A library whose functions aren't listed among the author's."""

    def part(self, member: Member) -> Part:
        return unlisted(super().part(member))


def unlisted(part: Part) -> Part:
    """A part whose functions aren't listed among the author's."""
    symbols = [s._replace(kind="notype") if s.kind == "function" else s for s in part.symbols]
    return replace(part, symbols=symbols, debug=None, cache=None)


_made: dict[str, _SystemLibrary] = {}


def _archive(name: str, data: bytes) -> _SystemLibrary:
    if name not in _made:
        _made[name] = _SystemLibrary(data, name)
    return _made[name]


@cache
def support_code(file: str) -> Part:
    """The assembled text of a file of this folder."""
    from armexec.asm import assemble

    text = files("armexec.libraries").joinpath(file).read_text(encoding="utf-8")
    return unlisted(read_part(assemble(text, file=file, target="linux").object(), file))
