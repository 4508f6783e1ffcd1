"""A stack for guest code, between two pages that can't be accessed."""

from __future__ import annotations

import weakref
from types import TracebackType
from typing import Self

from .kernel import Kernel, real_kernel
from .known import KNOWN, KnownRanges
from .protection import Protection, Step
from .region import data_strategy, whole_pages
from .strategies import Part, Strategy

__all__ = ["GuestStack", "guest_stack"]


class GuestStack:
    """Readable and writable memory with a guard page below and above. A context manager; freed when nothing
    refers to it.

    The usable bytes go from `address` to `top` (exclusive), `size` in all; `top` is the first stack pointer,
    a multiple of 16 (AAPCS64, "The Stack"). Running out of it faults in the guard page instead of overwriting
    something else.
    """

    def __init__(self, kernel: Kernel, size: int, *, known: KnownRanges) -> None:
        page = kernel.page_size
        self.size = whole_pages(size, page)
        self.guard_size = page
        self.steps: list[Step] = []
        pages = data_strategy(kernel)(kernel, self.size + 2 * page, self.steps)
        guard = Protection.NONE
        stack: Part = (page, self.size, Protection.READ | Protection.WRITE)
        pages.seal([(0, page, guard), stack, (page + self.size, page, guard)])
        self.address = pages.address + page
        self.top = self.address + self.size
        known.add(self.address, self.size, Protection.READ | Protection.WRITE)
        self._finalizer = weakref.finalize(self, _free, pages, known)
        self._finalizer.atexit = False

    def __repr__(self) -> str:
        return f"<GuestStack 0x{self.address:x} to 0x{self.top:x}{', closed' if self.closed else ''}>"

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


def _free(pages: Strategy, known: KnownRanges) -> None:
    known.remove(pages.address, pages.size)
    pages.close()


def guest_stack(size: int = 1 << 20) -> GuestStack:
    """Map a stack of at least `size` bytes. Raises `HostError` where the host refuses."""
    return GuestStack(real_kernel(), size, known=KNOWN)
