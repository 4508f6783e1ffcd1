"""Machine words as text: `0xD10043FF`, bytes, arrays of C, Python or Rust, dumps and listings."""

from __future__ import annotations

from armexec.words.dumps import read_dump
from armexec.words.literals import read_literal
from armexec.words.numbers import read_numbers
from armexec.words.text import WordsText

__all__ = ["are_words", "parse_words"]


def parse_words(text: str, *, file: str = "<words>") -> list[int]:
    """The 32-bit words written in `text`, which is one of:

    - words: hexadecimal, with `0x` before them or exactly eight digits, separated by spaces, commas and brackets;
    - bytes in the order of memory: numbers of two digits, with or without `0x`, or strings of digits of other lengths
      than eight; `\\xff\\x43\\x00\\xd1` as in a string literal;
    - an array or a string literal of C, Python or Rust; its type, if any, gives the size of its elements;
    - a listing of `armexec`, objdump, gdb or lldb; a dump of xxd, hexdump, od or `objdump -s`; Intel HEX.

    Comments are `#`, `//`, `;`, `--` to the end of the line and `/* */`.

    Raises:
        AssemblyError: something is no word, there are no words, or a number is ambiguous.
    """
    source = WordsText(text.removeprefix("\ufeff"), file)
    words = _read(source)
    return words if words is not None else read_numbers(source)


def are_words(text: str) -> bool:
    """Whether `text` is machine code in one of these forms throughout, valid or not, and not assembly."""
    source = WordsText(text.removeprefix("\ufeff"), "<words>")
    return (
        read_dump(source, check=True) is not None or source.are_numbers or read_literal(source, check=True) is not None
    )


def _read(source: WordsText) -> list[int] | None:
    words = read_dump(source)
    return words if words is not None else read_literal(source)
