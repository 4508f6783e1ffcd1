"""A native call that is interpreted: its instructions are counted, one after the other."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from armexec.cpu.call_frame import CallFrame
from armexec.engines.native_calls.context import Entered, HostCall
from armexec.engines.native_calls.faults import loaded_images
from armexec.engines.native_calls.frame_call import frame_call
from armexec.engines.reference import Surroundings, get_frame, run_call, set_frame
from armexec.machines.interpreter.machine import ReferenceMachine
from armexec.memory import HostMemory

__all__ = ["interpret"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


def interpret(entered: Entered, find: Callable[[int], Callable[[CallFrame], None] | None]) -> None:
    """Make the call that `enter` was to make, with its registers, and put the results there. `find` finds functions of
    Python by their addresses.

    Raises:
        ExecutionError: of the guest; and what functions of Python raise.
    """
    machine = ReferenceMachine(HostMemory())
    address, on_stack, frame = int(entered.entry), b"", None
    if address == frame_call().address:
        # What it would call, with the registers of a frame.
        frame, address = CallFrame.from_address(entered.x[0]), int(entered.x[1])
        set_frame(machine, frame)
        on_stack = ctypes.string_at(frame.stack, frame.stack_size)
    else:
        machine.registers[:8] = entered.x
        machine.vectors[:8] = [int.from_bytes(bytes(entered.v[at : at + 16]), "little") for at in range(0, 128, 16)]
    images = loaded_images()
    surroundings = Surroundings(
        find,
        _host_call,
        {at: target for loaded in images for at, target in loaded.redirected.items()},
        {at: word for loaded in images for at, word in loaded.original_words.items()},
    )
    address = next((found for loaded in images if (found := loaded.function_of(address)) is not None), address)
    holding = next((each for each in images if each.base <= address < each.base + each.image.size), None)
    machine.system_call = holding.system_call if holding is not None else None
    image, base = (holding.image, holding.base) if holding is not None else (None, 0)
    run_call(machine, address, on_stack, image, base, surroundings)
    if frame is not None:
        get_frame(machine, frame)
        return
    entered.x[0], entered.x[1] = machine.registers[:2]
    vectors = b"".join(value.to_bytes(16, "little") for value in machine.vectors[:4])
    ctypes.memmove(entered.v, vectors, len(vectors))


def _host_call(address: int, link: int) -> CallFrame:
    return HostCall(link=link, address=address)
