"""Arm code under test: calls with guard pages, counts of instructions, and the rules of the calling convention."""

from __future__ import annotations

from armexec.testing.call import GuestCall, Write, call
from armexec.testing.convention import ConventionViolation, check_convention

__all__ = ["ConventionViolation", "GuestCall", "Write", "call", "check_convention"]
