"""The state of the system that one program sees."""

from __future__ import annotations

from dataclasses import dataclass, field

from armexec.program.system_calls.descriptors import Descriptors
from armexec.program.system_calls.folders import Folders
from armexec.program.system_calls.growth import Growth
from armexec.program.system_calls.guest import GuestMemory
from armexec.program.system_calls.threads.model import Threads

__all__ = ["Break", "System"]


@dataclass
class Break:
    """The memory for brk(2): where it begins, and how much of it the program has."""

    begin: int = 0
    used: int = 0


@dataclass
class System:
    """The program's memory, its open files, the folders that it may use, its threads, the end of its heap, and how
    much memory it has mapped."""

    memory: GuestMemory
    descriptors: Descriptors
    folders: Folders
    threads: Threads
    program_break: Break = field(default_factory=Break)
    growth: Growth = field(default_factory=Growth)
