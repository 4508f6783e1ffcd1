"""Functions that are generated for a prototype: those that check and place the arguments of a call."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from armexec.abi.checks import MISSING, by_position
from armexec.errors import ExecutionError, note_call
from armexec.objects import Prototype

__all__ = ["define_call"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


def define_call(
    prototype: Prototype,
    names: Sequence[str],
    body: Sequence[str],
    scope: Mapping[str, Any],
    otherwise: str | None = None,
) -> Callable[..., Any]:
    """The function with these lines and these names in its scope. A parameter that isn't given is MISSING.

    `otherwise` is the statement for `_extra` arguments and those `_named`. By default the function calls itself with
    all of them by position.
    """
    given = "".join(f"{name}, " for name in names)
    otherwise = otherwise or f"return _self()(*_by_position(_prototype, ({given}), _extra, _named))"
    parameters = [*(f"{name}=_missing" for name in names), *(["/"] if names else []), "*_extra", "**_named"]
    lines = (
        f"def call({', '.join(parameters)}):",
        "    try:",
        f"        if _extra or _named: {otherwise}",
        *(f"        {line}" for line in body),
        # What isn't given is MISSING, which fails before.
        f"    except _ExecutionError as _error: _note_call(_error, _self(), ({given}*_extra,)); raise",
    )
    own: dict[str, Any] = {
        **scope,
        "_ExecutionError": ExecutionError,
        "_by_position": by_position,
        "_missing": MISSING,
        "_note_call": note_call,
        "_prototype": prototype,
        # Debuggers and pytest leave this frame out.
        "__tracebackhide__": True,
    }
    exec("\n".join(lines), own)
    # The function doesn't refer to itself: it is freed with its last reference, without the garbage collector.
    made: Callable[..., Any] = own.pop("call")
    own["_self"] = weakref.ref(made)
    made.__qualname__ = made.__name__ = prototype.name or "function"
    made.__doc__ = str(prototype)
    return made
