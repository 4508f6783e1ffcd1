"""A value of which nothing is known: what runs semantic functions for something else has it where values would be."""

from __future__ import annotations

from typing import Any

__all__ = ["ANYTHING", "Anything"]


class Anything:
    """A value that absorbs every operation. `register`: the general register that it is of, if it is of one."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("register",)
    width = 64

    def __init__(self, register: int | None = None) -> None:
        self.register = register

    def _same(self, *_: Any, **__: Any) -> Anything:
        return ANYTHING

    __add__ = __sub__ = __mul__ = __and__ = __or__ = __xor__ = __lshift__ = __rshift__ = _same
    __radd__ = __rsub__ = __rmul__ = __rand__ = __ror__ = __rxor__ = _same
    __invert__ = __neg__ = __eq__ = __ne__ = __getitem__ = _same  # type: ignore[assignment]

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return ANYTHING

    def __call__(self, *_: Any, **__: Any) -> Anything:
        return ANYTHING


ANYTHING = Anything()
