"""The state an instruction starts from, and what it leaves: the same for every machine and oracle.

A process of its own, small and at the same addresses everywhere: code at `CODE`, data at `DATA` (with nothing mapped on
either side), both within reach of a literal load of each other.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cache

from armexec.machines.traps import TrapKind

__all__ = ["CODE", "CODE_SIZE", "DATA", "DATA_SIZE", "MASK64", "Outcome", "State", "noise"]

MASK64 = (1 << 64) - 1
CODE = 0x4_0000_0000
CODE_SIZE = 0x1_0000
DATA = CODE + 0x8_0000
DATA_SIZE = 0x4000


@cache
def noise(number: int) -> bytes:
    """What data memory holds before an instruction: one of a few fixed random contents."""
    return random.Random(f"noise/{number}").randbytes(DATA_SIZE)


@dataclass
class State:
    """Registers (X0-X30 and, at 31, SP; V0-V31), flags as N:Z:C:V, the program and its data.

    `code` are the words at `pc`. `patches` are (address, bytes) over the noise in data memory.
    """

    pc: int
    code: tuple[int, ...]
    registers: list[int]
    nzcv: int
    vectors: list[int] = field(default_factory=lambda: [0] * 32)
    fpcr: int = 0
    fpsr: int = 0
    noise: int = 0
    patches: list[tuple[int, bytes]] = field(default_factory=list)

    def memory(self) -> bytearray:
        """The contents of data memory."""
        data = bytearray(noise(self.noise))
        for address, patch in self.patches:
            start = address - DATA
            low, high = max(start, 0), min(start + len(patch), DATA_SIZE)
            if low < high:
                data[low:high] = patch[low - start : high - start]
        return data

    def __str__(self) -> str:
        lines = [f"pc=0x{self.pc:x} nzcv={self.nzcv:04b} code=[{', '.join(f'0x{w:08x}' for w in self.code)}]"]
        names = [f"x{n}" for n in range(31)] + ["sp"]
        values = [f"{name}=0x{value:x}" for name, value in zip(names, self.registers, strict=True)]
        lines += [" ".join(values[i : i + 8]) for i in range(0, 32, 8)]
        vectors = [f"v{n}=0x{value:032x}" for n, value in enumerate(self.vectors)]
        if any(self.vectors):
            lines += [" ".join(vectors[i : i + 4]) for i in range(0, 32, 4)]
        lines.append(f"fpcr=0x{self.fpcr:x} fpsr=0x{self.fpsr:x}")
        lines.append(f"noise {self.noise}" + "".join(f", 0x{a:x}: {p.hex()}" for a, p in self.patches))
        return "\n".join(lines)


@dataclass
class Outcome:
    """What is left after the program: `trap` is why it stopped, or None; then `pc` is the instruction that trapped."""

    registers: list[int]
    nzcv: int
    pc: int
    memory: bytes
    trap: TrapKind | None
    vectors: list[int] = field(default_factory=lambda: [0] * 32)
    fpcr: int = 0
    fpsr: int = 0
    keeps_fpsr: bool = True
    """Whether FPSR means something."""

    def differences(self, other: Outcome) -> list[str]:
        """What differs, for a message: this one's value first. Empty if all is equal.

        A store that faults leaves what it could have written UNKNOWN, so memory isn't compared then; nor are vector
        registers after a load that faults, which may have loaded some of several.
        """
        if self.trap != other.trap:
            return [f"trap: {_name(self.trap)} != {_name(other.trap)}"]
        found = []
        for number, (a, b) in enumerate(zip(self.registers, other.registers, strict=True)):
            if a != b:
                found.append(f"{'sp' if number == 31 else f'x{number}'}: 0x{a:x} != 0x{b:x}")
        if self.nzcv != other.nzcv:
            found.append(f"nzcv: {self.nzcv:04b} != {other.nzcv:04b}")
        for number, (a, b) in enumerate(zip(self.vectors, other.vectors, strict=True)):
            if a != b and self.trap is not TrapKind.READ:
                found.append(f"v{number}: 0x{a:032x} != 0x{b:032x}")
        for name, a, b in (("fpcr", self.fpcr, other.fpcr), ("fpsr", self.fpsr, other.fpsr)):
            if a != b and (name == "fpcr" or (self.keeps_fpsr and other.keeps_fpsr)):
                found.append(f"{name}: 0x{a:x} != 0x{b:x}")
        if self.pc != other.pc:
            found.append(f"pc: 0x{self.pc:x} != 0x{other.pc:x}")
        if self.memory != other.memory and self.trap not in (TrapKind.WRITE, TrapKind.READ):
            at = next(i for i in range(DATA_SIZE) if self.memory[i] != other.memory[i])
            a, b = self.memory[at : at + 16].hex(), other.memory[at : at + 16].hex()
            found.append(f"memory at 0x{DATA + at:x}: {a} != {b}")
        return found


def _name(trap: TrapKind | None) -> str:
    return "none" if trap is None else trap.name
