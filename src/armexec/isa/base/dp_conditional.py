"""Conditional compare and select (class "Data Processing -- Register" of the manual's index)."""

from __future__ import annotations

from ..description import Alias, instruction
from ..machine import Flags, Machine
from ..operands import Condition, Immediate, Operand, SameRegister
from ..values import Value

_W32 = "sf=0 imm6=0xxxxx"
_X64 = "sf=1"

# -- Conditional compare -------------------------------------------------------------------------------------

_COMPARE: dict[str, Operand] = {"imm": Immediate("imm5"), "nzcv": Immediate("nzcv"), "cond": Condition()}


def _conditional_flags(m: Machine, cond: int, compared: Flags, nzcv: int) -> None:
    """The flags of the comparison where the condition holds, else those given."""
    if cond >= 14:
        m.NZCV = compared
        return
    given = m.flags(nzcv >> 3, nzcv >> 2 & 1, nzcv >> 1 & 1, nzcv & 1)
    m.NZCV = m.select(m.condition(cond), compared, given)


@instruction(
    "sf op=0 S=1 11010010 Rm:5 cond:4 0 o2=0 Rn:5 o3=0 nzcv:4",
    ("CCMN_32_condcmp_reg", "sf=0", "ccmn <Wn>, <Wm>, #<nzcv>, <cond>"),
    ("CCMN_64_condcmp_reg", "sf=1", "ccmn <Xn>, <Xm>, #<nzcv>, <cond>"),
    operands=_COMPARE,
)
def CCMN_reg(m: Machine, sf: int, Rm: int, cond: int, Rn: int, nzcv: int) -> None:
    """Compare a register with the negative of another if the condition holds; else set the flags given."""
    size = 64 if sf else 32
    _conditional_flags(m, cond, m.add_flags(m.X[size, Rn], m.X[size, Rm])[1], nzcv)


@instruction(
    "sf op=1 S=1 11010010 Rm:5 cond:4 0 o2=0 Rn:5 o3=0 nzcv:4",
    ("CCMP_32_condcmp_reg", "sf=0", "ccmp <Wn>, <Wm>, #<nzcv>, <cond>"),
    ("CCMP_64_condcmp_reg", "sf=1", "ccmp <Xn>, <Xm>, #<nzcv>, <cond>"),
    operands=_COMPARE,
)
def CCMP_reg(m: Machine, sf: int, Rm: int, cond: int, Rn: int, nzcv: int) -> None:
    """Compare two registers if the condition holds; else set the flags given."""
    size = 64 if sf else 32
    _conditional_flags(m, cond, m.subtract_flags(m.X[size, Rn], m.X[size, Rm])[1], nzcv)


@instruction(
    "sf op=0 S=1 11010010 imm5:5 cond:4 1 o2=0 Rn:5 o3=0 nzcv:4",
    ("CCMN_32_condcmp_imm", "sf=0", "ccmn <Wn>, #<imm>, #<nzcv>, <cond>"),
    ("CCMN_64_condcmp_imm", "sf=1", "ccmn <Xn>, #<imm>, #<nzcv>, <cond>"),
    operands=_COMPARE,
)
def CCMN_imm(m: Machine, sf: int, imm5: int, cond: int, Rn: int, nzcv: int) -> None:
    """Compare a register with a negated immediate if the condition holds; else set the flags given."""
    size = 64 if sf else 32
    _conditional_flags(m, cond, m.add_flags(m.X[size, Rn], m.const(size, imm5))[1], nzcv)


@instruction(
    "sf op=1 S=1 11010010 imm5:5 cond:4 1 o2=0 Rn:5 o3=0 nzcv:4",
    ("CCMP_32_condcmp_imm", "sf=0", "ccmp <Wn>, #<imm>, #<nzcv>, <cond>"),
    ("CCMP_64_condcmp_imm", "sf=1", "ccmp <Xn>, #<imm>, #<nzcv>, <cond>"),
    operands=_COMPARE,
)
def CCMP_imm(m: Machine, sf: int, imm5: int, cond: int, Rn: int, nzcv: int) -> None:
    """Compare a register with an immediate if the condition holds; else set the flags given."""
    size = 64 if sf else 32
    _conditional_flags(m, cond, m.subtract_flags(m.X[size, Rn], m.const(size, imm5))[1], nzcv)


# -- Conditional select --------------------------------------------------------------------------------------

_SELECT: dict[str, Operand] = {"cond": Condition()}


def _inverted_aliases(base: str, single: str, zero: str = "") -> list[Alias]:
    """`cset Rd, cond` (both sources the zero register) and `cinc Rd, Rn, cond` (both the same), inverted."""
    aliases = []
    for size, sf, x in ((32, 0, "W"), (64, 1, "X")):
        # AL and NV have no inverse.
        narrowed = f"sf={sf} cond!=111x"
        if zero:
            aliases.append(
                Alias(
                    f"{zero}_{base}_{size}_condsel",
                    f"{narrowed} Rm=11111 Rn=11111",
                    f"{zero.lower()} <{x}d>, <cond>",
                    {"cond": Condition(inverted=True)},
                )
            )
        aliases.append(
            Alias(
                f"{single}_{base}_{size}_condsel",
                narrowed,
                f"{single.lower()} <{x}d>, <{x}n>, <cond>",
                {f"{x}n": SameRegister(x.lower(), "Rn", "Rm"), "cond": Condition(inverted=True)},
                preferred=lambda f: f["Rn"] == f["Rm"],
            )
        )
    return aliases


def _select(m: Machine, cond: int, when_true: Value, when_false: Value) -> Value:
    if cond >= 14:
        return when_true
    result: Value = m.select(m.condition(cond), when_true, when_false)
    return result


@instruction(
    "sf op=0 S=0 11010100 Rm:5 cond:4 0 o2=0 Rn:5 Rd:5",
    ("CSEL_32_condsel", "sf=0", "csel <Wd>, <Wn>, <Wm>, <cond>"),
    ("CSEL_64_condsel", "sf=1", "csel <Xd>, <Xn>, <Xm>, <cond>"),
    operands=_SELECT,
)
def CSEL(m: Machine, sf: int, Rm: int, cond: int, Rn: int, Rd: int) -> None:
    """The first register if the condition holds, else the second."""
    size = 64 if sf else 32
    m.X[size, Rd] = _select(m, cond, m.X[size, Rn], m.X[size, Rm])


@instruction(
    "sf op=0 S=0 11010100 Rm:5 cond:4 0 o2=1 Rn:5 Rd:5",
    ("CSINC_32_condsel", "sf=0", "csinc <Wd>, <Wn>, <Wm>, <cond>"),
    ("CSINC_64_condsel", "sf=1", "csinc <Xd>, <Xn>, <Xm>, <cond>"),
    operands=_SELECT,
    aliases=_inverted_aliases("CSINC", "CINC", "CSET"),
)
def CSINC(m: Machine, sf: int, Rm: int, cond: int, Rn: int, Rd: int) -> None:
    """The first register if the condition holds, else the second plus one."""
    size = 64 if sf else 32
    m.X[size, Rd] = _select(m, cond, m.X[size, Rn], m.X[size, Rm] + 1)


@instruction(
    "sf op=1 S=0 11010100 Rm:5 cond:4 0 o2=0 Rn:5 Rd:5",
    ("CSINV_32_condsel", "sf=0", "csinv <Wd>, <Wn>, <Wm>, <cond>"),
    ("CSINV_64_condsel", "sf=1", "csinv <Xd>, <Xn>, <Xm>, <cond>"),
    operands=_SELECT,
    aliases=_inverted_aliases("CSINV", "CINV", "CSETM"),
)
def CSINV(m: Machine, sf: int, Rm: int, cond: int, Rn: int, Rd: int) -> None:
    """The first register if the condition holds, else the complement of the second."""
    size = 64 if sf else 32
    m.X[size, Rd] = _select(m, cond, m.X[size, Rn], ~m.X[size, Rm])


@instruction(
    "sf op=1 S=0 11010100 Rm:5 cond:4 0 o2=1 Rn:5 Rd:5",
    ("CSNEG_32_condsel", "sf=0", "csneg <Wd>, <Wn>, <Wm>, <cond>"),
    ("CSNEG_64_condsel", "sf=1", "csneg <Xd>, <Xn>, <Xm>, <cond>"),
    operands=_SELECT,
    aliases=_inverted_aliases("CSNEG", "CNEG"),
)
def CSNEG(m: Machine, sf: int, Rm: int, cond: int, Rn: int, Rd: int) -> None:
    """The first register if the condition holds, else the second negated."""
    size = 64 if sf else 32
    m.X[size, Rd] = _select(m, cond, m.X[size, Rn], -m.X[size, Rm])
