"""Exceptions for what signals tell of native code: the place and all registers are those of the processor."""

from __future__ import annotations

import ctypes
import signal
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from typing import Protocol

from armexec.callbacks import SystemCallHandler
from armexec.engines.native_calls.context import Left, Registers
from armexec.engines.native_calls.frame_call import frame_call
from armexec.engines.native_calls.own_stacks import own_overflow
from armexec.errors import ExecutionError
from armexec.forks import hold
from armexec.memory import Region
from armexec.objects import Image
from armexec.resource_limits.deadlines import deadline

__all__ = ["STACK_AT", "add_image", "loaded_images", "look", "raise_fault"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

_BUS_ALIGNED = 1
"""BUS_ADRALN: an access, SP or the pc isn't aligned."""
_HLT_MASK, _HLT = 0xFFE0001F, 0xD4400000
_ARGUMENTS = 192
"""Where `enter` has kept X0 and the following, from its SP."""
STACK_AT = 1216
"""Where it has the number of bytes of the guest's stack that the handler has kept; 16 bytes further are these."""
_LEFT = 384
"""Where it has the Left."""


class _Loaded(Protocol):
    image: Image
    base: int
    region: Region

    @property
    def system_call(self) -> SystemCallHandler | None: ...
    @property
    def redirected(self) -> Mapping[int, int]: ...
    @property
    def original_words(self) -> Mapping[int, int]: ...
    def function_of(self, address: int) -> int | None: ...


_lock = hold(threading.Lock())
_images: weakref.WeakSet[_Loaded] = weakref.WeakSet()


def add_image(loaded: _Loaded) -> None:
    """Have faults in an image told with its symbols, for as long as it exists."""
    with _lock:
        _images.add(loaded)


def loaded_images() -> list[_Loaded]:
    """The images that are in memory."""
    with _lock:
        return [loaded for loaded in _images if hasattr(loaded, "region")]


def raise_fault(at: int) -> None:
    """Raise the exception for a fault, whose Left is at an address. The thread is out of the guest by now."""
    left = Left.from_address(at)
    raise _error(left, at)


def look(at: int) -> None:
    """Look at limits on a thread that is interrupted. The interpreter has run the handlers of signals by now.

    Raises:
        TimeLimitExceeded: the time is over.
    """
    when = deadline()
    if when is None or time.monotonic() < when:
        return
    # Only now: it imports the whole instruction set.
    from armexec.machines.traps import Trap, TrapKind

    left = Left.from_address(at)
    raise _to_error(Trap(TrapKind.TIME_LIMIT, int(left.registers.pc)), left, at)


def _error(left: Left, at: int) -> Exception:
    # Only now: it imports the whole instruction set.
    from armexec.isa import decode
    from armexec.machines.interpreter.decoding import executable
    from armexec.machines.traps import Trap, TrapKind
    from armexec.memory import AccessError, HostMemory

    registers = left.registers
    pc, address, number = int(registers.pc), int(registers.address), int(registers.signal)
    try:
        word = int.from_bytes(HostMemory().read(pc, 4), "little")
    except AccessError:
        word = None
    is_fault = number in (signal.SIGSEGV, signal.SIGBUS)
    if word is None or pc & 3 or (is_fault and address == pc):
        return _to_error(Trap(TrapKind.EXECUTE, pc, pc), left, at)
    if number == signal.SIGTRAP:
        return _to_error(Trap(TrapKind.BREAKPOINT, pc, word >> 5 & 0xFFFF), left, at)
    if not is_fault:
        if word & _HLT_MASK == _HLT:
            return _to_error(Trap(TrapKind.BREAKPOINT, pc, word >> 5 & 0xFFFF), left, at)
        try:
            executable(word, pc)
        except Trap as trap:
            return _to_error(trap, left, at)
        return _to_error(Trap(TrapKind.UNDEFINED, pc, why="this processor doesn't have it"), left, at)
    if number == signal.SIGBUS and registers.code == _BUS_ALIGNED:
        return _to_error(Trap(TrapKind.ALIGNMENT, pc, address), left, at)
    decoded = decode(word)
    accesses = [access.kind for access in decoded.effects.accesses] if decoded is not None else []
    is_write = "write" in accesses or "read-write" in accesses
    return _to_error(Trap(TrapKind.WRITE if is_write else TrapKind.READ, pc, address), left, at)


def _to_error(trap: object, left: Left, at: int) -> Exception:
    from armexec.engines.faults import to_error
    from armexec.machines.traps import Trap, TrapKind
    from armexec.translate.execute.host_stack import thread_overflow

    assert isinstance(trap, Trap)
    registers = left.registers
    entry = int(left.entry)
    if entry == frame_call().address:
        # X1: what it calls.
        entry = Registers.from_address(at - _LEFT + _ARGUMENTS).x[1]
    is_access = trap.kind in (TrapKind.READ, TrapKind.WRITE)
    overflow = None
    if is_access:
        detail = int(trap.detail)
        overflow = own_overflow(detail, left.stack) if left.stack else thread_overflow(detail, int(registers.sp))
    loaded = next(_found(int(registers.pc), int(registers.x[30]) - 4, entry), None)
    image, base = (loaded.image, loaded.base) if loaded is not None else (None, 0)
    error = to_error(trap, image, base, overflow=overflow, entry=entry)
    if isinstance(error, ExecutionError):
        _tell(error, registers, at - _LEFT, image, base)
    return error


def _tell(error: ExecutionError, registers: Registers, frame: int, image: Image | None, base: int) -> None:
    """Give an exception the registers and the calls, of a guest that was entered by the `enter` with a frame."""
    from armexec.engines.backtraces import StackCopy, fault_details
    from armexec.engines.code import NOWHERE, code_at

    def is_end(link: int) -> bool:
        return code_at(link - 4) == NOWHERE

    # Python runs where the stack was by now.
    size = ctypes.c_uint64.from_address(frame + STACK_AT).value
    stack = StackCopy(int(registers.sp), ctypes.string_at(frame + STACK_AT + 16, size))
    error.tell_later(**fault_details(dict(registers.named()), stack, image, base, is_end=is_end, why=_WHY))


_WHY = "TPIDR_EL0 is the one of this process"


def _found(*addresses: int) -> Iterator[_Loaded]:
    """The images that hold addresses, in their order."""
    with _lock:
        images = list(_images)
    for address in addresses:
        for loaded in images:
            # One that is closed has no region.
            if loaded.base <= address < loaded.base + loaded.image.size:
                yield loaded
