"""Words as the interpreter executes them."""

from __future__ import annotations

from collections.abc import Callable

from armexec.isa import decode
from armexec.isa.coverage import known_encoding
from armexec.machines.traps import Trap, TrapKind

__all__ = ["executable"]

_MOST = 1 << 16
"""Words that are remembered: a guest that writes code may execute any number."""

# A word's semantics and field values never change, so decoding is done once.
_decoded: dict[int, tuple[Callable[..., None], tuple[int, ...]]] = {}


def executable(word: int, pc: int) -> tuple[Callable[..., None], tuple[int, ...]]:
    """The semantic function of a word, and the values of its fields.

    Raises:
        Trap: it is UNDEFINED, or an instruction that isn't described (at `pc`).
    """
    entry = _decoded.get(word)
    if entry is None:
        decoded = decode(word)
        if decoded is None:
            name = known_encoding(word)
            if name is None:
                raise Trap(TrapKind.UNDEFINED, pc)
            raise Trap(TrapKind.UNSUPPORTED, pc, word, name)
        if len(_decoded) >= _MOST:
            _decoded.clear()
        entry = _decoded[word] = decoded.instruction.semantics, tuple(decoded.fields.values())
    return entry
