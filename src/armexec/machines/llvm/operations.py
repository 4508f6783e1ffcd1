"""The parts that all operations of the translating machine need: the builder, guards, and the mode."""

from __future__ import annotations

from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.guards import Guards
from armexec.machines.llvm.values import Value

__all__ = ["Operations"]


class Operations:
    """The base of the parts of the machine that compute.

    `strict`: floating point as FPCR says, with FPSR's flags; otherwise FPCR is zero, and FPSR never read. `helpers`:
    the texts of the functions that are called, by name.
    """

    builder: Builder
    guards: Guards
    strict: bool
    helpers: dict[str, str]

    def line(self, text: str) -> str:
        """Append `name = text`; the name."""
        return self.builder.line(text)

    def emit(self, width: int, text: str) -> Value:
        """Append `name = text`."""
        builder = self.builder
        return Value(builder, width, builder.line(text))

    def raise_flags(self, flags: Value) -> None:
        """Set flags of FPSR."""
        pointer = self.builder.state.pointer("fpsr")
        old = self.emit(64, f"load i64, ptr {pointer}")
        self.builder.store("i64", (old | flags).text, pointer)
