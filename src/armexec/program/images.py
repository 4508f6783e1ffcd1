"""Programs with a main: their objects, their images, and how they end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from armexec.errors import LoadError
from armexec.sources import Source

if TYPE_CHECKING:
    from armexec.objects import Image, Part

__all__ = ["ProgramResult", "defines_main", "program_image", "program_parts"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class ProgramResult(NamedTuple):
    """How a program ended. `status`: its exit status, from 0 to 255; 128 and the signal's number where it was ended by
    one. `signal`: the number of the signal that it sent to itself, such as 6 of abort; else 0. `output` and `error`:
    what it wrote to standard output and standard error; empty where that wasn't captured.
    """

    status: int
    signal: int
    output: bytes
    error: bytes

    @property
    def text(self) -> str:
        """The output as text; bytes that aren't UTF-8 become escapes such as `\\xff`."""
        return self.output.decode("utf-8", "backslashreplace")

    @property
    def error_text(self) -> str:
        """What it wrote to standard error, as text."""
        return self.error.decode("utf-8", "backslashreplace")


def program_parts(sources: Sequence[Source]) -> Sequence[Part]:
    """The contents of the objects that sources become, with the members of static libraries that they need.

    Raises:
        CompileError, AssemblyError, LoadError: they can't be compiled, assembled or read.
    """
    from armexec.objects import read_parts

    objects = []
    for source in sources:
        if source.uses_compiler:
            data = source.compiled().data
        elif source.kind == "object":
            data = source.data
        elif source.kind == "assembly":
            data = source.code().object()
        else:
            raise LoadError(f"{source.name}: machine words have no symbols, and so no main")
        objects.append((data, source.name))
    return read_parts(objects)


def defines_main(parts: Sequence[Part]) -> bool:
    """Whether one of the objects defines main."""
    return any(
        s.section is not None and s.binding != "local" and s.name == ("_main" if part.format == "macho" else "main")
        for part in parts
        for s in part.symbols
    )


def program_image(name: str, parts: Sequence[Part]) -> Image:
    """The image of a program, with the library if it needs one.

    Raises:
        LoadError: symbols aren't defined, or are defined twice.
        CompileError: a library can't be built.
    """
    from armexec.compiler_rt import complete
    from armexec.libraries import library_needed, link_program
    from armexec.objects import Image

    # compiler_rt's is an error of the guest, for functions; a program is ended by its signal.
    aborts = any(s.name == "abort" and s.section is None for part in parts for s in part.symbols)
    return link_program(name, parts) if aborts or library_needed(parts) else complete(Image(name, parts))
