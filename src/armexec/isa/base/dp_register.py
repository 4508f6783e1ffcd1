"""Data processing, register (the manual's C4.1 encoding index, "Data Processing -- Register")."""

from __future__ import annotations

from functools import cache

from ..description import Alias, instruction
from ..machine import Flags, Machine, Value
from ..operands import Condition, Immediate, Operand, SameRegister
from ..operands.integer import ExtendedRegister, Shift
from .pointer_authentication import sign_generic, strip

_W32 = "sf=0 imm6=0xxxxx"
_X64 = "sf=1"

# -- Shifted registers ---------------------------------------------------------------------------------------


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


_SHIFTS: dict[str, Operand] = {
    f"{names} #0..{size - 1}": Shift(size, rotate=names.endswith("ror"))
    for names in ("lsl|lsr|asr", "lsl|lsr|asr|ror")
    for size in (32, 64)
}


def _shift_syntax(group: str, size: int) -> str:
    """The optional shift in a syntax: rotation is for logic alone."""
    return "{, <lsl|lsr|asr" + ("|ror" if group == "log_shift" else "") + f" #0..{size - 1}>}}"


def _shift_forms(name: str, group: str, *, constraints: str = "") -> tuple[tuple[str, str, str], ...]:
    """The 32-bit and 64-bit encoding of `name Rd, Rn, Rm{, shift}`."""
    return tuple(
        (
            f"{name}_{size}_{group}",
            narrowed + constraints,
            f"{name.lower()} <{x}d>, <{x}n>, <{x}m>{_shift_syntax(group, size)}",
        )
        for size, narrowed, x in ((32, _W32, "W"), (64, _X64, "X"))
    )


def _shift_aliases(name: str, base: str, group: str, zero: str, *, constraints: str = "") -> list[Alias]:
    """The aliases that leave out register `zero` ("d" or "n"), which is 31."""
    kept = "n" if zero == "d" else "d"
    return [
        Alias(
            f"{name}_{base}_{size}_{group}",
            f"{narrowed} R{zero}=11111{constraints}",
            f"{name.lower()} <{x}{kept}>, <{x}m>{_shift_syntax(group, size)}",
        )
        for size, narrowed, x in ((32, _W32, "W"), (64, _X64, "X"))
    ]


# -- Logical (shifted register) ------------------------------------------------------------------------------


@instruction(
    "sf opc=00 01010 shift:2 N=0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("AND", "log_shift"),
    operands=_SHIFTS,
)
def AND_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise AND with an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] & _shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf opc=00 01010 shift:2 N=1 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("BIC", "log_shift"),
    operands=_SHIFTS,
)
def BIC_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise AND with the complement of an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] & ~_shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf opc=01 01010 shift:2 N=0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("ORR", "log_shift"),
    operands=_SHIFTS,
    aliases=[
        Alias("MOV_ORR_32_log_shift", "sf=0 shift=00 imm6=000000 Rn=11111", "mov <Wd>, <Wm>"),
        Alias("MOV_ORR_64_log_shift", "sf=1 shift=00 imm6=000000 Rn=11111", "mov <Xd>, <Xm>"),
        Alias("UXTW_ORR_32_log_shift", "sf=0 shift=00 imm6=000000 Rn=11111", "uxtw <Wd>, <Wm>", preferred=False),
        # GNU as reads a shift here.
        *(
            Alias(
                f"MOV_shifted_ORR_{size}_log_shift",
                f"{narrowed} Rn=11111",
                f"mov <{x}d>, <{x}m>, <lsl|lsr|asr|ror #0..{size - 1}>",
                preferred=False,
            )
            for size, narrowed, x in ((32, _W32, "W"), (64, _X64, "X"))
        ),
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
    operands=_SHIFTS,
    aliases=_shift_aliases("MVN", "ORN", "log_shift", "n"),
)
def ORN_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise OR with the complement of an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] | ~_shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf opc=10 01010 shift:2 N=0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("EOR", "log_shift"),
    operands=_SHIFTS,
)
def EOR_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise exclusive OR with an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] ^ _shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf opc=10 01010 shift:2 N=1 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("EON", "log_shift"),
    operands=_SHIFTS,
)
def EON_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise exclusive OR with the complement of an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] ^ ~_shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf opc=11 01010 shift:2 N=0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("ANDS", "log_shift"),
    operands=_SHIFTS,
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
    operands=_SHIFTS,
)
def BICS_log_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Bitwise AND with the complement of an optionally shifted register, setting the flags."""
    size = 64 if sf else 32
    result = m.X[size, Rn] & ~_shifted(m, size, shift, imm6, Rm)
    m.X[size, Rd] = result
    m.NZCV = m.logic_flags(result)


# -- Add and subtract (shifted register) ---------------------------------------------------------------------


@instruction(
    "sf op=0 S=0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("ADD", "addsub_shift", constraints=" shift!=11"),
    operands=_SHIFTS,
)
def ADD_addsub_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Add an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] + _shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf op=0 S=1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("ADDS", "addsub_shift", constraints=" shift!=11"),
    operands=_SHIFTS,
    aliases=_shift_aliases("CMN", "ADDS", "addsub_shift", "d", constraints=" shift!=11"),
)
def ADDS_addsub_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Add an optionally shifted register, setting the flags."""
    size = 64 if sf else 32
    m.X[size, Rd], m.NZCV = m.add_flags(m.X[size, Rn], _shifted(m, size, shift, imm6, Rm))


@instruction(
    "sf op=1 S=0 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("SUB", "addsub_shift", constraints=" shift!=11"),
    operands=_SHIFTS,
    aliases=_shift_aliases("NEG", "SUB", "addsub_shift", "n", constraints=" shift!=11"),
)
def SUB_addsub_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Subtract an optionally shifted register."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] - _shifted(m, size, shift, imm6, Rm)


@instruction(
    "sf op=1 S=1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5",
    *_shift_forms("SUBS", "addsub_shift", constraints=" shift!=11"),
    operands=_SHIFTS,
    aliases=[
        *_shift_aliases("CMP", "SUBS", "addsub_shift", "d", constraints=" shift!=11"),
        *_shift_aliases("NEGS", "SUBS", "addsub_shift", "n", constraints=" shift!=11"),
    ],
)
def SUBS_addsub_shift(m: Machine, sf: int, shift: int, Rm: int, imm6: int, Rn: int, Rd: int) -> None:
    """Subtract an optionally shifted register, setting the flags."""
    size = 64 if sf else 32
    m.X[size, Rd], m.NZCV = m.subtract_flags(m.X[size, Rn], _shifted(m, size, shift, imm6, Rm))


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


# -- Add and subtract (extended register) --------------------------------------------------------------------

_EXTENDED: dict[str, Operand] = {
    "Wm, extend #0..4": ExtendedRegister(32, stack=("Rd", "Rn")),
    "Rm, extend #0..4": ExtendedRegister(64, stack=("Rd", "Rn")),
}
# Rd can't be the stack pointer here.
_EXTENDED_FLAGS: dict[str, Operand] = {
    "Wm, extend #0..4": ExtendedRegister(32, stack=("Rn",)),
    "Rm, extend #0..4": ExtendedRegister(64, stack=("Rn",)),
}
# A left shift by more than 4 is UNDEFINED.
_EXTEND_32 = "sf=0 imm3!=101 imm3!=11x"
_EXTEND_64 = "sf=1 imm3!=101 imm3!=11x"


def _extended(m: Machine, size: int, option: int, amount: int, number: int) -> Value:
    """ExtendReg() of the manual: uxtb, uxth, uxtw, uxtx, sxtb, sxth, sxtw, sxtx (`option` 0-7), then lsl."""
    width = min(8 << (option & 3), size)
    value = m.X[64 if width == 64 else 32, number]
    if width < value.width:
        value = value.bits(0, width)
    if width < size:
        value = value.sign_extend(size) if option & 4 else value.zero_extend(size)
    return value << amount if amount else value


@instruction(
    "sf op=0 S=0 01011 opt=00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    ("ADD_32_addsub_ext", _EXTEND_32, "add <Wd|WSP>, <Wn|WSP>, <Wm, extend #0..4>"),
    ("ADD_64_addsub_ext", _EXTEND_64, "add <Xd|SP>, <Xn|SP>, <Rm, extend #0..4>"),
    operands=_EXTENDED,
)
def ADD_addsub_ext(m: Machine, sf: int, Rm: int, option: int, imm3: int, Rn: int, Rd: int) -> None:
    """Add an extended and optionally shifted register."""
    size = 64 if sf else 32
    m.XSP[size, Rd] = m.XSP[size, Rn] + _extended(m, size, option, imm3, Rm)


@instruction(
    "sf op=0 S=1 01011 opt=00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    ("ADDS_32S_addsub_ext", _EXTEND_32, "adds <Wd>, <Wn|WSP>, <Wm, extend #0..4>"),
    ("ADDS_64S_addsub_ext", _EXTEND_64, "adds <Xd>, <Xn|SP>, <Rm, extend #0..4>"),
    operands=_EXTENDED_FLAGS,
    aliases=[
        Alias("CMN_ADDS_32S_addsub_ext", f"{_EXTEND_32} Rd=11111", "cmn <Wn|WSP>, <Wm, extend #0..4>"),
        Alias("CMN_ADDS_64S_addsub_ext", f"{_EXTEND_64} Rd=11111", "cmn <Xn|SP>, <Rm, extend #0..4>"),
    ],
)
def ADDS_addsub_ext(m: Machine, sf: int, Rm: int, option: int, imm3: int, Rn: int, Rd: int) -> None:
    """Add an extended and optionally shifted register, setting the flags."""
    size = 64 if sf else 32
    m.X[size, Rd], m.NZCV = m.add_flags(m.XSP[size, Rn], _extended(m, size, option, imm3, Rm))


@instruction(
    "sf op=1 S=0 01011 opt=00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    ("SUB_32_addsub_ext", _EXTEND_32, "sub <Wd|WSP>, <Wn|WSP>, <Wm, extend #0..4>"),
    ("SUB_64_addsub_ext", _EXTEND_64, "sub <Xd|SP>, <Xn|SP>, <Rm, extend #0..4>"),
    operands=_EXTENDED,
)
def SUB_addsub_ext(m: Machine, sf: int, Rm: int, option: int, imm3: int, Rn: int, Rd: int) -> None:
    """Subtract an extended and optionally shifted register."""
    size = 64 if sf else 32
    m.XSP[size, Rd] = m.XSP[size, Rn] - _extended(m, size, option, imm3, Rm)


@instruction(
    "sf op=1 S=1 01011 opt=00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5",
    ("SUBS_32S_addsub_ext", _EXTEND_32, "subs <Wd>, <Wn|WSP>, <Wm, extend #0..4>"),
    ("SUBS_64S_addsub_ext", _EXTEND_64, "subs <Xd>, <Xn|SP>, <Rm, extend #0..4>"),
    operands=_EXTENDED_FLAGS,
    aliases=[
        Alias("CMP_SUBS_32S_addsub_ext", f"{_EXTEND_32} Rd=11111", "cmp <Wn|WSP>, <Wm, extend #0..4>"),
        Alias("CMP_SUBS_64S_addsub_ext", f"{_EXTEND_64} Rd=11111", "cmp <Xn|SP>, <Rm, extend #0..4>"),
    ],
)
def SUBS_addsub_ext(m: Machine, sf: int, Rm: int, option: int, imm3: int, Rn: int, Rd: int) -> None:
    """Subtract an extended and optionally shifted register, setting the flags."""
    size = 64 if sf else 32
    m.X[size, Rd], m.NZCV = m.subtract_flags(m.XSP[size, Rn], _extended(m, size, option, imm3, Rm))


# -- Add and subtract (with carry) ---------------------------------------------------------------------------


@instruction(
    "sf op=0 S=0 11010000 Rm:5 000000 Rn:5 Rd:5",
    ("ADC_32_addsub_carry", "sf=0", "adc <Wd>, <Wn>, <Wm>"),
    ("ADC_64_addsub_carry", "sf=1", "adc <Xd>, <Xn>, <Xm>"),
)
def ADC(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add a register and the carry flag."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] + m.X[size, Rm] + m.NZCV.C.zero_extend(size)


@instruction(
    "sf op=0 S=1 11010000 Rm:5 000000 Rn:5 Rd:5",
    ("ADCS_32_addsub_carry", "sf=0", "adcs <Wd>, <Wn>, <Wm>"),
    ("ADCS_64_addsub_carry", "sf=1", "adcs <Xd>, <Xn>, <Xm>"),
)
def ADCS(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add a register and the carry flag, setting the flags."""
    size = 64 if sf else 32
    m.X[size, Rd], m.NZCV = m.add_with_carry(m.X[size, Rn], m.X[size, Rm], m.NZCV.C)


@instruction(
    "sf op=1 S=0 11010000 Rm:5 000000 Rn:5 Rd:5",
    ("SBC_32_addsub_carry", "sf=0", "sbc <Wd>, <Wn>, <Wm>"),
    ("SBC_64_addsub_carry", "sf=1", "sbc <Xd>, <Xn>, <Xm>"),
    aliases=[
        Alias("NGC_SBC_32_addsub_carry", "sf=0 Rn=11111", "ngc <Wd>, <Wm>"),
        Alias("NGC_SBC_64_addsub_carry", "sf=1 Rn=11111", "ngc <Xd>, <Xm>"),
    ],
)
def SBC(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Subtract a register and the complement of the carry flag."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] + ~m.X[size, Rm] + m.NZCV.C.zero_extend(size)


@instruction(
    "sf op=1 S=1 11010000 Rm:5 000000 Rn:5 Rd:5",
    ("SBCS_32_addsub_carry", "sf=0", "sbcs <Wd>, <Wn>, <Wm>"),
    ("SBCS_64_addsub_carry", "sf=1", "sbcs <Xd>, <Xn>, <Xm>"),
    aliases=[
        Alias("NGCS_SBCS_32_addsub_carry", "sf=0 Rn=11111", "ngcs <Wd>, <Wm>"),
        Alias("NGCS_SBCS_64_addsub_carry", "sf=1 Rn=11111", "ngcs <Xd>, <Xm>"),
    ],
)
def SBCS(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Subtract a register and the complement of the carry flag, setting the flags."""
    size = 64 if sf else 32
    m.X[size, Rd], m.NZCV = m.add_with_carry(m.X[size, Rn], ~m.X[size, Rm], m.NZCV.C)


# -- Rotate right into flags, evaluate into flags ------------------------------------------------------------


@instruction(
    "sf=1 op=0 S=1 11010000 imm6:6 00001 Rn:5 o2=0 mask:4",
    ("RMIF_only_rmif", "", "rmif <Xn>, #<shift>, #<mask>"),
    operands={"shift": Immediate("imm6"), "mask": Immediate("mask")},
    feature="FEAT_FlagM",
)
def RMIF(m: Machine, imm6: int, Rn: int, mask: int) -> None:
    """Rotate a register right and copy its low bits to the flags that the mask selects."""
    source = m.X[64, Rn]
    old = m.NZCV
    n, z, c, v = (
        source.bits((bit + imm6) % 64, 1) if mask >> bit & 1 else kept
        for bit, kept in ((3, old.N), (2, old.Z), (1, old.C), (0, old.V))
    )
    m.NZCV = m.flags(n, z, c, v)


@instruction(
    "sf=0 op=0 S=1 11010000 opcode2=000000 sz 0010 Rn:5 o3=0 mask=1101",
    ("SETF8_only_setf", "sz=0", "setf8 <Wn>"),
    ("SETF16_only_setf", "sz=1", "setf16 <Wn>"),
    feature="FEAT_FlagM",
)
def SETF(m: Machine, sz: int, Rn: int) -> None:
    """Set N, Z and V as an 8-bit or 16-bit result would; C stays."""
    width = 16 if sz else 8
    source = m.X[32, Rn]
    sign = source.bits(width - 1, 1)
    m.NZCV = m.flags(sign, source.bits(0, width) == 0, m.NZCV.C, source.bits(width, 1) ^ sign)


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


# -- Data-processing (2 source) ------------------------------------------------------------------------------


@instruction(
    "sf 0 S=0 11010110 Rm:5 00001 o1=0 Rn:5 Rd:5",
    ("UDIV_32_dp_2src", "sf=0", "udiv <Wd>, <Wn>, <Wm>"),
    ("UDIV_64_dp_2src", "sf=1", "udiv <Xd>, <Xn>, <Xm>"),
)
def UDIV(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Divide unsigned; by zero it is zero."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn].udiv(m.X[size, Rm])


@instruction(
    "sf 0 S=0 11010110 Rm:5 00001 o1=1 Rn:5 Rd:5",
    ("SDIV_32_dp_2src", "sf=0", "sdiv <Wd>, <Wn>, <Wm>"),
    ("SDIV_64_dp_2src", "sf=1", "sdiv <Xd>, <Xn>, <Xm>"),
)
def SDIV(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Divide signed, towards zero; by zero it is zero."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn].sdiv(m.X[size, Rm])


def _variable_shift(name: str, alias: str) -> tuple[tuple[tuple[str, str, str], ...], list[Alias]]:
    """The encodings of LSLV and its like, and the aliases that are always printed."""
    sizes = ((32, 0, "W"), (64, 1, "X"))
    forms = tuple(
        (f"{name}_{size}_dp_2src", f"sf={sf}", f"{name.lower()} <{x}d>, <{x}n>, <{x}m>") for size, sf, x in sizes
    )
    aliases = [
        Alias(f"{alias}_{name}_{size}_dp_2src", f"sf={sf}", f"{alias.lower()} <{x}d>, <{x}n>, <{x}m>")
        for size, sf, x in sizes
    ]
    return forms, aliases


_LSLV_FORMS, _LSLV_ALIASES = _variable_shift("LSLV", "LSL")
_LSRV_FORMS, _LSRV_ALIASES = _variable_shift("LSRV", "LSR")
_ASRV_FORMS, _ASRV_ALIASES = _variable_shift("ASRV", "ASR")
_RORV_FORMS, _RORV_ALIASES = _variable_shift("RORV", "ROR")


@instruction("sf 0 S=0 11010110 Rm:5 0010 op2=00 Rn:5 Rd:5", *_LSLV_FORMS, aliases=_LSLV_ALIASES)
def LSLV(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift left by a register modulo the size."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] << (m.X[size, Rm] & size - 1)


@instruction("sf 0 S=0 11010110 Rm:5 0010 op2=01 Rn:5 Rd:5", *_LSRV_FORMS, aliases=_LSRV_ALIASES)
def LSRV(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift right by a register modulo the size, filling with zeros."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] >> (m.X[size, Rm] & size - 1)


@instruction("sf 0 S=0 11010110 Rm:5 0010 op2=10 Rn:5 Rd:5", *_ASRV_FORMS, aliases=_ASRV_ALIASES)
def ASRV(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift right by a register modulo the size, filling with the sign."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn].asr(m.X[size, Rm] & size - 1)


@instruction("sf 0 S=0 11010110 Rm:5 0010 op2=11 Rn:5 Rd:5", *_RORV_FORMS, aliases=_RORV_ALIASES)
def RORV(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Rotate right by a register modulo the size."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn].ror(m.X[size, Rm] & size - 1)


def _extreme_forms(name: str) -> tuple[tuple[str, str, str], ...]:
    """The encodings of SMAX and its like."""
    return tuple(
        (f"{name}_{size}_dp_2src", f"sf={sf}", f"{name.lower()} <{x}d>, <{x}n>, <{x}m>")
        for size, sf, x in ((32, 0, "W"), (64, 1, "X"))
    )


@instruction("sf 0 S=0 11010110 Rm:5 0110 opc=00 Rn:5 Rd:5", *_extreme_forms("SMAX"), feature="FEAT_CSSC")
def SMAX_reg(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """The greater of two registers, signed."""
    size = 64 if sf else 32
    a, b = m.X[size, Rn], m.X[size, Rm]
    m.X[size, Rd] = m.select(a.slt(b), b, a)


@instruction("sf 0 S=0 11010110 Rm:5 0110 opc=01 Rn:5 Rd:5", *_extreme_forms("UMAX"), feature="FEAT_CSSC")
def UMAX_reg(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """The greater of two registers, unsigned."""
    size = 64 if sf else 32
    a, b = m.X[size, Rn], m.X[size, Rm]
    m.X[size, Rd] = m.select(a.ult(b), b, a)


@instruction("sf 0 S=0 11010110 Rm:5 0110 opc=10 Rn:5 Rd:5", *_extreme_forms("SMIN"), feature="FEAT_CSSC")
def SMIN_reg(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """The lesser of two registers, signed."""
    size = 64 if sf else 32
    a, b = m.X[size, Rn], m.X[size, Rm]
    m.X[size, Rd] = m.select(a.slt(b), a, b)


@instruction("sf 0 S=0 11010110 Rm:5 0110 opc=11 Rn:5 Rd:5", *_extreme_forms("UMIN"), feature="FEAT_CSSC")
def UMIN_reg(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """The lesser of two registers, unsigned."""
    size = 64 if sf else 32
    a, b = m.X[size, Rn], m.X[size, Rm]
    m.X[size, Rd] = m.select(a.ult(b), a, b)


@instruction(
    "sf=1 0 S=0 11010110 Rm:5 001100 Rn:5 Rd:5",
    ("PACGA_64P_dp_2src", "", "pacga <Xd>, <Xn>, <Xm|SP>"),
    feature="FEAT_PAuth",
)
def PACGA(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Sign a register with a modifier: the authentication code in the upper half, zero in the lower."""
    m.X[64, Rd] = sign_generic(m.X[64, Rn], m.XSP[64, Rm])


# The polynomials of CRC-32 (ISO-HDLC, as in zlib) and CRC-32C (Castagnoli), bits reversed.
_CRC32, _CRC32C = 0xEDB88320, 0x82F63B78


@cache
def _crc_of_bits(polynomial: int, width: int) -> tuple[int, ...]:
    """The CRC of each bit of `width` bits of data. It is linear, so that of any data is the exclusive OR of these."""
    remainder = 1
    results = []
    for _ in range(width):
        remainder = remainder >> 1 ^ (polynomial if remainder & 1 else 0)
        results.append(remainder)
    return tuple(reversed(results))


def _crc(polynomial: int, accumulator: Value, data: Value) -> Value:
    """The CRC of `data` (8, 16, 32 or 64 bits, low bit first) continued from a 32-bit accumulator."""
    width = data.width
    if width < 32:
        combined = data ^ accumulator.bits(0, width)
    else:
        combined = data ^ (accumulator.zero_extend(width) if width > 32 else accumulator)
    # Each bit becomes a mask of all ones or all zeros. The sum is a tree, so that the host can do many steps at once.
    terms = [
        combined.bits(bit, 1).sign_extend(32) & constant for bit, constant in enumerate(_crc_of_bits(polynomial, width))
    ]
    if width < 32:
        terms.append(accumulator >> width)
    while len(terms) > 1:
        terms = [a ^ b for a, b in zip(terms[::2], terms[1::2], strict=False)] + terms[len(terms) & ~1 :]
    return terms[0]


def _crc_forms(name: str) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (
            f"{name}{letter}_{64 if x == 'X' else 32}C_dp_2src",
            bits,
            f"{name.lower()}{letter.lower()} <Wd>, <Wn>, <{x}m>",
        )
        for letter, bits, x in (
            ("B", "sf=0 sz=00", "W"),
            ("H", "sf=0 sz=01", "W"),
            ("W", "sf=0 sz=10", "W"),
            ("X", "sf=1 sz=11", "X"),
        )
    )


def _crc_data(m: Machine, sz: int, number: int) -> Value:
    value = m.X[64 if sz == 3 else 32, number]
    return value.bits(0, 8 << sz) if sz < 2 else value


@instruction("sf 0 S=0 11010110 Rm:5 010 C=0 sz:2 Rn:5 Rd:5", *_crc_forms("CRC32"), feature="FEAT_CRC32")
def CRC32(m: Machine, sf: int, Rm: int, sz: int, Rn: int, Rd: int) -> None:
    """Continue a CRC-32 (polynomial 0x04C11DB7) over a byte, halfword, word or doubleword."""
    m.X[32, Rd] = _crc(_CRC32, m.X[32, Rn], _crc_data(m, sz, Rm))


@instruction("sf 0 S=0 11010110 Rm:5 010 C=1 sz:2 Rn:5 Rd:5", *_crc_forms("CRC32C"), feature="FEAT_CRC32")
def CRC32C(m: Machine, sf: int, Rm: int, sz: int, Rn: int, Rd: int) -> None:
    """Continue a CRC-32C (polynomial 0x1EDC6F41) over a byte, halfword, word or doubleword."""
    m.X[32, Rd] = _crc(_CRC32C, m.X[32, Rn], _crc_data(m, sz, Rm))


# -- Data-processing (1 source) ------------------------------------------------------------------------------


@instruction(
    "sf 1 S=0 11010110 opcode2=00000 000000 Rn:5 Rd:5",
    ("RBIT_32_dp_1src", "sf=0", "rbit <Wd>, <Wn>"),
    ("RBIT_64_dp_1src", "sf=1", "rbit <Xd>, <Xn>"),
)
def RBIT(m: Machine, sf: int, Rn: int, Rd: int) -> None:
    """Reverse the order of the bits."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn].reverse_bits()


@instruction(
    "sf 1 S=0 11010110 opcode2=00000 0000 opc=01 Rn:5 Rd:5",
    ("REV16_32_dp_1src", "sf=0", "rev16 <Wd>, <Wn>"),
    ("REV16_64_dp_1src", "sf=1", "rev16 <Xd>, <Xn>"),
)
def REV16(m: Machine, sf: int, Rn: int, Rd: int) -> None:
    """Reverse the bytes of each halfword."""
    size = 64 if sf else 32
    source = m.X[size, Rn]
    m.X[size, Rd] = (source >> 8 & 0x00FF00FF00FF00FF) | (source << 8 & 0xFF00FF00FF00FF00)


@instruction(
    "sf=1 1 S=0 11010110 opcode2=00000 0000 opc=10 Rn:5 Rd:5",
    ("REV32_64_dp_1src", "", "rev32 <Xd>, <Xn>"),
)
def REV32(m: Machine, Rn: int, Rd: int) -> None:
    """Reverse the bytes of each word."""
    m.X[64, Rd] = m.X[64, Rn].reverse_bytes().ror(32)


@instruction(
    "sf=0 1 S=0 11010110 opcode2=00000 0000 opc=10 Rn:5 Rd:5",
    ("REV_32_dp_1src", "", "rev <Wd>, <Wn>"),
)
def REV_32(m: Machine, Rn: int, Rd: int) -> None:
    """Reverse the bytes of a word."""
    m.X[32, Rd] = m.X[32, Rn].reverse_bytes()


@instruction(
    "sf=1 1 S=0 11010110 opcode2=00000 0000 opc=11 Rn:5 Rd:5",
    ("REV_64_dp_1src", "", "rev <Xd>, <Xn>"),
    aliases=[Alias("REV64_REV_64_dp_1src", "", "rev64 <Xd>, <Xn>", preferred=False)],
)
def REV_64(m: Machine, Rn: int, Rd: int) -> None:
    """Reverse the bytes of a doubleword."""
    m.X[64, Rd] = m.X[64, Rn].reverse_bytes()


@instruction(
    "sf 1 S=0 11010110 opcode2=00000 00010 op=0 Rn:5 Rd:5",
    ("CLZ_32_dp_1src", "sf=0", "clz <Wd>, <Wn>"),
    ("CLZ_64_dp_1src", "sf=1", "clz <Xd>, <Xn>"),
)
def CLZ(m: Machine, sf: int, Rn: int, Rd: int) -> None:
    """Count the leading zeros."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn].clz()


@instruction(
    "sf 1 S=0 11010110 opcode2=00000 00010 op=1 Rn:5 Rd:5",
    ("CLS_32_dp_1src", "sf=0", "cls <Wd>, <Wn>"),
    ("CLS_64_dp_1src", "sf=1", "cls <Xd>, <Xn>"),
)
def CLS(m: Machine, sf: int, Rn: int, Rd: int) -> None:
    """Count the leading bits that equal the sign, without the sign itself."""
    size = 64 if sf else 32
    source = m.X[size, Rn]
    m.X[size, Rd] = (source ^ source.asr(1)).clz() - 1


@instruction(
    "sf 1 S=0 11010110 opcode2=00000 000110 Rn:5 Rd:5",
    ("CTZ_32_dp_1src", "sf=0", "ctz <Wd>, <Wn>"),
    ("CTZ_64_dp_1src", "sf=1", "ctz <Xd>, <Xn>"),
    feature="FEAT_CSSC",
)
def CTZ(m: Machine, sf: int, Rn: int, Rd: int) -> None:
    """Count the trailing zeros."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn].reverse_bits().clz()


@instruction(
    "sf 1 S=0 11010110 opcode2=00000 000111 Rn:5 Rd:5",
    ("CNT_32_dp_1src", "sf=0", "cnt <Wd>, <Wn>"),
    ("CNT_64_dp_1src", "sf=1", "cnt <Xd>, <Xn>"),
    feature="FEAT_CSSC",
)
def CNT(m: Machine, sf: int, Rn: int, Rd: int) -> None:
    """Count the bits that are set."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn].popcount()


@instruction(
    "sf 1 S=0 11010110 opcode2=00000 001000 Rn:5 Rd:5",
    ("ABS_32_dp_1src", "sf=0", "abs <Wd>, <Wn>"),
    ("ABS_64_dp_1src", "sf=1", "abs <Xd>, <Xn>"),
    feature="FEAT_CSSC",
)
def ABS(m: Machine, sf: int, Rn: int, Rd: int) -> None:
    """The absolute value; the minimum stays as it is."""
    size = 64 if sf else 32
    source = m.X[size, Rn]
    m.X[size, Rd] = m.select(source.slt(0), -source, source)


# -- Pointer authentication (isa.pointer_authentication says what was chosen) --------------------------------


_KEYS = (("IA", "00"), ("IB", "01"), ("DA", "10"), ("DB", "11"))


def _pointer_forms(operation: str) -> tuple[tuple[str, str, str], ...]:
    """The encodings for each key, with a register as the modifier and with zero."""
    name = operation.lower()
    modified = [
        (f"{operation}{key}_64P_dp_1src", f"Z=0 key={bits}", f"{name}{key.lower()} <Xd>, <Xn|SP>")
        for key, bits in _KEYS
    ]
    zero = [
        (
            f"{operation}{key[0]}Z{key[1]}_64Z_dp_1src",
            f"Z=1 key={bits} Rn=11111",
            f"{name}{key[0].lower()}z{key[1].lower()} <Xd>",
        )
        for key, bits in _KEYS
    ]
    return (*modified, *zero)


@instruction("sf=1 1 S=0 11010110 opcode2=00001 00 Z 0 key:2 Rn:5 Rd:5", *_pointer_forms("PAC"), feature="FEAT_PAuth")
def PAC(m: Machine, Z: int, key: int, Rn: int, Rd: int) -> None:
    """Sign a pointer: with the keys disabled it stays as it is."""


@instruction("sf=1 1 S=0 11010110 opcode2=00001 00 Z 1 key:2 Rn:5 Rd:5", *_pointer_forms("AUT"), feature="FEAT_PAuth")
def AUT(m: Machine, Z: int, key: int, Rn: int, Rd: int) -> None:
    """Authenticate a pointer: with the keys disabled it stays as it is."""


@instruction(
    "sf=1 1 S=0 11010110 opcode2=00001 01000 D Rn=11111 Rd:5",
    ("XPACI_64Z_dp_1src", "D=0", "xpaci <Xd>"),
    ("XPACD_64Z_dp_1src", "D=1", "xpacd <Xd>"),
    feature="FEAT_PAuth",
)
def XPAC(m: Machine, D: int, Rd: int) -> None:
    """Strip the authentication code from a pointer."""
    m.X[64, Rd] = strip(m, m.X[64, Rd])
