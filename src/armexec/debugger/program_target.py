"""A program with a main, in a session."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from armexec.callbacks import HostFunctions
from armexec.cpu.cpu import Cpu
from armexec.cpu.stop import Stop
from armexec.debugger.guest_threads import SessionThreads
from armexec.debugger.loaded_guest import LoadedGuest
from armexec.debugger.past.mapping_log import MappingLog
from armexec.debugger.places import Places
from armexec.debugger.session_guest import SessionGuest
from armexec.debugger.target import (
    LentMemory,
    Region,
    error_of,
    loaded_regions,
    owned_parts,
    return_address,
    session_cpu,
    session_stack,
    set_arguments,
)
from armexec.engines import LoadedImage
from armexec.objects import Image
from armexec.program.images import ProgramResult
from armexec.program.process import Process
from armexec.program.system_calls import GuestMemory, ProgramExit, SystemCalls
from armexec.program.system_calls.streams import Readable

__all__ = ["ProgramTarget"]


class _ProgramGuest(LoadedGuest):
    """A guest whose exit is the end."""

    def __init__(
        self, loaded: LoadedImage, functions: HostFunctions, leave: int, after_return: Callable[[Cpu], bool]
    ) -> None:
        super().__init__(loaded, functions, leave, after_return)
        self._end = leave
        self.exit: ProgramExit | None = None
        self.threads: SessionThreads

    def call_hooks(self, kind: str, cpu: Cpu, address: int, detail: object) -> bool:
        try:
            done = super().call_hooks(kind, cpu, address, detail)
            self.threads.settle()
            return done
        except ProgramExit as end:
            self.exit = end.with_traceback(None)
            cpu.pc = self._end
            return True


class ProgramTarget:
    """The run of a program. Its output is kept for the result, or goes to Python's standard output."""

    def __init__(
        self,
        image: Image,
        arguments: Sequence[str | bytes],
        *,
        input: bytes | Readable = b"",
        files: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        capture: bool = True,
        engine: str | None = None,
        sandbox: bool = False,
    ) -> None:
        self._output = io.BytesIO() if capture else None
        self._error = io.BytesIO() if capture else None

        def make_system(memory: GuestMemory) -> SystemCalls:
            self._mappings = MappingLog(memory, lambda: self.guest.time, lambda: self.guest.log)
            return SystemCalls(self._mappings, input=input, output=self._output, error=self._error, files=files)

        self._process = Process(image, engine, make_system, sandbox=sandbox)
        try:
            self._start(image, [image.name, *arguments], environment)
        except BaseException:
            self._process.close()
            raise

    def _start(self, image: Image, arguments: Sequence[str | bytes], environment: Mapping[str, str] | None) -> None:
        process = self._process
        loaded = process.loaded
        self.name = image.name
        self.engine = process.engine
        self._entries = process.entries(arguments, environment)
        self._times = [0]
        """When each of them has begun."""
        self._status = 0
        self._stack = session_stack(loaded)
        self.is_apart = loaded.sandbox is not None
        self.leave: int | None = return_address(self._stack)
        self._guest = _ProgramGuest(loaded, process.functions, return_address(self._stack), self._next_entry)
        self.guest = SessionGuest(self._guest, None if self.is_apart else owned_parts(self.lent))
        self.guest.mappings = self._mappings
        self.places = Places([(image, loaded.base)], self._guest.fetch)
        self.cpu = session_cpu(process.engine)
        threads = SessionThreads(self.cpu, process.memory, lambda: self.guest.time)
        self.threads: SessionThreads | None = threads
        self._guest.threads = threads
        process.use_threads(threads)
        self._enter(0)

    def _enter(self, index: int) -> None:
        entry = self._entries[index]
        set_arguments(self.cpu, entry.frame, self._stack, self._guest.poke)
        self.cpu.pc = self._process.loaded.base + entry.offset

    def _next_entry(self, cpu: Cpu) -> bool:
        """A call has returned, or the program has ended itself: begin the next one, if there is one."""
        time = self.guest.time
        self._times = [begun for begun in self._times if begun <= time]
        index = len(self._times)
        if self._guest.exit is not None:
            return False
        if self._entries[index - 1].is_main:
            self._status = self._process.status(cpu.x[0])
        if index == len(self._entries):
            return False
        self._times.append(time + 1)
        self._enter(index)
        return True

    @property
    def loaded(self) -> LoadedImage:
        """The image in memory."""
        return self._process.loaded

    @property
    def output(self) -> tuple[bytes, bytes]:
        """What was written to standard output and error, as far as it was captured. Going back doesn't unwrite it."""
        return tuple(b"" if stream is None else stream.getvalue() for stream in (self._output, self._error))  # type: ignore[return-value]

    def regions(self) -> list[Region]:
        return loaded_regions(self._process.loaded, self._stack)

    def lent(self) -> list[LentMemory]:
        return []

    def result(self, cpu: Cpu) -> Any:
        end = self._guest.exit
        return ProgramResult(
            self._status if end is None else end.status,
            0 if end is None else end.signal,
            *self.output,
        )

    def finish(self) -> None:
        """The output was written as it came."""

    def error(self, stop: Stop) -> BaseException | None:
        return error_of(stop, self._process.loaded, self._guest, self._stack)

    def close(self) -> None:
        self._stack.close()
        self._process.close()
