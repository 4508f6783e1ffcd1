"""Arrays that end, or begin, at a page that can't be accessed."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, Literal

from armexec.errors import SignatureError
from armexec.memory import GuestStack
from armexec.memory.kernel import real_kernel
from armexec.memory.mapped_ranges import MAPPED_RANGES
from armexec.objects import CType, Prototype

__all__ = ["Guard", "GuardedArguments"]

Guard = Literal["end", "begin"]
_BEFORE = 1 << 16
"""Bytes that can't be accessed before an array; behind it is a page."""


class GuardedArguments:
    """The arguments of a call, in which each array is a copy beside a page that can't be accessed.

    `values` are passed instead of those that were given. `write_back` copies what the guest has written to where it
    came from. Arrays are NumPy arrays, lists of numbers, bytes and what has a buffer, for pointers of the prototype.

    Raises:
        SignatureError: `guard` is neither "end" nor "begin".
    """

    def __init__(self, prototype: Prototype, values: Sequence[Any], guard: Guard) -> None:
        if guard not in ("end", "begin"):
            raise SignatureError(f'arrays are guarded at their "end" or "begin", not at {guard!r:.60}')
        self._guard = guard
        self._memory: list[GuestStack] = []
        self._back: list[Callable[[], object]] = []
        types = [parameter.type for parameter in prototype.parameters]
        self.values = [self._guarded(types[n] if n < len(types) else None, value) for n, value in enumerate(values)]

    def _guarded(self, ctype: CType | None, value: Any) -> Any:
        if ctype is None or ctype.kind != "pointer":
            return value
        if isinstance(value, list):
            return self._list(ctype, value)
        if isinstance(value, bytes):
            # The guest gets a copy with a null behind it, as it does without a guard.
            return self._placed(value + b"\0")
        try:
            view = memoryview(value)
        except TypeError:
            return value
        if not view.c_contiguous or not view.nbytes:
            return value
        return self._buffer(view)

    def _list(self, ctype: CType, value: list[Any]) -> Any:
        import numpy as np

        target = ctype.target
        codes = {"int": "i" if target is not None and target.signed else "u", "float": "f", "bool": "?", "enum": "i"}
        code = codes.get(target.kind) if target is not None else None
        if code is None or target is None or not value:
            return value
        try:
            array = np.array(value, "?" if code == "?" else f"{code}{target.size}")
        except (ValueError, OverflowError, TypeError):
            # The call says what is wrong with it.
            return value
        memory = self._placed(array.tobytes())
        if not target.const:

            def back() -> None:
                value[:] = np.frombuffer(bytes(memory), array.dtype).tolist()

            self._back.append(back)
        return memory

    def _buffer(self, view: memoryview) -> Any:
        memory = self._placed(view.tobytes())
        if not view.readonly:
            plain = view.cast("B") if view.ndim != 1 or view.format != "B" else view

            def back() -> None:
                plain[:] = bytes(memory)

            self._back.append(back)
        return memory

    def _placed(self, data: bytes) -> Any:
        """A copy beside a guard page, as an array of ctypes."""
        stack = GuestStack(real_kernel(), len(data), mapped=MAPPED_RANGES, reserved=_BEFORE)
        self._memory.append(stack)
        address = stack.address if self._guard == "begin" else stack.top - len(data)
        array = (ctypes.c_uint8 * len(data)).from_address(address)
        ctypes.memmove(address, data, len(data))
        return array

    def write_back(self) -> None:
        """Copy what the guest has written to the arrays that were given."""
        for back in self._back:
            back()
