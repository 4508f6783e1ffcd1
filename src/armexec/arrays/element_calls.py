"""Loops in Python: one call of the guest for each element, on any engine.

The bits of arguments and results aren't looked at on the way, so that NaNs stay as they are.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from armexec.abi import calling_convention
from armexec.abi.frames.block import BLOCK_SIZE, STACK_OFFSET, STACK_SIZE_OFFSET, ArgumentFrame, place_offset
from armexec.abi.placement import Part, Placement, StackSlot
from armexec.arrays.target import Target
from armexec.objects import CType
from armexec.translate.array_loops.loop import Loop, Operand
from armexec.translate.array_loops.threads import refuse_length

__all__ = ["ElementCalls"]


class ElementCalls:
    """The loop of a ufunc. Raises SignatureError where a type can't be passed."""

    def __init__(self, target: Target, loop: Loop) -> None:
        loaded, prototype = target.loaded, target.prototype
        self._loop = loop
        self._enter: Callable[[int], None] = loaded.bind_frame(target.offset)
        self._limits = target.limits
        placement = Placement.of(prototype, calling_convention(loaded.image))
        self._stack_size = placement.stack_size
        types = [parameter.type for parameter in prototype.parameters]
        self._arguments = [*zip(loop.sources, types, placement.arguments, strict=True)]
        self._result = placement.result

    def __call__(self, arguments: int, dimensions: int, steps: int) -> None:
        """Go through the elements. The addresses are those of NumPy's arrays of operands, of sizes, and of steps."""
        operands = self._loop.operands
        count = len(operands)
        pointers = _words(arguments, count)
        number, *lengths = _words(dimensions, 1 + self._loop.dimensions)
        strides = _words(steps, count + sum(len(operand.core) for operand in operands))
        for source, ctype, _ in self._arguments:
            if source.kind == "length":
                bits = 8 * ctype.size - ctype.signed
                if lengths[source.number] >> bits:
                    refuse_length(lengths[source.number], bits)
        frame = ArgumentFrame(BLOCK_SIZE + self._stack_size, 16)
        with self._limits():
            for _ in range(number):
                self._call(frame, pointers, lengths, strides[count:])
                pointers = [pointer + stride for pointer, stride in zip(pointers, strides, strict=False)]

    def _call(self, frame: ArgumentFrame, pointers: list[int], lengths: list[int], strides: list[int]) -> None:
        data = frame.data
        data[:] = bytes(len(data))
        data[STACK_OFFSET : STACK_OFFSET + 8] = (frame.address + BLOCK_SIZE).to_bytes(8, "little")
        data[STACK_SIZE_OFFSET : STACK_SIZE_OFFSET + 8] = self._stack_size.to_bytes(8, "little")
        operands = self._loop.operands
        cores = self._cores(pointers, lengths, strides)
        for source, ctype, parts in self._arguments:
            if source.kind == "length":
                value = lengths[source.number].to_bytes(8, "little")[: ctype.size]
            elif source.kind == "address":
                value = cores[source.number].address.to_bytes(8, "little")
            else:
                value = ctypes.string_at(pointers[source.number], ctype.size)
                if operands[source.number].is_bool:
                    # NumPy's arrays of bools may be views of other bytes.
                    value = bytes([value != b"\0"])
            _put(data, value, ctype, parts)
        self._enter(frame.address)
        for core in cores.values():
            core.put_back()
        if self._loop.result >= 0:
            operand = operands[self._loop.result]
            result = bytearray(operand.size)
            for part in self._result:
                at = place_offset(part)
                result[part.offset : part.offset + part.size] = data[at : at + part.size]
            if operand.is_bool:
                result[0] = result[0] != 0
            ctypes.memmove(pointers[self._loop.result], bytes(result), len(result))

    def _cores(self, pointers: list[int], lengths: list[int], strides: list[int]) -> dict[int, _Core]:
        """What is passed by address."""
        found = {}
        at = 0
        addressed = {source.number for source, _, _ in self._arguments if source.kind == "address"}
        for number, operand in enumerate(self._loop.operands):
            rank = len(operand.core)
            if number in addressed:
                shape = [lengths[dimension] for dimension in operand.core]
                found[number] = _Core(operand, pointers[number], shape, strides[at : at + rank])
            at += rank
        return found


class _Core:
    """Elements of an operand, one after the other: a copy where NumPy has them otherwise."""

    def __init__(self, operand: Operand, pointer: int, shape: list[int], strides: list[int]) -> None:
        import numpy as np

        self._operand = operand
        self._view: Any = np.asarray(_Memory(operand.size, pointer, shape, strides))
        self._copy: Any = np.ascontiguousarray(self._view).reshape(shape)
        self.address = pointer if self._view.flags.c_contiguous else int(self._copy.ctypes.data)

    def put_back(self) -> None:
        """What the guest has written."""
        if self._operand.is_written and not self._view.flags.c_contiguous:
            self._view[...] = self._copy


class _Memory:
    """Memory as NumPy takes it."""

    def __init__(self, size: int, pointer: int, shape: list[int], strides: list[int]) -> None:
        self.__array_interface__ = {
            "data": (pointer, False),
            "shape": tuple(shape),
            "strides": tuple(strides),
            "typestr": f"|V{size}",
            "version": 3,
        }


def _words(address: int, count: int) -> list[int]:
    return list((ctypes.c_ssize_t * count).from_address(address))


def _put(data: memoryview, value: bytes, ctype: CType, parts: tuple[Part, ...]) -> None:
    """Put a value where the call passes it."""
    is_signed = ctype.kind in ("int", "enum") and ctype.signed
    for part in parts:
        bits = value[part.offset : part.offset + part.size]
        width = part.place.size if isinstance(part.place, StackSlot) else 8
        if width > len(bits):
            bits = bits.ljust(width, b"\xff" if is_signed and bits[-1] & 0x80 else b"\0")
        at = place_offset(part)
        data[at : at + len(bits)] = bits
