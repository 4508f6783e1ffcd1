"""What a loop over elements does: where the arguments of each call come from, and where its result goes."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["LOOP_PARAMETERS", "Loop", "Operand", "Source"]

LOOP_PARAMETERS = "ptr %arguments, ptr %dimensions, ptr %steps, ptr %data"
"""Those of NumPy's PyUFuncGenericFunction."""


class Source(NamedTuple):
    """An argument. `kind` "value": an element of the operand `number`; "address": the address of its elements;
    "length": the size of the dimension `number` of a generalized ufunc."""

    kind: str
    number: int


class Operand(NamedTuple):
    """An operand: the bytes of an element, and its core dimensions, by their numbers. `is_bool`: elements are 0 or 1.
    `is_written`: the guest writes it, by an address or as its result."""

    size: int
    core: tuple[int, ...] = ()
    is_bool: bool = False
    is_written: bool = False


class Loop(NamedTuple):
    """A loop of a ufunc, or of a generalized one with `dimensions` core dimensions. `sources` has one for each argument
    of the guest's function; its result goes to the operand `result`, -1: there is none."""

    sources: tuple[Source, ...]
    operands: tuple[Operand, ...]
    result: int
    dimensions: int = 0
