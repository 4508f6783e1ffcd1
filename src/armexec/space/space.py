"""The address space of a guest: what is mapped where, what may be done there, and what is called for it."""

from __future__ import annotations

import ctypes
import operator
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, SupportsIndex

from armexec.engines import default_engine
from armexec.engines.runners import runner
from armexec.engines.running import Runner
from armexec.errors import HostError, SignatureError
from armexec.files import read_file
from armexec.memory import Protection
from armexec.memory.fixed_pages import FixedPages
from armexec.memory.guest.page_table import LIMIT, PAGE, READ, WRITE, PageTable
from armexec.space.backing import Anywhere, AtGuestAddresses, Backing
from armexec.space.hooks import Access, Hook, Hooks
from armexec.space.host_functions import HostFunctions
from armexec.space.mappings import Mapping as Mapped
from armexec.space.mappings import Mappings
from armexec.space.placed import PlacedImage, place_image

if TYPE_CHECKING:
    from armexec.cpu.cpu import Cpu, Limits
    from armexec.cpu.stop import Stop
    from armexec.objects import Image

__all__ = ["AddressSpace"]

_PROTECTIONS = {
    "": Protection.NONE,
    "r": Protection.READ,
    "rw": Protection.READ | Protection.WRITE,
    "rx": Protection.READ | Protection.EXECUTE,
}
_FLAGS = ((READ, Protection.READ, "read"), (WRITE, Protection.WRITE, "write"))
_CHOSEN = 0x1_0000_0000
"""Where `map` begins to look for room."""


class AddressSpace:
    """Memory of a guest at addresses of its own, in which any number of `Cpu`s run.

    Addresses are the guest's, from 0 to 2**48, in pages of 4096 bytes: they have nothing to do with the host's, so any
    may be mapped. `engine` is "translated" (the guest's code becomes host code) or "reference" (instruction by
    instruction in Python: slow, and the model). Both give the same registers and memory at every stop.

    "native" has an AArch64 processor run the code, at the same addresses of this process: those that the process uses
    can't be mapped, its own memory isn't a fault for the guest, and pages have the size of the host's. What the
    processor can't be left to do, such as `svc`, hooks of memory and limits of instructions, is translated.

    Code is fetched from memory when it is reached. What changes memory drops what was made of it, so old code never
    runs: `write`, `protect`, `unmap`, and the guest's own `ic ivau`. No page is writable and executable at once.

    One thread uses an address space at a time, but for `Cpu.interrupt`.

    Raises:
        HostError: there is no such engine, or it has no address spaces on this host.
    """

    def __init__(self, engine: str | None = None) -> None:
        self.engine = engine or ("translated" if default_engine() == "native" else default_engine())
        self.mappings = Mappings()
        self.page_table = PageTable()
        self.hooks = Hooks(self._hook_changes, self._hook_changed)
        pages = FixedPages() if self.engine == "native" else None
        self._runner: Runner = runner(self.engine, self.page_table, pages)
        self._followers: list[Runner] = []
        self._backing: Backing = Anywhere() if pages is None else AtGuestAddresses(pages)
        self._host_functions = HostFunctions()
        self.images: list[PlacedImage] = []
        """What `load` has placed."""

    # -- mappings -----------------------------------------------------------------------------------------------------
    def map(
        self, address: SupportsIndex | None, size: SupportsIndex, protection: str = "rw", *, data: bytes = b""
    ) -> int:
        """Map memory, which holds `data` and then zeros.

        Args:
            address: a multiple of 4096, where nothing is mapped; None or 0: wherever there is room.
            size: in bytes, rounded up to whole pages.
            protection: "rw", "rx", "r", or "" for pages that can't be accessed.

        Returns:
            the address.

        Raises:
            HostError: something is mapped there, no protection is meant, `data` is too long, or the host has no memory.
        """
        wanted = _protection(protection)
        length = -(-operator.index(size) // self._backing.page) * self._backing.page
        if length <= 0:
            raise HostError(f"can't map {operator.index(size)} bytes")
        if len(data) > length:
            raise HostError(f"{len(data)} bytes of data don't fit into {length} bytes")
        begin = operator.index(address) if address is not None else 0
        begin = begin or self._room(length)
        self._check(begin, length)
        taken = self.mappings.overlapping(begin, begin + length)
        if taken:
            raise HostError(f"can't map {length} bytes at 0x{begin:x}: 0x{taken[0].begin:x} is mapped already")
        mapping = self._backing.map(begin, length, wanted, bytes(data))
        try:
            self._change(begin, begin + length, [mapping])
        except BaseException:
            self._unback(begin, begin + length)
            raise
        return begin

    def protect(self, address: SupportsIndex, size: SupportsIndex, protection: str) -> None:
        """Give mapped pages another protection.

        Raises:
            HostError: they aren't all mapped, or no protection is meant.
        """
        wanted = _protection(protection)
        begin, end = self._mapped(address, size)
        parts = [mapping.part(begin, end) for mapping in self.mappings.overlapping(begin, end)]
        parts = [Mapped(m.begin, m.end, wanted, m.host, m.region) for m in parts]
        # The host allows all that the mappings allow, at any time.
        self._backing.open(begin, end)
        try:
            self._change(begin, end, parts)
        finally:
            self._close(begin, end)

    def unmap(self, address: SupportsIndex, size: SupportsIndex) -> None:
        """Take pages away. Their memory is freed when all that `map` gave at once is unmapped.

        Raises:
            HostError: they aren't all mapped.
        """
        begin, end = self._mapped(address, size)
        try:
            self._change(begin, end, [])
        finally:
            self._unback(begin, end)

    def _close(self, begin: int, end: int) -> None:
        """Have the host allow what the mappings allow."""
        for mapping in self.mappings.overlapping(begin, end):
            part = mapping.part(begin, end)
            self._backing.protect(part.begin, part.end, part.protection)

    def _unback(self, begin: int, end: int) -> None:
        """Give memory back, unless it is still mapped."""
        if not self.mappings.overlapping(begin, end):
            self._backing.unmap(begin, end)

    def _room(self, length: int) -> int:
        return self._backing.room(length, self.mappings.gap(length, _CHOSEN))

    def _check(self, begin: int, length: int) -> None:
        if begin % self._backing.page:
            raise HostError(f"0x{begin:x} isn't a multiple of a page's size, {self._backing.page}")
        if not 0 <= begin <= begin + length <= LIMIT:
            raise HostError(f"{length} bytes at 0x{begin:x} aren't below 2**48, where a guest's addresses end")

    def _mapped(self, address: SupportsIndex, size: SupportsIndex) -> tuple[int, int]:
        """The begin and end of pages that are all mapped."""
        begin = operator.index(address)
        length = -(-operator.index(size) // self._backing.page) * self._backing.page
        if length <= 0:
            raise HostError(f"{operator.index(size)} bytes are no pages")
        self._check(begin, length)
        at = begin
        for mapping in self.mappings.overlapping(begin, begin + length):
            if mapping.begin > at:
                break
            at = mapping.end
        if at < begin + length:
            raise HostError(f"nothing is mapped at 0x{at:x}")
        return begin, begin + length

    def __repr__(self) -> str:
        lines = [f"<AddressSpace ({self.engine})"]
        lines += [f"0x{m.begin:012x}-0x{m.end:012x} {m.protection}" for m in self.mappings]
        return "\n  ".join(lines) + ">"

    def room(self, size: SupportsIndex, align: SupportsIndex = PAGE) -> int:
        """An address where `size` bytes are free, with a free page on either side, and a multiple of `align`.

        Raises:
            HostError: there is no room.
        """
        alignment = max(operator.index(align), PAGE)
        found = self._room(operator.index(size) + alignment - PAGE)
        return -(-found // alignment) * alignment

    # -- images and host functions ------------------------------------------------------------------------------------
    def load(
        self,
        file: str | os.PathLike[str] | bytes | Image,
        address: SupportsIndex | None = None,
        *,
        imports: Mapping[str, int | Callable[[Cpu], Any]] | None = None,
    ) -> PlacedImage:
        """Map a relocatable object or a shared library for AArch64, and give its symbols' addresses.

        Several images that are loaded one after the other use each other by `imports`; a library is loaded without
        those that it needs. Initializers aren't called. What thread-local variables need at `cpu.tpidr_el0` is told by
        `image.thread_local`.

        Args:
            file: a path, an object's bytes, or an image, such as `module.image`.
            address: where it goes; None: wherever there is room.
            imports: by the names of undefined symbols, addresses, or functions of Python that are called with the Cpu.

        Returns:
            a mapping from the names of symbols to addresses.

        Raises:
            LoadError: it can't be read, or a relocation doesn't reach.
            HostError: something is mapped there already.
        """
        from armexec.objects import load_image

        if isinstance(file, str | os.PathLike):
            image = load_image(read_file(file), os.fspath(file))
        elif isinstance(file, bytes | bytearray | memoryview):
            image = load_image(bytes(file))
        else:
            image = file
        placed = place_image(self, image, None if address is None else _address(address), imports or {})
        self.images.append(placed)
        return placed

    def host_function(self, callback: Callable[[Cpu], Any] | None = None) -> int:
        """A new address for a function of Python, which the guest calls as any other function.

        `callback(cpu)` is called with all registers as they are at the call, and sets those of the result. The run then
        goes on at X30, unless it has set another pc. Without a callback, the run ends there (`StopReason.HOST_CALL`).

        Raises:
            HostError: the host gives no memory.
        """
        functions = self._host_functions
        if functions.is_full:
            functions.extend(self.map(None, PAGE, "rx", data=functions.page))
        return functions.add(callback)

    # -- contents, as a debugger sees them ----------------------------------------------------------------------------
    def read(self, address: SupportsIndex, size: SupportsIndex) -> bytes:
        """Some bytes of memory, whatever the guest may do there.

        Raises:
            Error: nothing is mapped at one of them.
        """
        begin, length = _address(address), operator.index(size)
        with self._opened(begin, length, Protection.READ):
            return self.mappings.read(begin, length)

    def write(self, address: SupportsIndex, data: bytes) -> None:
        """Change some bytes of memory, whatever the guest may do there. Changed code is fetched anew.

        Raises:
            Error: nothing is mapped at one of them; then nothing is changed.
        """
        begin, content = _address(address), bytes(data)
        self.invalidate(begin, begin + len(content))
        with self._opened(begin, len(content), Protection.WRITE):
            self.mappings.write(begin, content)

    @contextmanager
    def _opened(self, address: int, size: int, needed: Protection) -> Iterator[None]:
        """Python may do something meanwhile that the guest may not do. Raises Error: nothing is mapped there."""
        page = self._backing.page
        begin, end = address // page * page, -(-(address + size) // page) * page
        closed = [m.part(begin, end) for m in self.mappings.overlapping(begin, end) if needed not in m.protection]
        try:
            for part in closed:
                self._backing.open(part.begin, part.end)
            yield
        finally:
            for part in closed:
                self._backing.protect(part.begin, part.end, part.protection)

    # -- hooks --------------------------------------------------------------------------------------------------------
    def hook_code(
        self, callback: Callable[[Cpu, int], Any], begin: SupportsIndex = 0, end: SupportsIndex = LIMIT
    ) -> Hook:
        """Have `callback(cpu, address)` called before each instruction from `begin` to `end`.

        It may change registers and memory, also the pc, and call `cpu.interrupt()` to end the run before the
        instruction. Code elsewhere runs as fast as without.
        """
        return self.hooks.add("code", callback, operator.index(begin), operator.index(end))

    def hook_read(
        self, callback: Callable[[Cpu, Access], Any], begin: SupportsIndex = 0, end: SupportsIndex = LIMIT
    ) -> Hook:
        """Have `callback(cpu, access)` called after each instruction that has read memory from `begin` to `end`.

        An access has `pc`, `address`, `size` and `value`, and `kind`, which is "read". There is a call for each access
        of the instruction. Accesses to other pages are as fast as without.
        """
        return self.hooks.add("read", callback, operator.index(begin), operator.index(end))

    def hook_write(
        self, callback: Callable[[Cpu, Access], Any], begin: SupportsIndex = 0, end: SupportsIndex = LIMIT
    ) -> Hook:
        """Have `callback(cpu, access)` called after each instruction that has written memory from `begin` to `end`."""
        return self.hooks.add("write", callback, operator.index(begin), operator.index(end))

    def hook_svc(self, callback: Callable[[Cpu, int], Any]) -> Hook:
        """Have `callback(cpu, immediate)` called for each `svc`, with the pc behind it. The run goes on there."""
        return self.hooks.add("svc", callback, 0, LIMIT)

    def hook_brk(self, callback: Callable[[Cpu, int], Any]) -> Hook:
        """Have `callback(cpu, immediate)` called for each `brk`, with the pc behind it. The run goes on there."""
        return self.hooks.add("brk", callback, 0, LIMIT)

    def _hook_changes(self, hook: Hook) -> None:
        """A hook is about to come or to go."""
        if hook.kind == "code":
            self.invalidate(hook.begin, hook.end)
        elif hook.kind in ("read", "write"):
            begin, end = _pages(hook.begin, hook.end)
            for mapping in self.mappings.overlapping(begin, end):
                part = mapping.part(begin, end)
                self.page_table.set(part.begin, part.end, 0, 0)

    def _hook_changed(self, hook: Hook) -> None:
        if hook.kind in ("read", "write"):
            self._refresh(*_pages(hook.begin, hook.end))

    # -- what engines use (engines/running.py) ------------------------------------------------------------------------
    def run(self, cpu: Cpu, limits: Limits) -> Stop:
        """Run; `Cpu.run` says more."""
        return self._runner.run(self, cpu, limits)

    def fetch(self, address: int) -> int | None:
        """The word of an instruction, None where there is no code."""
        mapping = self.mappings.find(address)
        if mapping is None or Protection.EXECUTE not in mapping.protection or address & 3:
            return None
        return int.from_bytes(ctypes.string_at(mapping.host + address - mapping.begin, 4), "little")

    def read_as_guest(self, address: int, size: int) -> bytes:
        """A read by the guest. Raises AccessError at the first address that can't be read."""
        return self.mappings.read(address, size, Protection.READ)

    def overwritten(self, address: int, size: int) -> bytes:
        """What a write by the guest overwrites. Raises AccessError at the first address that can't be written."""
        return self.mappings.read(address, size, Protection.WRITE, "write")

    def write_as_guest(self, address: int, data: bytes) -> None:
        """A write by the guest. Raises AccessError at the first address that can't be written."""
        self.mappings.write(address, data, Protection.WRITE)

    def invalidate(self, begin: int, end: int) -> None:
        """Drop what was made of code."""
        self._runner.invalidate(begin, end)
        for follower in self._followers:
            follower.invalidate(begin, end)

    @contextmanager
    def followed(self, runner: Runner) -> Iterator[None]:
        """Another runner, too, is told meanwhile where code changes."""
        self._followers.append(runner)
        try:
            yield
        finally:
            self._followers.remove(runner)

    @contextmanager
    def withheld(self, ranges: Sequence[tuple[int, int]]) -> Iterator[None]:
        """Meanwhile, accesses to the pages of these bytes are left to the interpreter."""
        pages = [_pages(begin, end) for begin, end in ranges]
        try:
            for begin, end in pages:
                self.page_table.set(begin, end, 0, 0)
            yield
        finally:
            for begin, end in pages:
                self._refresh(begin, end)

    def hooked(self, kind: str, begin: int, end: int) -> bool:
        """Whether a hook of a kind is called for something between two addresses."""
        return bool(self.hooks.at(kind, begin, end - begin))

    def call_hooks(self, kind: str, cpu: Cpu, address: int, detail: object) -> bool:
        """Call the hooks of a kind for an address; whether there were any."""
        hooks = self.hooks.at(kind, address)
        for hook in hooks:
            hook.callback(cpu, detail)
        return bool(hooks)

    def is_host_function(self, address: int) -> bool:
        """Whether a host function has this address."""
        return address in self._host_functions

    def call_host_function(self, cpu: Cpu, address: int) -> bool:
        """Call a host function; False where it has no callback."""
        return self._host_functions.call(cpu, address)

    def call_access_hooks(self, kind: str, cpu: Cpu, pc: int, address: int, data: bytes) -> None:
        """Call the hooks of an access."""
        for hook in self.hooks.at(kind, address, len(data)):
            hook.callback(cpu, Access(kind, address, len(data), int.from_bytes(data, "little"), pc))

    def _change(self, begin: int, end: int, parts: list[Mapped]) -> None:
        """Put mappings in the place of others.

        What depends on the old ones goes first: a handler of a signal may raise an exception anywhere.
        """
        self.invalidate(begin, end)
        self.page_table.set(begin, end, 0, 0)
        self.mappings.replace(begin, end, parts)
        self._refresh(begin, end)

    def _refresh(self, begin: int, end: int) -> None:
        """Bring the page table up to date for what is mapped between two addresses."""
        hooks = [*self.hooks.of("read"), *self.hooks.of("write")]
        for mapping in self.mappings.overlapping(begin, end):
            part = mapping.part(begin, end)
            edges = {part.begin, part.end}
            for hook in hooks:
                edges.update(_pages(hook.begin, hook.end))
            inside = sorted(edge for edge in edges if part.begin <= edge <= part.end)
            for first, last in pairwise(inside):
                flags = 0
                for flag, protection, kind in _FLAGS:
                    # Accesses that hooks want to know of are left to the interpreter.
                    if protection in part.protection and not self.hooks.at(kind, first, last - first):
                        flags |= flag
                self.page_table.set(first, last, part.host - part.begin, flags)


def _pages(begin: int, end: int) -> tuple[int, int]:
    """The begin and end of the pages that have some addresses."""
    return max(begin, 0) // PAGE * PAGE, min(-(-end // PAGE) * PAGE, LIMIT)


def _protection(text: str) -> Protection:
    found = _PROTECTIONS.get(text) if isinstance(text, str) else None
    if found is not None:
        return found
    if isinstance(text, str) and {"w", "x"} <= set(text):
        raise HostError("a page can't be writable and executable at once: map it rw, write the code, protect it rx")
    raise HostError(f"there is no protection {text!r:.60}: choose one of rw, rx, r and the empty text")


def _address(address: SupportsIndex) -> int:
    try:
        return operator.index(address)
    except TypeError:
        raise SignatureError(f"an address is an integer, not {address!r:.60}") from None
