"""Arrays and vectors: NumPy arrays where NumPy has the type of the elements, tuples elsewhere."""

from __future__ import annotations

from typing import Any

from armexec.abi.values.codec import Buffer, Codec, Opaque, codec, codec_for, shown
from armexec.errors import SignatureError
from armexec.objects import CType

__all__ = ["Array", "Vector"]


class _Sequence(Codec):
    """Elements of one type, in one or more dimensions."""

    def __init__(self, ctype: CType) -> None:
        super().__init__(ctype)
        assert ctype.target is not None
        self.element = codec(ctype.target)
        self.count = ctype.count or 0
        inner = self.element
        self.shape: tuple[int, ...] = (self.count, *(inner.shape if isinstance(inner, _Sequence) else ()))
        self.scalar: Codec = inner.scalar if isinstance(inner, _Sequence) else inner

    def dtype(self) -> Any:
        return self.scalar.dtype()

    def pack(self, value: Any, alive: list[Any]) -> bytes:
        """The bytes of a NumPy array of this type and shape, or of a list or tuple of that many values."""
        if hasattr(type(value), "__array_interface__") and getattr(value, "shape", ()) != ():
            return self._pack_array(value)
        if not isinstance(value, list | tuple):
            raise SignatureError(f"{shown(value)} is no array of {self._expected()}")
        if len(value) != self.count:
            raise SignatureError(f"{len(value)} values, where `{self.ctype}` has {self.count}")
        parts = []
        for position, element in enumerate(value):
            try:
                parts.append(self.element.pack(element, alive))
            except SignatureError as error:
                raise SignatureError(f"element {position}: {error}") from None
        return b"".join(parts)

    def _pack_array(self, value: Any) -> bytes:
        import numpy as np

        array = np.asarray(value)
        dtype = self.dtype()
        if dtype is None:
            raise SignatureError(f"NumPy has no type for `{self.scalar.ctype}`: give a list of {self.count} values")
        if array.shape != self.shape:
            raise SignatureError(f"the array has shape {array.shape}, not {self.shape} as `{self.ctype}`")
        if array.dtype != dtype:
            raise SignatureError(f"the array has dtype {array.dtype}, not {dtype} as `{self.ctype}`")
        return np.ascontiguousarray(array).tobytes()

    def _expected(self) -> str:
        return f"{self.count} values, as `{self.ctype}` wants"

    def unpack(self, data: Buffer) -> Any:
        # A copy, so that it can be changed.
        return self.view(memoryview(bytearray(data)), {}, 0)

    def view(self, data: memoryview, alive: dict[tuple[int, int], Any], base: int) -> Any:
        dtype = self.dtype() if self.scalar.ctype.kind not in ("struct", "union") else None
        if dtype is not None:
            import numpy as np

            return np.frombuffer(data, dtype, len(data) // dtype.itemsize).reshape(self.shape)
        size = self.element.size
        return tuple(
            self.element.view(data[at : at + size], alive, base + at)
            for at in range(0, self.count * size, max(size, 1))
        )


class Vector(_Sequence):
    """A NEON vector, as a NumPy array of one dimension; bfloat16 numbers are there as their bits, in uint16."""


class Array(_Sequence):
    """An array. Characters may also be given as bytes or text, which are filled up with zeros."""

    def pack(self, value: Any, alive: list[Any]) -> bytes:
        if isinstance(value, str | bytes | bytearray) and self.scalar is self.element and self.element.size == 1:
            if isinstance(value, str):
                try:
                    value = value.encode()
                except UnicodeEncodeError as error:
                    raise SignatureError(f"the text can't be UTF-8 at {error.start}: {error.reason}") from None
            if len(value) > self.count:
                raise SignatureError(f"{len(value)} bytes don't fit into `{self.ctype}`")
            return bytes(value).ljust(self.count, b"\0")
        return super().pack(value, alive)


@codec_for("array", "vector")
def _sequence(ctype: CType) -> Codec:
    if ctype.target is None:
        return Opaque(ctype)
    # Vectors of three elements have room for four.
    if ctype.kind == "vector":
        return Vector(ctype) if ctype.target.size * (ctype.count or 0) == ctype.size else Opaque(ctype)
    return Array(ctype)
