"""Data processing, register (the manual's C4.1 encoding index, "Data Processing -- Register")."""

from __future__ import annotations

from .description import Alias, instruction
from .integer_operands import Shift
from .machine import Machine, Value
from .operands import Operand

_W32 = "sf=0 imm6=0xxxxx"
_X64 = "sf=1"

# -- Shifted registers ---------------------------------------------------------------------------------------------


def _shifted(m: Machine, size: int, shift: int, amount: int, number: int) -> Value:
    """ShiftReg() of the manual: register `number`, shifted by lsl, lsr, asr or ror (`shift` 0-3)."""
    value = m.X[size, number]
    if amount == 0:
        return value
    if shift == 0:
        return value << amount
    if shift == 1:
        return value >> amount
    return value.asr(amount) if shift == 2 else value.ror(amount)


_LOGICAL: dict[str, Operand] = {"shift32": Shift(32, rotate=True), "shift64": Shift(64, rotate=True)}
_ADD_SUB: dict[str, Operand] = {"shift32": Shift(32, rotate=False), "shift64": Shift(64, rotate=False)}


def _shift_forms(name: str, group: str, *, constraints: str = "") -> tuple[tuple[str, str, str], ...]:
    """The 32-bit and 64-bit encoding of `name Rd, Rn, Rm{, shift}`."""
    mnemonic = name.lower()
    return (
        (f"{name}_32_{group}", f"{_W32}{constraints}", f"{mnemonic} <Wd>, <Wn>, <Wm>{{, <shift32>}}"),
        (f"{name}_64_{group}", f"{_X64}{constraints}", f"{mnemonic} <Xd>, <Xn>, <Xm>{{, <shift64>}}"),
    )


def _shift_aliases(name: str, base: str, group: str, zero: str, *, constraints: str = "") -> list[Alias]:
    """The aliases that leave out register `zero` ("d" or "n"), which is 31."""
    kept = "n" if zero == "d" else "d"
    return [
        Alias(
            f"{name}_{base}_{size}_{group}",
            f"{narrowed} R{zero}=11111{constraints}",
            f"{name.lower()} <{x}{kept}>, <{x}m>{{, <shift{size}>}}",
        )
        for size, narrowed, x in ((32, _W32, "W"), (64, _X64, "X"))
    ]


# -- Logical (shifted register) ------------------------------------------------------------------------------------


@instruction(
    "sf opc=00 01010 shift:2 N=0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("AND", "log_shift"),
    operands=_LOGICAL,
)
def AND_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise AND with an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] & _shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf opc=00 01010 shift:2 N=1 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("BIC", "log_shift"),
    operands=_LOGICAL,
)
def BIC_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise AND with the complement of an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] & ~_shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf opc=01 01010 shift:2 N=0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("ORR", "log_shift"),
    operands=_LOGICAL,
    aliases=[
        Alias("MOV_ORR_32_log_shift", "sf=0 shift=00 imm6=000000 Rn=11111", "mov <Wd>, <Wm>"),
        Alias("MOV_ORR_64_log_shift", "sf=1 shift=00 imm6=000000 Rn=11111", "mov <Xd>, <Xm>"),
    ],
)
def ORR_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise OR with an optionally shifted register."""
    size = 64 if sf else 32
    source = _shifted(m, size, shift, imm6, Rm)
    m.X[size, Rd] = source if Rn == 31 else m.X[size, Rn] | source


@instruction(
    "sf opc=01 01010 shift:2 N=1 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("ORN", "log_shift"),
    operands=_LOGICAL,
    aliases=_shift_aliases("MVN", "ORN", "log_shift", "n"),
)
def ORN_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise OR with the complement of an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] | ~_shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf opc=10 01010 shift:2 N=0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("EOR", "log_shift"),
    operands=_LOGICAL,
)
def EOR_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise exclusive OR with an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] ^ _shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf opc=10 01010 shift:2 N=1 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("EON", "log_shift"),
    operands=_LOGICAL,
)
def EON_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise exclusive OR with the complement of an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] ^ ~_shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf opc=11 01010 shift:2 N=0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("ANDS", "log_shift"),
    operands=_LOGICAL,
    aliases=_shift_aliases("TST", "ANDS", "log_shift", "d"),
)
def ANDS_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise AND with an optionally shifted register, setting the flags."""
    size = 64 if sf else 32
    result = m.X[size, Rn] & _shifted(m, size, shift, imm6, Rm)
    m.X[size, Rd] = result
    m.NZCV = m.logic_flags(result)


@instruction(
    "sf opc=11 01010 shift:2 N=1 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("BICS", "log_shift"),
    operands=_LOGICAL,
)
def BICS_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise AND with the complement of an optionally shifted register, setting the flags."""
    size = 64 if sf else 32
    result = m.X[size, Rn] & ~_shifted(m, size, shift, imm6, Rm)
    m.X[size, Rd] = result
    m.NZCV = m.logic_flags(result)


# -- Add and subtract (shifted register) ---------------------------------------------------------------------------


@instruction(
    "sf op=0 S=0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("ADD", "addsub_shift", constraints=" shift!=11"),
    operands=_ADD_SUB,
)
def ADD_addsub_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Add an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] + _shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf op=0 S=1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("ADDS", "addsub_shift", constraints=" shift!=11"),
    operands=_ADD_SUB,
    aliases=_shift_aliases("CMN", "ADDS", "addsub_shift", "d", constraints=" shift!=11"),
)
def ADDS_addsub_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Add an optionally shifted register, setting the flags."""
    size = 64 if sf else 32
    m.X[size, Rd], m.NZCV = m.add_flags(m.X[size, Rn], _shifted(m, size, shift, imm6, Rm))


@instruction(
    "sf op=1 S=0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("SUB", "addsub_shift", constraints=" shift!=11"),
    operands=_ADD_SUB,
    aliases=_shift_aliases("NEG", "SUB", "addsub_shift", "n", constraints=" shift!=11"),
)
def SUB_addsub_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Subtract an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] - _shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf op=1 S=1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("SUBS", "addsub_shift", constraints=" shift!=11"),
    operands=_ADD_SUB,
    aliases=[
        *_shift_aliases("CMP", "SUBS", "addsub_shift", "d", constraints=" shift!=11"),
        *_shift_aliases("NEGS", "SUBS", "addsub_shift", "n", constraints=" shift!=11"),
    ],
)
def SUBS_addsub_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Subtract an optionally shifted register, setting the flags."""
    size = 64 if sf else 32
    m.X[size, Rd], m.NZCV = m.subtract_flags(m.X[size, Rn], _shifted(m, size, shift, imm6, Rm))


# -- Data-processing (3 source) ------------------------------------------------------------------------------------


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
