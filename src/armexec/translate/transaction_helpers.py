"""What the code of transactions calls: functions that record, keep, look at and put back what is stored.

- `void @record(state, begin, end)`: something is stored there.
- `i1 @keep(state)`: keep the bytes that are where is stored, unless they are too many.
- `i1 @put_back(state)`: put them back.
- `i1 @any_nan64(state)`, `@any_nan32`: whether one of the numbers that are there is a NaN.

They are compiled once, and linked where the first transaction is.
"""

from __future__ import annotations

from .state import MAX_OLD_BYTES, MAX_STORED, OFFSETS

__all__ = ["HELPERS", "declarations", "helpers"]

HELPERS = ("record", "keep", "put_back", "any_nan32", "any_nan64")


def _field(name: str, field: str) -> str:
    return f"  %{name} = getelementptr i8, ptr %state, i64 {OFFSETS[field]}\n"


_PLACES = f"""{_field("c", "stored_count")}  %count = load i64, ptr %c
{_field("places", "stored")}"""
"""How many places there are, and where they stand."""

_PLACE = """  %b = getelementptr {i64, i64}, ptr %places, i64 %i
  %from = load i64, ptr %b
  %e = getelementptr i8, ptr %b, i64 8
  %to = load i64, ptr %e
"""
"""The place %i."""


def _record() -> str:
    return f"""
define void @record(ptr %state, i64 %begin, i64 %end) nounwind {{
{_field("last", "stored_last")}{_PLACES}  %lost = icmp ugt i64 %count, {MAX_STORED}
  br i1 %lost, label %out, label %place
place:
  %i = phi i64 [0, %0], [%more, %next]
  %done = icmp uge i64 %i, %count
  br i1 %done, label %new, label %look
look:
{_PLACE}  ; From within it, or from just behind it.
  %x = icmp uge i64 %begin, %from
  %y = icmp ule i64 %begin, %to
  %here = and i1 %x, %y
  br i1 %here, label %extend, label %below
below:
  %meets = icmp eq i64 %end, %from
  br i1 %meets, label %lower, label %next
lower:
  store i64 %begin, ptr %b
  ret void
next:
  %more = add i64 %i, 1
  br label %place
extend:
  %longer = icmp ugt i64 %end, %to
  %until = select i1 %longer, i64 %end, i64 %to
  store i64 %until, ptr %e
  store ptr %e, ptr %last
  ret void
new:
  ; One too many stays one too many.
  %full = icmp eq i64 %count, {MAX_STORED}
  %now = add i64 %count, 1
  store i64 %now, ptr %c
  br i1 %full, label %out, label %write
write:
  %n = getelementptr {{i64, i64}}, ptr %places, i64 %count
  store i64 %begin, ptr %n
  %m = getelementptr i8, ptr %n, i64 8
  store i64 %end, ptr %m
  store ptr %m, ptr %last
  ret void
out:
  ret void
}}"""


def _copy(name: str, target: str, source: str) -> str:
    """`i1 @name(state)`: copy between the places and the bytes kept, `%there` and `%kept`; false: they are too many."""
    return f"""
define i1 @{name}(ptr %state) nounwind #0 {{
{_PLACES}{_field("old", "old_bytes")}  %many = icmp ugt i64 %count, {MAX_STORED}
  br i1 %many, label %bad, label %place
place:
  %i = phi i64 [0, %0], [%more, %copy]
  %used = phi i64 [0, %0], [%sum, %copy]
  %done = icmp eq i64 %i, %count
  br i1 %done, label %good, label %measure
measure:
{_PLACE}  %length = sub i64 %to, %from
  %sum = add i64 %used, %length
  %large = icmp ugt i64 %sum, {MAX_OLD_BYTES}
  br i1 %large, label %bad, label %copy
copy:
  %kept = getelementptr i8, ptr %old, i64 %used
  %there = getelementptr i8, ptr null, i64 %from
  call void @llvm.memcpy.p0.p0.i64(ptr {target}, ptr {source}, i64 %length, i1 false)
  %more = add i64 %i, 1
  br label %place
good:
{_field("size", "old_size")}  store i64 %used, ptr %size
  ret i1 true
bad:
  ret i1 false
}}"""


def _any_nan(esize: int) -> str:
    kind = "double" if esize == 64 else "float"
    return f"""
define i1 @any_nan{esize}(ptr %state) nounwind #0 {{
{_PLACES}  br label %place
place:
  %i = phi i64 [0, %0], [%more, %next]
  %before = phi i1 [false, %0], [%now, %next]
  %done = icmp eq i64 %i, %count
  br i1 %done, label %out, label %start
start:
{_PLACE}  br label %element
element:
  %at = phi i64 [%from, %start], [%after, %element]
  %found = phi i1 [%before, %start], [%now, %element]
  %pointer = getelementptr i8, ptr null, i64 %at
  %value = load {kind}, ptr %pointer, align 1
  %nan = fcmp uno {kind} %value, %value
  %now = or i1 %found, %nan
  %after = add i64 %at, {esize // 8}
  %last = icmp eq i64 %after, %to
  br i1 %last, label %next, label %element
next:
  %more = add i64 %i, 1
  br label %place
out:
  ret i1 %before
}}"""


def declarations() -> str:
    """For a unit that calls them."""
    return """
declare void @record(ptr, i64, i64) nounwind
declare i1 @keep(ptr) nounwind
declare i1 @put_back(ptr) nounwind
declare i1 @any_nan32(ptr) nounwind
declare i1 @any_nan64(ptr) nounwind
"""


def helpers() -> str:
    """All of them, as a module."""
    keep, put_back = _copy("keep", "%kept", "%there"), _copy("put_back", "%there", "%kept")
    attributes = "\nattributes #0 = { null_pointer_is_valid }\n"
    return "".join((_record(), keep, put_back, _any_nan(32), _any_nan(64), attributes))
