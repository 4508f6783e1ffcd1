"""Calls on the reference engine's machine, with every register and byte of the stack under control."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable, Sequence
from contextlib import closing

from armexec.abi.placement import Part, Placement, StackSlot
from armexec.compiler_rt import complete
from armexec.cpu.call_frame import CallFrame
from armexec.cpu.registers import Kind
from armexec.engines.reference import LoadedReferenceImage, ReferenceEngine, step
from armexec.machines.interpreter.machine import ReferenceMachine
from armexec.machines.traps import EXIT
from armexec.memory import HostMemory, guest_stack
from armexec.objects import Image

__all__ = ["Call", "enter", "load", "load_block", "run", "store_block"]


def load(image: Image) -> LoadedReferenceImage:
    """The image in memory, with what the compiler calls of its own accord."""
    return ReferenceEngine().load(complete(image), lambda symbol: None)


def run(machine: ReferenceMachine, end: int = EXIT) -> None:
    """Run up to an address."""
    while machine.pc != end:
        step(machine)


def load_block(machine: ReferenceMachine, block: CallFrame) -> None:
    """Put a block's registers into a machine."""
    machine.registers[:9] = block.x
    machine.vectors[:8] = [int.from_bytes(bytes(block.v[at : at + 16]), "little") for at in range(0, 128, 16)]


def store_block(machine: ReferenceMachine, block: CallFrame) -> None:
    """Put a machine's registers into a block."""
    block.x[:] = machine.registers[:9]
    block.stack = machine.registers[31]
    block.v[:] = b"".join(bits.to_bytes(16, "little") for bits in machine.vectors[:8])


def enter(address: int) -> Callable[[int], None]:
    """What calls the function at an address by a frame, as an engine does it."""

    def call(at: int) -> None:
        frame = CallFrame.from_address(at)
        machine = ReferenceMachine(HostMemory())
        load_block(machine, frame)
        with closing(guest_stack()) as stack:
            machine.registers[31] = stack.stack_pointer - frame.stack_size
            machine.memory.write(machine.registers[31], ctypes.string_at(frame.stack, frame.stack_size))
            machine.registers[30] = EXIT
            machine.pc = address
            run(machine)
        store_block(machine, frame)

    return call


def extended(part: Part, value: int, bits: int) -> int:
    """The value as an integer of more bits."""
    sign = value >> 8 * part.size - 1 & 1
    return (value - (sign << 8 * part.size) if part.format == "signed" else value) & (1 << bits) - 1


class Call:
    """The state of a call, whose unspecified bits are random. Values are the bytes of C's values."""

    def __init__(self, address: int, found: Placement, rng: random.Random) -> None:
        self.placement = found
        self.machine = machine = ReferenceMachine(HostMemory())
        machine.registers[:] = [rng.getrandbits(64) for _ in range(32)]
        machine.vectors[:] = [rng.getrandbits(128) for _ in range(32)]
        self.stack = guest_stack()
        self.sp = machine.registers[31] = self.stack.stack_pointer - found.stack_size
        machine.memory.write(self.sp, rng.randbytes(found.stack_size))
        machine.registers[30] = EXIT
        machine.pc = address
        self.memory: list[ctypes.Array[ctypes.c_char]] = []
        self.indirect = 0

    def __enter__(self) -> Call:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def room(self, data: bytes) -> int:
        """The address of memory with these bytes, aligned to 64."""
        memory = ctypes.create_string_buffer(len(data) + 64)
        self.memory.append(memory)
        address = -(-ctypes.addressof(memory) // 64) * 64
        ctypes.memmove(address, data, len(data))
        return address

    def set_arguments(self, values: Sequence[bytes]) -> None:
        for parts, value in zip(self.placement.arguments, values, strict=True):
            self.set(parts, value)
        for part in self.placement.result:
            if part.format == "address":
                self.indirect = self.machine.registers[8] = self.room(bytes(part.size))

    def set(self, parts: Sequence[Part], value: bytes) -> None:
        for part in parts:
            machine, place = self.machine, part.place
            data = value[part.offset : part.offset + part.size]
            if part.format == "address":
                data = self.room(data).to_bytes(8, "little")
            if isinstance(place, StackSlot):
                machine.memory.write(self.sp + place.offset, data)
                continue
            registers = machine.vectors if place.kind is Kind.VECTOR else machine.registers
            number = int.from_bytes(data, "little")
            size = 8 * len(data) if part.extension == "none" else 32
            low = number if part.extension == "none" else extended(part, number, 32)
            registers[place.n] = registers[place.n] >> size << size | low

    def set_result(self, value: bytes, indirect: int) -> None:
        """The state at a function's return; `indirect` is X8 at its call."""
        if any(part.format == "address" for part in self.placement.result):
            self.machine.memory.write(indirect, value)
        else:
            self.set(self.placement.result, value)

    def get(self, parts: Sequence[Part], size: int) -> bytes:
        """The bytes of a value, whose extension is checked."""
        value = bytearray(size)
        for part in parts:
            machine, place = self.machine, part.place
            length = 8 if part.format == "address" else part.size
            if isinstance(place, StackSlot):
                data = machine.memory.read(machine.registers[31] + place.offset, length)
            else:
                registers = machine.vectors if place.kind is Kind.VECTOR else machine.registers
                bits = registers[place.n]
                number = bits & (1 << 8 * length) - 1
                data = number.to_bytes(length, "little")
                assert part.extension == "none" or bits & 0xFFFF_FFFF == extended(part, number, 32)
            if part.format == "address":
                data = machine.memory.read(int.from_bytes(data, "little"), part.size)
            value[part.offset : part.offset + part.size] = data
        return bytes(value)

    def result(self, size: int) -> bytes:
        """The bytes of the result after the call."""
        if self.indirect:
            return self.machine.memory.read(self.indirect, size)
        return self.get(self.placement.result, size)
