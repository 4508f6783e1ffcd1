"""Data processing, one source: counts, reversals, pointer authentication (class "Data Processing -- Register")."""

from __future__ import annotations

from ..description import Alias, instruction
from ..machine import Machine
from .pointer_authentication import strip

_W32 = "sf=0 imm6=0xxxxx"
_X64 = "sf=1"

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
