"""Text of words: places, tokens, errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from armexec.errors import AssemblyError

__all__ = ["BARE_DIGITS", "PREFIXED", "STRING", "WordsText", "words_of_bytes"]

_COMMENT = re.compile(r"/\*.*?\*/|(?://|#|;|--).*?$", re.DOTALL | re.MULTILINE)
STRING = r"(?P<quote>\"\"\"|'''|\"|')(?P<body>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)"
"""A string literal of C, Python or Rust."""
# Strings are matched too, since no comment begins in one. After a string without an end, escapes are passed over: else
# a search for the end would begin at each escaped quote.
_PROGRAM_COMMENT = re.compile(rf"(?P<comment>/\*.*?\*/|(?://|#).*?$)|{STRING}|\\.", re.DOTALL | re.MULTILINE)
_TOKEN = re.compile(r"[^\s,{}()\[\]]+")
PREFIXED = re.compile(r"0[xX]([0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)")
BARE_DIGITS = re.compile(r"[0-9a-fA-F]+")


class WordsText:
    """A text and the name of its file."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file

    @cached_property
    def uncommented(self) -> str:
        """The text with blanks in the place of comments, so that positions stay the same."""
        return _COMMENT.sub(lambda match: _blanks(match[0]), self.text)

    @cached_property
    def program(self) -> str:
        """The text without the comments of programming languages, in which `;` and `--` begin none."""
        return _PROGRAM_COMMENT.sub(lambda match: _blanks(match[0]) if match["comment"] else match[0], self.text)

    @cached_property
    def tokens(self) -> list[re.Match[str]]:
        """The texts between spaces, commas and brackets, outside of comments."""
        return list(_TOKEN.finditer(self.uncommented))

    @property
    def are_numbers(self) -> bool:
        """Whether all tokens are words in hexadecimal, or the digits of bytes."""
        tokens = [token[0] for token in self.tokens]
        words = all(PREFIXED.fullmatch(t) or (len(t) == 8 and BARE_DIGITS.fullmatch(t)) for t in tokens)
        return bool(tokens) and (words or self.are_byte_digits)

    @property
    def are_byte_digits(self) -> bool:
        """Whether all tokens are the digits of bytes: groups of one width; the last of long ones may be shorter.

        It is False for assembly, although `fadd d0, d0, d0` has only hexadecimal digits.
        """
        tokens = [token[0] for token in self.tokens]
        if not tokens or not all(len(t) % 2 == 0 and BARE_DIGITS.fullmatch(t) for t in tokens):
            return False
        width = len(tokens[0])
        uniform = tokens[:-1] if width > 8 else tokens
        return all(len(t) == width for t in uniform) and len(tokens[-1]) <= width

    def error(self, position: int, message: str, hint: str = "") -> AssemblyError:
        """An error about the text at `position`."""
        start = self.text.rfind("\n", 0, position) + 1
        return AssemblyError(
            message,
            line=self.text.count("\n", 0, start) + 1,
            column=position - start + 1,
            source_line=self.text[start:].partition("\n")[0].rstrip("\r"),
            hint=hint,
            file=self.file,
        )


def _blanks(comment: str) -> str:
    return re.sub(r"\S", " ", comment)


def words_of_bytes(data: Sequence[int], source: WordsText, position: int) -> list[int]:
    """Bytes in the order of memory as words.

    Raises:
        AssemblyError: at `position`, if they aren't whole words.
    """
    if len(data) % 4:
        count = f"{len(data)} byte{'s are' if len(data) > 1 else ' is'}"
        raise source.error(
            position,
            f"{count} not a whole number of instructions: an A64 instruction has 4 bytes",
            hint="numbers of two digits are bytes; a word has more digits, as in 0x000000ff",
        )
    return [int.from_bytes(bytes(data[i : i + 4]), "little") for i in range(0, len(data), 4)]
