"""The relocations of AArch64 code and data.

Source: ELF for the Arm 64-bit Architecture (AAELF64), "Relocation types". S is the symbol's address, A the
addend, P the place relocated, G(x) the address of the GOT slot that holds x, Page(x) x with its low 12 bits
clear. Mach-O's relocations are expressed in these types too.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "BRANCHES",
    "GOT_TYPES",
    "PAGE_TYPES",
    "THREAD_LOCAL_TYPES",
    "OutOfRange",
    "RelocationType",
    "apply",
    "field_size",
]


class RelocationType(IntEnum):
    """AAELF64's numbers, without the prefix R_AARCH64_."""

    NONE = 0
    NONE_256 = 256
    ABS64 = 257
    ABS32 = 258
    ABS16 = 259
    PREL64 = 260
    PREL32 = 261
    PREL16 = 262
    MOVW_UABS_G0 = 263
    MOVW_UABS_G0_NC = 264
    MOVW_UABS_G1 = 265
    MOVW_UABS_G1_NC = 266
    MOVW_UABS_G2 = 267
    MOVW_UABS_G2_NC = 268
    MOVW_UABS_G3 = 269
    MOVW_SABS_G0 = 270
    MOVW_SABS_G1 = 271
    MOVW_SABS_G2 = 272
    LD_PREL_LO19 = 273
    ADR_PREL_LO21 = 274
    ADR_PREL_PG_HI21 = 275
    ADR_PREL_PG_HI21_NC = 276
    ADD_ABS_LO12_NC = 277
    LDST8_ABS_LO12_NC = 278
    TSTBR14 = 279
    CONDBR19 = 280
    JUMP26 = 282
    CALL26 = 283
    LDST16_ABS_LO12_NC = 284
    LDST32_ABS_LO12_NC = 285
    LDST64_ABS_LO12_NC = 286
    MOVW_PREL_G0 = 287
    MOVW_PREL_G0_NC = 288
    MOVW_PREL_G1 = 289
    MOVW_PREL_G1_NC = 290
    MOVW_PREL_G2 = 291
    MOVW_PREL_G2_NC = 292
    MOVW_PREL_G3 = 293
    LDST128_ABS_LO12_NC = 299
    GOTREL64 = 307
    GOTREL32 = 308
    GOT_LD_PREL19 = 309
    LD64_GOTOFF_LO15 = 310
    ADR_GOT_PAGE = 311
    LD64_GOT_LO12_NC = 312
    LD64_GOTPAGE_LO15 = 313
    PLT32 = 314
    GOTPCREL32 = 315
    TLSIE_ADR_GOTTPREL_PAGE21 = 541
    TLSIE_LD64_GOTTPREL_LO12_NC = 542
    TLSIE_LD_GOTTPREL_PREL19 = 543
    TLSLE_MOVW_TPREL_G2 = 544
    TLSLE_MOVW_TPREL_G1 = 545
    TLSLE_MOVW_TPREL_G1_NC = 546
    TLSLE_MOVW_TPREL_G0 = 547
    TLSLE_MOVW_TPREL_G0_NC = 548
    TLSLE_ADD_TPREL_HI12 = 549
    TLSLE_ADD_TPREL_LO12 = 550
    TLSLE_ADD_TPREL_LO12_NC = 551
    TLSLE_LDST8_TPREL_LO12 = 552
    TLSLE_LDST8_TPREL_LO12_NC = 553
    TLSLE_LDST16_TPREL_LO12 = 554
    TLSLE_LDST16_TPREL_LO12_NC = 555
    TLSLE_LDST32_TPREL_LO12 = 556
    TLSLE_LDST32_TPREL_LO12_NC = 557
    TLSLE_LDST64_TPREL_LO12 = 558
    TLSLE_LDST64_TPREL_LO12_NC = 559
    TLSDESC_ADR_PAGE21 = 562
    TLSDESC_LD64_LO12 = 563
    TLSDESC_ADD_LO12 = 564
    TLSDESC_CALL = 569
    TLSLE_LDST128_TPREL_LO12 = 570
    TLSLE_LDST128_TPREL_LO12_NC = 571
    TLS = 1 << 16
    """A reference to a thread-local variable that can't be made, which becomes UDF. The number isn't AAELF64's."""


_T = RelocationType

# Data: bytes, whether P is subtracted, least and greatest value accepted.
_DATA: dict[int, tuple[int, bool, int, int]] = {
    _T.ABS64: (8, False, -(1 << 63), (1 << 63) - 1),
    _T.ABS32: (4, False, -(1 << 31), (1 << 32) - 1),
    _T.ABS16: (2, False, -(1 << 15), (1 << 16) - 1),
    _T.PREL64: (8, True, -(1 << 63), (1 << 63) - 1),
    _T.PREL32: (4, True, -(1 << 31), (1 << 32) - 1),
    _T.PREL16: (2, True, -(1 << 15), (1 << 16) - 1),
    _T.GOTREL64: (8, False, -(1 << 63), (1 << 63) - 1),
    _T.GOTREL32: (4, False, -(1 << 31), (1 << 31) - 1),
    _T.PLT32: (4, True, -(1 << 31), (1 << 31) - 1),
    _T.GOTPCREL32: (4, True, -(1 << 31), (1 << 31) - 1),
}
# Word offsets from P: bits of the field, its lowest bit.
_WORD_OFFSET: dict[int, tuple[int, int]] = {
    _T.CALL26: (26, 0),
    _T.JUMP26: (26, 0),
    _T.CONDBR19: (19, 5),
    _T.TSTBR14: (14, 5),
    _T.LD_PREL_LO19: (19, 5),
    _T.GOT_LD_PREL19: (19, 5),
    _T.TLSIE_LD_GOTTPREL_PREL19: (19, 5),
}
# Bits 11:0 of an address in imm12: log2 of the access size.
_LO12: dict[int, int] = {
    _T.ADD_ABS_LO12_NC: 0,
    _T.LDST8_ABS_LO12_NC: 0,
    _T.LDST16_ABS_LO12_NC: 1,
    _T.LDST32_ABS_LO12_NC: 2,
    _T.LDST64_ABS_LO12_NC: 3,
    _T.LDST128_ABS_LO12_NC: 4,
    _T.LD64_GOT_LO12_NC: 3,
    _T.TLSIE_LD64_GOTTPREL_LO12_NC: 3,
    _T.TLSLE_ADD_TPREL_LO12: 0,
    _T.TLSLE_ADD_TPREL_LO12_NC: 0,
    _T.TLSLE_LDST8_TPREL_LO12: 0,
    _T.TLSLE_LDST8_TPREL_LO12_NC: 0,
    _T.TLSLE_LDST16_TPREL_LO12: 1,
    _T.TLSLE_LDST16_TPREL_LO12_NC: 1,
    _T.TLSLE_LDST32_TPREL_LO12: 2,
    _T.TLSLE_LDST32_TPREL_LO12_NC: 2,
    _T.TLSLE_LDST64_TPREL_LO12: 3,
    _T.TLSLE_LDST64_TPREL_LO12_NC: 3,
    _T.TLSLE_LDST128_TPREL_LO12: 4,
    _T.TLSLE_LDST128_TPREL_LO12_NC: 4,
}
_CHECKED_LO12 = frozenset(t for t in _LO12 if _T(t).name.endswith("TPREL_LO12"))
# 16 bits of a MOVZ, MOVN or MOVK: which 16, whether checked, whether signed, whether P is subtracted.
_MOVW: dict[int, tuple[int, bool, bool, bool]] = {
    _T.MOVW_UABS_G0: (0, True, False, False),
    _T.MOVW_UABS_G0_NC: (0, False, False, False),
    _T.MOVW_UABS_G1: (1, True, False, False),
    _T.MOVW_UABS_G1_NC: (1, False, False, False),
    _T.MOVW_UABS_G2: (2, True, False, False),
    _T.MOVW_UABS_G2_NC: (2, False, False, False),
    _T.MOVW_UABS_G3: (3, False, False, False),
    _T.MOVW_SABS_G0: (0, True, True, False),
    _T.MOVW_SABS_G1: (1, True, True, False),
    _T.MOVW_SABS_G2: (2, True, True, False),
    _T.MOVW_PREL_G0: (0, True, True, True),
    _T.MOVW_PREL_G0_NC: (0, False, True, True),
    _T.MOVW_PREL_G1: (1, True, True, True),
    _T.MOVW_PREL_G1_NC: (1, False, True, True),
    _T.MOVW_PREL_G2: (2, True, True, True),
    _T.MOVW_PREL_G2_NC: (2, False, True, True),
    _T.MOVW_PREL_G3: (3, False, True, True),
    _T.TLSLE_MOVW_TPREL_G0: (0, True, True, False),
    _T.TLSLE_MOVW_TPREL_G0_NC: (0, False, True, False),
    _T.TLSLE_MOVW_TPREL_G1: (1, True, True, False),
    _T.TLSLE_MOVW_TPREL_G1_NC: (1, False, True, False),
    _T.TLSLE_MOVW_TPREL_G2: (2, True, True, False),
}
# The instructions that load a TLS descriptor and call its function become those that load the offset itself, as the
# relaxation to the local-exec model does: `movz x0`, `movk x0`, and two times `nop`. AAELF64, "Static TLS relaxations".
_DESCRIPTOR: dict[int, tuple[int, int]] = {
    _T.TLSDESC_ADR_PAGE21: (0xD2A00000, 16),
    _T.TLSDESC_LD64_LO12: (0xF2800000, 0),
    _T.TLSDESC_ADD_LO12: (0xD503201F, 64),
    _T.TLSDESC_CALL: (0xD503201F, 64),
}
_PAGES = frozenset({_T.ADR_PREL_PG_HI21, _T.ADR_PREL_PG_HI21_NC, _T.ADR_GOT_PAGE, _T.TLSIE_ADR_GOTTPREL_PAGE21})
_LO15 = frozenset({_T.LD64_GOTOFF_LO15, _T.LD64_GOTPAGE_LO15})

BRANCHES = frozenset({_T.CALL26, _T.JUMP26, _T.CONDBR19, _T.TSTBR14})
"""Branches, which may go through a veneer to the symbol."""
PAGE_TYPES = frozenset({_T.ADR_PREL_PG_HI21, _T.ADR_PREL_PG_HI21_NC, _T.ADR_PREL_LO21})
"""ADR and ADRP of the symbol itself."""
GOT_TYPES = frozenset(
    {
        _T.GOT_LD_PREL19,
        _T.LD64_GOTOFF_LO15,
        _T.ADR_GOT_PAGE,
        _T.LD64_GOT_LO12_NC,
        _T.LD64_GOTPAGE_LO15,
        _T.GOTPCREL32,
        _T.TLSIE_ADR_GOTTPREL_PAGE21,
        _T.TLSIE_LD64_GOTTPREL_LO12_NC,
        _T.TLSIE_LD_GOTTPREL_PREL19,
    }
)
"""Relocations whose target is the symbol's slot in the global offset table."""
THREAD_LOCAL_TYPES = frozenset(t for t in RelocationType if t.name.startswith("TLS"))
"""References to thread-local variables, whose addresses are offsets from the thread pointer."""


_MASK = (1 << 64) - 1


def _signed(value: int) -> int:
    value &= _MASK
    return value - (1 << 64) if value >> 63 else value


class OutOfRange(Exception):
    """A relocated value doesn't fit its field; the text says how."""


def field_size(type: int) -> int:
    """The number of bytes a relocation of this type writes; 0 for none."""
    if type in _DATA:
        return _DATA[type][0]
    return 0 if type in {_T.NONE, _T.NONE_256} else 4


def apply(data: bytearray, at: int, type: int, target: int, place: int, got: int) -> None:
    """Write the relocated field at `data[at:]`.

    Addresses are 64 bits and wrap. `target` is S + A, or G(S + A) for the types of GOT_TYPES; `place` is P; `got`
    the address of the GOT. Raises OutOfRange.
    """
    if type in _DATA:
        size, relative, least, most = _DATA[type]
        origin = place if relative else got if type in {_T.GOTREL64, _T.GOTREL32} else 0
        value = _signed(target - origin)
        if not least <= value <= most:
            raise OutOfRange(f"value {value:#x} doesn't fit {8 * size} bits")
        data[at : at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
        return
    word = int.from_bytes(data[at : at + 4], "little")
    if type == _T.TLS:
        word = 0
    elif type in _WORD_OFFSET:
        bits, low = _WORD_OFFSET[type]
        value = _signed(target - place)
        if value & 3:
            raise OutOfRange(f"target {target:#x} is not a multiple of 4")
        reach = 1 << (bits + 1)
        if not -reach <= value < reach:
            raise OutOfRange(f"target is {value:+#x} bytes away, more than {reach:#x}")
        mask = ((1 << bits) - 1) << low
        word = word & ~mask | (value >> 2) << low & mask
    elif type in _LO12:
        value, scale = target & 0xFFF, _LO12[type]
        if value & ((1 << scale) - 1):
            raise OutOfRange(f"target {target:#x} is not a multiple of {1 << scale}")
        if type in _CHECKED_LO12 and not 0 <= target < 1 << 12:
            raise OutOfRange(f"the variable is {target:#x} bytes from the thread pointer, more than 0x1000")
        word = word & ~(0xFFF << 10) | (value >> scale) << 10
    elif type == _T.TLSLE_ADD_TPREL_HI12:
        if not 0 <= target < 1 << 24:
            raise OutOfRange(f"the variable is {target:#x} bytes from the thread pointer, more than 0x1000000")
        word = word & ~(0xFFF << 10) | (target >> 12) << 10
    elif type in _DESCRIPTOR:
        if not 0 <= target < 1 << 32:
            raise OutOfRange(f"the variable is {target:#x} bytes from the thread pointer, more than 4 GiB")
        instruction, shift = _DESCRIPTOR[type]
        word = instruction if shift == 64 else instruction | (target >> shift & 0xFFFF) << 5
    elif type in _PAGES or type == _T.ADR_PREL_LO21:
        if type == _T.ADR_PREL_LO21:
            value = _signed(target - place)
            unit, reach = "bytes", 1 << 20
        else:
            value = _signed((target & ~0xFFF) - (place & ~0xFFF)) >> 12
            unit, reach = "pages", 1 << 20
        if type != _T.ADR_PREL_PG_HI21_NC and not -reach <= value < reach:
            raise OutOfRange(f"target is {value:+#x} {unit} away, more than {reach:#x}")
        word = word & 0x9F00001F | (value & 3) << 29 | (value >> 2 & 0x7FFFF) << 5
    elif type in _MOVW:
        word = _move_wide(word, type, target, place)
    elif type in _LO15:
        value = target - (got if type == _T.LD64_GOTOFF_LO15 else got & ~0xFFF)
        if value & 7 or not 0 <= value < 1 << 15:
            raise OutOfRange(f"offset {value:#x} in the GOT is more than 15 bits")
        word = word & ~(0xFFF << 10) | (value >> 3) << 10
    elif type in {_T.NONE, _T.NONE_256}:
        return
    else:
        raise OutOfRange(f"type {type} is not known")
    data[at : at + 4] = word.to_bytes(4, "little")


def _move_wide(word: int, type: int, target: int, place: int) -> int:
    group, checked, signed, relative = _MOVW[type]
    value = target - (place if relative else 0)
    value = _signed(value) if signed else value & _MASK
    if checked:
        top = 1 << 16 * (group + 1)
        if not (-top if signed else 0) <= value < top:
            raise OutOfRange(f"value {value:#x} doesn't fit {16 * (group + 1)} bits")
    part = value >> 16 * group
    # MOVK (opc 11) takes the bits as they are; MOVN (00) and MOVZ (10) are chosen by the sign.
    if signed and not word & 1 << 29:
        if part & 0x10000:
            part = ~part
            word &= ~(1 << 30)
        else:
            word |= 1 << 30
    return word & ~(0xFFFF << 5) | (part & 0xFFFF) << 5
