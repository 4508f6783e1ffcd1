"""The assembler's directives, by GNU as's names and those that clang prints for ELF and Mach-O."""

from __future__ import annotations

from armexec.asm.context import Arguments, Context, Handler
from armexec.asm.directives.data import DATA_DIRECTIVES
from armexec.asm.directives.debug import DEBUG_DIRECTIVES
from armexec.asm.directives.place import PLACE_DIRECTIVES
from armexec.asm.directives.sections import SECTION_DIRECTIVES
from armexec.asm.directives.symbols import SYMBOL_DIRECTIVES
from armexec.asm.lines import Statement, split_arguments
from armexec.asm.where import Where

__all__ = ["DIRECTIVES", "IGNORED", "run_directive"]


IGNORED = frozenset(
    [
        ".addrsig",
        ".addrsig_sym",
        ".aeabi_attribute",
        ".aeabi_subsection",
        ".data_region",
        ".end_data_region",
        ".arch",
        ".arch_extension",
        ".build_version",
        ".cpu",
        ".ident",
        ".linker_option",
        ".no_dead_strip",
        ".subsections_via_symbols",
        ".version",
        ".alt_entry",
        ".desc",
        ".indirect_symbol",
        ".loh",
        ".macosx_version_min",
        ".ios_version_min",
        ".line",
        ".linefile",
        ".dump",
        ".load",
        ".func",
        ".endfunc",
        ".title",
        ".sbttl",
        ".psize",
        ".list",
        ".nolist",
        ".eject",
        ".page",
        ".lflags",
    ]
)
"""Directives that are ignored: debugging, processor names, build attributes."""


def _integers(size: int) -> Handler:
    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        for text, column in arguments:
            tree, modifier = a.expression(text, column)
            a.output.data(tree, size, where.at(column), modifier)

    return handler


def _space(a: Context, arguments: Arguments, where: Where) -> None:
    count = a.constant(arguments, 0, where)
    fill = a.constant(arguments, 1, where, default=0)
    a.output.reserve(count, where)
    if fill & 0xFF:
        a.output.append(bytes([fill & 0xFF]) * count, where)
    else:
        a.output.zeros(count, where)


def _fill(a: Context, arguments: Arguments, where: Where) -> None:
    repeat = a.constant(arguments, 0, where)
    size = a.constant(arguments, 1, where, default=1)
    value = a.constant(arguments, 2, where, default=0)
    if not 0 <= size <= 8:
        raise where.error(f"the size of {size} bytes is out of range 0..8: expected .fill count, size, value")
    a.output.reserve(repeat * size, where)
    # In sizes above 4 the upper bytes are zero.
    a.output.append((value & ((1 << 8 * min(size, 4)) - 1)).to_bytes(size, "little") * repeat, where)


def _align(*, power: bool) -> Handler:
    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        boundary = a.constant(arguments, 0, where, default=2 if power else 4)
        if power:
            if not 0 <= boundary <= 24:
                raise where.error(f"alignment 2**{boundary} is out of range 2**0..2**24")
            boundary = 1 << boundary
        fill = a.constant(arguments, 1, where) if len(arguments) > 1 and arguments[1][0] else None
        maximum = a.constant(arguments, 2, where) if len(arguments) > 2 else None
        a.output.align(max(boundary, 1), fill, where, maximum)

    return handler


def _leb128(*, signed: bool) -> Handler:
    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        for text, column in arguments:
            tree, _ = a.expression(text, column)
            a.output.leb128(tree, where.at(column), signed=signed)

    return handler


def _inst(a: Context, arguments: Arguments, where: Where) -> None:
    for text, column in arguments:
        tree, _ = a.expression(text, column)
        word = a.output.constant(tree, where)
        if not 0 <= word < 1 << 32:
            raise where.error(f"{word} is not a 32-bit word", column=column)
        a.output.append(word.to_bytes(4, "little"), where)


def _literals(a: Context, arguments: Arguments, where: Where) -> None:
    a.output.flush_literals()


DIRECTIVES: dict[str, Handler] = {
    ".byte": _integers(1),
    ".hword": _integers(2),
    ".short": _integers(2),
    ".dc": _integers(2),
    ".dc.a": _integers(8),
    ".dc.b": _integers(1),
    ".dc.l": _integers(4),
    ".dc.w": _integers(2),
    ".half": _integers(2),
    ".2byte": _integers(2),
    ".word": _integers(4),
    ".long": _integers(4),
    ".int": _integers(4),
    ".4byte": _integers(4),
    ".quad": _integers(8),
    ".xword": _integers(8),
    ".dword": _integers(8),
    ".8byte": _integers(8),
    ".space": _space,
    ".skip": _space,
    ".zero": _space,
    ".fill": _fill,
    ".align": _align(power=True),
    ".p2align": _align(power=True),
    ".balign": _align(power=False),
    ".uleb128": _leb128(signed=False),
    ".sleb128": _leb128(signed=True),
    ".inst": _inst,
    ".ltorg": _literals,
    ".pool": _literals,
    **DATA_DIRECTIVES,
    **PLACE_DIRECTIVES,
    **SECTION_DIRECTIVES,
    **SYMBOL_DIRECTIVES,
    **DEBUG_DIRECTIVES,
}


def run_directive(a: Context, statement: Statement, where: Where) -> None:
    """Assemble one directive."""
    name = statement.name.lower()
    handler = DIRECTIVES.get(name)
    if handler is None:
        if name in IGNORED:
            return
        import difflib

        from armexec.asm.preprocess import PREPROCESSING

        known = [*DIRECTIVES, *PREPROCESSING]
        near = difflib.get_close_matches(name, known, 3, 0.6) if len(name) < 20 else []
        raise where.error(f"unknown directive {name[:40]}", f"did you mean {', '.join(near)}?" if near else "")
    handler(a, split_arguments(statement.operands, statement.operands_column), where)
