"""What a program finds when it begins, and what it asks of the system: its stack, and its system calls."""

from __future__ import annotations

from armexec.program.stack import Stack, initial_stack
from armexec.program.system_calls import Denied, GuestMemory, ProgramExit, SystemCalls

__all__ = ["Denied", "GuestMemory", "ProgramExit", "Stack", "SystemCalls", "initial_stack"]
