"""Code that is executed seldom: it is interpreted, since to translate a function takes as long as to interpret some
hundred instructions.
"""

from __future__ import annotations

from armexec.callbacks import SystemCallHandler
from armexec.memory import EXECUTABLE_RANGES
from armexec.translate.guest_state import GuestState
from armexec.translate.support.runtime_ir import ENDS

__all__ = ["ColdCode"]


class ColdCode:
    """Counts how many instructions have been interpreted from where code was entered."""

    def __init__(self) -> None:
        self._interpreted: dict[int, int] = {}
        EXECUTABLE_RANGES.listeners.append(self._changed)

    def is_cold(self, pc: int, most: int) -> bool:
        """Whether it is at most so many, for code that is entered at an address."""
        return self._interpreted.get(pc, 0) <= most

    def _changed(self, begin: int, end: int, gone: bool) -> None:
        if end - begin < len(self._interpreted):
            for at in range(begin & -4, end, 4):
                self._interpreted.pop(at, None)
        else:
            for at in [at for at in tuple(self._interpreted) if begin <= at < end]:
                self._interpreted.pop(at, None)

    def interpret(self, state: GuestState, link: int, most: int, system_call: SystemCallHandler | None) -> int:
        """Interpret from the state's pc on, up to a call of other code or the return to `link`; see `ENDS`.

        It ends at loops that take long, and where code has to be translated: that is cold no more.

        Raises:
            Trap: an instruction didn't complete.
        """
        # Only now: it brings along the whole instruction set.
        from armexec.translate.written.interpret import interpret

        entry = int(state.pc)
        before = self._interpreted.get(entry, 0)
        end = interpret(state, link, most - before, system_call)
        self._interpreted[entry] = before + end.instructions
        if end.hot:
            self._interpreted[int(state.pc)] = most + 1
        return ENDS[end.how]
