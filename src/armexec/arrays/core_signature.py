"""Signatures of generalized ufuncs: "(m,n),(n)->(m)".

NumPy reference, "Generalized universal function API", "Details of signature": operands in parentheses, with the names
of their core dimensions, or their sizes where these are fixed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from armexec.errors import SignatureError

__all__ = ["CoreSignature", "parse_core_signature"]

_OPERAND = r"\(\s*(?:\w+(?:\s*,\s*\w+)*)?\s*\)"
_LIST = rf"{_OPERAND}(?:\s*,\s*{_OPERAND})*"
_SIGNATURE = re.compile(rf"\s*({_LIST})\s*->\s*({_LIST})\s*")
_SIZE = re.compile(r"[1-9][0-9]*")


class CoreSignature(NamedTuple):
    """The core dimensions of each input and of each output, as numbers of `dimensions`, which has the names, and the
    sizes of those that are fixed, in the order in which they appear."""

    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    dimensions: tuple[str, ...]

    @property
    def lengths(self) -> list[int]:
        """The dimensions whose size isn't fixed."""
        return [number for number, name in enumerate(self.dimensions) if not name.isdigit()]

    def __str__(self) -> str:
        sides = [
            ",".join(f"({','.join(self.dimensions[number] for number in core)})" for core in side)
            for side in (self.inputs, self.outputs)
        ]
        return "->".join(sides)


def parse_core_signature(text: str) -> CoreSignature:
    """Raises SignatureError."""
    found = _SIGNATURE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise SignatureError(
            f'a signature of array operands is like "(n),(n)->()" or "(m,n),(n)->(m)", not {text!r:.60}'
        )
    names: list[str] = []
    sides = []
    for side in found.groups():
        operands = []
        for operand in re.findall(_OPERAND, side):
            core = re.findall(r"\w+", operand)
            for name in core:
                if not (_SIZE.fullmatch(name) or name.isidentifier()):
                    raise SignatureError(
                        f"{text!r:.60}: a dimension is a name or a size of at least 1, not {name!r:.20}"
                    )
                if name not in names:
                    names.append(name)
            operands.append(tuple(names.index(name) for name in core))
        sides.append(tuple(operands))
    return CoreSignature(sides[0], sides[1], tuple(names))
