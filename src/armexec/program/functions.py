"""Functions that Python calls in an image with a C library: its start, its one thread, and its end.

Source: `libraries/start.s`.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from armexec.callbacks import SystemCallHandler
from armexec.engines import Engine, LoadedImage, SupportsFastCalls
from armexec.engines.thread_local import GuestThread
from armexec.errors import Aborted
from armexec.libraries import CAUGHT, EXCEPTIONS, FINISH, FLUSH, LEAVE, START
from armexec.memory import HostMemory
from armexec.objects import CType, Parameter, Prototype
from armexec.objects.symbolize import function_name
from armexec.program.exceptions import LeavingExceptions
from armexec.program.memory import ProgramMemory
from armexec.program.process import InitialMemory, system_call_handler
from armexec.program.standard_streams import StandardError, StandardInput
from armexec.program.system_calls import ProgramExit, SystemCalls
from armexec.program.thread_start import ThreadStart
from armexec.program.threads import LastingThreads
from armexec.resource_limits.run_limits import are_limited, grace

__all__ = ["CLibrary", "LinkedLibrary"]

_WORD = CType("int", 8, name="unsigned long")
_BUFFERED = "__stdout_FILE"
"""The variable of musl that is there if the image writes to standard output, which it buffers."""


class CLibrary(ABC):
    """The C library of a loaded image. Output goes to Python's standard output, at the end of each call at the latest;
    input comes from Python's standard input; files are those below the folders that are given.
    """

    def __init__(
        self,
        loaded: LoadedImage,
        files: Mapping[str, str] | None = None,
        memory_limit: int | None = None,
        engine: Engine | None = None,
    ) -> None:
        """Make the library ready, and call the constructors; `files` as in `SystemCalls`. It may map at most
        `memory_limit` bytes. `engine`: what runs it, if it may start threads.

        Raises:
            LoadError: a folder of `files` isn't there.
            HostError: the engine can't run an image with a C library.
            ExecutionError: a constructor failed.
        """
        image = loaded.image
        self._loaded = loaded
        errors = StandardError()
        memory = ProgramMemory(loaded.sandbox)
        system = SystemCalls(memory, input=StandardInput(), error=errors, files=files, memory_limit=memory_limit)
        self._close_files = weakref.finalize(self, system.close)
        answer = system_call_handler(system, loaded)
        handler = _ending(answer, errors, loaded)
        loaded.answer_system_calls(handler)
        self._threads: LastingThreads | None = None
        if engine is not None:
            start = ThreadStart(engine, loaded, self._offset(START), answer)
            self._threads = LastingThreads(memory, start.enter)
            # They hold the image, which holds what answers its system calls.
            system.use_threads(weakref.proxy(self._threads))
        # Its start needs no thread pointer, and an engine that can't set one must refuse before.
        loaded.run_as(GuestThread(0))
        initial = InitialMemory.of(image, loaded.base, [image.name], {}, self._program_headers(), loaded.sandbox)
        self._memory = initial.memory
        self._thread = GuestThread(self._make_thread(initial.address))
        # In a sandbox nobody follows the guest's pointers by the host's addresses.
        if loaded.sandbox is None and any(s.name == EXCEPTIONS and s.offset is not None for s in image.symbols):
            place = loaded.base + self._offset(EXCEPTIONS)
            # Which exceptions are caught, and how many are on their way.
            self._thread.keep_state(int.from_bytes(HostMemory().read(place, 8), "little"))
        loaded.run_as(self._thread)
        self._writes = self._has_output()
        self.bind()
        self._call_initializers(initial.address)

    def _program_headers(self) -> tuple[int, int] | None:
        """The address and the number of the program headers that the library is to see, if not the image's."""
        return None

    @abstractmethod
    def _make_thread(self, stack: int) -> int:
        """Make the library's thread; its thread pointer. `stack` is the address of the initial stack."""

    @abstractmethod
    def _has_output(self) -> bool:
        """Whether something may have been written to standard output, and be in its buffer."""

    @abstractmethod
    def _call_initializers(self, stack: int) -> None:
        """Call the constructors that haven't been called yet."""

    def bind(self) -> None:
        """Bind what is called after each call, once more where a function was replaced."""
        if self._writes:
            prototype = Prototype(FLUSH, _WORD, (Parameter("stream", _WORD),))
            flush = self._loaded.bind(self._offset(FLUSH), prototype)
            self._flush = flush
            flush(0)
            if isinstance(self._loaded, SupportsFastCalls):
                self._loaded.make_fast_call(prototype, flush, flush, self._flush_by)
            self._thread.call_afterwards(self._flush_output)

    def _flush_output(self) -> None:
        if are_limited():
            with grace():
                self._flush(0)
        else:
            self._flush(0)

    def _flush_by(self, flush: Callable[[int], int]) -> None:
        self._flush = flush

    def _bound(self, name: str, arguments: int) -> Callable[..., int]:
        """The function of a symbol, which takes that many words."""
        return self._bound_at(self._offset(name), arguments)

    def _offset(self, name: str) -> int:
        offset = self._loaded.image.find(name).offset
        assert offset is not None
        return offset

    def _bound_at(self, offset: int, arguments: int) -> Callable[..., int]:
        parameters = tuple(Parameter(f"argument{number}", _WORD) for number in range(arguments))
        return self._loaded.bind(offset, Prototype("", _WORD, parameters))

    def finish(self) -> None:
        """Call destructors and functions given to atexit, as the end of a program does, and close the files that are
        still open. Raises ExecutionError, also one of a thread of the guest that no call knows of."""
        failed = None if self._threads is None else self._threads.close()
        try:
            self._exit()
        finally:
            self._close_files()
        if failed is not None:
            raise failed

    @abstractmethod
    def _exit(self) -> None:
        """Do what exit() does before it ends the process."""


class LinkedLibrary(CLibrary):
    """The library that objects are linked with as those of an executable."""

    def _make_thread(self, stack: int) -> int:
        return self._bound(START, 1)(stack)

    def _has_output(self) -> bool:
        return any(s.name == _BUFFERED and s.offset is not None for s in self._loaded.image.symbols)

    def _call_initializers(self, stack: int) -> None:
        """The start has called them."""

    def _exit(self) -> None:
        self._bound(FINISH, 0)()


def _ending(answer: SystemCallHandler, errors: StandardError, loaded: LoadedImage) -> SystemCallHandler:
    """The handler, for which the end of the program is an error: the module stays."""
    image, base = loaded.image, loaded.base
    exceptions = LeavingExceptions(image, base, HostMemory() if loaded.sandbox is None else loaded.sandbox.memory)

    def call(pc: int, number: int, arguments: tuple[int, ...]) -> int:
        if number == CAUGHT:
            return exceptions.caught(*arguments[:4])
        if number == LEAVE:
            return exceptions.leave()
        try:
            return answer(pc, number, arguments)
        except ProgramExit as end:
            how = f"by signal {end.signal}" if end.signal else f"with exit status {end.status}"
            why = f" ({errors.last})" if end.signal and errors.last else ""
            where = function_name(image, pc - base)
            raise Aborted(f"the program ended itself {how}{why}", pc=pc, symbol=where) from None

    return call
