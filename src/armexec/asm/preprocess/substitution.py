"""A macro's body with the arguments in the places of its parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

__all__ = ["Substitution"]

_NAME = r"[A-Za-z_.$][\w.$]*"
_MARKED = re.compile(rf"\\(?:(?P<count>[@+])|(?P<end>\(\))|(?P<name>{_NAME}))", re.ASCII)
# Parameters of Apple's macros, by their numbers.
_NUMBERED = re.compile(r"\$(?P<number>[0-9n$])|\\(?P<count>[@+])", re.ASCII)
_LOCAL = re.compile(rf"\s*local\s+({_NAME}(?:\s*,\s*{_NAME})*)\s*$", re.ASCII | re.IGNORECASE)


class Substitution:
    """A substitution of parameters in lines.

    Args:
        values: by the parameters' names.
        counts: the values of `\\@` and `\\+`; none outside of macros and repetitions.
        alternate: whether lines are in the syntax of `.altmacro`.
    """

    def __init__(self, values: Mapping[str, str], counts: Mapping[str, str], *, alternate: bool = False) -> None:
        self._values = dict(values)
        self._counts = counts
        self._alternate = self._unmarked() if alternate else None

    def _unmarked(self) -> re.Pattern[str]:
        """Parameters in the alternate syntax, without a backslash; `&` joins them to adjacent text."""
        names = "|".join(map(re.escape, self._values)) or "(?!)"
        return re.compile(rf"(?:[\\&]|(?<![\w.$\\]))({names})(?![\w.$])&?", re.ASCII)

    def line(self, text: str) -> str:
        """A line of the body with the values in place."""
        if self._alternate is not None:
            text = self._alternate.sub(lambda match: self._values[match[1]], text)
        return _MARKED.sub(self._value, text) if "\\" in text else text

    def _value(self, match: re.Match[str]) -> str:
        if match["count"]:
            return self._counts.get(match["count"], match[0])
        if match["end"]:
            return ""
        return self._values.get(match["name"], match[0])

    def declares_locals(self, text: str, new_label: Callable[[], str]) -> bool:
        """Whether the line is a LOCAL of the alternate syntax; then its names stand for new labels."""
        match = _LOCAL.match(text) if self._alternate is not None else None
        if match is None:
            return False
        for name in match[1].split(","):
            self._values[name.strip()] = new_label()
        self._alternate = self._unmarked()
        return True


class Numbered(Substitution):
    """Apple's `$0` to `$9` for arguments, `$n` for their number and `$$` for a dollar sign."""

    def __init__(self, arguments: list[str], counts: Mapping[str, str]) -> None:
        super().__init__({}, counts)
        self._arguments = arguments

    def line(self, text: str) -> str:
        return _NUMBERED.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        number = match["number"]
        if match["count"]:
            return self._counts.get(match["count"], match[0])
        if number == "$":
            return "$"
        if number == "n":
            return str(len(self._arguments))
        return self._arguments[int(number)] if int(number) < len(self._arguments) else ""
