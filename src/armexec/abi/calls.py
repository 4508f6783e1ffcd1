"""Python calls of guest functions: arguments are checked and become ints and floats, as the prototype says."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from armexec.abi.checks import MISSING, as_float, as_integer, by_position, missing, parameter_names
from armexec.abi.integers import integer_range
from armexec.abi.lists import write_back
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
    names = parameter_names(prototype)
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
        "_float": as_float,
        "_integer": as_integer,
        "_missing": MISSING,
        "_pointer": _pointer,
        "_prototype": prototype,
        "_by_position": by_position,
        "_write_back": write_back,
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


def _pointer(prototype: Prototype, position: int, value: Any, alive: list[Any]) -> int:
    if value is MISSING:
        missing(prototype, position)
    parameter = prototype.parameters[position]
    try:
        return pointer_argument(parameter.type, value, alive)
    except SignatureError as error:
        raise SignatureError(f"`{prototype}`: argument {position + 1}, `{parameter}`: {error}") from None
