"""Registers and numbers in memory by name, as conditions have them."""

from __future__ import annotations

import struct
from typing import Any, Protocol, SupportsIndex

__all__ = ["NUMBERS", "Numbers", "register_value"]

NUMBERS = {
    **{f"{sign}{size}": f"<{code}" for sign, codes in (("u", "BHIQ"), ("i", "bhiq"))
       for size, code in zip((8, 16, 32, 64), codes, strict=True)},
    "f32": "<f",
    "f64": "<d",
}  # fmt: skip
"""The formats of numbers, by their names."""
_ADDRESS = (1 << 64) - 1


class _Memory(Protocol):
    def read(self, address: SupportsIndex, size: SupportsIndex) -> bytes: ...


class Numbers:
    """Numbers of one format: `u32[sp + 12]` is one in memory, `i32(w0)` is what the low bits of a value are."""

    def __init__(self, name: str, memory: _Memory) -> None:
        self._format = struct.Struct(NUMBERS[name])
        self._memory = memory

    def __getitem__(self, address: int) -> int | float:
        """The number at an address. Raises Error where nothing can be read."""
        data = self._memory.read(address & _ADDRESS, self._format.size)
        (found,) = self._format.unpack(data)
        return found  # type: ignore[no-any-return]

    def __call__(self, value: int) -> int | float:
        """The number that the low bits of an integer are."""
        size = self._format.size
        (found,) = self._format.unpack((value & (1 << 8 * size) - 1).to_bytes(size, "little"))
        return found  # type: ignore[no-any-return]


def register_value(cpu: Any, name: str) -> Any:
    """The value of a register: "x0", "w0", "q0", "d0", "s0", "h0", "sp", "pc", "nzcv", "fpcr", "fpsr". Raises KeyError
    for other names."""
    if name in ("sp", "pc", "nzcv", "fpcr", "fpsr"):
        return getattr(cpu, name)
    kind, number = name[:1], name[1:]
    if number.isdecimal() and number.isascii() and int(number) < 32:
        n = int(number)
        if kind in "xw" and n < 31:
            return getattr(cpu, kind)[n]
        if kind in "qdsh":
            return getattr(cpu.v[n], kind)
    raise KeyError(name)
