"""Loads and stores of one SIMD&FP register (the manual's C4.1 index, "Loads and Stores", VR=1).

A load of fewer than 128 bits clears the rest of the register.
"""

from __future__ import annotations

from ..base.memory_access import base_address, extended_index
from ..description import Alias, instruction
from ..machine import Machine
from ..operands import Immediate, Operand
from ..operands.memory import LITERAL, RegisterOffset, ScaledOffset
from ..pattern import sign_extended
from ..values import Value

# Register, bytes, constraints of a store; a load's opc ends in 1.
_ACCESSES = (
    ("B", 1, "size=00 opc=0x"),
    ("H", 2, "size=01 opc=0x"),
    ("S", 4, "size=10 opc=0x"),
    ("D", 8, "size=11 opc=0x"),
    ("Q", 16, "size=00 opc=1x"),
)

_MEMORY: dict[str, Operand] = {
    **{f"offset{size}": ScaledOffset(size) for size in (1, 2, 4, 8, 16)},
    **{f"index{size}": RegisterOffset(size) for size in (1, 2, 4, 8, 16)},
    "simm9": Immediate("imm9", signed=True, default=0),
    "literal": LITERAL,
}


def _forms(stem: str, kind: str, address: str) -> list[tuple[str, str, str]]:
    """The encodings of one addressing mode. `N` in the address is the size in bytes."""
    return [
        (
            f"{stem.upper()}_{register}_{kind}",
            constraints.replace("x", "1" if stem.startswith("ld") else "0"),
            f"{stem} <{register}t>, {address.replace('N', str(size))}",
        )
        for register, size, constraints in _ACCESSES
    ]


def _unscaled_aliases(scaled: str, unscaled: str) -> list[Alias]:
    """`ldr d0, [x1, #1]`, for which LLVM and GNU as take LDUR, as the offset has no scaled encoding."""
    return [
        Alias(f"{scaled.upper()}_{name}", constraints, syntax.replace(unscaled, scaled, 1), preferred=False)
        for name, constraints, syntax in _forms(unscaled, "ldst_unscaled", "[<Xn|SP>{, #<simm9>}]")
    ]


def _register_forms(stem: str) -> list[tuple[str, str, str]]:
    """The encodings with a register offset; option<1> is always 1. Accesses of bytes have one more, for `lsl`."""
    forms = []
    for name, constraints, syntax in _forms(stem, "ldst_regoff", "[<Xn|SP>, <indexN>]"):
        if "_B_" in name:
            forms.append((name, f"{constraints} option=x1x option!=011", syntax))
            forms.append((name.replace("_B_", "_BL_"), f"{constraints} option=011", syntax))
        else:
            forms.append((name, f"{constraints} option=x1x", syntax))
    return forms


def _scale(size: int, opc: int) -> int:
    """log2 of the bytes accessed."""
    return opc >> 1 << 2 | size


def _store(m: Machine, scale: int, address: Value, Rt: int) -> None:
    m.store(address, m.V[8 << scale, Rt])


def _load(m: Machine, scale: int, address: Value, Rt: int) -> None:
    m.V[8 << scale, Rt] = m.load(address, 8 << scale, simd=True)


# -- Unsigned offset -----------------------------------------------------------------------------------------

_UNSIGNED = "[<Xn|SP>{, #<offsetN>}]"


@instruction(
    "size:2 111 VR=1 01 opc:2 imm12:12 Rn:5 Rt:5",
    *_forms("str", "ldst_pos", _UNSIGNED),
    operands=_MEMORY,
)
def STR_V_pos(m: Machine, size: int, opc: int, imm12: int, Rn: int, Rt: int) -> None:
    """Store a SIMD&FP register, at a base and an unsigned offset in units of the size."""
    scale = _scale(size, opc)
    _store(m, scale, base_address(m, Rn) + (imm12 << scale), Rt)


@instruction(
    "size:2 111 VR=1 01 opc:2 imm12:12 Rn:5 Rt:5",
    *_forms("ldr", "ldst_pos", _UNSIGNED),
    operands=_MEMORY,
)
def LDR_V_pos(m: Machine, size: int, opc: int, imm12: int, Rn: int, Rt: int) -> None:
    """Load a SIMD&FP register, from a base and an unsigned offset in units of the size."""
    scale = _scale(size, opc)
    _load(m, scale, base_address(m, Rn) + (imm12 << scale), Rt)


# -- Register offset -----------------------------------------------------------------------------------------


def _indexed(m: Machine, Rn: int, Rm: int, option: int, shift: int) -> Value:
    return base_address(m, Rn) + extended_index(m, Rm, option, shift)


@instruction(
    "size:2 111 VR=1 00 opc:2 1 Rm:5 option:3 S 10 Rn:5 Rt:5",
    *_register_forms("str"),
    operands=_MEMORY,
)
def STR_V_regoff(m: Machine, size: int, opc: int, Rm: int, option: int, S: int, Rn: int, Rt: int) -> None:
    """Store a SIMD&FP register, at a base and an extended and optionally scaled register."""
    scale = _scale(size, opc)
    _store(m, scale, _indexed(m, Rn, Rm, option, S * scale), Rt)


@instruction(
    "size:2 111 VR=1 00 opc:2 1 Rm:5 option:3 S 10 Rn:5 Rt:5",
    *_register_forms("ldr"),
    operands=_MEMORY,
)
def LDR_V_regoff(m: Machine, size: int, opc: int, Rm: int, option: int, S: int, Rn: int, Rt: int) -> None:
    """Load a SIMD&FP register, from a base and an extended and optionally scaled register."""
    scale = _scale(size, opc)
    _load(m, scale, _indexed(m, Rn, Rm, option, S * scale), Rt)


# -- Unscaled offset -----------------------------------------------------------------------------------------

_SIGNED_OFFSET = "[<Xn|SP>{, #<simm9>}]"


def _offset(m: Machine, Rn: int, imm9: int) -> Value:
    return base_address(m, Rn) + sign_extended(imm9, 9)


@instruction(
    "size:2 111 VR=1 00 opc:2 0 imm9:9 00 Rn:5 Rt:5",
    *_forms("stur", "ldst_unscaled", _SIGNED_OFFSET),
    operands=_MEMORY,
    aliases=_unscaled_aliases("str", "stur"),
)
def STUR_V(m: Machine, size: int, opc: int, imm9: int, Rn: int, Rt: int) -> None:
    """Store a SIMD&FP register, at a base and a signed offset in bytes."""
    _store(m, _scale(size, opc), _offset(m, Rn, imm9), Rt)


@instruction(
    "size:2 111 VR=1 00 opc:2 0 imm9:9 00 Rn:5 Rt:5",
    *_forms("ldur", "ldst_unscaled", _SIGNED_OFFSET),
    operands=_MEMORY,
    aliases=_unscaled_aliases("ldr", "ldur"),
)
def LDUR_V(m: Machine, size: int, opc: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a SIMD&FP register, from a base and a signed offset in bytes."""
    _load(m, _scale(size, opc), _offset(m, Rn, imm9), Rt)


# -- Post-index and pre-index --------------------------------------------------------------------------------

_POST = "[<Xn|SP>], #<simm9>"
_PRE = "[<Xn|SP>, #<simm9>]!"


@instruction(
    "size:2 111 VR=1 00 opc:2 0 imm9:9 01 Rn:5 Rt:5",
    *_forms("str", "ldst_immpost", _POST),
    operands=_MEMORY,
)
def STR_V_immpost(m: Machine, size: int, opc: int, imm9: int, Rn: int, Rt: int) -> None:
    """Store a SIMD&FP register at a base, and add a signed offset to the base."""
    address = base_address(m, Rn)
    _store(m, _scale(size, opc), address, Rt)
    m.XSP[64, Rn] = address + sign_extended(imm9, 9)


@instruction(
    "size:2 111 VR=1 00 opc:2 0 imm9:9 01 Rn:5 Rt:5",
    *_forms("ldr", "ldst_immpost", _POST),
    operands=_MEMORY,
)
def LDR_V_immpost(m: Machine, size: int, opc: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a SIMD&FP register from a base, and add a signed offset to the base."""
    address = base_address(m, Rn)
    _load(m, _scale(size, opc), address, Rt)
    m.XSP[64, Rn] = address + sign_extended(imm9, 9)


@instruction(
    "size:2 111 VR=1 00 opc:2 0 imm9:9 11 Rn:5 Rt:5",
    *_forms("str", "ldst_immpre", _PRE),
    operands=_MEMORY,
)
def STR_V_immpre(m: Machine, size: int, opc: int, imm9: int, Rn: int, Rt: int) -> None:
    """Store a SIMD&FP register at a base and a signed offset; the base becomes that address."""
    address = _offset(m, Rn, imm9)
    _store(m, _scale(size, opc), address, Rt)
    m.XSP[64, Rn] = address


@instruction(
    "size:2 111 VR=1 00 opc:2 0 imm9:9 11 Rn:5 Rt:5",
    *_forms("ldr", "ldst_immpre", _PRE),
    operands=_MEMORY,
)
def LDR_V_immpre(m: Machine, size: int, opc: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a SIMD&FP register from a base and a signed offset; the base becomes that address."""
    address = _offset(m, Rn, imm9)
    _load(m, _scale(size, opc), address, Rt)
    m.XSP[64, Rn] = address


# -- Literal -------------------------------------------------------------------------------------------------


@instruction(
    "opc:2 011 VR=1 00 imm19:19 Rt:5",
    ("LDR_S_loadlit", "opc=00", "ldr <St>, <literal>"),
    ("LDR_D_loadlit", "opc=01", "ldr <Dt>, <literal>"),
    ("LDR_Q_loadlit", "opc=10", "ldr <Qt>, <literal>"),
    operands=_MEMORY,
)
def LDR_V_loadlit(m: Machine, opc: int, imm19: int, Rt: int) -> None:
    """Load a SIMD&FP register from a label within 1 MiB."""
    _load(m, 2 + opc, m.address(m.pc + 4 * sign_extended(imm19, 19)), Rt)
