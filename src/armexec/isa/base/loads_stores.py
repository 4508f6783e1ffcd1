"""Loads and stores of one general register, and prefetches (the manual's C4.1 index, "Loads and Stores")."""

from __future__ import annotations

from ..description import Alias, instruction
from ..machine import Machine
from ..operands import Immediate, Operand
from ..operands.memory import LITERAL, PREFETCH, RANGE_PREFETCH, AuthenticatedOffset, RegisterOffset, ScaledOffset
from ..pattern import sign_extended
from ..values import Value
from .memory_access import base_address, extended_index, load_register, register_size

# The accesses that each addressing mode has: suffix of the mnemonic, constraints, register, bytes.
_Accesses = tuple[tuple[str, str, str, int], ...]
_PLAIN: _Accesses = (
    ("b", "size=00", "W", 1),
    ("h", "size=01", "W", 2),
    ("", "size=10", "W", 4),
    ("", "size=11", "X", 8),
)
_SIGNED: _Accesses = (
    ("sb", "size=00 opc=11", "W", 1),
    ("sb", "size=00 opc=10", "X", 1),
    ("sh", "size=01 opc=11", "W", 2),
    ("sh", "size=01 opc=10", "X", 2),
    ("sw", "size=10 opc=10", "X", 4),
)

_MEMORY: dict[str, Operand] = {
    **{f"offset{size}": ScaledOffset(size) for size in (1, 2, 4, 8)},
    **{f"index{size}": RegisterOffset(size) for size in (1, 2, 4, 8)},
    "simm9": Immediate("imm9", signed=True, default=0),
    "literal": LITERAL,
    "prefetch": PREFETCH,
    "range": RANGE_PREFETCH,
}


def _forms(stem: str, accesses: _Accesses, kind: str, address: str) -> list[tuple[str, str, str]]:
    """The encodings of one addressing mode. `N` in the address is the size in bytes."""
    return [
        (
            f"{stem.upper()}{suffix.upper()}_{64 if x == 'X' else 32}_{kind}",
            constraints,
            f"{stem}{suffix} <{x}t>, {address.replace('N', str(size))}",
        )
        for suffix, constraints, x, size in accesses
    ]


def _unscaled_aliases(scaled: str, unscaled: str, accesses: _Accesses) -> list[Alias]:
    """`ldr x0, [x1, #1]`, for which LLVM and GNU as take LDUR, as the offset has no scaled encoding."""
    return [
        Alias(
            f"{scaled.upper()}_{name}",
            constraints,
            syntax.replace(unscaled, scaled, 1),
            preferred=False,
        )
        for name, constraints, syntax in _forms(unscaled, accesses, "ldst_unscaled", "[<Xn|SP>{, #<simm9>}]")
    ]


def _register_forms(stem: str, accesses: _Accesses) -> list[tuple[str, str, str]]:
    """The encodings with a register offset; option<1> is always 1. Accesses of bytes have one more, for `lsl`."""
    forms = []
    for name, constraints, syntax in _forms(stem, accesses, "ldst_regoff", "[<Xn|SP>, <indexN>]"):
        if "size=00" in constraints:
            extended = name.replace("_ldst", "B_ldst")
            forms.append((extended, f"{constraints} option=x1x option!=011", syntax))
            forms.append((extended.replace("B_ldst", "BL_ldst"), f"{constraints} option=011", syntax))
        else:
            forms.append((name, f"{constraints} option=x1x", syntax))
    return forms


def _store(m: Machine, size: int, address: Value, Rt: int) -> None:
    m.store(address, m.X[register_size(size), Rt].bits(0, 8 << size))


def _load_signed(m: Machine, size: int, opc: int, address: Value, Rt: int) -> None:
    width = 32 if opc & 1 else 64
    m.X[width, Rt] = m.load(address, 8 << size).sign_extend(width)


# -- Unsigned offset -----------------------------------------------------------------------------------------

_UNSIGNED = "[<Xn|SP>{, #<offsetN>}]"


@instruction(
    "size:2 111 VR=0 01 opc=00 imm12:12 Rn:5 Rt:5",
    *_forms("str", _PLAIN, "ldst_pos", _UNSIGNED),
    operands=_MEMORY,
)
def STR_pos(m: Machine, size: int, imm12: int, Rn: int, Rt: int) -> None:
    """Store a register, at a base and an unsigned offset in units of the size."""
    _store(m, size, base_address(m, Rn) + (imm12 << size), Rt)


@instruction(
    "size:2 111 VR=0 01 opc=01 imm12:12 Rn:5 Rt:5",
    *_forms("ldr", _PLAIN, "ldst_pos", _UNSIGNED),
    operands=_MEMORY,
)
def LDR_pos(m: Machine, size: int, imm12: int, Rn: int, Rt: int) -> None:
    """Load a register, from a base and an unsigned offset in units of the size."""
    load_register(m, size, base_address(m, Rn) + (imm12 << size), Rt)


@instruction(
    "size:2 111 VR=0 01 opc:2 imm12:12 Rn:5 Rt:5",
    *_forms("ldr", _SIGNED, "ldst_pos", _UNSIGNED),
    operands=_MEMORY,
)
def LDRS_pos(m: Machine, size: int, opc: int, imm12: int, Rn: int, Rt: int) -> None:
    """Load a register, extending the sign, from a base and an unsigned offset in units of the size."""
    _load_signed(m, size, opc, base_address(m, Rn) + (imm12 << size), Rt)


@instruction(
    "size=11 111 VR=0 01 opc=10 imm12:12 Rn:5 Rt:5",
    ("PRFM_P_ldst_pos", "", "prfm <prefetch>, [<Xn|SP>{, #<offset8>}]"),
    operands=_MEMORY,
)
def PRFM_pos(m: Machine, imm12: int, Rn: int, Rt: int) -> None:
    """Prefetch memory: a hint, and nothing is done."""


# -- Register offset -----------------------------------------------------------------------------------------


def _indexed(m: Machine, Rn: int, Rm: int, option: int, shift: int) -> Value:
    return base_address(m, Rn) + extended_index(m, Rm, option, shift)


@instruction(
    "size:2 111 VR=0 00 opc=00 1 Rm:5 option:3 S 10 Rn:5 Rt:5",
    *_register_forms("str", _PLAIN),
    operands=_MEMORY,
)
def STR_regoff(m: Machine, size: int, Rm: int, option: int, S: int, Rn: int, Rt: int) -> None:
    """Store a register, at a base and an extended and optionally scaled register."""
    _store(m, size, _indexed(m, Rn, Rm, option, S * size), Rt)


@instruction(
    "size:2 111 VR=0 00 opc=01 1 Rm:5 option:3 S 10 Rn:5 Rt:5",
    *_register_forms("ldr", _PLAIN),
    operands=_MEMORY,
)
def LDR_regoff(m: Machine, size: int, Rm: int, option: int, S: int, Rn: int, Rt: int) -> None:
    """Load a register, from a base and an extended and optionally scaled register."""
    load_register(m, size, _indexed(m, Rn, Rm, option, S * size), Rt)


@instruction(
    "size:2 111 VR=0 00 opc:2 1 Rm:5 option:3 S 10 Rn:5 Rt:5",
    *_register_forms("ldr", _SIGNED),
    operands=_MEMORY,
)
def LDRS_regoff(m: Machine, size: int, opc: int, Rm: int, option: int, S: int, Rn: int, Rt: int) -> None:
    """Load a register, extending the sign, from a base and an extended and optionally scaled register."""
    _load_signed(m, size, opc, _indexed(m, Rn, Rm, option, S * size), Rt)


@instruction(
    "size=11 111 VR=0 00 opc=10 1 Rm:5 option:3 S 10 Rn:5 Rt:5",
    ("PRFM_P_ldst_regoff", "option=x1x Rt!=11xxx", "prfm <prefetch>, [<Xn|SP>, <index8>]"),
    # The operations that PRFM leaves free: a hint of later processors, which earlier ones ignore.
    ("RPRFM_R_ldst_regoff", "option=x1x Rt=11xxx", "rprfm <range>, <Xm>, [<Xn|SP>]", "FEAT_RPRFM"),
    aliases=[Alias("PRFM_RPRFM_R_ldst_regoff", "Rt=11xxx", "prfm <prefetch>, [<Xn|SP>, <index8>]", preferred=False)],
    operands=_MEMORY,
)
def PRFM_regoff(m: Machine, Rm: int, option: int, S: int, Rn: int, Rt: int) -> None:
    """Prefetch memory: a hint, and nothing is done."""


# -- Unscaled offset -----------------------------------------------------------------------------------------

_SIGNED_OFFSET = "[<Xn|SP>{, #<simm9>}]"


def _offset(m: Machine, Rn: int, imm9: int) -> Value:
    return base_address(m, Rn) + sign_extended(imm9, 9)


@instruction(
    "size:2 111 VR=0 00 opc=00 0 imm9:9 00 Rn:5 Rt:5",
    *_forms("stur", _PLAIN, "ldst_unscaled", _SIGNED_OFFSET),
    operands=_MEMORY,
    aliases=_unscaled_aliases("str", "stur", _PLAIN),
)
def STUR(m: Machine, size: int, imm9: int, Rn: int, Rt: int) -> None:
    """Store a register, at a base and a signed offset in bytes."""
    _store(m, size, _offset(m, Rn, imm9), Rt)


@instruction(
    "size:2 111 VR=0 00 opc=01 0 imm9:9 00 Rn:5 Rt:5",
    *_forms("ldur", _PLAIN, "ldst_unscaled", _SIGNED_OFFSET),
    operands=_MEMORY,
    aliases=_unscaled_aliases("ldr", "ldur", _PLAIN),
)
def LDUR(m: Machine, size: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a register, from a base and a signed offset in bytes."""
    load_register(m, size, _offset(m, Rn, imm9), Rt)


@instruction(
    "size:2 111 VR=0 00 opc:2 0 imm9:9 00 Rn:5 Rt:5",
    *_forms("ldur", _SIGNED, "ldst_unscaled", _SIGNED_OFFSET),
    operands=_MEMORY,
    aliases=_unscaled_aliases("ldr", "ldur", _SIGNED),
)
def LDURS(m: Machine, size: int, opc: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a register, extending the sign, from a base and a signed offset in bytes."""
    _load_signed(m, size, opc, _offset(m, Rn, imm9), Rt)


@instruction(
    "size=11 111 VR=0 00 opc=10 0 imm9:9 00 Rn:5 Rt:5",
    ("PRFUM_P_ldst_unscaled", "", "prfum <prefetch>, [<Xn|SP>{, #<simm9>}]"),
    operands=_MEMORY,
    aliases=[Alias("PRFM_PRFUM_P_ldst_unscaled", "", "prfm <prefetch>, [<Xn|SP>{, #<simm9>}]", preferred=False)],
)
def PRFUM(m: Machine, imm9: int, Rn: int, Rt: int) -> None:
    """Prefetch memory: a hint, and nothing is done."""


# -- Post-index and pre-index --------------------------------------------------------------------------------
# Rn == Rt is CONSTRAINED UNPREDICTABLE. A store stores what the register held before; a load loads it and
# then the write-back replaces that, as in QEMU.

_POST = "[<Xn|SP>], #<simm9>"
_PRE = "[<Xn|SP>, #<simm9>]!"


@instruction(
    "size:2 111 VR=0 00 opc=00 0 imm9:9 01 Rn:5 Rt:5",
    *_forms("str", _PLAIN, "ldst_immpost", _POST),
    operands=_MEMORY,
)
def STR_immpost(m: Machine, size: int, imm9: int, Rn: int, Rt: int) -> None:
    """Store a register at a base, and add a signed offset to the base."""
    address = base_address(m, Rn)
    _store(m, size, address, Rt)
    m.XSP[64, Rn] = address + sign_extended(imm9, 9)


@instruction(
    "size:2 111 VR=0 00 opc=01 0 imm9:9 01 Rn:5 Rt:5",
    *_forms("ldr", _PLAIN, "ldst_immpost", _POST),
    operands=_MEMORY,
)
def LDR_immpost(m: Machine, size: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a register from a base, and add a signed offset to the base."""
    address = base_address(m, Rn)
    load_register(m, size, address, Rt)
    m.XSP[64, Rn] = address + sign_extended(imm9, 9)


@instruction(
    "size:2 111 VR=0 00 opc:2 0 imm9:9 01 Rn:5 Rt:5",
    *_forms("ldr", _SIGNED, "ldst_immpost", _POST),
    operands=_MEMORY,
)
def LDRS_immpost(m: Machine, size: int, opc: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a register, extending the sign, from a base, and add a signed offset to the base."""
    address = base_address(m, Rn)
    _load_signed(m, size, opc, address, Rt)
    m.XSP[64, Rn] = address + sign_extended(imm9, 9)


@instruction(
    "size:2 111 VR=0 00 opc=00 0 imm9:9 11 Rn:5 Rt:5",
    *_forms("str", _PLAIN, "ldst_immpre", _PRE),
    operands=_MEMORY,
)
def STR_immpre(m: Machine, size: int, imm9: int, Rn: int, Rt: int) -> None:
    """Store a register at a base and a signed offset; the base becomes that address."""
    address = _offset(m, Rn, imm9)
    _store(m, size, address, Rt)
    m.XSP[64, Rn] = address


@instruction(
    "size:2 111 VR=0 00 opc=01 0 imm9:9 11 Rn:5 Rt:5",
    *_forms("ldr", _PLAIN, "ldst_immpre", _PRE),
    operands=_MEMORY,
)
def LDR_immpre(m: Machine, size: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a register from a base and a signed offset; the base becomes that address."""
    address = _offset(m, Rn, imm9)
    load_register(m, size, address, Rt)
    m.XSP[64, Rn] = address


@instruction(
    "size:2 111 VR=0 00 opc:2 0 imm9:9 11 Rn:5 Rt:5",
    *_forms("ldr", _SIGNED, "ldst_immpre", _PRE),
    operands=_MEMORY,
)
def LDRS_immpre(m: Machine, size: int, opc: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a register, extending the sign, from a base and a signed offset; the base becomes that address."""
    address = _offset(m, Rn, imm9)
    _load_signed(m, size, opc, address, Rt)
    m.XSP[64, Rn] = address


# -- Unprivileged: at EL0 like the unscaled ones -------------------------------------------------------------


@instruction(
    "size:2 111 VR=0 00 opc=00 0 imm9:9 10 Rn:5 Rt:5",
    *_forms("sttr", _PLAIN, "ldst_unpriv", _SIGNED_OFFSET),
    operands=_MEMORY,
)
def STTR(m: Machine, size: int, imm9: int, Rn: int, Rt: int) -> None:
    """Store a register with EL0's permissions, at a base and a signed offset in bytes."""
    _store(m, size, _offset(m, Rn, imm9), Rt)


@instruction(
    "size:2 111 VR=0 00 opc=01 0 imm9:9 10 Rn:5 Rt:5",
    *_forms("ldtr", _PLAIN, "ldst_unpriv", _SIGNED_OFFSET),
    operands=_MEMORY,
)
def LDTR(m: Machine, size: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a register with EL0's permissions, from a base and a signed offset in bytes."""
    load_register(m, size, _offset(m, Rn, imm9), Rt)


@instruction(
    "size:2 111 VR=0 00 opc:2 0 imm9:9 10 Rn:5 Rt:5",
    *_forms("ldtr", _SIGNED, "ldst_unpriv", _SIGNED_OFFSET),
    operands=_MEMORY,
)
def LDTRS(m: Machine, size: int, opc: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a register with EL0's permissions, extending the sign, from a base and a signed offset."""
    _load_signed(m, size, opc, _offset(m, Rn, imm9), Rt)


# -- Literal -------------------------------------------------------------------------------------------------


def _literal(m: Machine, imm19: int) -> Value:
    return m.address(m.pc + 4 * sign_extended(imm19, 19))


@instruction(
    "opc:2 011 VR=0 00 imm19:19 Rt:5",
    ("LDR_32_loadlit", "opc=00", "ldr <Wt>, <literal>"),
    ("LDR_64_loadlit", "opc=01", "ldr <Xt>, <literal>"),
    operands=_MEMORY,
)
def LDR_loadlit(m: Machine, opc: int, imm19: int, Rt: int) -> None:
    """Load a register from a label within 1 MiB."""
    load_register(m, 2 + opc, _literal(m, imm19), Rt)


@instruction(
    "opc=10 011 VR=0 00 imm19:19 Rt:5",
    ("LDRSW_64_loadlit", "", "ldrsw <Xt>, <literal>"),
    operands=_MEMORY,
)
def LDRSW_loadlit(m: Machine, imm19: int, Rt: int) -> None:
    """Load a word, extending the sign, from a label within 1 MiB."""
    m.X[64, Rt] = m.load(_literal(m, imm19), 32).sign_extend(64)


@instruction(
    "opc=11 011 VR=0 00 imm19:19 Rt:5",
    ("PRFM_P_loadlit", "", "prfm <prefetch>, <literal>"),
    operands=_MEMORY,
)
def PRFM_loadlit(m: Machine, imm19: int, Rt: int) -> None:
    """Prefetch memory: a hint, and nothing is done."""


# -- With pointer authentication -----------------------------------------------------------------------------
# The keys are disabled here (SCTLR_EL1.EnDA and EnDB are 0): the base is used as it is.


@instruction(
    "size=11 111 VR=0 00 M S 1 imm9:9 W 1 Rn:5 Rt:5",
    ("LDRAA_64_ldst_pac", "M=0 W=0", "ldraa <Xt>, [<Xn|SP>{, #<simm>}]"),
    ("LDRAA_64W_ldst_pac", "M=0 W=1", "ldraa <Xt>, [<Xn|SP>, #<simm>]!"),
    ("LDRAB_64_ldst_pac", "M=1 W=0", "ldrab <Xt>, [<Xn|SP>{, #<simm>}]"),
    ("LDRAB_64W_ldst_pac", "M=1 W=1", "ldrab <Xt>, [<Xn|SP>, #<simm>]!"),
    operands={"simm": AuthenticatedOffset()},
    aliases=[
        Alias("LDRAA_64W_ldst_pac_zero", "M=0 W=1 S=0 imm9=000000000", "ldraa <Xt>, [<Xn|SP>]!", preferred=False),
        Alias("LDRAB_64W_ldst_pac_zero", "M=1 W=1 S=0 imm9=000000000", "ldrab <Xt>, [<Xn|SP>]!", preferred=False),
    ],
    feature="FEAT_PAuth",
)
def LDRA(m: Machine, M: int, S: int, imm9: int, W: int, Rn: int, Rt: int) -> None:
    """Load a register from an authenticated base and a signed offset in units of 8 bytes."""
    address = base_address(m, Rn) + 8 * (imm9 - 512 * S)
    m.X[64, Rt] = m.load(address, 64)
    if W:
        # Rn == Rt is CONSTRAINED UNPREDICTABLE: the write-back wins, as in QEMU.
        m.XSP[64, Rn] = address
