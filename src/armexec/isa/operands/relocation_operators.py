"""The relocation operators of assembly (`:lo12:symbol`), and the ELF relocations they mean.

Source: ELF for the Arm 64-bit Architecture (AAELF64), "Relocation types"; the operators' names are those of GNU as.
Apple's operators (`symbol@PAGEOFF`) are expressed by ELF's relocations too.
"""

from __future__ import annotations

__all__ = ["ADD", "ADR", "ADRP", "LITERAL", "MOVE_WIDE", "load_store"]


def _name(text: str) -> str:
    return f"R_AARCH64_{text}"


MOVE_WIDE: dict[str, str] = {
    **{f"abs_g{n}": _name(f"MOVW_UABS_G{n}") for n in range(4)},
    **{f"abs_g{n}_nc": _name(f"MOVW_UABS_G{n}_NC") for n in range(3)},
    **{f"abs_g{n}_s": _name(f"MOVW_SABS_G{n}") for n in range(3)},
    **{f"prel_g{n}": _name(f"MOVW_PREL_G{n}") for n in range(4)},
    **{f"prel_g{n}_nc": _name(f"MOVW_PREL_G{n}_NC") for n in range(3)},
    **{f"tprel_g{n}": _name(f"TLSLE_MOVW_TPREL_G{n}") for n in range(3)},
    **{f"tprel_g{n}_nc": _name(f"TLSLE_MOVW_TPREL_G{n}_NC") for n in range(2)},
    **{f"dtprel_g{n}": _name(f"TLSLD_MOVW_DTPREL_G{n}") for n in range(3)},
    **{f"dtprel_g{n}_nc": _name(f"TLSLD_MOVW_DTPREL_G{n}_NC") for n in range(2)},
    "gottprel_g1": _name("TLSIE_MOVW_GOTTPREL_G1"),
    "gottprel_g0_nc": _name("TLSIE_MOVW_GOTTPREL_G0_NC"),
    "tlsgd_g1": _name("TLSGD_MOVW_G1"),
    "tlsgd_g0_nc": _name("TLSGD_MOVW_G0_NC"),
    "tlsdesc_off_g1": _name("TLSDESC_OFF_G1"),
    "tlsdesc_off_g0_nc": _name("TLSDESC_OFF_G0_NC"),
    "gotoff_g1": _name("MOVW_GOTOFF_G1"),
    "gotoff_g0_nc": _name("MOVW_GOTOFF_G0_NC"),
}
"""Operators of MOVZ, MOVN and MOVK: 16 bits of an address or an offset; `g1` are bits 31:16."""

ADD: dict[str, str] = {
    "lo12": _name("ADD_ABS_LO12_NC"),
    "pageoff": _name("ADD_ABS_LO12_NC"),
    "tprel_hi12": _name("TLSLE_ADD_TPREL_HI12"),
    "tprel_lo12": _name("TLSLE_ADD_TPREL_LO12"),
    "tprel_lo12_nc": _name("TLSLE_ADD_TPREL_LO12_NC"),
    "dtprel_hi12": _name("TLSLD_ADD_DTPREL_HI12"),
    "dtprel_lo12": _name("TLSLD_ADD_DTPREL_LO12"),
    "dtprel_lo12_nc": _name("TLSLD_ADD_DTPREL_LO12_NC"),
    "tlsgd_lo12": _name("TLSGD_ADD_LO12_NC"),
    "tlsldm_lo12_nc": _name("TLSLD_ADD_LO12_NC"),
    "tlsdesc_lo12": _name("TLSDESC_ADD_LO12"),
    "tlvppageoff": _name("TLSDESC_ADD_LO12"),
}
"""Operators of ADD (immediate): the low 12 bits; `hi12`: bits 23:12, shifted."""

ADR: dict[str, str] = {
    "": _name("ADR_PREL_LO21"),
    "tlsgd": _name("TLSGD_ADR_PREL21"),
    "tlsldm": _name("TLSLD_ADR_PREL21"),
    "tlsdesc": _name("TLSDESC_ADR_PREL21"),
}

ADRP: dict[str, str] = {
    "": _name("ADR_PREL_PG_HI21"),
    "page": _name("ADR_PREL_PG_HI21"),
    "pg_hi21": _name("ADR_PREL_PG_HI21"),
    "pg_hi21_nc": _name("ADR_PREL_PG_HI21_NC"),
    "got": _name("ADR_GOT_PAGE"),
    "gotpage": _name("ADR_GOT_PAGE"),
    "gottprel": _name("TLSIE_ADR_GOTTPREL_PAGE21"),
    "tlsgd": _name("TLSGD_ADR_PAGE21"),
    "tlsldm": _name("TLSLD_ADR_PAGE21"),
    "tlsdesc": _name("TLSDESC_ADR_PAGE21"),
    "tlvppage": _name("TLSDESC_ADR_PAGE21"),
}

LITERAL: dict[str, str] = {
    "": _name("LD_PREL_LO19"),
    "got": _name("GOT_LD_PREL19"),
    "gottprel": _name("TLSIE_LD_GOTTPREL_PREL19"),
    "tlsdesc": _name("TLSDESC_LD_PREL19"),
}
"""Operators of LDR (literal)."""


def load_store(size: int) -> dict[str, str]:
    """The relocations of the unsigned offset of a load or store of `size` bytes."""
    bits = 8 * size
    table = {
        "lo12": _name(f"LDST{bits}_ABS_LO12_NC"),
        "pageoff": _name(f"LDST{bits}_ABS_LO12_NC"),
        "tprel_lo12": _name(f"TLSLE_LDST{bits}_TPREL_LO12"),
        "tprel_lo12_nc": _name(f"TLSLE_LDST{bits}_TPREL_LO12_NC"),
        "dtprel_lo12": _name(f"TLSLD_LDST{bits}_DTPREL_LO12"),
        "dtprel_lo12_nc": _name(f"TLSLD_LDST{bits}_DTPREL_LO12_NC"),
    }
    if size == 8:
        table |= {
            "got_lo12": _name("LD64_GOT_LO12_NC"),
            "gotpageoff": _name("LD64_GOT_LO12_NC"),
            "gotpage_lo15": _name("LD64_GOTPAGE_LO15"),
            "gottprel_lo12": _name("TLSIE_LD64_GOTTPREL_LO12_NC"),
            "tlsdesc_lo12": _name("TLSDESC_LD64_LO12"),
            "tlvppageoff": _name("TLSDESC_LD64_LO12"),
        }
    return table
