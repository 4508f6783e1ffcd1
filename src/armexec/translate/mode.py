"""The translations that there are of a piece of code, and whether code can tell how floating point is computed."""

from __future__ import annotations

import sys
from array import array
from enum import Enum

__all__ = ["Mode", "sees_floating_point_state"]


class Mode(Enum):
    """How a translation computes with floating-point numbers."""

    FAST = "fast"
    """By the host's instructions, as with an FPCR of zero; where a NaN comes up, careful code goes on."""
    CAREFUL = "careful"
    """By the host's instructions, and NaNs as the manual says."""
    STRICT = "strict"
    """As FPCR says, with the flags of FPSR."""


_WRITES_FPCR = 0xD51B4400 >> 5
_READS_FPSR = 0xD53B4420 >> 5


def sees_floating_point_state(code: bytes) -> bool:
    """Whether some word is `msr fpcr, <Xt>` or `mrs <Xt>, fpsr`."""
    words = array("I", code[: len(code) & ~3])
    if sys.byteorder == "big":
        words.byteswap()
    return any(word >> 5 in (_WRITES_FPCR, _READS_FPSR) for word in words)
