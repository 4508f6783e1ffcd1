"""The classes of enums, which can be pickled: a pickle has the type, of which the other process makes the class."""

from __future__ import annotations

import copyreg
import enum
import weakref
from typing import Any

from armexec.abi.values.classes import register
from armexec.objects import CType

__all__ = ["enum_class"]


class EnumClass(enum.EnumMeta):
    """The class of the classes of enums."""


class EnumValue(enum.IntEnum, metaclass=EnumClass):
    """A value of an enum, which is an int."""

    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        return type(self), (int(self),)


_classes: weakref.WeakValueDictionary[Any, type[EnumValue]] = weakref.WeakValueDictionary()
_types: weakref.WeakKeyDictionary[type, CType] = weakref.WeakKeyDictionary()


def enum_class(ctype: CType) -> type[enum.IntEnum]:
    """The class of an enum's values; the same one for the same name and enumerators, as long as it is in use."""
    key = ctype.tag or ctype.name, ctype.enumerators
    found = _classes.get(key)
    if found is None:
        name = (ctype.tag or ctype.name).split(" ", 1)[-1].rsplit("::", 1)[-1]
        # What Python has another use for isn't there by name.
        usable = [(n, v) for n, v in ctype.enumerators if n.isidentifier() and not n.startswith("_") and n != "mro"]
        made: Any = EnumValue(name if name.isidentifier() else "enum", usable, module=__name__)  # type: ignore[call-arg, arg-type]
        register(made)
        _types[made] = ctype
        found = _classes.setdefault(key, made)
    return found


def _pickled_class(made: EnumClass) -> str | tuple[Any, ...]:
    ctype = _types.get(made)
    return made.__qualname__ if ctype is None else (enum_class, (ctype,))


copyreg.pickle(EnumClass, _pickled_class)
