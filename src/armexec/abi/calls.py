"""A Python call into a guest function: the arguments checked and turned into integers, by the function's prototype."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from armexec.errors import SignatureError
from armexec.objects import CType, Prototype

__all__ = ["INTEGER_KINDS", "MAX_REGISTER_ARGUMENTS", "check_passable", "integer_range", "make_call"]

MAX_REGISTER_ARGUMENTS = 8
"""X0-X7 (AAPCS64, "Parameter passing")."""

INTEGER_KINDS = frozenset({"bool", "int", "enum"})


def integer_range(ctype: CType) -> tuple[int, int]:
    """The least and the greatest value of an integer type."""
    if ctype.kind == "bool":
        return 0, 1
    bits = ctype.size * 8
    # An enum's underlying type is int when it can be, so a declaration that doesn't say takes either sign.
    if ctype.kind == "enum" and ctype.target is None:
        return -(1 << bits - 1), (1 << bits) - 1
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if ctype.signed else (0, (1 << bits) - 1)


def check_passable(prototype: Prototype) -> None:
    """Whether armexec can pass these types.

    Raises:
        SignatureError: naming the type that can't be passed.
    """
    if prototype.variadic:
        raise SignatureError(f"{_named(prototype)}: variadic functions can't be called yet")
    if len(prototype.parameters) > MAX_REGISTER_ARGUMENTS:
        raise SignatureError(f"{_named(prototype)}: more than {MAX_REGISTER_ARGUMENTS} parameters can't be passed yet")
    for where, ctype in (("result", prototype.result), *((f"parameter {p}", p.type) for p in prototype.parameters)):
        if ctype.kind in ("void", "pointer") or (ctype.kind in INTEGER_KINDS and ctype.size <= 8):
            continue
        raise SignatureError(f"{_named(prototype)}: {where} has type {ctype}, and only integers and pointers can be passed yet")


def _named(prototype: Prototype) -> str:
    return f"`{prototype}`"


def make_call(prototype: Prototype, bound: Callable[..., Any]) -> Callable[..., Any]:
    """A function that takes Python values for the parameters and calls `bound` with integers.

    The code is generated for the prototype: checking an int costs two comparisons.

    Raises:
        SignatureError: a type can't be passed.
    """
    check_passable(prototype)
    names: list[str] = []
    for position, parameter in enumerate(prototype.parameters):
        name = parameter.name
        names.append(name if name.isidentifier() and not name.startswith("_") else f"arg{position}")
    if len(set(names)) != len(names) or any(__import__("keyword").iskeyword(n) for n in names):
        names = [f"arg{position}" for position in range(len(names))]
    lines = []
    scope: dict[str, Any] = {"_bound": bound, "_bad": _bad_integer, "_pointer": _pointer, "_types": []}
    arguments = []
    for position, (name, parameter) in enumerate(zip(names, prototype.parameters, strict=True)):
        scope["_types"].append(parameter)
        if parameter.type.kind in INTEGER_KINDS:
            low, high = integer_range(parameter.type)
            lines.append(
                f"    if {name}.__class__ is not int or not {low} <= {name} <= {high}: "
                f"{name} = _bad(_prototype, {position}, {name}, {low}, {high})"
            )
            arguments.append(name)
        else:
            lines.append(f"    _{name} = _pointer(_prototype, {position}, {name})")
            arguments.append(f"_{name}")
    scope["_prototype"] = prototype
    source = "\n".join((f"def call({', '.join([*names, '/'] if names else [])}):", *lines, f"    return _bound({', '.join(arguments)})"))
    exec(source, scope)
    call: Callable[..., Any] = scope["call"]
    call.__qualname__ = call.__name__ = prototype.name or "function"
    call.__doc__ = str(prototype)
    return call


def _bad_integer(prototype: Prototype, position: int, value: Any, low: int, high: int) -> int:
    """The value as an int in range, where it is one after all: a bool, a NumPy integer, an IntEnum."""
    parameter = prototype.parameters[position]
    try:
        number = value.__index__()
    except (AttributeError, TypeError):
        raise SignatureError(
            f"{_named(prototype)}: argument {position + 1} must be an int for `{parameter}`, not {type(value).__name__} {value!r}"
        ) from None
    if not low <= number <= high:
        raise SignatureError(
            f"{_named(prototype)}: argument {position + 1} is {number}, out of range {low}..{high} for `{parameter}`"
        )
    return int(number)


def _pointer(prototype: Prototype, position: int, value: Any) -> int:
    """The address of what a pointer parameter was given. The caller's frame keeps the object alive during the call."""
    if value is None:
        return 0
    parameter = prototype.parameters[position]
    if isinstance(value, int):
        if 0 <= value < 1 << 64:
            return value
        raise SignatureError(f"{_named(prototype)}: argument {position + 1} is {value}, not an address, for `{parameter}`")
    target = parameter.type.target
    constant = target is not None and target.const
    # NumPy without importing it.
    interface = getattr(value, "__array_interface__", None)
    if isinstance(interface, dict):
        if interface.get("strides") is not None:
            raise SignatureError(
                f"{_named(prototype)}: argument {position + 1} is an array that isn't contiguous: pass numpy.ascontiguousarray(...)"
            )
        address, read_only = interface["data"]
        if read_only and not constant:
            raise SignatureError(
                f"{_named(prototype)}: argument {position + 1} is a read-only array, and `{parameter}` is not const"
            )
        return int(address)
    if isinstance(value, bytes):
        if not constant:
            raise SignatureError(
                f"{_named(prototype)}: argument {position + 1} is bytes, which can't change, and `{parameter}` is not const:"
                " pass a bytearray"
            )
        return ctypes.cast(value, ctypes.c_void_p).value or 0
    if isinstance(value, ctypes.c_void_p | ctypes.c_char_p):
        return ctypes.cast(value, ctypes.c_void_p).value or 0
    if isinstance(value, ctypes._Pointer | ctypes._CFuncPtr):
        return ctypes.cast(value, ctypes.c_void_p).value or 0
    if isinstance(value, ctypes.Array | ctypes.Structure | ctypes.Union | ctypes._SimpleCData):
        return ctypes.addressof(value)
    if isinstance(value, bytearray | memoryview):
        view = memoryview(value)
        if view.readonly or not view.c_contiguous:
            raise SignatureError(f"{_named(prototype)}: argument {position + 1} is not writable, contiguous memory")
        return ctypes.addressof((ctypes.c_char * view.nbytes).from_buffer(view)) if view.nbytes else 0
    raise SignatureError(
        f"{_named(prototype)}: argument {position + 1} must be an address, an array, a buffer or None for `{parameter}`,"
        f" not {type(value).__name__}"
    )
