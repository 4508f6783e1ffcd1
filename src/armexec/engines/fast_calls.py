"""Types of C as those of the code that makes calls without ctypes (translate/python_calls)."""

from __future__ import annotations

from armexec.abi.elements import typed_element
from armexec.abi.frames.block import BLOCK_SIZE, place_offset
from armexec.abi.frames.fields import slices
from armexec.abi.integers import integer_range
from armexec.abi.placement import CallingConvention, Part, Placement, StackSlot
from armexec.abi.values import Struct, codec
from armexec.objects import CType, Prototype
from armexec.translate.python_calls.call_types import CallTypes, Passed, Returned
from armexec.translate.python_calls.frame_ir import Frame, Slice

__all__ = ["call_types", "frame_call_types", "is_number", "passed", "returned"]

_MAX_FRAME = 2048
"""Bytes of the host's stack that a call may take for its frame."""
_ALIGN = 16


def is_number(ctype: CType) -> bool:
    """Whether it is an integer of at most 64 bits, or a float or double."""
    if ctype.kind == "float":
        return ctype.size in (4, 8)
    return ctype.kind in ("bool", "int", "enum") and ctype.size <= 8


def _is_passed(ctype: CType) -> bool:
    return is_number(ctype) or ctype.kind == "pointer"


def passed(ctype: CType) -> Passed:
    """A parameter: a number, a pointer, or a struct."""
    if ctype.kind in ("struct", "union"):
        return Passed(8 * ctype.size, is_struct=True)
    if ctype.kind == "float":
        return Passed(ctype.size * 8, is_float=True)
    if ctype.kind != "pointer":
        return Passed(ctype.size * 8, *integer_range(ctype))
    target, element = ctype.target, typed_element(ctype.target)
    return Passed(
        64,
        buffers=True,
        addresses=not ctype.is_reference,
        writable=target is None or not target.const,
        element=element.size if element is not None else 0,
        # NumPy has no such numbers: arrays hold their bits.
        floats=element is not None and element.kind == "float" and not element.format,
    )


def returned(ctype: CType) -> Returned:
    """A result: a number, a pointer, a struct, or none."""
    if ctype.kind in ("struct", "union"):
        return Returned("struct", 8 * ctype.size)
    if ctype.kind in ("void", "bool"):
        return Returned(ctype.kind, 8 if ctype.kind == "bool" else 0)
    return Returned("float" if ctype.kind == "float" else "signed" if ctype.signed else "unsigned", ctype.size * 8)


def call_types(prototype: Prototype) -> CallTypes | None:
    """Those of a prototype that `passes_scalars_in_registers`; None for half-precision numbers."""
    types = [parameter.type for parameter in prototype.parameters]
    if not all(map(_is_passed, types)) or not (prototype.result.kind == "void" or _is_passed(prototype.result)):
        return None
    return CallTypes(tuple(map(passed, types)), returned(prototype.result))


def frame_call_types(prototype: Prototype, convention: CallingConvention) -> tuple[CallTypes | None, tuple[type, ...]]:
    """Those of a prototype whose calls go by a frame, and the classes of its structs, that of the result last. None if
    it has other types than numbers, pointers and structs, or much of them.

    Raises:
        SignatureError: a type can't be passed.
    """
    if prototype.variadic:
        return None, ()
    placement = Placement.of(prototype, convention)
    builder = _FrameBuilder(BLOCK_SIZE + placement.stack_size)
    types = [parameter.type for parameter in prototype.parameters]
    arguments = tuple(builder.slices(*each) for each in zip(types, placement.arguments, strict=True))
    result = prototype.result
    results = builder.slices(result, placement.result) if result.kind != "void" else ()
    if not builder.possible or builder.size > _MAX_FRAME:
        return None, ()
    frame = Frame(builder.size, BLOCK_SIZE, placement.stack_size, tuple(builder.addresses), arguments, results)
    return CallTypes(tuple(map(passed, types)), returned(result), frame), tuple(builder.classes)


class _FrameBuilder:
    """Where values are in a frame. `possible` becomes false for values that only Python can convert."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.addresses: list[tuple[int, int]] = []
        self.classes: list[type] = []
        self.possible = True

    def slices(self, ctype: CType, parts: tuple[Part, ...]) -> tuple[Slice, ...]:
        """Where the bytes of a value are: in its parts' places, or in room of its own."""
        if _is_passed(ctype):
            (part,) = parts
            # Integers are extended to their place.
            is_whole = ctype.kind in ("float", "pointer")
            size = ctype.size if is_whole else part.place.size if isinstance(part.place, StackSlot) else 8
            return (Slice(place_offset(part), 0, size),)
        kind = codec(ctype)
        # The memory of other values would have to be aligned.
        if not isinstance(kind, Struct) or not kind.is_plain:
            self.possible = False
            return ()
        self.classes.append(kind.made)
        if not parts or parts[0].format != "address":
            return tuple(Slice(*found) for found in slices([(place_offset(part), part) for part in parts]))
        at = -(-self.size // _ALIGN) * _ALIGN
        self.size = at + ctype.size
        self.addresses.append((place_offset(parts[0]), at))
        return (Slice(at, 0, ctype.size),)
