"""The assembler's directives: GNU as names, as clang prints them for ELF and Mach-O."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from armexec.asm.lexer import Statement, split_arguments
from armexec.asm.output import Where

if TYPE_CHECKING:
    from armexec.asm.assembler import Assembler

__all__ = ["DIRECTIVES", "IGNORED", "run_directive"]

Handler = Callable[["Assembler", list[tuple[str, int]], Where], None]

IGNORED = frozenset(
    [
        ".addrsig",
        ".addrsig_sym",
        ".arch",
        ".arch_extension",
        ".build_version",
        ".cpu",
        ".file",
        ".hidden",
        ".ident",
        ".internal",
        ".lcomm_align",
        ".linker_option",
        ".loc",
        ".no_dead_strip",
        ".protected",
        ".subsections_via_symbols",
        ".variant_pcs",
        ".version",
        ".alt_entry",
        ".end",
        ".desc",
        ".indirect_symbol",
        ".loh",
        ".mod_init_func",
        ".macosx_version_min",
        ".ios_version_min",
        ".weak_reference",
        ".line",
    ]
)
"""Directives that have no bearing on the words: visibility, debugging, processor names."""


def _integers(size: int) -> Handler:
    def handler(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
        if not arguments:
            raise where.error("expected at least one value")
        for text, column in arguments:
            tree, modifier = a.expression(text, column)
            a.output.data(tree, size, where.at(column), modifier)

    return handler


def _floats(code: str) -> Handler:
    def handler(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
        for text, column in arguments:
            try:
                value = float.fromhex(text) if "0x" in text.lower() else float(text)
                a.output.append(struct.pack(f"<{code}", value), where)
            except (ValueError, OverflowError):
                raise where.error(f"{text!r} is not a floating-point number that fits", column=column) from None

    return handler


_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]+)|(.))", re.DOTALL)
_ESCAPED = {
    b"n": b"\n",
    b"t": b"\t",
    b"r": b"\r",
    b"b": b"\b",
    b"f": b"\f",
    b"v": b"\v",
    b'"': b'"',
    b"\\": b"\\",
}


def _string_bytes(text: str) -> bytes:
    def replace(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes([int(match[1], 8) & 0xFF])
        if match[2]:
            return bytes([int(match[2], 16) & 0xFF])
        return _ESCAPED.get(match[3], match[3])

    return _ESCAPE.sub(replace, text.encode(errors="surrogatepass"))


def _strings(terminator: bytes) -> Handler:
    def handler(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
        if not arguments:
            raise where.error("expected a string in double quotes")
        for text, column in arguments:
            if len(text) < 2 or text[0] != '"' or text[-1] != '"':
                what = 'its closing "' if text[:1] == '"' else f"a string in double quotes, not {text[:30]!r}"
                raise where.error(f"expected {what}", column=column)
            for part in re.findall(r'"((?:[^"\\]|\\.)*)"', text):
                a.output.append(_string_bytes(part), where)
            a.output.append(terminator, where)

    return handler


def _space(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
    count = a.constant(arguments, 0, where)
    fill = a.constant(arguments, 1, where, default=0)
    a.output.reserve(count, where)
    a.output.append(bytes([fill & 0xFF]) * count, where)


def _fill(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
    repeat = a.constant(arguments, 0, where)
    size = a.constant(arguments, 1, where, default=1)
    value = a.constant(arguments, 2, where, default=0)
    if not 0 <= size <= 8:
        raise where.error(f"the size of {size} bytes is out of range 0..8: expected .fill count, size, value")
    a.output.reserve(repeat * size, where)
    # Of sizes above 4, the upper bytes are zero.
    a.output.append((value & ((1 << 8 * min(size, 4)) - 1)).to_bytes(size, "little") * repeat, where)


def _align(*, power: bool) -> Handler:
    def handler(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
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
    def handler(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
        for text, column in arguments:
            tree, _ = a.expression(text, column)
            value = a.output.constant(tree, where)
            if value < 0 and not signed:
                raise where.error(f"{value} is negative: use .sleb128", column=column)
            while True:
                byte = value & 0x7F
                value >>= 7
                done = (value == 0 and (not signed or not byte & 0x40)) or (
                    signed and value == -1 and bool(byte & 0x40)
                )
                a.output.append(bytes([byte | (0 if done else 0x80)]), where)
                if done:
                    break

    return handler


def _binding(binding: str) -> Handler:
    def handler(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
        if not arguments:
            raise where.error("expected a symbol")
        for argument in arguments:
            a.output.symbol(a.name(argument)).binding = binding

    return handler


def _assign(*, once: bool = False) -> Handler:
    def handler(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
        if len(arguments) != 2:
            raise where.error("expected a symbol, a comma and a value")
        tree, _ = a.expression(*arguments[1])
        a.output.assign(a.name(arguments[0]), tree, where, once=once)

    return handler


_KINDS = {"function": "function", "func": "function", "object": "object", "gnu_indirect_function": "function"}


def _type(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
    if len(arguments) != 2:
        raise where.error("expected a symbol, a comma and @function or @object")
    kind = arguments[1][0].strip('"').lstrip("@%#").lower().removeprefix("stt_")
    a.output.symbol(a.name(arguments[0])).kind = _KINDS.get(kind, "notype")


def _size(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
    if len(arguments) != 2:
        raise where.error("expected a symbol, a comma and a size")
    tree, _ = a.expression(*arguments[1])
    a.output.symbol(a.name(arguments[0])).size = a.output.placed(tree), where


def _common(*, local: bool) -> Handler:
    def handler(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
        if len(arguments) < 2:
            raise where.error("expected a symbol, a size and an alignment")
        size = a.constant(arguments, 1, where)
        alignment = a.constant(arguments, 2, where, default=16)
        if a.apple:
            alignment = 1 << min(alignment, 24)
        name = a.name(arguments[0])
        if local or a.output.symbol(name).binding == "local":
            _reserve(a, ".bss", name, size, alignment, "", where)
        else:
            _reserve(a, "__DATA,__common" if a.apple else "COMMON", name, size, alignment, "global", where)

    return handler


def _reserve(a: Assembler, section: str, name: str, size: int, alignment: int, binding: str, where: Where) -> None:
    a.output.reserve(size, where)
    current = a.output.section
    a.output.enter(section, "rw")
    a.output.align(max(alignment, 1), 0, where)
    a.output.define(name, where)
    symbol = a.output.symbol(name)
    symbol.kind, symbol.size = "object", (("number", size), where)
    symbol.binding = symbol.binding or binding
    a.output.append(bytes(size), where)
    a.output.section = current


def _zerofill(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
    if len(arguments) < 4:
        if len(arguments) == 2:
            return
        raise where.error("expected .zerofill segment, section, symbol, size, alignment")
    size = a.constant(arguments, 3, where)
    alignment = a.constant(arguments, 4, where, default=0)
    section = f"{arguments[0][0]},{arguments[1][0]}"
    _reserve(a, section, a.name(arguments[2]), size, 1 << min(max(alignment, 0), 24), "", where)


def _inst(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
    for text, column in arguments:
        tree, _ = a.expression(text, column)
        word = a.output.constant(tree, where)
        if not 0 <= word < 1 << 32:
            raise where.error(f"{word} is not a 32-bit word", column=column)
        a.output.append(word.to_bytes(4, "little"), where)


_PLAIN_SECTIONS = {
    ".text": (".text", "rx"),
    ".data": (".data", "rw"),
    ".bss": (".bss", "rw"),
    ".rodata": (".rodata", "r"),
    ".const": ("__TEXT,__const", "r"),
    ".cstring": ("__TEXT,__cstring", "r"),
    ".const_data": ("__DATA,__const", "rw"),
    ".literal4": ("__TEXT,__literal4", "r"),
    ".literal8": ("__TEXT,__literal8", "r"),
    ".literal16": ("__TEXT,__literal16", "r"),
    ".static_data": ("__DATA,__static_data", "rw"),
}
_READ_ONLY = (".rodata", ".eh_frame", ".note", ".comment", ".llvm_addrsig", ".gcc_except_table", ".gnu")


def _section_named(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
    if not arguments:
        raise where.error("expected the section's name")
    name = a.name(arguments[0])
    if name.startswith("__") and len(arguments) > 1:
        segment, section = name, arguments[1][0]
        if segment == "__TEXT" and section in ("__text", "__stubs"):
            a.enter_section(".text" if section == "__text" else f"{segment},{section}", "rx")
        elif segment == "__DWARF" or section in ("__eh_frame", "__compact_unwind"):
            a.enter_section(None, "r")
        else:
            code = any("pure_instructions" in text for text, _ in arguments[2:])
            flags = "rx" if code else "rw" if segment.startswith("__DATA") else "r"
            a.enter_section(f"{segment},{section}", flags)
        return
    letters = arguments[1][0].strip('"') if len(arguments) > 1 else None
    if name.startswith((".debug", ".note", ".comment", ".eh_frame", ".llvm", ".stack")):
        a.enter_section(None, "r")
    elif name in _PLAIN_SECTIONS and letters is None:
        a.enter_section(*_PLAIN_SECTIONS[name])
    elif letters is None:
        flags = "rx" if name.startswith(".text") else "r" if name.startswith(_READ_ONLY) else "rw"
        a.enter_section(name, flags)
    elif "a" not in letters:
        a.enter_section(None, "r")
    elif "T" in letters:
        raise where.error("thread-local storage is not supported")
    else:
        a.enter_section(name, "rx" if "x" in letters else "rw" if "w" in letters else "r")


def _push_section(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
    a.section_stack.append(a.current)
    _section_named(a, arguments, where)


def _pop_section(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
    if not a.section_stack:
        raise where.error(".popsection without .pushsection")
    a.enter_section(*a.section_stack.pop())


def _previous(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
    a.enter_section(*a.previous)


def _plain_section(name: str) -> Handler:
    def handler(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
        if arguments:
            raise where.error(f"expected the end of the line after {name}", column=arguments[0][1])
        a.enter_section(*_PLAIN_SECTIONS[name])

    return handler


def _literals(a: Assembler, arguments: list[tuple[str, int]], where: Where) -> None:
    a.output.flush_literals()


DIRECTIVES: dict[str, Handler] = {
    ".byte": _integers(1),
    ".hword": _integers(2),
    ".short": _integers(2),
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
    ".float": _floats("f"),
    ".single": _floats("f"),
    ".double": _floats("d"),
    ".ascii": _strings(b""),
    ".asciz": _strings(b"\0"),
    ".string": _strings(b"\0"),
    ".space": _space,
    ".skip": _space,
    ".zero": _space,
    ".fill": _fill,
    ".align": _align(power=True),
    ".p2align": _align(power=True),
    ".balign": _align(power=False),
    ".uleb128": _leb128(signed=False),
    ".sleb128": _leb128(signed=True),
    ".global": _binding("global"),
    ".globl": _binding("global"),
    ".extern": _binding(""),
    ".private_extern": _binding("global"),
    ".local": _binding("local"),
    ".weak": _binding("weak"),
    ".weak_definition": _binding("weak"),
    ".weak_def_can_be_hidden": _binding("weak"),
    ".equ": _assign(),
    ".set": _assign(),
    ".equiv": _assign(once=True),
    ".type": _type,
    ".size": _size,
    ".comm": _common(local=False),
    ".lcomm": _common(local=True),
    ".zerofill": _zerofill,
    ".inst": _inst,
    ".section": _section_named,
    ".pushsection": _push_section,
    ".popsection": _pop_section,
    ".previous": _previous,
    ".ltorg": _literals,
    ".pool": _literals,
    **{name: _plain_section(name) for name in _PLAIN_SECTIONS},
}


def run_directive(a: Assembler, statement: Statement, where: Where) -> None:
    """Carry out one directive."""
    name = statement.name.lower()
    handler = DIRECTIVES.get(name)
    if handler is None:
        if name in IGNORED or name.startswith(".cfi_"):
            return
        import difflib

        near = difflib.get_close_matches(name, DIRECTIVES, 3, 0.6) if len(name) < 20 else []
        raise where.error(f"unknown directive {name[:40]}", f"did you mean {', '.join(near)}?" if near else "")
    handler(a, split_arguments(statement.operands, statement.operands_column), where)
