"""When a register was written last."""

from __future__ import annotations

from armexec.cpu.registers import REGISTERS
from armexec.debugger.past.timeline import Timeline
from armexec.isa import decode

__all__ = ["last_register_write", "register_named"]


def register_named(name: str) -> tuple[str, int] | None:
    """A register as `Effects.writes` has it; None for other names."""
    if name in ("sp", "nzcv", "fpcr", "fpsr"):
        return name, 31 if name == "sp" else 0
    kind, number = name[:1], name[1:]
    if not number.isdigit() or int(number) > 31:
        return None
    if kind in ("x", "w"):
        return ("x", int(number)) if int(number) < 31 else None
    return ("v", int(number)) if kind in ("v", "q", "d", "s", "h", "b") else None


def last_register_write(timeline: Timeline, register: tuple[str, int]) -> int | None:
    """The time of the last instruction before now that wrote a register; None if none has."""

    def writes(pc: int) -> bool:
        word = timeline.guest.fetch(pc)
        decoded = decode(word) if word is not None else None
        return decoded is not None and register in decoded.effects.writes

    executed = timeline.path.last(writes)
    name = register[0] if register[0] in REGISTERS or register[0] == "nzcv" else f"{register[0]}{register[1]}"
    last = max(-1 if executed is None else executed, timeline.last_external(name))
    return last if last >= 0 else None
