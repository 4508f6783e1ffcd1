"""Directives that move the location counter: `.org`, `.even`, and alignment filled with a pattern."""

from __future__ import annotations

from armexec.asm.context import Arguments, Context, Handler
from armexec.asm.expressions import Tree
from armexec.asm.where import Where

__all__ = ["PLACE_DIRECTIVES"]

_NOP = b"\x1f\x20\x03\xd5"


def _org(a: Context, arguments: Arguments, where: Where) -> None:
    """`.org place, fill`: moves forward to a label and a number, or to an offset in the section."""
    if not arguments:
        raise where.error("expected a place in this section")
    tree, _ = a.expression(*arguments[0])
    fill = a.constant(arguments, 1, where, default=0)
    place = where.at(arguments[0][1])
    distance: Tree = ("binary", "-", tree, ("symbol", a.output.here()))
    if a.output.is_number(tree, place):
        distance = ("number", a.output.constant(tree, place) - a.output.offset)
    count = a.output.constant(a.output.placed(distance), place)
    if count < 0:
        raise place.error(f"this place is {-count} bytes before the current one: .org can't go back")
    a.output.reserve(count, where)
    a.output.append(bytes([fill & 0xFF]) * count, where)


def _struct(a: Context, arguments: Arguments, where: Where) -> None:
    """`.struct offset`: the labels that follow are offsets, until another section begins."""
    start = a.constant(arguments, 0, where, default=0)
    if not 0 <= start < 1 << 63:
        raise where.error(f"the offset {start} is out of range 0..2**63-1")
    a.go_to(a.output.absolute(start))


def _even(a: Context, arguments: Arguments, where: Where) -> None:
    a.output.align(2, a.constant(arguments, 0, where, default=0), where)


def _align_with(width: int, *, power: bool) -> Handler:
    """`.balignw boundary, pattern, most` and the like: the padding is made of patterns of `width` bytes."""

    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        boundary = a.constant(arguments, 0, where)
        if power:
            if not 0 <= boundary <= 24:
                raise where.error(f"alignment 2**{boundary} is out of range 2**0..2**24")
            boundary = 1 << boundary
        fill = a.constant(arguments, 1, where) if len(arguments) > 1 and arguments[1][0] else None
        most = a.constant(arguments, 2, where) if len(arguments) > 2 else None
        a.output.align(max(boundary, 1), fill, where, most, width=width)

    return handler


def _nops(a: Context, arguments: Arguments, where: Where) -> None:
    """`.nops size`: NOP instructions of `size` bytes together."""
    size = a.constant(arguments, 0, where)
    if size % 4:
        raise where.error(f"{size} bytes are no whole NOP instructions: expected a multiple of 4")
    _append_nops(a, size // 4, where)


def _nop(a: Context, arguments: Arguments, where: Where) -> None:
    _append_nops(a, 1, where)


def _append_nops(a: Context, count: int, where: Where) -> None:
    a.output.reserve(4 * count, where)
    a.output.instructions(_NOP * count, where)


PLACE_DIRECTIVES: dict[str, Handler] = {
    ".org": _org,
    ".struct": _struct,
    ".offset": _struct,
    ".even": _even,
    ".balignw": _align_with(2, power=False),
    ".balignl": _align_with(4, power=False),
    ".p2alignw": _align_with(2, power=True),
    ".p2alignl": _align_with(4, power=True),
    ".nops": _nops,
    ".nop": _nop,
}
