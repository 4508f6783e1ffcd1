"""The native engine: this processor runs the words itself. It needs an AArch64 host."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from armexec.abi import calling_convention, place_in_registers
from armexec.abi.floats import with_half_bits
from armexec.abi.placement import Part
from armexec.callbacks import HostFunction, SystemCallHandler
from armexec.cpu.call_frame import CallFrame
from armexec.engines.c_types import integer_class
from armexec.engines.loading import map_image
from armexec.engines.native_calls import (
    HostCall,
    NativeHostFunctions,
    Redirections,
    SystemCalls,
    add_image,
    bind_address,
    bind_frame,
    code_ranges,
    find_system_calls,
    native_host_functions,
    placed_code,
)
from armexec.engines.thread_local import GuestThread, ThreadBlocks
from armexec.errors import HostError
from armexec.memory import Protection, Region, Sandbox, Step, strategy_name
from armexec.objects import Image, Prototype, Resolve
from armexec.profiling.registry import register_native_image

__all__ = ["NativeEngine"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


def _c_type(part: Part) -> type[ctypes._SimpleCData[Any]]:
    """The ctypes class that passes a part of a value; ctypes has the host's calling convention."""
    # ctypes has no half precision: a double has its bits.
    return integer_class(part) or (ctypes.c_float if part.format == "binary32" else ctypes.c_double)


def _call_last(function: Callable[..., None], last: int, *given: int) -> None:
    function(*given, last)


class LoadedNativeImage:
    """An image in executable memory, with the host functions that stand in its code, see `NativeEngine.load`."""

    sandbox: Sandbox | None = None

    def __init__(
        self, image: Image, region: Region, calls: SystemCalls | None, functions: tuple[HostFunction | None, ...]
    ) -> None:
        self.image = image
        self.region = region
        self.base = region.address
        self.steps: list[Step] = region.steps
        self.thread_blocks: ThreadBlocks | None = None
        self._system_calls = calls
        # What is freed after the last call.
        self._redirections = Redirections(image, region)
        self._memory = region, functions, self._redirections
        register_native_image(self)
        add_image(self)
        for at, size, protection in region.parts:
            if Protection.EXECUTE in protection:
                code_ranges.add(region.address + at, region.address + at + size, region)

    def redirect(self, offset: int, target: int | None) -> None:
        self._redirections.redirect(offset, target)

    @property
    def thread(self) -> GuestThread | None:
        return None

    @property
    def redirected(self) -> Mapping[int, int]:
        return self._redirections.targets

    @property
    def original_words(self) -> Mapping[int, int]:
        calls = self._system_calls
        return {**(calls.words if calls is not None else {}), **self._redirections.words}

    @property
    def system_call(self) -> SystemCallHandler | None:
        return self._system_calls.handler if self._system_calls is not None else None

    def function_of(self, address: int) -> int | None:
        """The function that Python calls at another address, since it is redirected; None for other addresses."""
        return self._redirections.function_of(address)

    def answer_system_calls(self, handler: SystemCallHandler) -> None:
        if self._system_calls is not None:
            self._system_calls.handler = handler

    def bind(self, offset: int, prototype: Prototype) -> Callable[..., Any]:
        placement = place_in_registers(prototype, calling_convention(self.image))
        parameters = [_c_type(part) for parts in placement.arguments for part in parts]
        result = next(map(_c_type, placement.result), None)
        function = bind_address(self._redirections.original(offset), result, parameters, self._memory)
        return with_half_bits(prototype, function, in_doubles=True)

    def bind_frame(self, offset: int) -> Callable[[int], None]:
        return bind_frame(self._redirections.original(offset), self._memory)

    def bind_code(self, code: bytes, offset: int, parameters: int) -> Callable[..., None]:
        region = placed_code(code)
        pointers: list[type[Any]] = [ctypes.c_void_p] * (parameters + 1)
        function = bind_address(region.address, None, pointers, (self._memory, region))
        return partial(_call_last, function, self._redirections.original(offset))

    def run_as(self, thread: GuestThread) -> None:
        raise HostError(f"{self.image.name}: the processor's thread pointer is Python's: use the engine 'translated'")

    def close(self) -> None:
        del self.region, self._memory, self._system_calls, self._redirections


class NativeEngine:
    """Calls the image's functions through function pointers.

    Faults of the guest are exceptions, with all registers. A call of an undefined symbol becomes an exception, and so
    does whatever a host function raises (`native_calls`).
    """

    name = "native"
    sandbox: Sandbox | None = None

    def unavailable(self) -> str | None:
        machine = platform.machine()
        if machine.lower() not in ("aarch64", "arm64"):
            return f"this processor is {machine or 'unknown'}, not AArch64"
        try:
            strategy_name()
        except HostError as error:
            return str(error)
        return None

    def host_functions(self) -> NativeHostFunctions:
        return native_host_functions()

    def load(self, image: Image, resolve: Resolve) -> LoadedNativeImage:
        if image.thread_local is not None:
            raise HostError(
                f"{image.name} has thread-local variables, which the engine 'native' can't give it: the processor's"
                " thread pointer is the system's; use 'translated'"
            )
        missing = _Missing(image) if image.missing.are_executed else None
        calls = find_system_calls(image)
        leave = native_host_functions().add(missing) if missing is not None else None
        caller = native_host_functions().add(calls) if calls is not None else None
        region = map_image(
            image,
            resolve,
            executable=True,
            leave=leave.address if leave is not None else None,
            patches=calls.patches(caller.address) if calls is not None and caller is not None else (),
        )
        for function in (missing, calls):
            if function is not None:
                function.base = region.address
        return LoadedNativeImage(image, region, calls, (leave, caller))


class _Missing:
    """The host function that branches to undefined symbols, and references to thread-local variables, call."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.base = 0

    def __call__(self, frame: CallFrame) -> None:
        # Imported when it is needed: it imports the whole instruction set.
        from armexec.engines.faults import to_error
        from armexec.machines.traps import Trap, TrapKind

        assert isinstance(frame, HostCall)
        raise to_error(Trap(TrapKind.UNDEFINED, frame.link - 4), self.image, self.base)
