"""Machine words in bytes of memory."""

from __future__ import annotations

__all__ = ["words_of"]


def words_of(code: bytes) -> list[int]:
    """The 32-bit words of little-endian code. A last one that isn't whole is filled up with zeros."""
    code += bytes(-len(code) % 4)
    return [int.from_bytes(code[i : i + 4], "little") for i in range(0, len(code), 4)]
