"""The native engine: this processor runs the words itself. It needs an AArch64 host."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable
from typing import Any

from armexec.abi import calling_convention, place_in_registers
from armexec.abi.floats import with_half_bits
from armexec.abi.placement import Part
from armexec.callbacks import SystemCallHandler
from armexec.cpu.call_frame import CallFrame
from armexec.engines.c_types import integer_class
from armexec.engines.frame_call import frame_call
from armexec.engines.leaving import WayOut
from armexec.engines.loading import map_image
from armexec.errors import HostError
from armexec.memory import Region, Step, strategy_name
from armexec.objects import Image, Prototype, Resolve
from armexec.profiling.registry import register_native_image

__all__ = ["NativeEngine"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


def _c_type(part: Part) -> type[ctypes._SimpleCData[Any]]:
    """The ctypes class that passes a part of a value; ctypes has the host's calling convention."""
    # ctypes has no half precision: a double has its bits.
    return integer_class(part) or (ctypes.c_float if part.format == "binary32" else ctypes.c_double)


def _undefined(image: Image, base: int, pc: int) -> Exception:
    # Imported when it is needed: it imports the whole instruction set.
    from armexec.engines.faults import to_error
    from armexec.machines.traps import Trap, TrapKind

    return to_error(Trap(TrapKind.UNDEFINED, pc), image, base)


class LoadedNativeImage:
    """An image in executable memory. Calls of undefined symbols leave by `way_out`."""

    def __init__(self, image: Image, region: Region, way_out: WayOut | None) -> None:
        self.image = image
        self.way_out = way_out
        self.region = region
        self.base = region.address
        self.steps: list[Step] = region.steps
        register_native_image(self)

    def bind(self, offset: int, prototype: Prototype) -> Callable[..., Any]:
        placement = place_in_registers(prototype, calling_convention(self.image))
        parameters = [_c_type(part) for parts in placement.arguments for part in parts]
        result = next(map(_c_type, placement.result), None)
        function: Any
        if self.way_out is not None:
            image, base = self.image, self.base
            function = self.way_out.bind(
                base + offset, result, parameters, lambda link: _undefined(image, base, link - 4)
            )
        else:
            function = ctypes.CFUNCTYPE(result, *parameters)(self.base + offset)
        # The memory is freed after the last call.
        function.memory = self.region
        return with_half_bits(prototype, function, in_doubles=True)

    def answer_system_calls(self, handler: SystemCallHandler) -> None:
        raise HostError(
            "the engine 'native' can't answer system calls: the processor leaves them to the system; use 'translated'"
        )

    def bind_frame(self, offset: int) -> Callable[[CallFrame], None]:
        code, image, base, keep = frame_call().address, self.image, self.base, self.region
        types = [ctypes.c_void_p, ctypes.c_void_p]
        function: Any
        if self.way_out is not None:
            function = self.way_out.bind(code, None, types, lambda link: _undefined(image, base, link - 4))
        else:
            function = ctypes.CFUNCTYPE(None, *types)(code)

        def call(frame: CallFrame, _keep: object = keep) -> None:
            function(ctypes.addressof(frame), base + offset)

        return call

    def close(self) -> None:
        del self.region


class NativeEngine:
    """Calls the image's functions through function pointers.

    A fault in a function ends this process, as in any program. Only the call of an undefined symbol becomes an
    exception.
    """

    name = "native"

    def unavailable(self) -> str | None:
        machine = platform.machine()
        if machine.lower() not in ("aarch64", "arm64"):
            return f"this processor is {machine or 'unknown'}, not AArch64"
        try:
            strategy_name()
        except HostError as error:
            return str(error)
        return None

    def load(self, image: Image, resolve: Resolve) -> LoadedNativeImage:
        way_out = WayOut() if image.missing.are_executed else None
        region = map_image(image, resolve, executable=True, leave=way_out.leave if way_out else None)
        return LoadedNativeImage(image, region, way_out)
