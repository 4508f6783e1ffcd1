"""LD1-LD4 and ST1-ST4 of multiple structures ("Advanced SIMD load/store multiple structures" of the index).

The architecture accesses memory element by element, and after a fault in the middle leaves the registers of a load
UNKNOWN. Here all memory is read before a register is written, so they keep what they held; of a store, what comes
before the fault may have been written.
"""

from __future__ import annotations

from typing import NamedTuple

from ..base.memory_access import base_address
from ..description import instruction
from ..machine import Machine
from ..operands import Fields, Operand
from ..operands.simd import SIZE_Q, Arrangement
from ..values import Value
from .structures import PostIndex, deinterleave, interleave, register_list, write_back


class _Kind(NamedTuple):
    """The meaning of an opcode: the registers, the elements of a structure, and the endings of the encodings' names."""

    registers: int
    elements: int
    plain: str
    immediate: str
    register: str


_KINDS = {
    0b0000: _Kind(4, 4, "R4", "I4_i", "R4_r"),
    0b0010: _Kind(4, 1, "R4_4v", "I4_i4", "R4_r4"),
    0b0100: _Kind(3, 3, "R3", "I3_i", "R3_r"),
    0b0110: _Kind(3, 1, "R3_3v", "I3_i3", "R3_r3"),
    0b0111: _Kind(1, 1, "R1_1v", "I1_i1", "R1_r1"),
    0b1000: _Kind(2, 2, "R2", "I2_i", "R2_r"),
    0b1010: _Kind(2, 1, "R2_2v", "I2_i2", "R2_r2"),
}

_OPERANDS: dict[str, Operand] = {
    "T1": Arrangement("size:Q", {**SIZE_Q.table, "11:0": "1d"}),
    "T": SIZE_Q,
    **{f"imm{n}": PostIndex({8 * n: {"Q": 0}, 16 * n: {"Q": 1}}) for n in (1, 2, 3, 4)},
}


def _forms(mnemonic: str, *, post: bool) -> list[tuple[str, str, str]]:
    forms = []
    for opcode, kind in _KINDS.items():
        name = f"{mnemonic}{kind.elements}"
        registers = register_list(kind.registers, "<T1>" if kind.elements == 1 else "<T>")
        syntax = f"{name} {registers}, [<Xn|SP>]"
        constraint = f"opcode={opcode:04b}"
        if post:
            forms += [
                (
                    f"{name.upper()}_asisdlsep_{kind.immediate}",
                    f"{constraint} Rm=11111",
                    f"{syntax}, #<imm{kind.registers}>",
                ),
                (f"{name.upper()}_asisdlsep_{kind.register}", f"{constraint} Rm!=11111", f"{syntax}, <Xm>"),
            ]
        else:
            forms.append((f"{name.upper()}_asisdlse_{kind.plain}", constraint, syntax))
    return forms


def _reserved(fields: Fields) -> bool:
    return fields["size"] == 3 and not fields["Q"] and _KINDS[fields["opcode"]].elements > 1


def _load(m: Machine, Q: int, opcode: int, size: int, address: Value, Rt: int) -> None:
    width, esize, kind = 64 << Q, 8 << size, _KINDS[opcode]
    vectors = [m.load(address + i * width // 8, width).vector(esize) for i in range(kind.registers)]
    if kind.elements > 1:
        vectors = deinterleave(vectors)
    for i, vector in enumerate(vectors):
        m.Vec[width, esize, (Rt + i) % 32] = vector


def _store(m: Machine, Q: int, opcode: int, size: int, address: Value, Rt: int) -> None:
    width, esize, kind = 64 << Q, 8 << size, _KINDS[opcode]
    vectors = [m.Vec[width, esize, (Rt + i) % 32] for i in range(kind.registers)]
    if kind.elements > 1:
        vectors = interleave(vectors)
    for i, vector in enumerate(vectors):
        m.store(address + i * width // 8, vector.value())


@instruction(
    "0 Q 0011000 L=1 000000 opcode:4 size:2 Rn:5 Rt:5",
    *_forms("ld", post=False),
    operands=_OPERANDS,
    undefined=_reserved,
)
def LD_multiple(m: Machine, Q: int, opcode: int, size: int, Rn: int, Rt: int) -> None:
    """Load vector registers, or the elements of structures into one register each."""
    _load(m, Q, opcode, size, base_address(m, Rn), Rt)


@instruction(
    "0 Q 0011000 L=0 000000 opcode:4 size:2 Rn:5 Rt:5",
    *_forms("st", post=False),
    operands=_OPERANDS,
    undefined=_reserved,
)
def ST_multiple(m: Machine, Q: int, opcode: int, size: int, Rn: int, Rt: int) -> None:
    """Store vector registers, or structures of an element of each."""
    _store(m, Q, opcode, size, base_address(m, Rn), Rt)


@instruction(
    "0 Q 0011001 L=1 0 Rm:5 opcode:4 size:2 Rn:5 Rt:5",
    *_forms("ld", post=True),
    operands=_OPERANDS,
    undefined=_reserved,
)
def LD_multiple_post(m: Machine, Q: int, Rm: int, opcode: int, size: int, Rn: int, Rt: int) -> None:
    """Load vector registers, or the elements of structures into one register each, and add to the base."""
    address = base_address(m, Rn)
    _load(m, Q, opcode, size, address, Rt)
    write_back(m, address, _KINDS[opcode].registers * (8 << Q), Rm, Rn)


@instruction(
    "0 Q 0011001 L=0 0 Rm:5 opcode:4 size:2 Rn:5 Rt:5",
    *_forms("st", post=True),
    operands=_OPERANDS,
    undefined=_reserved,
)
def ST_multiple_post(m: Machine, Q: int, Rm: int, opcode: int, size: int, Rn: int, Rt: int) -> None:
    """Store vector registers, or structures of an element of each, and add to the base."""
    address = base_address(m, Rn)
    _store(m, Q, opcode, size, address, Rt)
    write_back(m, address, _KINDS[opcode].registers * (8 << Q), Rm, Rn)
