"""Branches (class "Branches, Exception Generating and System instructions" of the manual's index, C4.1)."""

from __future__ import annotations

from ..description import Alias, instruction
from ..machine import Machine
from ..operands import (
    CONDITIONS,
    OTHER_CONDITION_NAMES,
    Label,
)
from ..operands.branch import DefaultRegister, TestedBit
from ..pattern import sign_extended


def _target(m: Machine, field: int, width: int) -> int:
    """The address `field` words away."""
    return (m.pc + sign_extended(field, width) * 4) & 0xFFFF_FFFF_FFFF_FFFF


# -- Conditional branch (immediate) --------------------------------------------------------------------------


# Each condition is a mnemonic, and `b.eq` may be written `beq`.
_CONDITIONAL = {f"b.{name}": f"{number:04b}" for number, name in enumerate(CONDITIONS)}
_ALSO_WRITTEN = {
    **{f"b.{name}": f"{number:04b}" for name, number in OTHER_CONDITION_NAMES.items()},
    **{mnemonic.replace(".", ""): bits for mnemonic, bits in _CONDITIONAL.items()},
    "bcs": "0010",
    "bcc": "0011",
}


@instruction(
    "0101010 o1=0 imm19:19 o0=0 cond:4",
    *(("B_only_condbranch", f"cond={bits}", f"{name} <label>") for name, bits in _CONDITIONAL.items()),
    operands={"label": Label("imm19", scale=4, relocations={"": "R_AARCH64_CONDBR19"})},
    aliases=[
        Alias("B_only_condbranch", f"cond={bits}", f"{name} <label>", preferred=False)
        for name, bits in _ALSO_WRITTEN.items()
    ],
)
def B_cond(m: Machine, imm19: int, cond: int) -> None:
    """Branch to a label within 1 MiB if the condition holds."""
    target = _target(m, imm19, 19)
    if cond >= 14:
        m.branch(target)
    else:
        m.branch_if(m.condition(cond), target)


# -- Unconditional branch (immediate) ------------------------------------------------------------------------


@instruction(
    "op=0 00101 imm26:26",
    ("B_only_branch_imm", "", "b <label>"),
    operands={"label": Label("imm26", scale=4, relocations={"": "R_AARCH64_JUMP26"})},
)
def B(m: Machine, imm26: int) -> None:
    """Branch to a label within 128 MiB."""
    m.branch(_target(m, imm26, 26))


@instruction(
    "op=1 00101 imm26:26",
    ("BL_only_branch_imm", "", "bl <label>"),
    operands={"label": Label("imm26", scale=4, relocations={"": "R_AARCH64_CALL26"})},
)
def BL(m: Machine, imm26: int) -> None:
    """Call a label within 128 MiB, leaving the address of the next instruction in X30."""
    m.X[64, 30] = m.address(m.pc + 4)
    m.call(_target(m, imm26, 26))


# -- Compare and branch (immediate) --------------------------------------------------------------------------

_COMPARE = {"label": Label("imm19", scale=4, relocations={"": "R_AARCH64_CONDBR19"})}


@instruction(
    "sf 011010 op=0 imm19:19 Rt:5",
    ("CBZ_32_compbranch", "sf=0", "cbz <Wt>, <label>"),
    ("CBZ_64_compbranch", "sf=1", "cbz <Xt>, <label>"),
    operands=_COMPARE,
)
def CBZ(m: Machine, sf: int, imm19: int, Rt: int) -> None:
    """Branch to a label within 1 MiB if a register is zero."""
    m.branch_if(m.X[64 if sf else 32, Rt] == 0, _target(m, imm19, 19))


@instruction(
    "sf 011010 op=1 imm19:19 Rt:5",
    ("CBNZ_32_compbranch", "sf=0", "cbnz <Wt>, <label>"),
    ("CBNZ_64_compbranch", "sf=1", "cbnz <Xt>, <label>"),
    operands=_COMPARE,
)
def CBNZ(m: Machine, sf: int, imm19: int, Rt: int) -> None:
    """Branch to a label within 1 MiB if a register is not zero."""
    m.branch_if(m.X[64 if sf else 32, Rt] != 0, _target(m, imm19, 19))


# -- Test and branch (immediate) -----------------------------------------------------------------------------

_TEST = {"Rt, #bit": TestedBit(), "label": Label("imm14", scale=4, relocations={"": "R_AARCH64_TSTBR14"})}


@instruction(
    "b5 011011 op=0 b40:5 imm14:14 Rt:5",
    ("TBZ_only_testbranch", "", "tbz <Rt, #bit>, <label>"),
    operands=_TEST,
)
def TBZ(m: Machine, b5: int, b40: int, imm14: int, Rt: int) -> None:
    """Branch to a label within 32 KiB if a bit of a register is zero."""
    m.branch_if(m.X[64, Rt].bits(b5 << 5 | b40, 1) == 0, _target(m, imm14, 14))


@instruction(
    "b5 011011 op=1 b40:5 imm14:14 Rt:5",
    ("TBNZ_only_testbranch", "", "tbnz <Rt, #bit>, <label>"),
    operands=_TEST,
)
def TBNZ(m: Machine, b5: int, b40: int, imm14: int, Rt: int) -> None:
    """Branch to a label within 32 KiB if a bit of a register is one."""
    m.branch_if(m.X[64, Rt].bits(b5 << 5 | b40, 1), _target(m, imm14, 14))


# -- Unconditional branch (register) -------------------------------------------------------------------------


@instruction("1101011 Z=0 0 op=00 11111 0000 A=0 M=0 Rn:5 Rm=00000", ("BR_64_branch_reg", "", "br <Xn>"))
def BR(m: Machine, Rn: int) -> None:
    """Branch to the address in a register."""
    m.branch_to(m.X[64, Rn])


@instruction("1101011 Z=0 0 op=01 11111 0000 A=0 M=0 Rn:5 Rm=00000", ("BLR_64_branch_reg", "", "blr <Xn>"))
def BLR(m: Machine, Rn: int) -> None:
    """Call the address in a register, leaving the address of the next instruction in X30."""
    target = m.X[64, Rn]
    m.X[64, 30] = m.address(m.pc + 4)
    m.call_to(target)


@instruction(
    "1101011 Z=0 0 op=10 11111 0000 A=0 M=0 Rn:5 Rm=00000",
    ("RET_64R_branch_reg", "", "ret {<Xn>}"),
    operands={"Xn": DefaultRegister("Rn", 30)},
)
def RET(m: Machine, Rn: int) -> None:
    """Return to the address in a register, X30 if none is written."""
    m.return_to(m.X[64, Rn])


# -- Unconditional branch (register) with pointer authentication: plain branches (isa.pointer_authentication)


@instruction(
    "1101011 Z 0 op=00 11111 0000 A=1 M Rn:5 Rm:5",
    ("BRAAZ_64_branch_reg", "Z=0 M=0 Rm=11111", "braaz <Xn>"),
    ("BRABZ_64_branch_reg", "Z=0 M=1 Rm=11111", "brabz <Xn>"),
    ("BRAA_64P_branch_reg", "Z=1 M=0", "braa <Xn>, <Xm|SP>"),
    ("BRAB_64P_branch_reg", "Z=1 M=1", "brab <Xn>, <Xm|SP>"),
    feature="FEAT_PAuth",
)
def BRA(m: Machine, Z: int, M: int, Rn: int, Rm: int) -> None:
    """Branch to the authenticated address in a register."""
    m.branch_to(m.X[64, Rn])


@instruction(
    "1101011 Z 0 op=01 11111 0000 A=1 M Rn:5 Rm:5",
    ("BLRAAZ_64_branch_reg", "Z=0 M=0 Rm=11111", "blraaz <Xn>"),
    ("BLRABZ_64_branch_reg", "Z=0 M=1 Rm=11111", "blrabz <Xn>"),
    ("BLRAA_64P_branch_reg", "Z=1 M=0", "blraa <Xn>, <Xm|SP>"),
    ("BLRAB_64P_branch_reg", "Z=1 M=1", "blrab <Xn>, <Xm|SP>"),
    feature="FEAT_PAuth",
)
def BLRA(m: Machine, Z: int, M: int, Rn: int, Rm: int) -> None:
    """Call the authenticated address in a register, leaving the address of the next instruction in X30."""
    target = m.X[64, Rn]
    m.X[64, 30] = m.address(m.pc + 4)
    m.call_to(target)


@instruction(
    "1101011 Z=0 0 op=10 11111 0000 A=1 M Rn=11111 Rm=11111",
    ("RETAA_64E_branch_reg", "M=0", "retaa"),
    ("RETAB_64E_branch_reg", "M=1", "retab"),
    feature="FEAT_PAuth",
)
def RETA(m: Machine, M: int) -> None:
    """Return to the authenticated address in X30."""
    m.return_to(m.X[64, 30])


@instruction("1101011 0100 11111 0000 A=0 M=0 Rn=11111 op4=00000", ("ERET_64E_branch_reg", "", "eret"), privileged=True)
def ERET(m: Machine) -> None:
    """Return from an exception."""
    m.undefined("privileged")


@instruction(
    "1101011 0100 11111 0000 A=1 M Rn=11111 op4=11111",
    ("ERETAA_64E_branch_reg", "M=0", "eretaa"),
    ("ERETAB_64E_branch_reg", "M=1", "eretab"),
    feature="FEAT_PAuth",
    privileged=True,
)
def ERETA(m: Machine, M: int) -> None:
    """Return from an exception to the authenticated address in ELR."""
    m.undefined("privileged")


@instruction("1101011 0101 11111 000000 Rt=11111 op4=00000", ("DRPS_64E_branch_reg", "", "drps"), privileged=True)
def DRPS(m: Machine) -> None:
    """Restore the processor's state from debug state."""
    m.undefined("only in debug state")
