"""Python calls of guest functions: arguments are checked and become ints and floats, as the prototype says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from armexec.abi.checks import MISSING, as_float, as_integer, missing, parameter_names
from armexec.abi.generated import define_call
from armexec.abi.integers import integer_range
from armexec.abi.lists import write_back
from armexec.abi.pointers import pointer_argument
from armexec.errors import SignatureError
from armexec.objects import Prototype

__all__ = ["make_call"]


def make_call(
    prototype: Prototype,
    bound: Callable[..., Any],
    convert: Callable[[Any], Any] | None = None,
    owners: Callable[[], list[Any]] = list,
) -> Callable[..., Any]:
    """A function that takes Python values for the parameters, by position or by name, and calls `bound` with ints
    and floats. The prototype is one that `passes_scalars_in_registers`.

    The code is generated for the prototype: an int costs a comparison of its class and of its range. The function
    returns the result of `bound`, or a bool for `_Bool`. `convert` changes the result while the arguments still have
    their memory. `owners` makes the list of the objects whose addresses are passed, such as `Owners`.

    The function raises SignatureError for arguments that don't fit.
    """
    names = parameter_names(prototype)
    body = []
    arguments = []
    for position, (name, parameter) in enumerate(zip(names, prototype.parameters, strict=True)):
        if parameter.type.kind == "pointer":
            body.append(f"_{position} = _pointer(_prototype, {position}, {name}, _alive)")
            arguments.append(f"_{position}")
        elif parameter.type.kind == "float":
            body.append(f"if {name}.__class__ is not float: {name} = _float(_prototype, {position}, {name})")
            arguments.append(name)
        else:
            low, high = integer_range(parameter.type)
            body.append(
                f"if {name}.__class__ is not int or not {low} <= {name} <= {high}: "
                f"{name} = _integer(_prototype, {position}, {name}, {low}, {high})"
            )
            arguments.append(name)
    pointers = any(p.type.kind == "pointer" for p in prototype.parameters)
    if pointers:
        # The owners of the addresses, kept until the call returns.
        body.insert(0, "_alive = _owners()")
    call = f"_bound({', '.join(arguments)})"
    if convert is not None:
        call = f"_convert({call})"
    returned = f"return {call} != 0" if prototype.result.kind == "bool" else f"return {call}"
    body += ["try: " + returned, "finally: _write_back(_alive)"] if pointers else [returned]
    scope: dict[str, Any] = {
        "_bound": bound,
        "_convert": convert,
        "_float": as_float,
        "_integer": as_integer,
        "_owners": owners,
        "_pointer": _pointer,
        "_write_back": write_back,
    }
    return define_call(prototype, names, body, scope)


def _pointer(prototype: Prototype, position: int, value: Any, alive: list[Any]) -> int:
    if value is MISSING:
        missing(prototype, position)
    parameter = prototype.parameters[position]
    try:
        return pointer_argument(parameter.type, value, alive)
    except SignatureError as error:
        raise SignatureError(f"`{prototype}`: argument {position + 1}, `{parameter}`: {error}") from None
