"""Calls by a frame in functions for the vectorcall protocol: arguments into a block of registers and stack, and back.

The frame is in the host's stack, so each call has its own, whatever calls it and whatever it calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from armexec.cpu.call_frame import FRAME_OFFSETS
from armexec.translate.support.load import load

__all__ = [
    "TYPE_AT",
    "Frame",
    "Slice",
    "helpers",
    "put_number",
    "result_number",
    "result_struct",
    "start",
    "take_struct",
]

TYPE_AT = 8
"""Where an object's type is, in bytes."""
_LEN = 16
"""Where Py_buffer has the number of bytes."""


class Slice(NamedTuple):
    """Consecutive bytes of a value in a frame: their offsets there and in the value, and how many they are."""

    at: int
    offset: int
    size: int


@dataclass(frozen=True)
class Frame:
    """How the arguments and the result are in the frame, of `size` bytes, that a call passes.

    It begins with a `CallFrame`, whose `stack_size` bytes of stack arguments are at the offset `stack`. At the first
    of each of `addresses` it has the address of the second. A number has one slice, as large as its place.
    """

    size: int
    stack: int
    stack_size: int
    addresses: tuple[tuple[int, int], ...]
    arguments: tuple[tuple[Slice, ...], ...]
    result: tuple[Slice, ...]


def helpers() -> str:
    """The functions that the text of calls by a frame needs."""
    return load("vectorcall/struct_value", TYPE_AT=TYPE_AT, LEN=_LEN) + load("vectorcall/single_precision")


def start(frame: Frame) -> list[str]:
    """Make the frame."""
    addresses = (*frame.addresses, (FRAME_OFFSETS["stack"], frame.stack))
    lines = [
        f"%frame = alloca [{frame.size} x i8], align 16",
        f"call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 {frame.size}, i1 false)",
        f"%stack_size_at = getelementptr i8, ptr %frame, i64 {FRAME_OFFSETS['stack_size']}",
        f"store i64 {frame.stack_size}, ptr %stack_size_at",
    ]
    for i, (at, target) in enumerate(addresses):
        lines += [
            f"%address_at{i} = getelementptr i8, ptr %frame, i64 {at}",
            f"%address{i} = getelementptr i8, ptr %frame, i64 {target}",
            f"store ptr %address{i}, ptr %address_at{i}",
        ]
    return lines


def _copy(what: str, slices: Sequence[Slice], memory: str, *, out: bool = False) -> list[str]:
    """Copy a value's bytes between its memory and the frame."""
    lines = []
    for j, (at, offset, size) in enumerate(slices):
        there, here = f"%{what}_in_frame{j}", f"%{what}_in_value{j}"
        to, source = (here, there) if out else (there, here)
        lines += [
            f"{there} = getelementptr i8, ptr %frame, i64 {at}",
            f"{here} = getelementptr i8, ptr {memory}, i64 {offset}",
            f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {source}, i64 {size}, i1 false)",
        ]
    return lines


def take_struct(i: int, size: int, slices: Sequence[Slice], place: int) -> list[str]:
    """Put an argument, the value of a struct, into the frame. Its class is at a place of the function's tuple."""
    return [
        f"p{i}:",
        f"%a{i} = getelementptr ptr, ptr %arguments, i64 {i}",
        f"%o{i} = load ptr, ptr %a{i}",
        f"%class{i} = call ptr @PyTuple_GetItem(ptr %self, i64 {place})",
        f"%is{i} = call i1 @take_struct(ptr %o{i}, ptr %class{i}, i64 {size}, ptr %struct_view)",
        f"br i1 %is{i}, label %q{i}, label %slow",
        f"q{i}:",
        f"%bytes{i} = load ptr, ptr %struct_view",
        *_copy(f"s{i}", slices, f"%bytes{i}"),
        "call void @PyBuffer_Release(ptr %struct_view)",
        f"br label %p{i + 1}",
    ]


def put_number(i: int, kind: str, value: str, place: Slice) -> list[str]:
    """Put a number of an LLVM type into the frame."""
    return [f"%to{i} = getelementptr i8, ptr %frame, i64 {place.at}", f"store {kind} {value}, ptr %to{i}, align 1"]


def result_number(kind: str, place: Slice) -> list[str]:
    """A number out of the frame, as `%got`."""
    return [f"%from = getelementptr i8, ptr %frame, i64 {place.at}", f"%got = load {kind}, ptr %from, align 1"]


def result_struct(size: int, slices: Sequence[Slice], place: int) -> list[str]:
    """Return the value of a struct out of the frame."""
    return [
        f"%bytes = call ptr @PyByteArray_FromStringAndSize(ptr null, i64 {size})",
        "%has_bytes = icmp ne ptr %bytes, null",
        "br i1 %has_bytes, label %fill, label %raised",
        "fill:",
        "%data = call ptr @PyByteArray_AsString(ptr %bytes)",
        # Where it has no members, no register has its byte.
        f"call void @llvm.memset.p0.i64(ptr %data, i8 0, i64 {size}, i1 false)",
        *_copy("r", slices, "%data", out=True),
        f"%class = call ptr @PyTuple_GetItem(ptr %self, i64 {place})",
        "%object = call ptr @new_struct(ptr %class, ptr %bytes)",
        "ret ptr %object",
    ]
