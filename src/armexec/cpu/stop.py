"""The end of a run, and why it came."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Stop", "StopReason"]

_PAST = {"read": "read", "write": "written"}


class StopReason(StrEnum):
    """Why a run ended. Each equals its text: `stop.reason == "fault"`."""

    UNTIL = "until"
    """The pc is the address that the run was to end at."""
    FAULT = "fault"
    """An access that memory doesn't allow; the registers are as they were before the instruction."""
    UNDEFINED = "undefined"
    """An instruction that is undefined, privileged, or of an extension that armexec doesn't have."""
    BREAKPOINT = "breakpoint"
    """A `brk` or `hlt`, which the pc is at."""
    SYSTEM_CALL = "system call"
    """An `svc`, which the pc is behind, as Linux sees it: the next run goes on after the call."""
    HOST_CALL = "host call"
    """A function of the host without a callback is called: the pc is its address."""
    RETURNED = "returned"
    """The call has returned, or the program has ended."""
    WATCHPOINT = "watchpoint"
    """The instruction at the pc of the stop has accessed watched bytes. The session is behind it."""
    BEGIN = "begin"
    """There is nothing before: the session is at time 0."""
    INSTRUCTION_LIMIT = "instruction limit"
    """As many instructions have been executed as were allowed."""
    TIME_LIMIT = "time limit"
    """The time is over."""
    INTERRUPTED = "interrupted"
    """`Cpu.interrupt` was called, by a hook or by another thread."""


@dataclass(frozen=True)
class Stop:
    """Where and why a run ended. `str()` says it for people.

    `address` is what the fault couldn't access, else the address of the instruction that ended the run. `access` is
    "read", "write", "execute" or "align" for a fault, else empty. `immediate` is the number in an SVC, BRK or HLT.
    `instructions` is how many instructions the run has executed; None where the processor itself has executed some (the
    engine `native`), which doesn't count them.
    """

    reason: StopReason
    pc: int
    address: int
    access: str = ""
    immediate: int | None = None
    instructions: int | None = 0
    detail: str = ""

    def __str__(self) -> str:
        at = f"at 0x{self.pc:x}"
        if self.reason is StopReason.FAULT:
            if self.access == "execute":
                return f"fault: there is no code at 0x{self.address:x}"
            if self.access == "align":
                return f"fault {at}: unaligned access to 0x{self.address:x}"
            return f"fault {at}: can't {self.access} memory at 0x{self.address:x}"
        if self.reason is StopReason.SYSTEM_CALL:
            return f"system call at 0x{self.address:x} (svc #{self.immediate})"
        if self.reason is StopReason.BREAKPOINT:
            return f"breakpoint {at}" + (f" (#{self.immediate})" if self.immediate is not None else "")
        if self.reason is StopReason.WATCHPOINT:
            return f"watchpoint: 0x{self.address:x} was {_PAST[self.access]} {at}: {self.detail}"
        if self.reason is StopReason.HOST_CALL:
            return f"call of a host function {at}"
        if self.reason is StopReason.UNDEFINED:
            return f"undefined instruction {at}" + (f": {self.detail}" if self.detail else "")
        return f"{self.reason} {at}" + (
            f", after {self.instructions} instructions" if self.instructions is not None else ""
        )
