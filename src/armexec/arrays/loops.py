"""The loops that NumPy calls."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple

from armexec.abi import calling_convention, passes_scalars_in_registers, place_in_registers
from armexec.arrays.element_calls import ElementCalls
from armexec.arrays.target import Target
from armexec.engines import SupportsCode, SupportsLoops
from armexec.translate.array_loops.loop import Loop
from armexec.translate.array_loops.python_loop import python_loop

__all__ = ["BoundLoop", "bind_loop"]


class BoundLoop(NamedTuple):
    """The address of a PyUFuncGenericFunction, its last argument, and what has to live as long as it is called."""

    address: int
    data: int
    needed: object


def bind_loop(target: Target, loop: Loop) -> BoundLoop:
    """A loop of host code where the engine makes one, else one in Python.

    Raises:
        SignatureError: the engine can't pass a type.
        HostError: the code can't be made.
    """
    loaded = target.loaded
    found = None
    if isinstance(loaded, SupportsLoops):
        found = loaded.bind_loop(target.offset, target.prototype, loop)
    if found is None and isinstance(loaded, SupportsCode):
        native = _native(loaded, target, loop)
        if native is not None:
            return _in_python(native, None)
    if found is None:
        return _in_python(ElementCalls(target, loop), loaded.region)
    address, needed = found
    if target.has_limits:
        return _in_python(_Limited(address, target), needed)
    return BoundLoop(address, 0, needed)


def _in_python(call: Any, needed: object) -> BoundLoop:
    return BoundLoop(python_loop(), id(call), (call, needed))


def _native(loaded: SupportsCode, target: Target, loop: Loop) -> _Native | None:
    """A loop of A64 code; None for what isn't in registers, and for generalized ufuncs, whose calls are fewer."""
    if not passes_scalars_in_registers(target.prototype) or any(source.kind != "value" for source in loop.sources):
        return None
    from armexec.arrays.native_code import loop_code

    placement = place_in_registers(target.prototype, calling_convention(target.loaded.image))
    arguments = tuple(part for parts in placement.arguments for part in parts)
    code = loop_code(loop, arguments, placement.result[0])
    return None if code is None else _Native(loaded.bind_code(code, target.offset, 3), target)


class _Limited:
    """A loop within the limits of a module."""

    def __init__(self, address: int, target: Target) -> None:
        self._loop: Any = ctypes.PYFUNCTYPE(None, *(ctypes.c_void_p,) * 4)(address)
        self._limits = target.limits

    def __call__(self, arguments: int, dimensions: int, steps: int) -> None:
        with self._limits():
            self._loop(arguments, dimensions, steps, None)


class _Native:
    """A loop that the processor runs."""

    def __init__(self, loop: Callable[..., None], target: Target) -> None:
        self._loop = loop
        self._limits = target.limits

    def __call__(self, arguments: int, dimensions: int, steps: int) -> None:
        with self._limits():
            self._loop(arguments, ctypes.c_ssize_t.from_address(dimensions).value, steps)
