"""Code that belongs to no image: compiled once, kept on disk, and linked where it is needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from armexec.translate.codegen.cache import cached_object
from armexec.translate.codegen.link import HostCode, defined_names
from armexec.translate.codegen.llvm import compile_object
from armexec.translate.events import linked_shared

__all__ = ["compiled", "shared_code"]


def compiled(text: str, symbols: Mapping[str, int], *, tier: str = "O2") -> HostCode:
    """Any IR text in executable memory; `symbols` is as for `HostCode`. Raises HostError."""
    return HostCode(compile_object(text, tier=tier), symbols, defined_names(text))


def shared_code(text: str, symbols: Mapping[str, int], names: Collection[str], tier: str = "O0") -> HostCode:
    """An IR text that is always the same, in executable memory; the rest is as for `HostCode`. Raises HostError."""
    data = cached_object(text, tier=tier)
    code = HostCode(data, symbols, names)
    linked_shared(code, data, text, tier)
    return code
