"""Copies of elements and general registers ("Advanced SIMD copy" and "Advanced SIMD scalar copy" of the index)."""

from __future__ import annotations

from ..description import Alias, instruction
from ..machine import Machine
from ..operands import Context, Fields, Operand
from ..operands.simd import IMM4_INDEX, IMM5_INDEX, Arrangement
from ..syntax import Cursor, OperandError, Register, general_register

_ELEMENTS = {"xxxx1": "b", "xxx10": "h", "xx100": "s", "x1000": "d"}
_TS = Arrangement("imm5", _ELEMENTS)
_T = Arrangement(
    "imm5:Q",
    {
        "xxxx1:0": "8b",
        "xxxx1:1": "16b",
        "xxx10:0": "4h",
        "xxx10:1": "8h",
        "xx100:0": "2s",
        "xx100:1": "4s",
        "x1000:1": "2d",
    },
)


class _GeneralSource(Operand):
    """The general register in Rn that an element of imm5's size is taken from: X for D elements, else W."""

    fields = ("Rn", "imm5")
    dependent = True

    def parse(self, cursor: Cursor) -> Register:
        return cursor.register(("w", "x"), "a register W0-W30, WZR, X0-X30 or XZR")

    def encode_after(self, value: Register, fields: Fields) -> dict[str, int]:
        kind = self._kind(fields["imm5"])
        if value.kind != kind:
            raise OperandError(f"{value.name} can't stand here: elements of this size take {kind.upper()} registers")
        return {"Rn": value.number}

    def decode(self, fields: Fields) -> Register:
        return general_register(self._kind(fields["imm5"]), fields["Rn"], sp=False)

    def text(self, value: Register, context: Context) -> str:
        return value.name

    def _kind(self, imm5: int) -> str:
        return "x" if imm5 & 15 == 8 else "w"


class _UnnamedElement(Operand):
    """`v0[1]`, an element of the size that the operand before it has."""

    fields = ("Rn", "imm5")
    dependent = True
    _expected = "an element (V0[0])"

    def parse(self, cursor: Cursor) -> Register:
        register = cursor.register(("v",), self._expected)
        if register.lanes or not cursor.punctuation("["):
            cursor.position -= 1
            raise cursor.fail(self._expected)
        index = cursor.number("an element's index")
        cursor.expect("]")
        return Register("v", register.number, "", index)

    def encode_after(self, value: Register, fields: Fields) -> dict[str, int]:
        assert value.index is not None
        return IMM5_INDEX.element("Rn", _TS.decode(fields), value.index, value.number)

    def decode(self, fields: Fields) -> Register:
        number, index = IMM5_INDEX.locate("Rn", _TS.decode(fields), fields)
        return Register("v", number, "", index)

    def text(self, value: Register, context: Context) -> str:
        return value.name


_COPY: dict[str, Operand] = {
    "Vn[index]": _UnnamedElement(),
    "T": _T,
    "Ts": _TS,
    "V": _TS,
    "TW": _TS.without("d"),
    "TX": _TS.without("s", "d"),
    "Rn": _GeneralSource(),
    "index": IMM5_INDEX,
    "index1": IMM5_INDEX,
    "index2": IMM4_INDEX,
}


def _element(imm5: int) -> tuple[int, int]:
    """The size of the element in bits, and the index."""
    size = (imm5 & -imm5).bit_length() - 1
    return 8 << size, imm5 >> size + 1


@instruction(
    "0 Q op=0 01110000 imm5:5 0 imm4=0000 1 Rn:5 Rd:5",
    ("DUP_asimdins_DV_v", "", "dup <Vd>.<T>, <Vn>.<Ts>[<index>]"),
    operands=_COPY,
    undefined=_T.reserved,
)
def DUP_element(m: Machine, Q: int, imm5: int, Rn: int, Rd: int) -> None:
    """Copy an element to every element."""
    esize, index = _element(imm5)
    size = 64 << Q
    m.Vec[size, esize, Rd] = m.splat(m.Vec[128, esize, Rn].lane(index), size // esize)


@instruction(
    "0 Q op=0 01110000 imm5:5 0 imm4=0001 1 Rn:5 Rd:5",
    ("DUP_asimdins_DR_r", "", "dup <Vd>.<T>, <Rn>"),
    operands=_COPY,
    undefined=_T.reserved,
)
def DUP_general(m: Machine, Q: int, imm5: int, Rn: int, Rd: int) -> None:
    """Copy a general register to every element."""
    esize, _ = _element(imm5)
    size = 64 << Q
    m.Vec[size, esize, Rd] = m.splat(m.X[max(esize, 32), Rn].bits(0, esize), size // esize)


@instruction(
    "01 op=0 11110000 imm5:5 0 imm4=0000 1 Rn:5 Rd:5",
    ("DUP_asisdone_only", "", "dup <V><d>, <Vn>.<Ts>[<index>]"),
    operands=_COPY,
    aliases=[
        Alias("MOV_DUP_asisdone_only", "", "mov <V><d>, <Vn>.<Ts>[<index>]"),
        # Apple's syntax.
        Alias("MOV_DUP_asisdone_only", "", "mov <V><d>, <Vn[index]>", preferred=False),
        Alias("DUP_asisdone_only", "", "dup <V><d>, <Vn[index]>", preferred=False),
    ],
    undefined=_TS.reserved,
)
def DUP_scalar(m: Machine, imm5: int, Rn: int, Rd: int) -> None:
    """Copy an element to a scalar register."""
    esize, index = _element(imm5)
    m.V[esize, Rd] = m.Vec[128, esize, Rn].lane(index)


@instruction(
    "0 Q op=0 01110000 imm5:5 0 imm4=0101 1 Rn:5 Rd:5",
    ("SMOV_asimdins_W_w", "Q=0", "smov <Wd>, <Vn>.<TX>[<index>]"),
    ("SMOV_asimdins_X_x", "Q=1", "smov <Xd>, <Vn>.<TW>[<index>]"),
    operands=_COPY,
    undefined=lambda f: f["imm5"] & (7 if f["Q"] else 3) == 0,
)
def SMOV(m: Machine, Q: int, imm5: int, Rn: int, Rd: int) -> None:
    """Copy an element to a general register, extending the sign."""
    esize, index = _element(imm5)
    size = 32 << Q
    m.X[size, Rd] = m.Vec[128, esize, Rn].lane(index).sign_extend(size)


@instruction(
    "0 Q op=0 01110000 imm5:5 0 imm4=0111 1 Rn:5 Rd:5",
    ("UMOV_asimdins_W_w", "Q=0", "umov <Wd>, <Vn>.<TW>[<index>]"),
    ("UMOV_asimdins_X_x", "Q=1 imm5=x1000", "umov <Xd>, <Vn>.<Ts>[<index>]"),
    operands=_COPY,
    aliases=[
        Alias("MOV_UMOV_asimdins_W_w", "Q=0 imm5=xx100", "mov <Wd>, <Vn>.<Ts>[<index>]"),
        Alias("MOV_UMOV_asimdins_X_x", "Q=1 imm5=x1000", "mov <Xd>, <Vn>.<Ts>[<index>]"),
    ],
    undefined=lambda f: f["imm5"] & (15 if f["Q"] else 7) == 0,
)
def UMOV(m: Machine, Q: int, imm5: int, Rn: int, Rd: int) -> None:
    """Copy an element to a general register, filled with zeros."""
    esize, index = _element(imm5)
    size = 32 << Q
    m.X[size, Rd] = m.Vec[128, esize, Rn].lane(index).zero_extend(size)


@instruction(
    "0 Q=1 op=0 01110000 imm5:5 0 imm4=0011 1 Rn:5 Rd:5",
    ("INS_asimdins_IR_r", "", "ins <Vd>.<Ts>[<index>], <Rn>"),
    operands=_COPY,
    aliases=[Alias("MOV_INS_asimdins_IR_r", "", "mov <Vd>.<Ts>[<index>], <Rn>")],
    undefined=_TS.reserved,
)
def INS_general(m: Machine, imm5: int, Rn: int, Rd: int) -> None:
    """Copy a general register to an element, keeping the others."""
    esize, index = _element(imm5)
    value = m.X[max(esize, 32), Rn].bits(0, esize)
    m.Vec[128, esize, Rd] = m.Vec[128, esize, Rd].insert(index, value)


@instruction(
    "0 Q=1 op=1 01110000 imm5:5 0 imm4:4 1 Rn:5 Rd:5",
    ("INS_asimdins_IV_v", "", "ins <Vd>.<Ts>[<index1>], <Vn>.<Ts>[<index2>]"),
    operands=_COPY,
    aliases=[Alias("MOV_INS_asimdins_IV_v", "", "mov <Vd>.<Ts>[<index1>], <Vn>.<Ts>[<index2>]")],
    undefined=_TS.reserved,
)
def INS_element(m: Machine, imm5: int, imm4: int, Rn: int, Rd: int) -> None:
    """Copy an element to an element, keeping the others."""
    esize, index = _element(imm5)
    source = m.Vec[128, esize, Rn].lane(imm4 * 8 // esize)
    m.Vec[128, esize, Rd] = m.Vec[128, esize, Rd].insert(index, source)
