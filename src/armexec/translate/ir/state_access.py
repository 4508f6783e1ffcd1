"""Registers in the state structure."""

from __future__ import annotations

from collections.abc import Iterator

from armexec.cpu.registers import STATE, RegisterSet, bit, has, members, state_place, wider_views
from armexec.machines.llvm.machine import LlvmMachine
from armexec.machines.llvm.values import Value

__all__ = ["load_state", "store_state", "widest"]

_ALIGNMENTS = {"i8": 1, "float": 4, "i64": 8, "double": 8, "<2 x i64>": 8}


def widest(registers: RegisterSet) -> Iterator[int]:
    """The registers of a set, in order, V registers in the widest of their views in it."""
    registers &= ~bit(STATE)
    return (n for n in members(registers) if not any(has(registers, wider) for wider in wider_views(n)))


def load_state(m: LlvmMachine, number: int) -> Value:
    """A register's value from the state structure."""
    offset, kind = state_place(number)
    pointer = m.builder.line(f"getelementptr i8, ptr %state, i64 {offset}")
    if kind == "i8":
        return m.emit(1, f"trunc i8 {m.emit(8, f'load i8, ptr {pointer}').text} to i1")
    return m.emit(64, f"load {kind}, ptr {pointer}, align {_ALIGNMENTS[kind]}")


def store_state(m: LlvmMachine, number: int, value: Value) -> None:
    """Put a register's value into the state structure."""
    offset, kind = state_place(number)
    b = m.builder
    text = value.zero_extend(8).text if kind == "i8" else value.text
    pointer = b.line(f"getelementptr i8, ptr %state, i64 {offset}")
    b.store(kind, text, pointer, _ALIGNMENTS[kind])
