"""Programs with a main: `run`."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from armexec.errors import LoadError
from armexec.run_limits import limits
from armexec.sources import Source

if TYPE_CHECKING:
    from armexec.objects import Image, Part
    from armexec.program.system_calls.streams import Readable, Writable

__all__ = [
    "ProgramResult",
    "check_arguments",
    "defines_main",
    "image_of",
    "program_image",
    "program_parts",
    "run",
    "run_image",
]

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


def run(
    program: str | os.PathLike[str] | bytes | Sequence[str | os.PathLike[str]],
    arguments: Sequence[str | bytes] = (),
    *,
    input: bytes | Readable = b"",
    files: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    capture: bool = True,
    language: str | None = None,
    opt: str | int = "-O0",
    flags: Iterable[str] | str = (),
    compiler: str | None = None,
    engine: str | None = None,
    time_limit: float | None = None,
    instruction_limit: int | None = None,
    memory_limit: int | None = None,
    stack_size: int | None = None,
    sandbox: bool = False,
) -> ProgramResult:
    """Run a program of C, C++, assembly or objects: its `main`, with arguments.

    It is linked with the guest's own C or C++ library if it uses one. The library is built once, when the first program
    needs it, which takes about a minute; `armexec cache` shows where it is kept. What the program asks of the system is
    done by armexec: it has memory, the time, its standard streams, and the files below the folders that are given.

    Args:
        program: text, which has more than one line or a brace; the path of a source or an object; bytes of an object;
            or a list of paths, also of static libraries, which are linked together.
        arguments: what follows the program's name.
        input: what it reads from standard input: bytes, or a binary file.
        files: folders of the host by the absolute paths under which the program sees them. They can only be read,
            except where the folder's path ends in ":rw".
        environment: its environment variables; none by default.
        capture: whether the result has the output. Else it is Python's standard output and error.
        language: "c" or "c++" of a text (C++ by default), or the kind of a file whose suffix doesn't tell it.
        opt, flags, compiler: as for `compile`.
        engine: "translated" (the default) or "reference".
        time_limit: seconds that the program may run.
        instruction_limit: how many instructions it may execute.
        memory_limit: bytes that it may map, by mmap and brk; more is refused as with RLIMIT_AS.
        stack_size: bytes of its stack.
        sandbox: the program can't reach memory outside of 4 GiB of its own.

    Raises:
        SignatureError: a limit has a value that it can't have.
        CompileError: with the compiler's diagnostics; or the library can't be built.
        LoadError: there is no main, symbols aren't defined, or a folder isn't there.
        HostError: the engine can't run here.
        TimeLimitExceeded, InstructionLimitExceeded: it was stopped by a limit.
        ExecutionError: the guest did what it can't do, or made a system call that isn't allowed; the message says
            where.

    >>> import armexec
    >>> armexec.run("int main(int argc, char **argv) { return argc; }", ["a", "b"]).status
    3
    """
    given = limits(
        time_limit=time_limit, instruction_limit=instruction_limit, memory_limit=memory_limit, stack_size=stack_size
    )
    return run_image(
        image_of(program, language=language, opt=opt, flags=flags, compiler=compiler),
        arguments,
        input=input,
        files=files,
        environment=environment,
        capture=capture,
        engine=engine,
        limits=given,
        sandbox=sandbox,
    )


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


def run_image(
    image: Image,
    arguments: Sequence[str | bytes],
    *,
    input: bytes | Readable = b"",
    files: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    capture: bool = True,
    engine: str | None = None,
    limits: AbstractContextManager[object] | None = None,
    watch: AbstractContextManager[object] | None = None,
    sandbox: bool = False,
) -> ProgramResult:
    """Run the image of a program, inside the contexts `limits` and `watch` if they are given. See `run`."""
    from armexec.program.process import Process

    check_arguments(arguments)
    output: Writable | None = io.BytesIO() if capture else None
    error: Writable | None = io.BytesIO() if capture else None
    with (
        Process(image, engine, input=input, output=output, error=error, files=files, sandbox=sandbox) as process,
        limits or nullcontext(),
        watch or nullcontext(),
    ):
        end = process.run([image.name, *arguments], environment)
    return ProgramResult(
        end.status,
        end.signal,
        output.getvalue() if isinstance(output, io.BytesIO) else b"",
        error.getvalue() if isinstance(error, io.BytesIO) else b"",
    )
