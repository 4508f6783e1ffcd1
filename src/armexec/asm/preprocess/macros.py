"""Macros: their definitions, and the lines that an invocation becomes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from armexec.asm.lines import Statement
from armexec.asm.preprocess.arguments import (
    Argument,
    Evaluate,
    Parameter,
    parameters_of,
    split,
    split_at_commas,
    unquoted,
)
from armexec.asm.preprocess.frames import Body, SourceStack
from armexec.asm.preprocess.substitution import Numbered, Substitution
from armexec.asm.where import Expansion, Where

__all__ = ["Macro", "Macros"]

_OPENING = frozenset([".macro"])
_CLOSING = frozenset([".endm", ".endmacro"])
_HEAD = re.compile(r'("?)([A-Za-z_.$][\w.$]*)\1(?=[\s,]|$)\s*,?', re.ASCII)
_KEYWORD = re.compile(r"([A-Za-z_.$][\w.$]*)\s*=(?!=)\s*", re.ASCII)


class Macro:
    """A macro; `count` is the number of its invocations so far."""

    def __init__(self, name: str, parameters: list[Parameter], body: Body, where: Where) -> None:
        self.name = name
        self.parameters = parameters
        self.body = body
        self.where = where
        self.count = 0

    def values(self, text: str, column: int, evaluate: Evaluate | None, where: Where) -> dict[str, str]:
        """The parameters' values in an invocation. `evaluate` is for the alternate syntax.

        Raises:
            AssemblyError, SyntaxFailure: the arguments don't fit.
        """
        most = len(self.parameters) if self.parameters and self.parameters[-1].rest else 0
        arguments = split(text, column, most=most, evaluate=evaluate)
        if len(arguments) > len(self.parameters):
            arguments = split(text, column, evaluate=evaluate, words=True)
            if not arguments[-1].text:
                arguments.pop()  # After a comma at the end.
        given: dict[str, Argument] = {}
        named = False
        for index, argument in enumerate(arguments):
            match = _KEYWORD.match(argument.text)
            if match is not None and not (most and index == most - 1 and not named):
                parameter = self._named(match[1], argument, where)
                named = True
                if parameter.rest:
                    written = _KEYWORD.match(text, argument.column - column)
                    assert written is not None
                    given[parameter.name] = Argument(text[written.end() :].rstrip(), argument.column)
                    break
                given[parameter.name] = Argument(argument.text[match.end() :], argument.column)
            elif named:
                raise where.error("after a named argument all others must be named", column=argument.column)
            elif index >= len(self.parameters):
                raise where.error(
                    f"too many arguments: {self.name!r} takes {len(self.parameters)}",
                    "an argument with blanks or commas in it stands in double quotes",
                    column=argument.column,
                )
            else:
                given[self.parameters[index].name] = argument
        return self._complete(given, where)

    def _named(self, name: str, argument: Argument, where: Where) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        names = ", ".join(parameter.name for parameter in self.parameters)
        raise where.error(
            f"{self.name!r} has no parameter named {name!r}",
            f"its parameters are {names}" if names else "it has no parameters",
            column=argument.column,
        )

    def _complete(self, given: dict[str, Argument], where: Where) -> dict[str, str]:
        values = {}
        for parameter in self.parameters:
            argument = given.get(parameter.name)
            text = argument.text if argument is not None else ""
            if not text and parameter.required:
                raise where.error(f"{self.name!r} needs an argument for {parameter.name!r}")
            values[parameter.name] = (text if parameter.rest else unquoted(text)) or parameter.default
        return values


class Macros:
    """The defined macros, and the syntax in which their text is read."""

    def __init__(self, source: SourceStack, *, apple: bool) -> None:
        self._source = source
        self._apple = apple
        self._macros: dict[str, Macro] = {}
        self.alternate = False
        """Whether macros are read in the alternate syntax (.altmacro)."""
        self.enabled = True
        """Whether macros are expanded (.macros_on)."""
        self._executed = 0
        self._labels = 0

    def find(self, name: str) -> Macro | None:
        """The macro of a name; upper and lower case differ only if there are macros of both spellings."""
        if not self._macros or not self.enabled:
            return None
        return self._macros.get(name) or self._macros.get(f"\0{name.lower()}")

    def names(self) -> list[str]:
        """The names of all macros."""
        return [name for name in self._macros if name[0] != "\0"]

    def define(self, statement: Statement, where: Where) -> str:
        """Define a macro by `.macro name parameters`, up to `.endm`. Returns the name."""
        match = _HEAD.match(statement.operands)
        if match is None:
            raise where.error("expected the macro's name and its parameters, separated by commas or blanks")
        name = match[2]
        parameters = parameters_of(statement.operands[match.end() :], statement.operands_column + match.end())
        body = self._source.top.take_body(_OPENING, _CLOSING, where, apple=self._apple)
        other = self._macros.get(name)
        if other is not None:
            raise where.error(
                f"the macro {name!r} is defined already (in line {other.where.line})", ".purgem removes a definition"
            )
        macro = self._macros[name] = Macro(name, parameters, body, where)
        self._macros.setdefault(f"\0{name.lower()}", macro)
        return name

    def remove(self, name: str) -> bool:
        """Remove a macro (.purgem); False if there is none."""
        macro = self.find(name)
        if macro is None:
            return False
        self._macros = {key: other for key, other in self._macros.items() if other is not macro}
        return True

    def invoke(self, macro: Macro, statement: Statement, where: Where, evaluate: Evaluate, depth: int) -> None:
        """Read the macro's lines next, with the arguments in place. `depth` is the number of open conditions.

        Raises:
            AssemblyError, SyntaxFailure: the arguments don't fit.
        """
        counts = {"@": str(self._executed), "+": str(macro.count)}
        text, column = statement.operands, statement.operands_column
        substitution: Substitution
        if self._apple and not macro.parameters:
            substitution = Numbered([argument.text for argument in split_at_commas(text, column)], counts)
        else:
            values = macro.values(text, column, evaluate if self.alternate else None, where)
            substitution = Substitution(values, counts, alternate=self.alternate)
        within = Expansion(f"in expansion of macro {macro.name!r}", where, macro=True)
        self._source.expand(self._lines(macro, substitution, where), macro.body, 1, within, depth)
        self._executed += 1
        macro.count += 1

    def _lines(self, macro: Macro, substitution: Substitution, where: Where) -> Iterator[tuple[int, str]]:
        for number, line in macro.body.lines:
            if not substitution.declares_locals(line, self._new_label):
                yield number, self._source.measure(substitution.line(line), where)

    def _new_label(self) -> str:
        self._labels += 1
        return f".LL{self._labels:04x}"
