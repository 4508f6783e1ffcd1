"""N, Z, C and V of the reference machine."""

from __future__ import annotations

from armexec.machines.interpreter.values import Bits

__all__ = ["Flags"]


class Flags:
    """N, Z, C and V."""

    __slots__ = ("C", "N", "V", "Z")

    def __init__(self, n: int, z: int, c: int, v: int) -> None:
        self.N, self.Z, self.C, self.V = Bits(1, n), Bits(1, z), Bits(1, c), Bits(1, v)

    @property
    def value(self) -> int:
        """NZCV as four bits, N highest."""
        return self.N.value << 3 | self.Z.value << 2 | self.C.value << 1 | self.V.value
