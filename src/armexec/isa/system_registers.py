"""System registers: their names, and what user space (EL0) may do with them.

A register is op0:op1:CRn:CRm:op2 as one 16-bit number, as in MRS and MSR.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from .data import rows
from .id_registers import ID_REGISTERS

__all__ = [
    "DIT",
    "FPCR",
    "FPSR",
    "NZCV",
    "SSBS",
    "TPIDR_EL0",
    "USER_READABLE",
    "USER_WRITABLE",
    "SystemRegister",
    "register_name",
    "register_number",
    "system_register",
    "system_registers",
]


def register_number(op0: int, op1: int, crn: int, crm: int, op2: int) -> int:
    """The number of S<op0>_<op1>_C<crn>_C<crm>_<op2>."""
    return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2


CTR_EL0 = register_number(3, 3, 0, 0, 1)
DCZID_EL0 = register_number(3, 3, 0, 0, 7)
NZCV = register_number(3, 3, 4, 2, 0)
DIT = register_number(3, 3, 4, 2, 5)
SSBS = register_number(3, 3, 4, 2, 6)
FPCR = register_number(3, 3, 4, 4, 0)
FPSR = register_number(3, 3, 4, 4, 1)
TPIDR_EL0 = register_number(3, 3, 13, 0, 2)
TPIDRRO_EL0 = register_number(3, 3, 13, 0, 3)
CNTFRQ_EL0 = register_number(3, 3, 14, 0, 0)
CNTVCT_EL0 = register_number(3, 3, 14, 0, 2)

USER_WRITABLE = {
    NZCV: 0xF000_0000,
    DIT: 1 << 24,
    SSBS: 1 << 12,
    # AHP, DN, FZ, RMode, FZ16. The trap enables are RAZ/WI: no exception is ever trapped.
    FPCR: 0x07C8_0000,
    # QC, IDC, IXC, UFC, OFC, DZC, IOC. Bits 31:28 belong to AArch32, which Apple silicon doesn't have.
    FPSR: 0x0800_009F,
    TPIDR_EL0: 0xFFFF_FFFF_FFFF_FFFF,
}
"""The bits that MSR writes at EL0 for each register: those that aren't RES0."""

USER_READABLE = frozenset({*USER_WRITABLE, CTR_EL0, DCZID_EL0, TPIDRRO_EL0, CNTFRQ_EL0, CNTVCT_EL0, *ID_REGISTERS})
"""The values that MRS reads at EL0, by itself or by Linux, which emulates the identification registers.

CNTPCT_EL0 is not: Linux and macOS give user space the virtual counter alone.
"""


class SystemRegister(NamedTuple):
    """A register's name, number, and which of MRS and MSR has it at some exception level."""

    name: str
    number: int
    readable: bool
    writable: bool


@cache
def system_registers() -> dict[str, SystemRegister]:
    """The registers that have a name, by that name in lower case."""
    table = {}
    for name, op0, op1, crn, crm, op2, access in rows("system_registers.tsv"):
        number = register_number(int(op0), int(op1), int(crn), int(crm), int(op2))
        table[name.lower()] = SystemRegister(name, number, "r" in access, "w" in access)
    return table


@cache
def _names(write: bool) -> dict[int, str]:
    names: dict[int, str] = {}
    for register in system_registers().values():
        if register.writable if write else register.readable:
            names.setdefault(register.number, register.name)
    return names


_GENERIC = re.compile(r"s([0-3])_([0-7])_c(1[0-5]|[0-9])_c(1[0-5]|[0-9])_([0-7])")


def system_register(name: str) -> SystemRegister | None:
    """The register of a name in lower case, S<op0>_<op1>_C<n>_C<m>_<op2> among them."""
    register = system_registers().get(name)
    if register is None:
        match = _GENERIC.fullmatch(name)
        if match is not None:
            register = SystemRegister(name.upper(), register_number(*map(int, match.groups())), True, True)
    return register


def register_name(number: int, *, write: bool) -> str:
    """The name to print for a register that is written (MSR) or read (MRS)."""
    name = _names(write).get(number)
    if name is not None:
        return name
    op0, op1, crn, crm, op2 = number >> 14, number >> 11 & 7, number >> 7 & 15, number >> 3 & 15, number & 7
    return f"S{op0}_{op1}_C{crn}_C{crm}_{op2}"
