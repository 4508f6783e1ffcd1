"""What the system registers of user space hold and read as: the same for every machine of armexec."""

from __future__ import annotations

from armexec.isa.id_registers import ID_REGISTERS
from armexec.isa.system_registers import (
    CNTFRQ_EL0,
    CNTVCT_EL0,
    CTR_EL0,
    DCZID_EL0,
    DIT,
    FPCR,
    FPSR,
    NZCV,
    SSBS,
    TPIDR_EL0,
    TPIDRRO_EL0,
)

__all__ = [
    "AHP",
    "CNTFRQ",
    "CNTFRQ_EL0",
    "CNTVCT_EL0",
    "CONSTANT_REGISTERS",
    "DIT",
    "DN",
    "DZC",
    "FPCR",
    "FPSR",
    "FZ",
    "FZ16",
    "IDC",
    "IOC",
    "IXC",
    "NZCV",
    "OFC",
    "QC",
    "RMODE",
    "SSBS",
    "TPIDR_EL0",
    "UFC",
]


CNTFRQ = 1_000_000_000
"""CNTVCT_EL0 counts nanoseconds of the host's monotonic clock."""

CONSTANT_REGISTERS = {
    # CTR_EL0: 64-byte lines in both caches, IDC and DIC clear so that code cleans and invalidates as on an M1.
    CTR_EL0: 0x8444_C004,
    # DCZID_EL0: DC ZVA zeroes 64 bytes (2**4 words) and is allowed.
    DCZID_EL0: 0x4,
    TPIDRRO_EL0: 0,
    CNTFRQ_EL0: CNTFRQ,
    **ID_REGISTERS,
}

QC = 1 << 27
"""FPSR.QC: a saturating operation has saturated."""

FZ16 = 1 << 19
"""FPCR.FZ16: half-precision denormals count as zero, as operands and as results, but not in changes of format."""
RMODE = 22
"""The lower bit of FPCR.RMode, two bits: a `Rounding`."""
FZ = 1 << 24
"""FPCR.FZ: single- and double-precision denormals count as zero, as operands and as results."""
DN = 1 << 25
"""FPCR.DN: a NaN that results is the default NaN."""
AHP = 1 << 26
"""FPCR.AHP: conversions read and write the alternative half-precision format, without infinities and NaNs."""

IOC = 1 << 0
"""FPSR.IOC: an invalid operation."""
DZC = 1 << 1
"""FPSR.DZC: a division by zero."""
OFC = 1 << 2
"""FPSR.OFC: an overflow."""
UFC = 1 << 3
"""FPSR.UFC: an underflow, detected before rounding."""
IXC = 1 << 4
"""FPSR.IXC: a result that isn't exact."""
IDC = 1 << 7
"""FPSR.IDC: a denormal operand that FPCR.FZ made zero."""
