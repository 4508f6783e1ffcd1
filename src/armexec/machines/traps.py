"""What stops a machine: an exception of the architecture, before it has become one of Python's."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["EXIT", "Trap", "TrapKind"]

EXIT = 0xFFFF_FFFF_FFFF_FFF1
"""Where the outermost function returns to: no code can be there, it isn't aligned for it."""


class TrapKind(IntEnum):
    """Why the guest stopped. The numbers are also those that translated code reports."""

    UNDEFINED = 1
    """An UNDEFINED instruction, or one that is not allowed at EL0."""
    UNSUPPORTED = 2
    """An instruction of the architecture that armexec doesn't execute yet."""
    BREAKPOINT = 3
    """BRK or HLT; `detail` is the immediate."""
    SUPERVISOR_CALL = 4
    """SVC; `detail` is the immediate."""
    ALIGNMENT = 5
    """An access (or SP, or the pc) that isn't aligned; `detail` is the address."""
    READ = 6
    """A read of memory that isn't there or not readable; `detail` is the address."""
    WRITE = 7
    """A write to memory that isn't there or not writable; `detail` is the address."""
    EXECUTE = 8
    """A branch to where there is no code; `detail` is the address."""
    INSTRUCTION_LIMIT = 9
    TIME_LIMIT = 10
    HOST_STACK = 11
    """The stack of the host's thread is used up; `detail` is where."""
    ENDLESS = 12
    """Code that can only come back to where it is."""


class Trap(Exception):
    """`kind` at the instruction at `pc`; `detail` as the kind says; `why` adds words.

    `reader`: of a write, the pc of an instruction that has read the same place before, as far as is known: where that
    can't be read, it is that one's trap.
    """

    def __init__(self, kind: TrapKind, pc: int, detail: int = 0, why: str = "", reader: int | None = None) -> None:
        super().__init__(kind, pc, detail, why)
        self.kind = kind
        self.pc = pc
        self.detail = detail
        self.why = why
        self.reader = reader
