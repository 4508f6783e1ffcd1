"""The registers and the calls of translated code, from what has been kept of the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from armexec.backtraces import Backtrace
from armexec.cpu.snapshot import CpuSnapshot
from armexec.engines.backtraces.guest import LOST, MORE, MOST_FRAMES
from armexec.engines.backtraces.places import Images, backtrace_of
from armexec.errors import ExecutionError
from armexec.objects import Image
from armexec.objects.symbolize import function_name
from armexec.translate.execute.host_frames import GuestCalls

__all__ = ["translated_details"]


def translated_details(
    calls: GuestCalls, entry: int, image: Image | None, base: int, memory: int = 0
) -> dict[str, Callable[[ExecutionError], Any]]:
    """The fields `cpu` and `backtrace` of a fault.

    Args:
        calls: the calls that were going on.
        entry: the function that Python has called.
        image: where the fault was, at `base`.
        memory: where this process has the guest's address 0.
    """

    def backtrace(error: ExecutionError) -> Backtrace:
        images = Images(image, base, memory)
        found, is_whole = calls.offsets()
        pcs = [error.pc]
        pcs += [pc for pc, is_innermost in found if not is_innermost and pc != error.pc and images.is_call(pc)]
        if len(pcs) > MOST_FRAMES:
            return backtrace_of(images, pcs[:MOST_FRAMES], MORE)
        is_whole = is_whole and _is_in(images, pcs[-1], entry)
        return backtrace_of(images, pcs, "" if is_whole else LOST)

    def cpu(error: ExecutionError) -> CpuSnapshot:
        images = Images(image, base, memory)
        found = calls.registers(error.pc if images.is_code(error.pc) else None)
        values = {"sp" if n == _SP else f"x{n}": value for n, value in found.items()}
        return CpuSnapshot({**values, "pc": error.pc}, _WHY)

    return {"cpu": cpu, "backtrace": backtrace}


_SP = 31
_WHY = "translated code keeps a register no longer than it needs it"


def _is_in(images: Images, pc: int, function: int) -> bool:
    """Whether an instruction is in the function at an address."""
    found = images.at(function)
    if found is None or images.at(pc) != found:
        return False
    image, base = found
    return function_name(image, pc - base) == function_name(image, function - base)
