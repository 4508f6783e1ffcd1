"""Operands of syntaxes: how each is read, encoded, decoded and printed; here those that most instructions use."""

from __future__ import annotations

from .basic import (
    CONDITIONS,
    OTHER_CONDITION_NAMES,
    Condition,
    Context,
    Fields,
    GeneralRegister,
    Immediate,
    Label,
    NamedImmediate,
    Operand,
    PairedRegister,
    Piece,
    Places,
    SameRegister,
    Zero,
)

__all__ = [
    "CONDITIONS",
    "OTHER_CONDITION_NAMES",
    "Condition",
    "Context",
    "Fields",
    "GeneralRegister",
    "Immediate",
    "Label",
    "NamedImmediate",
    "Operand",
    "PairedRegister",
    "Piece",
    "Places",
    "SameRegister",
    "Zero",
]
