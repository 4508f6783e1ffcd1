"""A program in this process: its image, its memory, its system calls, and the run of its main."""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from armexec.callbacks import SystemCallHandler
from armexec.cpu.call_frame import CallFrame
from armexec.engines import LoadedImage, default_engine, get_engine, new_sandbox
from armexec.engines.faults import to_error
from armexec.errors import HostError, LoadError
from armexec.machines.traps import Trap, TrapKind
from armexec.memory import HostMemory, Sandbox, page_size, stack_size
from armexec.objects import Image
from armexec.program.memory import ProgramMemory
from armexec.program.stack import initial_stack
from armexec.program.system_calls import Denied, GuestMemory, ProgramExit, ThreadFailed, Threads
from armexec.program.thread_start import ThreadStart
from armexec.program.threads import HostThreads
from armexec.resource_limits.deadlines import TimeIsOver
from armexec.resource_limits.guest_sizes import sizes

__all__ = ["AnswersSystemCalls", "Entry", "InitialMemory", "Process", "program_engine", "system_call_handler"]

_RANDOM = 16


def program_engine(name: str | None) -> str:
    """The engine for programs: the one of that name, else translated code.

    The C library sets the thread pointer, and on the processor itself that would be Python's own. Raises HostError.
    """
    if name is None:
        return "translated" if default_engine() == "native" else default_engine()
    if name == "native":
        raise HostError("the engine 'native' can't run programs, which set the thread pointer: use 'translated'")
    return name


class InitialMemory(NamedTuple):
    """What a program finds at its entry: the address and the bytes from SP up to the top of the stack, and the memory
    that holds them, which must live as long as the program. `host`: the address in this process."""

    address: int
    host: int
    size: int
    memory: object

    @classmethod
    def of(
        cls,
        image: Image,
        base: int,
        arguments: Sequence[str | bytes],
        environment: Mapping[str, str],
        headers: tuple[int, int] | None = None,
        sandbox: Sandbox | None = None,
    ) -> InitialMemory:
        """Make it, in memory of Python's or of a sandbox; `headers` are those of `initial_stack`.

        Raises LoadError for texts with a null character, or that are too long.
        """

        def stack_below(top: int) -> tuple[int, bytes]:
            return initial_stack(
                image, base, top, arguments, environment, random=random, page=page_size(), headers=headers
            )

        random = os.urandom(_RANDOM)
        size = len(stack_below(1 << 32)[1])
        if size > (sizes().stack or stack_size()) // 4:
            raise LoadError(
                f"{image.name}: arguments and environment take {size} bytes, more than a quarter of the stack"
            )
        memory: object
        if sandbox is None:
            memory = buffer = ctypes.create_string_buffer(size + 16)
            start, outside = ctypes.addressof(buffer), 0
        else:
            memory = block = sandbox.borrow(size + 16)
            start, outside = block.address, sandbox.base
        address, data = stack_below((start + size + 16) & -16)
        ctypes.memmove(outside + address, data, len(data))
        return cls(address, outside + address, len(data), memory)


class AnswersSystemCalls(Protocol):
    """What answers the system calls of a program, as `SystemCalls` does."""

    def use_threads(self, threads: Threads) -> None:
        """The program has threads from now on."""

    def call(self, number: int, arguments: Sequence[int], pc: int = 0) -> int:
        """Make the system call of a number with its arguments, at `pc`; what the guest gets in X0."""

    def close(self) -> None:
        """The program has ended."""


class Entry(NamedTuple):
    """A call that a program consists of: its offset in the image, its registers and stack, and whether it is main's."""

    offset: int
    frame: CallFrame
    is_main: bool


class Process:
    """A program that is loaded. It is a context manager.

    `loaded` is its image in memory, `engine` the name of what runs it, `functions` are those of Python that it can
    call.
    """

    def __init__(
        self,
        image: Image,
        engine: str | None,
        make_system: Callable[[GuestMemory], AnswersSystemCalls],
        *,
        sandbox: bool = False,
    ) -> None:
        """Load an image. `make_system` gives what answers its system calls, for its memory. `sandbox`: it reaches no
        memory but its own.

        Raises:
            LoadError: the image doesn't fit together; and what `make_system` raises.
            HostError: the engine can't run programs here.
        """
        running = new_sandbox(engine) if sandbox else get_engine(program_engine(engine))
        self.engine = running.name
        self._running = running
        self.functions = running.host_functions()
        self._memory = ProgramMemory(running.sandbox)
        self._start: ThreadStart | None = None
        self._threads: HostThreads | None = None
        self._system = make_system(self._memory)
        self.loaded: LoadedImage = running.load(image, lambda name: None)
        self._answer = system_call_handler(self._system, self.loaded)
        self.loaded.answer_system_calls(self._answer)

    def entries(self, arguments: Sequence[str | bytes], environment: Mapping[str, str] | None = None) -> list[Entry]:
        """What is called one after the other to run main; `arguments` begin with the program's name.

        Raises:
            LoadError: there is no main, or the arguments can't be passed.
        """
        image = self.loaded.image
        initial = InitialMemory.of(image, self.loaded.base, arguments, environment or {}, sandbox=self.loaded.sandbox)
        self._initial = initial
        main = CallFrame()
        if image.is_executable:
            main.stack, main.stack_size = initial.host, initial.size
            return [Entry(self._offset("_start"), main, True)]
        main.x[0] = len(arguments)
        main.x[1] = initial.address + 8
        main.x[2] = initial.address + 8 * (len(arguments) + 2)
        return [
            *(Entry(offset, CallFrame(), False) for offset in image.initializers),
            Entry(self._offset("main"), main, True),
            *(Entry(offset, CallFrame(), False) for offset in image.finalizers),
        ]

    def run(self, arguments: Sequence[str | bytes], environment: Mapping[str, str] | None = None) -> ProgramExit:
        """Run main; how it ended. `arguments` begin with the program's name.

        Raises:
            LoadError: there is no main, or the arguments can't be passed.
            ExecutionError: the guest did what it can't do.
        """
        entries = self.entries(arguments, environment)
        self._start = ThreadStart(self._running, self.loaded, entries[0].offset, self._answer)
        self._threads = threads = HostThreads(self._memory, self._start.enter)
        # They hold the image, which holds what answers its system calls.
        self._system.use_threads(weakref.proxy(threads))
        end: BaseException
        try:
            end = self._call(entries)
        except BaseException as error:
            end = error
        end = threads.finish(end)
        if isinstance(end, ProgramExit):
            return end.with_traceback(None)
        raise end

    def _call(self, entries: Sequence[Entry]) -> ProgramExit:
        status = 0
        for entry in entries:
            self.loaded.bind_frame(entry.offset)(ctypes.addressof(entry.frame))
            if entry.is_main:
                status = self.status(entry.frame.x[0])
        return ProgramExit(status)

    @property
    def memory(self) -> GuestMemory:
        """The memory of the program, as its system calls see it."""
        return self._memory

    def use_threads(self, threads: Threads) -> None:
        """The program has threads, which somebody else runs."""
        self._system.use_threads(threads)

    def status(self, returned: int) -> int:
        """The exit status, where main has returned. Raises LoadError: the start of a C library never returns."""
        if self.loaded.image.is_executable:
            raise LoadError(f"{self.loaded.image.name}: the program has returned from its entry")
        return returned & 0xFF

    def _offset(self, name: str) -> int:
        offset = self.loaded.image.find(name).offset
        if offset is None:
            raise LoadError(f"{self.loaded.image.name}: its entry is a number, and no code")
        return offset

    def close(self) -> None:
        """Close its files, and free its memory."""
        self._system.close()
        self.loaded.close()
        if self._start is not None:
            self._start.close()
        self._memory.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def system_call_handler(system: AnswersSystemCalls, loaded: LoadedImage) -> SystemCallHandler:
    """What answers the system calls of an image in memory. It refers to no engine, so that nothing refers to itself."""
    image, base = loaded.image, loaded.base
    memory = HostMemory() if loaded.sandbox is None else loaded.sandbox.memory

    def answer(pc: int, number: int, arguments: tuple[int, ...]) -> int:
        try:
            return system.call(number, arguments, pc)
        except ThreadFailed as failed:
            raise failed.error from None
        except TimeIsOver:
            raise to_error(Trap(TrapKind.TIME_LIMIT, pc), image, base, memory=memory) from None
        except Denied as error:
            trap = Trap(TrapKind.SUPERVISOR_CALL, pc, 0, str(error))
            raise to_error(trap, image, base, memory=memory) from None

    return answer
