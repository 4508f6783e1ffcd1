"""Whether code can tell how floating point is computed: what it may do to FPCR, and see of FPSR."""

from __future__ import annotations

import sys
from array import array

__all__ = ["sees_floating_point_state"]

_WRITES_FPCR = 0xD51B4400 >> 5
_READS_FPSR = 0xD53B4420 >> 5


def sees_floating_point_state(code: bytes) -> bool:
    """Whether some word is `msr fpcr, <Xt>` or `mrs <Xt>, fpsr`."""
    words = array("I", code[: len(code) & ~3])
    if sys.byteorder == "big":
        words.byteswap()
    return any(word >> 5 in (_WRITES_FPCR, _READS_FPSR) for word in words)
