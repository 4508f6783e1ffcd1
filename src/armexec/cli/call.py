"""Choice of the function that a command calls, and of its prototype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from armexec.cli.outcome import note
from armexec.errors import LoadError
from armexec.module.arguments.text import guess_prototype, parse_arguments

if TYPE_CHECKING:
    from armexec.module import Function, Module
    from armexec.objects import Prototype

__all__ = ["prepare", "select_function"]


def select_function(module: Module, name: str | None) -> Function:
    """The function of a name; without a name the only one, or `main`.

    Raises:
        LoadError: there is none, or several to choose from.
    """
    if name is not None:
        return module[name]
    functions = module.functions
    if not functions:
        raise LoadError(f"{module.name} defines no function")
    if len(functions) == 1:
        return functions[0]
    mains = [f for f in functions if f.linkage_name == "main"]
    if not mains:
        names = ", ".join(f.name for f in functions[:20]) + (", ..." if len(functions) > 20 else "")
        raise LoadError(f"{module.name} defines several functions: choose one with --function: {names}")
    return mains[0]


def prepare(
    module: Module, name: str | None, signature: str | None, texts: Sequence[str], *, compiled: bool
) -> tuple[Function, Prototype, list[Any]]:
    """The function, its prototype, which is guessed if it isn't known, and the arguments.

    `compiled` says that the code is compiled from C or C++.

    Raises:
        LoadError: there is no such function.
        SignatureError: the signature can't be read, or the arguments don't fit it.
    """
    function = select_function(module, name)
    if signature is not None:
        function = function.with_signature(signature)
    if function.prototype is None:
        guessed = guess_prototype(function.linkage_name, texts, compiled=compiled)
        note(f"the signature of {function.name} isn't known: taking it for {guessed} (--signature changes that)")
        function = function.with_signature(guessed)
    prototype = function.prototype
    assert prototype is not None
    return function, prototype, parse_arguments(prototype, texts)
