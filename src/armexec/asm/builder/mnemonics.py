"""The mnemonics and registers as attributes of a builder, made when they are first used.

`mnemonics.pyi`, which is generated, declares all of them for editors and type checkers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from armexec.asm.builder.generate import REGISTER_NAMES, method_documentation, method_name
from armexec.asm.lexer import register_named
from armexec.isa import mnemonics
from armexec.isa.syntax import Register

__all__ = ["Mnemonics"]


@cache
def _methods() -> dict[str, str]:
    return {method_name(mnemonic): mnemonic for mnemonic in mnemonics()}


def _method(name: str, mnemonic: str) -> Callable[..., None]:
    def method(self: Mnemonics, *operands: Any) -> None:
        self.emit(mnemonic, *operands)

    method.__name__ = name
    method.__qualname__ = f"Builder.{name}"
    method.__doc__ = method_documentation(mnemonic)
    return method


class _OnDemand(type):
    """A class whose attributes for mnemonics and registers come into being when they are first asked for."""

    def __getattr__(cls, name: str) -> Any:
        mnemonic = None if name.startswith("_") else _methods().get(name)
        value: Callable[..., None] | Register | None
        value = register_named(name) if mnemonic is None else _method(name, mnemonic)
        if value is None:
            raise AttributeError(f"{cls.__name__!r} has no attribute, mnemonic or register {name!r}")
        setattr(Mnemonics, name, value)
        return value


class Mnemonics(metaclass=_OnDemand):
    """The mnemonics of A64 as methods; `b.eq` is `b_eq`, and `and` is `and_`. The registers by their names."""

    def emit(self, mnemonic: str, *operands: Any) -> None:
        """Append an instruction."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        getattr(type(self), name)
        return getattr(self, name)  # a method is bound to the builder

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_methods(), *REGISTER_NAMES})
