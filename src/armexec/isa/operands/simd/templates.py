"""Operands in the templates of SIMD and floating-point instructions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..basic import Operand
from .arrangements import Arrangement, FixedArrangement
from .elements import Element, ElementIndex, OnlyElement
from .immediates import ZeroImmediate
from .lists import RegisterList
from .registers import SizedScalar, VectorRegister

__all__ = ["SIMD_TEMPLATE", "halves", "simd_operand"]


_FIELD_OF = {"d": "Rd", "n": "Rn", "m": "Rm", "a": "Ra", "s": "Rs", "t": "Rt", "t1": "Rt", "t2": "Rt2"}
SIMD_TEMPLATE = (
    r"#0\.0|#0(?![\w.])"
    r"|\{ <V[a-z]>\.[^}]*\}(?:\[<?\w+>?\])?"
    r"|<V[a-z]\d?>\.(?:<T\w*>|\d*[BHSDQ])(?:\[<?\w+>?\])?"
    r"|<V[a-z]?><[a-z]>"
)
"""The pieces of a template that are one operand, as a regular expression without groups."""
_VECTOR = re.compile(r"<V([a-z]\d?)>\.(?:<(T\w*)>|(\d*[BHSDQ]))")
_INDEX = re.compile(r"\[<?(\w+)>?\]$")
_SIZED = re.compile(r"<(V[a-z]?)><([a-z])>")


def simd_operand(template: str, operands: Mapping[str, Operand]) -> Operand:
    """The operand for a piece of a template that SIMD_TEMPLATE matches.

    Raises:
        ValueError: it names something that isn't in `operands`, or isn't of the right kind there.
    """
    if template.startswith("#"):
        return ZeroImmediate(template)
    sized = _SIZED.fullmatch(template)
    if sized is not None:
        return SizedScalar(_FIELD_OF[sized[2]], _named(sized[1], operands, Arrangement, template))
    vector = _VECTOR.search(template)
    if vector is None:
        raise ValueError(f"no operand {template}")
    letter, name, fixed = vector.groups()
    field = _FIELD_OF[letter]
    arrangement = _named(name, operands, Arrangement, template) if name else FixedArrangement(fixed.lower())
    written = _INDEX.search(template)
    index: ElementIndex | None = None
    if written is not None:
        index = (
            OnlyElement(int(written[1]))
            if written[1].isdigit()
            else _named(written[1], operands, ElementIndex, template)
        )
    if template.startswith("{"):
        return RegisterList(field, arrangement, template.count(",") + 1, index)
    return Element(field, arrangement, index) if index else VectorRegister(field, arrangement)


def _named(name: str, operands: Mapping[str, Operand], kind: type[Any], template: str) -> Any:
    operand = operands.get(name)
    if not isinstance(operand, kind):
        raise ValueError(f"{template}: operands[{name!r}] must be {kind.__name__}, not {operand!r}")
    return operand


def halves(name: str, syntax: str, constraints: str = "") -> list[tuple[str, str, str]]:
    """The two forms of an encoding whose mnemonic ends in {2} where Q says the upper half."""
    return [
        (name, f"Q={q} {constraints}".strip(), syntax.replace("{2}", suffix, 1)) for q, suffix in ((0, ""), (1, "2"))
    ]
