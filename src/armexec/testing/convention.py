"""Calls that have to keep to the procedure call standard."""

from __future__ import annotations

from typing import Any

from armexec.debugger import Session
from armexec.errors import Error
from armexec.module import Function
from armexec.testing.call import GuestCall, called_session
from armexec.testing.convention_checks import ConventionChecks, Violation
from armexec.testing.guarded import Guard

__all__ = ["ConventionViolation", "check_convention"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


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
    code doesn't write X18. X19 to X28 and V8 to V15 aren't zero at first.

    Args:
        function, arguments, named, guard: as for `call`.

    Raises:
        ConventionViolation: it doesn't.
        What the call raises.
    """
    checks: list[ConventionChecks] = []
    found: list[Violation] = []

    def begin(session: Session) -> None:
        checks.append(ConventionChecks(session, function.module.image))
        session.timeline.guest.access = checks[0].access

    def at_end(session: Session) -> None:
        found.extend(checks[0].violations())

    made = called_session(function, arguments, named, guard, begin, at_end)
    if found:
        raise ConventionViolation(function.name, tuple(found))
    return made
