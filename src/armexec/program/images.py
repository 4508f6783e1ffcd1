"""Programs with a main: their objects, their images, and how they end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from armexec.errors import LoadError
from armexec.sources import Source

if TYPE_CHECKING:
    from armexec.objects import Image, Part

__all__ = ["ProgramResult", "check_arguments", "defines_main", "image_of", "program_image", "program_parts"]

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


def image_of(
    program: str | os.PathLike[str] | bytes | Sequence[str | os.PathLike[str]],
    *,
    language: str | None = None,
    opt: str | int = "-O0",
    flags: Iterable[str] | str = (),
    compiler: str | None = None,
) -> Image:
    """The image of a program that is given as `run` takes it. Raises LoadError or CompileError as `run` does."""
    options: dict[str, Any] = {"opt": opt, "target": "linux", "flags": flags, "compiler": compiler}
    if isinstance(program, bytes | bytearray | memoryview):
        sources = [Source(bytes(program), "object", **options)]
    elif isinstance(program, str) and ("\n" in program or "{" in program):
        sources = [Source(program, language or "c++", **options)]
    elif isinstance(program, str | os.PathLike):
        sources = [Source.from_file(os.fspath(program), language, **options)]
    elif isinstance(program, list | tuple) and all(isinstance(path, str | os.PathLike) for path in program):
        sources = [Source.from_file(os.fspath(path), language, **options) for path in program]
    else:
        raise LoadError(f"a program is text, a path, a list of paths or bytes, not {type(program).__name__}")
    parts = program_parts(sources)
    if not defines_main(parts):
        raise LoadError(f"{', '.join(source.name for source in sources)}: a program needs a main, and there is none")
    return program_image(sources[0].name, parts)


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


def check_arguments(arguments: Sequence[str | bytes]) -> None:
    """Raises LoadError for what isn't a list of texts."""
    if isinstance(arguments, str | bytes) or not all(isinstance(text, str | bytes) for text in arguments):
        raise LoadError("the arguments of a program are a list of texts")


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
