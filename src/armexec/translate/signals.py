"""Memory faults of translated code: a signal handler, itself made through LLVM, that jumps out to the entry stub.

Each thread has one word (a pthread key): null before its first call of translated code, 1 when it runs none,
else the address of the state it runs on. The handler looks at it first: a fault outside of translated code
goes to the handler that was there before. Otherwise it records in the state the faulting address, whether it
was a write, and the host's pc, and leaves by `longjmp`, which is safe because the thread is in translated
code, never inside of Python or an allocator (callbacks clear the word while they run). Nothing is paid for it
but setting and clearing the word at a call.

Layouts: Linux, sigaction(2) and the kernel's ucontext; macOS, sys/signal.h and mach/arm/_structs.h (not run there).
"""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable
from functools import cache

from .host import host_machine
from .link import HostCode
from .shared_code import shared_code
from .sigaction import SA_NODEFER, SA_ONSTACK, SA_SIGINFO, SignalAction
from .state import OFFSETS

__all__ = ["IDLE", "handler_text", "install", "new_threads", "prepare_thread", "previous", "thread_key"]

IDLE = 1
"""The thread's word when no guest code runs."""

_DARWIN = sys.platform == "darwin"
_SS_DISABLE = 4 if _DARWIN else 2
_ALTERNATE_SIZE = 1 << 16


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


def _context() -> tuple[int, str]:
    """Where siginfo's si_addr is, and IR that makes %pc and %write of %context."""
    if _DARWIN:
        # ucontext_t.uc_mcontext (48) -> __es.__far, __esr (8); __ss.__pc (16 + 32 * 8).
        return (
            24,
            """
  %mp = getelementptr i8, ptr %context, i64 48
  %mc = load ptr, ptr %mp
  %pp = getelementptr i8, ptr %mc, i64 272
  %sq = getelementptr i8, ptr %mc, i64 264
  %sp = load i64, ptr %sq
  %pc = load i64, ptr %pp
  %ep = getelementptr i8, ptr %mc, i64 8
  %esr = load i32, ptr %ep
  %wnr = and i32 %esr, 64
  %write = icmp ne i32 %wnr, 0
""",
        )
    if host_machine() == "x86_64":
        # gregs[REG_RIP] and bit 1 of gregs[REG_ERR], the page fault's error code.
        return (
            16,
            """
  %pp = getelementptr i8, ptr %context, i64 168
  %sq = getelementptr i8, ptr %context, i64 160
  %sp = load i64, ptr %sq
  %pc = load i64, ptr %pp
  %ep = getelementptr i8, ptr %context, i64 192
  %err = load i64, ptr %ep
  %wnr = and i64 %err, 2
  %write = icmp ne i64 %wnr, 0
""",
        )
    # The kernel's record of the ESR isn't always there (not under qemu 7), so the instruction itself is looked at:
    # Arm ARM C4.1, loads and stores. Bit 22 means a load, but for single registers, where opc is 0 for a store, and 2
    # for one of a whole V register; an atomic one counts as a store.
    return (
        16,
        """
  %pp = getelementptr i8, ptr %context, i64 440
  %sq = getelementptr i8, ptr %context, i64 432
  %sp = load i64, ptr %sq
  %pc = load i64, ptr %pp
  %at = load ptr, ptr %pp
  %code = load i32, ptr %at
  %class = and i32 %code, 973078528
  %single = icmp eq i32 %class, 939524096
  %atomic_bits = and i32 %code, 991955968
  %atomic = icmp eq i32 %atomic_bits, 941621248
  %opc = and i32 %code, 12582912
  %v = and i32 %code, 79691776
  %stored = icmp eq i32 %opc, 0
  %stored_v = icmp eq i32 %v, 75497472
  %first = or i1 %stored, %stored_v
  %one = or i1 %first, %atomic
  %l = and i32 %code, 4194304
  %stores = icmp eq i32 %l, 0
  %write = select i1 %single, i1 %one, i1 %stores
""",
    )


_DECLARED = """
@thread_key = external global i64, align 8
declare ptr @pthread_getspecific(i64)
declare i32 @pthread_setspecific(i64, ptr)
declare void @longjmp(ptr, i32) noreturn
"""


def handler_text() -> str:
    """`void @handler(i32, ptr, ptr)`, for `sigaction`, in a module with the declarations of `prelude.core`."""
    address_offset, context = _context()
    fields = {name: f"getelementptr i8, ptr %state, i64 {offset}" for name, offset in OFFSETS.items()}
    return f"""
@previous = external global [64 x ptr]
declare i32 @sigaction(i32, ptr, ptr)

define void @handler(i32 %signal, ptr %info, ptr %context) nounwind {{
  %key = load i64, ptr @thread_key
  %state = call ptr @pthread_getspecific(i64 %key)
  %word = ptrtoint ptr %state to i64
  %ours = icmp ugt i64 %word, {IDLE}
  br i1 %ours, label %guest, label %other
guest:
  %ap = getelementptr i8, ptr %info, i64 {address_offset}
  %address = load i64, ptr %ap
{context}
  %kind = select i1 %write, i64 7, i64 6
  %f1 = {fields["trap_kind"]}
  store i64 %kind, ptr %f1
  %f2 = {fields["trap_detail"]}
  store i64 %address, ptr %f2
  %f3 = {fields["trap_pc"]}
  store i64 0, ptr %f3
  %f4 = {fields["host_pc"]}
  store i64 %pc, ptr %f4
  %f5 = {fields["host_sp"]}
  store i64 %sp, ptr %f5
  %jb = {fields["jump_buffer"]}
  call void @longjmp(ptr %jb, i32 1)
  unreachable
other:
  %n = sext i32 %signal to i64
  %slot = getelementptr ptr, ptr @previous, i64 %n
  %old = load ptr, ptr %slot
  %f = load ptr, ptr %old
  %fw = ptrtoint ptr %f to i64
  %special = icmp ule i64 %fw, 1
  br i1 %special, label %default, label %chain
chain:
  call void %f(i32 %signal, ptr %info, ptr %context)
  ret void
default:
  ; Back to what was there: the access is done again, and faults for good.
  %r = call i32 @sigaction(i32 %signal, ptr %old, ptr null)
  ret void
}}
"""


_previous = (ctypes.c_void_p * 64)()


def previous() -> int:
    """The address of the actions that were there before, by signal; for the symbol `@previous`."""
    return ctypes.addressof(_previous)


class _Handler:
    """The handler in place; never freed, since a signal may come at any time. `code` has it, or it is made."""

    def __init__(self, code: HostCode | None) -> None:
        if code is None:
            symbols = {"previous": previous(), "thread_key": thread_key()}
            code = shared_code(_DECLARED + handler_text(), symbols, ["handler"])
        self.code = code
        self.actions: list[ctypes.Structure] = []
        action = SignalAction()
        action.handler = self.code.address("handler")
        action.flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER
        for number in (signal.SIGSEGV, signal.SIGBUS):
            old = SignalAction()
            if _libc.sigaction(int(number), None, ctypes.byref(old)):
                continue
            self.actions.append(old)
            _previous[int(number)] = ctypes.addressof(old)
            _libc.sigaction(int(number), ctypes.byref(action), None)


_handler: list[_Handler] = []


def install(code: HostCode | None = None) -> None:
    """Put the handler in place, once a process; `code` may have it (`handler_text`). Raises HostError if that fails."""
    if not _handler:
        _handler.append(_Handler(code))


new_threads: list[Callable[[], None]] = []
"""Called in each thread that is about to run guest code for the first time."""

_alternate_stacks: list[ctypes.Array[ctypes.c_char]] = []


def prepare_thread() -> None:
    """Give this thread a stack for the handler, unless it has one, so that running out of stack is a fault too."""
    current = _Stack()
    if _libc.sigaltstack(None, ctypes.byref(current)) == 0 and current.flags & _SS_DISABLE:
        memory = ctypes.create_string_buffer(_ALTERNATE_SIZE)
        # The thread may outlive every object of Python's that knows of it.
        _alternate_stacks.append(memory)
        stack = _Stack()
        stack.address, stack.size, stack.flags = ctypes.addressof(memory), _ALTERNATE_SIZE, 0
        _libc.sigaltstack(ctypes.byref(stack), None)
    for listener in tuple(new_threads):
        listener()
