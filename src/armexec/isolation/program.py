"""Programs that run in a worker process."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from armexec.engines import check_sandbox, get_engine
from armexec.errors import Error, TimeLimitExceeded, WorkerCrashed
from armexec.isolation.callables import new_number
from armexec.isolation.module import MEMORY, complete_error
from armexec.isolation.pointers import WorkerMemory
from armexec.isolation.protocol import Request
from armexec.isolation.session import Session
from armexec.objects import Image
from armexec.program.process import AnswersSystemCalls, program_engine
from armexec.program.system_calls import FILE_CALLS, Denied, GuestMemory, ProgramExit

__all__ = ["IsolatedProcess"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

_ARGUMENTS = struct.Struct("<7Q")
_END = struct.Struct("<QQ")


class IsolatedProcess:
    """A program that is loaded in a worker, which can do nothing else, as `Process` is in this process.

    The system calls that are about files and streams are made here, on the worker's memory; so are their limits.
    """

    def __init__(
        self,
        image: Image,
        engine: str | None,
        make_system: Callable[[GuestMemory], AnswersSystemCalls],
        *,
        sandbox: bool = False,
        memory_limit: int | None = None,
    ) -> None:
        """Start a worker and load an image there. See `Process`. `memory_limit`: bytes that it will be allowed to map.

        Raises:
            LoadError: the image doesn't fit together; and what `make_system` raises.
            HostError: the engine can't run programs here, or a worker can't be started or confined.
        """
        if sandbox:
            check_sandbox(engine)
        else:
            get_engine(program_engine(engine))
        number = new_number()
        small = image.without_debug_info()
        self._session = session = Session(
            image.name,
            max(MEMORY, memory_limit or 0),
            lambda: (Request.PROGRAM, (small, engine, sandbox, number)),
            lambda error: complete_error(error, image, session.base),
            restart="",
        )
        self._system = system = make_system(_Memory(WorkerMemory(session)))
        session.add_callback(number, lambda data: _answer(system, data))
        try:
            session.worker  # noqa: B018  # started here, so that no limit counts that
        except BaseException:
            self.close()
            raise

    def run(self, arguments: Sequence[str | bytes], environment: Mapping[str, str] | None = None) -> ProgramExit:
        """Run main; how it ended. `arguments` begin with the program's name.

        Raises:
            LoadError: the arguments can't be passed.
            ExecutionError: the guest did what it can't do.
            WorkerCrashed: the worker has ended.
        """
        try:
            question = list(arguments), dict(environment or {})
            return ProgramExit(*_END.unpack(self._session.ask(Request.RUN, question, _END.size, "in the program")))
        except _Gone as gone:
            raise gone.error from None

    def close(self) -> None:
        """End the worker, and close the program's files."""
        self._session.end()
        self._system.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Gone(Exception):
    """The worker has ended, or had to be, while a system call of its program was made: no error of that call."""

    def __init__(self, error: Error) -> None:
        super().__init__(str(error))
        self.error = error


class _Memory:
    """The program's memory, as the system calls that are made here use it."""

    def __init__(self, memory: WorkerMemory) -> None:
        self._memory = memory

    def read(self, address: int, size: int) -> bytes:
        try:
            return self._memory.read(address, size)
        except (WorkerCrashed, TimeLimitExceeded) as error:
            raise _Gone(error) from None

    def write(self, address: int, data: bytes) -> None:
        try:
            self._memory.write(address, data)
        except (WorkerCrashed, TimeLimitExceeded) as error:
            raise _Gone(error) from None

    # The worker does these.

    def map(self, address: int | None, size: int, protection: str) -> int:
        raise NotImplementedError

    def unmap(self, address: int, size: int) -> None:
        raise NotImplementedError

    def protect(self, address: int, size: int, protection: str) -> None:
        raise NotImplementedError


def _answer(system: AnswersSystemCalls, data: bytes) -> Any:
    """Make a system call for a worker: what the guest gets, or else why it is denied."""
    if len(data) != _ARGUMENTS.size:
        return 0, "a system call of another size"
    number, *arguments = _ARGUMENTS.unpack(data)
    if number not in FILE_CALLS:
        return 0, f"the system call {number} is none of a worker's"
    try:
        return system.call(number, arguments), ""
    except Denied as error:
        return 0, str(error)
