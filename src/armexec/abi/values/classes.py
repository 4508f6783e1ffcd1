"""The classes that are made of types, by their qualified names: pickle and cloudpickle look for a class in its module.

The names are of this process. What a pickle has of a class is its type, of which the other process makes the class.
"""

from __future__ import annotations

import weakref
from itertools import count
from typing import Any

__all__ = ["register"]

_classes: weakref.WeakValueDictionary[str, type] = weakref.WeakValueDictionary()
_numbers = count(1)


def register(made: type) -> None:
    """Have a class found in this module, so that cloudpickle doesn't take it apart."""
    made.__module__ = __name__
    made.__qualname__ = f"{made.__name__}_{next(_numbers)}"
    _classes[made.__qualname__] = made


def __getattr__(name: str) -> Any:
    try:
        return _classes[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
