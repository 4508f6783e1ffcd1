"""Where the guest's code is, asked again and again: host pcs and how often each was met.

A timer's signal interrupts a thread that runs; the handler, made through LLVM as that for faults is, looks at the pc.
If it is in one of the ranges of code that are known, it is counted. If not, but the thread runs guest code, then this
has called something of the host (a loop that LLVM made a call of memset, say): the link register, or the nearest
address on the stack that is in a range, is where it was called from, and is counted instead. Nothing else is.

Counts are kept in a table by pc, and not as a list of samples: however long the guest runs, no sample is lost.
"""

from __future__ import annotations

import ctypes
import signal
import sys
from functools import cache
from threading import Lock

from armexec.errors import HostError
from armexec.forks import hold
from armexec.translate.codegen.llvm import host_machine
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.execute.fault_handler import IDLE, thread_key
from armexec.translate.execute.sigaction import SA_ONSTACK, SA_RESTART, SA_SIGINFO, SignalAction
from armexec.translate.observe.thread_timers import ThreadTimers

__all__ = ["ELSEWHERE", "Sampler", "sampler"]

ELSEWHERE = 1
"""Stands for the pc of samples in guest code of which nothing is known."""

_INTERVAL = 0.001
"""Seconds; kernels rarely do better."""
_BITS = 16
"""The table has so many places as numbers of so many bits; a place is a pc and its count."""
_PROBES = 64
_RANGES = 1 << 14
_DEPTH = 256
"""So many words of the stack are looked at."""


def _context() -> str:
    """IR that makes %pc, %sp and %link of %context: as in the fault handler, ucontext_t of the kernel.

    %link is where a function returns to that hasn't stored it: X30. x86-64 has it on the stack always.
    """
    if sys.platform == "darwin":
        start = "  %mp = getelementptr i8, ptr %context, i64 48\n  %mc = load ptr, ptr %mp\n"
        pc, sp = 272, 264
    else:
        start = "  %mc = getelementptr i8, ptr %context, i64 0\n"
        pc, sp = (168, 160) if host_machine() == "x86_64" else (440, 432)
    link = "  %link = add i64 0, 0"
    if host_machine() != "x86_64":
        link = f"  %lq = getelementptr i8, ptr %mc, i64 {sp - 8}\n  %link = load i64, ptr %lq"
    return f"""{start}
  %pp = getelementptr i8, ptr %mc, i64 {pc}
  %pc = load i64, ptr %pp
  %sq = getelementptr i8, ptr %mc, i64 {sp}
  %sp = load ptr, ptr %sq
{link}
"""


def _text() -> str:
    return f"""
@control = external global [2 x i64], align 8
@ranges = external global i64, align 8
@table = external global i64, align 8
@thread_key = external global i64, align 8
declare ptr @pthread_getspecific(i64)

; Whether an address is in a range: their number, and each one's start and end.
define internal i1 @known(i64 %pc) nounwind {{
entry:
  %n = load atomic i64, ptr @ranges acquire, align 8
  br label %head
head:
  %i = phi i64 [0, %entry], [%j, %next]
  %end = icmp uge i64 %i, %n
  br i1 %end, label %no, label %look
look:
  %k = shl i64 %i, 4
  %o = add i64 %k, 8
  %p = getelementptr i8, ptr @ranges, i64 %o
  %s = load i64, ptr %p
  %q = getelementptr i8, ptr %p, i64 8
  %e = load i64, ptr %q
  %a = icmp uge i64 %pc, %s
  %b = icmp ult i64 %pc, %e
  %in = and i1 %a, %b
  br i1 %in, label %yes, label %next
next:
  %j = add i64 %i, 1
  br label %head
yes:
  ret i1 true
no:
  ret i1 false
}}

; One more of a pc. Places are found by Fibonacci hashing, and by trying the next.
define internal void @count(i64 %pc) nounwind {{
entry:
  %h = mul i64 %pc, -7046029254386353131
  %first = lshr i64 %h, {64 - _BITS}
  br label %head
head:
  %i = phi i64 [%first, %entry], [%j, %next]
  %tries = phi i64 [0, %entry], [%more, %next]
  %place = and i64 %i, {(1 << _BITS) - 1}
  %k = shl i64 %place, 4
  %p = getelementptr i8, ptr @table, i64 %k
  %pair = cmpxchg ptr %p, i64 0, i64 %pc monotonic monotonic, align 8
  %old = extractvalue {{i64, i1}} %pair, 0
  %new = extractvalue {{i64, i1}} %pair, 1
  %same = icmp eq i64 %old, %pc
  %mine = or i1 %new, %same
  br i1 %mine, label %add, label %next
next:
  %j = add i64 %i, 1
  %more = add i64 %tries, 1
  %full = icmp eq i64 %more, {_PROBES}
  br i1 %full, label %lost, label %head
add:
  %c = getelementptr i8, ptr %p, i64 8
  %x = atomicrmw add ptr %c, i64 1 monotonic, align 8
  ret void
lost:
  %l = getelementptr i8, ptr @control, i64 8
  %y = atomicrmw add ptr %l, i64 1 monotonic, align 8
  ret void
}}

define void @sample(i32 %signal, ptr %info, ptr %context) nounwind {{
entry:
  %on = load atomic i64, ptr @control acquire, align 8
  %off = icmp eq i64 %on, 0
  br i1 %off, label %out, label %go
go:
{_context()}
  %here = call i1 @known(i64 %pc)
  br i1 %here, label %hit, label %other
hit:
  call void @count(i64 %pc)
  ret void
other:
  %key = load i64, ptr @thread_key
  %state = call ptr @pthread_getspecific(i64 %key)
  %word = ptrtoint ptr %state to i64
  %guest = icmp ugt i64 %word, {IDLE}
  br i1 %guest, label %leaf, label %out
leaf:
  %linked = sub i64 %link, 1
  %direct = call i1 @known(i64 %linked)
  br i1 %direct, label %left, label %scan
left:
  call void @count(i64 %linked)
  ret void
scan:
  %i = phi i64 [0, %leaf], [%j, %next]
  %p = getelementptr i64, ptr %sp, i64 %i
  %return = load i64, ptr %p
  ; Inside of the call.
  %caller = sub i64 %return, 1
  %found = call i1 @known(i64 %caller)
  br i1 %found, label %called, label %next
called:
  call void @count(i64 %caller)
  ret void
next:
  %j = add i64 %i, 1
  %deep = icmp eq i64 %j, {_DEPTH}
  br i1 %deep, label %unknown, label %scan
unknown:
  call void @count(i64 {ELSEWHERE})
  ret void
out:
  ret void
}}
"""


class Sampler:
    """The one of this process. Its handler stays in place, since a signal may still be on its way."""

    def __init__(self) -> None:
        """Raises HostError: SIGPROF is somebody else's, or there is no memory for code."""
        self._control = (ctypes.c_uint64 * 2)()
        self._ranges = (ctypes.c_uint64 * (1 + 2 * _RANGES))()
        self._table = (ctypes.c_uint64 * (2 << _BITS))()
        self._lock = hold(Lock())
        self._timers: ThreadTimers | None = None
        symbols = {
            "control": ctypes.addressof(self._control),
            "ranges": ctypes.addressof(self._ranges),
            "table": ctypes.addressof(self._table),
            "thread_key": thread_key(),
        }
        self._code = shared_code(_text(), symbols, ["sample"])

    def _install(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        handler = self._code.address("sample")
        old = SignalAction()
        libc.sigaction(int(signal.SIGPROF), None, ctypes.byref(old))
        # Null is the default, 1 says to ignore it.
        if (old.handler or 0) > 1 and old.handler != handler:
            raise HostError("no profile can be made: another profiler of this process uses SIGPROF")
        action = SignalAction()
        action.handler = handler
        action.flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART
        if libc.sigaction(int(signal.SIGPROF), ctypes.byref(action), None):
            raise HostError("no profile can be made: the system refuses a handler for SIGPROF")

    def add_range(self, start: int, end: int) -> None:
        """From now on, `start` to before `end` is code to be sampled."""
        with self._lock:
            count = self._ranges[0]
            known = any(self._ranges[1 + 2 * i] <= start and end <= self._ranges[2 + 2 * i] for i in range(count))
            if known or count == _RANGES:
                return
            self._ranges[1 + 2 * count], self._ranges[2 + 2 * count] = start, end
            self._ranges[0] = count + 1

    def start(self) -> None:
        """Begin without ranges. Raises HostError."""
        self._install()
        self._ranges[0] = 0
        ctypes.memset(self._table, 0, ctypes.sizeof(self._table))
        self._control[1] = 0
        self._control[0] = 1
        try:
            self._timers = ThreadTimers(signal.SIGPROF, _INTERVAL)
        except BaseException:
            self._control[0] = 0
            raise

    def stop(self) -> dict[int, int]:
        """How often each host pc was met since the start; `ELSEWHERE` if guest code was left for the unknown."""
        self._control[0] = 0
        if self._timers is not None:
            self._timers.close()
            self._timers = None
        # A slice is a copy, and of all of it the quickest.
        table = self._table[:]
        counts = {pc: count for pc, count in zip(table[::2], table[1::2], strict=True) if pc}
        if self._control[1]:
            counts[ELSEWHERE] = counts.get(ELSEWHERE, 0) + self._control[1]
        return counts


@cache
def sampler() -> Sampler:
    """The sampler, made when it is first used and never freed. Raises HostError."""
    return Sampler()
