"""Signatures that people write, and values in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from armexec.errors import SignatureError

if TYPE_CHECKING:
    from armexec.abi.placement import CallingConvention
    from armexec.objects import Image, Prototype

__all__ = ["described", "known_prototype", "prototype_of", "replaced_prototype"]


def prototype_of(
    signature: str | Prototype, image: Image | None = None, *, convention: CallingConvention | None = None
) -> Prototype:
    """The prototype that a signature gives, for code of `image`, or of a calling convention. Raises SignatureError."""
    from armexec.abi import calling_convention, parse_prototype
    from armexec.objects import Prototype

    if isinstance(signature, Prototype):
        return signature
    if not isinstance(signature, str):
        raise SignatureError(f'a signature is a C prototype such as "int(int)", not {described(signature)}')
    return parse_prototype(signature, apple=(convention or calling_convention(image)) == "apple")


def known_prototype(prototype: Prototype | None, name: str, image: Image) -> Prototype:
    """The prototype of a function of an image, for a call. Raises SignatureError if it isn't known."""
    if prototype is None:
        files = image.debug_files()
        keep = f"compile without -gsplit-dwarf ({', '.join(files)})" if files else "keep the debug information"
        raise SignatureError(
            f'{name}: its signature isn\'t known: give one, as in .with_signature("int(int)"), or {keep}'
        )
    return prototype


def replaced_prototype(prototype: Prototype | None, name: str) -> Prototype:
    """The prototype of a function that is replaced. Raises SignatureError if it isn't known."""
    if prototype is None:
        raise SignatureError(f'{name}: its prototype isn\'t known: give armexec.callback(function, "int(int)")')
    return prototype


def described(value: object) -> str:
    """A value for a message: its type and its repr, shortened."""
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}" if value is not None else "None"
