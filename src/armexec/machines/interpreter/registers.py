"""The registers of the reference machine: files of Python ints, read and written in the size that is asked for."""

from __future__ import annotations

from armexec.machines.interpreter.values import Bits, Elements

__all__ = ["ScalarRegisters", "VectorRegisters", "XRegisters"]


class XRegisters:
    """X0-X30, with 31 as zero."""

    __slots__ = ("file",)

    def __init__(self, file: list[int]) -> None:
        self.file = file

    def __getitem__(self, key: tuple[int, int]) -> Bits:
        size, number = key
        return Bits(size, self.file[number] if number != 31 else 0)

    def __setitem__(self, key: tuple[int, int], value: Bits) -> None:
        size, number = key
        if value.width != size:
            raise TypeError(f"{value.width} bits into a register of {size}")
        if number != 31:
            self.file[number] = value.value


class ScalarRegisters:
    """Registers of a file of ints, by size: B, H, S, D and Q; and X0-X30 with SP as 31."""

    __slots__ = ("file",)

    def __init__(self, file: list[int]) -> None:
        self.file = file

    def __getitem__(self, key: tuple[int, int]) -> Bits:
        size, number = key
        return Bits(size, self.file[number])

    def __setitem__(self, key: tuple[int, int], value: Bits) -> None:
        size, number = key
        if value.width != size:
            raise TypeError(f"{value.width} bits into a register of {size}")
        self.file[number] = value.value


class VectorRegisters:
    """The same file, cut into lanes."""

    __slots__ = ("file",)

    def __init__(self, file: list[int]) -> None:
        self.file = file

    def __getitem__(self, key: tuple[int, int, int]) -> Elements:
        size, esize, number = key
        return Elements.of(self.file[number], esize, size)

    def __setitem__(self, key: tuple[int, int, int], vector: Elements) -> None:
        size, esize, number = key
        if vector.esize != esize or vector.lanes * esize != size:
            raise TypeError(f"{vector.lanes} x {vector.esize} bits into {size // esize} x {esize}")
        self.file[number] = vector.value().value
