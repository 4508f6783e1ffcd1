"""The directives about symbols and relocations."""

from __future__ import annotations

from collections.abc import Callable

from armexec.asm.contents import CodeSection
from armexec.asm.context import Arguments, Context, Handler
from armexec.asm.object_file.relocation_numbers import RELOCATIONS
from armexec.asm.where import Where

__all__ = ["SYMBOL_DIRECTIVES"]


_MOST_ALIGNMENT = 24


def _each(change: Callable[[Context, str], None]) -> Handler:
    """A directive that changes each of its symbols."""

    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        if not arguments:
            raise where.error("expected a symbol")
        for argument in arguments:
            change(a, a.name(argument))

    return handler


def _binding(binding: str) -> Handler:
    def change(a: Context, name: str) -> None:
        symbol = a.output.symbol(name)
        # A weak symbol stays weak, whichever directive comes first.
        if not (binding == "global" and symbol.binding in ("weak", "unique")):
            symbol.binding = binding

    return _each(change)


def _visibility(visibility: str) -> Handler:
    def change(a: Context, name: str) -> None:
        a.output.symbol(name).visibility = visibility

    return _each(change)


def _private_extern(a: Context, name: str) -> None:
    symbol = a.output.symbol(name)
    symbol.binding, symbol.visibility = symbol.binding or "global", "hidden"


def _variant_pcs(a: Context, name: str) -> None:
    a.output.symbol(name).variant_pcs = True


def _assign(*, once: bool = False, late: bool = False) -> Handler:
    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        if len(arguments) != 2:
            raise where.error("expected a symbol, a comma and a value")
        tree, modifier = a.expression(*arguments[1])
        if modifier:
            raise where.error(f"the operator {modifier!r} can't stand here", column=arguments[1][1])
        a.output.assign(a.name(arguments[0]), tree, where, once=once, late=late)

    return handler


_KINDS = {
    "function": "function",
    "func": "function",
    "object": "object",
    "tls_object": "tls",
    "tls": "tls",
    "common": "object",
    "notype": "notype",
    "gnu_indirect_function": "ifunc",
    "gnu_ifunc": "ifunc",
    "gnu_unique_object": "object",
}


def _type(a: Context, arguments: Arguments, where: Where) -> None:
    if len(arguments) == 1 and " " in arguments[0][0]:
        # `.type f STT_FUNC`: the comma may be left out.
        text, column = arguments[0]
        name, _, kind = text.partition(" ")
        arguments = [(name, column), (kind.strip(), column + len(text) - len(kind.lstrip()))]
    if len(arguments) != 2:
        raise where.error("expected a symbol, a comma and @function or @object")
    text, column = arguments[1]
    kind = text.strip('"').lstrip("@%#").lower().removeprefix("stt_")
    if kind not in _KINDS:
        raise where.error(
            f"unknown type {text[:30]!r} of a symbol: @function, @object, @tls_object, @notype", column=column
        )
    symbol = a.output.symbol(a.name(arguments[0]))
    symbol.kind = _KINDS[kind]
    if kind == "gnu_unique_object":
        symbol.binding = "unique"


def _size(a: Context, arguments: Arguments, where: Where) -> None:
    if len(arguments) != 2:
        raise where.error("expected a symbol, a comma and a size")
    tree, _ = a.expression(*arguments[1])
    a.output.symbol(a.name(arguments[0])).size = a.output.placed(tree), where.at(arguments[1][1])


def _common(*, local: bool) -> Handler:
    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        if len(arguments) < 2:
            raise where.error("expected a symbol, a size and an alignment")
        size = a.constant(arguments, 1, where)
        # Without an alignment GNU as takes the size, rounded up to a power of two up to 16.
        default = 0 if a.apple else 1 << min(max(size - 1, 0).bit_length(), 4)
        alignment = a.constant(arguments, 2, where, default=default)
        if a.apple:
            if not 0 <= alignment <= _MOST_ALIGNMENT:
                raise where.error(f"alignment 2**{alignment} is out of range 2**0..2**{_MOST_ALIGNMENT}")
            alignment = 1 << alignment
        if alignment <= 0 or alignment & (alignment - 1) or alignment > 1 << _MOST_ALIGNMENT:
            raise where.error(f"alignment {alignment} is not a power of two up to 2**{_MOST_ALIGNMENT}")
        name = a.name(arguments[0])
        if local or a.output.symbol(name).binding == "local":
            if a.apple:
                _reserve(a, "__DATA,__bss", name, size, alignment, where)
            else:
                _reserve(a, ".bss", name, size, alignment, where)
            return
        symbol = a.output.symbol(name)
        if symbol.section is not None or symbol.tree is not None:
            raise where.error(f"the symbol {name!r} is defined already")
        if not 0 <= size < 1 << 40:
            raise where.error(f"{size} bytes can't be reserved")
        old_size, old_alignment = symbol.common or (0, 1)
        symbol.common, symbol.where = (max(size, old_size), max(alignment, old_alignment)), where

    return handler


def _reserve(a: Context, section: str, name: str, size: int, alignment: int, where: Where, kind: str = "") -> None:
    current = a.output.section
    made = a.output.make_section(CodeSection(section, "rw", type="nobits", attributes=kind))
    a.output.section = a.output.subsection(made)
    a.output.align(alignment, 0, where)
    a.output.define(name, where)
    symbol = a.output.symbol(name)
    symbol.kind, symbol.size = "object" if symbol.kind == "notype" else symbol.kind, (("number", size), where)
    a.output.zeros(size, where)
    a.output.section = current


def _zerofill(a: Context, arguments: Arguments, where: Where) -> None:
    if len(arguments) < 4:
        if len(arguments) == 2:
            return
        raise where.error("expected .zerofill segment, section, symbol, size, alignment")
    size = a.constant(arguments, 3, where)
    alignment = a.constant(arguments, 4, where, default=0)
    section = f"{arguments[0][0]},{arguments[1][0]}"
    _reserve(a, section, a.name(arguments[2]), size, 1 << min(max(alignment, 0), _MOST_ALIGNMENT), where)


def _tbss(a: Context, arguments: Arguments, where: Where) -> None:
    """Apple's `.tbss symbol, size, alignment`."""
    if len(arguments) < 2:
        raise where.error("expected a symbol, a size and an alignment")
    size = a.constant(arguments, 1, where)
    alignment = a.constant(arguments, 2, where, default=0)
    power = 1 << min(max(alignment, 0), _MOST_ALIGNMENT)
    _reserve(a, "__DATA,__thread_bss", a.name(arguments[0]), size, power, where, "thread_local")


def _symver(a: Context, arguments: Arguments, where: Where) -> None:
    if len(arguments) < 2 or "@" not in arguments[1][0]:
        raise where.error("expected a symbol and its name with a version: .symver f, f@@VERSION")
    a.output.versions.append((a.name(arguments[0]), a.name(arguments[1]), where))


def _weakref(a: Context, arguments: Arguments, where: Where) -> None:
    if len(arguments) != 2:
        raise where.error("expected a symbol, a comma and the symbol that it stands for")
    name, target = a.name(arguments[0]), a.name(arguments[1])
    if name == target:
        raise where.error(f"{name!r} can't stand for itself")
    symbol = a.output.symbol(name)
    if symbol.defined:
        raise where.error(f"the symbol {name!r} is defined already")
    symbol.weak_target, symbol.where = target, where
    a.output.symbol(target)


def _reloc(a: Context, arguments: Arguments, where: Where) -> None:
    if not 2 <= len(arguments) <= 3:
        raise where.error("expected an offset, the name of a relocation, and a symbol: .reloc 0, R_AARCH64_NONE, f")
    place, _ = a.expression(*arguments[0])
    kind = {"BFD_RELOC_NONE": "NONE", "BFD_RELOC_32": "ABS32", "BFD_RELOC_64": "ABS64"}.get(arguments[1][0])
    name = f"R_AARCH64_{kind}" if kind else arguments[1][0].upper()
    if name not in RELOCATIONS:
        raise where.error(f"unknown relocation {arguments[1][0][:40]!r}", column=arguments[1][1])
    target, _ = a.expression(*arguments[2]) if len(arguments) > 2 else (("number", 0), "")
    a.output.relocation(place, name, target, where)


def _descriptor(name: str) -> Handler:
    """A relocation of the next instruction, part of a call for a thread-local variable's address."""

    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        if len(arguments) != 1:
            raise where.error("expected a symbol")
        tree, _ = a.expression(*arguments[0])
        a.output.relocation(("symbol", "."), name, tree, where)

    return handler


SYMBOL_DIRECTIVES: dict[str, Handler] = {
    ".global": _binding("global"),
    ".globl": _binding("global"),
    ".extern": _each(lambda a, name: None),
    ".private_extern": _each(_private_extern),
    ".local": _binding("local"),
    ".weak": _binding("weak"),
    ".weak_definition": _binding("weak"),
    ".weak_reference": _binding("weak"),
    ".weak_def_can_be_hidden": _binding("weak"),
    ".hidden": _visibility("hidden"),
    ".protected": _visibility("protected"),
    ".internal": _visibility("internal"),
    ".variant_pcs": _each(_variant_pcs),
    ".equ": _assign(),
    ".set": _assign(),
    ".equiv": _assign(once=True),
    ".eqv": _assign(once=True, late=True),
    ".type": _type,
    ".size": _size,
    ".comm": _common(local=False),
    ".common": _common(local=False),
    ".lcomm": _common(local=True),
    ".zerofill": _zerofill,
    ".tbss": _tbss,
    ".symver": _symver,
    ".weakref": _weakref,
    ".reloc": _reloc,
    ".tlsdesccall": _descriptor("R_AARCH64_TLSDESC_CALL"),
    ".tlsdescadd": _descriptor("R_AARCH64_TLSDESC_ADD"),
    ".tlsdescldr": _descriptor("R_AARCH64_TLSDESC_LDR"),
}
