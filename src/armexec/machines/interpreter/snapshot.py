"""All registers of the reference machine, by their names."""

from __future__ import annotations

from armexec.isa.system_registers import FPCR, FPSR, TPIDR_EL0
from armexec.machines.interpreter.machine import ReferenceMachine

__all__ = ["named_registers"]

_SYSTEM = {"fpcr": FPCR, "fpsr": FPSR, "tpidr_el0": TPIDR_EL0}


def named_registers(machine: ReferenceMachine) -> dict[str, int]:
    """The content of each register, by its name in a CpuSnapshot."""
    flags = machine.NZCV
    values = {f"x{n}": machine.registers[n] for n in range(31)}
    values |= {"sp": machine.registers[31], "pc": machine.pc}
    values["nzcv"] = flags.N.value << 3 | flags.Z.value << 2 | flags.C.value << 1 | flags.V.value
    values |= {f"v{n}": machine.vectors[n] for n in range(32)}
    return values | {name: machine.system_registers[key] for name, key in _SYSTEM.items()}
