"""Parts of values, and the registers and stack slots that hold them."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from armexec.cpu.registers import Register

__all__ = ["CallingConvention", "Extension", "Format", "Part", "StackSlot"]

CallingConvention: TypeAlias = Literal["aapcs64", "apple"]
Format: TypeAlias = Literal[
    "signed",
    "unsigned",
    "binary16",
    "bfloat16",
    "binary32",
    "binary64",
    "binary128",
    "vector",
    "bytes",
    "address",
]
"""An integer or a pointer; a floating-point format of IEEE 754; a short vector; bytes of a composite type or of an
`__int128`; or the address of the bytes, for what is passed by reference."""
Extension: TypeAlias = Literal["sign", "zero", "none"]


class StackSlot(NamedTuple):
    """Bytes of the stack: the offset from SP at the call, and the size with padding."""

    offset: int
    size: int


class Part(NamedTuple):
    """Consecutive bytes of a value, and the register or the stack slot whose lowest bytes hold them.

    `offset` and `size` are in bytes, `offset` from the value's beginning. `extension` tells how the register's lowest
    32 bits are filled. All other bits of the register or the slot are unspecified.

    With the format "address" the place holds the 64-bit address of these bytes: of a copy that the caller has made of
    an argument, or of the memory where the result is to be stored.
    """

    place: Register | StackSlot
    offset: int
    size: int
    format: Format
    extension: Extension = "none"
