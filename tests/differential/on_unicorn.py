"""Programs on Unicorn (QEMU 5.0), at EL0, with its newest CPU model."""

from __future__ import annotations

from functools import cache
from typing import Any

import unicorn
from unicorn import arm64_const as a64

from armexec.machines.traps import TrapKind

from .state import CODE, CODE_SIZE, DATA, DATA_SIZE, Outcome, State

__all__ = ["run"]

_REGISTERS = (
    [a64.UC_ARM64_REG_X0 + n for n in range(29)]
    + [a64.UC_ARM64_REG_X29, a64.UC_ARM64_REG_X30, a64.UC_ARM64_REG_SP]
    + [a64.UC_ARM64_REG_Q0 + n for n in range(32)]
    + [a64.UC_ARM64_REG_FPCR, a64.UC_ARM64_REG_FPSR, a64.UC_ARM64_REG_PSTATE, a64.UC_ARM64_REG_PC]
)
# QEMU's exception numbers (target/arm/cpu.h).
_EXCEPTIONS = {
    1: TrapKind.UNDEFINED,
    2: TrapKind.SUPERVISOR_CALL,
    4: TrapKind.ALIGNMENT,
    7: TrapKind.BREAKPOINT,
}
_ACCESSES = {
    unicorn.UC_MEM_READ_UNMAPPED: TrapKind.READ,
    unicorn.UC_MEM_READ_PROT: TrapKind.READ,
    unicorn.UC_MEM_WRITE_UNMAPPED: TrapKind.WRITE,
    unicorn.UC_MEM_WRITE_PROT: TrapKind.WRITE,
    unicorn.UC_MEM_FETCH_UNMAPPED: TrapKind.EXECUTE,
    unicorn.UC_MEM_FETCH_PROT: TrapKind.EXECUTE,
}
_CLREX = 0xD5033F5F
_ERET = 0xD69F03E0
# System registers by CRn, CRm, op0, op1, op2.
_SCTLR_EL1 = (1, 0, 3, 0, 0)
_CPACR_EL1 = (1, 0, 3, 0, 2)
_TCR_EL1 = (2, 0, 3, 0, 2)
_SPSR_EL1 = (4, 0, 3, 0, 0)
_ELR_EL1 = (4, 0, 3, 0, 1)
# With this key on, QEMU strips pointers; while all are off, it takes XPACI, XPACD and XPACLRI for NOPs.
_ENDB = 1 << 13
_STRIPS = (0xDAC143E0, 0xDAC147E0)
_XPACLRI = 0xD50320FF
# DZE, UCT and UCI let EL0 do DC ZVA, read CTR_EL0 and maintain caches, as systems do.
_EL0_RIGHTS = 1 << 14 | 1 << 15 | 1 << 26
_FPEN = 3 << 20
# T0SZ and T1SZ: 48 bits of address, which is where XPACI strips.
_ADDRESS_SIZE = 16 | 16 << 16


class _Unicorn:
    def __init__(self, control: int) -> None:
        self.uc = uc = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        uc.ctl_set_cpu_model(a64.UC_CPU_ARM64_MAX)
        uc.mem_map(CODE, CODE_SIZE, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        uc.mem_map(DATA, DATA_SIZE, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        initial = uc.reg_read(a64.UC_ARM64_REG_CP_REG, _SCTLR_EL1)
        for register, value in (
            (_SCTLR_EL1, initial | control),
            (_CPACR_EL1, _FPEN),
            (_TCR_EL1, _ADDRESS_SIZE),
            (_SPSR_EL1, 0),
            (_ELR_EL1, CODE),
        ):
            uc.reg_write(a64.UC_ARM64_REG_CP_REG, (*register, value))
        # It begins at EL1; only a return from an exception makes it forget that.
        self._place(CODE, _ERET.to_bytes(4, "little"))
        uc.emu_start(CODE, CODE + 4, count=1)
        self.trap: TrapKind | None = None
        uc.hook_add(unicorn.UC_HOOK_INTR, self._exception)
        uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._refused)

    def _exception(self, uc: Any, number: int, _: Any) -> None:
        self.trap = _EXCEPTIONS[number]
        uc.emu_stop()

    def _refused(self, _uc: Any, access: int, _address: int, _size: int, _value: int, _: Any) -> bool:
        self.trap = _ACCESSES[access]
        return False

    def run(self, state: State) -> Outcome:
        uc = self.uc
        code = b"".join(word.to_bytes(4, "little") for word in state.code)
        end = state.pc + len(code)
        if state.code[0] & 0x3F00_0000 == 0x0800_0000:
            # An exclusive store must not find what an earlier case loaded.
            self._place(state.pc, _CLREX.to_bytes(4, "little"))
            uc.emu_start(state.pc, end, count=1)
        self._place(state.pc, code)
        uc.mem_write(DATA, bytes(state.memory()))
        values = (*state.registers, *state.vectors, state.fpcr, state.fpsr, state.nzcv << 28, state.pc)
        uc.reg_write_batch(list(zip(_REGISTERS, values, strict=True)))
        self.trap = None
        try:
            # Within a sequence every branch is forward, so it ends.
            uc.emu_start(state.pc, end, count=1 if len(state.code) == 1 else 0)
        except unicorn.UcError:
            if self.trap is None:
                raise
        values = uc.reg_read_batch(_REGISTERS)
        registers, fpcr, fpsr, pstate, pc = list(values[:32]), *values[64:]
        vectors = list(values[32:64])
        if self.trap is TrapKind.SUPERVISOR_CALL:
            pc -= 4
        elif self.trap is TrapKind.EXECUTE:
            # The branch was made; what is there doesn't matter.
            self.trap = None
        memory = bytes(uc.mem_read(DATA, DATA_SIZE))
        uc.mem_write(state.pc, bytes(len(code)))
        return Outcome(registers, pstate >> 28 & 15, pc, memory, self.trap, vectors, fpcr, fpsr)

    def _place(self, address: int, code: bytes) -> None:
        self.uc.mem_write(address, code)
        self.uc.ctl_remove_cache(address, address + len(code))


@cache
def _unicorn(control: int) -> _Unicorn:
    return _Unicorn(control)


def run(state: State) -> Outcome:
    """Execute the program until it leaves its code or traps."""
    word = state.code[0]
    strips = word == _XPACLRI or word & ~31 in _STRIPS
    return _unicorn(_EL0_RIGHTS | _ENDB if strips else _EL0_RIGHTS).run(state)
