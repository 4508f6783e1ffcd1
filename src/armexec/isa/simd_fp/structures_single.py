"""LD1-LD4 and ST1-ST4 of a single structure, and LD1R-LD4R ("Advanced SIMD load/store single structure" of the index).

Of a load, the whole structure is read before a register is written: after a fault, registers keep what they held.
"""

from __future__ import annotations

from ..base.memory_access import base_address
from ..description import instruction
from ..machine import Machine
from ..operands import Fields, Operand
from ..operands.simd import SIZE_Q, Arrangement, ElementIndex, element_size
from ..syntax import OperandError
from ..values import Value
from .structures import PostIndex, register_list, write_back


class _LaneIndex(ElementIndex):
    """Q:S:size as the element's number in bytes; the low bits of larger elements say what they are."""

    fields = ("Q", "S", "size")

    def element(self, field: str, lanes: str, index: int, number: int) -> dict[str, int]:
        size = element_size(lanes) // 8
        if not 0 <= index < 16 // size:
            raise OperandError(f"index {index} of a .{lanes} element is out of range 0..{16 // size - 1}")
        place = index * size
        encoded = {field: number, "Q": place >> 3}
        if size <= 4:
            encoded["S"] = place >> 2 & 1
        if size == 1:
            encoded["size"] = place & 3
        elif size == 2:
            encoded["size/10"] = place & 2
        return encoded

    def locate(self, field: str, lanes: str, fields: Fields) -> tuple[int, int]:
        return fields[field], _index(fields["Q"], fields["S"], fields["size"], element_size(lanes))


def _index(Q: int, S: int, size: int, esize: int) -> int:
    return (Q << 3 | S << 2 | size) * 8 // esize


_ELEMENTS = (
    ("B", "opcode=00{s}", 1),
    ("H", "opcode=01{s} size=x0", 2),
    ("S", "opcode=10{s} size=00", 4),
    ("D", "opcode=10{s} size=01 S=0", 8),
)

_OPERANDS: dict[str, Operand] = {
    "index": _LaneIndex(),
    "T": Arrangement("size:Q", {**SIZE_Q.table, "11:0": "1d"}),
    **{f"imm{n}": PostIndex({n: {}}) for n in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)},
    **{f"bytes{n}": PostIndex({n << size: {"size": size} for size in range(4)}) for n in (1, 2, 3, 4)},
}


def _forms(mnemonic: str, *, post: bool) -> list[tuple[str, str, str]]:
    forms = []
    for count in (1, 2, 3, 4):
        # The elements of a structure are one more than opcode<0>:R.
        place = f"R={count - 1 & 1} "
        opcode0 = str(count - 1 >> 1)
        name = f"{mnemonic}{count}"
        for element, constraints, size in _ELEMENTS:
            constraint = place + constraints.format(s=opcode0)
            syntax = f"{name} {register_list(count, element, '[<index>]')}, [<Xn|SP>]"
            ending = f"{count}{element.lower()}"
            if post:
                forms += [
                    (
                        f"{name.upper()}_asisdlsop_{element}{count}_i{ending}",
                        f"{constraint} Rm=11111",
                        f"{syntax}, #<imm{count * size}>",
                    ),
                    (
                        f"{name.upper()}_asisdlsop_{element}X{count}_r{ending}",
                        f"{constraint} Rm!=11111",
                        f"{syntax}, <Xm>",
                    ),
                ]
            else:
                forms.append((f"{name.upper()}_asisdlso_{element}{count}_{ending}", constraint, syntax))
    return forms


def _replicate_forms(*, post: bool) -> list[tuple[str, str, str]]:
    forms = []
    for count in (1, 2, 3, 4):
        constraint = f"R={count - 1 & 1} opcode=11{count - 1 >> 1}"
        syntax = f"ld{count}r {register_list(count, '<T>')}, [<Xn|SP>]"
        if post:
            forms += [
                (f"LD{count}R_asisdlsop_R{count}_i", f"{constraint} Rm=11111", f"{syntax}, #<bytes{count}>"),
                (f"LD{count}R_asisdlsop_RX{count}_r", f"{constraint} Rm!=11111", f"{syntax}, <Xm>"),
            ]
        else:
            forms.append((f"LD{count}R_asisdlso_R{count}", constraint, syntax))
    return forms


def _structure(R: int, opcode: int, size: int) -> tuple[int, int]:
    """The number of elements, and their size in bits."""
    esize = (8, 16, 64 if size & 1 else 32)[opcode >> 1]
    return 1 + ((opcode & 1) << 1 | R), esize


def _read(m: Machine, count: int, esize: int, address: Value) -> list[Value]:
    return [m.load(address + i * esize // 8, esize) for i in range(count)]


def _load(m: Machine, Q: int, R: int, opcode: int, S: int, size: int, address: Value, Rt: int) -> int:
    """Load an element of each register; return the bytes accessed."""
    count, esize = _structure(R, opcode, size)
    index = _index(Q, S, size, esize)
    for i, value in enumerate(_read(m, count, esize, address)):
        t = (Rt + i) % 32
        m.Vec[128, esize, t] = m.Vec[128, esize, t].insert(index, value)
    return count * esize // 8


def _store(m: Machine, Q: int, R: int, opcode: int, S: int, size: int, address: Value, Rt: int) -> int:
    """Store an element of each register; return the bytes accessed."""
    count, esize = _structure(R, opcode, size)
    index = _index(Q, S, size, esize)
    for i in range(count):
        m.store(address + i * esize // 8, m.Vec[128, esize, (Rt + i) % 32].lane(index))
    return count * esize // 8


def _replicate(m: Machine, Q: int, R: int, opcode: int, size: int, address: Value, Rt: int) -> int:
    """Load elements into all lanes; return the bytes accessed."""
    count, esize, width = 1 + ((opcode & 1) << 1 | R), 8 << size, 64 << Q
    for i, value in enumerate(_read(m, count, esize, address)):
        m.Vec[width, esize, (Rt + i) % 32] = m.splat(value, width // esize)
    return count * esize // 8


@instruction(
    "0 Q 0011010 L=1 R o2=0 0000 opcode:3 S size:2 Rn:5 Rt:5",
    *_forms("ld", post=False),
    operands=_OPERANDS,
)
def LD_single(m: Machine, Q: int, R: int, opcode: int, S: int, size: int, Rn: int, Rt: int) -> None:
    """Load a structure into one element of each register, keeping the others."""
    _load(m, Q, R, opcode, S, size, base_address(m, Rn), Rt)


@instruction(
    "0 Q 0011010 L=0 R o2=0 0000 opcode:3 S size:2 Rn:5 Rt:5",
    *_forms("st", post=False),
    operands=_OPERANDS,
)
def ST_single(m: Machine, Q: int, R: int, opcode: int, S: int, size: int, Rn: int, Rt: int) -> None:
    """Store a structure from one element of each register."""
    _store(m, Q, R, opcode, S, size, base_address(m, Rn), Rt)


@instruction(
    "0 Q 0011010 L=1 R o2=0 0000 opcode:3 S=0 size:2 Rn:5 Rt:5",
    *_replicate_forms(post=False),
    operands=_OPERANDS,
)
def LD_replicate(m: Machine, Q: int, R: int, opcode: int, size: int, Rn: int, Rt: int) -> None:
    """Load a structure, each element into every element of a register."""
    _replicate(m, Q, R, opcode, size, base_address(m, Rn), Rt)


@instruction(
    "0 Q 0011011 L=1 R Rm:5 opcode:3 S size:2 Rn:5 Rt:5",
    *_forms("ld", post=True),
    operands=_OPERANDS,
)
def LD_single_post(m: Machine, Q: int, R: int, Rm: int, opcode: int, S: int, size: int, Rn: int, Rt: int) -> None:
    """Load a structure into one element of each register, keeping the others, and add to the base."""
    address = base_address(m, Rn)
    write_back(m, address, _load(m, Q, R, opcode, S, size, address, Rt), Rm, Rn)


@instruction(
    "0 Q 0011011 L=0 R Rm:5 opcode:3 S size:2 Rn:5 Rt:5",
    *_forms("st", post=True),
    operands=_OPERANDS,
)
def ST_single_post(m: Machine, Q: int, R: int, Rm: int, opcode: int, S: int, size: int, Rn: int, Rt: int) -> None:
    """Store a structure from one element of each register, and add to the base."""
    address = base_address(m, Rn)
    write_back(m, address, _store(m, Q, R, opcode, S, size, address, Rt), Rm, Rn)


@instruction(
    "0 Q 0011011 L=1 R Rm:5 opcode:3 S=0 size:2 Rn:5 Rt:5",
    *_replicate_forms(post=True),
    operands=_OPERANDS,
)
def LD_replicate_post(m: Machine, Q: int, R: int, Rm: int, opcode: int, size: int, Rn: int, Rt: int) -> None:
    """Load a structure, each element into every element of a register, and add to the base."""
    address = base_address(m, Rn)
    write_back(m, address, _replicate(m, Q, R, opcode, size, address, Rt), Rm, Rn)
