"""The context of a statement: the output, and the readers of arguments that directives share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from armexec.asm.expressions import SyntaxFailure, Tree, parse_expression, quoted_name
from armexec.asm.object_file.call_frames import CallFrames
from armexec.asm.object_file.debug_lines import DebugLines
from armexec.asm.output import Output
from armexec.asm.output.subsections import Subsection
from armexec.asm.where import Where
from armexec.errors import Diagnostic

__all__ = ["Arguments", "Context", "Handler"]

Arguments: TypeAlias = list[tuple[str, int]]
"""The arguments of a directive, each with its column."""


class Context:
    """The state of one assembly that directives use and change."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.apple = output.apple
        self.previous = output.section
        self.section_stack: list[tuple[Subsection, Subsection]] = []
        self.lines = DebugLines(output)
        self.frames = CallFrames(output)
        # The number of definitions so far of each numeric label.
        self._numeric: dict[str, int] = {}

    def report(self, severity: str, message: str, where: Where) -> None:
        """Add a message that doesn't end the assembly."""
        self.output.diagnostics.append(Diagnostic(where.file, where.line, where.column, severity, message))

    # -- labels -----------------------------------------------------------------------------------------------------
    def define_label(self, name: str, where: Where) -> None:
        """Put a label here."""
        if name.isdigit():
            count = self._numeric[name] = self._numeric.get(name, 0) + 1
            name = f"\x01{name} {count}"
        self.output.define(name, where)

    def local_label(self, reference: str) -> str:
        """The symbol that `1f` or `1b` refers to here."""
        number, direction = reference[:-1], reference[-1].lower()
        count = self._numeric.get(number, 0)
        return f"\x01{number} {count + (direction == 'f')}"

    # -- arguments ---------------------------------------------------------------------------------------------------
    def expression(self, text: str, column: int) -> tuple[Tree, str]:
        """An expression and its relocation operator."""
        return parse_expression(text, column, self.local_label, apple=self.apple)

    def constant(self, arguments: list[tuple[str, int]], index: int, where: Where, default: int | None = None) -> int:
        """A directive's argument as a number, which must be known here."""
        if index >= len(arguments) or not arguments[index][0]:
            if default is None:
                raise where.error(f"expected {index + 1} argument{'s' * (index > 0)}")
            return default
        tree, _ = self.expression(*arguments[index])
        return self.output.constant(tree, where.at(arguments[index][1]))

    def number(self, text: str, column: int, where: Where, default: int | None = None) -> int:
        """The number of a text that is an expression, which must be known here."""
        if not text and default is None:
            raise where.error("expected a number")
        return self.constant([(text, column)], 0, where, default)

    @staticmethod
    def name(argument: tuple[str, int]) -> str:
        """The name of a symbol or section, without quotes."""
        text, column = argument
        if text[:1] == '"' and text[-1:] == '"':
            return quoted_name(text, column)
        if not text or not text.isprintable() or any(c in text for c in ' "(),'):
            raise SyntaxFailure(f"expected a name, not {text[:30]!r}" if text else "expected a name", column)
        return text

    def go_to(self, section: Subsection) -> None:
        """Make a subsection current."""
        self.previous, self.output.section = self.output.section, section


Handler: TypeAlias = Callable[[Context, Arguments, Where], None]
"""The function of a directive."""
