"""Random straight programs with forward branches, as functions that every engine can run.

A program is a function of one pointer, X28 while it runs, to the start of data memory. It loads all other registers
and the flags from there, runs its body, stores them 256 bytes further, and returns. The body is integer instructions
of user space; it accesses the upper part of data memory.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from armexec.isa import Form, decode
from armexec.machines.traps import TrapKind

from . import on_reference
from .generate import encodings, random_value, random_word
from .state import CODE, DATA, DATA_SIZE, Outcome, State

__all__ = ["Program", "program"]

_POINTER = 28
_OUT = 256
_END = 31 * 8
"""Where the flags are, after X0-X30."""
# By the file that describes them; of the branches and system instructions only some.
_BRANCHES = ["B_cond", "CBZ", "CBNZ", "TBZ", "TBNZ", "B"]
_FLAGS = ["CFINV", "XAFLAG", "AXFLAG"]
_NOT = {"ADR", "ADRP", "PACGA", "XPAC", "LDSMAX", "LDSMIN"}
"""Results that depend on where the code is, are the implementation's own, or wrong in Unicorn (see `exceptions`)."""
_NEW = {"FEAT_CSSC"}
"""Features that Unicorn doesn't have."""


def _register_fields(word: int) -> list[int]:
    decoded = decode(word)
    assert decoded is not None
    return [value for name, value in decoded.fields.items() if name in ("Rd", "Rn", "Rm", "Ra", "Rs", "Rt", "Rt2")]


@cache
def _forms() -> dict[str, list[Form]]:
    found: dict[str, list[Form]] = {"data": [], "memory": [], "branch": []}
    for form in encodings().values():
        described = form.instruction
        if described.privileged or described.name in _NOT or form.feature in _NEW:
            continue
        # Of the folder of SIMD and floating point nothing: these are integer programs.
        home = described.semantics.__module__.removeprefix("armexec.isa.base.")
        if home.startswith("dp_") or described.name in _FLAGS:
            found["data"].append(form)
        elif described.name in _BRANCHES:
            found["branch"].append(form)
        elif home.startswith("loads_stores") and "imm19" not in described.places:
            found["memory"].append(form)
    return found


def _with_field(word: int, form: Form, name: str, value: int) -> int:
    low, mask = form.instruction.places[name]
    return word & ~(mask << low) | (value & mask) << low


def _data(rng: random.Random) -> list[int]:
    while True:
        form = rng.choice(_forms()["data"])
        word = random_word(rng, form)
        registers = _register_fields(word)
        # The stack pointer differs between engines, and X28 stays.
        if _POINTER not in registers and not (31 in registers and "SP>" in form.syntax):
            return [word]


def _memory(rng: random.Random) -> list[int]:
    """An access, after what makes its base point into data memory."""
    while True:
        form = rng.choice(_forms()["memory"])
        word = random_word(rng, form)
        base = rng.choice([n for n in range(31) if n != _POINTER])
        word = _with_field(word, form, "Rn", base)
        places = form.instruction.places
        # add base, x28, #2, lsl #12
        setup = [0x9140_0800 | _POINTER << 5 | base]
        if "imm12" in places:
            word = _with_field(word, form, "imm12", rng.randrange(256))
        if "ldapstl" in form.name:
            word = _with_field(word, form, "imm9", 16 * rng.randrange(-16, 16))
        if "option" in places:
            index = rng.choice([n for n in range(31) if n not in (_POINTER, base)])
            word = _with_field(word, form, "Rm", index)
            # movz or movn index, #n: a small index, positive or negative.
            sign = 0x9280_0000 if rng.randrange(2) else 0xD280_0000
            option = word >> 13 & 7
            if option == 2:
                sign = 0xD280_0000
            setup.append(sign | rng.randrange(200) << 5 | index)
        decoded = decode(word)
        if decoded is None or decoded.form is not form:
            continue
        if _POINTER not in _register_fields(word):
            return [*setup, word]


def _exclusive(rng: random.Random) -> list[int]:
    """A load-exclusive and a store-exclusive to the same place, sometimes with something between."""
    base, value, new, status = rng.sample([n for n in range(31) if n != _POINTER], 4)
    size = rng.randrange(4)
    ordered = rng.randrange(2) << 15
    setup = 0x9140_0800 | _POINTER << 5 | base
    load = size << 30 | 0x085F_7C00 | ordered | base << 5 | value
    store = size << 30 | 0x0800_7C00 | ordered | status << 16 | base << 5 | new
    # clrex, or a store of another value to the same place
    between = rng.choice(([], [], [0xD503_3F5F], [size << 30 | 0x3900_0000 | base << 5 | new]))
    return [setup, load, *between, store]


def _pairs(first: int, offset: int, *, store: bool) -> list[int]:
    """LDP or STP (or LDR and STR) of X0-X30 but X28, and of `first` registers before, at X28."""
    words = []
    for n in range(first, 31, 2):
        at = (offset + 8 * n) // 8
        if n in (_POINTER, 30):
            single = n + 1 if n == _POINTER else 30
            words.append(
                (0xF900_0000 if store else 0xF940_0000) | (offset // 8 + single) << 10 | _POINTER << 5 | single
            )
        else:
            words.append((0xA900_0000 if store else 0xA940_0000) | (at & 127) << 15 | n + 1 << 10 | _POINTER << 5 | n)
    return words


_PROLOGUE = [
    0xF81F_0FFE,  # str x30, [sp, #-16]!
    0xAA00_03E0 | _POINTER,  # mov x28, x0
    0xF940_0000 | _END // 8 << 10 | _POINTER << 5,  # ldr x0, [x28, #248]
    0xD51B_4200,  # msr nzcv, x0
    *_pairs(0, 0, store=False),
]
_EPILOGUE = [
    *_pairs(0, _OUT, store=True),
    0xD53B_4200,  # mrs x0, nzcv
    0xF900_0000 | (_OUT + _END) // 8 << 10 | _POINTER << 5,  # str x0, [x28, #504]
    0xF841_07FE,  # ldr x30, [sp], #16
]
_RET = 0xD65F_03C0


@dataclass(frozen=True)
class Program:
    """A program, what is in data memory when it starts, and what the reference machine leaves there."""

    seed: int
    body: tuple[int, ...]
    memory: bytes
    expected: bytes

    @property
    def words(self) -> list[int]:
        return [*_PROLOGUE, *self.body, *_EPILOGUE, _RET]

    @property
    def state(self) -> State:
        """The program without its return, for machines that have no caller."""
        registers = [DATA] + [0] * 30 + [DATA + DATA_SIZE]
        return State(CODE, tuple(self.words[:-1]), registers, 0, patches=[(DATA, self.memory)])

    def differences(self, memory: bytes) -> list[str]:
        """What an engine left elsewhere than the reference machine did, but for the stack."""
        found = []
        for n in range(32):
            at = _OUT + 8 * n
            ours, theirs = (int.from_bytes(m[at : at + 8], "little") for m in (self.expected, memory))
            if ours != theirs:
                found.append(f"{'nzcv' if n == 31 else f'x{n}'}: 0x{ours:x} != 0x{theirs:x}")
        for at in range(2 * _OUT, DATA_SIZE - 16):
            if self.expected[at] != memory[at]:
                found.append(f"memory at 0x{DATA + at:x}: {self.expected[at]:02x} != {memory[at]:02x}")
        return found


def program(seed: int) -> Program | None:
    """The program of a number, or None if it traps: there is no result to compare then."""
    rng = random.Random(f"program/{seed}")
    count = rng.randrange(5, 31)
    units: list[list[int]] = []
    for _ in range(count):
        choice = rng.randrange(10)
        if choice < 6:
            units.append(_data(rng))
        elif choice < 8:
            units.append(_memory(rng))
        elif choice < 9:
            units.append([random_word(rng, rng.choice(_forms()["branch"]))])
        else:
            units.append(_exclusive(rng))
    starts = [0]
    for unit in units:
        starts.append(starts[-1] + len(unit))
    for number, unit in enumerate(units):
        decoded = decode(unit[0])
        assert decoded is not None
        if decoded.instruction.name in _BRANCHES:
            target = starts[rng.randrange(number + 1, len(starts))] - starts[number]
            name = next(n for n in ("imm14", "imm19", "imm26") if n in decoded.instruction.places)
            unit[0] = _with_field(unit[0], decoded.form, name, target)
    memory = bytearray(random.Random(f"data/{seed}").randbytes(DATA_SIZE))
    for n in range(31):
        memory[8 * n : 8 * n + 8] = random_value(rng).to_bytes(8, "little")
    memory[_END : _END + 8] = (rng.randrange(16) << 28).to_bytes(8, "little")
    made = Program(seed, tuple(word for unit in units for word in unit), bytes(memory), b"")
    outcome: Outcome = on_reference.run(made.state)
    if outcome.trap is not None:
        assert outcome.trap in (TrapKind.ALIGNMENT, TrapKind.READ, TrapKind.WRITE), outcome.trap
        return None
    assert outcome.pc == CODE + 4 * (len(made.words) - 1)
    return Program(seed, made.body, made.memory, outcome.memory)
