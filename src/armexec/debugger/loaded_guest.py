"""A loaded image, and the rest of this process, as the guest of a debugger."""

from __future__ import annotations

from collections.abc import Callable

from armexec.callbacks import HostFunctions, SystemCallHandler
from armexec.cpu.call_frame import CallFrame
from armexec.cpu.cpu import Cpu
from armexec.engines import LoadedImage
from armexec.engines.code import NOWHERE, code_at
from armexec.engines.faults import to_error
from armexec.machines.traps import Trap, TrapKind
from armexec.memory import EXECUTABLE_RANGES, AccessError, HostMemory

__all__ = ["LoadedGuest"]

_BRK = 0xD4200000
"""`brk #0`: the word at the address of a function of Python."""
_SANDBOX = 1 << 32
"""The end of a sandbox's addresses."""


class LoadedGuest:
    """The guest that runs a loaded image, instruction by instruction, on any engine's memory.

    `entry` is the address that Python calls: a function that was replaced is itself there. `after_return` is called
    where the pc is where a call returns to, `leave`, and may set the registers of another call; it says whether it has.
    """

    def __init__(
        self,
        loaded: LoadedImage,
        functions: HostFunctions,
        leave: int,
        after_return: Callable[[Cpu], bool] | None = None,
    ) -> None:
        self.loaded = loaded
        self.entry = 0
        self.memory = HostMemory() if loaded.sandbox is None else loaded.sandbox.memory
        self._host = 0 if loaded.sandbox is None else loaded.sandbox.base
        self._functions = functions
        self._leave = leave
        self._after_return = after_return
        self._system_call: SystemCallHandler | None = loaded.system_call
        self._code = NOWHERE
        self._original = loaded.original_words
        self.scratch_code: list[tuple[int, int]] = []

    # -- memory -------------------------------------------------------------------------------------------------------
    def fetch(self, address: int) -> int | None:
        if self._host and address >= _SANDBOX:
            return None
        at = self._host + address
        begin, end = self._code
        if not begin <= at < end:
            if self.is_host_function(address):
                return _BRK
            self._code = code_at(at)
            if self._code == NOWHERE:
                self._code = next(((b, e) for b, e in self.scratch_code if b <= at < e), NOWHERE)
            if self._code == NOWHERE:
                return None
        original = self._original
        if original and address in original:
            return original[address]
        try:
            return None if address & 3 else int.from_bytes(self.memory.read(address, 4), "little")
        except AccessError:
            # The module was closed meanwhile.
            self._code = NOWHERE
            return None

    def read_as_guest(self, address: int, size: int) -> bytes:
        return self.memory.read(address, size)

    def overwritten(self, address: int, size: int) -> bytes:
        return self.memory.read(address, size)

    def write_as_guest(self, address: int, data: bytes) -> None:
        self.memory.write(address, data)

    def peek(self, address: int, size: int) -> bytes:
        return self.memory.read(address, size)

    def poke(self, address: int, data: bytes) -> None:
        self.memory.write(address, data)
        if self.loaded.sandbox is None:
            EXECUTABLE_RANGES.changed(address, address + len(data))

    def invalidate(self, begin: int, end: int) -> None:
        EXECUTABLE_RANGES.changed(begin, end)

    # -- what the host does -------------------------------------------------------------------------------------------
    def hooked(self, kind: str, begin: int, end: int) -> bool:
        return kind == "svc"

    def call_hooks(self, kind: str, cpu: Cpu, address: int, detail: object) -> bool:
        """Do a system call. Raises ExecutionError where there are none."""
        pc = address
        # What was code may be none any more.
        self._code = NOWHERE
        if self._system_call is None:
            trap = Trap(TrapKind.SUPERVISOR_CALL, pc, detail if isinstance(detail, int) else 0)
            raise to_error(trap, self.loaded.image, self.loaded.base, memory=self.memory)
        arguments = tuple(int(cpu.state.x[n]) for n in range(6))
        result = self._system_call(pc, int(cpu.state.x[8]), arguments)
        cpu.state.x[0] = result & 0xFFFF_FFFF_FFFF_FFFF
        return True

    def is_host_function(self, address: int) -> bool:
        return self._functions.find(address) is not None

    def call_host_function(self, cpu: Cpu, address: int) -> bool:
        function = self._functions.find(address)
        if function is None:
            return False
        state = cpu.state
        frame = CallFrame()
        frame.x[:] = state.x[:9]
        vectors = memoryview(state.v_registers).cast("B")
        frame.v[:] = bytes(vectors[:128])
        frame.stack = state.sp
        function(frame)
        state.x[0], state.x[1] = frame.x[0], frame.x[1]
        vectors[:64] = bytes(frame.v[:64])
        state.pc = state.x[30]
        self._code = NOWHERE
        return True

    def call_access_hooks(self, kind: str, cpu: Cpu, pc: int, address: int, data: bytes) -> None:
        """There are no such hooks."""

    def redirects(self, pc: int) -> bool:
        if pc == self._leave and self._after_return is not None:
            return True
        return pc != self.entry and pc in self.loaded.redirected

    def registers_redirected(self, cpu: Cpu) -> bool:
        pc = int(cpu.state.pc)
        if pc == self._leave and self._after_return is not None:
            return self._after_return(cpu)
        redirected = self.loaded.redirected
        if redirected and pc != self.entry and pc in redirected:
            cpu.state.pc = redirected[pc]
            return True
        return False
