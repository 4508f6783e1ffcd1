"""Models of what Linux and macOS document about mapping memory, to run every strategy on any host.

A model refuses what the kernel refuses, with its errno, and stops with `Violation` at what would crash a
process or break the rule: a write to a page that isn't writable, executing stale or unwritten bytes, a page
writable and executable at once.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from armexec.memory import Protection

NONE, READ, WRITE, EXECUTE = Protection.NONE, Protection.READ, Protection.WRITE, Protection.EXECUTE


class Violation(AssertionError):
    """What a real process would have been killed for, or a page that breaks the rule."""


def refuse(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@dataclass
class Storage:
    """Physical memory of one page. `coherent`: the instruction cache agrees with it."""

    content: bytearray
    coherent: bool = False


@dataclass
class Page:
    storage: Storage
    protection: Protection
    anonymous: bool
    jit: bool = False
    private: bool = True
    copied: bool = True  # a private page of a file is copied when it is first written


@dataclass
class ModelKernel:
    """What both systems share: a page table, open files, and a count-down to a failing call."""

    page_size: int
    system: str
    instruction_cache: str = "model"
    fail_at: int = -1
    pages: dict[int, Page] = field(default_factory=dict)
    files: dict[int, list[Storage]] = field(default_factory=dict)
    calls: int = 0
    next_address: int = 0x10_0000_0000
    next_fd: int = 3

    # The rules that differ.

    def check_mmap(self, protection: Protection, flags: int, fd: int) -> None:
        raise NotImplementedError

    def check_mprotect(self, page: Page, protection: Protection) -> None:
        raise NotImplementedError

    def is_anonymous(self, flags: int) -> bool:
        raise NotImplementedError

    def effective(self, page: Page) -> Protection:
        """What the current thread may do with the page."""
        return page.protection

    # What is the same.

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self.fail_at:
            raise refuse(errno.ENOMEM)

    def _numbers(self, address: int, size: int) -> range:
        if address % self.page_size or size <= 0:
            raise refuse(errno.EINVAL)
        return range(address // self.page_size, -(-(address + size) // self.page_size))

    def _at(self, address: int) -> Page:
        try:
            return self.pages[address // self.page_size]
        except KeyError:
            raise Violation(f"segmentation fault at 0x{address:x}: not mapped") from None

    def mmap(self, address: int, size: int, protection: Protection, flags: int, fd: int = -1, offset: int = 0) -> int:
        self._count()
        anonymous = self.is_anonymous(flags)
        if bool(flags & 1) == bool(flags & 2) or anonymous != (fd == -1):
            raise refuse(errno.EINVAL)
        if not anonymous and fd not in self.files:
            raise refuse(errno.EBADF)
        self.check_mmap(protection, flags, fd)
        if not flags & 0x10:
            address = self.next_address
            self.next_address += (-(-size // self.page_size) + 1) * self.page_size
        for index, number in enumerate(self._numbers(address, size)):
            if anonymous:
                storage = Storage(bytearray(self.page_size))
            else:
                storage = self.files[fd][offset // self.page_size + index]
            self.pages[number] = Page(
                storage, protection, anonymous, self.is_jit(flags), bool(flags & 2), copied=anonymous
            )
        self.check_rule()
        return address

    def is_jit(self, flags: int) -> bool:
        return False

    def munmap(self, address: int, size: int) -> None:
        for number in self._numbers(address, size):
            self.pages.pop(number, None)

    def mprotect(self, address: int, size: int, protection: Protection) -> None:
        self._count()
        numbers = self._numbers(address, size)
        if any(number not in self.pages for number in numbers):
            raise refuse(errno.ENOMEM)
        for number in numbers:
            self.check_mprotect(self.pages[number], protection)
        for number in numbers:
            self.pages[number].protection = protection
        self.check_rule()

    def memfd_create(self, name: str) -> int:
        self._count()
        self.next_fd += 1
        self.files[self.next_fd] = []
        return self.next_fd

    def ftruncate(self, fd: int, size: int) -> None:
        self._count()
        self.files[fd] = [Storage(bytearray(self.page_size)) for _ in range(-(-size // self.page_size))]

    def close(self, fd: int) -> None:
        del self.files[fd]

    def _bytes(self, address: int, size: int, wanted: Protection) -> Iterable[tuple[Page, int]]:
        for position in range(address, address + size):
            page = self._at(position)
            if wanted not in self.effective(page):
                raise Violation(f"segmentation fault at 0x{position:x}: {wanted} of {self.effective(page)}")
            yield page, position % self.page_size

    def copy_in(self, address: int, data: bytes) -> None:
        for (page, offset), byte in zip(self._bytes(address, len(data), WRITE), data, strict=True):
            if page.private and not page.copied:
                page.storage, page.copied = Storage(bytearray(page.storage.content)), True
            page.storage.content[offset] = byte
            page.storage.coherent = False

    def copy_out(self, address: int, size: int) -> bytes:
        return bytes(page.storage.content[offset] for page, offset in self._bytes(address, size, READ))

    def clear_cache(self, address: int, size: int) -> None:
        for page, _ in self._bytes(address, size, READ):
            page.storage.coherent = True

    def fetch(self, address: int, size: int) -> bytes:
        """Execute: the bytes the processor sees."""
        found = bytearray()
        for page, offset in self._bytes(address, size, EXECUTE):
            if not page.storage.coherent:
                raise Violation(f"stale instructions at 0x{address:x}")
            found.append(page.storage.content[offset])
        return bytes(found)

    def check_rule(self) -> None:
        """No page is writable and executable, in one mapping or through two mappings of the same memory."""
        writable = {id(p.storage) for p in self.pages.values() if WRITE in p.protection and not p.jit}
        for number, page in self.pages.items():
            if EXECUTE not in page.protection or page.jit:
                continue
            where = f"0x{number * self.page_size:x}"
            if WRITE in page.protection or id(page.storage) in writable:
                raise Violation(f"the page at {where} is writable and executable")
            if not page.storage.coherent:
                raise Violation(f"the page at {where} became executable before the cache was invalidated")

    # macOS only.

    def jit_write_protect(self, enabled: bool) -> None:
        raise Violation("only macOS has pthread_jit_write_protect_np")

    def jit_write_protect_supported(self) -> bool:
        return False

    def entitlements(self) -> frozenset[str] | None:
        return None

    @property
    def clean(self) -> bool:
        """True if nothing is mapped and no file is open."""
        return not self.pages and not self.files


@dataclass
class LinuxModel(ModelKernel):
    """Linux: PR_SET_MDWE as in prctl(2), SELinux's execmem, memfd_create missing before 3.17."""

    page_size: int = 4096
    system: str = "linux"
    mdwe: bool = False
    execmem_denied: bool = False
    has_memfd: bool = True

    def is_anonymous(self, flags: int) -> bool:
        return bool(flags & 0x20)

    def check_mmap(self, protection: Protection, flags: int, fd: int) -> None:
        if self.mdwe and protection.writable_and_executable:
            raise refuse(errno.EACCES)
        if self.execmem_denied and EXECUTE in protection and self.is_anonymous(flags):
            raise refuse(errno.EACCES)

    def check_mprotect(self, page: Page, protection: Protection) -> None:
        adds = EXECUTE in protection and EXECUTE not in page.protection
        if self.mdwe and (adds or protection.writable_and_executable):
            raise refuse(errno.EACCES)
        if self.execmem_denied and adds and (page.anonymous or page.copied):
            raise refuse(errno.EACCES)

    def memfd_create(self, name: str) -> int:
        if not self.has_memfd:
            raise refuse(errno.ENOSYS)
        return super().memfd_create(name)


MAP_JIT = 0x0800


@dataclass
class DarwinModel(ModelKernel):
    """macOS on Apple silicon: xnu's rules for MAP_JIT, write and execute, and code signing.

    `granted` is None without the hardened runtime, otherwise the entitlements (without their prefix).
    `toggle` False is a virtual machine where pthread_jit_write_protect_np does nothing. `thread` is the
    thread that runs now.
    """

    page_size: int = 16384
    system: str = "darwin"
    granted: frozenset[str] | None = None
    toggle: bool = True
    jit_allowed: bool = True
    plain_allowed: bool = True
    thread: str = "main"
    writing: set[str] = field(default_factory=set)

    def is_anonymous(self, flags: int) -> bool:
        return bool(flags & 0x1000)

    def is_jit(self, flags: int) -> bool:
        return bool(flags & MAP_JIT)

    def check_mmap(self, protection: Protection, flags: int, fd: int) -> None:
        jit = bool(flags & MAP_JIT)
        if jit and (flags & 0x10 or flags & 1 or fd != -1 or not self.jit_allowed):
            raise refuse(errno.EINVAL)
        if jit and self.granted is not None and "allow-jit" not in self.granted:
            raise refuse(errno.EINVAL)
        if protection.writable_and_executable and not jit:
            raise refuse(errno.EACCES)

    def check_mprotect(self, page: Page, protection: Protection) -> None:
        if page.jit and page.protection.writable_and_executable:
            raise refuse(errno.EACCES)
        if protection.writable_and_executable:
            raise refuse(errno.EACCES)
        if EXECUTE in protection and not page.jit and not self.plain_allowed:
            raise refuse(errno.EACCES)

    def effective(self, page: Page) -> Protection:
        if page.jit and page.protection.writable_and_executable:
            return READ | WRITE if self.thread in self.writing else READ | EXECUTE
        return page.protection

    def check_rule(self) -> None:
        super().check_rule()
        toggled = any(p.jit and p.protection.writable_and_executable for p in self.pages.values())
        if toggled and not self.toggle:
            raise Violation("a MAP_JIT page is writable and executable: the toggle does nothing here")

    def fetch(self, address: int, size: int) -> bytes:
        page = self._at(address)
        if self.granted is not None and "disable-executable-page-protection" not in self.granted:
            toggled = page.jit and page.protection.writable_and_executable
            if not toggled and "allow-unsigned-executable-memory" not in self.granted:
                raise Violation("killed: the hardened runtime found unsigned code")
        return super().fetch(address, size)

    def jit_write_protect(self, enabled: bool) -> None:
        if enabled:
            self.writing.discard(self.thread)
        else:
            self.writing.add(self.thread)

    def jit_write_protect_supported(self) -> bool:
        return self.toggle

    def memfd_create(self, name: str) -> int:
        raise Violation("macOS has no memfd_create")

    def entitlements(self) -> frozenset[str] | None:
        if self.granted is None:
            return None
        return frozenset(f"com.apple.security.cs.{name}" for name in self.granted)
