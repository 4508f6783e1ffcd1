"""Assembly text into Code."""

from __future__ import annotations

from armexec.asm.code import Code
from armexec.asm.directives import run_directive
from armexec.asm.encoding import Candidate, EncodingFailure, match
from armexec.asm.lexer import (
    Statement,
    SyntaxFailure,
    Tree,
    is_apple,
    operand_tokens,
    parse_expression,
    statements,
)
from armexec.asm.output import Output, Where
from armexec.errors import AssemblyError
from armexec.isa.syntax import Expression, Token

__all__ = ["Assembler", "assemble"]


def assemble(text: str, *, address: int = 0, file: str = "<assembly>") -> Code:
    """Assemble GNU syntax, as clang prints it with `-S` for Linux and for macOS.

    Args:
        text: the source. Statements are separated by newlines and `;` (which begins a comment in Apple's dialect: text with
            `.build_version`, `.section __TEXT...` or `@PAGE`).
        address: what the addresses of `Code.symbols` and of listings count from.
        file: the name that messages give.

    Raises:
        AssemblyError: with line, column, the line's text and what was expected.
    """
    assembler = Assembler(text, address=address, file=file)
    assembler.run()
    return assembler.output.finish()


class Assembler:
    """The state of one assembly: where we are, and the numeric local labels."""

    def __init__(self, text: str, *, address: int, file: str) -> None:
        self.text = text
        self.file = file
        self.lines = text.splitlines()
        self.apple = is_apple(text)
        self.output = Output(address=address, source=text, apple=self.apple)
        # A section without a name is read over: debugging and unwinding data.
        self.current: tuple[str | None, str] = (".text", "rx")
        self.previous: tuple[str | None, str] = self.current
        self.section_stack: list[tuple[str | None, str]] = []
        # How often each numeric label was defined so far.
        self._numeric: dict[str, int] = {}
        self._seen: dict[str, list[Candidate]] = {}

    def run(self) -> None:
        """Go through the statements."""
        try:
            for statement in statements(self.text):
                self._statement(statement)
        except SyntaxFailure as failure:
            # From the splitting into statements, which knows no line: a comment without end.
            raise Where(len(self.lines) or 1, 1, "", self.file).error(failure.message) from None

    def _where(self, statement: Statement) -> Where:
        return Where(statement.line, statement.name_column or 1, self.lines[statement.line - 1], self.file)

    def _statement(self, statement: Statement) -> None:
        where = self._where(statement)
        ignored = self.current[0] is None
        for name, column in statement.labels:
            if not ignored:
                self._label(name, where._replace(column=column))
        if not statement.name:
            return
        try:
            if statement.operands.startswith("=") and not statement.operands.startswith("=="):
                if not ignored:
                    tree, _ = self.expression(statement.operands[1:], statement.operands_column + 1, where)
                    self.output.assign(statement.name, tree, where)
            elif statement.name.startswith("."):
                if (
                    not ignored
                    or "section" in statement.name
                    or statement.name in (".text", ".data", ".bss", ".previous")
                ):
                    run_directive(self, statement, where)
            elif not ignored:
                self._instruction(statement, where)
        except SyntaxFailure as failure:
            raise where.error(failure.message, column=failure.column) from None

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
    def expression(self, text: str, column: int, where: Where) -> tuple[Tree, str]:
        """An expression and its relocation operator."""
        return parse_expression(text, column, self.local_label)

    def placed(self, tree: Tree) -> Tree:
        """The tree with `.` meaning this place, also when it is evaluated later."""
        if tree[0] == "number":
            return tree
        if tree[0] == "symbol":
            return ("symbol", self.output.here()) if tree[1] == "." else tree
        return (tree[0], tree[1], *(self.placed(t) for t in tree[2:]))

    def constant(self, arguments: list[tuple[str, int]], index: int, where: Where, default: int | None = None) -> int:
        """A directive's argument as a number that is known by now."""
        if index >= len(arguments) or not arguments[index][0]:
            if default is None:
                raise where.error(f"expected {index + 1} argument{'s' * (index > 0)}")
            return default
        tree, _ = self.expression(*arguments[index], where)
        return self.output.constant(tree, where._replace(column=arguments[index][1]))

    @staticmethod
    def name(text: str) -> str:
        """A symbol's or section's name, out of its quotes."""
        return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text

    def enter_section(self, name: str | None, flags: str) -> None:
        """Make a section current; None reads over what follows."""
        self.previous, self.current = self.current, (name, flags)
        if name is not None:
            self.output.enter(name, flags)

    # -- instructions -----------------------------------------------------------------------------------------------
    def _instruction(self, statement: Statement, where: Where) -> None:
        mnemonic = statement.name.lower()
        key = f"{mnemonic} {statement.operands}"
        candidates = self._seen.get(key)
        if candidates is None:
            tokens = operand_tokens(statement.operands, statement.operands_column, self.local_label, self.output.known)
            if mnemonic == "ldr" or mnemonic == "ldrsw":
                tokens = self._literal(tokens, where)
            try:
                candidates = match(mnemonic, tokens)
            except EncodingFailure as failure:
                raise self._failure(failure, statement, where) from None
            # The same text means the same word as long as it names nothing that may change.
            if not any(c.deferred for c in candidates) and not any(
                t.kind == "value" and any(c.isalpha() or c == "_" for c in t.text.lstrip("0x")) for t in tokens
            ):
                self._seen[key] = candidates
        self.output.instruction(candidates, where)

    @staticmethod
    def _failure(failure: EncodingFailure, statement: Statement, where: Where) -> AssemblyError:
        hint = failure.hint
        column = failure.column
        if column is None:
            column = statement.operands_column + len(statement.operands)
        elif column == 0:
            column = where.column
            if not hint and ";" in where.text[:column]:
                hint = "`;` separates statements: a comment begins with //"
        return where.error(failure.message, hint, column=column)

    def _literal(self, tokens: list[Token], where: Where) -> list[Token]:
        """`ldr x0, =value`: the value by MOVZ where one does, else from a literal pool."""
        if len(tokens) != 4 or tokens[2].value != "=" or tokens[2].kind != "punctuation":
            return tokens
        register, value = tokens[0].value, tokens[3].value
        size = 4 if getattr(register, "kind", "") in ("w", "s") else 16 if getattr(register, "kind", "") == "q" else 8
        if isinstance(value, Expression):
            tree: Tree = value.tree
        elif isinstance(value, int):
            tree = ("number", value)
        elif tokens[3].kind == "word":
            tree = ("symbol", tokens[3].text)
        else:
            raise where.error("expected a number or a symbol after '='", column=tokens[3].column)
        name = self.output.literal(tree, size, where._replace(column=tokens[3].column))
        expression = Expression(tokens[3].text, tree=("symbol", name))
        return [*tokens[:2], Token("value", expression, tokens[3].column, tokens[3].text)]
