"""The reference engine: executes one instruction at a time, in Python. It is slow, plain, and runs on every host."""

from __future__ import annotations

import ctypes
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from armexec.abi import calling_convention, place_in_registers
from armexec.abi.floats import from_bits, to_bits
from armexec.abi.placement import Part
from armexec.callbacks import HostFunctions, SystemCallHandler, host_functions
from armexec.cpu.call_frame import CallFrame
from armexec.cpu.registers import Kind, Register
from armexec.engines.code import NOWHERE, code_at
from armexec.engines.faults import to_error
from armexec.engines.guards import release_guards
from armexec.engines.loading import map_image
from armexec.engines.thread_local import GuestThread, thread_blocks
from armexec.errors import Error, ExecutionError
from armexec.isa.system_registers import TPIDR_EL0
from armexec.machines.interpreter.decoding import executable
from armexec.machines.interpreter.machine import ReferenceMachine
from armexec.machines.interpreter.snapshot import named_registers
from armexec.machines.interpreter.values import Bits
from armexec.machines.traps import EXIT, Trap, TrapKind
from armexec.memory import AccessError, GuestStack, HostMemory, Region, Sandbox, Step, guest_stack, stack_size
from armexec.objects import Image, Prototype, Resolve
from armexec.profiling.registry import ExecutionCounter, execution_counter
from armexec.resource_limits.deadlines import deadline
from armexec.resource_limits.guest_sizes import sizes
from armexec.resource_limits.instruction_budget import instruction_limit, instructions_left
from armexec.translate.analysis.self_returns import WHY, returns_to_itself

__all__ = ["ReferenceEngine", "Surroundings", "get_frame", "run_call", "set_frame", "step"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

_RET = 0xD65F03C0
_SVC, _SVC_MASK = 0xD4000001, 0xFFE0001F
_STEPS = 64
"""Number of instructions between two looks at the clock."""

_local = threading.local()
_images: weakref.WeakSet[LoadedReferenceImage] = weakref.WeakSet()
_redirected: dict[int, int] = {}
"""By the addresses of functions that have been replaced, where calls of them go instead."""


class Surroundings(NamedTuple):
    """What code finds around it.

    `find`: functions of Python by their addresses; None for others. `frame`: makes the frame of a call of one, from its
    address and X30. `redirected`: by the addresses of functions, where calls of them go instead. `words`: instructions
    by the addresses at which memory has others.
    """

    find: Callable[[int], Callable[[CallFrame], None] | None]
    frame: Callable[[int, int], CallFrame]
    redirected: Mapping[int, int]
    words: Mapping[int, int]


def _surroundings() -> Surroundings:
    return Surroundings(host_functions().find, lambda address, link: CallFrame(), _redirected, {})


def step(machine: ReferenceMachine, words: Mapping[int, int] | None = None) -> None:
    """Execute the instruction at `machine.pc` and advance the pc. `words` are instructions that memory hasn't.

    Raises:
        Trap: the instruction didn't complete; the pc is still at it.
    """
    pc = machine.pc
    try:
        if pc & 3:
            raise Trap(TrapKind.EXECUTE, pc, pc)
        word = words[pc] if words and pc in words else int.from_bytes(machine.memory.read(pc, 4), "little")
    except AccessError:
        raise Trap(TrapKind.EXECUTE, pc, pc) from None
    machine.word = word
    semantics, fields = executable(word, pc)
    machine.next_pc = pc + 4
    semantics(machine, *fields)
    machine.pc = machine.next_pc


def _stack() -> GuestStack:
    """This thread's stack, of the size that is configured now, but for calls within others, which share one."""
    stack: GuestStack | None = getattr(_local, "stack", None)
    if stack is None or _inner_stack_pointer() is None:
        size = sizes().stack or stack_size()
        stacks: dict[int, GuestStack] = _local.__dict__.setdefault("stacks", {})
        stack = _local.stack = stacks.get(size) or stacks.setdefault(size, guest_stack(size))
    return stack


def _inner_stack_pointer() -> int | None:
    """Where the stack ends of guest code that has called a function of Python on this thread; None without such."""
    inner: int | None = getattr(_local, "stack_pointer", None)
    return inner


def _run_to_exit(machine: ReferenceMachine, counts: Counter[int] | None, around: Surroundings) -> None:
    """Run until the outermost function has returned, and count the executions of each instruction in `counts`.

    Raises Trap.
    """
    begin, end = NOWHERE
    redirected, words = around.redirected, around.words
    returned_to = 0
    steps = 0
    when = deadline()
    left = instructions_left()
    # A replaced function that Python calls is itself.
    entry = machine.pc
    while (pc := machine.pc) != EXIT:
        if not begin <= pc < end:
            function = around.find(pc)
            if function is not None:
                _call_host(machine, function, around.frame(pc, machine.registers[30]))
                begin, end = NOWHERE
                continue
            begin, end = code_at(pc)
            if (begin, end) == NOWHERE:
                raise Trap(TrapKind.EXECUTE, pc, pc)
        if redirected and pc != entry and pc in redirected:
            machine.pc = redirected[pc]
            continue
        steps += 1
        if when is not None and not steps % _STEPS and time.monotonic() >= when:
            raise Trap(TrapKind.TIME_LIMIT, pc)
        if left is not None:
            if not left.value:
                raise Trap(TrapKind.INSTRUCTION_LIMIT, pc, instruction_limit() or 0)
            left.value -= 1
        step(machine, words)
        if machine.word & _SVC_MASK == _SVC:
            # What was code may be none any more.
            begin, end = NOWHERE
        if counts is not None:
            counts[pc] += 1
        target = machine.pc
        if target != pc + 4 and target == machine.registers[30] and machine.word == _RET:
            # The second return in a row to the same place.
            if target == returned_to and returns_to_itself(target, partial(_fetch, machine)):
                raise Trap(TrapKind.ENDLESS, target, 0, WHY)
            returned_to = target


def _call_host(machine: ReferenceMachine, function: Callable[[CallFrame], None], frame: CallFrame) -> None:
    """Call a function of Python with a frame, and return to X30 as `ret` does."""
    registers = machine.registers
    frame.x[:] = registers[:9]
    frame.v[:] = b"".join(value.to_bytes(16, "little") for value in machine.vectors[:8])
    frame.stack = registers[31]
    outer = _inner_stack_pointer()
    # The function may call the guest, on the same stack.
    _local.stack_pointer = registers[31] & -16
    try:
        function(frame)
    finally:
        _local.stack_pointer = outer
    _set_results(machine, frame)
    machine.pc = registers[30]


def _vector(frame: CallFrame, n: int) -> int:
    return int.from_bytes(bytes(frame.v[16 * n : 16 * n + 16]), "little")


def _set_results(machine: ReferenceMachine, frame: CallFrame) -> None:
    machine.registers[:2] = frame.x[:2]
    machine.vectors[:4] = [_vector(frame, n) for n in range(4)]


def _fetch(machine: ReferenceMachine, address: int) -> int | None:
    begin, end = code_at(address)
    if not begin <= address <= end - 4 or address & 3:
        return None
    return int.from_bytes(machine.memory.read(address, 4), "little")


def _place(machine: ReferenceMachine, part: Part) -> tuple[list[int], int]:
    """The registers of a kind, and the number of the one that holds a part."""
    assert isinstance(part.place, Register)
    return machine.vectors if part.place.kind is Kind.VECTOR else machine.registers, part.place.n


def _set_part(machine: ReferenceMachine, part: Part, bits: int) -> None:
    """Set a part's register to the lowest bits; small integers are extended to 64 bits."""
    registers, n = _place(machine, part)
    value = Bits(8 * part.size, bits)
    registers[n] = (value.signed if part.format == "signed" else value.value) & 0xFFFF_FFFF_FFFF_FFFF


def _part(machine: ReferenceMachine, part: Part) -> int:
    """The bits of a part."""
    registers, n = _place(machine, part)
    return Bits(8 * part.size, registers[n]).value


def set_frame(machine: ReferenceMachine, frame: CallFrame) -> None:
    """Set the registers of a call from its frame."""
    machine.registers[:9] = frame.x
    machine.vectors[:8] = [_vector(frame, n) for n in range(8)]


def get_frame(machine: ReferenceMachine, frame: CallFrame) -> None:
    """Put the registers of the result into the frame of a call."""
    frame.x[:2] = machine.registers[:2]
    frame.v[:64] = b"".join(value.to_bytes(16, "little") for value in machine.vectors[:4])


def _machine(thread_pointer: Callable[[], int] | None) -> ReferenceMachine:
    """A machine for a call."""
    machine = ReferenceMachine(HostMemory())
    if thread_pointer is not None:
        machine.system_registers[TPIDR_EL0] = thread_pointer()
    return machine


def run_call(
    machine: ReferenceMachine, address: int, on_stack: bytes, image: Image | None, base: int, around: Surroundings
) -> None:
    """Call a function, with some bytes of arguments on the stack. `image` holds it, at `base`.

    Raises:
        ExecutionError: of the guest; and what functions of Python raise.
    """
    stack = _stack()
    machine.registers[31] = (_inner_stack_pointer() or stack.stack_pointer) - len(on_stack)
    machine.memory.write(machine.registers[31], on_stack)
    top = machine.registers[31]
    machine.registers[30] = EXIT
    machine.pc = address
    count = execution_counter()
    try:
        if count is not None and image is not None:
            _run_counting(machine, count, image, base, around)
        else:
            _run_to_exit(machine, None, around)
    except Trap as trap:
        is_access = trap.kind in (TrapKind.READ, TrapKind.WRITE)
        overflow = stack.overflow(trap.detail) if is_access else None
        found = around.words.get(trap.pc)
        word_at = None if found is None else lambda _: found
        image, base = _image_at(trap.pc) or (image, base)
        error = to_error(trap, image, base, overflow=overflow, entry=address, word_at=word_at)
        _tell(error, machine, top, image, base)
        raise error from None
    except ExecutionError as error:
        # Of a system call that isn't allowed, or of a call within this one, which has told all.
        _tell(error, machine, top, image, base)
        raise
    finally:
        if machine.pc != EXIT:
            release_guards(stack.address, top)


def _image_at(pc: int) -> tuple[Image, int] | None:
    """The image whose code is at an address, and where that is: calls go from one to another."""
    for loaded in list(_images):
        if loaded.base <= pc < loaded.base + loaded.image.size:
            return loaded.image, loaded.base
    return None


def _tell(error: Error, machine: ReferenceMachine, top: int, image: Image | None, base: int) -> None:
    """Give an exception the registers and the calls of the guest."""
    if isinstance(error, ExecutionError) and not error.is_told:
        # Only now: most calls don't fail.
        from armexec.engines.backtraces import fault_details, stack_copy

        values = named_registers(machine)
        stack = stack_copy(machine.memory, values["sp"], top, _stack().address)
        error.tell_later(**fault_details(values, stack, image, base))


def _run_counting(
    machine: ReferenceMachine, count: ExecutionCounter, image: Image, base: int, around: Surroundings
) -> None:
    """Run, and report the executions of each instruction, also of a call that fails. Raises Trap."""
    counts: Counter[int] = Counter()
    try:
        _run_to_exit(machine, counts, around)
    finally:
        count(image, base, counts)


class LoadedReferenceImage:
    """An image whose code is read, and never executable."""

    sandbox: Sandbox | None = None

    def __init__(self, image: Image, region: Region) -> None:
        self.image = image
        self.region = region
        self.base = region.address
        self.steps: list[Step] = region.steps
        self.thread_blocks = thread_blocks(image, region)
        self._thread_pointer = self.thread_blocks.pointer if self.thread_blocks is not None else None
        self._system_call: SystemCallHandler | None = None
        self._thread: GuestThread | None = None
        _images.add(self)

    def run_as(self, thread: GuestThread) -> None:
        self._thread = thread
        self.thread_blocks = thread.blocks()
        self._thread_pointer = self.thread_blocks.pointer

    def _serialized(self, call: Callable[..., Any]) -> Callable[..., Any]:
        return call if self._thread is None else self._thread.serialized(call)

    def redirect(self, offset: int, target: int | None) -> None:
        _redirected.pop(self.base + offset, None)
        if target is not None:
            _redirected[self.base + offset] = target

    @property
    def thread(self) -> GuestThread | None:
        return self._thread

    @property
    def redirected(self) -> Mapping[int, int]:
        return _redirected

    @property
    def original_words(self) -> Mapping[int, int]:
        return {}

    @property
    def system_call(self) -> SystemCallHandler | None:
        return self._system_call

    def answer_system_calls(self, handler: SystemCallHandler) -> None:
        self._system_call = handler

    def bind(self, offset: int, prototype: Prototype) -> Callable[..., Any]:
        address = self.base + offset
        result = prototype.result
        memory, pointer = self.region, self._thread_pointer
        placement = place_in_registers(prototype, calling_convention(self.image))
        arguments = [
            (parameter.type, parts) for parameter, parts in zip(prototype.parameters, placement.arguments, strict=True)
        ]

        def call(*values: Any) -> Any:
            machine = _machine(pointer)
            for (ctype, parts), value in zip(arguments, values, strict=True):
                bits = to_bits(value, ctype) if ctype.kind == "float" else value
                for part in parts:
                    _set_part(machine, part, bits >> 8 * part.offset)
            self._run(machine, address, memory)
            bits = sum(_part(machine, part) << 8 * part.offset for part in placement.result)
            if result.kind == "void":
                return None
            if result.kind == "bool":
                return bits & 1
            if result.kind == "float":
                return from_bits(bits, result)
            return Bits(result.size * 8, bits).signed if result.signed else bits

        return self._serialized(call)

    def bind_frame(self, offset: int) -> Callable[[int], None]:
        address = self.base + offset
        memory, pointer = self.region, self._thread_pointer

        def call(at: int) -> None:
            frame = CallFrame.from_address(at)
            machine = _machine(pointer)
            set_frame(machine, frame)
            self._run(machine, address, memory, ctypes.string_at(frame.stack, frame.stack_size))
            get_frame(machine, frame)

        return self._serialized(call)

    def _run(self, machine: ReferenceMachine, address: int, _memory: Region, on_stack: bytes = b"") -> None:
        """Call a function, with some bytes of arguments on the stack. `_memory` stays alive during the call."""
        machine.system_call = self._system_call
        run_call(machine, address, on_stack, self.image, self.base, _surroundings())

    def close(self) -> None:
        for address in [at for at in _redirected if self.base <= at < self.base + self.image.size]:
            del _redirected[address]
        _images.discard(self)
        del self.region, self._thread_pointer
        self.thread_blocks = self._thread = None


class ReferenceEngine:
    """Executes the instructions in Python, on any host."""

    name = "reference"
    sandbox: Sandbox | None = None

    def unavailable(self) -> str | None:
        return None

    def host_functions(self) -> HostFunctions:
        return host_functions()

    def load(self, image: Image, resolve: Resolve) -> LoadedReferenceImage:
        return LoadedReferenceImage(image, map_image(image, resolve, executable=False))
