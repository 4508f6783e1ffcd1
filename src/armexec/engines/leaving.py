"""A way out of native code: back to where Python called it, as longjmp does.

Code that the processor itself runs can't be stopped by a trap. Where it would go on at what nothing defines, it goes
here instead. Written for AAPCS64: X19 to X30, SP and D8 to D15 are the caller's.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

from armexec.memory import Protection, allocate, page_size

__all__ = ["WayOut"]

# enter: keeps the caller's registers in the words at X9, and calls the address in word 21.
_ENTER = """
    49040058 335100a9 355901a9 376102a9 396903a9 3b7104a9 3d7905a9
    ea030091 2a3100f9 28a5066d 2aad076d 2cb5086d 2ebd096d
    2a5540f9 40013fd6 69020058 3e2d40f9 c0035fd6
"""
# leave: puts X30, which tells where from, into word 22, and returns from enter with the caller's registers.
_LEAVE = """
    09020058 3e5900f9 335140a9 355941a9 376142a9 396943a9 3b7144a9 3d7945a9
    2a3140f9 5f010091 28a5466d 2aad476d 2cb5486d 2ebd496d c0035fd6
"""
_NOP = "1f2003d5"
_TARGET, _FROM, _WORDS = 21, 22, 23


class WayOut:
    """Code that calls functions, and that they leave by when they branch to `leave`.

    One thread at a time: the registers have one place.
    """

    def __init__(self) -> None:
        self._words = (ctypes.c_uint64 * _WORDS)()
        self._lock = threading.Lock()
        code = bytes.fromhex(_ENTER + _LEAVE + _NOP) + ctypes.addressof(self._words).to_bytes(8, "little")
        self._region = allocate(len(code), executable=True)
        self._region.write(0, code)
        self._region.seal([(0, page_size(), Protection.READ | Protection.EXECUTE)])
        self.leave = self._region.address + len(bytes.fromhex(_ENTER))
        """Where to branch with link: X30 tells where from."""

    def bind(self, address: int, result: Any, parameters: list[Any], error: Callable[[int], Exception]) -> Any:
        """A callable for the function at an address; `error` makes the exception where it has left, of what X30 was."""
        # PYFUNCTYPE: no other thread of this interpreter comes in between.
        function = ctypes.PYFUNCTYPE(result, *parameters)(self._region.address)

        def call(*values: Any) -> Any:
            with self._lock:
                self._words[_TARGET], self._words[_FROM] = address, 0
                returned = function(*values)
                link = self._words[_FROM]
            if link:
                raise error(link)
            return returned

        return call
