"""Values of structs and unions: classes made from the types, whose instances have the bytes of C's values."""

from __future__ import annotations

import copyreg
import ctypes
import keyword
import threading
import weakref
from collections.abc import Sequence
from typing import Any, Self

from armexec.abi.buffers import address_of
from armexec.abi.lending import Kept, refuse_pointers
from armexec.abi.values.classes import register
from armexec.abi.values.codec import Buffer, Codec, codec_for, represented, shown
from armexec.abi.values.members import BitField, Empty, Group, Member, groups_of
from armexec.errors import SignatureError
from armexec.forks import hold
from armexec.objects import CType

__all__ = ["StructType", "StructValue", "address_of_value", "struct_class"]

_ALIGN = 8
"""The alignment in bytes of Python's own memory."""
_RESERVED = {"from_bytes", "dtype", "ctype"}


class StructType(type):
    """The class of the classes of values."""

    ctype: CType
    _group: Group
    _members: dict[str, Member]

    @property
    def dtype(cls) -> Any:
        """NumPy's structured type: names, offsets and size as in C. Bit-fields aren't in it, and what NumPy has no type
        for is there as bytes (`V16`)."""
        import numpy as np

        names, formats, offsets = [], [], []
        for name, member in cls._members.items():
            if not isinstance(member, BitField):
                names.append(name)
                formats.append(_storage(member.codec))
                offsets.append(member.offset)
        return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": cls.ctype.size})

    def __repr__(cls) -> str:
        return f"<class {cls.ctype.tag or cls.ctype.name}>" if "ctype" in vars(cls) else super().__repr__()


def _storage(of: Codec) -> Any:
    """The NumPy type of a member."""
    import numpy as np

    shape = getattr(of, "shape", ())
    element = getattr(of, "scalar", of)
    dtype = element.dtype()
    return np.dtype((dtype if dtype is not None else f"V{element.size}", shape))


class StructValue(metaclass=StructType):
    """A value of a struct or union, with memory of its own. A nested one has a part of the outer one's memory.

    The class takes the members by position or by name: all of a struct's, one of a union's; without any all bytes are
    zero. Values are equal if all members are; unions, if all bytes are.
    """

    # Translated calls read and make them, too (translate/support/vectorcall/struct_value.ll).
    __slots__ = ("__weakref__", "_alive", "_base", "_data")
    __hash__ = None  # type: ignore[assignment]

    ctype: CType
    _group: Group
    _members: dict[str, Member]
    _order: list[str]
    """The members that positional values are for."""
    _all: frozenset[str] | None
    """The members that are given by name, if there is no union, of which one is chosen."""
    _data: memoryview
    _alive: dict[tuple[int, int], Any]
    """By the first offset and the end, in the outermost struct, of what was stored: the objects whose addresses it has.
    """
    _base: int

    def __init__(self, /, *values: Any, **named: Any) -> None:
        """Make a value. Raises SignatureError for members that are missing, unknown or don't fit."""
        self._data, self._alive, self._base = _memory(self.ctype), {}, 0
        if not values and not named:
            return
        for member, value in zip(self._order, values, strict=False):
            if member in named:
                raise SignatureError(f"{type(self).__name__}: {member} is given twice")
            named[member] = value
        if len(values) > len(self._order) or named.keys() != self._all:
            self._check_names(len(values), named)
        members = self._members
        for member, value in named.items():
            try:
                members[member].store(self, value)
            except SignatureError as error:
                raise SignatureError(f"member {member}: {error}") from None

    def _check_names(self, positional: int, named: dict[str, Any]) -> None:
        """Raises SignatureError for members that are missing, unknown or too many."""
        name = type(self).__name__
        if positional > len(self._order):
            raise SignatureError(f"{name} has {len(self._order)} members, not {positional}: {', '.join(self._order)}")
        for member in named:
            if member not in self._members:
                known = ", ".join(self._members) or "none"
                raise SignatureError(f"{name} has no member {member!r}; its members are: {known}")
        missing = self._group.missing(set(named))
        if missing:
            raise SignatureError(f"{name}: {missing} must be given")

    @classmethod
    def from_bytes(cls, data: Buffer) -> Self:
        """The value that has these bytes. Raises SignatureError if there are more or fewer."""
        given = bytes(data)
        if len(given) != cls.ctype.size:
            raise SignatureError(f"{cls.__name__} has {cls.ctype.size} bytes, not {len(given)}")
        made = cls.__new__(cls)
        made._data, made._alive, made._base = _memory(cls.ctype, given), {}, 0
        return made

    @property
    def dtype(self) -> Any:
        """NumPy's structured type of the class."""
        return type(self).dtype

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """An array without dimensions, of the same memory."""
        import numpy as np

        array = np.frombuffer(self._data, self.dtype, 1).reshape(())
        if dtype is not None and dtype != array.dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __getitem__(self, member: str) -> Any:
        """A member by its name, also where that is no name of Python's, or another attribute's."""
        if member not in self._members:
            raise SignatureError(f"{type(self).__name__} has no member {member!r}")
        return self._members[member].__get__(self, type(self))

    def __setitem__(self, member: str, value: Any) -> None:
        if member not in self._members:
            raise SignatureError(f"{type(self).__name__} has no member {member!r}")
        self._members[member].__set__(self, value)

    def __buffer__(self, flags: int) -> memoryview:
        """The bytes, which can be changed (Python 3.12 and newer)."""
        return self._data

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        if self._group.union:
            return self._data == other._data
        return all(_equal(self[name], other[name]) for name in self._members)

    def __repr__(self) -> str:
        members = (f"{name}={represented(_plain(self[name]))}" for name in self._members)
        return f"{type(self).__name__}({', '.join(members)})"

    def __reduce__(self) -> Any:
        return _restored, (self.ctype, bytes(self))

    def __copy__(self) -> Self:
        copy = type(self).from_bytes(self._data)
        base = self._base
        copy._alive.update(((start - base, end - base), owners) for (start, end), owners in _owners(self).items())
        return copy

    def __deepcopy__(self, _memo: Any) -> Self:
        return self.__copy__()


def _restored(ctype: CType, data: bytes) -> StructValue:
    """A value out of a pickle; pointers in it are addresses of the process that made it."""
    return struct_class(ctype).from_bytes(data)


def _memory(ctype: CType, data: bytes = b"") -> memoryview:
    """Memory of the type's size and alignment."""
    size, align = ctype.size, ctype.align or 1
    if align <= _ALIGN:
        return memoryview(bytearray(data or size))
    room = bytearray(size + align)
    at = -ctypes.addressof(ctypes.c_char.from_buffer(room)) % align
    memory = memoryview(room)[at : at + size]
    memory[: len(data)] = data
    return memory


def address_of_value(value: StructValue) -> int:
    """The address of a value's bytes."""
    if not len(value._data):
        return ctypes.addressof(ctypes.c_char.from_buffer(bytearray(1)))
    if value._data.readonly:
        return address_of(value._data)
    return ctypes.addressof(ctypes.c_char.from_buffer(value._data))


def _owners(value: StructValue) -> dict[tuple[int, int], Any]:
    """What pointers in the value refer to. It may have been stored with what is around the value."""
    first, end = value._base, value._base + value.ctype.size
    # A copy: views of a module's variables share it, and another thread may store something.
    stored = list(value._alive.items())
    return {place: owners for place, owners in stored if place[0] < end and first < place[1]}


def _plain(value: Any) -> Any:
    """NumPy's arrays as lists, for `repr`."""
    return value.tolist() if hasattr(value, "tolist") else value


def _equal(left: Any, right: Any) -> bool:
    if hasattr(left, "tolist"):
        return bool((left == right).all())
    return bool(left == right)


def _are_in_order(members: Sequence[Member], size: int) -> bool:
    """Whether each member begins behind the one before it."""
    starts = [*(member.offset for member in members), size]
    return all(member.end <= start for member, start in zip(members, starts[1:], strict=True))


class Struct(Codec):
    """A struct or union: a value of its class, a dict or a tuple of members, or NumPy's structured value."""

    def __init__(self, ctype: CType) -> None:
        super().__init__(ctype)
        self.made = struct_class(ctype)
        self.is_plain = ctype.align <= _ALIGN
        """Whether any memory of Python's is aligned well enough for a value."""
        members = list(self.made._members.values())
        # Of a struct whose members have bytes of their own: the members with the padding before each.
        self._sequence: list[tuple[str, bytes, Codec]] = []
        shared = any(isinstance(member, BitField | Empty) for member in members)
        if self.made._all is not None and not shared and _are_in_order(members, self.size):
            end = 0
            for member in members:
                self._sequence.append((member.name, bytes(member.offset - end), member.codec))
                end = member.end
            self._padding = bytes(self.size - end)

    def pack(self, value: Any, alive: list[Any]) -> bytes:
        if type(value) is not self.made:
            if isinstance(value, dict) and value.keys() == self.made._all:
                value = [value[name] for name in self.made._order]
            if isinstance(value, tuple | list) and len(value) == len(self._sequence) != 0:
                return self._joined(value, alive)
            value = self._converted(value)
        if value._alive:
            if not isinstance(value._alive, Kept):
                refuse_pointers(alive, f"this {type(value).__name__}")
            alive += _owners(value).values()
        return bytes(value._data)

    def _joined(self, values: Sequence[Any], alive: list[Any]) -> bytes:
        """The bytes of members in their order."""
        data = b""
        for (name, padding, codec), value in zip(self._sequence, values, strict=True):
            try:
                data += padding + codec.pack(value, alive)
            except SignatureError as error:
                raise SignatureError(f"member {name}: {error}") from None
        return data + self._padding

    def _converted(self, value: Any) -> StructValue:
        made = self.made
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            self._needs(value)
            return made(**value)
        if isinstance(value, list | tuple):
            self._needs(value)
            return made(*value)
        if getattr(value, "shape", None) == () and hasattr(value, "dtype") and not isinstance(value, StructValue):
            if value.dtype != made.dtype:
                raise SignatureError(f"a value of dtype {value.dtype} is no `{self.ctype}`, which has {made.dtype}")
            return made.from_bytes(value.tobytes())
        other = repr(type(value)) if isinstance(value, StructValue) else shown(value)
        names = ", ".join(made._members)
        raise SignatureError(f"{other} is no `{self.ctype}`: give a {made.__name__}, or a dict or tuple of {names}")

    def _needs(self, value: Any) -> None:
        if not value and self.made._members:
            raise SignatureError(f"{self.made.__name__}: {self.made._group.missing(set())} must be given")

    def unpack(self, data: Buffer) -> StructValue:
        memory = memoryview(bytearray(data)) if self.is_plain else _memory(self.ctype, bytes(data))
        return self.view(memory, {}, 0)

    def view(self, data: memoryview, alive: dict[tuple[int, int], Any], base: int) -> StructValue:
        made = self.made.__new__(self.made)
        made._data, made._alive, made._base = data, alive, base
        return made

    def dtype(self) -> Any:
        return self.made.dtype


_lock = hold(threading.Lock())
# By what the definition says, so that two readings of one struct have one class.
_classes: weakref.WeakValueDictionary[Any, StructType] = weakref.WeakValueDictionary()


def _definition(ctype: CType) -> Any:
    """What distinguishes types: names and places, of all that is in a value."""
    if ctype.kind in ("struct", "union"):
        fields = tuple((f.name, f.offset, f.bit_offset, f.bit_size, _definition(f.type)) for f in ctype.fields or ())
        return ctype.kind, ctype.tag or ctype.name, ctype.size, ctype.align, fields
    if ctype.kind in ("array", "vector", "complex"):
        return ctype.kind, ctype.count, ctype.size, ctype.target and _definition(ctype.target)
    if ctype.kind == "pointer":
        return ctype.kind, str(ctype)
    return ctype.kind, ctype.size, ctype.signed, ctype.format, ctype.name, ctype.enumerators


def struct_class(ctype: CType) -> type[StructValue]:
    """The class of a struct's or union's values; the same one for the same definition.

    Raises:
        SignatureError: the type is incomplete.
    """
    if ctype.fields is None:
        raise SignatureError(f"`{ctype}` has no values: its members aren't known")
    key = _definition(ctype)
    found = _classes.get(key)
    if found is None:
        name = (ctype.tag or ctype.name).split(" ", 1)[-1].rsplit("::", 1)[-1]
        if not name.isidentifier() or keyword.iskeyword(name):
            name = ctype.kind
        group = groups_of(ctype)
        members = {member.name: member for member in group.members()}
        usable = {n: m for n, m in members.items() if n not in _RESERVED and not n.startswith("_")}
        order = group.first_names()
        namespace = {
            **usable,
            "__slots__": (),
            "ctype": ctype,
            "_group": group,
            "_members": members,
            "_order": order,
            "_all": frozenset(order) if set(order) == members.keys() else None,
        }
        made = StructType(name, (StructValue,), namespace)
        register(made)
        with _lock:
            # Another thread may have made it meanwhile.
            found = _classes.setdefault(key, made)
    return found  # type: ignore[return-value]


def _pickled_class(made: StructType) -> str | tuple[Any, ...]:
    # StructValue itself has no type.
    return (struct_class, (made.ctype,)) if "ctype" in vars(made) else made.__qualname__


copyreg.pickle(StructType, _pickled_class)


@codec_for("struct", "union")
def _struct(ctype: CType) -> Codec:
    return Struct(ctype)
