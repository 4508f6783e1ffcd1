"""Address-taken functions of an image, and its tables of pointers to functions: where its indirect calls may go."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

from armexec.objects.image import Image
from armexec.objects.layout import Relocation
from armexec.objects.relocations import BRANCHES, RelocationType

if TYPE_CHECKING:
    from armexec.isa import Form
    from armexec.isa.operands import Label

__all__ = ["address_taken_functions", "function_tables"]


def address_taken_functions(image: Image) -> tuple[int, ...]:
    """The offsets, in order, of the functions that an ADR, or a relocation of other than a branch, refers to."""
    starts = {function.offset for function in image.functions}
    found = {target for relocation, target in _references(image, starts) if relocation.type not in BRANCHES}
    if not starts - found:
        return tuple(sorted(found))
    for segment in image.segments:
        if segment.executable:
            form, label = _adr()
            mask, value = form.mask, form.value
            words = array("I", segment.data[: len(segment.data) & ~3])
            if sys.byteorder == "big":
                words.byteswap()
            for at, word in enumerate(words):
                if word & mask == value:
                    address = segment.offset + 4 * at
                    target = label.target(label.decode(form.instruction.fields(word)), address)
                    if target in starts:
                        found.add(target)
    return tuple(sorted(found))


def function_tables(image: Image) -> tuple[tuple[int, ...], ...]:
    """Tables of pointers to functions, such as those of virtual functions: the functions' offsets, in their order.

    A table ends where the next word is no such pointer.
    """
    starts = {function.offset for function in image.functions}
    references = _references(image, starts)
    slots = {relocation.offset: target for relocation, target in references if relocation.type == RelocationType.ABS64}
    tables: dict[int, list[int]] = {}
    open_at: dict[int, int] = {}
    for at in sorted(slots):
        start = open_at.pop(at, at)
        tables.setdefault(start, []).append(slots[at])
        open_at[at + 8] = start
    return tuple(map(tuple, tables.values()))


def _references(image: Image, starts: Container[int]) -> Iterator[tuple[Relocation, int]]:
    """The relocations that refer to one of `starts`, each with the offset that it refers to."""
    for relocation in image.relocations:
        offset = image.symbols[relocation.symbol].offset
        if offset is not None and offset + relocation.addend in starts:
            yield relocation, offset + relocation.addend


def _adr() -> tuple[Form, Label]:
    """The encoding of ADR, and its operand."""
    from armexec.isa import forms_of

    (form,) = forms_of("adr", simd_fp=False)
    assert form.label is not None
    return form, form.label
