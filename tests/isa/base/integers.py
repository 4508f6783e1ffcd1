"""Strategies of register values, and Python's meaning of signs and conditions."""

from __future__ import annotations

from hypothesis import strategies as st

__all__ = ["ONES", "conditions", "holds", "signed", "u32", "u64"]

ONES = (1 << 64) - 1
u64 = st.integers(0, ONES) | st.sampled_from([0, 1, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 63) - 1, ONES])
u32 = u64.map(lambda value: value & 0xFFFF_FFFF)
conditions = st.sampled_from(["eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"])


def signed(value: int, width: int = 64) -> int:
    value &= (1 << width) - 1
    return value - (1 << width) if value >> (width - 1) else value


def holds(condition: str, nzcv: int) -> bool:
    n, z, c, v = (bool(nzcv >> bit & 1) for bit in (3, 2, 1, 0))
    return {
        "eq": z,
        "ne": not z,
        "hs": c,
        "lo": not c,
        "mi": n,
        "pl": not n,
        "vs": v,
        "vc": not v,
        "hi": c and not z,
        "ls": not c or z,
        "ge": n == v,
        "lt": n != v,
        "gt": n == v and not z,
        "le": n != v or z,
    }[condition]
