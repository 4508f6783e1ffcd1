"""Data processing, immediate (the manual's C4.1 encoding index, "Data Processing -- Immediate")."""

from __future__ import annotations

from ..description import Alias, instruction
from ..machine import Machine
from ..operands import Fields, Immediate, Label, Operand, SameRegister, relocation_operators
from ..operands.integer import (
    AddSubImmediate,
    BitfieldExtract,
    BitfieldInsert,
    LogicalImmediate,
    MovAlias,
    MoveWideImmediate,
    MovLogicalImmediate,
    ShiftLeftAmount,
    decode_bit_masks,
)
from ..pattern import sign_extended
from ..values import Value

# -- PC-relative addressing --------------------------------------------------------------------------------------


@instruction(
    "op=0 immlo:2 10000 immhi:19 Rd:5",
    ("ADR_only_pcreladdr", "", "adr <Xd>, <label>"),
    operands={"label": Label("immhi", "immlo", scale=1, relocations=relocation_operators.ADR)},
)
def ADR(m: Machine, immlo: int, immhi: int, Rd: int) -> None:
    """Form the address of a label within 1 MiB."""
    m.X[64, Rd] = m.address(m.pc + sign_extended(immhi << 2 | immlo, 21))


@instruction(
    "op=1 immlo:2 10000 immhi:19 Rd:5",
    ("ADRP_only_pcreladdr", "", "adrp <Xd>, <label>"),
    operands={
        "label": Label(
            "immhi",
            "immlo",
            scale=4096,
            page=True,
            relocations=relocation_operators.ADRP,
        )
    },
)
def ADRP(m: Machine, immlo: int, immhi: int, Rd: int) -> None:
    """Form the address of the 4 KiB page of a label within 4 GiB."""
    m.X[64, Rd] = m.address((m.pc & ~0xFFF) + (sign_extended(immhi << 2 | immlo, 21) << 12))


# -- Add and subtract (immediate) ----------------------------------------------------------------------------------

_ADD_SUB: dict[str, Operand] = {"imm": AddSubImmediate()}
_NEGATED: dict[str, Operand] = {"imm": AddSubImmediate(negated=True)}


@instruction(
    "sf op=0 S=0 100010 sh imm12:12 Rn:5 Rd:5",
    ("ADD_32_addsub_imm", "sf=0", "add <Wd|WSP>, <Wn|WSP>, <imm>"),
    ("ADD_64_addsub_imm", "sf=1", "add <Xd|SP>, <Xn|SP>, <imm>"),
    operands=_ADD_SUB,
    aliases=[
        Alias(
            f"MOV_ADD_{size}_addsub_imm",
            f"sf={sf} sh=0 imm12=000000000000",
            f"mov <{x}d|{sp}>, <{x}n|{sp}>",
            preferred=lambda f: f["Rd"] == 31 or f["Rn"] == 31,
        )
        for size, sf, x, sp in ((32, 0, "W", "WSP"), (64, 1, "X", "SP"))
    ]
    + [
        Alias("SUB_ADD_32_addsub_imm", "sf=0", "sub <Wd|WSP>, <Wn|WSP>, <imm>", _NEGATED, preferred=False),
        Alias("SUB_ADD_64_addsub_imm", "sf=1", "sub <Xd|SP>, <Xn|SP>, <imm>", _NEGATED, preferred=False),
    ],
)
def ADD_addsub_imm(m: Machine, sf: int, sh: int, imm12: int, Rn: int, Rd: int) -> None:
    """Add a register and an optionally shifted 12-bit immediate."""
    size = 64 if sf else 32
    m.XSP[size, Rd] = m.XSP[size, Rn] + (imm12 << 12 * sh)


@instruction(
    "sf op=0 S=1 100010 sh imm12:12 Rn:5 Rd:5",
    ("ADDS_32S_addsub_imm", "sf=0", "adds <Wd>, <Wn|WSP>, <imm>"),
    ("ADDS_64S_addsub_imm", "sf=1", "adds <Xd>, <Xn|SP>, <imm>"),
    operands=_ADD_SUB,
    aliases=[
        Alias("CMN_ADDS_32S_addsub_imm", "sf=0 Rd=11111", "cmn <Wn|WSP>, <imm>"),
        Alias("CMN_ADDS_64S_addsub_imm", "sf=1 Rd=11111", "cmn <Xn|SP>, <imm>"),
        Alias("CMP_ADDS_32S_addsub_imm", "sf=0 Rd=11111", "cmp <Wn|WSP>, <imm>", _NEGATED, preferred=False),
        Alias("CMP_ADDS_64S_addsub_imm", "sf=1 Rd=11111", "cmp <Xn|SP>, <imm>", _NEGATED, preferred=False),
        Alias("SUBS_ADDS_32S_addsub_imm", "sf=0", "subs <Wd>, <Wn|WSP>, <imm>", _NEGATED, preferred=False),
        Alias("SUBS_ADDS_64S_addsub_imm", "sf=1", "subs <Xd>, <Xn|SP>, <imm>", _NEGATED, preferred=False),
    ],
)
def ADDS_addsub_imm(m: Machine, sf: int, sh: int, imm12: int, Rn: int, Rd: int) -> None:
    """Add a register and an optionally shifted 12-bit immediate, setting the flags."""
    size = 64 if sf else 32
    m.X[size, Rd], m.NZCV = m.add_flags(m.XSP[size, Rn], m.const(size, imm12 << 12 * sh))


@instruction(
    "sf op=1 S=0 100010 sh imm12:12 Rn:5 Rd:5",
    ("SUB_32_addsub_imm", "sf=0", "sub <Wd|WSP>, <Wn|WSP>, <imm>"),
    ("SUB_64_addsub_imm", "sf=1", "sub <Xd|SP>, <Xn|SP>, <imm>"),
    operands=_ADD_SUB,
    aliases=[
        Alias("ADD_SUB_32_addsub_imm", "sf=0", "add <Wd|WSP>, <Wn|WSP>, <imm>", _NEGATED, preferred=False),
        Alias("ADD_SUB_64_addsub_imm", "sf=1", "add <Xd|SP>, <Xn|SP>, <imm>", _NEGATED, preferred=False),
    ],
)
def SUB_addsub_imm(m: Machine, sf: int, sh: int, imm12: int, Rn: int, Rd: int) -> None:
    """Subtract an optionally shifted 12-bit immediate from a register."""
    size = 64 if sf else 32
    m.XSP[size, Rd] = m.XSP[size, Rn] - (imm12 << 12 * sh)


@instruction(
    "sf op=1 S=1 100010 sh imm12:12 Rn:5 Rd:5",
    ("SUBS_32S_addsub_imm", "sf=0", "subs <Wd>, <Wn|WSP>, <imm>"),
    ("SUBS_64S_addsub_imm", "sf=1", "subs <Xd>, <Xn|SP>, <imm>"),
    operands=_ADD_SUB,
    aliases=[
        Alias("CMP_SUBS_32S_addsub_imm", "sf=0 Rd=11111", "cmp <Wn|WSP>, <imm>"),
        Alias("CMP_SUBS_64S_addsub_imm", "sf=1 Rd=11111", "cmp <Xn|SP>, <imm>"),
        Alias("CMN_SUBS_32S_addsub_imm", "sf=0 Rd=11111", "cmn <Wn|WSP>, <imm>", _NEGATED, preferred=False),
        Alias("CMN_SUBS_64S_addsub_imm", "sf=1 Rd=11111", "cmn <Xn|SP>, <imm>", _NEGATED, preferred=False),
        Alias("ADDS_SUBS_32S_addsub_imm", "sf=0", "adds <Wd>, <Wn|WSP>, <imm>", _NEGATED, preferred=False),
        Alias("ADDS_SUBS_64S_addsub_imm", "sf=1", "adds <Xd>, <Xn|SP>, <imm>", _NEGATED, preferred=False),
    ],
)
def SUBS_addsub_imm(m: Machine, sf: int, sh: int, imm12: int, Rn: int, Rd: int) -> None:
    """Subtract an optionally shifted 12-bit immediate from a register, setting the flags."""
    size = 64 if sf else 32
    m.X[size, Rd], m.NZCV = m.subtract_flags(m.XSP[size, Rn], m.const(size, imm12 << 12 * sh))


# -- Minimum and maximum (immediate) --------------------------------------------------------------------------------

_SIGNED: dict[str, Operand] = {"imm": Immediate("imm8", signed=True)}
_UNSIGNED: dict[str, Operand] = {"imm": Immediate("imm8")}


def _extreme_forms(name: str, *, suffix: str = "") -> tuple[tuple[str, str, str], ...]:
    """The encodings of SMAX and its like."""
    return tuple(
        (f"{name}_{size}{suffix}_minmax_imm", f"sf={sf}", f"{name.lower()} <{x}d>, <{x}n>, #<imm>")
        for size, sf, x in ((32, 0, "W"), (64, 1, "X"))
    )


@instruction(
    "sf op=0 S=0 100011 1 opc=0000 imm8:8 Rn:5 Rd:5",
    *_extreme_forms("SMAX"),
    operands=_SIGNED,
    feature="FEAT_CSSC",
)
def SMAX_imm(m: Machine, sf: int, imm8: int, Rn: int, Rd: int) -> None:
    """The greater of a register and an immediate, signed."""
    size = 64 if sf else 32
    a, b = m.X[size, Rn], m.const(size, sign_extended(imm8, 8))
    m.X[size, Rd] = m.select(a.slt(b), b, a)


@instruction(
    "sf op=0 S=0 100011 1 opc=0001 imm8:8 Rn:5 Rd:5",
    *_extreme_forms("UMAX", suffix="U"),
    operands=_UNSIGNED,
    feature="FEAT_CSSC",
)
def UMAX_imm(m: Machine, sf: int, imm8: int, Rn: int, Rd: int) -> None:
    """The greater of a register and an immediate, unsigned."""
    size = 64 if sf else 32
    a, b = m.X[size, Rn], m.const(size, imm8)
    m.X[size, Rd] = m.select(a.ult(b), b, a)


@instruction(
    "sf op=0 S=0 100011 1 opc=0010 imm8:8 Rn:5 Rd:5",
    *_extreme_forms("SMIN"),
    operands=_SIGNED,
    feature="FEAT_CSSC",
)
def SMIN_imm(m: Machine, sf: int, imm8: int, Rn: int, Rd: int) -> None:
    """The lesser of a register and an immediate, signed."""
    size = 64 if sf else 32
    a, b = m.X[size, Rn], m.const(size, sign_extended(imm8, 8))
    m.X[size, Rd] = m.select(a.slt(b), a, b)


@instruction(
    "sf op=0 S=0 100011 1 opc=0011 imm8:8 Rn:5 Rd:5",
    *_extreme_forms("UMIN", suffix="U"),
    operands=_UNSIGNED,
    feature="FEAT_CSSC",
)
def UMIN_imm(m: Machine, sf: int, imm8: int, Rn: int, Rd: int) -> None:
    """The lesser of a register and an immediate, unsigned."""
    size = 64 if sf else 32
    a, b = m.X[size, Rn], m.const(size, imm8)
    m.X[size, Rd] = m.select(a.ult(b), a, b)


# -- Move wide (immediate) -----------------------------------------------------------------------------------------
# This section stands before the logical instructions, and MOVZ comes first in it: like LLVM, `mov` takes the first of
# MOVZ, MOVN and ORR that can hold the number.

_WIDE: dict[str, Operand] = {"imm32": MoveWideImmediate(32), "imm64": MoveWideImmediate(64)}


@instruction(
    "sf opc=10 100101 hw:2 imm16:16 Rd:5",
    ("MOVZ_32_movewide", "sf=0 hw=0x", "movz <Wd>, <imm32>"),
    ("MOVZ_64_movewide", "sf=1", "movz <Xd>, <imm64>"),
    operands=_WIDE,
    aliases=[
        Alias(
            f"MOV_MOVZ_{size}_movewide",
            constraints,
            f"mov <{x}d>, <imm>",
            {"imm": MovAlias(size, inverted=False)},
            preferred=lambda f: not (f["imm16"] == 0 and f["hw"] != 0),
        )
        for size, constraints, x in ((32, "sf=0 hw=0x", "W"), (64, "sf=1", "X"))
    ],
)
def MOVZ(m: Machine, sf: int, hw: int, imm16: int, Rd: int) -> None:
    """Move a shifted 16-bit immediate, clearing the rest."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.const(size, imm16 << 16 * hw)


@instruction(
    "sf opc=00 100101 hw:2 imm16:16 Rd:5",
    ("MOVN_32_movewide", "sf=0 hw=0x", "movn <Wd>, <imm32>"),
    ("MOVN_64_movewide", "sf=1", "movn <Xd>, <imm64>"),
    operands=_WIDE,
    aliases=[
        Alias(
            "MOV_MOVN_32_movewide",
            "sf=0 hw=0x",
            "mov <Wd>, <imm>",
            {"imm": MovAlias(32, inverted=True)},
            preferred=lambda f: not (f["imm16"] == 0 and f["hw"] != 0) and f["imm16"] != 0xFFFF,
        ),
        Alias(
            "MOV_MOVN_64_movewide",
            "sf=1",
            "mov <Xd>, <imm>",
            {"imm": MovAlias(64, inverted=True)},
            preferred=lambda f: not (f["imm16"] == 0 and f["hw"] != 0),
        ),
    ],
)
def MOVN(m: Machine, sf: int, hw: int, imm16: int, Rd: int) -> None:
    """Move the inverse of a shifted 16-bit immediate."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.const(size, ~(imm16 << 16 * hw))


@instruction(
    "sf opc=11 100101 hw:2 imm16:16 Rd:5",
    ("MOVK_32_movewide", "sf=0 hw=0x", "movk <Wd>, <imm32>"),
    ("MOVK_64_movewide", "sf=1", "movk <Xd>, <imm64>"),
    operands=_WIDE,
)
def MOVK(m: Machine, sf: int, hw: int, imm16: int, Rd: int) -> None:
    """Move a shifted 16-bit immediate, keeping the other bits."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rd] & ~(0xFFFF << 16 * hw) | (imm16 << 16 * hw)


# -- Logical (immediate) -------------------------------------------------------------------------------------------


def _reserved_mask(f: Fields) -> bool:
    return decode_bit_masks(f["N"], f["imms"], f["immr"], 64 if f["sf"] else 32) is None


def _bit_mask(sf: int, N: int, immr: int, imms: int) -> tuple[int, int]:
    size = 64 if sf else 32
    mask = decode_bit_masks(N, imms, immr, size)
    assert mask is not None
    return size, mask


def _needs_bit_mask(f: Fields) -> bool:
    """MoveWidePreferred() is false: no single MOVZ or MOVN makes this value."""
    size, mask = _bit_mask(f["sf"], f["N"], f["immr"], f["imms"])
    return not any(
        value & ~(0xFFFF << shift) == 0 for value in (mask, ~mask & ((1 << size) - 1)) for shift in range(0, size, 16)
    )


_LOGICAL: dict[str, Operand] = {"imm32": LogicalImmediate(32), "imm64": LogicalImmediate(64)}


def _complement_aliases(name: str, base: str, *, sp: bool = True) -> list[Alias]:
    """`bic x0, x1, #15` for `and x0, x1, #~15`, and its like: assemblers read it, and never print it."""
    return [
        Alias(
            f"{name.upper()}_{base}_{size}_log_imm",
            constraints,
            f"{name} <{x}d{f'|{stack}' if sp else ''}>, <{x}n>, <imm>",
            {"imm": LogicalImmediate(size, inverted=True)},
            preferred=False,
        )
        for size, constraints, x, stack in ((32, "sf=0 N=0", "W", "WSP"), (64, "sf=1", "X", "SP"))
    ]


@instruction(
    "sf opc=00 100100 N immr:6 imms:6 Rn:5 Rd:5",
    ("AND_32_log_imm", "sf=0 N=0", "and <Wd|WSP>, <Wn>, <imm32>"),
    ("AND_64_log_imm", "sf=1", "and <Xd|SP>, <Xn>, <imm64>"),
    operands=_LOGICAL,
    undefined=_reserved_mask,
    aliases=_complement_aliases("bic", "AND"),
)
def AND_log_imm(m: Machine, sf: int, N: int, immr: int, imms: int, Rn: int, Rd: int) -> None:
    """Bitwise AND with a bitmask immediate."""
    size, mask = _bit_mask(sf, N, immr, imms)
    m.XSP[size, Rd] = m.X[size, Rn] & mask


@instruction(
    "sf opc=01 100100 N immr:6 imms:6 Rn:5 Rd:5",
    ("ORR_32_log_imm", "sf=0 N=0", "orr <Wd|WSP>, <Wn>, <imm32>"),
    ("ORR_64_log_imm", "sf=1", "orr <Xd|SP>, <Xn>, <imm64>"),
    operands=_LOGICAL,
    undefined=_reserved_mask,
    aliases=[
        Alias(
            f"MOV_ORR_{size}_log_imm",
            f"{constraints} Rn=11111",
            f"mov <{destination}>, <imm>",
            {"imm": MovLogicalImmediate(size)},
            preferred=_needs_bit_mask,
        )
        for size, constraints, destination in ((32, "sf=0 N=0", "Wd|WSP"), (64, "sf=1", "Xd|SP"))
    ]
    + _complement_aliases("orn", "ORR"),
)
def ORR_log_imm(m: Machine, sf: int, N: int, immr: int, imms: int, Rn: int, Rd: int) -> None:
    """Bitwise OR with a bitmask immediate."""
    size, mask = _bit_mask(sf, N, immr, imms)
    m.XSP[size, Rd] = m.X[size, Rn] | mask


@instruction(
    "sf opc=10 100100 N immr:6 imms:6 Rn:5 Rd:5",
    ("EOR_32_log_imm", "sf=0 N=0", "eor <Wd|WSP>, <Wn>, <imm32>"),
    ("EOR_64_log_imm", "sf=1", "eor <Xd|SP>, <Xn>, <imm64>"),
    operands=_LOGICAL,
    undefined=_reserved_mask,
    aliases=_complement_aliases("eon", "EOR"),
)
def EOR_log_imm(m: Machine, sf: int, N: int, immr: int, imms: int, Rn: int, Rd: int) -> None:
    """Bitwise exclusive OR with a bitmask immediate."""
    size, mask = _bit_mask(sf, N, immr, imms)
    m.XSP[size, Rd] = m.X[size, Rn] ^ mask


@instruction(
    "sf opc=11 100100 N immr:6 imms:6 Rn:5 Rd:5",
    ("ANDS_32S_log_imm", "sf=0 N=0", "ands <Wd>, <Wn>, <imm32>"),
    ("ANDS_64S_log_imm", "sf=1", "ands <Xd>, <Xn>, <imm64>"),
    operands=_LOGICAL,
    undefined=_reserved_mask,
    aliases=[
        Alias("TST_ANDS_32S_log_imm", "sf=0 N=0 Rd=11111", "tst <Wn>, <imm32>"),
        Alias("TST_ANDS_64S_log_imm", "sf=1 Rd=11111", "tst <Xn>, <imm64>"),
        *_complement_aliases("bics", "ANDS", sp=False),
    ],
)
def ANDS_log_imm(m: Machine, sf: int, N: int, immr: int, imms: int, Rn: int, Rd: int) -> None:
    """Bitwise AND with a bitmask immediate, setting the flags."""
    size, mask = _bit_mask(sf, N, immr, imms)
    result = m.X[size, Rn] & mask
    m.X[size, Rd] = result
    m.NZCV = m.logic_flags(result)


# -- Bitfield ------------------------------------------------------------------------------------------------------

_BITFIELD: dict[str, Operand] = {
    "immr": Immediate("immr"),
    "imms": Immediate("imms"),
    "immr5": Immediate("immr", maximum=31),
    "imms5": Immediate("imms", maximum=31),
}
_W = "sf=0 N=0 immr=0xxxxx imms=0xxxxx"
_X = "sf=1 N=1"


def _bitfield_aliases(base: str, insert: str, extract: str) -> list[Alias]:
    """The two readings of #immr, #imms: a low field is inserted (imms < immr), or a field is extracted."""
    return [
        Alias(
            f"{name.upper()}_{base}_{size}M_bitfield",
            constraints,
            f"{name} <{x}d>, <{x}n>, <range>",
            {"range": operand(size)},
            preferred=preferred,
        )
        for size, constraints, x in ((32, _W, "W"), (64, _X, "X"))
        for name, operand, preferred in (
            (insert, BitfieldInsert, lambda f: f["imms"] < f["immr"]),
            (extract, BitfieldExtract, lambda f: f["imms"] >= f["immr"]),
        )
    ]


def _source_and_mask(m: Machine, size: int, immr: int, imms: int, Rn: int) -> tuple[Value, int, int]:
    """The rotated source, the lowest bit of its field in the result, and the field's width."""
    if imms >= immr:
        return m.X[size, Rn] >> immr, 0, imms - immr + 1
    return m.X[size, Rn] << (size - immr), size - immr, imms + 1


@instruction(
    "sf opc=00 100110 N immr:6 imms:6 Rn:5 Rd:5",
    ("SBFM_32M_bitfield", _W, "sbfm <Wd>, <Wn>, #<immr5>, #<imms5>"),
    ("SBFM_64M_bitfield", _X, "sbfm <Xd>, <Xn>, #<immr>, #<imms>"),
    operands=_BITFIELD,
    aliases=[
        Alias("ASR_SBFM_32M_bitfield", "sf=0 N=0 immr=0xxxxx imms=011111", "asr <Wd>, <Wn>, #<immr5>"),
        Alias("ASR_SBFM_64M_bitfield", "sf=1 N=1 imms=111111", "asr <Xd>, <Xn>, #<immr>"),
        Alias("SXTB_SBFM_32M_bitfield", "sf=0 N=0 immr=000000 imms=000111", "sxtb <Wd>, <Wn>"),
        Alias("SXTB_SBFM_64M_bitfield", "sf=1 N=1 immr=000000 imms=000111", "sxtb <Xd>, <Wn>"),
        Alias("SXTH_SBFM_32M_bitfield", "sf=0 N=0 immr=000000 imms=001111", "sxth <Wd>, <Wn>"),
        Alias("SXTH_SBFM_64M_bitfield", "sf=1 N=1 immr=000000 imms=001111", "sxth <Xd>, <Wn>"),
        Alias("SXTW_SBFM_64M_bitfield", "sf=1 N=1 immr=000000 imms=011111", "sxtw <Xd>, <Wn>"),
        # The source's name doesn't matter: its lower bits are read.
        Alias("SXTB_SBFM_64M_bitfield", "sf=1 N=1 immr=000000 imms=000111", "sxtb <Xd>, <Xn>", preferred=False),
        Alias("SXTH_SBFM_64M_bitfield", "sf=1 N=1 immr=000000 imms=001111", "sxth <Xd>, <Xn>", preferred=False),
        Alias("SXTW_SBFM_64M_bitfield", "sf=1 N=1 immr=000000 imms=011111", "sxtw <Xd>, <Xn>", preferred=False),
        *_bitfield_aliases("SBFM", "sbfiz", "sbfx"),
    ],
)
def SBFM(m: Machine, sf: int, N: int, immr: int, imms: int, Rn: int, Rd: int) -> None:
    """Move a bitfield, extending its sign upwards and zeros downwards."""
    size = 64 if sf else 32
    source = m.X[size, Rn]
    # The field's top bit goes to the top of the register, and from there to its place.
    m.X[size, Rd] = (
        (source << (size - 1 - imms)).asr(size - 1 - imms + immr)
        if imms >= immr
        else ((source << (size - 1 - imms)).asr(immr - imms - 1))
    )


@instruction(
    "sf opc=01 100110 N immr:6 imms:6 Rn:5 Rd:5",
    ("BFM_32M_bitfield", _W, "bfm <Wd>, <Wn>, #<immr5>, #<imms5>"),
    ("BFM_64M_bitfield", _X, "bfm <Xd>, <Xn>, #<immr>, #<imms>"),
    operands=_BITFIELD,
    aliases=[
        Alias(
            f"BFC_BFM_{size}M_bitfield",
            f"{constraints} Rn=11111",
            f"bfc <{x}d>, <range>",
            {"range": BitfieldInsert(size)},
            preferred=lambda f: f["imms"] < f["immr"] or f["immr"] == 0,
            feature="FEAT_ASMv8p2",
        )
        for size, constraints, x in ((32, _W, "W"), (64, _X, "X"))
    ]
    + _bitfield_aliases("BFM", "bfi", "bfxil"),
)
def BFM(m: Machine, sf: int, N: int, immr: int, imms: int, Rn: int, Rd: int) -> None:
    """Move a bitfield, keeping the other bits of the destination."""
    size = 64 if sf else 32
    source, low, width = _source_and_mask(m, size, immr, imms, Rn)
    mask = ((1 << width) - 1) << low
    m.X[size, Rd] = m.X[size, Rd] & ~mask | source & mask


@instruction(
    "sf opc=10 100110 N immr:6 imms:6 Rn:5 Rd:5",
    ("UBFM_32M_bitfield", _W, "ubfm <Wd>, <Wn>, #<immr5>, #<imms5>"),
    ("UBFM_64M_bitfield", _X, "ubfm <Xd>, <Xn>, #<immr>, #<imms>"),
    operands=_BITFIELD,
    aliases=[
        Alias(
            f"LSL_UBFM_{size}M_bitfield",
            constraints,
            f"lsl <{x}d>, <{x}n>, <amount>",
            {"amount": ShiftLeftAmount(size)},
            preferred=lambda f, size=size: f["imms"] != size - 1 and f["imms"] + 1 == f["immr"],  # type: ignore[misc]
        )
        for size, constraints, x in ((32, _W, "W"), (64, _X, "X"))
    ]
    + [
        Alias("LSR_UBFM_32M_bitfield", "sf=0 N=0 immr=0xxxxx imms=011111", "lsr <Wd>, <Wn>, #<immr5>"),
        Alias("LSR_UBFM_64M_bitfield", "sf=1 N=1 imms=111111", "lsr <Xd>, <Xn>, #<immr>"),
        Alias("UXTB_UBFM_32M_bitfield", "sf=0 N=0 immr=000000 imms=000111", "uxtb <Wd>, <Wn>"),
        Alias("UXTH_UBFM_32M_bitfield", "sf=0 N=0 immr=000000 imms=001111", "uxth <Wd>, <Wn>"),
        # Writing a W register clears the upper half.
        Alias("UXTB_UBFM_32M_bitfield", "sf=0 N=0 immr=000000 imms=000111", "uxtb <Xd>, <Wn>", preferred=False),
        Alias("UXTH_UBFM_32M_bitfield", "sf=0 N=0 immr=000000 imms=001111", "uxth <Xd>, <Wn>", preferred=False),
        Alias("UXTW_UBFM_64M_bitfield", "sf=1 N=1 immr=000000 imms=011111", "uxtw <Xd>, <Wn>", preferred=False),
        Alias("UXTW_UBFM_64M_bitfield", "sf=1 N=1 immr=000000 imms=011111", "uxtw <Xd>, <Xn>", preferred=False),
        *_bitfield_aliases("UBFM", "ubfiz", "ubfx"),
    ],
)
def UBFM(m: Machine, sf: int, N: int, immr: int, imms: int, Rn: int, Rd: int) -> None:
    """Move a bitfield, filling with zeros."""
    size = 64 if sf else 32
    source, low, width = _source_and_mask(m, size, immr, imms, Rn)
    m.X[size, Rd] = source & (((1 << width) - 1) << low)


# -- Extract -------------------------------------------------------------------------------------------------------


@instruction(
    "sf op21=00 100111 N o0=0 Rm:5 imms:6 Rn:5 Rd:5",
    ("EXTR_32_extract", "sf=0 N=0 imms=0xxxxx", "extr <Wd>, <Wn>, <Wm>, #<lsb5>"),
    ("EXTR_64_extract", "sf=1 N=1", "extr <Xd>, <Xn>, <Xm>, #<lsb>"),
    operands={"lsb": Immediate("imms"), "lsb5": Immediate("imms", maximum=31)},
    aliases=[
        Alias(
            f"ROR_EXTR_{size}_extract",
            constraints,
            f"ror <{x}d>, <{x}s>, #<{lsb}>",
            {f"{x}s": SameRegister(x.lower(), "Rn", "Rm")},
            preferred=lambda f: f["Rn"] == f["Rm"],
        )
        for size, constraints, x, lsb in (
            (32, "sf=0 N=0 imms=0xxxxx", "W", "lsb5"),
            (64, "sf=1 N=1", "X", "lsb"),
        )
    ],
)
def EXTR(m: Machine, sf: int, N: int, Rm: int, imms: int, Rn: int, Rd: int) -> None:
    """Extract a register from a pair of registers."""
    size = 64 if sf else 32
    if imms == 0:
        m.X[size, Rd] = m.X[size, Rm]
    else:
        m.X[size, Rd] = m.X[size, Rm] >> imms | m.X[size, Rn] << (size - imms)
