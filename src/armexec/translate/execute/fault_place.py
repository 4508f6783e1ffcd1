"""The instruction whose access has faulted, where the line table has told a neighbour of it.

LLVM makes one instruction of a load and what uses its result, and the line table may have it for either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from armexec.isa import decode
from armexec.machines.traps import TrapKind

__all__ = ["accesses", "fault_place"]

_KINDS = {TrapKind.READ: ("read", "read-write"), TrapKind.WRITE: ("write", "read-write")}
_REACH = 64
"""Maximum distance, in instructions, at which an access is looked for."""


def fault_place(
    pc: int, kind: TrapKind, fetch: Callable[[int], int | None], source: Callable[[int], int | None]
) -> int:
    """The address of the instruction that makes an access of this kind: `pc`, if it does.

    Else that of the load whose result it uses, which `source` knows, or of the nearest such instruction: a read is made
    before its result is used, and a write after what it is of is computed. If there is none, `pc`.
    """
    if accesses(pc, kind, fetch):
        return pc
    loaded = source(pc)
    if loaded is not None and accesses(loaded, kind, fetch):
        return loaded
    return next((at for at in _around(pc, kind, fetch) if accesses(at, kind, fetch)), pc)


def _around(pc: int, kind: TrapKind, fetch: Callable[[int], int | None]) -> Iterator[int]:
    first = -4 if kind is TrapKind.READ else 4
    for step in (first, -first):
        for distance in range(1, _REACH):
            if fetch(pc + step * distance) is None:
                break
            yield pc + step * distance


def accesses(address: int, kind: TrapKind, fetch: Callable[[int], int | None]) -> bool:
    """Whether the instruction at an address makes an access of this kind."""
    word = fetch(address)
    decoded = decode(word) if word is not None else None
    if decoded is None:
        return False
    return any(access.kind in _KINDS[kind] for access in decoded.effects.accesses)
