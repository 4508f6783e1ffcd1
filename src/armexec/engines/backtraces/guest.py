"""The calls that were going on, from the guest's registers and its stack.

A caller is found by the tables of call frame information, if the image has some; else by the instructions before, which
save X30; else by the frame records that X29 leads to (AAPCS64). What is on the stack isn't trusted: what
isn't the address behind a call in the guest's code ends the backtrace.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from armexec.backtraces import Backtrace
from armexec.cpu.snapshot import CpuSnapshot
from armexec.engines.backtraces.places import Images, backtrace_of
from armexec.engines.backtraces.prologue import saved_before
from armexec.errors import ExecutionError
from armexec.machines.traps import EXIT
from armexec.memory import AccessError
from armexec.objects import Image

__all__ = ["LOST", "MORE", "MOST_FRAMES", "STACK_SIZE", "StackCopy", "fault_details", "stack_copy", "walk"]

STACK_SIZE = 1 << 16
"""Bytes of the guest's stack that are kept, from SP on."""
MOST_FRAMES = 64
_SP, _FP, _LINK = 31, 29, 30
_PAGE = 4096
_PRESERVED = range(19, 31)
"""A caller has these as it had them, if its callees have restored them."""


class StackCopy(NamedTuple):
    """The bytes of the guest's stack from an address on."""

    begin: int
    data: bytes

    def word(self, address: int) -> int | None:
        """The 64-bit word at an address; None where that isn't known."""
        at = address - self.begin
        if at < 0 or at + 8 > len(self.data):
            return None
        (value,) = struct.unpack_from("<Q", self.data, at)
        return int(value)


class _Readable(Protocol):
    def read(self, address: int, size: int) -> bytes: ...


def stack_copy(memory: _Readable, sp: int, end: int | None = None, low: int = 0) -> StackCopy:
    """The stack from `sp` on, at most to `end`; empty where there is none. It begins at `low`: SP may be below it."""
    sp = max(sp, low)
    size = STACK_SIZE if end is None or not sp <= end <= sp + STACK_SIZE else end - sp
    try:
        return StackCopy(sp, memory.read(sp, size))
    except AccessError:
        pass
    data = b""
    # Up to where there is no memory any more.
    while len(data) < size:
        part = min(_PAGE - (sp + len(data)) % _PAGE, size - len(data))
        try:
            data += memory.read(sp + len(data), part)
        except AccessError:
            break
    return StackCopy(sp, data)


def fault_details(
    values: Mapping[str, int],
    stack: StackCopy,
    image: Image | None,
    base: int,
    *,
    memory: int = 0,
    is_end: Callable[[int], bool] = lambda address: address == EXIT,
    why: str = "",
) -> dict[str, Callable[[ExecutionError], Any]]:
    """The fields `cpu` and `backtrace` of a fault whose registers are known.

    Args:
        values: the registers, by the names of a CpuSnapshot.
        stack: what was on the stack.
        image: where the fault was, at `base`.
        memory: where this process has the guest's address 0.
        is_end: whether the function that Python has called returns to an address.
        why: why some registers aren't among the values.
    """

    def backtrace(error: ExecutionError) -> Backtrace:
        images = Images(image, base, memory)
        registers = {n: values[f"x{n}"] for n in range(31)} | {_SP: values["sp"]}
        pcs, rest = walk(images, values["pc"], registers, stack, is_end)
        if error.pc in pcs:
            # What has found out that the program can't go on is left out.
            pcs = pcs[pcs.index(error.pc) :]
        return backtrace_of(images, pcs, rest)

    return {"cpu": lambda _: CpuSnapshot(values, why), "backtrace": backtrace}


def walk(
    images: Images, pc: int, registers: Mapping[int, int], stack: StackCopy, is_end: Callable[[int], bool]
) -> tuple[list[int], str]:
    """The instructions that the frames are at, the innermost first, and why there are no more: "" at the end.

    `registers`: X0 to X30 and SP, by their numbers in DWARF.
    """
    pcs = [pc]
    known: dict[int, int] = dict(registers)
    while len(pcs) < MOST_FRAMES:
        called = _caller(images, pcs[-1], known, stack, is_first=len(pcs) == 1)
        if called is None:
            return pcs, LOST
        link, known = called
        if is_end(link):
            return pcs, ""
        if not images.is_call(link - 4):
            return pcs, LOST
        pcs.append(link - 4)
    return pcs, MORE


MORE = "more calls, of which the innermost are shown"
LOST = "what has called this isn't known: the stack doesn't say it"


def _caller(
    images: Images, pc: int, known: Mapping[int, int], stack: StackCopy, *, is_first: bool
) -> tuple[int, dict[int, int]] | None:
    """Where a function returns to, and the registers there as far as they are known."""
    sp = known.get(_SP)
    if sp is None:
        return None
    if is_first and not images.is_function(pc):
        # Called by a wrong pointer, or what nothing defines.
        return known[_LINK], dict(known)
    found = images.at(pc)
    # In a caller, what is so before the call.
    row = found[0].call_frames.row(pc - found[1]) if found is not None else None
    if row is not None and row.link == _LINK:
        start = known.get(row.register)
        if start is None:
            return None
        return _restored(known, stack, start + row.offset, row.saved, is_first=is_first)
    if found is not None:
        image, base = found
        symbol = image.symbol_at(pc - base)
        begin = pc - symbol[1] if symbol is not None else base
        saved = saved_before(images.word, begin, pc)
        if saved is not None:
            distance, places, frame_pointer = saved
            if distance is not None:
                return _restored(known, stack, sp + distance, places, is_first=is_first)
            if frame_pointer is not None and _FP in known:
                return _restored(known, stack, known[_FP] + frame_pointer, places, is_first=is_first)
    # A frame record: the caller's X29 and X30.
    record = known.get(_FP)
    if record is None or record & 7 or record < sp:
        return None
    previous, link = stack.word(record), stack.word(record + 8)
    if previous is None or link is None:
        return None
    return link, {_FP: previous, _SP: record + 16}


def _restored(
    known: Mapping[int, int], stack: StackCopy, start: int, saved: Mapping[int, int | None], *, is_first: bool
) -> tuple[int, dict[int, int]] | None:
    """What a function's caller has, from the canonical frame address of the function."""
    sp = known[_SP]
    # Calls need room, but for those that have saved nothing.
    if start < sp or start & 15 or (start == sp and not is_first):
        return None
    restored = {n: known[n] for n in _PRESERVED if n in known}
    if not is_first:
        # The call has changed it.
        restored.pop(_LINK, None)
    for register, distance in saved.items():
        value = stack.word(start + distance) if distance is not None else None
        restored.pop(register, None)
        if value is not None:
            restored[register] = value
    link = restored.pop(_LINK, None)
    if link is None:
        return None
    return link, {**restored, _SP: start}
