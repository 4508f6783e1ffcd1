"""Branches, exception generation and system instructions (the manual's C4.1 encoding index, chapter of that name)."""

from __future__ import annotations

from .branch_operands import DefaultRegister, TestedBit
from .description import Alias, instruction
from .machine import Machine
from .operands import CONDITIONS, Label


def _signed(value: int, width: int) -> int:
    sign = 1 << (width - 1)
    return (value ^ sign) - sign


def _target(m: Machine, field: int, width: int) -> int:
    """The address `field` words away."""
    return (m.pc + _signed(field, width) * 4) & 0xFFFF_FFFF_FFFF_FFFF


# -- Conditional branch (immediate) --------------------------------------------------------------------------------


def _conditional_aliases() -> list[Alias]:
    """`b.eq` and so on: each condition is a mnemonic of its own, with the spellings `b.cs`, `b.cc` and `beq` too."""
    spellings = [(name, number) for number, name in enumerate(CONDITIONS)]
    written = spellings + [("cs", 2), ("cc", 3)]
    return [
        Alias(
            f"B{dot}{name.upper()}_only_condbranch",
            f"cond={number:04b}",
            f"b{dot}{name} <label>",
            preferred=bool(dot) and (name, number) in spellings,
        )
        for dot in (".", "")
        for name, number in written
    ]


@instruction(
    "0101010 o1=0 imm19:19 o0=0 cond:4",
    ("B_only_condbranch", "", "b.<cond> <label>"),
    operands={"label": Label("imm19", scale=4, relocations={"": "R_AARCH64_CONDBR19"})},
    aliases=_conditional_aliases(),
)
def B_cond(m: Machine, imm19: int, cond: int) -> None:
    """Branch to a label within 1 MiB if the condition holds."""
    target = _target(m, imm19, 19)
    if cond >= 14:
        m.branch(target)
    else:
        m.branch_if(m.condition(cond), target)


# -- Unconditional branch (immediate) ------------------------------------------------------------------------------


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


# -- Compare and branch (immediate) --------------------------------------------------------------------------------

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


# -- Test and branch (immediate) -----------------------------------------------------------------------------------

_TEST = {"bit": TestedBit(), "label": Label("imm14", scale=4, relocations={"": "R_AARCH64_TSTBR14"})}


@instruction(
    "b5 011011 op=0 b40:5 imm14:14 Rt:5",
    ("TBZ_only_testbranch", "", "tbz <bit>, <label>"),
    operands=_TEST,
)
def TBZ(m: Machine, b5: int, b40: int, imm14: int, Rt: int) -> None:
    """Branch to a label within 32 KiB if a bit of a register is zero."""
    m.branch_if(m.X[64, Rt].bits(b5 << 5 | b40, 1) == 0, _target(m, imm14, 14))


@instruction(
    "b5 011011 op=1 b40:5 imm14:14 Rt:5",
    ("TBNZ_only_testbranch", "", "tbnz <bit>, <label>"),
    operands=_TEST,
)
def TBNZ(m: Machine, b5: int, b40: int, imm14: int, Rt: int) -> None:
    """Branch to a label within 32 KiB if a bit of a register is one."""
    m.branch_if(m.X[64, Rt].bits(b5 << 5 | b40, 1), _target(m, imm14, 14))


# -- Unconditional branch (register) -------------------------------------------------------------------------------


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
