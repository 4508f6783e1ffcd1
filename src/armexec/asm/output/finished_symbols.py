"""The symbols of assembled code, after layout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from armexec.asm.contents import CodeRelocation, CodeSymbol
from armexec.asm.output.symbols import Symbol, SymbolTable
from armexec.asm.where import Where

__all__ = ["finished_symbols"]

_MASK = 0xFFFF_FFFF_FFFF_FFFF


def finished_symbols(
    table: SymbolTable,
    relocations: Iterable[CodeRelocation],
    versions: Sequence[tuple[str, str, Where]],
    *,
    apple: bool,
) -> list[CodeSymbol]:
    """The symbols of the code: those with a name, and places that a relocation refers to.

    `versions` are the .symver directives: a symbol, its name with a version, and the place.

    Raises:
        AssemblyError: no symbol can have a value, or a version is of a symbol that isn't defined.
    """
    used = {name for r in relocations for name in (r.symbol, r.minus)}
    for symbol in list(table.values()):
        target = table.get(symbol.weak_target)
        if target is not None and not target.defined and symbol.weak_target not in table.mentioned:
            target.binding = target.binding or "weak"
    found = []
    for name, symbol in table.items():
        unused = name[0] in "\x00\x01" and name not in used
        if unused or symbol.weak_target or (not symbol.defined and name not in used and not symbol.binding):
            continue
        made = _finished(table, name, symbol, apple)
        if made is not None:
            found.append(made)
    for name, versioned, where in versions:
        base = next((s for s in found if s.name == name), None)
        if base is None:
            raise where.error(f"the symbol {name!r} is not defined", column=where.column_of(name))
        found.append(base._replace(name=versioned))
    return found


def _finished(table: SymbolTable, name: str, symbol: Symbol, apple: bool) -> CodeSymbol | None:
    binding = symbol.binding or ("local" if symbol.defined else "global")
    size = table.constant(*symbol.size) if symbol.size is not None else 0
    made = CodeSymbol(name, None, 0, symbol.kind, binding, size, True, symbol.visibility)
    made = made._replace(variant_pcs=symbol.variant_pcs)
    if symbol.common is not None:
        size, alignment = symbol.common
        binding = symbol.binding or "global"
        return made._replace(kind="object", binding=binding, size=size, value=alignment, common=True)
    if symbol.section is not None:
        section = symbol.section.section
        kind = symbol.kind
        if apple and name[0] not in "\x00\x01Ll":
            # Mach-O has no types of symbols. The section tells them, but for temporary (L) and linker-private (l) ones.
            kind = "function" if section.flags == "rx" else "object"
        return made._replace(section=section, value=symbol.section.position(symbol.offset), kind=kind)
    if symbol.tree is not None:
        return _equated(table, made, symbol)
    return made._replace(defined=False)


def _equated(table: SymbolTable, made: CodeSymbol, symbol: Symbol) -> CodeSymbol | None:
    """A symbol that is set to an expression without a place in this file."""
    assert symbol.tree is not None
    where = symbol.where or Where(0, 0, "", "<assembly>")
    value = table.relocatable(table.linear(symbol.tree, where), where)
    if isinstance(value, int):
        return made._replace(value=value & _MASK)
    if value.minus is None:
        return None  # References to it are references to the other symbol.
    raise where.error(f"{made.name!r} is set to an address outside of this file")
