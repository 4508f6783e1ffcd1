"""The identification registers, as Linux answers for a processor with the features described here.

Linux traps and emulates MRS of op0=3, op1=0, CRn=0, CRm=0 or 2-7. User space sees the fields of features that it can
use; others have the value that promises least. Source: Linux, Documentation/arch/arm64/cpu-feature-registers.rst, and
arch/arm64/kernel/cpufeature.c; Arm ARM D23.2 for the fields.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FEATURES", "ID_REGISTERS", "Feature"]


class Feature(NamedTuple):
    """A feature, and the value that its field has with it: four bits from `low` up.

    Of several features in one field the last one counts.
    """

    name: str
    register: str
    low: int
    value: int


FEATURES = (
    Feature("FEAT_AES", "ID_AA64ISAR0_EL1", 4, 1),
    Feature("FEAT_PMULL", "ID_AA64ISAR0_EL1", 4, 2),
    Feature("FEAT_SHA1", "ID_AA64ISAR0_EL1", 8, 1),
    Feature("FEAT_SHA256", "ID_AA64ISAR0_EL1", 12, 1),
    Feature("FEAT_SHA512", "ID_AA64ISAR0_EL1", 12, 2),
    Feature("FEAT_CRC32", "ID_AA64ISAR0_EL1", 16, 1),
    Feature("FEAT_LSE", "ID_AA64ISAR0_EL1", 20, 2),
    Feature("FEAT_RDM", "ID_AA64ISAR0_EL1", 28, 1),
    Feature("FEAT_SHA3", "ID_AA64ISAR0_EL1", 32, 1),
    Feature("FEAT_DotProd", "ID_AA64ISAR0_EL1", 44, 1),
    Feature("FEAT_FHM", "ID_AA64ISAR0_EL1", 48, 1),
    Feature("FEAT_FlagM", "ID_AA64ISAR0_EL1", 52, 1),
    Feature("FEAT_FlagM2", "ID_AA64ISAR0_EL1", 52, 2),
    Feature("FEAT_DPB", "ID_AA64ISAR1_EL1", 0, 1),
    Feature("FEAT_DPB2", "ID_AA64ISAR1_EL1", 0, 2),
    Feature("FEAT_JSCVT", "ID_AA64ISAR1_EL1", 12, 1),
    Feature("FEAT_FCMA", "ID_AA64ISAR1_EL1", 16, 1),
    Feature("FEAT_LRCPC", "ID_AA64ISAR1_EL1", 20, 1),
    Feature("FEAT_LRCPC2", "ID_AA64ISAR1_EL1", 20, 2),
    Feature("FEAT_FRINTTS", "ID_AA64ISAR1_EL1", 32, 1),
    Feature("FEAT_SB", "ID_AA64ISAR1_EL1", 36, 1),
    Feature("FEAT_BF16", "ID_AA64ISAR1_EL1", 44, 1),
    Feature("FEAT_I8MM", "ID_AA64ISAR1_EL1", 52, 1),
    Feature("FEAT_CSSC", "ID_AA64ISAR2_EL1", 52, 1),
    # Floating point includes half precision. Without any, the fields would be 15.
    Feature("FEAT_FP16", "ID_AA64PFR0_EL1", 16, 1),
    Feature("FEAT_FP16", "ID_AA64PFR0_EL1", 20, 1),
    Feature("FEAT_DIT", "ID_AA64PFR0_EL1", 48, 1),
    Feature("FEAT_SSBS2", "ID_AA64PFR1_EL1", 4, 2),
    Feature("FEAT_LSE2", "ID_AA64MMFR2_EL1", 32, 1),
)
"""The features that armexec has and Linux shows. Pointer authentication isn't one: its keys are off."""

_FIXED = {
    # The faster cores of an M1.
    "MIDR_EL1": 0x611F_0231,
    "MPIDR_EL1": 1 << 31,
    "REVIDR_EL1": 0,
    # AArch64 alone at EL0 and EL1.
    "ID_AA64PFR0_EL1": 0x11,
    # The least version of the debug architecture.
    "ID_AA64DFR0_EL1": 6,
    # No granule of 4 or 64 KiB is promised.
    "ID_AA64MMFR0_EL1": 0xFF00_0000,
}
_NUMBERS = {
    "MIDR_EL1": (0, 0),
    "MPIDR_EL1": (0, 5),
    "REVIDR_EL1": (0, 6),
    "ID_AA64PFR0_EL1": (4, 0),
    "ID_AA64PFR1_EL1": (4, 1),
    "ID_AA64DFR0_EL1": (5, 0),
    "ID_AA64ISAR0_EL1": (6, 0),
    "ID_AA64ISAR1_EL1": (6, 1),
    "ID_AA64ISAR2_EL1": (6, 2),
    "ID_AA64MMFR0_EL1": (7, 0),
    "ID_AA64MMFR2_EL1": (7, 2),
}
"""CRm and op2."""


def _values() -> dict[int, int]:
    base = 3 << 14
    # Other registers read as zero.
    values = {base | crm << 3 | op2: 0 for crm in range(2, 8) for op2 in range(8)}
    by_name = dict.fromkeys(_NUMBERS, 0) | _FIXED
    for _, name, low, value in FEATURES:
        by_name[name] = by_name[name] & ~(15 << low) | value << low
    return values | {base | crm << 3 | op2: by_name[name] for name, (crm, op2) in _NUMBERS.items()}


ID_REGISTERS = _values()
"""The values by the registers' numbers (`system_registers.register_number`)."""
