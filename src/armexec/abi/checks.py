"""Checks of a call's arguments, and their messages."""

from __future__ import annotations

import keyword
from typing import Any, NoReturn

from armexec.abi.values.codec import Codec, shown
from armexec.errors import SignatureError
from armexec.objects import Prototype

__all__ = ["MISSING", "as_float", "as_integer", "by_position", "count_of", "encoded", "missing", "parameter_names"]


class _Missing:
    """The default of every parameter, so that a missing argument is our error and not Python's."""

    def __repr__(self) -> str:
        return "..."


MISSING = _Missing()


def parameter_names(prototype: Prototype) -> list[str]:
    """A Python name for each parameter: its own where that is a valid one."""
    names: list[str] = []
    for position, parameter in enumerate(prototype.parameters):
        name = parameter.name
        usable = name.isascii() and name.isidentifier() and not name.startswith("_") and not keyword.iskeyword(name)
        names.append(name if usable and name not in names else f"arg{position}")
    if len(set(names)) != len(names):
        names = [f"arg{position}" for position in range(len(names))]
    return names


def by_position(
    prototype: Prototype, given: tuple[Any, ...], extra: tuple[Any, ...], named: dict[str, Any]
) -> list[Any]:
    """The arguments in the order of the parameters, positional and named ones together. Raises SignatureError."""
    names = parameter_names(prototype)
    if extra:
        raise SignatureError(f"`{prototype}` takes {count_of(len(names))}, not {len(names) + len(extra)}")
    arguments = list(given)
    for name, value in named.items():
        if name not in names:
            known = ", ".join(names) or "none"
            raise SignatureError(f"`{prototype}`: there is no parameter {name!r}; its parameters are: {known}")
        position = names.index(name)
        if arguments[position] is not MISSING:
            raise SignatureError(f"`{prototype}`: argument {position + 1} is given twice, also by its name {name!r}")
        arguments[position] = value
    return arguments


def count_of(count: int) -> str:
    return f"{count} argument{'' if count == 1 else 's'}" if count else "no arguments"


def as_integer(prototype: Prototype, position: int, value: Any, low: int, high: int) -> int:
    """The value as an int in range; it may be a bool, a NumPy integer or an IntEnum. Raises SignatureError."""
    if value is MISSING:
        missing(prototype, position)
    parameter = prototype.parameters[position]
    try:
        number = value.__index__()
    except (AttributeError, TypeError):
        names = dict(parameter.type.enumerators)
        if isinstance(value, str) and value in names:
            return names[value]
        raise SignatureError(
            f"`{prototype}`: argument {position + 1} must be an int for `{parameter}`,"
            f" not {type(value).__name__} {shown(value)}"
            + (f"; the names of its type are {', '.join(names)}" if names else "")
        ) from None
    if not low <= number <= high:
        raise SignatureError(
            f"`{prototype}`: argument {position + 1} is {shown(number)}, out of range {low}..{high} for `{parameter}`"
        )
    return int(number)


def as_float(prototype: Prototype, position: int, value: Any) -> float:
    """The value as a float; it may be anything that has __float__ or __index__. Raises SignatureError."""
    if value is MISSING:
        missing(prototype, position)
    parameter = prototype.parameters[position]
    kind = type(value)
    if not (hasattr(kind, "__float__") or hasattr(kind, "__index__")):
        raise SignatureError(
            f"`{prototype}`: argument {position + 1} must be a number for `{parameter}`,"
            f" not {kind.__name__} {shown(value)}"
        )
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise SignatureError(
            f"`{prototype}`: argument {position + 1} for `{parameter}` is no number: {error}"
        ) from None


def encoded(prototype: Prototype, position: int, value: Any, codec: Codec, alive: list[Any]) -> bytes:
    """The bytes of the value, by a codec. Raises SignatureError, which says of which argument."""
    if value is MISSING:
        missing(prototype, position)
    try:
        return codec.pack(value, alive)
    except SignatureError as error:
        raise SignatureError(
            f"`{prototype}`: argument {position + 1}, `{prototype.parameters[position]}`: {error}"
        ) from None


def missing(prototype: Prototype, position: int) -> NoReturn:
    """Raises SignatureError for an argument that isn't given."""
    raise SignatureError(
        f"`{prototype}` takes {count_of(len(prototype.parameters))}: argument {position + 1} is missing"
    )
