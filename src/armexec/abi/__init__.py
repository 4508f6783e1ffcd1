"""Python values <-> registers: the procedure call standards, and C declarations."""

from __future__ import annotations

from armexec.abi.calls import check_passable, make_call
from armexec.abi.declarations import parse_prototype, parse_types
from armexec.abi.placement import Placement, calling_convention, place_in_registers
from armexec.abi.text import text_result

__all__ = [
    "Placement",
    "calling_convention",
    "check_passable",
    "make_call",
    "parse_prototype",
    "parse_types",
    "place_in_registers",
    "text_result",
]
