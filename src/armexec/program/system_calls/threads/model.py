"""What system calls need of the threads of a program; and the program that has one."""

from __future__ import annotations

from typing import NamedTuple, NoReturn, Protocol

from armexec.program.system_calls.errno import EAGAIN, ETIMEDOUT
from armexec.program.system_calls.guest import Denied, Failure, GuestMemory, ProgramExit
from armexec.program.system_calls.threads.waiting import sleep_until

__all__ = ["NO_REQUEUE", "PROCESS", "NewThread", "OneThread", "Requeue", "ThreadFailed", "Threads", "check_value"]

PROCESS = 1000
"""The number of the process, which is that of its first thread."""


class NewThread(NamedTuple):
    """What clone(2) is given for a thread.

    It begins at `pc` with the registers X1 to X5 of `registers`, 0 in X0, and `stack` in SP. `thread_pointer`: its
    TPIDR_EL0. `tells`: where its number is to be put before it begins; `clears`: where 0 is put at its end, and
    whoever waits is woken; 0 without.
    """

    pc: int
    registers: tuple[int, ...]
    stack: int
    thread_pointer: int
    tells: tuple[int, ...]
    clears: int


class Requeue(NamedTuple):
    """At most `most` threads that aren't woken wait at another address from now on, if the word where they wait has
    `value`; None: any."""

    most: int
    to: int
    value: int | None


NO_REQUEUE = Requeue(0, 0, None)
"""No thread waits elsewhere."""


def check_value(memory: GuestMemory, address: int, value: int | None) -> None:
    """Raises Failure (EAGAIN): a word of memory hasn't a value."""
    if value is not None and int.from_bytes(memory.read(address, 4), "little") != value:
        raise Failure(EAGAIN)


class ThreadFailed(Exception):
    """Another thread has failed, with an `error`. It is no failure of a system call, as an Error is."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


class Threads(Protocol):
    """The threads of a program, as its system calls see them. Times are those of `time.monotonic`, or None: for ever.

    Whatever waits raises TimeIsOver when the thread's time limit is over.
    """

    def own_id(self) -> int:
        """The number of the thread that asks."""

    def set_clear(self, address: int) -> None:
        """Where 0 is put at the end of the thread that asks."""

    def start(self, new: NewThread) -> int:
        """Start a thread; its number. Raises Failure (EAGAIN), and Denied where there can't be one."""

    def exit(self, status: int) -> int:
        """End the thread that asks. The end of the last one ends the program, with the status of the first one.

        It comes back where another thread then has the registers.
        """

    def wait(self, address: int, value: int, mask: int, until: float | None) -> int:
        """Wait to be woken, if a word of memory has a value; 0.

        Nobody is woken between the look at the value and the wait. Raises Failure (EAGAIN, ETIMEDOUT), and Denied if
        nobody is left who could wake it.
        """

    def wake(self, address: int, count: int, mask: int, requeue: Requeue = NO_REQUEUE) -> int:
        """Wake threads that wait at an address; how many, with those that are requeued. Raises Failure (EAGAIN)."""

    def are_several(self) -> bool:
        """Whether there is more than one."""

    def check(self) -> None:
        """A system call was made, which may have taken long. Raises an exception that ends a thread of a program that
        has ended, and ThreadFailed."""

    def pause(self) -> None:
        """Let other threads go on."""

    def sleep(self, until: float) -> None:
        """Let other threads go on until then."""


class OneThread:
    """There is no other. `why`: what is said where one is to be started."""

    def __init__(self, memory: GuestMemory, why: str = "it has one here") -> None:
        self._memory = memory
        self._why = why

    def own_id(self) -> int:
        return PROCESS

    def set_clear(self, address: int) -> None:
        """Nobody waits for its end."""

    def start(self, new: NewThread) -> int:
        raise Denied(f"the program starts a thread (clone): {self._why}")

    def exit(self, status: int) -> NoReturn:
        raise ProgramExit(status)

    def wait(self, address: int, value: int, mask: int, until: float | None) -> int:
        check_value(self._memory, address, value)
        if until is None:
            raise Denied("the program waits (futex) for another thread, and there is none: it would wait for ever")
        sleep_until(until)
        raise Failure(ETIMEDOUT)

    def wake(self, address: int, count: int, mask: int, requeue: Requeue = NO_REQUEUE) -> int:
        check_value(self._memory, address, requeue.value)
        return 0

    def are_several(self) -> bool:
        return False

    def check(self) -> None:
        """It has not ended."""

    def pause(self) -> None:
        """There is no other."""

    def sleep(self, until: float) -> None:
        sleep_until(until)
