"""Code generated from Python: every mnemonic is a method, which checks its operands.

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

from armexec.asm.builder.mnemonics import Mnemonics
from armexec.asm.code import Code
from armexec.asm.contents import CodeSection
from armexec.asm.encoding import EncodingFailure, encode, match
from armexec.asm.expressions import Tree
from armexec.asm.literal_loads import with_literal
from armexec.asm.operands import Label, Operand, PreIndexed, Symbol, as_int, symbol_tree, tokens
from armexec.asm.output import Output, Where
from armexec.errors import AssemblyError
from armexec.isa.syntax import Register, Token

__all__ = ["Builder"]

_NOWHERE = Where(0, 0, "", "<builder>")


class Builder(Mnemonics):
    """Appends instructions and data; `assemble` gives the Code.

    Operands are registers (`a.x0`, `a.wzr`, `a.sp`), ints, labels, `[base, offset]` for an address,
    `a.pre(base, offset)` for `[base, offset]!`, `("lsl", 3)` for a shift or extend, and text for anything else (`"eq"`,
    `"ish"`, `"[x1], #8"`, `"=0x123456789"` of `ldr`).

    Every method that appends raises AssemblyError for operands without an encoding, and after `assemble`.
    """

    def __init__(self, *, address: int = 0) -> None:
        self._unfinished: Output | None = Output(address=address)
        self._labels = 0
        self._used: dict[str, Label] = {}

    @property
    def _output(self) -> Output:
        if self._unfinished is None:
            raise AssemblyError("this builder has assembled its code already: make another one")
        return self._unfinished

    # -- labels -----------------------------------------------------------------------------------------------------
    def label(self, name: str = "") -> Label:
        """A new label, to be placed by `bind`. A name makes it a symbol of the code; it must be new."""
        if not name:
            self._labels += 1
            return Label(f"\x00label {self._labels}", self)
        if not name.isprintable() or any(c.isspace() for c in name):
            raise AssemblyError(f"{name!r} is no name for a label")
        return Label(name, self)

    def bind(self, label: Label) -> Label:
        """Place a label here. Returns it."""
        self._own(label)
        self._output.define(label.name, _NOWHERE)
        return label

    def here(self, name: str = "") -> Label:
        """A new label in this place."""
        return self.bind(self.label(name))

    def _own(self, label: Label) -> None:
        if not isinstance(label, Label):
            raise AssemblyError(f"{label!r} is not a label: make one with label()")
        if label.builder is not self:
            raise AssemblyError(f"{label!r} is of another builder")

    def _mention(self, label: Label) -> None:
        self._own(label)
        self._used[label.name] = label

    def global_(self, label: Label | str, kind: str = "function") -> None:
        """Export a symbol; `kind` is function or object."""
        if isinstance(label, Label):
            self._own(label)
        if kind not in ("function", "object"):
            raise AssemblyError(f"a symbol of kind {kind!r}: function or object")
        symbol = self._output.symbol(label.name if isinstance(label, Label) else label)
        symbol.binding, symbol.kind = "global", kind

    @property
    def offset(self) -> int:
        """The size of the current section in bytes."""
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
        if size not in (4, 8, 16):
            raise AssemblyError(f"a literal of {size} bytes: 4, 8 or 16")
        return Label(self._output.literal(self._tree(value), size, _NOWHERE), self)

    def _tree(self, value: int | Label | Symbol) -> Tree:
        if isinstance(value, Label):
            self._mention(value)
        return symbol_tree(value) if isinstance(value, Label | Symbol) else ("number", as_int(value))

    # -- instructions -----------------------------------------------------------------------------------------------
    def emit(self, mnemonic: str, *operands: Operand) -> None:
        """Append an instruction by its mnemonic (`"b.eq"`)."""
        output = self._output
        words = tokens(operands, self._mention)
        name = mnemonic.lower()
        if len(words) > 3 and words[2].text == "=":
            name, words = with_literal(output, name, words, self._where(mnemonic, words))
        try:
            candidates = match(name, words)
            output.instruction(candidates, self._where(mnemonic, words) if candidates[0].deferred else _NOWHERE)
        except EncodingFailure as failure:
            raise self._where(mnemonic, words).error(failure.message, failure.hint) from None

    @staticmethod
    def _where(mnemonic: str, words: list[Token]) -> Where:
        return Where(0, 0, f"{mnemonic} {_written(words)}", "<builder>")

    def load_immediate(self, register: Register, value: int) -> None:
        """Load any 64-bit (or 32-bit) value into a register, by one `mov` or else by MOVZ or MOVN and MOVKs."""
        if not isinstance(register, Register) or register.kind not in ("x", "w"):
            raise AssemblyError(f"{register!r} is not a register X0-X30 or W0-W30")
        value = as_int(value)
        size = 64 if register.kind == "x" else 32
        if not -(1 << size - 1) <= value < 1 << size:
            raise _NOWHERE.error(f"{value} does not fit the {size} bits of {register.name}")
        try:
            encode(match("mov", tokens((register, value), self._mention)), lambda _: 0)
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
            modifier = value.modifier if isinstance(value, Symbol) else ""
            self._output.data(self._tree(value), size, _NOWHERE, modifier)

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
        if not isinstance(data, bytes | bytearray | memoryview):
            raise AssemblyError(f"{data!r} is not bytes")
        self._output.append(bytes(data), _NOWHERE)

    def align(self, boundary: int) -> None:
        """Pad to a multiple of `boundary` bytes (a power of two), with NOPs in code."""
        self._output.align(boundary, None, _NOWHERE)

    def section(self, name: str, flags: str = "") -> None:
        """Continue in another section. `flags` is "rx", "r" or "rw"; the default is "rx" for .text, "r" for .rodata."""
        default = {".text": "rx", ".rodata": "r"}.get(name, "rw")
        if flags not in ("", "rx", "r", "rw"):
            raise _NOWHERE.error(f'flags {flags!r} must be "rx", "r" or "rw"')
        output = self._output
        output.section = output.subsection(output.make_section(CodeSection(name, flags or default)))

    def flush_literals(self) -> None:
        """Place the literal pool here, not at the end of the section. Code before it must not run into it."""
        self._output.flush_literals()

    # -- the end ----------------------------------------------------------------------------------------------------
    def assemble(self) -> Code:
        """Finish, and return the code. The builder can't be used any more.

        Raises:
            AssemblyError: a label that is used has no place, or is too far away.
        """
        output = self._output
        for name, label in self._used.items():
            if not output.symbol(name).defined and not output.is_literal(name):
                raise AssemblyError(f"{label!r} is used but was never given its place: call bind(label)")
        code = output.finish()
        self._unfinished = None
        return code


def _written(words: list[Token]) -> str:
    text = ""
    for token in words:
        if token.kind == "punctuation" and token.text in ",]!":
            text += token.text
        else:
            text += ("" if not text or text[-1] == "[" else " ") + token.text
    return text
