"""The fixed parts of translated modules: traps, the dispatcher, and the pool of states for calls from Python.

`@claim` takes a free state from the pool, `@release` gives it back; both without a lock. The pool is a word
whose set bits are the free slots, followed by the addresses of the 64 states.
"""

from __future__ import annotations

import time

from armexec.machines.traps import EXIT, TrapKind
from armexec.translate.execute.fault_handler import IDLE
from armexec.translate.guest_state import OFFSETS
from armexec.translate.support.host_environment import environment_text

__all__ = ["POOL_SIZE", "SHARED", "core", "declarations", "dispatcher", "resumption", "runner", "shared"]

POOL_SIZE = 64


def _field(name: str) -> str:
    return f"getelementptr i8, ptr %state, i64 {OFFSETS[name]}"


def core(linkage: str = "internal") -> str:
    """Traps and the clock."""
    return f"""
declare i32 @_setjmp(ptr) returns_twice
declare void @longjmp(ptr, i32) noreturn
@thread_key = external global i64, align 8
declare ptr @pthread_getspecific(i64)
declare i32 @pthread_setspecific(i64, ptr)
declare i32 @clock_gettime(i32, ptr)

attributes #1 = {{ cold noreturn noinline nounwind }}

define {linkage} preserve_allcc void @trap(ptr %state, i32 %kind, i64 %pc, i64 %detail) #1 {{
  %k = {_field("trap_kind")}
  %k64 = zext i32 %kind to i64
  store i64 %k64, ptr %k
  %p = {_field("trap_pc")}
  store i64 %pc, ptr %p
  %d = {_field("trap_detail")}
  store i64 %detail, ptr %d
  %j = {_field("jump_buffer")}
  call void @longjmp(ptr %j, i32 1)
  unreachable
}}

define {linkage} i64 @monotonic_clock() nounwind {{
  %t = alloca [2 x i64]
  %r = call i32 @clock_gettime(i32 {time.CLOCK_MONOTONIC}, ptr %t)
  %s = load i64, ptr %t
  %q = getelementptr i8, ptr %t, i64 8
  %n = load i64, ptr %q
  %m = mul i64 %s, 1000000000
  %sum = add i64 %m, %n
  ret i64 %sum
}}
"""


def _callbacks() -> str:
    """`i64 @python(object, i64, i64)`: call a Python object that takes and returns ints and doesn't raise.

    Through the C API and not by a callback of ctypes: libffi may put those into pages writable and executable at once.
    """
    return """
declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare ptr @PyLong_FromUnsignedLongLong(i64)
declare i64 @PyLong_AsUnsignedLongLong(ptr)
declare ptr @PyObject_CallFunctionObjArgs(ptr, ...)
declare void @Py_DecRef(ptr)

define internal i64 @python(ptr %object, i64 %a, i64 %b) cold noinline nounwind {
  %gil = call i32 @PyGILState_Ensure()
  %x = call ptr @PyLong_FromUnsignedLongLong(i64 %a)
  %y = call ptr @PyLong_FromUnsignedLongLong(i64 %b)
  %r = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr %object, ptr %x, ptr %y, ptr null)
  call void @Py_DecRef(ptr %x)
  call void @Py_DecRef(ptr %y)
  %n = call i64 @PyLong_AsUnsignedLongLong(ptr %r)
  call void @Py_DecRef(ptr %r)
  call void @PyGILState_Release(i32 %gil)
  ret i64 %n
}
"""


def _lookup(name: str, table: str, table_size: int) -> str:
    return f"""
@{table} = external global ptr, align 8

define internal ptr @{name}(ptr %state, i64 %pc) alwaysinline nounwind {{
  %offset = sub i64 %pc, ptrtoint (ptr @image to i64)
  %index = call i64 @llvm.fshr.i64(i64 %offset, i64 %offset, i64 2)
  %inside = icmp ult i64 %index, {table_size}
  br i1 %inside, label %in, label %slow
in:
  %entry = getelementptr ptr, ptr @{table}, i64 %index
  %f = load atomic ptr, ptr %entry acquire, align 8
  %none = icmp eq ptr %f, null
  br i1 %none, label %slow, label %found
slow:
  %g = call ptr @{name}_slowly(ptr %state, i64 %pc)
  ret ptr %g
found:
  ret ptr %f
}}
"""


def resumption(*, table_size: int) -> str:
    """On with careful code: its table is like that of `dispatcher`."""
    return f"""
{_lookup("careful", "careful_table", table_size)}
declare ptr @careful_slowly(ptr, i64) cold

define internal i1 @resume(ptr %state, i64 %pc, i64 %link) cold noinline nounwind {{
  %f = call ptr @careful(ptr %state, i64 %pc)
  %code = musttail call i1 %f(ptr %state, i64 %pc, i64 %link)
  ret i1 %code
}}
"""


def dispatcher(*, table_size: int) -> str:
    """From a guest address to host code. `table_size`: how many words, from the image's start, the table has."""
    return f"""
{_lookup("lookup", "table", table_size)}
define internal void @dispatch(ptr %state) cold noinline nounwind {{
  br label %again
again:
  %p = {_field("pc")}
  %pc = load i64, ptr %p
  %done = icmp eq i64 %pc, {EXIT}
  br i1 %done, label %out, label %go
go:
  %s = {_field("strict")}
  %mode = load i64, ptr %s
  %is_strict = icmp ne i64 %mode, 0
  br i1 %is_strict, label %strict, label %any
strict:
  %fs = call ptr @strict_slowly(ptr %state, i64 %pc)
  br label %found
any:
  %fa = call ptr @lookup(ptr %state, i64 %pc)
  br label %found
found:
  %f = phi ptr [%fs, %strict], [%fa, %any]
  %code = call i1 %f(ptr %state, i64 %pc, i64 {EXIT})
  br label %again
out:
  ret void
}}
"""


def shared() -> str:
    """What all units call, compiled once: traps, the way to Python, states for entry stubs.

    `ptr @start()` claims a state for this thread, null if there is none, and the floating-point environment is the
    guest's until `@finish(state)` gives it back; after a trap, `@raise(state)` leaves the trap's exception set, and
    gives the state back too.
    """
    return f"""
{core("")}
{_callbacks()}
{environment_text()}
@pool = external global i64, align 8
@raiser = external global i8
@find = external global i8
@find_careful = external global i8
@find_strict = external global i8
@untag_object = external global i8
@more = external global i8
@less = external global i8
@prepare = external global i8
@limit_key = external global i64, align 8
declare ptr @llvm.frameaddress.p0(i32)

define ptr @lookup_slowly(ptr %state, i64 %pc) nounwind {{
  %f = call ptr @ask(ptr @find, ptr %state, i64 %pc)
  ret ptr %f
}}

define ptr @careful_slowly(ptr %state, i64 %pc) nounwind {{
  %f = call ptr @ask(ptr @find_careful, ptr %state, i64 %pc)
  ret ptr %f
}}

define ptr @strict_slowly(ptr %state, i64 %pc) nounwind {{
  %f = call ptr @ask(ptr @find_strict, ptr %state, i64 %pc)
  ret ptr %f
}}

; For the handler of signals: an address may have a tag.
define i64 @untag(ptr %state, ptr %context) nounwind {{
  %key = load i64, ptr @thread_key
  %x = call i32 @pthread_setspecific(i64 %key, ptr inttoptr (i64 {IDLE} to ptr))
  %sw = ptrtoint ptr %state to i64
  %cw = ptrtoint ptr %context to i64
  %r = call i64 @python(ptr @untag_object, i64 %sw, i64 %cw)
  %y = call i32 @pthread_setspecific(i64 %key, ptr %state)
  ret i64 %r
}}

define internal ptr @ask(ptr %whom, ptr %state, i64 %pc) nounwind {{
  %lk = load i64, ptr @limit_key
  %limit = call ptr @pthread_getspecific(i64 %lk)
  %here = call ptr @llvm.frameaddress.p0(i32 0)
  %deep = icmp ult ptr %here, %limit
  br i1 %deep, label %full, label %enough
full:
  %hw = ptrtoint ptr %here to i64
  call preserve_allcc void @trap(ptr %state, i32 {TrapKind.HOST_STACK.value}, i64 %pc, i64 %hw)
  unreachable
enough:
  ; While Python runs, a fault is not the guest's.
  %key = load i64, ptr @thread_key
  %x = call i32 @pthread_setspecific(i64 %key, ptr inttoptr (i64 {IDLE} to ptr))
  call void @others_environment(ptr %state)
  %sw = ptrtoint ptr %state to i64
  %fw = call i64 @python(ptr %whom, i64 %sw, i64 %pc)
  %f = inttoptr i64 %fw to ptr
  call void @own_environment(ptr %state)
  %y = call i32 @pthread_setspecific(i64 %key, ptr %state)
  %none = icmp eq ptr %f, null
  br i1 %none, label %bad, label %good
bad:
  call preserve_allcc void @trap(ptr %state, i32 8, i64 %pc, i64 %pc)
  unreachable
good:
  ret ptr %f
}}

; What code that isn't strict finds in a strict image: the way down to the dispatcher, to go on in strict code.
define i1 @strictly(ptr %state, i64 %pc, i64 %link) nounwind {{
  %p = {_field("pc")}
  store i64 %pc, ptr %p
  %s = {_field("strict")}
  store i64 1, ptr %s
  ret i1 true
}}

; What a jump to the end of everything finds: the way down to the dispatcher.
define i1 @exited(ptr %state, i64 %pc, i64 %link) nounwind {{
  %p = {_field("pc")}
  store i64 %pc, ptr %p
  %elsewhere = icmp ne i64 %pc, %link
  ret i1 %elsewhere
}}

define internal ptr @enter(ptr %state) nounwind {{
  %key = load i64, ptr @thread_key
  %word = call ptr @pthread_getspecific(i64 %key)
  %new = icmp eq ptr %word, null
  br i1 %new, label %first, label %go
first:
  %p = call i64 @python(ptr @prepare, i64 0, i64 0)
  br label %go
go:
  %old = phi ptr [%word, %0], [inttoptr (i64 {IDLE} to ptr), %first]
  %r = call i32 @pthread_setspecific(i64 %key, ptr %state)
  ret ptr %old
}}

define internal void @leave(ptr %old) nounwind {{
  %key = load i64, ptr @thread_key
  %r = call i32 @pthread_setspecific(i64 %key, ptr %old)
  ret void
}}

define ptr @claim() nounwind {{
  br label %again
again:
  %free = load atomic i64, ptr @pool acquire, align 8
  %none = icmp eq i64 %free, 0
  br i1 %none, label %empty, label %take
take:
  %less = sub i64 %free, 1
  %rest = and i64 %free, %less
  %pair = cmpxchg weak ptr @pool, i64 %free, i64 %rest acq_rel monotonic, align 8
  %ok = extractvalue {{i64, i1}} %pair, 1
  br i1 %ok, label %mine, label %again
mine:
  %index = call i64 @llvm.cttz.i64(i64 %free, i1 true)
  %slots = getelementptr i8, ptr @pool, i64 8
  %slot = getelementptr ptr, ptr %slots, i64 %index
  %state = load ptr, ptr %slot
  ret ptr %state
empty:
  %word = call i64 @python(ptr @more, i64 0, i64 0)
  %new = inttoptr i64 %word to ptr
  ret ptr %new
}}

define void @release(ptr %state) nounwind {{
  %s = {_field("slot")}
  %bit = load i64, ptr %s
  %extra = icmp eq i64 %bit, 0
  br i1 %extra, label %drop, label %free
drop:
  %word = ptrtoint ptr %state to i64
  %x = call i64 @python(ptr @less, i64 %word, i64 0)
  ret void
free:
  %old = atomicrmw or ptr @pool, i64 %bit acq_rel, align 8
  ret void
}}

define ptr @start() nounwind {{
  %state = call ptr @claim()
  %none = icmp eq ptr %state, null
  br i1 %none, label %out, label %go
go:
  %old = call ptr @enter(ptr %state)
  %p = {_field("previous")}
  store ptr %old, ptr %p
  call void @own_environment(ptr %state)
  br label %out
out:
  ret ptr %state
}}

define void @finish(ptr %state) nounwind {{
  call void @others_environment(ptr %state)
  %p = {_field("previous")}
  %old = load ptr, ptr %p
  call void @leave(ptr %old)
  call void @release(ptr %state)
  ret void
}}


define i64 @raise(ptr %state) nounwind {{
  ; A signal's handler begins with an environment of the system's.
  call void @put_back_environment(ptr %state)
  %p = {_field("previous")}
  %old = load ptr, ptr %p
  call void @leave(ptr %old)
  %word = ptrtoint ptr %state to i64
  %number = call ptr @PyLong_FromUnsignedLongLong(i64 %word)
  %result = call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr @raiser, ptr %number, ptr null)
  call void @Py_DecRef(ptr %number)
  call void @release(ptr %state)
  ret i64 0
}}
"""


def declarations() -> str:
    """The shared functions, for a unit that calls them."""
    return """
declare preserve_allcc void @trap(ptr, i32, i64, i64) #1
declare i64 @monotonic_clock()
declare ptr @lookup_slowly(ptr, i64) cold
declare ptr @strict_slowly(ptr, i64) cold
@strict_images = external global i64, align 8
declare ptr @start()
declare void @finish(ptr)
declare i64 @raise(ptr) cold
declare i32 @_setjmp(ptr) returns_twice
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare ptr @PyErr_NoMemory()
attributes #1 = { cold noreturn noinline nounwind }
"""


SHARED = (
    "trap",
    "monotonic_clock",
    "lookup_slowly",
    "careful_slowly",
    "strict_slowly",
    "start",
    "finish",
    "raise",
)
"""The names that `shared` defines for units."""


def runner() -> str:
    """`i32 @run(function, state)`: call a function that takes a state; 1 if it trapped."""
    return f"""
define i32 @run(ptr %function, ptr %state) #0 {{
  %j = {_field("jump_buffer")}
  %jumped = call i32 @_setjmp(ptr %j) returns_twice
  %trapped = icmp ne i32 %jumped, 0
  br i1 %trapped, label %stop, label %go
go:
  %key = load i64, ptr @thread_key
  %s = call i32 @pthread_setspecific(i64 %key, ptr %state)
  %code = call i1 %function(ptr %state)
  %t = call i32 @pthread_setspecific(i64 %key, ptr inttoptr (i64 {IDLE} to ptr))
  ret i32 0
stop:
  %again = load i64, ptr @thread_key
  %u = call i32 @pthread_setspecific(i64 %again, ptr inttoptr (i64 {IDLE} to ptr))
  ret i32 1
}}
"""
