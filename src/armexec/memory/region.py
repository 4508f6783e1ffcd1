"""Regions of memory: filled while they are writable, then sealed, with a final protection for each part."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from ..errors import HostError
from ..forks import renew
from .kernel import real_kernel
from .kernel_calls import Kernel
from .mapped_ranges import MAPPED_RANGES, MappedRanges
from .protection import Protection, Step
from .strategies import AnonymousPages, DarwinPlainPages, PageSource, Part, Strategy, choose

__all__ = ["Region", "allocate", "page_size", "strategy_name"]

# No 64-bit processor gives a process more. ctypes would truncate much larger sizes silently.
_LARGEST = 1 << 52


class Region:
    """Memory of one mapping, made by `allocate`. It is a context manager, and is freed when nothing refers to it.

    `address` and `size` (whole pages, in bytes) don't change. `executable` is False where the host translates guest
    code: executable parts are then only readable to the host. `steps` are the operations so far; `parts` are those that
    `seal` was given. Methods raise `HostError` in a wrong state, and for pages both writable and executable.
    """

    def __init__(
        self,
        kernel: Kernel,
        strategy: PageSource,
        size: int,
        *,
        executable: bool,
        mapped: MappedRanges,
        align: int = 1,
    ) -> None:
        self.steps: list[Step] = []
        self.executable = executable
        self.parts: tuple[Part, ...] = ()
        self._sealed = False
        self._kernel = kernel
        self._mapped = mapped
        self._pages = strategy(kernel, size, self.steps, align)
        self.strategy = strategy.name
        self.address = self._pages.address
        self.size = size
        self._lock = renew(self)
        self._finalizer = weakref.finalize(self, self._pages.free, mapped)
        # Code may still run while the interpreter shuts down; the system frees the memory then.
        self._finalizer.atexit = False

    def __repr__(self) -> str:
        state = "closed" if self.closed else "sealed" if self._sealed else "writable"
        return f"<Region 0x{self.address:x} {self.size} bytes, {self.strategy}, {state}>"

    @property
    def closed(self) -> bool:
        """True once nothing of the region is mapped any more."""
        return not self._finalizer.alive

    @property
    def sealed(self) -> bool:
        """True once the parts have their protections."""
        return self._sealed

    def _check(self, what: str, offset: int, size: int) -> None:
        if self.closed:
            raise HostError(f"can't {what} the region at 0x{self.address:x}: it is closed; allocate another")
        if offset < 0 or size < 0 or offset + size > self.size:
            raise HostError(
                f"can't {what} {size} bytes at offset {offset} of the region at 0x{self.address:x}: "
                f"it has {self.size} bytes"
            )

    def _allows(self, offset: int, size: int, protection: Protection) -> bool:
        end = offset + size
        for start, length, given in self.parts:
            if start <= offset < start + length and protection in given:
                offset = start + length
                if offset >= end:
                    return True
        return size == 0

    def write(self, offset: int, data: bytes) -> None:
        """Copy `data` to `offset`: anywhere before `seal`, and to parts that stay writable after it."""
        with self._lock:
            self._check("write", offset, len(data))
            if not self._sealed:
                self._pages.write(offset, bytes(data))
            elif self._allows(offset, len(data), Protection.WRITE):
                self._kernel.copy_in(self.address + offset, bytes(data))
            else:
                raise HostError(
                    f"can't write {len(data)} bytes at 0x{self.address + offset:x}: the region is sealed and "
                    "they aren't in a writable part; to change code, allocate a new region"
                )

    def read(self, offset: int, size: int) -> bytes:
        """Copy `size` bytes from `offset`: anywhere before `seal`, and from readable parts after it."""
        with self._lock:
            self._check("read", offset, size)
            if not self._sealed:
                return self._pages.read(offset, size)
            if not self._allows(offset, size, Protection.READ):
                raise HostError(
                    f"can't read {size} bytes at 0x{self.address + offset:x}: they aren't in a readable part "
                    "of the region"
                )
            return self._kernel.copy_out(self.address + offset, size)

    def seal(self, parts: Sequence[Part]) -> None:
        """Give each part (offset, size, protection) its final protection; the rest becomes inaccessible.

        Parts are whole pages, given in bytes, and don't overlap. The instruction cache of executable parts is
        invalidated before they become executable. A part that is writable and executable is refused; so is a second
        `seal`. If the host refuses, the region is closed, and `HostError` gives the reason.
        """
        with self._lock:
            self._check("seal", 0, 0)
            if self._sealed:
                raise HostError(f"the region at 0x{self.address:x} is already sealed; to change code, allocate another")
            asked = self._checked_parts(parts)
            given = [(offset, size, self._host_protection(wanted)) for offset, size, wanted in asked]
            try:
                self._pages.seal(_with_gaps(given, self.size))
            except BaseException:
                self.close()
                raise
            self._sealed = True
            self.parts = tuple(asked)
            for offset, size, protection in given:
                self._mapped.add(self.address + offset, size, protection, toggled=self._pages.toggles)

    def _host_protection(self, wanted: Protection) -> Protection:
        if not self.executable and Protection.EXECUTE in wanted:
            return (wanted & ~Protection.EXECUTE) | Protection.READ
        return wanted

    def _checked_parts(self, parts: Sequence[Part]) -> list[Part]:
        page = self._kernel.page_size
        end = 0
        ordered = sorted(parts, key=lambda part: part[0])
        for offset, size, protection in ordered:
            self._check("seal", offset, size)
            if offset % page or size % page or not size:
                raise HostError(
                    f"a part of {size} bytes at offset {offset} isn't made of whole pages (of {page} bytes)"
                )
            if offset < end:
                raise HostError(f"the part at offset {offset} overlaps the one before it, which ends at {end}")
            if protection.writable_and_executable:
                raise HostError(
                    f"the part at offset {offset} is asked to be writable and executable at once, "
                    "which armexec never does: give code and data different pages"
                )
            end = offset + size
        return ordered

    def close(self) -> None:
        """Free the region, whose code must not be called afterwards. A second `close` does nothing."""
        with self._lock:
            self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _with_gaps(parts: Sequence[Part], size: int) -> list[Part]:
    covered: list[Part] = []
    end = 0
    for part in (*parts, (size, 0, Protection.NONE)):
        if part[0] > end:
            covered.append((end, part[0] - end, Protection.NONE))
        if part[1]:
            covered.append(part)
        end = part[0] + part[1]
    return covered


@functools.cache
def _executable_strategy() -> type[Strategy]:
    return choose(real_kernel())


def data_strategy(kernel: Kernel) -> type[Strategy]:
    return DarwinPlainPages if kernel.system == "darwin" else AnonymousPages


def whole_pages(size: int, page: int) -> int:
    """`size` rounded up to whole pages. Raises `HostError` for a size that no mapping can have."""
    if not 0 < size <= _LARGEST:
        raise HostError(f"can't map {size} bytes: the size must be from 1 to {_LARGEST}")
    return -(-size // page) * page


def allocate(size: int, *, executable: bool, align: int = 1) -> Region:
    """Map at least `size` bytes (rounded up to whole pages), readable and writable until `seal`, at a multiple of
    `align`, a power of two.

    With `executable=False`, for hosts that translate guest code, executable parts become readable only, which needs no
    right to make memory executable. Raises `HostError` if the host refuses.
    """
    kernel = real_kernel()
    strategy = _executable_strategy() if executable else data_strategy(kernel)
    pages = whole_pages(size, kernel.page_size)
    return Region(kernel, strategy, pages, executable=executable, mapped=MAPPED_RANGES, align=align)


def strategy_name() -> str:
    """The name of the strategy for executable memory: `anonymous`, `memfd`, `map_jit`... Raises `HostError`."""
    return _executable_strategy().name


def page_size() -> int:
    """The size of a page of this host, in bytes: 4096, or 16384 on Apple silicon."""
    return real_kernel().page_size
