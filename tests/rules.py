"""The rule against writable and executable pages, for a process in which other libraries run as well.

ctypes makes such pages for Python callbacks on some hosts, and Unicorn for the code it generates; the tests of either
may have run before.
"""

from __future__ import annotations

from armexec.memory import MapEntry, writable_and_executable

__all__ = ["accept_present", "broken"]

_accepted: set[MapEntry] = set()


def accept_present() -> None:
    """What breaks the rule now isn't the test's."""
    _accepted.clear()
    _accepted.update(writable_and_executable())


def broken() -> list[MapEntry]:
    """The pages that are writable and executable, and weren't when the test began."""
    return [entry for entry in writable_and_executable() if entry not in _accepted]
