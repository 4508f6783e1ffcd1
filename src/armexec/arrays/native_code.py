"""Loops of ufuncs as A64 code, which calls the function for each element.

It has the prototype `void loop(char **operands, long count, const long *steps, void *function)`, and follows AAPCS64.
"""

from __future__ import annotations

from functools import cache

from armexec.abi.placement import Part, StackSlot
from armexec.asm import Builder
from armexec.cpu.registers import Kind
from armexec.translate.array_loops.loop import Loop, Operand

__all__ = ["Place", "loop_code"]

_SAVED = 64
"""Bytes of the frame before the operands' addresses."""

Place = Part
"""Where an argument or the result is: a general or a vector register."""


@cache
def loop_code(loop: Loop, arguments: tuple[Place, ...], result: Place) -> bytes | None:
    """The words, for arguments in these registers; None where one isn't in a register."""
    if any(isinstance(part.place, StackSlot) for part in (*arguments, result)):
        return None
    a = Builder()
    count = len(loop.operands)
    size = _SAVED + -(-8 * count // 16) * 16
    done, again = a.label(), a.label()
    a.stp(a.x29, a.x30, a.pre(a.sp, -size))
    a.mov(a.x29, a.sp)
    a.stp(a.x19, a.x20, [a.sp, 16])
    a.stp(a.x21, a.x22, [a.sp, 32])
    a.mov(a.x20, a.x1)
    a.mov(a.x21, a.x2)
    a.mov(a.x22, a.x3)
    for k in range(count):
        a.ldr(a.x9, [a.x0, 8 * k])
        a.str(a.x9, [a.sp, _SAVED + 8 * k])
    a.cbz(a.x20, done)
    a.bind(again)
    for source, part in zip(loop.sources, arguments, strict=True):
        a.ldr(a.x9, [a.sp, _SAVED + 8 * source.number])
        _load(a, part, loop.operands[source.number])
    a.blr(a.x22)
    a.ldr(a.x9, [a.sp, _SAVED + 8 * loop.result])
    _store(a, result, loop.operands[loop.result])
    for k in range(count):
        a.ldr(a.x9, [a.sp, _SAVED + 8 * k])
        a.ldr(a.x10, [a.x21, 8 * k])
        a.add(a.x9, a.x9, a.x10)
        a.str(a.x9, [a.sp, _SAVED + 8 * k])
    a.sub(a.x20, a.x20, 1)
    a.cbnz(a.x20, again)
    a.bind(done)
    a.ldp(a.x19, a.x20, [a.sp, 16])
    a.ldp(a.x21, a.x22, [a.sp, 32])
    a.ldp(a.x29, a.x30, f"[sp], #{size}")
    a.ret()
    return a.assemble().bytes


def _register(part: Part, size: int, *, wide: bool = False) -> str:
    assert not isinstance(part.place, StackSlot)
    if part.place.kind is Kind.VECTOR:
        return f"{ {2: 'h', 4: 's', 8: 'd'}[size] }{part.place.n}"
    return f"{'x' if wide or size == 8 else 'w'}{part.place.n}"


def _load(a: Builder, part: Part, operand: Operand) -> None:
    """An element at X9 to where the function takes it, integers extended to the whole register."""
    is_signed = part.format == "signed" and operand.size < 8
    suffix = {1: "b", 2: "h", 4: "w" if is_signed else "", 8: ""}[operand.size]
    name = _register(part, operand.size, wide=is_signed)
    if name[0] not in "xw":
        suffix = ""
    a.emit(f"ldr{'s' if is_signed else ''}{suffix}", name, "[x9]")
    if operand.is_bool:
        # NumPy's arrays of bools may be views of other bytes.
        a.emit("cmp", name, 0)
        a.emit("cset", name, "ne")


def _store(a: Builder, part: Part, operand: Operand) -> None:
    """The result to where X9 points."""
    name = _register(part, operand.size)
    if operand.is_bool:
        a.emit("tst", name, 255)
        a.emit("cset", name, "ne")
    suffix = {1: "b", 2: "h"}.get(operand.size, "") if name[0] in "xw" else ""
    a.emit(f"str{suffix}", name, "[x9]")
