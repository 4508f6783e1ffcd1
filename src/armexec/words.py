"""Machine words as people write them: `0xD10043FF 0xB9000FE0`, a dump of bytes, a list in C."""

from __future__ import annotations

import re

from armexec.errors import AssemblyError

__all__ = ["are_words", "parse_words"]

_COMMENT = re.compile(r"/\*.*?\*/|(?://|#|;|--).*?$", re.DOTALL | re.MULTILINE)
_TOKEN = re.compile(r"[^\s,{}()\[\]]+")
_PREFIXED = re.compile(r"0[xX]([0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)")
_BARE = re.compile(r"[0-9a-fA-F]{8}")
_BYTE = re.compile(r"[0-9a-fA-F]{2}")


def parse_words(text: str, *, file: str = "<words>") -> list[int]:
    """The 32-bit words written in `text`.

    A word is hexadecimal, with `0x` before it or exactly eight digits; or the text is pairs of digits throughout, which
    are the bytes in the order of memory. Spaces, commas and brackets separate; comments are `#`, `//`, `;`, `--` to the
    end of the line and `/* */`.

    Raises:
        AssemblyError: with the place of what is no 32-bit word; or there is nothing.
    """
    tokens = _tokens(text)
    if not tokens:
        raise AssemblyError(f"{file}: there are no words: write them as 0xD10043FF")
    if all(_BYTE.fullmatch(token[0]) for token in tokens):
        if len(tokens) % 4:
            message = f"{len(tokens)} bytes are not whole instructions: an A64 instruction has 4 bytes"
            raise _error(tokens[-1], text, file, message)
        data = bytes(int(token[0], 16) for token in tokens)
        return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
    words = []
    for token in tokens:
        prefixed = _PREFIXED.fullmatch(token[0])
        if not prefixed and not _BARE.fullmatch(token[0]):
            message = f"{token[0][:40]!r} is not a word: write 0xD10043FF, or eight hexadecimal digits"
            raise _error(token, text, file, message)
        word = int(prefixed[1] if prefixed else token[0], 16)
        if word > 0xFFFF_FFFF:
            raise _error(token, text, file, "above 32 bits: an A64 instruction is one 32-bit word")
        words.append(word)
    return words


def are_words(text: str) -> bool:
    """Whether `text` is words throughout, of whatever size, and not assembly."""
    tokens = _tokens(text)
    return bool(tokens) and (
        all(_PREFIXED.fullmatch(t[0]) or _BARE.fullmatch(t[0]) for t in tokens)
        or all(_BYTE.fullmatch(t[0]) for t in tokens)
    )


def _tokens(text: str) -> list[re.Match[str]]:
    # Blanked, not removed: places stay what they are.
    return list(_TOKEN.finditer(_COMMENT.sub(lambda match: re.sub(r"\S", " ", match[0]), text)))


def _error(token: re.Match[str], text: str, file: str, message: str) -> AssemblyError:
    start = text.rfind("\n", 0, token.start()) + 1
    return AssemblyError(
        message,
        line=text.count("\n", 0, start) + 1,
        column=token.start() - start + 1,
        source_line=text[start:].partition("\n")[0].rstrip("\r"),
        file=file,
    )
