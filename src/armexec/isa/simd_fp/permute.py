"""Permutations ("Advanced SIMD permute", "extract" and "table lookup" of the index)."""

from __future__ import annotations

from ..description import instruction
from ..machine import Machine
from ..operands import Fields, Immediate, Operand
from ..operands.simd import B_Q, SIZE_Q
from ..syntax import OperandError
from ..values import Vector

_PERMUTE: dict[str, Operand] = {"T": SIZE_Q}


def _operands(m: Machine, Q: int, size: int, Rm: int, Rn: int) -> tuple[Vector, Vector, int]:
    """The two sources, and half their number of elements."""
    width, esize = 64 << Q, 8 << size
    return m.Vec[width, esize, Rn], m.Vec[width, esize, Rm], width // esize // 2


@instruction(
    "0 Q 001110 size:2 0 Rm:5 0 op=0 01 10 Rn:5 Rd:5",
    ("UZP1_asimdperm_only", "", "uzp1 <Vd>.<T>, <Vn>.<T>, <Vm>.<T>"),
    operands=_PERMUTE,
    undefined=SIZE_Q.reserved,
)
def UZP1(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Take the elements of even number from both sources."""
    a, b, half = _operands(m, Q, size, Rm, Rn)
    m.Vec[64 << Q, 8 << size, Rd] = a.shuffle(b, [2 * i for i in range(2 * half)])


@instruction(
    "0 Q 001110 size:2 0 Rm:5 0 op=1 01 10 Rn:5 Rd:5",
    ("UZP2_asimdperm_only", "", "uzp2 <Vd>.<T>, <Vn>.<T>, <Vm>.<T>"),
    operands=_PERMUTE,
    undefined=SIZE_Q.reserved,
)
def UZP2(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Take the elements of odd number from both sources."""
    a, b, half = _operands(m, Q, size, Rm, Rn)
    m.Vec[64 << Q, 8 << size, Rd] = a.shuffle(b, [2 * i + 1 for i in range(2 * half)])


@instruction(
    "0 Q 001110 size:2 0 Rm:5 0 op=0 10 10 Rn:5 Rd:5",
    ("TRN1_asimdperm_only", "", "trn1 <Vd>.<T>, <Vn>.<T>, <Vm>.<T>"),
    operands=_PERMUTE,
    undefined=SIZE_Q.reserved,
)
def TRN1(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Interleave the elements of even number."""
    a, b, half = _operands(m, Q, size, Rm, Rn)
    m.Vec[64 << Q, 8 << size, Rd] = a.shuffle(b, [2 * i + j * 2 * half for i in range(half) for j in (0, 1)])


@instruction(
    "0 Q 001110 size:2 0 Rm:5 0 op=1 10 10 Rn:5 Rd:5",
    ("TRN2_asimdperm_only", "", "trn2 <Vd>.<T>, <Vn>.<T>, <Vm>.<T>"),
    operands=_PERMUTE,
    undefined=SIZE_Q.reserved,
)
def TRN2(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Interleave the elements of odd number."""
    a, b, half = _operands(m, Q, size, Rm, Rn)
    m.Vec[64 << Q, 8 << size, Rd] = a.shuffle(b, [2 * i + 1 + j * 2 * half for i in range(half) for j in (0, 1)])


@instruction(
    "0 Q 001110 size:2 0 Rm:5 0 op=0 11 10 Rn:5 Rd:5",
    ("ZIP1_asimdperm_only", "", "zip1 <Vd>.<T>, <Vn>.<T>, <Vm>.<T>"),
    operands=_PERMUTE,
    undefined=SIZE_Q.reserved,
)
def ZIP1(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Interleave the lower halves."""
    a, b, half = _operands(m, Q, size, Rm, Rn)
    m.Vec[64 << Q, 8 << size, Rd] = a.shuffle(b, [i + j * 2 * half for i in range(half) for j in (0, 1)])


@instruction(
    "0 Q 001110 size:2 0 Rm:5 0 op=1 11 10 Rn:5 Rd:5",
    ("ZIP2_asimdperm_only", "", "zip2 <Vd>.<T>, <Vn>.<T>, <Vm>.<T>"),
    operands=_PERMUTE,
    undefined=SIZE_Q.reserved,
)
def ZIP2(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Interleave the upper halves."""
    a, b, half = _operands(m, Q, size, Rm, Rn)
    m.Vec[64 << Q, 8 << size, Rd] = a.shuffle(b, [half + i + j * 2 * half for i in range(half) for j in (0, 1)])


class _ByteIndex(Immediate):
    """The number of a byte of a register: 0..7 where Q is clear, else 0..15."""

    dependent = True

    def __init__(self) -> None:
        super().__init__("imm4")

    def encode_after(self, value: int, fields: Fields) -> dict[str, int]:
        last = 15 if fields["Q"] else 7
        if not 0 <= value <= last:
            raise OperandError(f"index {value} of a byte is out of range 0..{last}")
        return {"imm4": value}


@instruction(
    "0 Q 10 1110 op2=00 0 Rm:5 0 imm4:4 0 Rn:5 Rd:5",
    ("EXT_asimdext_only", "", "ext <Vd>.<T>, <Vn>.<T>, <Vm>.<T>, #<index>"),
    operands={"T": B_Q, "index": _ByteIndex()},
    undefined=lambda f: f["Q"] == 0 and f["imm4"] > 7,
)
def EXT(m: Machine, Q: int, Rm: int, imm4: int, Rn: int, Rd: int) -> None:
    """Take consecutive bytes of the second source above the first, from a byte of the first on."""
    width = 64 << Q
    m.Vec[width, 8, Rd] = m.Vec[width, 8, Rn].shuffle(m.Vec[width, 8, Rm], range(imm4, imm4 + width // 8))


# -- Table lookup --------------------------------------------------------------------------------------------------


def _table_forms(mnemonic: str) -> list[tuple[str, str, str]]:
    return [
        (
            f"{mnemonic.upper()}_asimdtbl_L{count}_{count}",
            f"len={count - 1:02b}",
            f"{mnemonic} <Vd>.<Ta>, {{ {', '.join(['<Vn>.16B', '<Vn+1>.16B', '<Vn+2>.16B', '<Vn+3>.16B'][:count])} }}, "
            "<Vm>.<Ta>",
        )
        for count in (1, 2, 3, 4)
    ]


def _lookup(m: Machine, Q: int, Rm: int, length: int, Rn: int) -> Vector:
    indices = m.Vec[64 << Q, 8, Rm]
    # An index below the register's bytes wraps to 192 or more, and one above them is 16 or more: both give zero.
    result = m.Vec[128, 8, Rn].table(indices)
    for i in range(1, length + 1):
        result = result | m.Vec[128, 8, (Rn + i) % 32].table(indices - 16 * i)
    return result


@instruction(
    "0 Q 001110 op2=00 0 Rm:5 0 len:2 op=0 00 Rn:5 Rd:5",
    *_table_forms("tbl"),
    operands={"Ta": B_Q},
)
def TBL(m: Machine, Q: int, Rm: int, len: int, Rn: int, Rd: int) -> None:
    """Look bytes up in a table of one to four registers; zero for an index beyond it."""
    m.Vec[64 << Q, 8, Rd] = _lookup(m, Q, Rm, len, Rn)


@instruction(
    "0 Q 001110 op2=00 0 Rm:5 0 len:2 op=1 00 Rn:5 Rd:5",
    *_table_forms("tbx"),
    operands={"Ta": B_Q},
)
def TBX(m: Machine, Q: int, Rm: int, len: int, Rn: int, Rd: int) -> None:
    """Look bytes up in a table of one to four registers, keeping a byte whose index is beyond it."""
    width = 64 << Q
    within = m.Vec[width, 8, Rm].ult(16 * (len + 1))
    m.Vec[width, 8, Rd] = within.choose(_lookup(m, Q, Rm, len, Rn), m.Vec[width, 8, Rd])
