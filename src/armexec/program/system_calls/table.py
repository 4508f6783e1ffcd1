"""The table of system calls, by their numbers on AArch64 (asm-generic/unistd.h)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from inspect import signature

from armexec.errors import Error
from armexec.program.system_calls import clocks, data, files, memory, process
from armexec.program.system_calls.descriptors import Descriptors
from armexec.program.system_calls.errno import EFAULT, failure
from armexec.program.system_calls.folders import Folders
from armexec.program.system_calls.growth import Growth
from armexec.program.system_calls.guest import Denied, Failure, GuestMemory
from armexec.program.system_calls.names import call_name
from armexec.program.system_calls.streams import Readable, Writable
from armexec.program.system_calls.system import System
from armexec.program.system_calls.threads import calls
from armexec.program.system_calls.threads.model import OneThread, Threads

__all__ = ["FILE_CALLS", "SystemCalls"]

_CALLS: dict[int, Callable[..., int]] = {
    **clocks.CALLS,
    **data.CALLS,
    **files.CALLS,
    **memory.CALLS,
    **process.CALLS,
    **calls.CALLS,
}
FILE_CALLS = frozenset({*data.CALLS, *files.CALLS})
"""The numbers of the calls that are about files and streams, and change nothing else but memory."""
_CHANGING = frozenset({*files.CALLS, *memory.CALLS, 57})
"""Those that change what the program has: its memory and its open files. Of them one is made at a time."""
_counts = {number: len(signature(function).parameters) - 1 for number, function in _CALLS.items()}
_MASK = (1 << 64) - 1


class SystemCalls:
    """The system as one program sees it. Calls that aren't in the table are denied."""

    def __init__(
        self,
        memory: GuestMemory,
        *,
        input: bytes | Readable = b"",
        output: Writable | None = None,
        error: Writable | None = None,
        files: Mapping[str, str] | None = None,
        memory_limit: int | None = None,
    ) -> None:
        """Make the system.

        Args:
            input: what the program reads from standard input: bytes, or a binary file.
            output, error: where it writes to; Python's standard output and error by default, as they are at each write.
            files: folders of the host by the absolute paths under which the program sees them. They can only be read,
                except where the folder's path ends in ":rw".
            memory_limit: how many bytes it may map; more is refused with ENOMEM.

        Raises:
            LoadError: a folder isn't there, or its name for the program isn't an absolute path.
        """
        self._lock = threading.RLock()
        self._system = System(
            memory,
            Descriptors(input, output, error),
            Folders({} if files is None else files),
            OneThread(memory),
            growth=Growth(memory_limit),
        )

    def use_threads(self, threads: Threads) -> None:
        """The program has threads from now on."""
        self._system.threads = threads

    def call(self, number: int, arguments: Sequence[int], pc: int = 0) -> int:
        """Make the system call of a number (X8) with its arguments (X0 to X5), each of 64 bits unsigned; return X0.

        `pc` is the address of `svc`.

        Raises:
            Denied: it isn't in the table, or asks for what isn't allowed. The message names the call.
            ProgramExit: the program has ended.
            TimeIsOver: the time limit of the thread is over.
        """
        function = _CALLS.get(number)
        if function is None:
            raise Denied(
                f"the program makes the system call {call_name(number)} ({number}), which armexec doesn't have"
            )
        given = (pc, *arguments) if number in calls.WITH_PC else arguments
        try:
            with self._lock if number in _CHANGING else nullcontext():
                result = function(self._system, *given[: _counts[number]]) & _MASK
            self._system.threads.check()
            return result
        except Failure as error:
            return -error.errno & _MASK
        except Denied:
            raise
        except Error:
            return -EFAULT & _MASK
        except OSError as error:
            return -failure(error).errno & _MASK

    def close(self) -> None:
        """Close the files that the program has left open."""
        self._system.descriptors.close()
