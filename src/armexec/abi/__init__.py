"""Python values <-> registers: the procedure call standards, and C declarations."""

from __future__ import annotations

from armexec.abi.calls import check_passable, check_registers, make_call
from armexec.abi.declarations import parse_prototype
from armexec.abi.text import text_result

__all__ = ["check_passable", "check_registers", "make_call", "parse_prototype", "text_result"]
