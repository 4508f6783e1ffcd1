"""Answers that are never long: texts and lists are cut, and the answer says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["LONGEST", "MOST_LINES", "put_list", "put_text", "shortened"]

LONGEST = 100_000
"""Characters of a text."""
MOST_LINES = 5000
"""Lines that can be asked for."""


def put_text(answer: dict[str, Any], name: str, text: str, most: int) -> None:
    """Add a text to an answer, by at most so many lines. Of one that is cut, the answer also has `nameTruncated`,
    `nameTotalLines` and a hint, as Compiler Explorer's answers have."""
    lines = text.splitlines()
    shown = "\n".join(lines[:most])
    is_long = len(shown) > LONGEST
    answer[name] = shown[:LONGEST] if is_long else shown
    if is_long or len(lines) > most:
        answer[f"{name}Truncated"] = True
        answer[f"{name}TotalLines"] = len(lines)
        _hint(
            answer,
            f"{name} was cut after {LONGEST} characters, which is the most."
            if is_long
            else f"{name} was cut: raise {_limit(name)}, up to {MOST_LINES}, to get more.",
        )


def put_list(answer: dict[str, Any], name: str, values: Sequence[Any], most: int, more: str) -> None:
    """Add at most so many values to an answer. `more`: what gives the others."""
    answer[name] = list(values[:most])
    if len(values) > most:
        answer[f"{name}Truncated"] = True
        answer[f"{name}Total"] = len(values)
        _hint(answer, f"{name} was cut: {more}.")


def shortened(text: str, lines: int, characters: int) -> str:
    """A text without what is beyond so many lines or characters, which its last line then says."""
    all_lines = text.splitlines()
    shown = "\n".join(all_lines[:lines])
    if len(shown) > characters:
        return f"{shown[:characters]}\n... ({len(text)} characters in all)"
    return shown if len(all_lines) <= lines else f"{shown}\n... ({len(all_lines)} lines in all)"


def _limit(name: str) -> str:
    return f"max{name[0].upper()}{name[1:]}Lines"


def _hint(answer: dict[str, Any], text: str) -> None:
    answer["hint"] = f"{answer['hint']} {text}" if "hint" in answer else text
