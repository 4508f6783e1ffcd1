"""Functions that return to themselves: they call another, and X30 isn't what it was before when they return."""

from __future__ import annotations

from armexec.translate.cfg.discovery import Fetch, discover

__all__ = ["WHY", "returns_to_itself"]

WHY = "the function returns to itself again and again: X30 isn't saved before its calls, and restored after them"
_LINK = ("x", 30)
_MOST = 200
"""Code of more instructions isn't looked at."""


def returns_to_itself(address: int, fetch: Fetch) -> bool:
    """Whether code that is entered at an address, which X30 holds, can only come back there.

    So it is if all its ways end with a return, and nothing on them writes X30.
    """
    flow = discover((address,), fetch)
    if flow.size > _MOST or flow.outside or not any(block.kind == "return" for block in flow.blocks.values()):
        return False
    for block in flow.blocks.values():
        if block.kind not in ("goto", "branch", "return") or (block.kind == "return" and block.target != _LINK[1]):
            return False
        for decoded in block.instructions:
            if isinstance(decoded, int) or _LINK in decoded.effects.writes:
                return False
    return True
