"""Exceptions for traps of the machines, with the place in the guest's code.

The kind of exception and the address are known at once. The rest is found when it is first asked for
(`ExecutionError.found_later`), since programs that expect faults don't ask.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from armexec.callbacks import is_gone
from armexec.compiler_rt.absent import why_absent
from armexec.compiler_rt.stops import CALLER, STOP, why_stopped, why_trapped
from armexec.errors import (
    Aborted,
    BreakpointHit,
    Error,
    ExecutionError,
    HostError,
    IllegalInstruction,
    InstructionLimitExceeded,
    LoadError,
    MemoryFault,
    StackOverflow,
    SystemCallDenied,
    TimeLimitExceeded,
    UndefinedSymbol,
    UnsupportedInstruction,
)
from armexec.isa import decode
from armexec.isa.extensions import needed_by_word
from armexec.isa.operands import Context
from armexec.machines.traps import Trap, TrapKind
from armexec.memory import AccessError, HostMemory, Overflow
from armexec.objects import Image
from armexec.objects.names import linkage_name, source_name
from armexec.objects.symbolize import function_name

__all__ = ["Where", "place_of", "to_error"]

Where = Callable[[], Trap]
"""A function that gives the trap with its place. Finding it takes a while."""

_memory = HostMemory()


class ReadableMemory(Protocol):
    """The memory of the guest by its addresses."""

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes from an address. Raises AccessError."""


def to_error(
    trap: Trap,
    image: Image | None,
    base: int,
    *,
    overflow: Overflow | None = None,
    where: Where | None = None,
    entry: int | None = None,
    word_at: Callable[[int], int | None] | None = None,
    memory: ReadableMemory = _memory,
) -> Error:
    """The exception for a trap in `image` placed at `base`.

    Args:
        overflow: the stack that has run out, if one has.
        where: gives the place, if the trap doesn't have it yet.
        entry: the address of the function that was called from Python.
        word_at: gives the words of the image; by default they are read from memory now.
        memory: the guest's memory: this process's, or that of a sandbox.
    """
    kind, detail = trap.kind, trap.detail
    if image is not None:
        known = _missing(trap, image, base, where, memory) or _stopped(trap, image, base, where, memory)
        if known is not None:
            return known
    if word_at is None:
        word = _word(trap.pc, memory)
        word_at = lambda _: word  # noqa: E731
    is_unreadable = kind is TrapKind.WRITE and not _is_readable(detail, memory)

    def find() -> dict[str, Any]:
        return _fields(_placed(trap, where), image, base, word_at, is_unreadable, entry)

    if kind is TrapKind.UNSUPPORTED:
        return UnsupportedInstruction.found_later(find, word=detail, address=trap.pc, encoding=trap.why)
    if kind not in _ACCESS:
        return _KINDS.get(kind, ExecutionError).found_later(find)
    if overflow is None:
        return MemoryFault.found_later(find, address=detail)
    message = overflow.message
    return StackOverflow.found_later(lambda: {**find(), "message": message}, address=detail, size=overflow.size)


_ACCESS = {
    TrapKind.ALIGNMENT: "align",
    TrapKind.READ: "read",
    TrapKind.WRITE: "write",
    TrapKind.EXECUTE: "execute",
}
_REFERENCE = {TrapKind.UNDEFINED, TrapKind.READ, TrapKind.WRITE, TrapKind.EXECUTE}
"""The traps that a reference to an undefined symbol can cause."""
_KINDS: dict[TrapKind, type[ExecutionError]] = {
    TrapKind.UNDEFINED: IllegalInstruction,
    TrapKind.BREAKPOINT: BreakpointHit,
    TrapKind.SUPERVISOR_CALL: SystemCallDenied,
    TrapKind.INSTRUCTION_LIMIT: InstructionLimitExceeded,
    TrapKind.TIME_LIMIT: TimeLimitExceeded,
}


def _placed(trap: Trap, where: Where | None) -> Trap:
    """The trap with its place, or as it is if the place can't be found."""
    if where is not None:
        with suppress(HostError):
            return where()
    return trap


def _missing(trap: Trap, image: Image, base: int, where: Where | None, memory: ReadableMemory) -> Error | None:
    """The error for a trap at a reference to an undefined symbol or a thread-local variable; None for others."""
    if trap.kind not in _REFERENCE:
        return None
    found = image.missing.at(trap.pc - base) if where is None else None
    if found is None and trap.kind is not TrapKind.UNDEFINED:
        found = image.missing.at(trap.detail - base)
    if found is None:
        return None
    pc = _placed(trap, where).pc if found.referrer is None else base + found.referrer
    place = _place(image, base, pc, _word(pc, memory))
    name = source_name(image.linkage_name(found.symbol))
    by = function_name(image, pc - base) if 0 <= pc - base < image.size else ""
    if found.is_thread_local:
        place["instruction"] = ""  # the UDF, which replaced the instruction
        why = (
            "armexec has none of macOS yet (make it an ordinary one)"
            if image.format == "macho"
            else "no object defines it"
            if not found.symbol.defined
            else "armexec doesn't have its model (compile with -ftls-model=initial-exec)"
        )
        return ExecutionError(
            f"{by or 'code'} uses the thread-local variable {name}: {why}",
            pc=pc,
            **place,
        )
    if not by:
        # A jump through a pointer, whose caller isn't known.
        users = image.libraries_that_want(image.linkage_name(found.symbol))
        by = ", ".join(user.rsplit("/", maxsplit=1)[-1] for user in users)
    verb = "is called" if trap.kind is TrapKind.EXECUTE or found.is_branch else "is used"
    others = [source_name(other) for other in image.undefined() if other not in image.imported]
    others = [other for other in others if other != name]
    linkage = image.linkage_name(found.symbol)
    reason = image.why_missing(linkage)
    if not reason:
        absent = why_absent(linkage)
        no_library = "armexec has no C library for macOS, but one for the target linux"
        reasons = (absent, no_library if image.format == "macho" else "", "imports={...} can give it")
        reason = "; ".join(text for text in reasons if text)
    also = f" (nor {', '.join(others[:8])}{', ...' if len(others) > 8 else ''})" if others else ""
    return UndefinedSymbol(
        f"undefined symbol {name} {verb}{f' by {by}' if by else ''}: neither {image.name} nor what was loaded with it"
        f" defines it{also}: {reason},",
        name=name,
        pc=pc,
        **place,
    )


def _stopped(trap: Trap, image: Image, base: int, where: Where | None, memory: ReadableMemory) -> Error | None:
    """The error for a function of compiler_rt that has ended the program, with the place of its caller."""
    if trap.kind is not TrapKind.BREAKPOINT or trap.detail != STOP:
        return None
    pc = _placed(trap, where).pc
    found = image.symbol_at(pc - base)
    try:
        variable = image.find(CALLER).offset
        back = int.from_bytes(memory.read(base + (variable or 0), 8), "little")
    except (LoadError, AccessError):
        return None
    if found is None or variable is None:
        return None
    # The caller may be the host.
    if 4 <= back - base <= image.size:
        pc = back - 4
    return Aborted(why_stopped(image.linkage_name(found[0])), pc=pc, **_place(image, base, pc, _word(pc, memory)))


def _fields(
    trap: Trap,
    image: Image | None,
    base: int,
    word_at: Callable[[int], int | None],
    is_unreadable: bool,
    entry: int | None,
) -> dict[str, Any]:
    kind, pc = trap.kind, trap.pc
    # Where there is no code, nothing was executed: whatever is in memory there is no instruction.
    word = word_at(pc) if kind is not TrapKind.EXECUTE else None
    reader = _reader(trap, word) if is_unreadable else None
    if reader is not None:
        kind, pc, word = TrapKind.READ, reader, word_at(reader)
    fields: dict[str, Any] = {"pc": pc, "message": _message(kind, trap, word), **_place(image, base, pc, word)}
    if kind in _ACCESS:
        fields["access"] = _ACCESS[kind]
    ended = _ended(image, pc - base) if image is not None and (kind is TrapKind.EXECUTE or word == 0) else ""
    if ended:
        fields |= {
            "message": f"ran past the end of {ended}: is a `ret` missing?",
            "symbol": "",
            "function": "",
            "instruction": "",
        }
    if entry is not None and image is not None and 0 <= entry - base < image.size:
        called, source = _line(image, entry - base)
        if called != (ended or fields["symbol"].partition("+")[0]):
            fields["__notes__"] = [f"in a call of {source_name(called)}" + (f", {source}" if source else "")]
    return fields


def _message(kind: TrapKind, trap: Trap, word: int | None) -> str:
    detail = trap.detail
    if kind is TrapKind.ALIGNMENT:
        return trap.why or f"unaligned access to 0x{detail:x}"
    if kind is TrapKind.READ:
        return f"can't read memory at 0x{detail:x}"
    if kind is TrapKind.WRITE:
        return f"can't write memory at 0x{detail:x}"
    if kind is TrapKind.EXECUTE and is_gone(detail):
        return f"the function of Python at 0x{detail:x} is gone (keep it as long as the guest may call it)"
    if kind is TrapKind.EXECUTE:
        return f"there is no code at 0x{detail:x}"
    if kind is TrapKind.UNDEFINED:
        shown = f" 0x{word:08x}" if word is not None else ""
        needed = needed_by_word(word) if word is not None and not trap.why else None
        if needed is not None:
            return f"illegal instruction{shown}: {needed[0]} needs {needed[1]}, which armexec doesn't have,"
        reason = f" ({trap.why})" if trap.why else ""
        return f"illegal instruction{shown}{reason}"
    if kind is TrapKind.UNSUPPORTED:
        mnemonic, extension = needed_by_word(detail) or (trap.why, "an extension")
        return f"{mnemonic} (0x{detail:08x}) needs {extension}, which armexec doesn't have,"
    if kind is TrapKind.BREAKPOINT:
        why = why_trapped(detail)
        return f"breakpoint #{detail}" + (f" ({why})" if why else "")
    if kind is TrapKind.SUPERVISOR_CALL:
        return trap.why or f"system call (svc #{detail}) where none is allowed"
    if kind is TrapKind.INSTRUCTION_LIMIT:
        return f"the limit of {detail} instructions is reached"
    if kind is TrapKind.TIME_LIMIT:
        return "the time limit is over"
    return trap.why or kind.name.lower()


def _reader(trap: Trap, word: int | None) -> int | None:
    """The pc of a read that the host reports as a write, since its instruction reads and writes; else None.

    Arm ARM D17.2.37, ISS.WnR: a fault of an atomic operation is one of a read where a read would have faulted.
    """
    if trap.reader is None and word is not None:
        decoded = decode(word)
        if decoded is not None and decoded.effects.is_atomic:
            return trap.pc
    return trap.reader


def _is_readable(address: int, memory: ReadableMemory) -> bool:
    try:
        memory.read(address, 1)
    except AccessError:
        return False
    return True


def _word(pc: int, memory: ReadableMemory) -> int | None:
    try:
        return int.from_bytes(memory.read(pc, 4), "little")
    except AccessError:
        return None


def place_of(image: Image, base: int, pc: int, memory: ReadableMemory = _memory) -> dict[str, str]:
    """The fields of an ExecutionError that say where an address in an image at `base` is."""
    return _place(image, base, pc, _word(pc, memory))


def _missing_name(image: Image | None, offset: int) -> str | None:
    """The name of the undefined symbol whose stub is at an offset; None for other offsets."""
    name = image.missing.names.get(offset) if image is not None else None
    return source_name(linkage_name(name, image.format)) if name is not None and image is not None else None


def _place(image: Image | None, base: int, pc: int, word: int | None) -> dict[str, str]:
    """The symbol, source and instruction of an ExecutionError."""
    symbol = source = instruction = ""
    decoded = decode(word) if word is not None else None
    if decoded is not None:
        instruction = decoded.text(Context(pc, lambda at: _missing_name(image, at - base)))
    if image is not None and 0 <= pc - base < image.size:
        symbol, source = _line(image, pc - base)
    function = source_name(symbol.partition("+")[0])
    return {"symbol": symbol, "function": function, "source": source, "instruction": instruction}


def _line(image: Image, offset: int) -> tuple[str, str]:
    """The symbol and the source line of an offset of the image; empty where not known."""
    found = image.symbol_at(offset)
    symbol = ""
    if found is not None:
        name = image.linkage_name(found[0])
        symbol = f"{name}+0x{found[1]:x}" if found[1] else name
    line = image.line_of(offset)
    return symbol, f"{line.file}:{line.line}" if line is not None else ""


def _ended(image: Image, offset: int) -> str:
    """The name of the function that ends at an offset where no other begins; empty if there is none."""
    functions = image.functions
    index = bisect_left(functions, offset, key=lambda function: function.offset)
    if index == 0 or any(function.offset == offset for function in functions[index : index + 1]):
        return ""
    function = functions[index - 1]
    if function.size:
        return function.source_name if function.offset + function.size == offset else ""
    # Hand-written functions often have no size.
    ends = (segment.offset + len(segment.data) for segment in image.segments if segment.executable)
    return function.source_name if offset in ends else ""
