"""Python values <-> registers: the procedure call standards, and C declarations."""

from __future__ import annotations

from armexec.abi.calls import make_call
from armexec.abi.declarations import parse_prototype, parse_types
from armexec.abi.frames import make_frame_call
from armexec.abi.placement import (
    Placement,
    calling_convention,
    can_call,
    passes_scalars_in_registers,
    place_in_registers,
)
from armexec.abi.pointers import has_function_pointers
from armexec.abi.text import text_result
from armexec.abi.variadic import type_of_class

__all__ = [
    "Placement",
    "calling_convention",
    "can_call",
    "has_function_pointers",
    "make_call",
    "make_frame_call",
    "parse_prototype",
    "parse_types",
    "passes_scalars_in_registers",
    "place_in_registers",
    "text_result",
    "type_of_class",
]
