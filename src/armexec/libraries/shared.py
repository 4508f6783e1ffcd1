"""Shared libraries with the C library that they need, where theirs wasn't found: musl, with glibc's other names.

musl has the binary interface of glibc as far as programs use it, by design; `glibc.c` adds what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files

from armexec.compiler_rt import PROGRAM_UNITS, RuntimeLibrary, runtime_names
from armexec.libraries.archives import library_files
from armexec.libraries.calls import FLUSH
from armexec.libraries.link import archives, support_code, unlisted, without
from armexec.libraries.names import c_names
from armexec.objects import Image, Part, read_part
from armexec.objects.dynamic.image import LibraryImage
from armexec.objects.linking import Library, select
from armexec.toolchain import compile_object, wheel_compiler

__all__ = ["AT_EXIT", "GLIBC_START", "SHARED_START", "complete_shared", "shared_library_needed"]

SHARED_START = "__armexec_start_shared"
"""The function that makes the C library ready. Its argument is the address of the initial stack, its result the thread
pointer."""
AT_EXIT = ("__funcs_on_exit", "__stdio_exit")
"""What ends the library: before the finalizers, and after them."""
GLIBC_START = "__libc_early_init"
"""The function of glibc 2.32 and later that the dynamic linker calls before any other of the library."""
# musl has functions of these names too, for a structure that looks otherwise.
_DIFFERENT = ("__newlocale", "__uselocale", "__duplocale", "__freelocale")
_FLAGS = ("-ffunction-sections", "-ffreestanding", "-fno-builtin", "-ffixed-x18", "-fno-sanitize=all", "-w")


def complete_shared(image: Image, is_given: Callable[[str], bool] = lambda _: False) -> Image:
    """The image of shared libraries with the C library, if one of them needs it; else the same image.

    The image that has it defines `SHARED_START`, `AT_EXIT` and `FLUSH`. Symbols that are given from elsewhere, by their
    linkage names, are left undefined. An image with a C library of its own stays the same, and so do all where the
    compiler's package isn't installed.

    Raises:
        CompileError: the library can't be built.
    """
    if not isinstance(image, LibraryImage) or not _is_needed(image, is_given):
        return image
    given = {name for name in image.lacking if is_given(name)}
    wanted = [name for name in image.lacking if name not in given]
    libraries: list[Library] = [
        RuntimeLibrary(without=PROGRAM_UNITS),
        _other_names(),
        *without(_DIFFERENT, archives(library_files("c"))),
        RuntimeLibrary(only=PROGRAM_UNITS),
    ]
    roots = [SHARED_START, *AT_EXIT, FLUSH, *wanted]
    selection = select([support_code("shared_start.s")], without(given, libraries), roots)
    return image.with_selection(selection)


def shared_library_needed(image: Image, is_given: Callable[[str], bool] = lambda _: False) -> bool:
    """Whether shared libraries have a C library of their own, or need armexec's for symbols that aren't given."""
    return isinstance(image, LibraryImage) and (image.defines(GLIBC_START) or _is_needed(image, is_given))


def _is_needed(image: LibraryImage, is_given: Callable[[str], bool]) -> bool:
    if image.defines(GLIBC_START) or wheel_compiler() is None:
        return False
    others = [name for name in image.lacking if name not in runtime_names() and not is_given(name)]
    return any(name in c_names() for name in others) or any(name in _other_names().symbols for name in others)


class _OneObject:
    """An object as a library of one member."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self.symbols = {s.name: 0 for s in part.symbols if s.section is not None and s.binding != "local" and s.name}

    def part(self, member: int) -> Part:
        return self._part


def _zig() -> str | None:
    compiler = wheel_compiler()
    return compiler.path if compiler is not None else None


@cache
def _other_names() -> _OneObject:
    """glibc's names that musl doesn't have."""
    text = files("armexec.libraries").joinpath("glibc.c").read_text(encoding="utf-8")
    made = compile_object(
        text, language="c", opt="-O2", target="linux", flags=_FLAGS, filename="glibc.c", compiler=_zig(), debug=False
    )
    return _OneObject(unlisted(read_part(made.data, "glibc.c")))
