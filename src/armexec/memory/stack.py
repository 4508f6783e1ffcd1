"""Stacks for guest code, above reserved addresses, so that an overflow is a fault."""

from __future__ import annotations

import os
import re
import weakref
from types import TracebackType
from typing import NamedTuple, Self

from ..errors import HostError
from .kernel import real_kernel
from .kernel_calls import Kernel
from .mapped_ranges import MAPPED_RANGES, MappedRanges
from .protection import Protection, Step
from .region import whole_pages
from .strategies import DarwinReservedPages, PageSource, Part, ReservedPages

__all__ = ["GuestStack", "Overflow", "guest_stack", "stack_size"]

_VARIABLE = "ARMEXEC_STACK"
"""The environment variable with the size of the guest's stacks."""
_DEFAULT_SIZE = 8 << 20
"""The default size in bytes, the same as Linux's."""
_RESERVED = 256 << 20
"""Reserved bytes below a stack: a frame of up to that size can't reach other memory."""
_FRAME = 256
"""Bytes of zeros above the first stack pointer, for code that reads its caller's frame."""
_NEAR = 1 << 16
"""Bytes below a stack in which an access may come of recursion; farther below it comes of a large frame."""
_SIZE = re.compile(r"(\d{1,18})([kmg]?)", re.IGNORECASE)


class Overflow(NamedTuple):
    """An overflow of a stack of `size` bytes, and the message for it."""

    size: int
    message: str


class GuestStack:
    """Readable and writable memory between inaccessible pages. It is a context manager, and is freed when nothing
    refers to it.

    The usable bytes go from `address` to `top` (exclusive), `size` in all, of which `requested` were asked for.
    `stack_pointer` is the initial one, a multiple of 16 (AAPCS64, "The Stack"); above it is a frame of zeros, like a
    caller's. Pages are allocated when they are first used. Accesses to the `guard_size` bytes below, which are
    reserved, fault, as do those to the page above.

    `base` is where the guest's address 0 is in this process; all addresses here are the guest's.
    """

    def __init__(
        self,
        kernel: Kernel,
        size: int,
        *,
        mapped: MappedRanges,
        reserved: int = _RESERVED,
        strategy: PageSource | None = None,
        base: int = 0,
    ) -> None:
        page = kernel.page_size
        self.requested = size
        self.size = whole_pages(size, page)
        self.guard_size = whole_pages(reserved, page)
        self.steps: list[Step] = []
        reserving = DarwinReservedPages if kernel.system == "darwin" else ReservedPages
        pages = (strategy or reserving)(kernel, self.guard_size + self.size + page, self.steps)
        stack: Part = (self.guard_size, self.size, Protection.READ | Protection.WRITE)
        around: list[Part] = [
            (0, self.guard_size, Protection.NONE),
            (self.guard_size + self.size, page, Protection.NONE),
        ]
        pages.seal([stack] if strategy is None else [*around, stack])
        self.address = pages.address + self.guard_size - base
        self.top = self.address + self.size
        self.stack_pointer = self.top - _FRAME
        mapped.add(base + self.address, self.size, Protection.READ | Protection.WRITE)
        self._finalizer = weakref.finalize(self, pages.free, mapped)
        self._finalizer.atexit = False

    def __repr__(self) -> str:
        return f"<GuestStack 0x{self.address:x} to 0x{self.top:x}{', closed' if self.closed else ''}>"

    def overflow(self, address: int) -> Overflow | None:
        """The overflow, if an access of `address` is one, else None."""
        if not self.address - self.guard_size <= address < self.address:
            return None
        why = (
            "recursion too deep? or a local array too large?"
            if address >= self.address - _NEAR
            else "a local array too large?"
        )
        advice = (
            f"give stack_size={4 * self.size}, say, or set the environment variable {_VARIABLE} to "
            f"{_shown(4 * self.size)} before a module is loaded"
        )
        return Overflow(self.size, f"the guest's stack of {_shown(self.size)} has run out: {why} ({advice})")

    @property
    def closed(self) -> bool:
        """True once the stack is no longer mapped."""
        return not self._finalizer.alive

    def close(self) -> None:
        """Free the stack. Closing twice does nothing."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def stack_size() -> int:
    """The size of the guest's stacks in bytes: 8 MiB, or what ARMEXEC_STACK says. Raises HostError."""
    text = os.environ.get(_VARIABLE, "").strip()
    if not text:
        return _DEFAULT_SIZE
    found = _SIZE.fullmatch(text)
    size = int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[found[2].lower()] if found else 0
    if not size:
        raise HostError(f"{_VARIABLE} is {text!r}: it must be a number of bytes, such as 16777216, 16384K or 16M")
    return size


def _shown(size: int) -> str:
    """A size as `stack_size` reads it."""
    for shift, letter in ((30, "G"), (20, "M"), (10, "K")):
        if not size & (1 << shift) - 1:
            return f"{size >> shift}{letter}"
    return str(size)


def guest_stack(size: int | None = None) -> GuestStack:
    """Map a stack of at least `size` bytes, or of `stack_size`. Raises `HostError` where the host refuses."""
    return GuestStack(real_kernel(), stack_size() if size is None else size, mapped=MAPPED_RANGES)
