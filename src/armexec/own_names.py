"""Attributes of modules whose names functions of the guest may have too. The module's attribute is found first.

Calling it as if it were the function is an error, which says how the function is found.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, NoReturn, ParamSpec, SupportsIndex, TypeVar, overload

from armexec.errors import SignatureError
from armexec.lines import Lines

__all__ = ["FunctionList", "OwnText", "own_method"]

_Function = TypeVar("_Function")
_Self = TypeVar("_Self")
_Result = TypeVar("_Result")
_P = ParamSpec("_P")


def _message(name: str, what: str) -> str:
    return f'mod.{name} is the module\'s own {what}: the function of that name is mod["{name}"]'


class OwnText(Lines):
    """The text of a module's attribute, where a function of the guest has the same name."""

    def __new__(cls, text: str, attribute: str) -> OwnText:
        """Make the text of the attribute of that name."""
        made = super().__new__(cls, text)
        made._attribute = attribute
        return made

    _attribute: str

    def __call__(self, *arguments: Any, **named: Any) -> NoReturn:
        raise SignatureError(_message(self._attribute, "text"))

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


class FunctionList(list[_Function]):
    """The functions of a module, by their position or by their name."""

    def __init__(self, functions: Iterable[_Function], find: Callable[[str], _Function]) -> None:
        """Make the list; `find` gives the function of a name."""
        super().__init__(functions)
        self._find = find

    @overload
    def __getitem__(self, key: SupportsIndex | str, /) -> _Function: ...
    @overload
    def __getitem__(self, key: slice, /) -> list[_Function]: ...
    def __getitem__(self, key: SupportsIndex | slice | str, /) -> _Function | list[_Function]:
        """The function of a position or a name. Raises IndexError or UnknownFunction."""
        return self._find(key) if isinstance(key, str) else super().__getitem__(key)

    def __contains__(self, item: object) -> bool:
        if not isinstance(item, str):
            return super().__contains__(item)
        try:
            self._find(item)
        except LookupError:
            return False
        return True

    def __call__(self, *arguments: Any, **named: Any) -> NoReturn:
        raise SignatureError(_message("functions", "list of functions"))

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Any]]]:
        return list, (list(self),)


def own_method(method: Callable[Concatenate[_Self, _P], _Result]) -> Callable[Concatenate[_Self, _P], _Result]:
    """A method that says, when its arguments don't fit, that a function of its name is found in another way."""

    @wraps(method)
    def call(self: _Self, /, *arguments: _P.args, **named: _P.kwargs) -> _Result:
        try:
            return method(self, *arguments, **named)
        except TypeError:
            try:
                inspect.signature(method).bind(self, *arguments, **named)
            except TypeError as error:
                hint = ""
                if method.__name__ in self.functions:  # type: ignore[attr-defined]
                    hint = ": " + _message(method.__name__, "method")
                raise SignatureError(f"{method.__qualname__}: {error}{hint}") from None
            raise

    return call
