"""Hooks: functions of Python that are called for what the guest does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from weakref import WeakMethod

__all__ = ["Access", "Hook", "Hooks"]


@dataclass(frozen=True)
class Access:
    """A read or a write of memory by the guest. `pc` is the instruction's; `kind` is "read" or "write"."""

    kind: str
    address: int
    size: int
    value: int
    pc: int


class Hook:
    """A function that is called, until `remove` or the end of a `with` block."""

    def __init__(self, hooks: Hooks, kind: str, callback: Callable[..., Any], begin: int, end: int) -> None:
        self.kind = kind
        self.callback = callback
        self.begin = begin
        self.end = end
        self._hooks = hooks

    def remove(self) -> None:
        """Call the function no more. Twice does no harm."""
        self._hooks.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<Hook {self.kind} 0x{self.begin:x}-0x{self.end:x}>"


class Hooks:
    """The hooks of an address space, by kind: "code", "read", "write", "svc" or "brk"."""

    def __init__(self, changes: Callable[[Hook], None], changed: Callable[[Hook], None]) -> None:
        """`changes` is called before a hook comes or goes, and `changed` after it. They are methods."""
        self._changes = WeakMethod(changes)
        self._changed = WeakMethod(changed)
        self._hooks: dict[str, list[Hook]] = {}

    def add(self, kind: str, callback: Callable[..., Any], begin: int, end: int) -> Hook:
        hook = Hook(self, kind, callback, begin, end)
        self._set(hook, [*self.of(kind), hook])
        return hook

    def remove(self, hook: Hook) -> None:
        left = [other for other in self.of(hook.kind) if other is not hook]
        if len(left) != len(self.of(hook.kind)):
            self._set(hook, left)

    def _set(self, hook: Hook, hooks: list[Hook]) -> None:
        changes, changed = self._changes(), self._changed()
        if changes is not None and changed is not None:
            changes(hook)
            # A new list: one that is being gone through stays as it is.
            self._hooks[hook.kind] = hooks
            changed(hook)

    def of(self, kind: str) -> list[Hook]:
        """All of a kind, in the order in which they were added."""
        return self._hooks.get(kind, [])

    def at(self, kind: str, address: int, size: int = 1) -> list[Hook]:
        """Those of a kind whose range has one of some bytes."""
        hooks = self._hooks.get(kind)
        return [h for h in hooks if h.begin < address + size and address < h.end] if hooks else []
