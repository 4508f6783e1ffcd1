"""The rules of the procedure call standard, looked at while a session goes on.

Sources: Procedure Call Standard for the Arm 64-bit Architecture (AAPCS64), 6.1, 6.2 and 6.4.5; Apple, "Writing ARM64
code for Apple platforms".
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from armexec.abi import calling_convention
from armexec.debugger import Session
from armexec.isa import decode
from armexec.objects import Image

__all__ = ["ConventionChecks", "Violation"]

_PRESERVED = range(19, 30)
_FILLED = range(19, 29)
_PRESERVED_V = range(8, 16)
_TAG = 0xCA11E600_00000000
"""In what the caller has in its registers, with the register's number behind."""
_LOW = (1 << 64) - 1
_RED_ZONE = 128
"""Bytes below SP that Apple's code may use; elsewhere there are none."""
_MOST = 20
_SP = "sp", 31
_X18 = "x", 18


class Violation(NamedTuple):
    """One of a rule: what is wrong, and where: the pc, the instruction's text, its source line, empty if unknown, and
    the time at which the instruction was next: the first access that broke the rule, or the last write."""

    rule: str
    pc: int
    instruction: str
    source: str
    time: int

    def __str__(self) -> str:
        return f"{self.rule}\n    at 0x{self.pc:x}: {self.instruction}" + (f"  ({self.source})" if self.source else "")


class ConventionChecks:
    """What is looked at in a session that stands before the first instruction of a call. `access` is called for each
    access of the call, as `SessionGuest.access` is; `violations` gives what was found so far. X19 to X28 and V8 to V15
    become other than zero."""

    def __init__(self, session: Session, image: Image, *, returns: bool = True) -> None:
        """`image`: that of the function, whose target says what the rules are. `returns`: whether the end is a return,
        at which registers have to be as before."""
        self._session = session
        self._is_apple = calling_convention(image) == "apple"
        self._red_zone = _RED_ZONE if self._is_apple else 0
        self._returns = returns
        self._found: dict[tuple[str, int], Violation] = {}
        if returns:
            self._fill()
        self._before = self._preserved()
        stack = next(region for region in session.target.regions() if region[3] == "[stack]")
        self._stack = stack[0], stack[1]

    def _fill(self) -> None:
        """Give registers of the caller values of their own: zeros that are overwritten by zeros would look preserved.
        X29 stays, since chains of frames end with it."""
        cpu = self._session.cpu
        for n in _FILLED:
            cpu.x[n] = n // 10 << 4 | n % 10 | _TAG
        for n in _PRESERVED_V:
            cpu.v[n].q = n // 10 << 4 | n % 10 | _TAG

    def _preserved(self) -> dict[str, int]:
        """The registers that have to be the same at the return, by their names."""
        cpu = self._session.cpu
        found = {f"x{n}": cpu.x[n] for n in _PRESERVED}
        found["sp"] = cpu.sp
        found |= {f"v{n}": cpu.v[n].q & _LOW for n in _PRESERVED_V}
        found["fpcr"] = cpu.fpcr
        return found

    def ignore(self, register: str) -> None:
        """Leave one out at the return, since somebody else has changed it."""
        self._before.pop(register, None)

    def access(self, kind: str, address: int, old: bytes, new: bytes) -> None:
        """Look at an access, before the instruction has changed registers."""
        state = self._session.cpu.state
        sp = int(state.sp)
        is_below = address < sp - self._red_zone
        if not (is_below or sp % 16) or not self._stack[0] <= address < self._stack[1]:
            return
        reads, writes = _uses_of_sp(self._session.timeline.guest.word)
        pc, time = int(state.pc), self._session.timeline.guest.time
        # An access with write-back may make room by itself.
        if is_below and not writes:
            done = "reads" if kind == "read" else "writes"
            limit = f"more than {self._red_zone} bytes below" if self._red_zone else "below"
            self._note(self._found, f"it {done} {limit} SP: {sp - address} bytes below", pc, time)
        if sp % 16 and reads:
            rule = f"SP isn't a multiple of 16 where it is the base of an access: 0x{sp:x}"
            self._note(self._found, rule, pc, time)

    def _note(self, found: dict[tuple[str, int], Violation], rule: str, pc: int, time: int) -> None:
        key = rule.partition(":")[0], pc
        if key in found:
            return
        place, instruction = self._session.places.place(pc), self._session.instruction_at(pc)
        source = f"{place.line.file}:{place.line.line}" if place.line is not None and place.line.line else ""
        text = instruction.text if instruction is not None else "(no code)"
        found[key] = Violation(rule, pc, text, source, time)

    def violations(self) -> tuple[Violation, ...]:
        """What was found so far, in the order of times, twenty at most; what has to be as before at the return, only if
        the session stands there."""
        found = dict(self._found)
        if self._is_apple:
            for pc, time in self._writers_of_x18():
                self._note(found, "X18 is the system's, and it is written", pc, time)
        if self._returns and self._session.finished:
            self._at_return(found)
        return tuple(sorted(found.values(), key=lambda violation: violation.time)[:_MOST])

    def _writers_of_x18(self) -> Iterator[tuple[int, int]]:
        """The pc of each instruction that writes X18, and when it was executed last."""
        timeline = self._session.timeline
        for pc in timeline.path.counts():
            decoded = decode(timeline.guest.guest.fetch(pc) or 0)
            if decoded is not None and _X18 in decoded.effects.writes:
                time = timeline.path.last(pc.__eq__)
                assert time is not None
                yield pc, time

    def _at_return(self, found: dict[tuple[str, int], Violation]) -> None:
        session, after = self._session, self._preserved()
        for name, before in self._before.items():
            if before == after[name]:
                continue
            time = session.last_write(name)
            time = session.time - 1 if time is None else time
            shown = f"the low half of {name}" if name[0] == "v" else name
            rule = f"{shown} isn't preserved: it was 0x{before:x}, and is 0x{after[name]:x} at the return"
            self._note(found, rule, session.timeline.path.pc(time), time)


@lru_cache(4096)
def _uses_of_sp(word: int) -> tuple[bool, bool]:
    """Whether an instruction reads SP, and whether it writes it."""
    decoded = decode(word)
    return (False, False) if decoded is None else (_SP in decoded.effects.reads, _SP in decoded.effects.writes)
