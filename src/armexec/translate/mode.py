"""The translations that there are of a piece of code."""

from __future__ import annotations

import sys
from array import array
from typing import Literal, NamedTuple

__all__ = ["COUNTED", "NONSPECULATIVE", "SPECULATIVE", "STRICT", "Mode", "reads_fpsr"]


class Mode(NamedTuple):
    """How a translation computes with floating-point numbers.

    `fp`: by the host's instructions, as with an FPCR of zero ("host"), or as FPCR says, with the flags of FPSR
    ("strict"). `nan`: where a NaN comes up, code of another mode goes on ("deferred"), or it is dealt with there as the
    manual says ("immediate"). `counted`: it counts instructions, and stops at a limit of them.
    """

    fp: Literal["host", "strict"] = "host"
    nan: Literal["deferred", "immediate"] = "deferred"
    counted: bool = False

    @property
    def is_strict(self) -> bool:
        """Whether FPCR and FPSR count."""
        return self.fp == "strict"

    def __str__(self) -> str:
        name = "strict" if self.is_strict else "speculative" if self.nan == "deferred" else "nonspeculative"
        return f"counted {name}" if self.counted else name


SPECULATIVE = Mode()
NONSPECULATIVE = Mode(nan="immediate")
STRICT = Mode("strict", "immediate")
COUNTED = {mode: mode._replace(counted=True) for mode in (SPECULATIVE, NONSPECULATIVE, STRICT)}
"""The mode that counts instructions, for each that doesn't."""

# What is described isn't looked at: it is seldom imported where translations are kept. A test compares with it.
_READS_FPSR = 0xD53B4420 >> 5


def reads_fpsr(code: bytes) -> bool:
    """Whether some word is `mrs <Xt>, fpsr`."""
    words = array("I", code[: len(code) & ~3])
    if sys.byteorder == "big":
        words.byteswap()
    return any(word >> 5 == _READS_FPSR for word in words)
