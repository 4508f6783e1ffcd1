"""Strategies for executable memory, one class each, and the choice between them.

No page is ever writable and executable at once. A region is written while it isn't executable, the instruction cache is
invalidated, and then it becomes executable for good.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

from ..errors import HostError
from .kernel_calls import Kernel
from .mapped_ranges import MappedRanges
from .protection import Protection, Step

__all__ = [
    "STRATEGIES",
    "AnonymousPages",
    "DarwinJitPages",
    "DarwinPlainPages",
    "DarwinReservedPages",
    "DarwinToggledPages",
    "MemfdPages",
    "PageSource",
    "Part",
    "ReservedPages",
    "Strategy",
    "choose",
]

NONE, READ, WRITE, EXECUTE = Protection.NONE, Protection.READ, Protection.WRITE, Protection.EXECUTE

# Linux: linux/mman.h. MAP_FIXED is 0x10 on both systems, MAP_SHARED 1, MAP_PRIVATE 2.
MAP_SHARED, MAP_PRIVATE, MAP_FIXED = 0x01, 0x02, 0x10
LINUX_MAP_ANONYMOUS, LINUX_MAP_NORESERVE, LINUX_MAP_STACK = 0x20, 0x4000, 0x2_0000
# macOS: xnu bsd/sys/mman.h.
DARWIN_MAP_NORESERVE, DARWIN_MAP_JIT, DARWIN_MAP_ANON = 0x0040, 0x0800, 0x1000

_LARGE = 1 << 30

Part = tuple[int, int, Protection]  # offset, size, protection


class PageSource(Protocol):
    """What makes pages: a strategy's class, or what makes them in a sandbox."""

    @property
    def name(self) -> str: ...

    def __call__(self, kernel: Kernel, size: int, steps: list[Step], align: int = 1) -> Strategy: ...


def _flag_names(flags: int, system: str) -> str:
    names = [(MAP_SHARED, "MAP_SHARED"), (MAP_PRIVATE, "MAP_PRIVATE"), (MAP_FIXED, "MAP_FIXED")]
    if system == "darwin":
        names = [(DARWIN_MAP_JIT, "MAP_JIT"), (DARWIN_MAP_ANON, "MAP_ANON"), *names]
        names.append((DARWIN_MAP_NORESERVE, "MAP_NORESERVE"))
    else:
        names = [*names, (LINUX_MAP_ANONYMOUS, "MAP_ANONYMOUS")]
        names += [(LINUX_MAP_NORESERVE, "MAP_NORESERVE"), (LINUX_MAP_STACK, "MAP_STACK")]
    return "|".join(name for bit, name in names if flags & bit)


class Strategy(ABC):
    """One mapping of `size` bytes, writable until `seal`.

    `address` doesn't change, so code can be relocated to it before it is written; it is a multiple of `align`, a power
    of two. A constructor that raises has freed everything that it had mapped.
    """

    name: ClassVar[str]
    system: ClassVar[str]
    # True where the process map shows pages rwx that a thread can only write or only execute.
    toggles: ClassVar[bool] = False

    def __init__(self, kernel: Kernel, size: int, steps: list[Step], align: int = 1) -> None:
        self.kernel = kernel
        self.size = size
        self.align = align
        self.steps = steps
        self.address = 0
        self._mapped: list[tuple[int, int]] = []
        self._fd = -1
        try:
            self._map()
        except BaseException:
            self.close()
            raise

    # Operations that differ between strategies.

    @abstractmethod
    def _map(self) -> None: ...

    @abstractmethod
    def _seal(self, parts: Sequence[Part]) -> None: ...

    def write(self, offset: int, data: bytes) -> None:
        """Copy into the region before `seal`. The caller checks the range."""
        self._copy_in(self.address + offset, data)

    def read(self, offset: int, size: int) -> bytes:
        """Copy out of the region before `seal`."""
        return self.kernel.copy_out(self.address + offset, size)

    def make_executable(self, offset: int, size: int) -> None:
        """Make some pages executable, without `seal`: the others stay writable. For memory that is used again."""
        self._clear_cache(self.address + offset, size)
        self._mprotect(self.address + offset, size, READ | EXECUTE)

    def make_writable(self, offset: int, size: int) -> None:
        """Make pages writable again that are executable, in which nothing runs any more."""
        self._mprotect(self.address + offset, size, READ | WRITE)

    # Operations of all strategies.

    def seal(self, parts: Sequence[Part]) -> None:
        """Give each part its protection; `parts`, sorted, cover the region. Frees it on failure."""
        try:
            self._seal(parts)
        except BaseException:
            self.close()
            raise

    def free(self, mapped: MappedRanges) -> None:
        """Free everything, and remove it from the ranges that can be accessed."""
        mapped.remove(self.address, self.size)
        self.close()

    def close(self) -> None:
        """Free everything. A second `close` does nothing."""
        while self._mapped:
            address, size = self._mapped.pop()
            self.kernel.munmap(address, size)
            self.steps.append(Step("munmap", address, size, None, ""))
        self._close_fd()

    def _close_fd(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self.kernel.close(fd)
            self.steps.append(Step("close", 0, 0, None, f"fd {fd}"))

    # Calls that are recorded, and whose refusal becomes a HostError.

    def _mmap(self, address: int, size: int, protection: Protection, flags: int, offset: int = 0) -> int:
        fd = self._fd if not flags & (LINUX_MAP_ANONYMOUS | DARWIN_MAP_ANON) else -1
        names = _flag_names(flags, self.system)
        try:
            result = self.kernel.mmap(address, size, protection, flags, fd, offset)
        except OSError as error:
            raise _refused("mmap", address, size, protection, names, error) from error
        if not flags & MAP_FIXED:
            self._mapped.append((result, size))
        at = f" fd {fd}" if fd >= 0 else ""
        self.steps.append(Step("mmap", result, size, protection, names + at))
        return result

    def _map_aligned(self, protection: Protection, flags: int) -> int:
        """Map the region. Kernels align to pages only: a larger mapping is made, and the excess unmapped at once."""
        spare = max(self.align - self.kernel.page_size, 0)
        start = self._mmap(0, self.size + spare, protection, flags)
        if not spare:
            return start
        address = -(-start // self.align) * self.align
        end = address + self.size
        for at, size in ((start, address - start), (end, start + self.size + spare - end)):
            if size:
                try:
                    self.kernel.munmap(at, size)
                except OSError as error:
                    raise _refused("munmap", at, size, protection, "", error) from error
                self.steps.append(Step("munmap", at, size, None, ""))
        self._mapped[-1] = address, self.size
        return address

    def _copy_in(self, address: int, data: bytes) -> None:
        self.kernel.copy_in(address, data)
        self.steps.append(Step("memcpy", address, len(data), None, ""))

    def _munmap(self, address: int, size: int) -> None:
        self.kernel.munmap(address, size)
        self._mapped.remove((address, size))
        self.steps.append(Step("munmap", address, size, None, ""))

    def _mprotect(self, address: int, size: int, protection: Protection) -> None:
        try:
            self.kernel.mprotect(address, size, protection)
        except OSError as error:
            raise _refused("mprotect", address, size, protection, "", error) from error
        self.steps.append(Step("mprotect", address, size, protection, ""))

    def _clear_cache(self, address: int, size: int) -> None:
        name = self.kernel.instruction_cache
        if name:
            try:
                self.kernel.clear_cache(address, size)
            except OSError as error:
                raise _refused("clear_cache", address, size, READ | EXECUTE, "", error) from error
            self.steps.append(Step("clear_cache", address, size, None, name))


def _refused(call: str, address: int, size: int, protection: Protection, flags: str, error: OSError) -> HostError:
    where = f" at 0x{address:x}" if address else ""
    flags = f", {flags}" if flags else ""
    if Protection.EXECUTE in protection:
        advice = (
            "this process may not make memory executable: look for SELinux's execmem, PR_SET_MDWE, systemd's "
            'MemoryDenyWriteExecute or a hardened runtime without allow-jit, or use engine="translated"'
        )
    else:
        advice = "free some memory, or raise the limit of the address space (ulimit -v)"
    return HostError(
        f"{call} of {size} bytes{where} as {protection}{flags} failed: {error.strerror} (errno {error.errno}): {advice}"
    )


class AnonymousPages(Strategy):
    """Linux: anonymous memory, written while `rw-`, then `mprotect` to `r-x`."""

    name = "anonymous"
    system = "linux"
    flags: ClassVar[int] = MAP_PRIVATE | LINUX_MAP_ANONYMOUS

    def _map(self) -> None:
        # Large regions are seldom used in full: the kernel needs no room for all of it.
        lazily = LINUX_MAP_NORESERVE if self.system == "linux" and self.size >= _LARGE else 0
        self.address = self._map_aligned(READ | WRITE, self.flags | lazily)

    def _seal(self, parts: Sequence[Part]) -> None:
        # Flushed first: a core must never be able to fetch what isn't yet coherent (processor errata;
        # wasmtime does the same).
        for offset, size, protection in parts:
            if EXECUTE in protection:
                self._clear_cache(self.address + offset, size)
        for offset, size, protection in parts:
            if protection != READ | WRITE:
                self._mprotect(self.address + offset, size, protection)


class ReservedPages(Strategy):
    """Linux: reserved addresses, parts of which become accessible.

    The rest isn't counted as used memory. MAP_STACK keeps huge pages away (Linux 6.7, mm/mmap.c).
    """

    name = "reserved"
    system = "linux"
    flags: ClassVar[int] = MAP_PRIVATE | LINUX_MAP_ANONYMOUS | LINUX_MAP_NORESERVE | LINUX_MAP_STACK

    def _map(self) -> None:
        self.address = self._mmap(0, self.size, NONE, self.flags)

    def _seal(self, parts: Sequence[Part]) -> None:
        for offset, size, protection in parts:
            self._mprotect(self.address + offset, size, protection)


class DarwinReservedPages(ReservedPages):
    """macOS: reserved addresses, as on Linux. Not run on hardware."""

    system = "darwin"
    flags = MAP_PRIVATE | DARWIN_MAP_ANON | DARWIN_MAP_NORESERVE


class MemfdPages(Strategy):
    """Linux: a file in memory, written through a view that is unmapped before the code is mapped executable.

    It is for processes in which `mprotect` may not add execution (PR_SET_MDWE gives EACCES), or anonymous memory may
    not be executable (SELinux execmem): here only `mmap` gives `r-x`, and only to a file's pages.
    """

    name = "memfd"
    system = "linux"

    _view = 0

    def _reserve(self) -> None:
        """Make the file, and reserve the addresses: the file is laid over them later."""
        try:
            self._fd = self.kernel.memfd_create("armexec")
            self.kernel.ftruncate(self._fd, self.size)
        except OSError as error:
            raise _refused("memfd_create", 0, self.size, READ | WRITE, "", error) from error
        self.steps.append(Step("memfd_create", 0, self.size, None, f"fd {self._fd}"))
        self.address = self._map_aligned(NONE, MAP_PRIVATE | LINUX_MAP_ANONYMOUS)

    def _map(self) -> None:
        self._reserve()
        self._view = self._mmap(0, self.size, READ | WRITE, MAP_SHARED)

    def write(self, offset: int, data: bytes) -> None:
        self._copy_in(self._view + offset, data)

    def read(self, offset: int, size: int) -> bytes:
        return self.kernel.copy_out(self._view + offset, size)

    def _seal(self, parts: Sequence[Part]) -> None:
        self._munmap(self._view, self.size)
        # Private: writable parts aren't shared with the child of a fork.
        flags = MAP_PRIVATE | MAP_FIXED
        for offset, size, protection in parts:
            address = self.address + offset
            if EXECUTE in protection:
                # Cache maintenance is by address, so it needs the final one, readable and not yet executable.
                self._mmap(address, size, READ, flags, offset)
                self._clear_cache(address, size)
            if protection:
                self._mmap(address, size, protection, flags, offset)
        self._close_fd()


class DarwinPlainPages(AnonymousPages):
    """macOS: anonymous memory without MAP_JIT, `rw-` and then `mprotect` to `r-x`, as CPython's own JIT does.

    Legal in processes without the hardened runtime. Written from xnu's rules; not run on hardware.
    """

    name = "plain"
    system = "darwin"
    flags = MAP_PRIVATE | DARWIN_MAP_ANON


class DarwinJitPages(AnonymousPages):
    """macOS: MAP_JIT memory mapped `rw-`, then `mprotect` to `r-x`.

    It never asks for all three protections at once: a region mapped `rwx` with MAP_JIT can't be re-protected (macOS
    11.2 and later). Written from xnu's rules; not run on hardware.
    """

    name = "map_jit"
    system = "darwin"
    flags = MAP_PRIVATE | DARWIN_MAP_ANON | DARWIN_MAP_JIT


class DarwinToggledPages(Strategy):
    """macOS: MAP_JIT memory mapped `rwx` once, without `mprotect`; each thread toggles its own view of it.

    It is for hardened processes with no other right than the entitlement allow-jit. On Apple silicon a thread's view of
    such pages is writable or executable, never both, so the rule holds although the process map shows `rwx`. The
    strategy fails where the toggle does nothing (some virtual machines). Parts that aren't code become ordinary pages
    mapped over the region (MAP_FIXED without MAP_JIT; whether xnu allows that is uncertain). Written from Apple's
    documentation and xnu's rules; not run on hardware.
    """

    name = "map_jit_toggle"
    system = "darwin"
    toggles = True

    def _map(self) -> None:
        if not self.kernel.jit_write_protect_supported():
            raise HostError(
                "this machine has no write protection for MAP_JIT memory "
                "(pthread_jit_write_protect_supported_np is 0), so pages would be writable and executable "
                'at once: use a Python without the hardened runtime, or engine="translated"'
            )
        flags = MAP_PRIVATE | DARWIN_MAP_ANON | DARWIN_MAP_JIT
        self.address = self._map_aligned(READ | WRITE | EXECUTE, flags)

    def _toggle(self, executable: bool) -> None:
        self.kernel.jit_write_protect(executable)
        protection = READ | EXECUTE if executable else READ | WRITE
        self.steps.append(Step("jit_write_protect", self.address, self.size, protection, "this thread"))

    def write(self, offset: int, data: bytes) -> None:
        self._toggle(executable=False)
        try:
            super().write(offset, data)
        finally:
            self._toggle(executable=True)

    def make_executable(self, offset: int, size: int) -> None:
        self._clear_cache(self.address + offset, size)

    def make_writable(self, offset: int, size: int) -> None:
        pass  # for `write` it is

    def _seal(self, parts: Sequence[Part]) -> None:
        for offset, size, protection in parts:
            address = self.address + offset
            if EXECUTE in protection:
                self._clear_cache(address, size)
                continue
            content = self.kernel.copy_out(address, size)
            self._mmap(address, size, READ | WRITE, MAP_PRIVATE | DARWIN_MAP_ANON | MAP_FIXED)
            self._copy_in(address, content)
            if protection != READ | WRITE:
                self._mprotect(address, size, protection)


# In the order they are tried.
STRATEGIES: tuple[type[Strategy], ...] = (
    AnonymousPages,
    MemfdPages,
    DarwinJitPages,
    DarwinPlainPages,
    DarwinToggledPages,
)


def candidates(kernel: Kernel) -> list[type[Strategy]]:
    """The strategies to try under `kernel`, in order.

    With the hardened runtime `mprotect` may succeed although executing the page kills the process, so the entitlements
    decide too.
    """
    if kernel.system == "darwin":
        granted = kernel.entitlements()
        if granted is not None:
            allow = "com.apple.security.cs."
            if f"{allow}disable-executable-page-protection" in granted:
                return [DarwinJitPages, DarwinPlainPages]
            if f"{allow}allow-unsigned-executable-memory" in granted:
                return [DarwinPlainPages, DarwinJitPages]
            return [DarwinToggledPages] if f"{allow}allow-jit" in granted else []
    return [strategy for strategy in STRATEGIES if strategy.system == kernel.system]


def choose(kernel: Kernel) -> type[Strategy]:
    """The first strategy that carries one page from writable to executable.

    Raises `HostError`, with all refusals, if none does.
    """
    reasons = []
    for strategy in candidates(kernel):
        try:
            page = strategy(kernel, kernel.page_size, [])
            # The page isn't executed: its content doesn't matter, but it must have been written.
            page.write(0, os.urandom(16))
            page.seal([(0, kernel.page_size, READ | EXECUTE)])
            page.close()
        except HostError as error:
            reasons.append(f"{strategy.name}: {error}")
        else:
            return strategy
    if not reasons:
        reasons.append(
            "this process has the hardened runtime without the entitlement com.apple.security.cs.allow-jit: "
            'use a Python from Homebrew, pyenv or uv, or engine="translated"'
        )
    raise HostError("no executable memory on this host\n" + "\n".join(reasons))
