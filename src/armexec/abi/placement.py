"""The registers and stack slots that hold a function's arguments and its result.

Sources: AAPCS64, "Parameter passing" and "Result return"; Apple, "Writing ARM64 code for Apple platforms".
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self, TypeAlias

from armexec.cpu.registers import REGISTERS, Register
from armexec.errors import SignatureError
from armexec.objects import CType, Image, Prototype

__all__ = [
    "MAX_REGISTER_ARGUMENTS",
    "CallingConvention",
    "Extension",
    "Format",
    "Part",
    "Placement",
    "StackSlot",
    "calling_convention",
    "place_in_registers",
]

CallingConvention: TypeAlias = Literal["aapcs64", "apple"]
Format: TypeAlias = Literal["signed", "unsigned", "binary16", "bfloat16", "binary32", "binary64"]
"""An integer or a pointer, or a floating-point format of IEEE 754."""
Extension: TypeAlias = Literal["sign", "zero", "none"]

MAX_REGISTER_ARGUMENTS = 8
"""Number of X registers, and of V registers, that pass arguments."""
_SLOT = 8
"""Size in bytes, and alignment, of the AAPCS64's stack slots for scalars."""
_STACK_ALIGNMENT = 16


class StackSlot(NamedTuple):
    """Bytes of the stack: the offset from SP at the call, and the size with padding."""

    offset: int
    size: int


class Part(NamedTuple):
    """Consecutive bytes of a value, and the register or the stack slot whose lowest bytes hold them.

    `offset` and `size` are in bytes, `offset` from the value's beginning. `extension` tells how the register's lowest
    32 bits are filled. All other bits of the register or the slot are unspecified.
    """

    place: Register | StackSlot
    offset: int
    size: int
    format: Format
    extension: Extension = "none"


@dataclass(frozen=True)
class Placement:
    """The places of a function's arguments and of its result, in the state at the call and at the return.

    `arguments` has the parts of each argument, in the order of their offsets; `result` has none for void. `stack_size`
    is the number of bytes that the caller takes from the stack, a multiple of 16.
    """

    arguments: tuple[tuple[Part, ...], ...]
    result: tuple[Part, ...]
    stack_size: int

    @classmethod
    def of(cls, prototype: Prototype, convention: CallingConvention) -> Self:
        """The placement of a prototype's parameters and result.

        Raises:
            SignatureError: a type can't be passed.
        """
        result: tuple[Part, ...] = ()
        if prototype.result.kind != "void":
            # A result is where it would be as the only argument.
            result = _Arguments(convention).place(prototype.result, _format(prototype, "the result", prototype.result))
        arguments = _Arguments(convention)
        parts = tuple(
            arguments.place(parameter.type, _format(prototype, f"parameter {position}", parameter.type))
            for position, parameter in enumerate(prototype.parameters, 1)
        )
        return cls(parts, result, -(-arguments.stack // _STACK_ALIGNMENT) * _STACK_ALIGNMENT)


def calling_convention(image: Image | None) -> CallingConvention:
    """The calling convention of an image's code; the host's for machine words, and where there is no image."""
    if image is None or image.format == "words":
        return "apple" if sys.platform == "darwin" else "aapcs64"
    return "apple" if image.format == "macho" else "aapcs64"


def place_in_registers(prototype: Prototype, convention: CallingConvention) -> Placement:
    """The placement of a prototype whose arguments are all in registers.

    Raises:
        SignatureError: a type can't be passed, or an argument is on the stack.
    """
    placement = Placement.of(prototype, convention)
    for part in (part for parts in placement.arguments for part in parts):
        if isinstance(part.place, StackSlot):
            what = "integer or pointer" if part.format in ("signed", "unsigned") else "floating-point"
            raise SignatureError(
                f"`{prototype}`: more than {MAX_REGISTER_ARGUMENTS} {what} parameters can't be passed yet"
            )
    return placement


def _format(prototype: Prototype, what: str, ctype: CType) -> Format:
    """The format of a scalar. Raises SignatureError for other types."""
    size = ctype.size
    if ctype.kind == "float" and size in (2, 4, 8):
        if ctype.format == "bfloat16":
            return "bfloat16"
        return "binary16" if size == 2 else "binary32" if size == 4 else "binary64"
    if ctype.kind == "pointer" or (ctype.kind in ("bool", "int", "enum") and size in (1, 2, 4, 8)):
        return "signed" if ctype.signed else "unsigned"
    raise SignatureError(
        f"`{prototype}`: {what} has type {ctype}, and only integers, floating-point numbers and pointers"
        " can be passed yet"
    )


class _Arguments:
    """Registers and stack that the arguments so far have taken (NGRN, NSRN and NSAA in the AAPCS64)."""

    def __init__(self, convention: CallingConvention) -> None:
        self.convention = convention
        self.general = 0
        self.vectors = 0
        self.stack = 0

    def place(self, ctype: CType, format: Format) -> tuple[Part, ...]:
        """The parts of the next argument."""
        size = ctype.size
        is_integer = format in ("signed", "unsigned")
        taken = self.general if is_integer else self.vectors
        if taken == MAX_REGISTER_ARGUMENTS:
            return (Part(self._slot(size), 0, size, format),)
        if not is_integer:
            self.vectors += 1
            return (Part(REGISTERS[f"v{taken}"], 0, size, format),)
        self.general += 1
        extension: Extension = "none"
        if self.convention == "apple" and size < 4:
            extension = "sign" if format == "signed" else "zero"
        return (Part(REGISTERS[f"x{taken}"], 0, size, format, extension),)

    def _slot(self, size: int) -> StackSlot:
        """The next slot for a scalar: Apple's are as large as the scalar, and aligned to that."""
        slot = size if self.convention == "apple" else _SLOT
        offset = -(-self.stack // slot) * slot
        self.stack = offset + slot
        return StackSlot(offset, slot)
