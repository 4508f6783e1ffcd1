"""How instructions leave for somewhere else: by a call, by a return, or otherwise."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

from armexec.isa.decode import decode

__all__ = ["Transfer", "transfer"]


class Transfer(IntEnum):
    """`RETURN` is `ret`, or `br x30`. `INDIRECT` may go to any address: also a trap that the host deals with. `DIRECT`
    goes where the instruction says, or on."""

    DIRECT = 0
    CALL = 1
    RETURN = 2
    INDIRECT = 3


@lru_cache(1 << 14)
def transfer(word: int) -> Transfer:
    """How an instruction leaves. One that goes on at the next one is `DIRECT`, too."""
    decoded = decode(word)
    control = decoded.effects.control if decoded is not None else "undefined"
    if control in ("call", "call to register"):
        return Transfer.CALL
    if control in ("", "branch", "conditional branch"):
        return Transfer.DIRECT
    reads = decoded.effects.reads if decoded is not None else {}
    if control == "return" or (control == "branch to register" and ("x", 30) in reads):
        return Transfer.RETURN
    return Transfer.INDIRECT
