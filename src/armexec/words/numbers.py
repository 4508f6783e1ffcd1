"""Hexadecimal numbers as words or as bytes."""

from __future__ import annotations

from armexec.errors import AssemblyError
from armexec.words.text import BARE_DIGITS, PREFIXED, WordsText, words_of_bytes

__all__ = ["read_numbers"]


def read_numbers(source: WordsText) -> list[int]:
    """The words of numbers with `0x`, of eight digits, or of bytes.

    Raises:
        AssemblyError: a token is no number, or is above 32 bits; there are none; bytes aren't whole words; eight digits
            are an instruction only if they are bytes.
    """
    tokens = source.tokens
    if not tokens:
        raise AssemblyError(f"{source.file}: there are no words: write them as 0xD10043FF")
    if source.are_byte_digits and len(tokens[0][0]) != 8:
        data = bytes.fromhex("".join(token[0] for token in tokens))
        return words_of_bytes(data, source, tokens[-1].start())
    numbers: list[tuple[str, bool]] = []
    for token in tokens:
        prefixed = PREFIXED.fullmatch(token[0])
        if not prefixed and not (len(token[0]) == 8 and BARE_DIGITS.fullmatch(token[0])):
            message = f"{token[0][:40]!r} is not a word: write 0xD10043FF, or eight hexadecimal digits"
            raise source.error(token.start(), message)
        digits = prefixed[1].replace("_", "") if prefixed else token[0]
        if int(digits, 16) > 0xFFFF_FFFF:
            raise source.error(
                token.start(),
                "above 32 bits: an A64 instruction is one 32-bit word",
                hint="" if len(digits) % 2 else "leave 0x out if these are bytes in the order of memory",
            )
        numbers.append((digits, bool(prefixed)))
    if all(len(digits) <= 2 for digits, _ in numbers):
        return words_of_bytes([int(digits, 16) for digits, _ in numbers], source, tokens[-1].start())
    words = [int(digits, 16) for digits, _ in numbers]
    if not any(prefixed for _, prefixed in numbers):
        _refuse_bytes(words, source)
    return words


def _refuse_bytes(words: list[int], source: WordsText) -> None:
    """Raise AssemblyError if eight digits without `0x` are an instruction only as bytes."""
    from armexec.isa import (
        form_of,  # the one thing for which words need the instruction set, which takes long to import
    )

    swapped = [int.from_bytes(word.to_bytes(4, "big"), "little") for word in words]
    if all(form_of(word) for word in swapped) and not all(form_of(word) for word in words):
        at = next(i for i, word in enumerate(words) if not form_of(word))
        raise source.error(
            source.tokens[at].start(),
            f"0x{words[at]:08x} is no instruction, but the bytes {words[at].to_bytes(4, 'big').hex(' ')} are one",
            hint=f"write 0x{words[at]:08x} for the word, or 0x{swapped[at]:08x} for what the bytes are",
        )
