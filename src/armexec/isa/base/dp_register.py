"""Arithmetic and logic on registers (class "Data Processing -- Register" of the manual's index, C4.1)."""

from __future__ import annotations

from ..description import Alias, instruction
from ..machine import Machine
from ..operands import Immediate, Operand
from ..operands.integer import ExtendedRegister, Shift
from ..values import Value

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
