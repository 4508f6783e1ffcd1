"""Python values as the bytes of C's values, and back: one codec for each type."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from numbers import Rational
from typing import Any, TypeAlias

from armexec.errors import SignatureError
from armexec.objects import CType

__all__ = ["Buffer", "Codec", "Opaque", "codec", "codec_for", "represented", "shown"]

Buffer: TypeAlias = bytes | bytearray | memoryview


def shown(value: object) -> str:
    """A value for a message."""
    text = represented(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def represented(value: object) -> str:
    """The repr of a value; in hexadecimal where an int in it has too many digits for Python's (sys.int_info)."""
    try:
        return repr(value)
    except ValueError:
        if isinstance(value, int):
            return hex(value)
        if isinstance(value, Rational):
            return f"{type(value).__name__}({value.numerator:#x}, {value.denominator:#x})"
        return f"<{type(value).__name__}>"


class Codec:
    """Converts values of one C type. Bytes are in memory order, little-endian, `size` of them."""

    def __init__(self, ctype: CType) -> None:
        self.ctype = ctype
        self.size = ctype.size

    def pack(self, value: Any, alive: list[Any]) -> bytes:
        """The bytes of a value. What must live as long as they do, since they have its address, is added to `alive`.

        Raises:
            SignatureError: the value doesn't fit; the message says why, and the callers say where.
        """
        raise NotImplementedError

    def unpack(self, data: Buffer) -> Any:
        """The value of bytes, which it doesn't refer to."""
        raise NotImplementedError

    def view(self, data: memoryview, alive: dict[tuple[int, int], Any], base: int) -> Any:
        """The value of memory; where it can be changed, that changes the memory. `alive` and `base` are those of
        `StructValue`."""
        return self.unpack(data)

    def dtype(self) -> Any:
        """The NumPy type of an element, or None if NumPy has none."""
        return None


class Opaque(Codec):
    """A type that Python has no values for, such as C++'s pointers to members: its bytes."""

    def pack(self, value: Any, alive: list[Any]) -> bytes:
        if not isinstance(value, bytes | bytearray | memoryview) or len(bytes(value)) != self.size:
            raise SignatureError(f"{shown(value)} isn't bytes, {self.size} of them, as `{self.ctype}` wants")
        return bytes(value)

    def unpack(self, data: Buffer) -> bytes:
        return bytes(data)


_makers: dict[str, Callable[[CType], Codec]] = {}
# A codec keeps its type alive, so the type's id is its own while the codec exists.
_made: weakref.WeakValueDictionary[int, Codec] = weakref.WeakValueDictionary()


def codec_for(*kinds: str) -> Callable[[Callable[[CType], Codec]], Callable[[CType], Codec]]:
    """Register what makes the codecs of these kinds of types. Types contain each other, so their files can't import
    each other; `armexec.abi` imports all of them."""

    def register(make: Callable[[CType], Codec]) -> Callable[[CType], Codec]:
        _makers.update(dict.fromkeys(kinds, make))
        return make

    return register


def codec(ctype: CType) -> Codec:
    """The codec of a type."""
    found = _made.get(id(ctype))
    if found is None:
        found = _made[id(ctype)] = _makers.get(ctype.kind, Opaque)(ctype)
    return found
