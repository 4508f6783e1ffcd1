"""Memory faults of translated code: a signal handler, itself made through LLVM, that jumps out to the entry stub.

Each thread has one word (a pthread key): null before its first call of translated code, 1 when it runs none,
else the address of the state it runs on. The handler looks at it first: a fault outside of translated code
goes to the handler that was there before. Otherwise it records in the state the faulting address, whether it
was a write, and the host's pc, and leaves by `longjmp`, which is safe because the thread is in translated
code, never inside of Python or an allocator (callbacks clear the word while they run). Nothing is paid for it
but setting and clearing the word at a call. What a process sends (kill) is never a fault of the guest.

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
from armexec.translate.guest_state import OFFSETS

__all__ = [
    "FLAGS_AT",
    "IDLE",
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

IDLE = 1
"""The thread's word when no guest code runs."""

_DARWIN = sys.platform == "darwin"
_SS_DISABLE = 4 if _DARWIN else 2
_STACK_AT = 8 if _DARWIN else 16
"""Where ucontext_t has the stack for handlers."""
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


def has_steps() -> bool:
    """Whether addresses with tags are dealt with here: other hosts ignore tags, or aren't known."""
    return not _DARWIN and host_machine() == "x86_64"


def _step() -> str:
    """IR that ends an instruction that was executed by itself: the trap flag goes, and its register is as before."""
    if not has_steps():
        return ""
    fields = {name: f"getelementptr i8, ptr %state, i64 {OFFSETS[name]}" for name in OFFSETS}
    return f"""
  %is_trap = icmp eq i32 %signal, {int(signal.SIGTRAP)}
  br i1 %is_trap, label %trapped, label %faulted
trapped:
  %s1 = {fields["step_place"]}
  %place = load i64, ptr %s1
  %no_step = icmp eq i64 %place, 0
  br i1 %no_step, label %other, label %stepped
stepped:
  store i64 0, ptr %s1
  %register = getelementptr i8, ptr %context, i64 %place
  %current = load i64, ptr %register
  %s2 = {fields["step_new"]}
  %put = load i64, ptr %s2
  %unchanged = icmp eq i64 %current, %put
  %s3 = {fields["step_old"]}
  %before = load i64, ptr %s3
  %now = select i1 %unchanged, i64 %before, i64 %current
  store i64 %now, ptr %register
  %fl = getelementptr i8, ptr %context, i64 {FLAGS_AT}
  %flags = load i64, ptr %fl
  %plain = and i64 %flags, {~TRAP_FLAG}
  store i64 %plain, ptr %fl
  br label %out
faulted:
"""


def _untag() -> str:
    """IR that has an access made without its tag, where an address has one."""
    if not has_steps():
        return ""
    return f"""
  %unknown = icmp eq i64 %address, 0
  %kernel = icmp eq i32 %reason, {SI_KERNEL}
  %hidden = and i1 %unknown, %kernel
  %uf = load ptr, ptr @untagger
  %has = icmp ne ptr %uf, null
  ; Somebody else's stack for handlers may be too small for Python.
  %zp = getelementptr i8, ptr %context, i64 {_STACK_AT + _Stack.size.offset}
  %room = load i64, ptr %zp
  %large = icmp uge i64 %room, {_ALTERNATE_SIZE}
  %could = and i1 %hidden, %has
  %tries = and i1 %could, %large
  br i1 %tries, label %untag, label %report
untag:
  %u = call i64 %uf(ptr %state, ptr %context)
  %goes_on = icmp ne i64 %u, 0
  br i1 %goes_on, label %out, label %report
report:
  %sp0 = getelementptr i8, ptr %state, i64 {OFFSETS["step_place"]}
  store i64 0, ptr %sp0
"""


def _keep_registers() -> str:
    """IR that puts the registers into the state, where the kernel doesn't tell all addresses."""
    if not has_steps():
        return ""
    return f"""
  %rp = getelementptr i8, ptr %context, i64 {REGISTERS_AT}
  %rs = getelementptr i8, ptr %state, i64 {OFFSETS["host_registers"]}
  call void @llvm.memcpy.p0.p0.i64(ptr %rs, ptr %rp, i64 136, i1 false)
"""


_DECLARED = """
@thread_key = external global i64, align 8
declare ptr @pthread_getspecific(i64)
declare void @longjmp(ptr, i32) noreturn
"""


def handler_text() -> str:
    """IR for a module with the declarations of `runtime_ir.core`.

    `void @handler(i32, ptr, ptr)` is for `sigaction`. `void @thread_ended(ptr)` gives back a thread's stack for it.
    """
    address_offset, context = _context()
    fields = {name: f"getelementptr i8, ptr %state, i64 {offset}" for name, offset in OFFSETS.items()}
    return f"""
@previous = external global [64 x ptr]
@untagger = external global ptr, align 8
declare i32 @sigaction(i32, ptr, ptr)
declare i64 @pthread_self()
declare i32 @pthread_kill(i64, i32)
declare i32 @sigaltstack(ptr, ptr)
declare i32 @munmap(ptr, i64)

define void @handler(i32 %signal, ptr %info, ptr %context) nounwind {{
  ; What a process sends has another si_code than what the kernel finds, and no address.
  %cp = getelementptr i8, ptr %info, i64 8
  %reason = load i32, ptr %cp
  %positive = icmp sgt i32 %reason, 0
  %small = icmp slt i32 %reason, {_SENT}
  %found = and i1 %positive, %small
  %key = load i64, ptr @thread_key
  %state = call ptr @pthread_getspecific(i64 %key)
  %word = ptrtoint ptr %state to i64
  %ours = icmp ugt i64 %word, {IDLE}
  br i1 %ours, label %guest, label %other
guest:
{context}
{_step()}
  br i1 %found, label %fault, label %sent
sent:
  ; From a handler, on the stack for such, that came before this one and now sends the signal on: when it has returned,
  ; the access is done again.
  %ss = getelementptr i8, ptr %context, i64 {_STACK_AT + _Stack.address.offset}
  %bottom = load i64, ptr %ss
  %ls = getelementptr i8, ptr %context, i64 {_STACK_AT + _Stack.size.offset}
  %length = load i64, ptr %ls
  %up = sub i64 %sp, %bottom
  %is_on = icmp ule i64 %up, %length
  br i1 %is_on, label %out, label %other
fault:
  %ap = getelementptr i8, ptr %info, i64 {address_offset}
  %address = load i64, ptr %ap
{_untag()}
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
  %f6 = {fields["host_code"]}
  %reason64 = zext i32 %reason to i64
  store i64 %reason64, ptr %f6
{_keep_registers()}
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
  br i1 %special, label %none, label %chain
chain:
  call void %f(i32 %signal, ptr %info, ptr %context)
  ret void
none:
  %ignored = icmp eq i64 %fw, 1
  %sent_in_vain = xor i1 %found, true
  %drop = and i1 %ignored, %sent_in_vain
  br i1 %drop, label %out, label %default
default:
  ; Back to what was there: the access is done again, and faults for good; or it is sent again.
  %r = call i32 @sigaction(i32 %signal, ptr %old, ptr null)
  br i1 %found, label %out, label %send
send:
  %self = call i64 @pthread_self()
  %k = call i32 @pthread_kill(i64 %self, i32 %signal)
  ret void
out:
  ret void
}}

define void @thread_ended(ptr %stack) nounwind {{
  %current = alloca [3 x i64], align 8
  %none = alloca [3 x i64], align 8
  %r = call i32 @sigaltstack(ptr null, ptr %current)
  %address = load ptr, ptr %current
  %same = icmp eq ptr %address, %stack
  br i1 %same, label %off, label %free
off:
  store ptr null, ptr %none
  %fp = getelementptr i8, ptr %none, i64 {_Stack.flags.offset}
  store i32 {_SS_DISABLE}, ptr %fp
  %sp = getelementptr i8, ptr %none, i64 {_Stack.size.offset}
  store i64 {_ALTERNATE_SIZE}, ptr %sp
  %d = call i32 @sigaltstack(ptr %none, ptr null)
  br label %free
free:
  %m = call i32 @munmap(ptr %stack, i64 {_ALTERNATE_SIZE})
  ret void
}}
"""


class _Handler:
    """A handler for some signals, with what was in its place when it was put there. Never freed: a signal may come at
    any time, and those who came later may have kept it to go back to.

    Who takes the place of a handler either keeps it and calls it, or forgets it. So each that armexec puts there is one
    of its own: a signal then goes from the newest to the oldest, and none twice.
    """

    def __init__(self, code: HostCode | None, table: ctypes.Array[ctypes.c_void_p]) -> None:
        if code is None:
            symbols = {"previous": ctypes.addressof(table), "thread_key": thread_key(), "untagger": untagger()}
            code = shared_code(_DECLARED + handler_text(), symbols, ["handler", "thread_ended"])
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
