"""The registers and the stack that arguments take, one after the other.

Sources: AAPCS64 2024Q3, "Parameter passing", stages B and C; Apple, "Writing ARM64 code for Apple platforms", "Update
code that passes arguments to variadic functions", and the places that clang gives.
"""

from __future__ import annotations

from armexec.abi.placement.classes import (
    has_no_members,
    homogeneous,
    is_complete,
    is_composite,
    natural_alignment,
    scalar_format,
)
from armexec.abi.placement.parts import CallingConvention, Extension, Format, Part, StackSlot
from armexec.cpu.registers import REGISTERS
from armexec.errors import SignatureError
from armexec.objects import CType

__all__ = ["MAX_REGISTER_ARGUMENTS", "Arguments", "is_indirect", "is_left_out"]

MAX_REGISTER_ARGUMENTS = 8
"""Number of X registers, and of V registers, that pass arguments."""
_SLOT = 8
"""Size in bytes, and alignment, of the AAPCS64's stack slots for scalars, and of Apple's for variadic arguments."""
_LARGEST_IN_REGISTERS = 16
"""Size in bytes of the largest composite type in X registers."""


def is_indirect(ctype: CType) -> bool:
    """Whether it is passed by the address of a copy: a large composite type, or a C++ class that isn't trivial."""
    if not is_composite(ctype):
        return False
    return ctype.by_reference or (ctype.size > _LARGEST_IN_REGISTERS and homogeneous(ctype) is None)


def is_left_out(ctype: CType, convention: CallingConvention) -> bool:
    """Whether an argument of the type isn't passed at all: a struct without members, but for C++ on Linux."""
    if not is_composite(ctype) or ctype.by_reference or not is_complete(ctype):
        return False
    return ctype.size == 0 or (convention == "apple" and has_no_members(ctype))


class Arguments:
    """Registers and stack that the arguments so far have taken (NGRN, NSRN and NSAA in the AAPCS64)."""

    def __init__(self, convention: CallingConvention) -> None:
        self.convention = convention
        self.general = 0
        self.vectors = 0
        self.stack = 0

    def place(self, ctype: CType, *, variable: bool = False) -> tuple[Part, ...]:
        """The parts of the next argument; `variable` says that it is one of a variadic function's variable part.

        Raises SignatureError, without the argument's name, for a type that can't be passed.
        """
        on_stack = variable and self.convention == "apple"
        format = scalar_format(ctype)
        if on_stack and format in ("binary16", "bfloat16"):
            # clang's callers make a double of it, and its callees read one at -O2 only.
            raise SignatureError("Apple's convention has no place for it among variable arguments: pass a double")
        if format is not None:
            return self._scalar(ctype.size, format, on_stack)
        if ctype.kind in ("bool", "int", "enum") and ctype.size == 16:
            return self._general(ctype.size, 16, on_stack)
        if not is_composite(ctype):
            raise SignatureError("only numbers, pointers, structs, unions and vectors of 8 or 16 bytes can be passed")
        if not is_complete(ctype):
            raise SignatureError("its members aren't known, so it can't be passed")
        if is_left_out(ctype, self.convention):
            return ()
        if is_indirect(ctype):
            ((place, *_),) = self._scalar(8, "unsigned", on_stack)
            return (Part(place, 0, ctype.size, "address"),)
        aggregate = homogeneous(ctype)
        if aggregate is not None:
            return self._homogeneous(ctype, aggregate.base, aggregate.members, on_stack)
        align = natural_alignment(ctype) if self.convention == "aapcs64" else ctype.align
        return self._general(ctype.size, 16 if align >= 16 else 8, on_stack)

    def _scalar(self, size: int, format: Format, on_stack: bool) -> tuple[Part, ...]:
        is_integer = format in ("signed", "unsigned")
        taken = self.general if is_integer else self.vectors
        if on_stack:
            return (Part(self._slot(max(size, _SLOT), max(size, _SLOT)), 0, size, format),)
        if taken == MAX_REGISTER_ARGUMENTS:
            # Apple's slots are as large as the scalar, and aligned to that.
            slot = size if self.convention == "apple" else max(size, _SLOT)
            return (Part(self._slot(slot, slot), 0, size, format),)
        if not is_integer:
            self.vectors += 1
            return (Part(REGISTERS[f"v{taken}"], 0, size, format),)
        self.general += 1
        extension: Extension = "none"
        if self.convention == "apple" and size < 4:
            extension = "sign" if format == "signed" else "zero"
        return (Part(REGISTERS[f"x{taken}"], 0, size, format, extension),)

    def _general(self, size: int, align: int, on_stack: bool) -> tuple[Part, ...]:
        """A value of up to 16 bytes in one or two X registers."""
        if not on_stack:
            # Apple: "allow the argument to start in an odd-numbered xN register".
            first = self.general + (self.general & 1 if align == 16 and self.convention == "aapcs64" else 0)
            count = -(-size // 8)
            if first + count <= MAX_REGISTER_ARGUMENTS:
                self.general = first + count
                return tuple(
                    Part(REGISTERS[f"x{first + n}"], 8 * n, min(8, size - 8 * n), "bytes") for n in range(count)
                )
            self.general = MAX_REGISTER_ARGUMENTS
        return (Part(self._slot(_up(size, 8), align), 0, size, "bytes"),)

    def _homogeneous(self, ctype: CType, base: CType, count: int, on_stack: bool) -> tuple[Part, ...]:
        if not on_stack:
            first = self.vectors
            if first + count <= MAX_REGISTER_ARGUMENTS:
                self.vectors += count
                format = scalar_format(base)
                assert format is not None
                return tuple(Part(REGISTERS[f"v{first + n}"], n * base.size, base.size, format) for n in range(count))
            self.vectors = MAX_REGISTER_ARGUMENTS
        if self.convention == "aapcs64":
            align = 16 if natural_alignment(ctype) >= 16 else 8
            return (Part(self._slot(_up(ctype.size, 8), align), 0, ctype.size, "bytes"),)
        if on_stack:
            # As va_arg reads them. clang's own calls align all of these to 8 bytes.
            align = 16 if ctype.align >= 16 else 8
            return (Part(self._slot(_up(ctype.size, _SLOT), align), 0, ctype.size, "bytes"),)
        return (Part(self._slot(ctype.size, base.size), 0, ctype.size, "bytes"),)

    def _slot(self, slot: int, align: int) -> StackSlot:
        """The next `slot` bytes at a multiple of `align`."""
        offset = _up(self.stack, align)
        self.stack = offset + slot
        return StackSlot(offset, slot)


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
