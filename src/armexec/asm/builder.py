"""Code generated from Python: every mnemonic is a method, its operands are checked, no text is needed.

a = Builder()
done = a.label("done")
a.cbz(a.w0, done)
a.add(a.x0, a.x1, 5)
a.ldr(a.x2, [a.sp, 8])
a.add(a.x0, a.x0, a.x2, ("lsl", 3))
a.bind(done)
a.ret()
code = a.assemble()
"""

from __future__ import annotations

from armexec.asm.code import Code
from armexec.asm.encoding import EncodingFailure, match
from armexec.asm.mnemonics import Mnemonics
from armexec.asm.operands import Label, Operand, PreIndexed, Symbol, tokens
from armexec.asm.output import Output, Where
from armexec.asm.registers import Registers
from armexec.isa.syntax import Register, Token

__all__ = ["Builder"]

_NOWHERE = Where(0, 0, "", "<builder>")


class Builder(Mnemonics, Registers):
    """Appends instructions and data; `assemble` gives the Code.

    Operands are registers (`a.x0`, `a.wzr`, `a.sp`), ints, labels, `[base, offset]` for an address, `a.pre(base, offset)` for
    `[base, offset]!`, `("lsl", 3)` for a shift or extend, and text for anything else (`"eq"`, `"ish"`, `"[x1], #8"`).

    Every method that appends raises AssemblyError for operands without an encoding.
    """

    def __init__(self, *, address: int = 0) -> None:
        self._output = Output(address=address)
        self._labels = 0
        self._bound: set[str] = set()
        self._used: dict[str, str] = {}

    # -- labels -----------------------------------------------------------------------------------------------------
    def label(self, name: str = "") -> Label:
        """A new label, to be placed by `bind`. A name makes it a symbol of the code; it must be new."""
        if not name:
            self._labels += 1
            return Label(f"\x00label {self._labels}", self)
        if not name.isprintable() or any(c.isspace() for c in name):
            raise _NOWHERE.error(f"{name!r} is no name for a label")
        return Label(name, self)

    def bind(self, label: Label) -> Label:
        """Give a label its place, which is here. Returns it."""
        self._output.define(label.name, _NOWHERE)
        return label

    def here(self, name: str = "") -> Label:
        """A new label in this place."""
        return self.bind(self.label(name))

    def global_(self, label: Label | str, kind: str = "function") -> None:
        """Export a symbol; `kind` is function or object."""
        symbol = self._output.symbol(label.name if isinstance(label, Label) else label)
        symbol.binding, symbol.kind = "global", kind

    @property
    def offset(self) -> int:
        """How many bytes the current section has."""
        return self._output.offset

    # -- operands ---------------------------------------------------------------------------------------------------
    @staticmethod
    def pre(base: Register, offset: int | Symbol) -> PreIndexed:
        """`[base, offset]!`: an address that is written back before the access."""
        return PreIndexed(base, offset)

    @staticmethod
    def symbol(name: str, offset: int = 0, *, modifier: str = "") -> Symbol:
        """A symbol; `modifier` is an operator such as "lo12"."""
        return Symbol(name, offset, modifier)

    def literal(self, value: int | Label | Symbol, size: int = 8) -> Label:
        """A place in the literal pool that holds `value`, for `ldr`; `size` in bytes."""
        if isinstance(value, int):
            name = self._output.literal(("number", value), size, _NOWHERE)
        else:
            self._mention(value.name)
            name = self._output.literal(("symbol", value.name), size, _NOWHERE)
        return Label(name, self)

    # -- instructions -----------------------------------------------------------------------------------------------
    def emit(self, mnemonic: str, *operands: Operand) -> None:
        """Append an instruction by its mnemonic (`"b.eq"`)."""
        words = tokens(operands)
        where = Where(0, 0, f"{mnemonic} {_written(words)}", "<builder>")
        try:
            candidates = match(mnemonic, words)
        except EncodingFailure as failure:
            raise where.error(failure.message, failure.hint) from None
        for operand in operands:
            if isinstance(operand, Label):
                self._mention(operand.name)
        self._output.instruction(candidates, where)

    def load_immediate(self, register: Register, value: int) -> None:
        """Put any 64-bit (or 32-bit) value into a register, by `mov` where one does and MOVZ or MOVN with MOVKs otherwise."""
        size = 64 if register.kind == "x" else 32
        if not -(1 << size - 1) <= value < 1 << size:
            raise _NOWHERE.error(f"{value} does not fit the {size} bits of {register.name}")
        candidates = match("mov", tokens((register, value)))
        from armexec.asm.encoding import encode

        try:
            encode(candidates, lambda _: 0)
        except EncodingFailure:
            pass
        else:
            self.emit("mov", register, value)
            return
        value &= (1 << size) - 1
        parts = [(value >> shift & 0xFFFF, shift) for shift in range(0, size, 16)]
        inverted = sum(part == 0xFFFF for part, _ in parts) > sum(part == 0 for part, _ in parts)
        skipped = 0xFFFF if inverted else 0
        first = True
        for part, shift in parts:
            if part == skipped:
                continue
            if first:
                self.emit("movn" if inverted else "movz", register, part ^ skipped, ("lsl", shift))
                first = False
            else:
                self.emit("movk", register, part, ("lsl", shift))

    # -- data -------------------------------------------------------------------------------------------------------
    def _data(self, values: tuple[int | Label | Symbol, ...], size: int) -> None:
        for value in values:
            if isinstance(value, int):
                self._output.data(("number", value), size, _NOWHERE)
            elif isinstance(value, Label):
                self._mention(value.name)
                self._output.data(("symbol", value.name), size, _NOWHERE)
            else:
                tree = ("binary", "+", ("symbol", value.name), ("number", value.offset))
                self._output.data(tree, size, _NOWHERE, value.modifier)

    def byte(self, *values: int) -> None:
        """Append 8-bit integers."""
        self._data(values, 1)

    def hword(self, *values: int) -> None:
        """Append 16-bit integers."""
        self._data(values, 2)

    def word(self, *values: int | Label | Symbol) -> None:
        """Append 32-bit integers."""
        self._data(values, 4)

    def quad(self, *values: int | Label | Symbol) -> None:
        """Append 64-bit integers or addresses."""
        self._data(values, 8)

    def data(self, data: bytes) -> None:
        """Append bytes."""
        self._output.append(data, _NOWHERE)

    def align(self, boundary: int) -> None:
        """Pad to a multiple of `boundary` bytes (a power of two), with NOPs in code."""
        self._output.align(boundary, None, _NOWHERE)

    def section(self, name: str, flags: str = "") -> None:
        """Go on in another section. `flags` is "rx", "r" or "rw"; known from the name for .text, .rodata, .data and .bss."""
        default = {".text": "rx", ".rodata": "r"}.get(name, "rw")
        if flags not in ("", "rx", "r", "rw"):
            raise _NOWHERE.error(f'flags {flags!r} must be "rx", "r" or "rw"')
        self._output.enter(name, flags or default)

    def flush_literals(self) -> None:
        """Put the literal pool here instead of at the end of the section; nothing may run into it."""
        self._output.flush_literals()

    # -- the end ----------------------------------------------------------------------------------------------------
    def _mention(self, name: str) -> None:
        if name[0] == "\x00":
            self._used.setdefault(name, name)

    def assemble(self) -> Code:
        """The code. The builder is finished: make another one for other code.

        Raises:
            AssemblyError: a label that was used has no place, or is too far away.
        """
        for name in self._used:
            symbol = self._output.symbols.get(name)
            if name.startswith("\x00label") and (symbol is None or not symbol.defined):
                raise _NOWHERE.error("a label is used but was never given its place: call bind(label)")
        return self._output.finish()


def _written(words: list[Token]) -> str:
    text = ""
    for token in words:
        if token.kind == "punctuation" and token.text in ",]!":
            text += token.text
        else:
            text += ("" if not text or text[-1] == "[" else " ") + token.text
    return text
