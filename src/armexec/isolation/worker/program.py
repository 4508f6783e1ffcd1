"""The program that a worker has. What it does with files and streams is done by the other process."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from armexec.isolation.protocol import Request
from armexec.isolation.worker.conversation import Conversation
from armexec.objects import Image
from armexec.program.process import Process
from armexec.program.system_calls import FILE_CALLS, Denied, GuestMemory, SystemCalls, Threads

__all__ = ["ProgramInWorker"]

_PREAD, _MUNMAP, _MMAP, _MPROTECT = 67, 215, 222, 226
_MAP_PRIVATE, _MAP_ANONYMOUS = 2, 0x20
_READ_WRITE = 3
_EACCES, _EBADF, _ESPIPE = -13, -9, -29
_MASK = (1 << 64) - 1


class ProgramInWorker:
    """A program."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._process: Process
        self._system: _System

    def answer(self, kind: Request, question: Any, changed: list[tuple[int, bytes]]) -> bytes:
        if kind == Request.PROGRAM:
            return self._load(*question)
        if kind == Request.RUN:
            self._conversation.forget_interrupts()
            with self._conversation.interrupts(True):
                end = self._process.run(*question)
            return struct.pack("<QQ", end.status, end.signal)
        if kind == Request.READ:
            return self._system.memory.read(*question)
        assert kind == Request.WRITE
        self._system.memory.write(*question)
        return b""

    def _load(self, image: Image, engine: str | None, sandbox: bool, number: int) -> bytes:
        """Load the program, whose files are done by the callback of a number; its base address."""

        def make_system(memory: GuestMemory) -> _System:
            self._system = _System(memory, self._conversation, number)
            return self._system

        self._process = Process(image, engine, make_system, sandbox=sandbox)
        return self._process.loaded.base.to_bytes(8, "little")


class _System:
    """The system as the program sees it: `SystemCalls`, whose files are in the other process."""

    def __init__(self, memory: GuestMemory, conversation: Conversation, number: int) -> None:
        self.memory = memory
        self._own = SystemCalls(memory)
        self._conversation = conversation
        self._number = number

    def use_threads(self, threads: Threads) -> None:
        self._own.use_threads(threads)

    def call(self, number: int, arguments: Sequence[int], pc: int = 0) -> int:
        if number in FILE_CALLS:
            return self._elsewhere(number, arguments)
        if number == _MMAP and not arguments[3] & _MAP_ANONYMOUS:
            return self._map_file(*arguments[:6])
        return self._own.call(number, arguments, pc)

    def close(self) -> None:
        self._own.close()

    def _elsewhere(self, number: int, arguments: Sequence[int]) -> int:
        """Have the other process make a call. Raises Denied."""
        data = struct.pack("<7Q", number, *(*arguments, *(0,) * 6)[:6])
        return int(self._conversation.call_python(self._number, [data], _result))

    def _map_file(self, address: int, length: int, protection: int, flags: int, fd: int, offset: int) -> int:
        """Map a file: memory of the program's own, into which the file is read, as mmap does it here."""
        if flags & 3 != _MAP_PRIVATE:
            return _EACCES & _MASK
        found = _signed(self._elsewhere(_PREAD, (fd, address, 0, offset)))
        if found < 0:
            return (_EBADF if found == _ESPIPE else found) & _MASK
        place = self._own.call(_MMAP, (address, length, _READ_WRITE, flags | _MAP_ANONYMOUS, _MASK, 0))
        if _signed(place) < 0:
            return place
        done = 0
        while done < length:
            count = _signed(self._elsewhere(_PREAD, (fd, place + done, length - done, offset + done)))
            if count < 0:
                self._own.call(_MUNMAP, (place, length))
                return count & _MASK
            if not count:
                break
            done += count
        if protection != _READ_WRITE:
            self._own.call(_MPROTECT, (place, length, protection))
        return place


def _result(found: tuple[int, str]) -> int:
    """What the other process has made of a call: a number, or why it is denied. Raises Denied."""
    value, why = found
    if why:
        raise Denied(why)
    return value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
