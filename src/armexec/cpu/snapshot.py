"""The registers of a processor at one moment, as far as they are known."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import SupportsIndex

from armexec.cpu.views import VectorBits
from armexec.errors import UnknownRegister

__all__ = ["NAMES", "CpuSnapshot"]

NAMES: tuple[str, ...] = (
    *(f"x{n}" for n in range(31)),
    "sp",
    "pc",
    "nzcv",
    *(f"v{n}" for n in range(32)),
    "fpcr",
    "fpsr",
    "tpidr_el0",
)
"""The names of the registers, in order. The flags are one, of four bits, N highest."""
_ORDER = {name: place for place, name in enumerate(NAMES)}


class CpuSnapshot:
    """The registers of one thread of the guest at one moment, by the names that a `Cpu` has for them.

    `known` are the names of those that are known, which are exact; to read another is an error. `self["x0"]` reads by
    name. `why` says why others aren't known, in words for people; it is empty where all are.

    >>> registers = CpuSnapshot({"x0": 5, "sp": 0x1000}, "they weren't kept")
    >>> registers.x[0], registers.sp, registers.known
    (5, 4096, ('x0', 'sp'))
    """

    __slots__ = ("_values", "known", "why")

    def __init__(self, values: Mapping[str, int], why: str = "") -> None:
        self._values = {name: values[name] for name in sorted(values, key=_ORDER.__getitem__)}
        self.known: tuple[str, ...] = tuple(self._values)
        self.why = why

    def __getitem__(self, name: str) -> int:
        """The register of a name. Raises UnknownRegister."""
        if name in self._values:
            return self._values[name]
        if name not in _ORDER:
            raise UnknownRegister(
                f"there is no register {name!r:.60}: there are {NAMES[0]} to x30, v0 to v31, sp, pc ..."
            )
        why = f": {self.why}" if self.why else ""
        raise UnknownRegister(
            f'{name} isn\'t known here{why}. `known` has the names of those that are; engine="reference" knows all,'
            " and so does a Cpu"
        )

    @property
    def x(self) -> Numbered:
        """X0 to X30, as items."""
        return Numbered(self, "x", 64)

    @property
    def w(self) -> Numbered:
        """W0 to W30, as items."""
        return Numbered(self, "w", 32)

    @property
    def v(self) -> Vectors:
        """V0 to V31, as items."""
        return Vectors(self)

    @property
    def sp(self) -> int:
        return self["sp"]

    @property
    def pc(self) -> int:
        return self["pc"]

    @property
    def nzcv(self) -> int:
        """The flags, N highest."""
        return self["nzcv"]

    @property
    def fpcr(self) -> int:
        return self["fpcr"]

    @property
    def fpsr(self) -> int:
        return self["fpsr"]

    @property
    def tpidr_el0(self) -> int:
        return self["tpidr_el0"]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CpuSnapshot) and self._values == other._values

    def __hash__(self) -> int:
        return hash(tuple(self._values.items()))

    def __repr__(self) -> str:
        return f"<registers {' '.join(f'{name}=0x{value:x}' for name, value in self._values.items())}>"

    def __str__(self) -> str:
        """A table of those that are known, without vector registers that are zero, and the names of the others."""
        cells = []
        for name, value in self._values.items():
            if name == "nzcv":
                cells.append("nzcv " + "".join(f if value >> 3 - i & 1 else f.lower() for i, f in enumerate("NZCV")))
            elif name[0] != "v":
                cells.append(f"{name:<4} {value:016x}")
        lines = [" ".join(f"{cell:<22}" for cell in cells[i : i + 4]).rstrip() for i in range(0, len(cells), 4)]
        vectors = [f"{name:<4} {value:032x}" for name, value in self._values.items() if name[0] == "v" and value]
        lines += ["  ".join(vectors[i : i + 2]) for i in range(0, len(vectors), 2)]
        unknown = _ranges([name for name in NAMES if name not in self._values])
        if unknown:
            lines.append(f"not known: {unknown}" + (f" ({self.why})" if self.why else ""))
        return "\n".join(lines)


def _ranges(names: Sequence[str]) -> str:
    """Names, where those of three in a row and more are joined: `x3-x9, sp`."""
    shown: list[str] = []
    for _, group in groupby(enumerate(names), lambda item: (item[1][0], _ORDER[item[1]] - item[0])):
        run = [name for _, name in group]
        is_numbered = len(run) > 2 and all(name[1:].isdigit() for name in run)
        shown += [f"{run[0]}-{run[-1]}"] if is_numbered else run
    return ", ".join(shown)


class Numbered:
    """General registers, as items."""

    __slots__ = ("_bits", "_letter", "_registers")

    def __init__(self, registers: CpuSnapshot, letter: str, bits: int) -> None:
        self._registers = registers
        self._letter = letter
        self._bits = bits

    def __len__(self) -> int:
        return 31

    def __getitem__(self, n: SupportsIndex) -> int:
        number = operator.index(n)
        if not 0 <= number < 31:
            raise IndexError(
                f"there is no {self._letter}{number}: {self._letter}0 to {self._letter}30 are general registers"
            )
        return self._registers[f"x{number}"] & (1 << self._bits) - 1

    def __iter__(self) -> Iterator[int]:
        return (self[n] for n in range(31))


class Vectors:
    """Vector registers, as items."""

    __slots__ = ("_registers",)

    def __init__(self, registers: CpuSnapshot) -> None:
        self._registers = registers

    def __len__(self) -> int:
        return 32

    def __getitem__(self, n: SupportsIndex) -> VectorBits:
        number = operator.index(n)
        if not 0 <= number < 32:
            raise IndexError(f"there is no v{number}: v0 to v31 are vector registers")
        return VectorBits(self._registers[f"v{number}"].to_bytes(16, "little"), number)

    def __iter__(self) -> Iterator[VectorBits]:
        return (self[n] for n in range(32))
