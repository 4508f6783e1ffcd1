"""The output of an assembly: sections, symbols, and the places to fill once every label is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from armexec.asm.code import Code
from armexec.asm.contents import CodeRelocation, CodeSection
from armexec.asm.encoding import Candidate, EncodingFailure, Relocatable, encode, not_deferred
from armexec.asm.expressions import Tree, symbols_of, with_place
from armexec.asm.output.finished_symbols import finished_symbols
from armexec.asm.output.subsections import Leb128, Padding, Subsection, Variable, lay_out, padding
from armexec.asm.output.symbols import Linear, Symbol, SymbolTable
from armexec.asm.where import Expansion, Where
from armexec.errors import Diagnostic
from armexec.isa.syntax import Expression

__all__ = ["Linear", "Output", "Where"]

_MAX_SIZE = 1 << 28
"""Maximum number of bytes that one text makes."""
_MAX_RESERVED = 1 << 40
"""Maximum number of bytes of sections without contents."""


class _Fixup(NamedTuple):
    section: Subsection
    offset: int
    where: Where
    fill: Callable[[int, CodeSection, Where], None]


_DATA_RELOCATIONS = {8: "R_AARCH64_ABS64", 4: "R_AARCH64_ABS32", 2: "R_AARCH64_ABS16"}
_PLACE_RELOCATIONS = {8: "R_AARCH64_PREL64", 4: "R_AARCH64_PREL32", 2: "R_AARCH64_PREL16"}
_DATA_OPERATORS = {
    ("plt", 4): "R_AARCH64_PLT32",
    ("gotpcrel", 4): "R_AARCH64_GOTPCREL32",
    ("got", 4): "R_AARCH64_GOTPCREL32",
    ("tprel", 8): "R_AARCH64_TLS_TPREL64",
    ("dtprel", 8): "R_AARCH64_TLS_DTPREL64",
}


class Output:
    """Collects sections; `finish` fills the gaps and gives the Code.

    `distances`: whether a number for a branch target or a pc-relative address is a distance, and not an address.
    """

    def __init__(self, *, address: int = 0, source: str = "", apple: bool = False, distances: bool = True) -> None:
        self.apple = apple
        self.address = address
        self.distances = distances
        self.source = source
        self.sections: dict[tuple[str, ...], CodeSection] = {}
        self.symbols = SymbolTable()
        self.relocations: list[CodeRelocation] = []
        self.files: list[str] = []
        self.diagnostics: list[Diagnostic] = []
        """The messages that don't end the assembly (.warning, .print)."""
        self.versions: list[tuple[str, str, Where]] = []
        """The symbol, its name with a version, and the place, of each .symver."""
        self.late: list[Callable[[], None]] = []
        """Functions that make the debug information, which needs the layout of all sections."""
        self._subsections: dict[tuple[CodeSection, int], Subsection] = {}
        self._absolute = CodeSection("*ABS*", "", type="nobits")
        self._fixups: list[_Fixup] = []
        self._pools: dict[Subsection, list[tuple[str, int, Tree, Where]]] = {}
        self._room = _MAX_SIZE
        self._reservable = _MAX_RESERVED
        self.section = self.subsection(self.make_section(CodeSection("__TEXT,__text" if apple else ".text", "rx")))

    @property
    def constants(self) -> bool:
        """Whether a symbol is a number: then words in operands may be numbers."""
        return self.symbols.constants

    # -- sections ---------------------------------------------------------------------------------------------------
    def subsection(self, section: CodeSection, number: int = 0) -> Subsection:
        """A subsection of a section, made if it is new. The absolute section has none: its counting continues."""
        if section is self._absolute:
            return self.section
        found = self._subsections.get((section, number))
        if found is None:
            found = self._subsections[section, number] = Subsection(section, fixed_start=number == 0)
        return found

    def absolute(self, start: int) -> Subsection:
        """A section that makes no bytes (.struct): its labels are numbers, counted from `start`."""
        section = Subsection(self._absolute)
        section.reserved = start
        return section

    @property
    def is_absolute(self) -> bool:
        """Whether the current section makes no bytes (.struct): it is in no file."""
        return self.section.section is self._absolute

    def make_section(self, wanted: CodeSection, unique: str = "") -> CodeSection:
        """The section that there is with the name, group and link of `wanted` and with `unique`, else `wanted`."""
        return self.sections.setdefault((wanted.name, wanted.group, wanted.link, unique), wanted)

    @property
    def offset(self) -> int:
        """The number of bytes that the current subsection has."""
        return self.section.size

    def reserve(self, size: int, where: Where) -> None:
        """Check that there may be `size` more bytes, before they are made."""
        room = self._reservable if self.section.nobits else self._room
        if not 0 <= size <= room:
            raise where.error(f"{size} bytes can't be reserved: between 0 and {room}")

    def append(self, data: bytes, where: Where) -> None:
        """Append bytes of data to the current section."""
        section = self.section
        self.reserve(len(data), where)
        if section.nobits:
            if any(data):
                raise where.error(f"section {section.section.name} has no contents: only zeros can stand there")
            self.zeros(len(data), where)
            return
        self._room -= len(data)
        if data and section.state != "d":
            section.mark("d")
        section.data += data

    def zeros(self, count: int, where: Where) -> None:
        """Append zero bytes; in a section without contents they are only counted."""
        self.reserve(count, where)
        if self.section.nobits:
            self._reservable -= count
            self.section.reserved += count
        else:
            self.append(bytes(count), where)

    def variable(self, piece: Variable) -> None:
        """Append a piece whose bytes are made when labels are placed."""
        self.append(b"\0", piece.where)
        self.section.variables.append(piece)

    def word(self, word: bytes, line: int, text: str, file: str, within: Expansion | None = None) -> None:
        """Append an instruction's word; the other arguments are its place in the source."""
        section = self.section
        data = section.data
        if section.state != "x" or len(data) & 3 or self._room < 4:
            self._code(Where(line, len(text) - len(text.lstrip()) + 1, text, file, within))
        self._room -= 4
        if within is not None:
            line, file = within.origin() or (line, file)
        section.lines.append((len(data), line, file))
        data += word

    def instructions(self, words: bytes, where: Where) -> None:
        """Append the words of the instructions of one statement."""
        if words:
            self.word(words[:4], where.line, where.text, where.file, where.within)
            self.reserve(len(words) - 4, where)
            self._room -= len(words) - 4
            self.section.data += words[4:]

    def _code(self, where: Where) -> None:
        """Check that an instruction can stand here."""
        section = self.section
        if section.nobits:
            raise where.error(f"section {section.section.name} has no contents: instructions can't stand there")
        self.reserve(4, where)
        if section.size & 3 and not section.variables:
            raise where.error("an instruction must be at a multiple of 4 bytes: put .p2align 2 before it")
        if section.state != "x":
            section.mark("x")
            if self.apple and section.section.flags == "r":
                section.section.flags = "rx"  # Apple's assembler marks sections by their contents.

    def align(
        self, boundary: int, fill: int | None, where: Where, maximum: int | None = None, *, width: int = 1
    ) -> None:
        """Pad to a multiple of `boundary` bytes: with `fill`, of `width` bytes; for None with NOPs in code."""
        if boundary <= 0 or boundary & (boundary - 1) or boundary > 1 << 24:
            raise where.error(f"alignment {boundary} is not a power of two up to 2**24")
        section = self.section
        if fill is None and "x" not in section.section.flags:
            fill = 0
        pattern = None if fill is None else (fill & ((1 << 8 * width) - 1)).to_bytes(width, "little")
        if not section.fixed_start or section.variables:
            section.section.align = max(section.section.align, boundary)
            self.variable(Padding(section.size, where, boundary, pattern, maximum))
            return
        made = padding(section.size, boundary, pattern, maximum, where)
        if maximum is None or made or section.size % boundary == 0:
            section.section.align = max(section.section.align, boundary)
        if fill is None and section.state == "x":
            self.reserve(len(made), where)
            self._room -= len(made)
            section.data += made
        else:
            self.append(made, where)

    # -- symbols and expressions ------------------------------------------------------------------------------------
    def symbol(self, name: str) -> Symbol:
        """The symbol of a name, made if it is new."""
        return self.symbols.symbol(name)

    def define(self, name: str, where: Where) -> None:
        """Put a label here."""
        if self.is_absolute:
            self.symbols.assign(name, ("number", self.section.size), where, once=True)
        else:
            self.symbols.define(name, self.section, where)

    def assign(self, name: str, tree: Tree, where: Where, *, once: bool = False, late: bool = False) -> None:
        """Give a symbol an expression's value (.set, .equ)."""
        self.symbols.assign(name, self.placed(tree), where, once=once, late=late)

    def placed(self, tree: Tree) -> Tree:
        """The tree with a symbol for this place instead of `.`."""
        tree = self.symbols.bound(tree)
        return with_place(tree, self.here()) if "." in symbols_of(tree) else tree

    def here(self) -> str:
        """A symbol for the current place."""
        if not self.is_absolute:
            return self.symbols.place(self.section, self.section.size)
        name = self.symbols.unnamed()
        self.symbols[name].tree = ("number", self.section.size)
        return name

    def known(self, tree: Tree) -> int | None:
        """The value of an expression of numbers and symbols that have numbers, or None."""
        return self.symbols.known(tree)

    def constant(self, tree: Tree, where: Where) -> int:
        """The value of an expression, which must be known here."""
        return self.symbols.constant(self.placed(tree), where)

    def is_number(self, tree: Tree, where: Where) -> bool:
        """Whether an expression doesn't depend on the layout."""
        return not self.symbols.linear(self.placed(tree), where).symbols

    # -- instructions -----------------------------------------------------------------------------------------------
    def instruction(self, candidates: list[Candidate], where: Where) -> None:
        """Append an instruction's word, which is filled in later if it depends on labels.

        Raises:
            EncodingFailure: the operands' values have no encoding.
        """
        section = self.section
        self._code(where)
        if any(candidate.deferred for candidate in candidates):
            fill = partial(self._fill_word, candidates, self.symbols.current)
            self._fixups.append(_Fixup(section, section.size, where, fill))
            self.word(b"\0\0\0\0", where.line, where.text, where.file, where.within)
        else:
            word = encode(candidates, not_deferred)[0].to_bytes(4, "little")
            self.word(word, where.line, where.text, where.file, where.within)

    def _fill_word(
        self, candidates: list[Candidate], current: dict[str, str], offset: int, section: CodeSection, where: Where
    ) -> None:
        table = self.symbols

        def evaluate(expression: Expression) -> int | Relocatable:
            tree = table.bound_by(current, expression.tree) if current else expression.tree
            if "." in symbols_of(tree):
                tree = with_place(tree, self._here_at(section, offset))
            result = table.relocatable(table.linear(tree, where), where)
            if isinstance(result, Relocatable) and result.minus is None:
                symbol = table.get(result.symbol)
                # The definition of a weak symbol may be replaced.
                home = symbol.section if symbol is not None and symbol.binding != "weak" else None
                if symbol is not None and home is not None and home.section is section:
                    return result._replace(distance=home.position(symbol.offset) + result.addend - offset)
            return result

        place = None if self.distances else self._starts[section] + offset
        try:
            word, relocations = encode(candidates, evaluate, place)
        except EncodingFailure as failure:
            column = failure.column or where.column_of(failure.subject)
            raise where.error(failure.message, failure.hint, column) from None
        section.data[offset : offset + 4] = word.to_bytes(4, "little")
        for kind, target in relocations:
            self.relocate(section, offset, kind, target, where)

    def _here_at(self, section: CodeSection, offset: int) -> str:
        """A symbol for a place of a section, after layout."""
        subsection = Subsection(section)
        return self.symbols.place(subsection, offset)

    # -- literals ---------------------------------------------------------------------------------------------------
    def literal(self, tree: Tree, size: int, where: Where) -> str:
        """A symbol for a value of `size` bytes in the literal pool of the current section."""
        tree = self.symbols.bound(tree)
        pool = self._pools.setdefault(self.section, [])
        for name, other_size, other, _ in pool:
            if other_size == size and other == tree:
                return name
        name = self.symbols.unnamed()
        pool.append((name, size, tree, where))
        return name

    def is_literal(self, name: str) -> bool:
        """Whether a name is that of a literal that isn't placed yet."""
        return any(name == literal[0] for pool in self._pools.values() for literal in pool)

    def flush_literals(self) -> None:
        """Put the current section's literals here (.ltorg)."""
        pool = self._pools.pop(self.section, [])
        if pool:
            self.align(4, None, pool[0][3])
        for name, size, tree, where in pool:
            self.align(size, 0, where)
            symbol = self.symbols[name]
            symbol.section, symbol.offset = self.section, self.section.size
            self.data(tree, size, where)

    # -- data -------------------------------------------------------------------------------------------------------
    def data(self, tree: Tree, size: int, where: Where, modifier: str = "") -> None:
        """Append an integer of `size` bytes, or the address of a symbol."""
        section, offset = self.section, self.section.size
        tree = self.placed(tree)
        self.append(bytes(size), where)
        fill = partial(self._fill_data, tree, size, modifier)
        if self.known(tree) is not None and not section.nobits:
            value = self._checked(self.symbols.constant(tree, where), size, where)
            section.data[offset : offset + size] = value
        else:
            self._fixups.append(_Fixup(section, offset, where, fill))

    def leb128(self, tree: Tree, where: Where, *, signed: bool) -> None:
        """Append a number in LEB128, which is filled in later if it depends on labels."""
        tree = self.placed(tree)
        piece = Leb128(self.section.size, where, tree, signed=signed)
        linear = self.symbols.linear(tree, where)
        if linear.symbols:
            self.variable(piece)
        else:
            self.append(piece.made(0, lambda *_: linear.constant), where)

    @staticmethod
    def _checked(value: int, size: int, where: Where) -> bytes:
        bits = 8 * size
        if not -(1 << bits - 1) <= value < 1 << bits:
            raise where.error(f"{value} does not fit {size} byte{'s' * (size > 1)}")
        return (value & ((1 << bits) - 1)).to_bytes(size, "little")

    def _fill_data(self, tree: Tree, size: int, modifier: str, offset: int, section: CodeSection, where: Where) -> None:
        value = self.symbols.relocatable(self.symbols.linear(tree, where), where)
        if isinstance(value, int):
            data = self._checked(value, size, where)
            if section.type != "nobits":
                section.data[offset : offset + size] = data
            elif value:
                raise where.error(f"section {section.name} has no contents: only zeros can stand there")
            return
        if section.type == "nobits":
            raise where.error(f"section {section.name} has no contents: an address can't stand there")
        kinds = _DATA_RELOCATIONS
        minus = None if value.minus is None else self.symbols.symbol(value.minus).section
        if minus is not None and minus.section is section:
            # symbol - label in this section: relative to this place.
            value = value._replace(addend=value.addend + offset - self.symbols.position(value.minus or ""), minus=None)
            kinds = _PLACE_RELOCATIONS
        kind = kinds.get(size)
        if modifier:
            kind = _DATA_OPERATORS.get((modifier, size))
            if kind is None:
                raise where.error(f"the operator {modifier!r} can't stand in {size} bytes of data")
        if kind is None:
            raise where.error(f"an address does not fit {size} byte{'s' * (size > 1)}")
        self.relocate(section, offset, kind, value, where)

    def relocation(self, place: Tree, kind: str, target: Tree, where: Where) -> None:
        """Add a relocation at a place of the current section (.reloc)."""
        section, place, target = self.section, self.placed(place), self.placed(target)

        def fill(_: int, code: CodeSection, where: Where) -> None:
            at = self.symbols.linear(place, where)
            offset = at.constant
            if at.symbols:
                found = self.symbols.relocatable(at, where)
                label = self.symbols.get(found.symbol) if isinstance(found, Relocatable) else None
                if label is None or label.section is None or label.section.section is not code:
                    raise where.error("the place of a relocation is an offset or a label in this section")
                offset += self.symbols.position(found.symbol)  # type: ignore[union-attr]
            value = self.symbols.relocatable(self.symbols.linear(target, where), where)
            if isinstance(value, int):
                value = Relocatable("\x00none", value)
                self.symbols.symbol("\x00none").tree = ("number", 0)
            if not 0 <= offset <= len(code.data):
                raise where.error(f"the place {offset} is outside of section {code.name}")
            self.relocate(code, offset, kind, value, where)

        self._fixups.append(_Fixup(section, 0, where, fill))

    def relocate(self, section: CodeSection, offset: int, kind: str, target: Relocatable, where: Where) -> None:
        """Add a relocation. Raises AssemblyError for an undefined label that no other file can define."""
        for name in (target.symbol, target.minus):
            if name is not None and name.startswith("\x01") and not self.symbol(name).defined:
                number = name[1:].split(" ")[0]
                if not self.symbol(name).defined:
                    column = max(where.column_of(f"{number}f"), where.column_of(f"{number}b"))
                    raise where.error(f"there is no label {number!r} in that direction", column=column)
        symbol = self.symbol(target.symbol)
        if not symbol.defined and target.symbol.startswith("L" if self.apple else ".L"):
            # Labels of this form are local to a file: no other file can define it.
            raise where.error(f"the label {target.symbol!r} is not defined", column=where.column_of(target.symbol))
        if not symbol.defined:
            symbol.where = symbol.where or where
            if kind.startswith("R_AARCH64_TLS"):
                symbol.kind = "tls"
        self.relocations.append(
            CodeRelocation(section, offset, kind, target.symbol, target.addend, target.minus, where)
        )

    # -- the end ----------------------------------------------------------------------------------------------------
    def finish(self) -> Code:
        """Place the remaining literals, lay out the sections, fill in what depends on labels, and return the code."""
        for section in list(self._pools):
            self.section = section
            self.flush_literals()
        sections = list(self.sections.values())
        order = {section: index for index, section in enumerate(sections)}
        subsections = sorted(self._subsections.items(), key=lambda item: (order[item[0][0]], item[0][1]))
        self.symbols.laid_out = True
        lay_out([subsection for _, subsection in subsections], self.symbols.constant)
        code = Code(
            sections,
            [],
            self.relocations,
            self.address,
            self.source,
            apple=self.apple,
            files=tuple(self.files),
            distances=self.distances,
            diagnostics=tuple(self.diagnostics),
        )
        self._starts = dict.fromkeys(sections, self.address)
        self._starts |= {section: self.address + start for start, section in code.code_sections}
        self.symbols.place_aliases()
        for make in self.late:
            make()
        for fixup in self._fixups:
            fixup.fill(fixup.section.position(fixup.offset), fixup.section.section, fixup.where)
        self._fixups.clear()
        if self.symbols.current:
            first = self.symbols.last_values()
            for index, r in enumerate(self.relocations):
                minus = None if r.minus is None else first.get(r.minus, r.minus)
                self.relocations[index] = r._replace(symbol=first.get(r.symbol, r.symbol), minus=minus)
        code.sections = list(self.sections.values())
        code.all_symbols = finished_symbols(self.symbols, self.relocations, self.versions, apple=self.apple)
        return code
