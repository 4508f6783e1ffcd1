"""What a session runs: a call of a function, or the code of a Cpu."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from armexec.cpu.cpu import Cpu, Limits
from armexec.cpu.stop import Stop, StopReason
from armexec.debugger.cpu_guest import SpaceGuest
from armexec.debugger.loaded_guest import LoadedGuest
from armexec.debugger.places import Places
from armexec.debugger.session_guest import SessionGuest
from armexec.engines import LoadedImage
from armexec.engines.faults import to_error
from armexec.engines.guards import release_guards
from armexec.errors import Error
from armexec.machines.interpreter.decoding import executable
from armexec.machines.traps import Trap, TrapKind
from armexec.memory import MAPPED_RANGES, MAPPING_CHANGES, GuestStack, guest_stack, stack_size
from armexec.memory.guest.page_table import PAGE
from armexec.objects import Image
from armexec.resource_limits.guest_sizes import sizes
from armexec.space import AddressSpace

if TYPE_CHECKING:
    from armexec.debugger.guest_threads import SessionThreads
    from armexec.module.calls.binding import PlacedCall

__all__ = ["CpuTarget", "FunctionTarget", "LentMemory", "Target", "error_of", "session_cpu", "set_arguments"]

_ACCESS = {
    "read": TrapKind.READ,
    "write": TrapKind.WRITE,
    "execute": TrapKind.EXECUTE,
    "align": TrapKind.ALIGNMENT,
}


LentMemory: TypeAlias = tuple[int, int, bool]
"""The begin and the end of some memory of this process, and whether it may be written."""
Region: TypeAlias = tuple[int, int, str, str]
"""The begin and the end of some memory, what the guest may do there ("r-x"), and a name for people."""


class Target(Protocol):
    """What a session runs. `engine`: the name of what runs it otherwise. `leave`: where the pc is at the end;
    None where there is no end. `is_apart`: its addresses aren't those of this process."""

    name: str
    engine: str
    cpu: Cpu
    guest: SessionGuest
    places: Places
    leave: int | None
    is_apart: bool
    threads: SessionThreads | None
    """The threads of the guest, where it may have several."""

    def regions(self) -> list[Region]:
        """The memory that is known."""

    def lent(self) -> list[LentMemory]:
        """Other memory of this process that exists as long as the target."""

    def result(self, cpu: Cpu) -> Any:
        """The result, with the registers at the end."""

    def finish(self) -> None:
        """The end was reached; also once more, after going back."""

    def error(self, stop: Stop) -> BaseException | None:
        """The exception that the stop would be of a call; None where it is none."""

    def close(self) -> None:
        """Free what was made for the session."""


class _InSession:
    """What a Cpu of a session says it runs in."""

    def __init__(self, engine: str) -> None:
        self.engine = engine

    def run(self, cpu: Cpu, limits: Limits) -> Stop:
        raise Error("this Cpu is a session's: use the session's step, run and goto")


def session_cpu(engine: str) -> Cpu:
    """A Cpu that only its session runs."""
    return Cpu(_InSession(engine))


def error_of(stop: Stop, loaded: LoadedImage, guest: LoadedGuest, stack: GuestStack) -> BaseException | None:
    """The exception of a call that stops so, None where it is none of the guest's."""
    if stop.reason is StopReason.FAULT:
        trap = Trap(_ACCESS[stop.access], stop.pc, stop.address, stop.detail)
    elif stop.reason is StopReason.BREAKPOINT:
        trap = Trap(TrapKind.BREAKPOINT, stop.pc, stop.immediate or 0)
    elif stop.reason is StopReason.UNDEFINED:
        trap = Trap(TrapKind.UNDEFINED, stop.pc, 0, stop.detail)
        try:
            executable(guest.fetch(stop.pc) or 0, stop.pc)
        except Trap as known:
            trap = known
    else:
        return None
    is_access = trap.kind in (TrapKind.READ, TrapKind.WRITE)
    overflow = stack.overflow(trap.detail) if is_access else None
    return to_error(trap, loaded.image, loaded.base, overflow=overflow, entry=guest.entry, memory=guest.memory)


def owned_parts(lent: Callable[[], list[LentMemory]]) -> Callable[[int], list[tuple[int, int]]]:
    """What is the guest's of a page of this process, by its number.

    That is what armexec or a program has mapped, or what a call lends. All else may be Python's.
    """

    def parts(page: int) -> list[tuple[int, int]]:
        begin, end = page * PAGE, (page + 1) * PAGE
        mapped = MAPPED_RANGES.find(begin)
        if (mapped is not None and end <= mapped.end) or MAPPING_CHANGES.holds(begin, end):
            return [(begin, end)]
        found = ((max(first, begin), min(last, end)) for first, last, _ in lent())
        return [(first, last) for first, last in found if first < last]

    return parts


def session_stack(loaded: LoadedImage) -> GuestStack:
    """A stack of its own for a session, where the guest of an image reaches it."""
    size = sizes().stack or stack_size()
    return guest_stack(size) if loaded.sandbox is None else loaded.sandbox.stack(size)


def return_address(stack: GuestStack) -> int:
    """Where the first call on a stack returns to: an address at which there is nothing, in the page above the stack."""
    return stack.top + 4


def loaded_regions(loaded: LoadedImage, stack: GuestStack) -> list[Region]:
    """The segments of an image in memory, and a stack."""
    image, base = loaded.image, loaded.base
    found = [
        (
            base + segment.offset,
            base + segment.offset + segment.size,
            "r" + ("w" if segment.writable else "-") + ("x" if segment.executable else "-"),
            image.name,
        )
        for segment in image.segments
    ]
    return [*found, (stack.address, stack.top, "rw-", "[stack]")]


def set_arguments(cpu: Cpu, block: Any, stack: GuestStack, write: Callable[[int, bytes], None]) -> None:
    """Set the registers of a call, and put its stack arguments onto the stack."""
    state = cpu.state
    state.x[:9] = block.x
    memoryview(state.v_registers).cast("B")[:128] = bytes(block.v)
    cpu.sp = stack.stack_pointer - block.stack_size
    cpu.x[30] = return_address(stack)
    if block.stack_size:
        write(cpu.sp, ctypes.string_at(block.stack, block.stack_size))


class FunctionTarget:
    """A call of a function, on a stack of its own."""

    threads: SessionThreads | None = None

    def __init__(self, name: str, call: PlacedCall, engine: str) -> None:
        loaded = self._loaded = call.loaded
        # Code and data stay as long as the session.
        self._memory = loaded.region
        self.name = name
        self.engine = engine
        self._prepared = call.prepared
        self._stack = session_stack(loaded)
        self.is_apart = loaded.sandbox is not None
        self.leave: int | None = return_address(self._stack)
        self._guest = LoadedGuest(loaded, call.functions, return_address(self._stack))
        self.guest = SessionGuest(self._guest, None if self.is_apart else owned_parts(self.lent))
        self.places = Places([(loaded.image, loaded.base)], self._guest.fetch, call.texts)
        self.cpu = cpu = session_cpu(engine)
        set_arguments(cpu, call.prepared.block, self._stack, self._guest.poke)
        cpu.pc = self._guest.entry = loaded.base + call.offset
        self._thread_memory: list[LentMemory] = []
        if loaded.thread_blocks is not None:
            cpu.tpidr_el0 = loaded.thread_blocks.pointer()
            self._thread_owner = loaded.thread_blocks.memory()
            if isinstance(self._thread_owner, ctypes.Array):
                begin = ctypes.addressof(self._thread_owner)
                self._thread_memory.append((begin, begin + ctypes.sizeof(self._thread_owner), True))
        self._has_finished = False

    @property
    def loaded(self) -> LoadedImage:
        """The image in memory."""
        return self._loaded

    def regions(self) -> list[Region]:
        return loaded_regions(self._loaded, self._stack)

    def lent(self) -> list[LentMemory]:
        return [] if self.is_apart else [*self._prepared.lent(), *self._thread_memory]

    def result(self, cpu: Cpu) -> Any:
        block = self._prepared.block
        block.x[:2] = cpu.state.x[:2]
        block.v[:64] = bytes(memoryview(cpu.state.v_registers).cast("B")[:64])
        return self._prepared.result()

    def finish(self) -> None:
        if not self._has_finished:
            self._has_finished = True
            self._prepared.write_back()
            if self._loaded.thread is not None:
                # What is called after each call: output is written.
                self._loaded.thread.serialized(lambda: None)()

    def error(self, stop: Stop) -> BaseException | None:
        return error_of(stop, self._loaded, self._guest, self._stack)

    def close(self) -> None:
        release_guards(self._stack.address, self._stack.top)
        self._stack.close()


class CpuTarget:
    """The code that a Cpu runs in its address space. It has no end."""

    leave: int | None = None
    is_apart = True
    threads: SessionThreads | None = None

    def __init__(self, cpu: Cpu) -> None:
        space = cpu.space
        assert isinstance(space, AddressSpace)
        self._space = space
        self.cpu = cpu
        self.name = "cpu"
        self.engine = space.engine
        self._guest = SpaceGuest(space)
        self.guest = SessionGuest(self._guest)
        images: list[tuple[Image, int]] = [(placed.image, placed.base) for placed in space.images]
        self.places = Places(images, self._guest.fetch)

    def regions(self) -> list[Region]:
        return [
            (mapping.begin, mapping.end, "".join(c if c in str(mapping.protection) else "-" for c in "rwx"), "")
            for mapping in self._space.mappings
        ]

    def lent(self) -> list[LentMemory]:
        return []

    def result(self, cpu: Cpu) -> Any:
        return None

    def finish(self) -> None:
        """It has no end."""

    def error(self, stop: Stop) -> BaseException | None:
        return None

    def close(self) -> None:
        """Nothing was made for it."""
