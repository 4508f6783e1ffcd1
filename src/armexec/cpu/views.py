"""Registers as attributes and items that can be read and written."""

from __future__ import annotations

import ctypes
import operator
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, SupportsIndex

from armexec.errors import SignatureError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from armexec.cpu.state import CpuState

__all__ = ["GeneralRegisters", "VectorBits", "VectorRegister", "VectorRegisters", "fitting"]


def fitting(name: str, value: SupportsIndex, bits: int) -> int:
    """A value as an unsigned int of so many bits; negative ones are taken as two's complement.

    Raises:
        SignatureError: the value is no integer, or has more bits.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise SignatureError(f"{name} holds an integer of {bits} bits, not {value!r:.60}") from None
    if not -(1 << bits - 1) <= number < 1 << bits:
        raise SignatureError(f"{name} has {bits} bits: {number:#x} doesn't fit")
    return number & (1 << bits) - 1


class GeneralRegisters:
    """X0 to X30, or W0 to W30, as items. What is written to a W register clears the upper half of the X register."""

    __slots__ = ("_bits", "_registers")

    def __init__(self, state: CpuState, bits: int) -> None:
        self._registers: Any = state.x
        self._bits = bits

    def __len__(self) -> int:
        return len(self._registers)

    def _check(self, n: SupportsIndex) -> int:
        number = operator.index(n)
        if not 0 <= number < len(self):
            letter = "x" if self._bits == 64 else "w"
            raise IndexError(f"there is no {letter}{number}: {letter}0 to {letter}30 are general registers")
        return number

    def __getitem__(self, n: SupportsIndex) -> int:
        return int(self._registers[self._check(n)]) & (1 << self._bits) - 1

    def __setitem__(self, n: SupportsIndex, value: SupportsIndex) -> None:
        number = self._check(n)
        self._registers[number] = fitting(f"{'x' if self._bits == 64 else 'w'}{number}", value, self._bits)

    def __iter__(self) -> Iterator[int]:
        return (self[n] for n in range(len(self)))

    def __repr__(self) -> str:
        return f"[{', '.join(f'0x{value:x}' for value in self)}]"


class VectorBits:
    """The content of a V register, for reading.

    `q` is the whole register as an int of 128 bits; `d`, `s` and `h` are its lowest bits as a float. `lanes` gives it
    as a NumPy array.
    """

    __slots__ = ("_bytes", "_n")

    def __init__(self, content: bytes | memoryview, n: int) -> None:
        self._bytes = content
        self._n = n

    @property
    def q(self) -> int:
        return int.from_bytes(self._bytes, "little")

    @property
    def d(self) -> float:
        return self._float("<d")

    @property
    def s(self) -> float:
        return self._float("<f")

    @property
    def h(self) -> float:
        return self._float("<e")

    def _float(self, kind: str) -> float:
        return float(struct.unpack_from(kind, self._bytes)[0])

    def lanes(self, dtype: npt.DTypeLike = "u1") -> np.ndarray[Any, Any]:
        """The register as a NumPy array of lanes of a type, lane 0 first."""
        import numpy as np

        return np.frombuffer(self._bytes, np.dtype(dtype))

    def __repr__(self) -> str:
        return f"<v{self._n} 0x{self.q:032x}>"


class VectorRegister(VectorBits):
    """A V register, as a view: it shows what the register holds now.

    `q`, `d`, `s` and `h` can be written. Those of less than 128 bits clear the bits above, as instructions do. Writing
    to the array that `lanes` gives writes to the register.
    """

    __slots__ = ("_state", "_view")

    def __init__(self, state: CpuState, n: int) -> None:
        self._state = state
        self._view = memoryview(state.v_registers).cast("B")[16 * n : 16 * n + 16]
        super().__init__(self._view, n)

    @property
    def q(self) -> int:
        return int.from_bytes(self._view, "little")

    @q.setter
    def q(self, value: SupportsIndex) -> None:
        self._view[:] = fitting(f"q{self._n}", value, 128).to_bytes(16, "little")

    def _set_float(self, kind: str, value: float) -> None:
        try:
            data = struct.pack(kind, value)
        except (struct.error, OverflowError) as error:
            raise SignatureError(f"v{self._n} can't hold {value!r:.60}: {error}") from None
        self._view[:] = data.ljust(16, b"\0")

    @property
    def d(self) -> float:
        return self._float("<d")

    @d.setter
    def d(self, value: float) -> None:
        self._set_float("<d", value)

    @property
    def s(self) -> float:
        return self._float("<f")

    @s.setter
    def s(self, value: float) -> None:
        self._set_float("<f", value)

    @property
    def h(self) -> float:
        return self._float("<e")

    @h.setter
    def h(self, value: float) -> None:
        self._set_float("<e", value)


class VectorRegisters:
    """V0 to V31 as items. An int written to one is its 128 bits, bytes are its 16 bytes."""

    __slots__ = ("_views",)

    def __init__(self, state: CpuState) -> None:
        self._views = [VectorRegister(state, n) for n in range(ctypes.sizeof(state.v_registers) // 16)]

    def __len__(self) -> int:
        return len(self._views)

    def __getitem__(self, n: SupportsIndex) -> VectorRegister:
        number = operator.index(n)
        if not 0 <= number < len(self._views):
            raise IndexError(f"there is no v{number}: v0 to v31 are vector registers")
        return self._views[number]

    def __setitem__(self, n: SupportsIndex, value: SupportsIndex | bytes) -> None:
        register = self[n]
        if isinstance(value, bytes | bytearray | memoryview):
            if len(value) != 16:
                raise SignatureError(f"a vector register has 16 bytes, not {len(value)}")
            register.q = int.from_bytes(value, "little")
        else:
            register.q = value

    def __iter__(self) -> Iterator[VectorRegister]:
        return iter(self._views)
