"""Python calls of guest functions: arguments are checked and become ints and floats, as the prototype says."""

from __future__ import annotations

import keyword
import weakref
from collections.abc import Callable
from typing import Any, NoReturn

from armexec.abi.integers import integer_range
from armexec.abi.lists import ListCopy
from armexec.abi.placement import place_in_registers
from armexec.abi.pointers import pointer_argument
from armexec.errors import SignatureError
from armexec.objects import Prototype

__all__ = ["check_passable", "make_call"]


def check_passable(prototype: Prototype) -> None:
    """Check that armexec can pass these types, all in registers.

    Raises:
        SignatureError: it can't.
    """
    if prototype.variadic:
        raise SignatureError(f"`{prototype}`: variadic functions can't be called yet")
    # All conventions have the same registers.
    place_in_registers(prototype, "aapcs64")


class _Missing:
    """The default of every parameter, so that a missing argument is our error and not Python's."""

    def __repr__(self) -> str:
        return "..."


_MISSING = _Missing()


def make_call(
    prototype: Prototype, bound: Callable[..., Any], convert: Callable[[Any], Any] | None = None
) -> Callable[..., Any]:
    """A function that takes Python values for the parameters, by position or by name, and calls `bound` with ints
    and floats.

    The code is generated for the prototype: an int costs a comparison of its class and of its range. The function
    returns the result of `bound`, or a bool for `_Bool`. `convert` changes the result while the arguments still have
    their memory.

    Raises:
        SignatureError: a type can't be passed. The function itself raises it for arguments that don't fit.
    """
    check_passable(prototype)
    names = _parameter_names(prototype)
    body = []
    arguments = []
    for position, (name, parameter) in enumerate(zip(names, prototype.parameters, strict=True)):
        if parameter.type.kind == "pointer":
            body.append(f"    _{position} = _pointer(_prototype, {position}, {name}, _alive)")
            arguments.append(f"_{position}")
        elif parameter.type.kind == "float":
            body.append(f"    if {name}.__class__ is not float: {name} = _float(_prototype, {position}, {name})")
            arguments.append(name)
        else:
            low, high = integer_range(parameter.type)
            body.append(
                f"    if {name}.__class__ is not int or not {low} <= {name} <= {high}: "
                f"{name} = _integer(_prototype, {position}, {name}, {low}, {high})"
            )
            arguments.append(name)
    pointers = any(p.type.kind == "pointer" for p in prototype.parameters)
    if pointers:
        # The owners of the addresses, kept until the call returns.
        body.insert(0, "    _alive = []")
    call = f"_bound({', '.join(arguments)})"
    if convert is not None:
        call = f"_convert({call})"
    returned = f"return {call} != 0" if prototype.result.kind == "bool" else f"return {call}"
    parameters = [*(f"{name}=_missing" for name in names), *(["/"] if names else []), "*_extra", "**_named"]
    given = "".join(f"{name}, " for name in names)
    lines = (
        f"def call({', '.join(parameters)}):",
        f"    if _extra or _named: return _self()(*_by_position(_prototype, ({given}), _extra, _named))",
        *body,
        *(("    try: " + returned, "    finally: _write_back(_alive)") if pointers else ("    " + returned,)),
    )
    scope: dict[str, Any] = {
        "_bound": bound,
        "_convert": convert,
        "_float": _float,
        "_integer": _integer,
        "_missing": _MISSING,
        "_pointer": _pointer,
        "_prototype": prototype,
        "_by_position": _by_position,
        "_write_back": _write_back,
        # Debuggers and pytest leave this frame out.
        "__tracebackhide__": True,
    }
    exec("\n".join(lines), scope)
    # The function doesn't refer to itself: it is freed with its last reference, without the garbage collector.
    made: Callable[..., Any] = scope.pop("call")
    scope["_self"] = weakref.ref(made)
    made.__qualname__ = made.__name__ = prototype.name or "function"
    made.__doc__ = str(prototype)
    return made


def _parameter_names(prototype: Prototype) -> list[str]:
    """A Python name for each parameter: its own where that is a valid one."""
    names: list[str] = []
    for position, parameter in enumerate(prototype.parameters):
        name = parameter.name
        usable = name.isascii() and name.isidentifier() and not name.startswith("_") and not keyword.iskeyword(name)
        names.append(name if usable and name not in names else f"arg{position}")
    if len(set(names)) != len(names):
        names = [f"arg{position}" for position in range(len(names))]
    return names


def _by_position(
    prototype: Prototype, given: tuple[Any, ...], extra: tuple[Any, ...], named: dict[str, Any]
) -> list[Any]:
    """The arguments in the order of the parameters, positional and named ones together. Raises SignatureError."""
    names = _parameter_names(prototype)
    if extra:
        raise SignatureError(f"`{prototype}` takes {_count(len(names))}, not {len(names) + len(extra)}")
    arguments = list(given)
    for name, value in named.items():
        if name not in names:
            known = ", ".join(names) or "none"
            raise SignatureError(f"`{prototype}`: there is no parameter {name!r}; its parameters are: {known}")
        position = names.index(name)
        if arguments[position] is not _MISSING:
            raise SignatureError(f"`{prototype}`: argument {position + 1} is given twice, also by its name {name!r}")
        arguments[position] = value
    return arguments


def _count(count: int) -> str:
    return f"{count} argument{'' if count == 1 else 's'}" if count else "no arguments"


def _integer(prototype: Prototype, position: int, value: Any, low: int, high: int) -> int:
    """The value as an int in range; it may be a bool, a NumPy integer or an IntEnum. Raises SignatureError."""
    if value is _MISSING:
        _missing(prototype, position)
    parameter = prototype.parameters[position]
    try:
        number = value.__index__()
    except (AttributeError, TypeError):
        raise SignatureError(
            f"`{prototype}`: argument {position + 1} must be an int for `{parameter}`,"
            f" not {type(value).__name__} {_shown(value)}"
        ) from None
    if not low <= number <= high:
        raise SignatureError(
            f"`{prototype}`: argument {position + 1} is {_shown(number)}, out of range {low}..{high} for `{parameter}`"
        )
    return int(number)


def _float(prototype: Prototype, position: int, value: Any) -> float:
    """The value as a float; it may be anything that has __float__ or __index__. Raises SignatureError."""
    if value is _MISSING:
        _missing(prototype, position)
    parameter = prototype.parameters[position]
    kind = type(value)
    if not (hasattr(kind, "__float__") or hasattr(kind, "__index__")):
        raise SignatureError(
            f"`{prototype}`: argument {position + 1} must be a number for `{parameter}`,"
            f" not {kind.__name__} {_shown(value)}"
        )
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise SignatureError(
            f"`{prototype}`: argument {position + 1} for `{parameter}` is no number: {error}"
        ) from None


def _pointer(prototype: Prototype, position: int, value: Any, alive: list[Any]) -> int:
    if value is _MISSING:
        _missing(prototype, position)
    parameter = prototype.parameters[position]
    try:
        return pointer_argument(parameter.type, value, alive)
    except SignatureError as error:
        raise SignatureError(f"`{prototype}`: argument {position + 1}, `{parameter}`: {error}") from None


def _write_back(alive: list[Any]) -> None:
    """Copy arrays that were made of lists back into the lists."""
    for item in alive:
        if item.__class__ is ListCopy:
            item.write_back()


def _missing(prototype: Prototype, position: int) -> NoReturn:
    raise SignatureError(f"`{prototype}` takes {_count(len(prototype.parameters))}: argument {position + 1} is missing")


def _shown(value: Any) -> str:
    text = hex(value) if isinstance(value, int) and value.bit_length() > 4096 else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
