"""The types of a variadic function's further arguments, as people give them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from armexec.errors import SignatureError
from armexec.module.signatures import described

if TYPE_CHECKING:
    from armexec.abi.placement import CallingConvention
    from armexec.objects import CType, Image, Prototype

__all__ = ["argument_type", "variable_types"]


def variable_types(prototype: Prototype | None, types: Sequence[Any], image: Image, name: str) -> tuple[CType, ...]:
    """The types that texts and classes stand for, for the function of that name and prototype.

    Raises:
        SignatureError: the function isn't variadic, or one of them is no type that can be passed.
    """
    from armexec.abi import calling_convention

    if prototype is None:
        raise SignatureError(f"{name}: its signature isn't known: give one first, as in .with_signature(...)")
    if not prototype.variadic:
        raise SignatureError(f"`{prototype}` isn't variadic: its arguments have the types of its parameters")
    convention = calling_convention(image)
    return tuple(argument_type(given, convention, name, image) for given in types)


def argument_type(given: Any, convention: CallingConvention, name: str, image: Image | None = None) -> CType:
    """The type of an argument that C text or a class stands for; `image` has the types that a text may name.

    Raises:
        SignatureError: it is no type that can be passed; the message begins with the name of the function.
    """
    from armexec.abi import type_of_class
    from armexec.objects import CType

    if isinstance(given, CType):
        found: CType | None = given
    elif isinstance(given, str):
        known = image.type(given) if image is not None else None
        found = known or _parsed(given, convention, name)
    else:
        found = type_of_class(given, convention)
    if found is None:
        raise SignatureError(
            f'{name}: the type of an argument is C text such as "double", a class of ctypes or NumPy, or one of a'
            f" module's types, not {described(given)}"
        )
    if found.kind in ("void", "function", "array") or not (found.size or found.fields is not None):
        raise SignatureError(f"{name}: no argument can have the type `{found}`")
    return found


def _parsed(text: str, convention: CallingConvention, name: str) -> CType:
    from armexec.abi import parse_prototype

    # Definitions of types may stand before it; a struct may also be defined in it.
    begin = max((m.end() for m in re.finditer(";", text) if "}" not in text[m.end() :]), default=0)
    try:
        parameters = parse_prototype(f"{text[:begin]} void f({text[begin:]})", apple=convention == "apple").parameters
    except SignatureError as error:
        raise SignatureError(f"{name}: {text!r} is no type of C: {error}") from None
    if len(parameters) != 1:
        raise SignatureError(f"{name}: {text!r} isn't one type of C")
    return parameters[0].type
