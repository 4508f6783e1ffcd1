"""Members of structs and unions as attributes of their values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from armexec.abi.lending import Kept
from armexec.abi.values.codec import Codec, codec
from armexec.abi.values.scalars import Integer
from armexec.errors import Error, SignatureError
from armexec.objects import CType, Field

__all__ = ["BitField", "Empty", "Group", "Member", "groups_of", "is_flexible"]


class HasMemory(Protocol):
    """A value of a struct, as members see it (`StructValue`)."""

    _data: memoryview
    _alive: dict[tuple[int, int], Any]
    _base: int


class Member:
    """A member, whose bytes begin at `offset`."""

    def __init__(self, name: str, offset: int, ctype: CType) -> None:
        self.name = name
        self.offset = offset
        self.codec: Codec = codec(ctype)
        self.end = offset + self.codec.size

    def members(self) -> Iterator[Member]:
        """Itself, as a group of one."""
        yield self

    def first_names(self) -> list[str]:
        return [self.name]

    def missing(self, given: set[str]) -> str:
        return "" if self.name in given else self.name

    def __get__(self, value: HasMemory | None, owner: type) -> Any:
        if value is None:
            return self
        return self.codec.view(value._data[self.offset : self.end], value._alive, value._base + self.offset)

    def __set__(self, value: HasMemory, new: Any) -> None:
        if value._data.readonly:
            raise Error(f"{type(value).__name__}.{self.name} is in read-only memory")
        try:
            self.store(value, new)
        except SignatureError as error:
            raise SignatureError(f"{type(value).__name__}.{self.name}: {error}") from None

    def store(self, value: HasMemory, new: Any) -> None:
        """Set the member. Raises SignatureError, which doesn't say of which member."""
        alive: list[Any] = value._alive.owners() if isinstance(value._alive, Kept) else []
        value._data[self.offset : self.end] = self.codec.pack(new, alive)
        place = value._base + self.offset, value._base + self.end
        if alive:
            value._alive[place] = alive
        else:
            value._alive.pop(place, None)


class BitField(Member):
    """A bit-field: `bits` of them from bit `first` of the struct on (AAPCS64, "Bit-fields": little-endian)."""

    def __init__(self, name: str, first: int, bits: int, ctype: CType) -> None:
        super().__init__(name, first // 8, ctype)
        self.end = (first + bits + 7) // 8
        self.shift = first - 8 * self.offset
        self.bits = bits
        self.mask = (1 << bits) - 1
        self.signed = ctype.signed
        self.low, self.high = (-(1 << bits - 1), (1 << bits - 1) - 1) if ctype.signed else (0, self.mask)

    def __get__(self, value: HasMemory | None, owner: type) -> Any:
        if value is None:
            return self
        number = int.from_bytes(value._data[self.offset : self.end], "little") >> self.shift & self.mask
        if self.codec.ctype.kind == "bool":
            return number != 0
        return number - (1 << self.bits) if self.signed and number >> self.bits - 1 else number

    def store(self, value: HasMemory, new: Any) -> None:
        if not isinstance(self.codec, Integer):
            raise SignatureError(f"a bit-field of `{self.codec.ctype}` can't be set")
        try:
            number = self.codec.number(new, self.low, self.high)
        except SignatureError as error:
            raise SignatureError(f"{error} : {self.bits}") from None
        data = value._data[self.offset : self.end]
        rest = int.from_bytes(data, "little") & ~(self.mask << self.shift)
        value._data[self.offset : self.end] = (rest | (number & self.mask) << self.shift).to_bytes(len(data), "little")


class Empty(Member):
    """A member of an empty class of C++, whose byte may be another member's ([[no_unique_address]]): never written."""

    def store(self, value: HasMemory, new: Any) -> None:
        self.codec.pack(new, [])


class Group(NamedTuple):
    """Members that are given together: all of a struct (`parts` are members and groups), or one of a union."""

    union: bool
    parts: tuple[Member | Group, ...]

    def members(self) -> Iterator[Member]:
        for part in self.parts:
            yield from part.members()

    def first_names(self) -> list[str]:
        """The names of the members that positional values are for: of a union the first member's."""
        parts = self.parts[:1] if self.union else self.parts
        names: list[str] = []
        for part in parts:
            names += part.first_names()
        return names

    def missing(self, given: set[str]) -> str:
        """What of a struct's members isn't given, or that more than one of a union's is; empty if all is well."""
        if not self.union:
            parts = (
                p.missing(given) if isinstance(p, Group) else "" if p.name in given else p.name for p in self.parts
            )
            return ", ".join(part for part in parts if part)
        chosen = [
            p for p in self.parts if given & ({m.name for m in p.members()} if isinstance(p, Group) else {p.name})
        ]
        if len(chosen) == 1:
            return chosen[0].missing(given)
        names = ", ".join(member.name for member in self.members())
        return f"one of {names}" if names else ""


def is_flexible(field: Field) -> bool:
    """Whether it is a flexible array member, which a value has no bytes of."""
    return field.type.kind == "array" and not field.type.count


def groups_of(ctype: CType, offset: int = 0) -> Group:
    """The members of a struct or union. Those of members without a name, and of base classes, are among them."""
    parts: list[Member | Group] = []
    for field in ctype.fields or ():
        if not field.name:
            if field.type.kind in ("struct", "union"):
                parts.append(groups_of(field.type, offset + field.offset))
        # C++'s pointers to tables have names such as `_vptr$A`.
        elif not field.name.isidentifier() or is_flexible(field):
            continue
        elif field.bit_size is not None and field.bit_offset is not None:
            parts.append(BitField(field.name, 8 * offset + field.bit_offset, field.bit_size, field.type))
        else:
            kind = Empty if field.type.kind == "struct" and field.type.fields == () else Member
            parts.append(kind(field.name, offset + field.offset, field.type))
    return Group(ctype.kind == "union", tuple(parts))
