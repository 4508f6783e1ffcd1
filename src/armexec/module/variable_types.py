"""The types of a variadic function's further arguments, as people give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from armexec.errors import SignatureError
from armexec.module.signatures import described, prototype_of

if TYPE_CHECKING:
    from armexec.objects import CType, Image, Prototype

__all__ = ["variable_types"]


def variable_types(prototype: Prototype | None, types: Sequence[Any], image: Image, name: str) -> tuple[CType, ...]:
    """The types that texts and classes stand for, for the function of that name and prototype.

    Raises:
        SignatureError: the function isn't variadic, or one of them is no type that can be passed.
    """
    if prototype is None:
        raise SignatureError(f"{name}: its signature isn't known: give one first, as in .with_signature(...)")
    if not prototype.variadic:
        raise SignatureError(f"`{prototype}` isn't variadic: its arguments have the types of its parameters")
    return tuple(_variable_type(given, image, name) for given in types)


def _variable_type(given: Any, image: Image, name: str) -> CType:
    from armexec.abi import calling_convention, type_of_class
    from armexec.objects import CType

    if isinstance(given, CType):
        found: CType | None = given
    elif isinstance(given, str):
        found = image.type(given) or _parsed(given, image, name)
    else:
        found = type_of_class(given, calling_convention(image))
    if found is None:
        raise SignatureError(
            f'{name}: the type of an argument is C text such as "double", a class of ctypes or NumPy, or one of the'
            f" module's types, not {described(given)}"
        )
    if found.kind in ("void", "function", "array") or not (found.size or found.fields is not None):
        raise SignatureError(f"{name}: no argument can have the type `{found}`")
    return found


def _parsed(text: str, image: Image, name: str) -> CType:
    definitions, end, last = text.rpartition(";")
    try:
        parameters = prototype_of(f"{definitions}{end} void f({last})", image).parameters
    except SignatureError as error:
        raise SignatureError(f"{name}: {text!r} is no type of C: {error}") from None
    if len(parameters) != 1:
        raise SignatureError(f"{name}: {text!r} isn't one type of C")
    return parameters[0].type
