"""Memory faults of translated code: a signal handler, itself made through LLVM, that jumps out to the entry stub.

Each thread has one word (`support/runtime/c_library.ll`). The handler (`support/signals/fault_handler.ll`) looks at it
first: a fault outside of translated code goes to the handler that was there before. Otherwise it records in the state
the faulting address, whether it was a write, and the host's pc, and leaves by `longjmp`, which is safe because the
thread is in translated code, never inside of Python or an allocator (callbacks clear the word while they run). Nothing
is paid for it but setting and clearing the word at a call. What a process sends (kill) is never a fault of the guest.

Others install handlers too (signals/places.py). When a module is loaded it is looked whether ours is still the first,
which takes a system call; if not, it comes before the other, which gets what isn't the guest's. One that was put before
ours since, and sends what it gets on to the one before it, as faulthandler does, is bypassed in the same way.

Layouts: Linux, sigaction(2) and the kernel's ucontext; macOS, sys/signal.h and mach/arm/_structs.h (not run there).
"""

from __future__ import annotations

import ctypes
import mmap
import signal
import sys
from collections.abc import Callable
from functools import cache

from armexec.translate.codegen.link import HostCode
from armexec.translate.codegen.llvm import host_machine
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.execute.host_stack import NEAR
from armexec.translate.execute.signals.alternate_stack import (
    ALTERNATE_SIZE,
    AlternateStacks,
    DarwinStack,
    LinuxStack,
    disabled_flag,
)
from armexec.translate.execute.signals.places import MadeHandler, Places
from armexec.translate.support.host_frame_text import host_frame_text
from armexec.translate.support.load import load
from armexec.translate.support.sigaction import SA_NODEFER, SA_ONSTACK, SA_SIGINFO
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
_SENT = 0x10000
"""macOS numbers what a process sends from here on; Linux has it below 1."""
SI_KERNEL = 0x80
"""Linux's si_code of a fault whose address the processor doesn't tell."""
REGISTERS_AT, PC_AT, FLAGS_AT = 40, 168, 176
"""Where Linux's ucontext_t has the registers of x86-64, and among them RIP and RFLAGS."""
TRAP_FLAG = 1 << 8
"""RFLAGS.TF: a trap after the next instruction."""

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
    stack = DarwinStack if is_darwin else LinuxStack
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
        SS_DISABLE=disabled_flag(system),
        HANDLER_STACK=ALTERNATE_SIZE,
    )
    if is_darwin or machine != "x86_64":
        tags = load("signals/tagged_address_other")
    else:
        tags = load(
            "signals/tagged_address_linux_x86_64",
            SI_KERNEL=SI_KERNEL,
            CONTEXT_STACK_SIZE=stack_at + stack.size.offset,
            HANDLER_STACK=ALTERNATE_SIZE,
            CONTEXT_FLAGS=FLAGS_AT,
            CONTEXT_PC=PC_AT,
            NO_TRAP_FLAG=~TRAP_FLAG,
        )
    interrupted = load("signals/keep_interrupted", NEAR=NEAR, NEAR_TWICE=2 * NEAR, PAGE_MASK=mmap.PAGESIZE - 1)
    return context_text(machine, system) + interrupted + tags + handler


def _symbols(table: int) -> dict[str, int]:
    return {"previous": table, "thread_key": thread_key(), "untagger": untagger()}


def _make(table: int) -> MadeHandler:
    text = load("runtime/c_library") + host_frame_text() + handler_text()
    return _made(shared_code(text, _symbols(table), ["handler", "thread_ended"]))


def _made(code: HostCode) -> MadeHandler:
    _stacks.use(code.address("thread_ended"))
    return code.address("handler"), code


_places = Places((signal.SIGSEGV, signal.SIGBUS), SA_SIGINFO | SA_ONSTACK | SA_NODEFER, _make)
_stacks = AlternateStacks()


def previous() -> int:
    """The address of the actions that were there before, by signal; for the symbol `@previous`."""
    return _places.table


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
    _places.take(signal.SIGTRAP)


def install(code: HostCode | None = None) -> None:
    """Put the handler in place, once a process; `code` may have it (`handler_text`). Raises HostError if that fails."""
    _places.install(None if code is None else _made(code))


def look() -> None:
    """Have the handler in the first place, also where another has been installed since. Raises HostError.

    And this thread has a stack for it again, if it had one.
    """
    _places.look()
    _stacks.enlarge()


def ask_again() -> None:
    """Have the next call on this thread ask Python, as one that runs guest code for the first time."""
    key = ctypes.c_uint.from_address(thread_key())
    _libc.pthread_setspecific(key, None)


new_threads: list[Callable[[], None]] = []
"""Called in each thread that is about to run guest code for the first time."""


def prepare_thread() -> None:
    """Give this thread a stack for the handler, unless it has one, so that running out of stack is a fault too."""
    _stacks.prepare()
    for listener in tuple(new_threads):
        listener()
