"""Code that belongs to no image: compiled once, kept on disk, and linked where it is needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from armexec.translate.codegen.cache import cached_object
from armexec.translate.codegen.link import HostCode
from armexec.translate.events import linked_shared

__all__ = ["shared_code"]


def shared_code(text: str, symbols: Mapping[str, int], names: Collection[str], tier: str = "O0") -> HostCode:
    """An IR text that is always the same, in executable memory; the rest is as for `HostCode`. Raises HostError."""
    data = cached_object(text, tier=tier)
    code = HostCode(data, symbols, names)
    linked_shared(code, data, text, tier)
    return code
