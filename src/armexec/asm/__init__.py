"""Assembly text, or calls of a builder, into words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from armexec.asm.assembler import assemble
from armexec.asm.code import Code

if TYPE_CHECKING:
    from armexec.asm.builder import Builder
    from armexec.asm.operands import Label, Symbol

__all__ = ["Builder", "Code", "Label", "Symbol", "assemble"]


# Imported when it is used: a builder has a method for every mnemonic.
_LAZY = {"Builder": "builder", "Label": "operands", "Symbol": "operands"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    return value
