"""The rules of the procedure call standard, checked at each instruction of a call.

Sources: Procedure Call Standard for the Arm 64-bit Architecture (AAPCS64), 6.1, 6.2 and 6.4.5; Apple, "Writing ARM64
code for Apple platforms".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from armexec.abi import calling_convention
from armexec.debugger import Session
from armexec.errors import Error
from armexec.isa import decode
from armexec.module import Function
from armexec.testing.call import GuestCall, called_session
from armexec.testing.guarded import Guard

__all__ = ["ConventionViolation", "Violation", "check_convention"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

_PRESERVED = range(19, 30)
_PRESERVED_V = range(8, 16)
_LOW = (1 << 64) - 1
_RED_ZONE = 128
"""Bytes below SP that Apple's code may use; elsewhere there are none."""
_MOST = 20


class Violation(NamedTuple):
    """One of a rule: what is wrong, and where: the pc, the instruction's text and its source line, empty if unknown."""

    rule: str
    pc: int
    instruction: str
    source: str

    def __str__(self) -> str:
        return f"{self.rule}\n    at 0x{self.pc:x}: {self.instruction}" + (f"  ({self.source})" if self.source else "")


class ConventionViolation(Error):
    """A call has broken the procedure call standard. `violations` has each."""

    def __init__(self, function: str, violations: tuple[Violation, ...]) -> None:
        self.violations = violations
        count = f"{len(violations)} violation{'s' if len(violations) != 1 else ''}"
        super().__init__("\n".join([f"{function}: {count} of the procedure call standard", *map(str, violations)]))


def check_convention(function: Function, *arguments: Any, guard: Guard | None = "end", **named: Any) -> GuestCall:
    """Call a function, and check that it keeps to the procedure call standard of its target.

    X19 to X29, SP, the low halves of V8 to V15, and FPCR are as before at the return; SP is a multiple of 16 wherever
    it is the base of an access; nothing below SP is accessed (for Apple's target: more than 128 bytes below); Apple's
    code doesn't write X18.

    Args:
        function, arguments, named, guard: as for `call`.

    Raises:
        ConventionViolation: it doesn't.
        What the call raises.
    """
    checks: list[_Checks] = []

    def begin(session: Session) -> None:
        checks.append(_Checks(session, calling_convention(function.module.image) == "apple"))

    def at_end(session: Session) -> None:
        checks[0].at_return()

    made = called_session(function, arguments, named, guard, begin, at_end)
    found = checks[0].found
    if found:
        raise ConventionViolation(function.name, tuple(found.values())[:_MOST])
    return made


class _Checks:
    """What is looked at in one session."""

    def __init__(self, session: Session, is_apple: bool) -> None:
        self._session = session
        self._is_apple = is_apple
        self._red_zone = _RED_ZONE if is_apple else 0
        self.found: dict[tuple[str, int], Violation] = {}
        cpu = session.cpu
        self._sp = cpu.sp
        self._x = [cpu.x[n] for n in range(31)]
        self._v = [cpu.v[n].q & _LOW for n in range(32)]
        self._fpcr = cpu.fpcr
        stack = next(region for region in session.target.regions() if region[3] == "[stack]")
        self._stack = stack[0], stack[1]
        session.timeline.guest.access = self._access

    def _note(self, rule: str, pc: int) -> None:
        place, instruction = self._session.places.place(pc), self._session.instruction_at(pc)
        source = f"{place.line.file}:{place.line.line}" if place.line is not None and place.line.line else ""
        text = instruction.text if instruction is not None else "(no code)"
        self.found.setdefault((rule.partition(":")[0], pc), Violation(rule, pc, text, source))

    def _access(self, kind: str, address: int, old: bytes, new: bytes) -> None:
        cpu = self._session.cpu
        sp, pc = cpu.sp, cpu.pc
        if not self._stack[0] <= address < self._stack[1]:
            return
        instruction = self._session.instruction_at(pc)
        decoded = decode(instruction.word) if instruction is not None else None
        # An access with write-back may make room by itself.
        moves = decoded is not None and ("sp", 31) in decoded.effects.writes
        if address < sp - self._red_zone and not moves:
            done = "reads" if kind == "read" else "writes"
            limit = f"more than {self._red_zone} bytes below" if self._red_zone else "below"
            self._note(f"it {done} {limit} SP: {sp - address} bytes below", pc)
        if sp % 16 and decoded is not None and ("sp", 31) in decoded.effects.reads:
            self._note(f"SP isn't a multiple of 16 where it is the base of an access: 0x{sp:x}", pc)

    def at_return(self) -> None:
        """Look at the registers at the end."""
        session = self._session
        cpu = session.cpu
        for n in _PRESERVED:
            self._kept(f"x{n}", self._x[n], cpu.x[n])
        self._kept("sp", self._sp, cpu.sp)
        for n in _PRESERVED_V:
            self._kept(f"v{n}", self._v[n], cpu.v[n].q & _LOW)
        self._kept("fpcr", self._fpcr, cpu.fpcr)
        time = session.last_write("x18") if self._is_apple else None
        if time is not None:
            self._note("X18 is the system's, and it is written", session.timeline.path.pc(time))

    def _kept(self, name: str, before: int, after: int) -> None:
        if before == after:
            return
        session = self._session
        time = session.last_write(name)
        pc = session.timeline.path.pc(session.time - 1 if time is None else time)
        shown = f"the low half of {name}" if name[0] == "v" else name
        self._note(f"{shown} isn't preserved: it was 0x{before:x}, and is 0x{after:x} at the return", pc)
