"""Memory faults of translated code: a signal handler, itself made through LLVM, that jumps out to the entry stub.

Each thread has one word (`support/runtime/c_library.ll`). The handler (`support/signals/fault_handler.ll`) looks at it
first: a fault outside of translated code goes to the handler that was there before. Otherwise it records in the state
the faulting address, whether it was a write, and the host's pc, and leaves by `longjmp`, which is safe because the
thread is in translated code, never inside of Python or an allocator (callbacks clear the word while they run). Nothing
is paid for it but setting and clearing the word at a call. What a process sends (kill) is never a fault of the guest.

Others install handlers too: faulthandler, or whoever calls `signal.signal`. So when a module is loaded it is looked
whether ours is still the first, which takes a system call; if not, it comes before the other, which gets what isn't the
guest's. One that was put before ours since, and sends what it gets on to the one before it, as faulthandler does, is
bypassed in the same way.

Layouts: Linux, sigaction(2) and the kernel's ucontext; macOS, sys/signal.h and mach/arm/_structs.h (not run there).
"""

from __future__ import annotations

import ctypes
import mmap
import signal
import sys
import threading
from collections.abc import Callable
from functools import cache

from armexec.forks import hold
from armexec.memory import Protection
from armexec.memory.kernel import real_kernel
from armexec.translate.codegen.link import HostCode
from armexec.translate.codegen.llvm import host_machine
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.execute.sigaction import SA_NODEFER, SA_ONSTACK, SA_SIGINFO, SignalAction
from armexec.translate.guest_state import GuestState
from armexec.translate.support.load import load
from armexec.translate.support.signal_context import context_text

__all__ = [
    "FLAGS_AT",
    "REGISTERS_AT",
    "SI_KERNEL",
    "TRAP_FLAG",
    "handler_text",
    "has_steps",
    "install",
    "look",
    "new_threads",
    "prepare_thread",
    "previous",
    "set_untagger",
    "take_steps",
    "thread_key",
    "untagger",
]

_DARWIN = sys.platform == "darwin"
_SS_DISABLE = 4 if _DARWIN else 2
_SENT = 0x10000
"""macOS numbers what a process sends from here on; Linux has it below 1."""
SI_KERNEL = 0x80
"""Linux's si_code of a fault whose address the processor doesn't tell."""
REGISTERS_AT, FLAGS_AT = 40, 176
"""Where Linux's ucontext_t has the registers of x86-64, and among them RFLAGS."""
TRAP_FLAG = 1 << 8
"""RFLAGS.TF: a trap after the next instruction."""
_MAP_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_ALTERNATE_SIZE = 1 << 20
"""Python may run on a stack for handlers (`top_byte_ignore`). The system gives pages when they are first used."""


class _LinuxStack(ctypes.Structure):
    _fields_ = (("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


class _DarwinStack(ctypes.Structure):
    _fields_ = (("address", ctypes.c_void_p), ("size", ctypes.c_size_t), ("flags", ctypes.c_int))


_Stack = _DarwinStack if _DARWIN else _LinuxStack

_libc = ctypes.CDLL(None, use_errno=True)


_keys: list[ctypes.c_uint64] = []


@cache
def thread_key() -> int:
    """The address of the pthread key of the thread's word, a 64-bit number; for the symbol `@thread_key`."""
    key = ctypes.c_uint64()
    if _libc.pthread_key_create(ctypes.byref(key), None):
        raise OSError("pthread_key_create failed")
    _keys.append(key)
    return ctypes.addressof(key)


def has_steps() -> bool:
    """Whether addresses with tags are dealt with here: other hosts ignore tags, or aren't known."""
    return not _DARWIN and host_machine() == "x86_64"


def handler_text(machine: str | None = None, system: str | None = None) -> str:
    """IR of `@handler` and `@thread_ended`, for a module with `runtime/c_library`; for this host or another.

    `machine` and `system` are as `host_machine` and `sys.platform` name them.
    """
    machine, system = machine or host_machine(), system or sys.platform
    is_darwin = system == "darwin"
    stack = _DarwinStack if is_darwin else _LinuxStack
    # Where ucontext_t has the stack for handlers.
    stack_at = 8 if is_darwin else 16
    handler = load(
        "signals/fault_handler",
        SIGTRAP=int(signal.SIGTRAP),
        SI_SENT=_SENT,
        CONTEXT_STACK_ADDRESS=stack_at + stack.address.offset,
        CONTEXT_STACK_SIZE=stack_at + stack.size.offset,
        STACK_FLAGS=stack.flags.offset,
        STACK_SIZE=stack.size.offset,
        SS_DISABLE=4 if is_darwin else 2,
        HANDLER_STACK=_ALTERNATE_SIZE,
    )
    if is_darwin or machine != "x86_64":
        tags = load("signals/tagged_address_other")
    else:
        tags = load(
            "signals/tagged_address_linux_x86_64",
            SI_KERNEL=SI_KERNEL,
            CONTEXT_STACK_SIZE=stack_at + stack.size.offset,
            HANDLER_STACK=_ALTERNATE_SIZE,
            CONTEXT_FLAGS=FLAGS_AT,
            NO_TRAP_FLAG=~TRAP_FLAG,
            CONTEXT_REGISTERS=REGISTERS_AT,
            REGISTERS_SIZE=GuestState.host_registers.size,
        )
    return context_text(machine, system) + tags + handler


class _Handler:
    """A handler for some signals, with what was in its place when it was put there. Never freed: a signal may come at
    any time, and those who came later may have kept it to go back to.

    Who takes the place of a handler either keeps it and calls it, or forgets it. So each that armexec puts there is one
    of its own: a signal then goes from the newest to the oldest, and none twice.
    """

    def __init__(self, code: HostCode | None, table: ctypes.Array[ctypes.c_void_p]) -> None:
        if code is None:
            symbols = {"previous": ctypes.addressof(table), "thread_key": thread_key(), "untagger": untagger()}
            code = shared_code(load("runtime/c_library") + handler_text(), symbols, ["handler", "thread_ended"])
        self.code = code
        self.table = table
        self.previous: dict[int, ctypes.Structure] = {}
        self.action = SignalAction()
        self.action.handler = code.address("handler")
        self.action.flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER

    def take(self, number: int, old: ctypes.Structure) -> None:
        """The place of `old`."""
        self.previous[number] = old
        self.table[number] = ctypes.addressof(old)
        _libc.sigaction(number, ctypes.byref(self.action), None)


class _Handlers:
    """All of them, and their places."""

    SIGNALS = (signal.SIGSEGV, signal.SIGBUS)

    def __init__(self) -> None:
        self._lock = hold(threading.Lock())
        self._made: list[_Handler] = []
        self._addresses: set[int] = set()
        self._table = (ctypes.c_void_p * 64)()
        self._stack_key: ctypes.c_uint | None = None

    def table(self) -> int:
        """Where the first has what was there before, for the symbol `@previous`."""
        return ctypes.addressof(self._table)

    def install(self, code: HostCode | None) -> None:
        """Put the first in place, once a process; `code` may have it."""
        with self._lock:
            if not self._made:
                handler = _Handler(code, self._table)
                key = ctypes.c_uint()
                ended = ctypes.c_void_p(handler.code.address("thread_ended"))
                if _libc.pthread_key_create(ctypes.byref(key), ended) == 0:
                    self._stack_key = key
                self._add(handler)
        self.look()

    def take_steps(self) -> None:
        """Take the place for SIGTRAP, unless that has been done."""
        number = int(signal.SIGTRAP)
        with self._lock:
            current = SignalAction()
            failed = _libc.sigaction(number, None, ctypes.byref(current))
            if not failed and (current.handler or 0) not in self._addresses:
                self._place(number, current).take(number, current)

    def _add(self, handler: _Handler) -> None:
        self._made.append(handler)
        self._addresses.add(handler.action.handler or 0)

    def look(self) -> None:
        """Take the first place again where somebody else has taken it. Raises HostError."""
        with self._lock:
            if not self._made:
                return
            for number in map(int, self.SIGNALS):
                current = SignalAction()
                failed = _libc.sigaction(number, None, ctypes.byref(current))
                if not failed and (current.handler or 0) not in self._addresses:
                    self._place(number, current).take(number, current)

    def _place(self, number: int, current: ctypes.Structure) -> _Handler:
        """A handler to come before `current`."""
        free = next((handler for handler in self._made if number not in handler.previous), None)
        if free is not None:
            return free
        if self._forgets(number, current):
            for handler in self._made:
                if handler.previous[number].handler == current.handler:
                    return handler
        handler = _Handler(None, (ctypes.c_void_p * 64)())
        self._add(handler)
        return handler

    @staticmethod
    def _forgets(number: int, current: ctypes.Structure) -> bool:
        """Whether it calls none that was there before: no handler, or one in Python."""
        return (current.handler or 0) <= 1 or callable(signal.getsignal(number))

    def keep_stack(self, address: int) -> bool:
        """Have a stack for handlers given back when this thread ends; whether that can be done."""
        key = self._stack_key
        return key is not None and _libc.pthread_setspecific(key, ctypes.c_void_p(address)) == 0


_handlers = _Handlers()


def previous() -> int:
    """The address of the actions that were there before, by signal; for the symbol `@previous`."""
    return _handlers.table()


_untagger = ctypes.c_uint64()


def untagger() -> int:
    """The address of the pointer to `i64 untag(ptr state, ptr context)`, null at first; for the symbol `@untagger`.

    It is called for an address that isn't canonical, and gives 1 where the access is to be made again.
    """
    return ctypes.addressof(_untagger)


def set_untagger(address: int) -> None:
    """Have it called."""
    _untagger.value = address


def take_steps() -> None:
    """Have the handler get SIGTRAP, too. Raises HostError."""
    _handlers.take_steps()


def install(code: HostCode | None = None) -> None:
    """Put the handler in place, once a process; `code` may have it (`handler_text`). Raises HostError if that fails."""
    _handlers.install(code)


def look() -> None:
    """Have the handler in the first place, also where another has been installed since. Raises HostError.

    And this thread has a stack for it again, if it had one.
    """
    _handlers.look()
    if _has_small_stack():
        _give_stack()


def ask_again() -> None:
    """Have the next call on this thread ask Python, as one that runs guest code for the first time."""
    key = ctypes.c_uint.from_address(thread_key())
    _libc.pthread_setspecific(key, None)


new_threads: list[Callable[[], None]] = []
"""Called in each thread that is about to run guest code for the first time."""


def prepare_thread() -> None:
    """Give this thread a stack for the handler, unless it has one, so that running out of stack is a fault too."""
    current = _Stack()
    failed = _libc.sigaltstack(None, ctypes.byref(current))
    if not failed and (current.flags & _SS_DISABLE or _has_small_stack()):
        _give_stack()
    for listener in tuple(new_threads):
        listener()


def _has_small_stack() -> bool:
    """Whether this thread has a stack for handlers on which Python can't run, as faulthandler's."""
    current = _Stack()
    failed = _libc.sigaltstack(None, ctypes.byref(current))
    return not failed and not current.flags & _SS_DISABLE and bool(current.size < _ALTERNATE_SIZE)


def _give_stack() -> None:
    try:
        address = real_kernel().mmap(0, _ALTERNATE_SIZE, Protection.READ | Protection.WRITE, _MAP_FLAGS)
    except OSError:
        return
    if not _handlers.keep_stack(address):
        real_kernel().munmap(address, _ALTERNATE_SIZE)
        return
    stack = _Stack()
    stack.address, stack.size, stack.flags = address, _ALTERNATE_SIZE, 0
    _libc.sigaltstack(ctypes.byref(stack), None)
