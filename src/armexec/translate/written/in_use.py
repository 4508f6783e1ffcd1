"""Whether host code may still be returned to: what a thread's stack says."""

from __future__ import annotations

import ctypes
import threading
from array import array
from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar

from armexec.translate.execute.host_stack import stack_bounds
from armexec.translate.execute.linked_unit import LinkedUnit, unit_at
from armexec.translate.guest_state import GuestState

__all__ = ["Retired", "in_use"]


class Retired(Protocol):
    """A translator whose code nothing finds any more."""

    @property
    def units(self) -> Sequence[LinkedUnit]: ...


T = TypeVar("T", bound=Retired)


def in_use(retired: Sequence[T], running: Collection[GuestState], stack_pointer: int) -> Sequence[T]:
    """Those of some translators in whose code this thread may still be; all where other threads run guest code.

    A function that has made a call has left a return address on the stack. Any word there that may be one counts.
    """
    if not running:
        return ()
    if any(state.thread != threading.get_ident() for state in running):
        return retired
    words = _stack_words(stack_pointer)
    # Calls whose state isn't there have their stack elsewhere, as greenlets do.
    if not words or any(ctypes.addressof(state) not in words for state in running):
        return retired
    found = {id(unit_at(word)) for word in words}
    return [translator for translator in retired if any(id(unit) in found for unit in translator.units)]


def _stack_words(stack_pointer: int) -> set[int]:
    """The words on this thread's stack; none where that isn't known."""
    low, size = stack_bounds()
    if not low <= stack_pointer < low + size:
        return set()
    return set(array("Q", ctypes.string_at(stack_pointer, low + size - stack_pointer & -8)))
