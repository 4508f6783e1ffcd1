"""The registers and the calls of translated code, from what has been kept of the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from armexec.backtraces import Backtrace
from armexec.cpu.snapshot import CpuSnapshot
from armexec.engines.backtraces.guest import LOST, MORE, MOST_FRAMES
from armexec.engines.backtraces.places import Images, backtrace_of
from armexec.errors import ExecutionError
from armexec.machines.traps import TrapKind
from armexec.objects import Image
from armexec.translate.execute.fault import Fault
from armexec.translate.execute.host_frames import GuestCalls

__all__ = ["translated_details"]


def translated_details(
    fault: Fault, calls: GuestCalls, image: Image | None, base: int, memory: int = 0
) -> dict[str, Callable[[ExecutionError], Any]]:
    """The fields `cpu` and `backtrace` of a fault.

    Args:
        calls: the calls that were going on.
        image: where the fault was, at `base`.
        memory: where this process has the guest's address 0.
    """

    def backtrace(error: ExecutionError) -> Backtrace:
        images = Images(image, base, memory)
        found, is_whole = calls.offsets()
        places = [pc for pc, _ in found]
        if error.pc in places:
            # What has found out that the program can't go on is left out.
            found = found[places.index(error.pc) + 1 :]
        pcs = [error.pc]
        pcs += [pc for pc, is_innermost in found if not is_innermost and images.is_call(pc)]
        if len(pcs) > MOST_FRAMES:
            return backtrace_of(images, pcs[:MOST_FRAMES], MORE)
        return backtrace_of(images, pcs, "" if is_whole else LOST)

    def cpu(error: ExecutionError) -> CpuSnapshot:
        images = Images(image, base, memory)
        # The exception may tell of who has called what found that the program can't go on.
        pc = error.pc if fault.where is not None else fault.trap.pc
        if fault.trap.kind is TrapKind.TIME_LIMIT:
            # It may come between the parts of an instruction.
            return CpuSnapshot({"pc": pc}, _WHY)
        # Only now: few ask.
        from armexec.translate.execute.host_frames.registers import guest_registers

        found = guest_registers(calls.frames()[0], calls.kept, pc if images.is_code(pc) else None)
        values = {"sp" if n == _SP else f"x{n}": value for n, value in found.items()}
        return CpuSnapshot({**values, "pc": pc}, _WHY)

    return {"cpu": cpu, "backtrace": backtrace}


_SP = 31
_WHY = "translated code keeps a register no longer than it needs it"
