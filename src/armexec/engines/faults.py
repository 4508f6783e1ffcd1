"""From a machine's trap to the exception a user sees, with the place in the guest's code."""

from __future__ import annotations

from typing import Required, TypedDict

from armexec.engines.naming import function_name
from armexec.errors import (
    BreakpointHit,
    Error,
    ExecutionError,
    IllegalInstruction,
    InstructionLimitExceeded,
    MemoryFault,
    SystemCallDenied,
    TimeLimitExceeded,
    UndefinedSymbol,
    UnsupportedInstruction,
)
from armexec.isa import decode
from armexec.isa.operands import Context
from armexec.machines.traps import Trap, TrapKind
from armexec.memory import AccessError, HostMemory
from armexec.objects import Image
from armexec.objects.names import linkage_name, source_name

__all__ = ["to_error"]

_ACCESS = {
    TrapKind.ALIGNMENT: "align",
    TrapKind.READ: "read",
    TrapKind.WRITE: "write",
    TrapKind.EXECUTE: "execute",
}
_REFERENCE = {TrapKind.UNDEFINED, TrapKind.READ, TrapKind.WRITE, TrapKind.EXECUTE}
"""What comes of a reference to what isn't defined."""


def to_error(trap: Trap, image: Image | None, base: int) -> Error:
    """The armexec exception for a trap in `image` placed at `base`."""
    word = _word(trap.pc)
    reader = _reader(trap, word)
    if reader is not None:
        return to_error(Trap(TrapKind.READ, reader, trap.detail, trap.why), image, base)
    missing = _missing(trap, image, base) if image is not None else None
    if missing is not None:
        return missing
    place = _place(trap, image, base, word)
    kind, detail = trap.kind, trap.detail
    if kind in _ACCESS:
        access = _ACCESS[kind]
        message = {
            "align": trap.why or f"unaligned access to 0x{detail:x}",
            "read": f"can't read memory at 0x{detail:x}",
            "write": f"can't write memory at 0x{detail:x}",
            "execute": f"there is no code at 0x{detail:x}",
        }[access]
        return MemoryFault(message, address=detail, access=access, **place)
    if kind is TrapKind.UNSUPPORTED:
        return UnsupportedInstruction(word or 0, trap.pc, trap.why)
    if kind is TrapKind.UNDEFINED:
        shown = f" 0x{word:08x}" if word is not None else ""
        reason = f" ({trap.why})" if trap.why else ""
        return IllegalInstruction(f"illegal instruction{shown}{reason}", **place)
    if kind is TrapKind.BREAKPOINT:
        return BreakpointHit(f"breakpoint #{detail}", **place)
    if kind is TrapKind.SUPERVISOR_CALL:
        return SystemCallDenied(f"system call (svc #{detail}) where none is allowed", **place)
    if kind is TrapKind.INSTRUCTION_LIMIT:
        return InstructionLimitExceeded(f"more than {detail} instructions executed", **place)
    if kind is TrapKind.TIME_LIMIT:
        return TimeLimitExceeded("the time limit is over", **place)
    return ExecutionError(trap.why or kind.name.lower(), **place)


def _missing(trap: Trap, image: Image, base: int) -> Error | None:
    """The error for a trap that comes of a symbol that nothing defines, or of a thread-local variable."""
    if trap.kind not in _REFERENCE:
        return None
    found = image.missing.at(trap.pc - base)
    if found is None and trap.kind is not TrapKind.UNDEFINED:
        found = image.missing.at(trap.detail - base)
    if found is None:
        return None
    pc = trap.pc if found.referrer is None else base + found.referrer
    place = _place(Trap(trap.kind, pc), image, base, _word(pc))
    name = source_name(image.linkage_name(found.symbol))
    by = function_name(image, pc - base) if 0 <= pc - base < image.size else ""
    if found.is_thread_local:
        return ExecutionError(
            f"{by or 'code'} uses the thread-local variable {name}: armexec has none yet (make it static or global)",
            **place,
        )
    verb = "is called" if trap.kind is TrapKind.EXECUTE or found.is_branch else "is used"
    others = [source_name(other) for other in image.undefined() if source_name(other) != name]
    also = f" (nor {', '.join(others[:8])}{', ...' if len(others) > 8 else ''})" if others else ""
    return UndefinedSymbol(
        f"undefined symbol {name} {verb}{f' by {by}' if by else ''}: neither {image.name} nor what was loaded with it"
        f" defines it{also},",
        name=name,
        **place,
    )


def _reader(trap: Trap, word: int | None) -> int | None:
    """Where memory that can't be read was to be read, if the host has read and written it at once and says it wrote.

    Arm ARM D17.2.37, ISS.WnR: a fault of an atomic operation is one of a read where a read would have faulted.
    """
    if trap.kind is not TrapKind.WRITE:
        return None
    reader = trap.reader
    if reader is None and word is not None:
        decoded = decode(word)
        if decoded is not None and decoded.instruction.semantics.__module__.endswith(".loads_stores_atomic"):
            reader = trap.pc
    try:
        if reader is not None:
            HostMemory().read(trap.detail, 1)
    except AccessError:
        return reader
    return None


def _word(pc: int) -> int | None:
    try:
        return int.from_bytes(HostMemory().read(pc, 4), "little")
    except AccessError:
        return None


class _Place(TypedDict, total=False):
    pc: Required[int]
    symbol: str
    source: str
    instruction: str


def _missing_name(image: Image | None, offset: int) -> str | None:
    """The name of an undefined symbol, where a branch to it goes."""
    name = image.missing.names.get(offset) if image is not None else None
    return source_name(linkage_name(name, image.format)) if name is not None and image is not None else None


def _place(trap: Trap, image: Image | None, base: int, word: int | None) -> _Place:
    place: _Place = {"pc": trap.pc}
    if word is not None:
        decoded = decode(word)
        if decoded is not None:
            place["instruction"] = decoded.text(Context(trap.pc, lambda at: _missing_name(image, at - base)))
    if image is not None and 0 <= trap.pc - base < image.size:
        offset = trap.pc - base
        found = image.symbol_at(offset)
        if found is not None:
            symbol, delta = found
            place["symbol"] = f"{symbol.name}+0x{delta:x}" if delta else symbol.name
        line = image.line_of(offset)
        if line is not None:
            place["source"] = f"{line.file}:{line.line}"
    return place
