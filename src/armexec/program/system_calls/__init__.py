"""System calls of Linux that programs may make: a small table, and an error for all others."""

from __future__ import annotations

from armexec.program.system_calls.guest import Denied, GuestMemory, ProgramExit
from armexec.program.system_calls.table import FILE_CALLS, SystemCalls
from armexec.program.system_calls.threads.model import PROCESS, NewThread, OneThread, ThreadFailed, Threads

__all__ = [
    "FILE_CALLS",
    "PROCESS",
    "Denied",
    "GuestMemory",
    "NewThread",
    "OneThread",
    "ProgramExit",
    "SystemCalls",
    "ThreadFailed",
    "Threads",
]
