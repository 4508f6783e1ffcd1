"""The named types of an image as Python classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from armexec.abi.values.enums import enum_class
from armexec.abi.values.structs import struct_class
from armexec.errors import LoadError
from armexec.objects import CType, Image

__all__ = ["Types", "UnknownType", "class_of"]


class UnknownType(LoadError, KeyError):
    """No type of a module has that name. The message gives the nearest names."""

    # KeyError's shows the repr.
    __str__ = Exception.__str__


def class_of(ctype: CType) -> Any:
    """What Python has for a type: a class of values for a complete struct or union, an IntEnum for an enum with names,
    else the CType itself."""
    if ctype.kind in ("struct", "union") and ctype.fields is not None:
        return struct_class(ctype)
    if ctype.kind == "enum" and ctype.enumerators:
        return enum_class(ctype)
    return ctype


class Types(Mapping[str, Any]):
    """The structs, unions, enums and typedefs of an image, out of its debug information, by name.

    `types["point"]`, `types["struct point"]` and the name of a typedef give the class of a struct's values, and an enum
    gives an IntEnum. Any other typedef gives its `CType`. In C++ a name has its namespaces: `types["n::point"]`.
    """

    def __init__(self, image: Image) -> None:
        self._image = image
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """The class of a type.

        Raises:
            UnknownType: there is none of that name.
            LoadError: the debug information is malformed.
        """
        if name not in self._made:
            found = self._image.type(name) if isinstance(name, str) else None
            if found is None:
                raise UnknownType(self._unknown(name))
            self._made[name] = class_of(found)
        return self._made[name]

    def _unknown(self, name: object) -> str:
        names = sorted(self)
        text = f"{self._image.name}: no type {name!r}"
        if not names:
            return f"{text}; it has no debug information with types: compile with -g"
        near = get_close_matches(name, names, 3, 0.5) if isinstance(name, str) else []
        if near:
            return f"{text}; did you mean {' or '.join(near)}?"
        return f"{text}; its types are {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self._made or self._image.type(name) is not None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._image.type_names())

    def __len__(self) -> int:
        return len(self._image.type_names())

    def __repr__(self) -> str:
        names = list(self)
        return f"<types of {self._image.name}: {', '.join(names[:6])}{', ...' if len(names) > 6 else ''}>"

    def _ipython_key_completions_(self) -> list[str]:
        """The names that complete `types[...]`."""
        return list(self)
