"""A way out of native code, back to the call from Python, as longjmp does.

No trap stops code that the processor itself runs. So branches to undefined symbols go to `WayOut.leave`. Written for
AAPCS64: X19 to X30, SP and D8 to D15 are callee-saved.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

from armexec.memory import Protection, allocate, page_size

__all__ = ["WayOut"]

# enter: saves the callee-saved registers in the words at X9, and calls the address in word 21.
_ENTER = """
    49040058 335100a9 355901a9 376102a9 396903a9 3b7104a9 3d7905a9
    ea030091 2a3100f9 28a5066d 2aad076d 2cb5086d 2ebd096d
    2a5540f9 40013fd6 69020058 3e2d40f9 c0035fd6
"""
# leave: stores X30, the place that it comes from, in word 22, restores the registers, and returns from enter.
_LEAVE = """
    09020058 3e5900f9 335140a9 355941a9 376142a9 396943a9 3b7144a9 3d7945a9
    2a3140f9 5f010091 28a5466d 2aad476d 2cb5486d 2ebd496d c0035fd6
"""
_NOP = "1f2003d5"
_TARGET, _FROM, _WORDS = 21, 22, 23


class WayOut:
    """Code that calls functions, and returns from the call when one of them branches to `leave`.

    One thread at a time uses it: there is one place for the registers.
    """

    def __init__(self) -> None:
        self._words = (ctypes.c_uint64 * _WORDS)()
        self._lock = threading.Lock()
        code = bytes.fromhex(_ENTER + _LEAVE + _NOP) + ctypes.addressof(self._words).to_bytes(8, "little")
        self._region = allocate(len(code), executable=True)
        self._region.write(0, code)
        self._region.seal([(0, page_size(), Protection.READ | Protection.EXECUTE)])
        self.leave = self._region.address + len(bytes.fromhex(_ENTER))
        """The address to branch to with link; X30 then tells the place that it comes from."""

    def bind(self, address: int, result: Any, parameters: list[Any], error: Callable[[int], Exception]) -> Any:
        """A callable for the function at an address; `error` makes the exception for a call that left, from X30."""
        # PYFUNCTYPE keeps the GIL: no other thread of this interpreter uses the words meanwhile.
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
