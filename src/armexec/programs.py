"""Programs with a main: `run`."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from armexec.errors import ExecutionError, SignatureError
from armexec.program.images import ProgramResult, check_arguments, image_of
from armexec.resource_limits.run_limits import limits

if TYPE_CHECKING:
    from armexec.isolation.program import IsolatedProcess
    from armexec.objects import Image
    from armexec.program.process import Process
    from armexec.program.system_calls.streams import Readable, Writable

__all__ = ["run", "run_image"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


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
    isolate: str | None = None,
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
        isolate: "process": the program runs in a process of its own, which can do nothing else; what it does with its
            streams and with `files` is done here. See `compile`.

    Raises:
        SignatureError: a limit or `isolate` has a value that it can't have.
        CompileError: with the compiler's diagnostics; or the library can't be built.
        LoadError: there is no main, symbols aren't defined, or a folder isn't there.
        HostError: the engine can't run here, or a worker process can't be started.
        WorkerCrashed: the process of its own has ended.
        TimeLimitExceeded, InstructionLimitExceeded: it was stopped by a limit.
        ExecutionError: the guest did what it can't do, or made a system call that isn't allowed; the message says
            where.

    >>> import armexec
    >>> armexec.run("int main(int argc, char **argv) { return argc; }", ["a", "b"]).status
    3
    """
    if isolate not in (None, "process"):
        raise SignatureError(f'isolate is "process" or None, not {isolate!r:.60}')
    if isolate is not None:
        _prestart()
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
        isolate=isolate,
    )


def run_image(
    image: Image,
    arguments: Sequence[str | bytes],
    *,
    input: bytes | Readable = b"",
    files: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    capture: bool = True,
    engine: str | None = None,
    limits: limits | None = None,
    watch: AbstractContextManager[object] | None = None,
    sandbox: bool = False,
    isolate: str | None = None,
) -> ProgramResult:
    """Run the image of a program, inside the contexts `limits` and `watch` if they are given. See `run`."""
    from armexec.program.system_calls import SystemCalls

    check_arguments(arguments)
    output: Writable | None = io.BytesIO() if capture else None
    error: Writable | None = io.BytesIO() if capture else None
    system = partial(SystemCalls, input=input, output=output, error=error, files=files)
    process: Process | IsolatedProcess
    if isolate is None:
        from armexec.program.process import Process

        process = Process(image, engine, system, sandbox=sandbox)
    else:
        from armexec.isolation.program import IsolatedProcess

        memory = None if limits is None else limits.memory_limit
        process = IsolatedProcess(image, engine, system, sandbox=sandbox, memory_limit=memory)
    try:
        with process, limits or nullcontext(), watch or nullcontext():
            end = process.run([image.name, *arguments], environment)
    except ExecutionError as failed:
        if isinstance(input, bytes):
            again = {"input": input, "files": files, "environment": environment, "engine": engine, "sandbox": sandbox}
            failed.know_call(image, (arguments, again))
        raise
    return ProgramResult(
        end.status,
        end.signal,
        output.getvalue() if isinstance(output, io.BytesIO) else b"",
        error.getvalue() if isinstance(error, io.BytesIO) else b"",
    )


def _prestart() -> None:
    """Have what workers are forked from start while the compiler runs. Raises HostError."""
    from armexec.isolation.server.client import fork_server

    fork_server()
