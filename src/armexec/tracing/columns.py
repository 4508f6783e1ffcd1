"""The tables of a trace: registers that were written, and accesses to memory."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from armexec.engines.recorded.tables import Array
from armexec.errors import LoadError
from armexec.translate.observed.records import REGISTER_NAMES

__all__ = ["MemoryAccesses", "RegisterWrites"]


class _Table:
    """Columns of one length."""

    def __len__(self) -> int:
        return len(self._columns()["time"])

    def _columns(self) -> dict[str, Array]:
        return {column.name: getattr(self, column.name) for column in fields(self)}  # type: ignore[arg-type]

    def where(self, chosen: Array) -> Self:
        """The rows that an array of NumPy chooses: of bools, or of numbers of rows."""
        return type(self)(**{name: column[chosen] for name, column in self._columns().items()})

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {len(self)} rows: {', '.join(self._columns())}>"


@dataclass(repr=False)
class RegisterWrites(_Table):
    """Each register that each instruction wrote, in order.

    `time` and `pc` are the instruction's. `register` is a number: 0 to 30 for X0 to X30, 31 for SP, 32 for the flags,
    33 to 64 for V0 to V31 (`names` has them). `value` is what it holds afterwards, which may be what it held before:
    64 bits, of V registers the low ones, and `high` their high ones. Flags are four bits, N highest.
    """

    time: Array
    pc: Array
    register: Array
    value: Array
    high: Array

    names = REGISTER_NAMES

    def of(self, name: str) -> RegisterWrites:
        """Those of one register, such as "x0", "sp", "nzcv" or "v3". Raises LoadError for other names."""
        if name not in REGISTER_NAMES:
            raise LoadError(f"there is no register {name!r:.60} in traces: they are x0 to x30, sp, nzcv and v0 to v31")
        return self.where(self.register == REGISTER_NAMES.index(name))


@dataclass(repr=False)
class MemoryAccesses(_Table):
    """Each access to memory, in order, of up to 16 bytes; larger ones are several.

    `time` and `pc` are the instruction's. `old` and `new` are what was there before and after, which is the same for
    what was read: the low 64 bits, and `old_high` and `new_high` those above.
    """

    time: Array
    pc: Array
    address: Array
    size: Array
    is_write: Array
    old: Array
    old_high: Array
    new: Array
    new_high: Array

    @property
    def value(self) -> Array:
        """What was read or written: the low 64 bits."""
        return self.new

    @property
    def reads(self) -> MemoryAccesses:
        """Those that read."""
        return self.where(~self.is_write)

    @property
    def writes(self) -> MemoryAccesses:
        """Those that wrote."""
        return self.where(self.is_write)

    def at(self, address: int, size: int = 1) -> MemoryAccesses:
        """Those of one of some bytes."""
        begin, end = np.uint64(address), np.uint64(address + size)
        return self.where((self.address < end) & (self.address + self.size.astype(np.uint64) > begin))
