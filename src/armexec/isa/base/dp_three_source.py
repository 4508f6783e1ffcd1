"""Data processing, three sources: multiply and add (class "Data Processing -- Register" of the manual's index)."""

from __future__ import annotations

from ..description import Alias, instruction
from ..machine import Machine

_W32 = "sf=0 imm6=0xxxxx"
_X64 = "sf=1"

# -- Data-processing (3 source) ------------------------------------------------------------------------------


@instruction(
    "sf op54=00 11011 op31=000 Rm:5 o0=0 Ra:5 Rn:5 Rd:5",
    ("MADD_32A_dp_3src", "sf=0", "madd <Wd>, <Wn>, <Wm>, <Wa>"),
    ("MADD_64A_dp_3src", "sf=1", "madd <Xd>, <Xn>, <Xm>, <Xa>"),
    aliases=[
        Alias("MUL_MADD_32A_dp_3src", "sf=0 Ra=11111", "mul <Wd>, <Wn>, <Wm>"),
        Alias("MUL_MADD_64A_dp_3src", "sf=1 Ra=11111", "mul <Xd>, <Xn>, <Xm>"),
    ],
)
def MADD(m: Machine, sf: int, Rm: int, Ra: int, Rn: int, Rd: int) -> None:
    """Multiply two registers and add the product to a third."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Ra] + m.X[size, Rn] * m.X[size, Rm]


@instruction(
    "sf op54=00 11011 op31=000 Rm:5 o0=1 Ra:5 Rn:5 Rd:5",
    ("MSUB_32A_dp_3src", "sf=0", "msub <Wd>, <Wn>, <Wm>, <Wa>"),
    ("MSUB_64A_dp_3src", "sf=1", "msub <Xd>, <Xn>, <Xm>, <Xa>"),
    aliases=[
        Alias("MNEG_MSUB_32A_dp_3src", "sf=0 Ra=11111", "mneg <Wd>, <Wn>, <Wm>"),
        Alias("MNEG_MSUB_64A_dp_3src", "sf=1 Ra=11111", "mneg <Xd>, <Xn>, <Xm>"),
    ],
)
def MSUB(m: Machine, sf: int, Rm: int, Ra: int, Rn: int, Rd: int) -> None:
    """Multiply two registers and subtract the product from a third."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Ra] - m.X[size, Rn] * m.X[size, Rm]


@instruction(
    "sf=1 op54=00 11011 U=0 op31=01 Rm:5 o0=0 Ra:5 Rn:5 Rd:5",
    ("SMADDL_64WA_dp_3src", "", "smaddl <Xd>, <Wn>, <Wm>, <Xa>"),
    aliases=[Alias("SMULL_SMADDL_64WA_dp_3src", "Ra=11111", "smull <Xd>, <Wn>, <Wm>")],
)
def SMADDL(m: Machine, Rm: int, Ra: int, Rn: int, Rd: int) -> None:
    """Multiply two signed 32-bit registers and add the 64-bit product to a register."""
    m.X[64, Rd] = m.X[64, Ra] + m.X[32, Rn].sign_extend(64) * m.X[32, Rm].sign_extend(64)


@instruction(
    "sf=1 op54=00 11011 U=0 op31=01 Rm:5 o0=1 Ra:5 Rn:5 Rd:5",
    ("SMSUBL_64WA_dp_3src", "", "smsubl <Xd>, <Wn>, <Wm>, <Xa>"),
    aliases=[Alias("SMNEGL_SMSUBL_64WA_dp_3src", "Ra=11111", "smnegl <Xd>, <Wn>, <Wm>")],
)
def SMSUBL(m: Machine, Rm: int, Ra: int, Rn: int, Rd: int) -> None:
    """Multiply two signed 32-bit registers and subtract the 64-bit product from a register."""
    m.X[64, Rd] = m.X[64, Ra] - m.X[32, Rn].sign_extend(64) * m.X[32, Rm].sign_extend(64)


@instruction(
    "sf=1 op54=00 11011 U=1 op31=01 Rm:5 o0=0 Ra:5 Rn:5 Rd:5",
    ("UMADDL_64WA_dp_3src", "", "umaddl <Xd>, <Wn>, <Wm>, <Xa>"),
    aliases=[Alias("UMULL_UMADDL_64WA_dp_3src", "Ra=11111", "umull <Xd>, <Wn>, <Wm>")],
)
def UMADDL(m: Machine, Rm: int, Ra: int, Rn: int, Rd: int) -> None:
    """Multiply two unsigned 32-bit registers and add the 64-bit product to a register."""
    m.X[64, Rd] = m.X[64, Ra] + m.X[32, Rn].zero_extend(64) * m.X[32, Rm].zero_extend(64)


@instruction(
    "sf=1 op54=00 11011 U=1 op31=01 Rm:5 o0=1 Ra:5 Rn:5 Rd:5",
    ("UMSUBL_64WA_dp_3src", "", "umsubl <Xd>, <Wn>, <Wm>, <Xa>"),
    aliases=[Alias("UMNEGL_UMSUBL_64WA_dp_3src", "Ra=11111", "umnegl <Xd>, <Wn>, <Wm>")],
)
def UMSUBL(m: Machine, Rm: int, Ra: int, Rn: int, Rd: int) -> None:
    """Multiply two unsigned 32-bit registers and subtract the 64-bit product from a register."""
    m.X[64, Rd] = m.X[64, Ra] - m.X[32, Rn].zero_extend(64) * m.X[32, Rm].zero_extend(64)


@instruction(
    "sf=1 op54=00 11011 U=0 op31=10 Rm:5 o0=0 Ra=11111 Rn:5 Rd:5",
    ("SMULH_64_dp_3src", "", "smulh <Xd>, <Xn>, <Xm>"),
)
def SMULH(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply two signed registers and keep the upper half of the 128-bit product."""
    product = m.X[64, Rn].sign_extend(128) * m.X[64, Rm].sign_extend(128)
    m.X[64, Rd] = product.bits(64, 64)


@instruction(
    "sf=1 op54=00 11011 U=1 op31=10 Rm:5 o0=0 Ra=11111 Rn:5 Rd:5",
    ("UMULH_64_dp_3src", "", "umulh <Xd>, <Xn>, <Xm>"),
)
def UMULH(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply two unsigned registers and keep the upper half of the 128-bit product."""
    product = m.X[64, Rn].zero_extend(128) * m.X[64, Rm].zero_extend(128)
    m.X[64, Rd] = product.bits(64, 64)
