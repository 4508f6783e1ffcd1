"""Parts that descriptions of integer instructions share: names of signed and unsigned forms, and arrangements."""

from __future__ import annotations

from collections.abc import Callable

from ...operands.simd import IMMH_Q, IMMH_SCALAR, SIZE_Q, SIZE_SCALAR, Arrangement, halves

Decorator = Callable[[Callable[..., None]], Callable[..., None]]
Forms = list[tuple[str, str, str]]

TO_32 = SIZE_Q.without("2d")
ONLY_16_AND_32 = SIZE_Q.without("8b", "16b", "2d")
BYTES = Arrangement("size:Q", {"00:0": "8b", "00:1": "16b"})
SCALAR_TO_32 = SIZE_SCALAR.without("d")
SCALAR_16_AND_32 = Arrangement("size", {"01": "h", "10": "s"})
SCALAR_64 = Arrangement("size", {"11": "d"})
SHIFTED_TO_32 = IMMH_Q.without("2d")
SHIFTED_SCALAR_TO_32 = IMMH_SCALAR.without("d")
SHIFTED_SCALAR_64 = Arrangement("immh", {"1xxx": "d"})


def names_by_u(names: tuple[str, ...], constraints: str = "") -> list[tuple[str, str]]:
    """The mnemonics with their constraints: of two the first is that of U=0."""
    if len(names) == 1:
        return [(names[0], constraints)]
    return [(name, f"U={u} {constraints}".strip()) for u, name in enumerate(names)]


def forms_by_u(names: tuple[str, ...], suffix: str, syntax: str, constraints: str = "") -> Forms:
    """The forms of instructions that differ in U; `suffix` is Arm's name of the class."""
    return [
        (f"{name}_{suffix}", narrowed, f"{name.lower()} {syntax}") for name, narrowed in names_by_u(names, constraints)
    ]


def halves_by_u(names: tuple[str, ...], suffix: str, syntax: str, constraints: str = "") -> Forms:
    """The same with the forms of both halves: SADDL, SADDL2, UADDL, UADDL2."""
    return [
        form
        for name, narrowed in names_by_u(names, constraints)
        for form in halves(f"{name}_{suffix}", f"{name.lower()}{{2}} {syntax}", narrowed)
    ]
