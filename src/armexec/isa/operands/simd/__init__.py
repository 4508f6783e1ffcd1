"""Operands of SIMD and floating-point instructions. Templates are written as in Arm's manual:

    "fadd <Dd>, <Dn>, <Dm>"                              B H S D Q registers; the field is Rd Rn Rm Ra Rt Rt2 Rs
    "add <Vd>.<T>, <Vn>.<T>, <Vm>.<T>"                   vectors: "T" (Ta, Tb ...) in `operands` is an Arrangement
    "aese <Vd>.16B, <Vn>.16B"                            vectors of one arrangement
    "sqadd <V><d>, <V><n>, <V><m>"                       scalars: "V" (Va, Vb ...) is an Arrangement naming b h s d
    "fmla <Vd>.<T>, <Vn>.<T>, <Vm>.<Ts>[<index>]"        elements: "index" is ByElement, IMM5_INDEX or IMM4_INDEX
    "fmov <Xd>, <Vn>.D[1]"                               one element
    "ld2 { <Vt>.<T>, <Vt2>.<T> }, [<Xn|SP>]"             lists, counted by their commas; also `{ ... }[<index>]`
    "sshr <Vd>.<T>, <Vn>.<T>, #<shift>"                  "shift" is ShiftRight() or ShiftLeft(): esize by immh
    "fmov <Dd>, #<imm>"                                  "imm" is FLOAT_IMMEDIATE, or FloatImmediate("abc", "defgh")
    "fcmeq <Hd>, <Hn>, #0.0", "cmeq <Vd>.<T>, <Vn>.<T>, #0"   zeros, as they stand
    "fcvtzs <Wd>, <Sn>, #<fbits>"                        "fbits" is FIXED_POINT_FRACTION

An Arrangement says which name each value of some fields means, as in the manual's tables:

    T = Arrangement("size:Q", {"00:0": "8b", "00:1": "16b", "01:0": "4h", ...})        x stands for either bit

What isn't in the table is reserved: say `undefined=T.reserved` (several: `reserved(Ta, Tb)`), unless the form's
constraints exclude it. SIZE_Q, SZ_Q, IMMH_Q and their like below are the usual tables; `SIZE_Q.without("2d")` has fewer
names.

An operand whose encoding depends on an earlier one's (a shift on the arrangement) is `dependent`, and has
`encode_after`.

Instructions on halves have two forms of one encoding, made by `halves`:

    *halves("ADDHN_asimddiff_N", "addhn{2} <Vd>.<Tb>, <Vn>.<Ta>, <Vm>.<Ta>")           Q=0: addhn, Q=1: addhn2
"""

from __future__ import annotations

from .arrangements import (
    B_Q,
    ELEMENT_SIZE,
    ELEMENT_SZ,
    H_Q,
    IMMH_Q,
    IMMH_SCALAR,
    IMMH_SCALAR_WIDE,
    IMMH_WIDE,
    S_Q,
    SIZE_PAIRS_Q,
    SIZE_Q,
    SIZE_SCALAR,
    SIZE_SCALAR_WIDE,
    SIZE_WIDE,
    SZ_Q,
    SZ_SCALAR,
    Arrangement,
    reserved,
)
from .elements import IMM4_INDEX, IMM5_INDEX, ByElement, Element, ElementIndex, element_size
from .immediates import (
    FIXED_POINT_FRACTION,
    FLOAT_IMMEDIATE,
    FloatImmediate,
    ShiftLeft,
    ShiftRight,
    expand_float_immediate,
    float_immediate_bits,
)
from .lists import RegisterList
from .registers import ScalarRegister, SizedScalar, VectorRegister, simd_register
from .templates import SIMD_TEMPLATE, halves, simd_operand

__all__ = [
    "B_Q",
    "ELEMENT_SIZE",
    "ELEMENT_SZ",
    "FIXED_POINT_FRACTION",
    "FLOAT_IMMEDIATE",
    "H_Q",
    "IMM4_INDEX",
    "IMM5_INDEX",
    "IMMH_Q",
    "IMMH_SCALAR",
    "IMMH_SCALAR_WIDE",
    "IMMH_WIDE",
    "SIMD_TEMPLATE",
    "SIZE_PAIRS_Q",
    "SIZE_Q",
    "SIZE_SCALAR",
    "SIZE_SCALAR_WIDE",
    "SIZE_WIDE",
    "SZ_Q",
    "SZ_SCALAR",
    "S_Q",
    "Arrangement",
    "ByElement",
    "Element",
    "ElementIndex",
    "FloatImmediate",
    "RegisterList",
    "ScalarRegister",
    "ShiftLeft",
    "ShiftRight",
    "SizedScalar",
    "VectorRegister",
    "element_size",
    "expand_float_immediate",
    "float_immediate_bits",
    "halves",
    "reserved",
    "simd_operand",
    "simd_register",
]
