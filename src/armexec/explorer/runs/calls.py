"""Calls of what a builder has linked: the function and its arguments by texts, and the result as text."""

from __future__ import annotations

import io
import sys
from typing import Any

from armexec.errors import LoadError, SignatureError
from armexec.explorer.builds.runnable import Runnable
from armexec.module import Function, Module
from armexec.module.arguments.text import guess_prototype, parse_arguments, shown_result, written
from armexec.module.settings import Settings

__all__ = ["is_program", "prepared", "program_result", "result_of", "stdout_kept", "text_of", "texts_of"]

_MEMORY = 256 << 20
"""Bytes that the guest's heap and mappings may have."""
_LONGEST = 2000
"""Characters of a value."""


def is_program(runnable: Runnable, request: dict[str, Any]) -> bool:
    """Whether a request means the whole program, and not one of its functions."""
    return runnable.is_program and request.get("function", "") in ("", "main", "_main")


def prepared(runnable: Runnable, request: dict[str, Any]) -> tuple[Module, Function, list[Any]]:
    """A new module, the function that a request names, by its linkage name, or the first one, and its arguments.

    Raises:
        SignatureError: the arguments don't fit.
        LoadError: there is no function.
        Error: what loading raises.
    """
    module = Module(runnable.image, "translated", settings=Settings(memory_limit=_MEMORY))
    name, texts = text_of(request, "function"), texts_of(request, "arguments")
    found = {function.linkage_name: function for function in module.functions}
    if not found:
        raise LoadError("there is no function to call")
    function = found.get(name) or next(iter(found.values()))
    signature = text_of(request, "signature").strip()
    prototype = runnable.prototypes.get(function.linkage_name)
    if signature:
        function = function.with_signature(signature)
    elif prototype is not None:
        function = function.with_signature(prototype)
    else:
        guessed = guess_prototype(function.linkage_name, texts, compiled=runnable.is_compiled)
        function = function.with_signature(guessed)
    assert function.prototype is not None
    return module, function, parse_arguments(function.prototype, texts)


def result_of(function: Function, values: list[Any], value: Any) -> dict[str, Any]:
    """The result of a call as text, its type, and what the call has written to arrays that it was passed."""
    prototype = function.prototype
    assert prototype is not None
    changed = {name: _short(value) for name, value in written(prototype, values).items()}
    text = "" if prototype.result.kind == "void" else _short(shown_result(prototype, value))
    return {"text": text, "type": str(prototype.result), "hex": _hex(value), "written": changed}


def program_result(value: Any) -> dict[str, Any]:
    """How a program ended."""
    return {"text": f"exit status {value.status}", "status": value.status}


def stdout_kept() -> io.BytesIO:
    """Have standard output, which calls write to, kept in memory from now on."""
    kept = io.BytesIO()
    sys.stdout = io.TextIOWrapper(kept, "utf-8", "backslashreplace", write_through=True)
    return kept


def text_of(request: dict[str, Any], name: str) -> str:
    """A text that a request has, empty without. Raises SignatureError for anything else."""
    value = request.get(name, "")
    if not isinstance(value, str):
        raise SignatureError(f"{name} is text")
    return value


def texts_of(request: dict[str, Any], name: str) -> list[str]:
    """A list of texts that a request has, empty without. Raises SignatureError for anything else."""
    value = request.get(name, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise SignatureError(f"the {name} are a list of texts")
    return value


def _short(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."


def _hex(value: Any) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        return ""
    return hex(value & 0xFFFF_FFFF_FFFF_FFFF) if value < 0 else hex(value)
