"""Mangled names of what is declared in a function, and of lambdas: the demangler has none (Itanium C++ ABI, 5.1.5)."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["demangled_local", "with_closures"]

Demangle = Callable[[str], "str | None"]

_DISCRIMINATOR = re.compile(r"(?<=.)(?:_\d|__\d+_)$")
_SUBSTITUTION = re.compile(r"S[0-9A-Z]*_")
_LENGTH = re.compile(r"\d{1,4}")
_END = re.compile("E")
_CLOSURE_END = re.compile(r"E(\d*)_")


def demangled_local(mangled: str, demangle: Demangle) -> str | None:
    """The source name of `_ZZ <encoding> E <entity>`: `f(int)::x`. None where it isn't one that can be read.

    `demangle` gives the source name of another mangled name, or None.
    """
    for found in _END.finditer(mangled, 3):
        end = found.start()
        entity = _DISCRIMINATOR.sub("", mangled[end + 1 :])
        # A substitution may stand for a part of the encoding, which isn't known then.
        if not entity or _SUBSTITUTION.search(entity):
            continue
        inner = "string literal" if entity == "s" else demangle(f"_Z{entity}")
        outer = demangle(f"_Z{mangled[3:end]}") if inner is not None else None
        if outer is not None:
            return f"{outer}::{inner}"
    return None


def with_closures(mangled: str, demangle: Demangle) -> str:
    """The name with the type of each lambda as a plain name in its place, such as `{lambda(int)#1}`."""
    if _SUBSTITUTION.search(mangled):
        # It may stand for a part of a lambda's type.
        return mangled
    at = 0
    while at < len(mangled):
        length = _LENGTH.match(mangled, at)
        if length is not None:
            # A name, whatever is in it.
            at = length.end() + int(length[0])
        elif mangled.startswith("Ul", at):
            name, end = _closure(mangled, at, demangle)
            mangled = f"{mangled[:at]}{name}{mangled[end:]}"
            at += len(name)
        else:
            at += 1
    return mangled


def _closure(mangled: str, begin: int, demangle: Demangle) -> tuple[str, int]:
    """A plain name for the type of the lambda that begins there, and where this type ends."""
    for found in _CLOSURE_END.finditer(mangled, begin + 2):
        parameters = demangle(f"_Z1_{mangled[begin + 2 : found.start()]}")
        if parameters is not None and parameters.startswith("_("):
            number = int(found[1]) + 2 if found[1] else 1
            name = f"{{lambda{parameters[1:]}#{number}}}"
            return f"{len(name)}{name}", found.end()
    return mangled[begin : begin + 2], begin + 2
