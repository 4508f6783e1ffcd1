"""Arrays and string literals of programming languages: C, C++, Python, Rust and those that write them alike."""

from __future__ import annotations

import re

from armexec.errors import AssemblyError
from armexec.words.text import STRING, WordsText, words_of_bytes

__all__ = ["read_literal"]

# `static const uint32_t code[] = {`, `code = [`, `pub static CODE: [u32; 5] = [`, `code = bytes([`.
_ARRAY = re.compile(r"=\s*&?[\w.!]*\(?\s*(?P<open>[\[{])")
_FIRST = re.compile(r"\s*\d")
_BARE = re.compile(r"\s*(?P<open>[\[{])")
_CLOSING = {"[": "]", "{": "}"}
_STRING = re.compile(rf"[bru]{{0,2}}{STRING}", re.DOTALL)
_ESCAPED = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")
_FROM_HEX = re.compile(r"fromhex\(\s*[\"'](?P<digits>[0-9a-fA-F\s]*)[\"']\s*\)")
_NUMBER = re.compile(r"(?:0[xX](?P<hex>[0-9a-fA-F_]+?)|(?P<decimal>\d[\d_]*))(?:_?[uUiIlL]+(?:8|16|32|64)?)?")
_SIZES = (
    (re.compile(r"\b(?:u?int8_t|(?:unsigned |signed )?char|[ui]8|u?int8|byte|BYTE|bytes|bytearray)\b"), 1),
    (re.compile(r"\b(?:u?int16_t|(?:unsigned )?short|[ui]16|u?int16)\b"), 2),
    (re.compile(r"\b(?:u?int64_t|(?:unsigned )?long|[ui]64|u?int64|size_t)\b"), 8),
    (re.compile(r"\b(?:u?int32_t|unsigned|int|[ui]32|u?int32|DWORD)\b"), 4),
)


def read_literal(source: WordsText, *, check: bool = False) -> list[int] | None:
    """The words of an array or a string literal; None if the text is neither.

    Args:
        check: only find out whether it is one: another result than None means nothing else.

    Raises:
        AssemblyError: an element is no number or too large for its type, or the elements aren't whole words. It isn't
            raised with `check`.
    """
    try:
        escaped = _string_bytes(source)
    except AssemblyError:
        if check:
            return None
        raise
    if escaped is not None:
        return [] if check else words_of_bytes(escaped, source, 0)
    hexadecimal = _FROM_HEX.search(source.program)
    if hexadecimal:
        digits = "".join(hexadecimal["digits"].split())
        at = hexadecimal.start("digits")
        if not check and len(digits) % 2:
            raise source.error(at, "an odd number of hexadecimal digits: a byte has two")
        return [] if check else words_of_bytes(bytes.fromhex(digits), source, at)
    found = _ARRAY.search(source.program)
    if found is None and not source.are_numbers and all(token[0].isdecimal() for token in source.tokens):
        # A list of decimal numbers, as Python prints bytes.
        found = _BARE.match(source.program)
    if found is None:
        return None
    if check:
        # `=[` may stand in assembly, as in the arguments of a macro.
        return [] if _FIRST.match(source.program, found.end()) else None
    return _array(source, found)


def _string_bytes(source: WordsText) -> bytes | None:
    """The bytes of string literals with escapes of bytes, or of such escapes alone; None if there are none."""
    text = source.program
    if "\\x" not in text:
        return None
    if _ESCAPED.fullmatch("".join(text.split())):
        return bytes.fromhex("".join(text.split()).replace("\\x", ""))
    bodies = [match["body"] for match in _STRING.finditer(text)]
    if not any("\\x" in body for body in bodies):
        return None
    try:
        return b"".join(
            body.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1") for body in bodies
        )
    except UnicodeError as error:
        raise source.error(text.index("\\x"), f"a string with an escape that can't be read: {error}") from None


def _array(source: WordsText, found: re.Match[str]) -> list[int]:
    """The words of the array that begins at the match. Raises AssemblyError."""
    text = source.program
    start = found.end()
    end = text.find(_CLOSING[found["open"]], start)
    if end < 0:
        raise source.error(found.start("open"), f"the array has no closing {_CLOSING[found['open']]!r}")
    other = _ARRAY.search(text, end)
    if other:
        raise source.error(other.start("open"), "a second array: give one array of code")
    # The type is before the array, or after it as in NumPy's `dtype=numpy.uint32`.
    declared = text[: found.start("open")] + text[end:].partition("\n")[0]
    size = next((size for pattern, size in _SIZES if pattern.search(declared)), 0)
    numbers: list[tuple[int, int]] = []
    position = start
    for part in text[start:end].split(","):
        stripped = part.strip()
        at = position + len(part) - len(part.lstrip())
        position += len(part) + 1
        if not stripped:
            continue
        number = _NUMBER.fullmatch(stripped)
        if not number:
            raise source.error(at, f"{stripped[:40]!r} is no number: an array of code holds integers")
        digits = (number["hex"] or number["decimal"]).replace("_", "")
        value = int(digits, 16 if number["hex"] else 10)
        numbers.append((value, len(digits) if number["hex"] else 2 if value < 256 else 8))
        if size and value >> 8 * size:
            raise source.error(at, f"{stripped} doesn't fit into {8 * size} bits, the size of an element")
    if not numbers:
        raise source.error(found.start("open"), "the array is empty: give at least one word")
    if not size:
        size = 1 if all(digits <= 2 for _, digits in numbers) else 4
    for value, _ in numbers:
        if value >> 8 * size:
            raise source.error(start, f"{value:#x} is above 32 bits: an A64 instruction is one 32-bit word")
    return words_of_bytes(b"".join(value.to_bytes(size, "little") for value, _ in numbers), source, start)
