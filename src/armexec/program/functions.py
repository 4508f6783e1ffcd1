"""Functions that Python calls in an image with a C library: its start, its one thread, and its end.

Source: `libraries/start.s`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from armexec.callbacks import SystemCallHandler
from armexec.engines import LoadedImage, SupportsFastCalls
from armexec.engines.thread_local import GuestThread
from armexec.errors import Aborted
from armexec.libraries import FINISH, FLUSH, START
from armexec.objects import CType, Image, Parameter, Prototype
from armexec.objects.symbolize import function_name
from armexec.program.memory import ProgramMemory
from armexec.program.process import InitialMemory, system_call_handler
from armexec.program.system_calls import ProgramExit, SystemCalls
from armexec.program.system_calls.streams import OutputStream
from armexec.run_limits import are_limited, grace

__all__ = ["CLibrary"]

_ADDRESS = CType("int", 8, name="unsigned long")
_LONGEST = 1000
"""Bytes of a line that are kept."""
_BUFFERED = "__stdout_FILE"
"""The variable of musl that is there if the image writes to standard output, which it buffers."""


class CLibrary:
    """The C library of a loaded image. Output goes to Python's standard output, at the end of each call at the latest;
    input comes from Python's standard input; no files can be opened.
    """

    def __init__(self, loaded: LoadedImage, memory_limit: int | None = None) -> None:
        """Make the library ready, and call the constructors. It may map at most `memory_limit` bytes.

        Raises:
            HostError: the engine can't run an image with a C library.
            ExecutionError: a constructor failed.
        """
        image = loaded.image
        self._loaded = loaded
        errors = _StandardError()
        system = SystemCalls(ProgramMemory(), input=_StandardInput(), error=errors, memory_limit=memory_limit)
        answer = system_call_handler(system, image, loaded.base)
        loaded.answer_system_calls(_ending(answer, errors, image, loaded.base))
        # Its start needs no thread pointer, and an engine that can't set one must refuse before.
        loaded.run_as(GuestThread(0))
        initial = InitialMemory.of(image, loaded.base, [image.name], {})
        self._memory = initial.memory
        start = loaded.bind(_offset(image, START), Prototype(START, _ADDRESS, (Parameter("stack", _ADDRESS),)))
        self._thread = GuestThread(start(initial.address))
        loaded.run_as(self._thread)
        self._writes = any(s.name == _BUFFERED and s.offset is not None for s in image.symbols)
        self.bind()

    def bind(self) -> None:
        """Bind what is called after each call, once more where a function was replaced."""
        if self._writes:
            loaded = self._loaded
            prototype = Prototype(FLUSH, _ADDRESS, (Parameter("stream", _ADDRESS),))
            flush = loaded.bind(_offset(loaded.image, FLUSH), prototype)
            self._flush = flush
            flush(0)
            if isinstance(loaded, SupportsFastCalls):
                loaded.make_fast_call(prototype, flush, flush, self._flush_by)
            self._thread.call_afterwards(self._flush_output)

    def _flush_output(self) -> None:
        if are_limited():
            with grace():
                self._flush(0)
        else:
            self._flush(0)

    def _flush_by(self, flush: Callable[[int], int]) -> None:
        self._flush = flush

    def finish(self) -> None:
        """Call destructors and functions given to atexit, as the end of a program does. Raises ExecutionError."""
        self._loaded.bind(_offset(self._loaded.image, FINISH), Prototype(FINISH, CType("void", name="void")))()


def _offset(image: Image, name: str) -> int:
    offset = image.find(name).offset
    assert offset is not None
    return offset


def _ending(answer: SystemCallHandler, errors: _StandardError, image: Image, base: int) -> SystemCallHandler:
    """The handler, for which the end of the program is an error: the module stays."""

    def call(pc: int, number: int, arguments: tuple[int, ...]) -> int:
        try:
            return answer(pc, number, arguments)
        except ProgramExit as end:
            how = f"by signal {end.signal}" if end.signal else f"with exit status {end.status}"
            why = f" ({errors.last})" if end.signal and errors.last else ""
            where = function_name(image, pc - base)
            raise Aborted(f"the program ended itself {how}{why}", pc=pc, symbol=where) from None

    return call


class _StandardError:
    """Python's standard error; `last` is the last line that was written, which may say why a program ends."""

    def __init__(self) -> None:
        self.last = ""
        self._line = b""
        self._stream = OutputStream("stderr", None)

    def write(self, data: bytes, /) -> None:
        # A line may come in several parts.
        *lines, rest = (self._line + data)[-_LONGEST:].split(b"\n")
        self._line = rest
        self.last = (rest or (lines[-1] if lines else b"")).decode("utf-8", "backslashreplace") or self.last
        self._stream.write(data)


class _StandardInput:
    """Python's standard input as it is at each read; nothing where it has no bytes."""

    def read(self, size: int, /) -> bytes:
        buffer = getattr(sys.stdin, "buffer", None)
        return bytes(buffer.read1(size)) if buffer is not None else b""
