"""The registers and stack slots that hold a function's arguments and its result.

Sources: AAPCS64, "Parameter passing" and "Result return"; Apple, "Writing ARM64 code for Apple platforms".
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Self

from armexec.abi.placement.arguments import MAX_REGISTER_ARGUMENTS, Arguments, is_indirect
from armexec.abi.placement.classes import has_no_members, is_complete, is_composite, scalar_format
from armexec.abi.placement.parts import CallingConvention, Part
from armexec.cpu.registers import REGISTERS
from armexec.errors import SignatureError
from armexec.objects import CType, Image, Prototype

__all__ = ["Placement", "calling_convention", "can_call", "passes_scalars_in_registers", "place_in_registers"]

_STACK_ALIGNMENT = 16


@dataclass(frozen=True)
class Placement:
    """The places of a function's arguments and of its result, in the state at the call and at the return.

    `arguments` has the parts of each argument, in the order of their offsets: none for one that isn't passed. `result`
    has none for void; if the result is stored in memory, its one part is X8 with the format "address", whose value is
    that at the call. `stack_size` is the number of bytes that the caller takes from the stack, a multiple of 16.
    """

    arguments: tuple[tuple[Part, ...], ...]
    result: tuple[Part, ...]
    stack_size: int

    @classmethod
    def of(cls, prototype: Prototype, convention: CallingConvention, variable: Sequence[CType] = ()) -> Self:
        """The placement of a prototype's parameters and result.

        Args:
            variable: the types of a variadic function's further arguments, after C's default argument promotions.

        Raises:
            SignatureError: a type can't be passed, or there are further arguments, and the function isn't variadic.
        """
        if variable and not prototype.variadic:
            raise SignatureError(f"`{prototype}` isn't variadic: it takes no further arguments")
        result = _result(prototype, convention)
        arguments = Arguments(convention)
        parts = []
        types = [*(parameter.type for parameter in prototype.parameters), *variable]
        for position, ctype in enumerate(types, 1):
            try:
                parts.append(arguments.place(ctype, variable=position > len(prototype.parameters)))
            except SignatureError as error:
                raise SignatureError(f"`{prototype}`: parameter {position} has type {ctype}: {error}") from None
        return cls(tuple(parts), result, -(-arguments.stack // _STACK_ALIGNMENT) * _STACK_ALIGNMENT)


def _result(prototype: Prototype, convention: CallingConvention) -> tuple[Part, ...]:
    """A result is where it would be as the only argument, or where X8 points to. Raises SignatureError."""
    ctype = prototype.result
    if ctype.kind == "void":
        return ()
    try:
        if is_composite(ctype) and is_complete(ctype):
            if is_indirect(ctype):
                return (Part(REGISTERS["x8"], 0, ctype.size, "address"),)
            if has_no_members(ctype):
                return ()
        return Arguments(convention).place(ctype)
    except SignatureError as error:
        raise SignatureError(f"`{prototype}`: the result has type {ctype}: {error}") from None


def calling_convention(image: Image | None) -> CallingConvention:
    """The calling convention of an image's code; the host's for machine words, and where there is no image."""
    if image is None or image.format == "words":
        return "apple" if sys.platform == "darwin" else "aapcs64"
    return "apple" if image.format == "macho" else "aapcs64"


def can_call(caller: Image, callee: Image, prototype: Prototype) -> bool:
    """Whether the code of one image has the places of arguments and result that the code of another expects."""
    own, other = calling_convention(caller), calling_convention(callee)
    if own == other:
        return True
    if prototype.variadic:
        return False
    try:
        given, taken = Placement.of(prototype, own), Placement.of(prototype, other)
    except SignatureError:
        return True  # an incomplete type: nobody knows
    return all(_suffices(given_part, part) for given_part, part in _pairs(given.arguments, taken.arguments)) and all(
        _suffices(given_part, part) for given_part, part in _pairs((taken.result,), (given.result,))
    )


def _pairs(
    left: tuple[tuple[Part, ...], ...], right: tuple[tuple[Part, ...], ...]
) -> Iterator[tuple[Part | None, Part | None]]:
    for these, those in zip_longest(left, right, fillvalue=()):
        yield from zip_longest(these, those)


def _suffices(given: Part | None, taken: Part | None) -> bool:
    """Whether a part is where it is expected, and at least as far extended."""
    if given is None or taken is None:
        return given is taken
    return given._replace(extension=taken.extension) == taken and taken.extension in ("none", given.extension)


def place_in_registers(prototype: Prototype, convention: CallingConvention) -> Placement:
    """The placement of a prototype that `passes_scalars_in_registers`. Raises SignatureError for others."""
    if not passes_scalars_in_registers(prototype):
        raise SignatureError(f"`{prototype}` has other arguments than scalars of up to 64 bits in registers")
    return Placement.of(prototype, convention)


def passes_scalars_in_registers(prototype: Prototype) -> bool:
    """Whether arguments and result are scalars of up to 64 bits, all in registers, and none are variable."""
    types = [parameter.type for parameter in prototype.parameters]
    if prototype.variadic or not all(map(_is_scalar, types)):
        return False
    if prototype.result.kind != "void" and not _is_scalar(prototype.result):
        return False
    floats = sum(ctype.kind == "float" for ctype in types)
    # All conventions have the same registers.
    return max(floats, len(types) - floats) <= MAX_REGISTER_ARGUMENTS


def _is_scalar(ctype: CType) -> bool:
    simple = ctype.kind in ("bool", "int", "enum", "float", "pointer") and ctype.size <= 8
    return simple and scalar_format(ctype) is not None
