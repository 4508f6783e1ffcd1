"""Assembly text into Code."""

from __future__ import annotations

from armexec.asm.code import Code
from armexec.asm.directives import run_directive
from armexec.asm.encoding import EncodingFailure, absolute, encode, match
from armexec.asm.expressions import SyntaxFailure, Tree, parse_expression, quoted_name
from armexec.asm.lexer import Statement, is_apple, line_statements, lines_of, operand_tokens, plain_tokens
from armexec.asm.object_file.call_frames import CallFrames
from armexec.asm.object_file.debug_lines import DebugLines
from armexec.asm.output import Output, Where
from armexec.asm.subsections import Subsection
from armexec.errors import AssemblyError
from armexec.isa.syntax import Expression, Token

__all__ = ["Assembler", "assemble"]


def assemble(text: str, *, address: int | None = None, distances: bool | None = None, file: str = "<assembly>") -> Code:
    """Assemble GNU syntax, as clang prints it with `-S` for Linux and for macOS.

    Args:
        text: the source. Statements are separated by newlines and `;` (which begins a comment in Apple's dialect: text
            with `.build_version`, `.section __TEXT...` or `@PAGE`).
        address: where the first instruction stands: what the addresses of `Code.symbols` and of listings count from.
        distances: whether a number for a branch target or another pc-relative operand is a distance in bytes, as both
            assemblers have it, or an address, as disassemblers print them. By default it is an address where `address`
            is given.
        file: the name that messages give.

    Raises:
        AssemblyError: with line, column, the line's text and what was expected.
    """
    if not isinstance(text, str):
        hint = ": decode it, as by text.decode()" if isinstance(text, bytes | bytearray) else ""
        raise AssemblyError(f"assembly is text, not {type(text).__name__}{hint}", file=file)
    if address is not None and (not isinstance(address, int) or not 0 <= address < 1 << 64 or address % 4):
        raise AssemblyError(
            f"{address!r:.60} is no address of an instruction: a multiple of 4, such as 0x1000", file=file
        )
    distances = address is None if distances is None else distances
    assembler = Assembler(text, address=address or 0, distances=distances, file=file)
    assembler.run()
    return assembler.output.finish()


# The words of lines met before, in any text: those that name nothing that could have another meaning elsewhere.
_words: dict[str, bytes] = {}
_LIMIT = 1 << 16


class Assembler:
    """The state of one assembly: where we are, and the numeric local labels."""

    def __init__(self, text: str, *, address: int = 0, distances: bool = True, file: str = "<assembly>") -> None:
        self.text = text
        self.file = file
        self.apple = is_apple(text)
        self.output = Output(address=address, source=text, apple=self.apple, distances=distances)
        self.previous = self.output.section
        self.section_stack: list[tuple[Subsection, Subsection]] = []
        self.lines = DebugLines(self.output)
        self.frames = CallFrames(self.output)
        # How often each numeric label was defined so far.
        self._numeric: dict[str, int] = {}

    def run(self) -> None:
        """Go through the statements."""
        comment = 0
        output = self.output
        for number, line in enumerate(lines_of(self.text), 1):
            word = _words.get(line)
            if word is not None and not comment and not output.constants and output.distances:
                output.word(word, number, line, self.file)
                continue
            try:
                statements, open_comment = line_statements(line, comment > 0, apple=self.apple)
                comment = (comment or number) if open_comment else 0
                for statement in statements:
                    self._statement(statement, Where(number, statement.name_column or 1, line, self.file))
            except SyntaxFailure as failure:
                raise Where(number, failure.column, line, self.file).error(failure.message) from None
        if comment:
            line = lines_of(self.text)[comment - 1]
            raise Where(comment, line.rindex("/*") + 1, line, self.file).error("this comment has no end: expected */")

    def _statement(self, statement: Statement, where: Where) -> None:
        for name, column in statement.labels:
            self._label(name, where.at(column))
        name = statement.name
        if not name:
            return
        if statement.operands[:1] == "=" and statement.operands[:2] != "==":
            tree, _ = self.expression(statement.operands[1:], statement.operands_column + 1)
            self.output.assign(name, tree, where)
        elif name[0] == ".":
            run_directive(self, statement, where)
        else:
            self._instruction(statement, where)

    # -- labels -----------------------------------------------------------------------------------------------------
    def _label(self, name: str, where: Where) -> None:
        if name.isdigit():
            count = self._numeric[name] = self._numeric.get(name, 0) + 1
            name = f"\x01{name} {count}"
        self.output.define(name, where)

    def local_label(self, reference: str) -> str:
        """The symbol that `1f` or `1b` means here."""
        number, direction = reference[:-1], reference[-1].lower()
        count = self._numeric.get(number, 0)
        return f"\x01{number} {count + (direction == 'f')}"

    # -- for directives ---------------------------------------------------------------------------------------------
    def expression(self, text: str, column: int) -> tuple[Tree, str]:
        """An expression and its relocation operator."""
        return parse_expression(text, column, self.local_label, apple=self.apple)

    def constant(self, arguments: list[tuple[str, int]], index: int, where: Where, default: int | None = None) -> int:
        """A directive's argument as a number that is known by now."""
        if index >= len(arguments) or not arguments[index][0]:
            if default is None:
                raise where.error(f"expected {index + 1} argument{'s' * (index > 0)}")
            return default
        tree, _ = self.expression(*arguments[index])
        return self.output.constant(tree, where.at(arguments[index][1]))

    @staticmethod
    def name(argument: tuple[str, int]) -> str:
        """A symbol's or section's name, out of its quotes."""
        text, column = argument
        if text[:1] == '"' and text[-1:] == '"':
            return quoted_name(text, column)
        if not text or not text.isprintable() or any(c in text for c in ' "(),'):
            raise SyntaxFailure(f"expected a name, not {text[:30]!r}" if text else "expected a name", column)
        return text

    def go_to(self, section: Subsection) -> None:
        """Make a subsection current."""
        self.previous, self.output.section = self.output.section, section

    # -- instructions -----------------------------------------------------------------------------------------------
    def _instruction(self, statement: Statement, where: Where) -> None:
        mnemonic = statement.name.lower()
        tokens = None if self.output.constants else plain_tokens(statement.operands)
        if tokens is not None:
            try:
                candidates = match(mnemonic, tokens)
                if not self.output.distances:
                    candidates = absolute(candidates)
                if candidates[0].deferred:
                    self.output.instruction(candidates, where)
                    return
                word = encode(candidates, _no_symbol)[0].to_bytes(4, "little")
            except EncodingFailure:
                pass  # Once more, to know the columns.
            else:
                self.output.word(word, where.line, where.text, self.file)
                if (
                    self.output.distances
                    and not statement.labels
                    and not any(mark in where.text for mark in (";", "/*", "*/", "%%"))
                ):
                    if len(_words) >= _LIMIT:
                        _words.clear()
                    _words[where.text] = word
                return
        try:
            tokens = operand_tokens(
                statement.operands,
                statement.operands_column,
                self.local_label,
                self.output.known,
                apple=self.apple,
            )
            if mnemonic in ("ldr", "ldrsw") and len(tokens) > 3 and tokens[2].text == "=":
                mnemonic, tokens = self._literal(mnemonic, tokens, where)
            candidates = match(mnemonic, tokens)
            self.output.instruction(candidates if self.output.distances else absolute(candidates), where)
        except EncodingFailure as failure:
            from armexec.asm.mistakes import explain

            raise explain(failure, statement, where) from None

    def _literal(self, mnemonic: str, tokens: list[Token], where: Where) -> tuple[str, list[Token]]:
        """`ldr x0, =value`: the value by MOVZ where one does, else from a literal pool."""
        register, value, column = tokens[0].value, tokens[3].value, tokens[3].column
        kind = getattr(register, "kind", "")
        if isinstance(value, Expression):
            tree: Tree = value.tree
            if value.modifier:
                raise where.error(f"the operator :{value.modifier}: can't stand after '='", column=column)
        elif tokens[3].kind == "word":
            tree = ("symbol", tokens[3].text)
        elif isinstance(value, int):
            tree = ("number", value)
        else:
            raise where.error("expected a number or a symbol after '='", column=column)
        if len(tokens) > 4:
            raise where.error("expected the end of the line after the value", column=tokens[4].column)
        if tree[0] == "number" and mnemonic == "ldr" and kind in ("x", "w") and -(1 << 63) <= tree[1] < 1 << 64:
            shift = _wide_shift(tree[1] & 0xFFFF_FFFF_FFFF_FFFF, 64 if kind == "x" else 32)
            if shift is not None:
                number = Token("value", (tree[1] & 0xFFFF_FFFF_FFFF_FFFF) >> shift, column, tokens[3].text)
                comma = tokens[1]
                lsl = [comma, Token("word", "lsl", column, "lsl"), Token("value", shift, column, str(shift))]
                return "movz", [*tokens[:2], number, *lsl]
        size = 4 if kind in ("w", "s") or mnemonic == "ldrsw" else 16 if kind == "q" else 8
        name = self.output.literal(tree, size, where.at(column))
        expression = Expression(tokens[3].text, tree=("symbol", name))
        return mnemonic, [*tokens[:2], Token("value", expression, column, tokens[3].text)]


def _wide_shift(value: int, size: int) -> int | None:
    """The shift of the MOVZ that makes a value, as LLVM looks for it: at least 16 bits, but for low zeros."""
    for shift in range(0, size, 16):
        if value >> shift << shift == value and value >> shift <= 0xFFFF:
            return shift
    return None


def _no_symbol(expression: Expression) -> int:
    raise AssertionError(f"{expression} should have been deferred")
