"""The processor of one thread of the guest: its registers, and runs from where the pc is."""

from __future__ import annotations

import ctypes
import operator
from dataclasses import dataclass
from typing import Any, Protocol, SupportsIndex

from armexec.cpu.state import CpuState
from armexec.cpu.stop import Stop
from armexec.cpu.views import GeneralRegisters, VectorRegisters, fitting
from armexec.errors import SignatureError

__all__ = ["Cpu", "Limits"]


@dataclass(frozen=True)
class Limits:
    """What ends a run. `until`: an address that the pc comes to. `time`: in seconds. None: no such limit."""

    until: int | None = None
    instructions: int | None = None
    time: float | None = None


class Space(Protocol):
    """What a Cpu runs in."""

    engine: str

    def run(self, cpu: Cpu, limits: Limits) -> Stop: ...


class _Register:
    """A register of 64 bits, as an attribute."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, cpu: Cpu, owner: type) -> int:
        return int(getattr(cpu.state, self.name))

    def __set__(self, cpu: Cpu, value: SupportsIndex) -> None:
        setattr(cpu.state, self.name, fitting(self.name, value, 64))


class Cpu:
    """The registers of one thread of the guest, and what runs them in an address space.

    `x` and `w` are the general registers, `v` the vector registers. `nzcv` are the flags as four bits, N highest. All
    are zero at first. They are right whenever a run isn't going on, and in hooks, on every engine.

    Raises:
        SignatureError: it isn't given an AddressSpace.

    >>> import armexec
    >>> space = armexec.AddressSpace()
    >>> code = space.map(0x40000000, 0x1000, "rx", data=armexec.assemble("add x0, x0, #1; ret").bytes)
    >>> cpu = armexec.Cpu(space)
    >>> cpu.pc, cpu.x[0], cpu.x[30] = code, 3, 0x1000
    >>> print(cpu.run(until=0x1000))
    until at 0x1000, after 2 instructions
    >>> cpu.x[0]
    4
    """

    pc = _Register()
    sp = _Register()
    fpcr = _Register()
    fpsr = _Register()
    tpidr_el0 = _Register()

    def __init__(self, space: Space) -> None:
        if not hasattr(space, "run"):
            raise SignatureError(f"a Cpu runs in an AddressSpace, not in {space!r:.60}")
        self.space = space
        self.state = CpuState()
        self.x = GeneralRegisters(self.state, 64)
        self.w = GeneralRegisters(self.state, 32)
        self._vectors = VectorRegisters(self.state)
        self._interrupted = False

    @property
    def v(self) -> VectorRegisters:
        return self._vectors

    @property
    def nzcv(self) -> int:
        state = self.state
        return int(state.n << 3 | state.z << 2 | state.c << 1 | state.v)

    @nzcv.setter
    def nzcv(self, value: SupportsIndex) -> None:
        flags = operator.index(value)
        if not 0 <= flags < 16:
            raise SignatureError(f"nzcv are four bits, N highest: {flags:#x} doesn't fit")
        state = self.state
        state.n, state.z, state.c, state.v = flags >> 3, flags >> 2 & 1, flags >> 1 & 1, flags & 1

    # -- running ------------------------------------------------------------------------------------------------------
    def run(
        self,
        until: SupportsIndex | None = None,
        instruction_limit: SupportsIndex | None = None,
        time_limit: float | None = None,
    ) -> Stop:
        """Execute instructions from where the pc is, until something ends it.

        Args:
            until: an address. The run ends when the pc is there, also at once; nothing need be mapped there.
            instruction_limit: how many instructions may be executed. The run ends after exactly as many.
            time_limit: how many seconds it may take. It ends soon after. Limits of a block (`armexec.limits`) hold as
                well, and end the run in the same way.

        Returns:
            where and why it ended. What the guest does is never an exception.

        An exception in a hook, or Ctrl-C, ends the run and is raised here, with the registers as they were after the
        last instruction that was complete.

        Raises:
            SignatureError: a limit is none.
        """
        return self.space.run(
            self,
            Limits(
                None if until is None else fitting("until", until, 64),
                None
                if instruction_limit is None
                else _not_negative("instruction_limit", operator.index(instruction_limit)),
                None if time_limit is None else _not_negative("time_limit", time_limit),
            ),
        )

    def step(self, n: SupportsIndex = 1) -> Stop:
        """Execute `n` instructions: `run` with that limit."""
        return self.run(instruction_limit=n)

    def interrupt(self) -> None:
        """End the run that is going on, or the next one. Hooks and other threads call it.

        A hook on code ends it before the instruction that it is called for, other hooks after theirs.
        """
        self._interrupted = True

    def take_interrupt(self) -> bool:
        """Whether `interrupt` has been called since this was last asked. Engines ask between instructions."""
        interrupted, self._interrupted = self._interrupted, False
        return interrupted

    # -- all registers ------------------------------------------------------------------------------------------------
    def save(self) -> bytes:
        """All registers as bytes, for `restore`."""
        return bytes(self.state)

    def restore(self, saved: bytes) -> None:
        """Set all registers to what they were when `save` was called.

        Raises:
            SignatureError: it isn't what `save` gave.
        """
        if len(saved) != ctypes.sizeof(self.state):
            raise SignatureError("these bytes aren't what Cpu.save gives")
        ctypes.memmove(ctypes.addressof(self.state), saved, len(saved))

    def __repr__(self) -> str:
        flags = "".join(name if self.nzcv >> 3 - i & 1 else name.lower() for i, name in enumerate("NZCV"))
        lines = [f"<Cpu pc=0x{self.pc:x} sp=0x{self.sp:x} {flags} ({self.space.engine})"]
        shown = [f"x{n}=0x{value:x}" for n, value in enumerate(self.x) if value]
        shown += [f"v{n}=0x{register.q:x}" for n, register in enumerate(self.v) if register.q]
        shown += [f"{name}=0x{value:x}" for name in ("fpcr", "fpsr", "tpidr_el0") if (value := getattr(self, name))]
        lines += [" ".join(shown[i : i + 6]) for i in range(0, len(shown), 6)]
        return "\n  ".join(lines) + ("; other registers are 0>" if shown else "; registers are 0>")


def _not_negative(name: str, value: Any) -> Any:
    if not value >= 0:
        raise SignatureError(f"{name} can't be {value!r:.60}")
    return value
