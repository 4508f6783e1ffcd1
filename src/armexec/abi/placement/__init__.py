"""Where arguments and results are: registers, and slots of the stack."""

from __future__ import annotations

from armexec.abi.placement.arguments import MAX_REGISTER_ARGUMENTS
from armexec.abi.placement.classes import homogeneous
from armexec.abi.placement.parts import CallingConvention, Extension, Format, Part, StackSlot
from armexec.abi.placement.placement import (
    Placement,
    calling_convention,
    can_call,
    passes_scalars_in_registers,
    place_in_registers,
)

__all__ = [
    "MAX_REGISTER_ARGUMENTS",
    "CallingConvention",
    "Extension",
    "Format",
    "Part",
    "Placement",
    "StackSlot",
    "calling_convention",
    "can_call",
    "homogeneous",
    "passes_scalars_in_registers",
    "place_in_registers",
]
