"""Straight sequences of random words in random states, the same for the same seed.

The reference machine executes each word as it is drawn. A word that traps is drawn again, so a sequence runs to its
end, and each of its words counts in the outcome. Only the last may be a branch.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from armexec.disasm import disassemble
from armexec.engines.reference import step
from armexec.isa import Form, decode
from armexec.isa.system_registers import CNTVCT_EL0, FPCR, FPSR
from armexec.machines.addresses import without_tag
from armexec.machines.interpreter.machine import ReferenceMachine
from armexec.machines.traps import Trap
from armexec.memory import AccessError

from .generate import encodings, is_load_or_store, random_state, random_vector, random_word
from .on_reference import DataMemory, outcome_of, set_registers
from .runner import ORACLES
from .state import CODE, CODE_SIZE, DATA, DATA_SIZE, Outcome, State

__all__ = ["ENGINES", "LENGTH", "STATES", "differing", "in_other_states", "sequence"]

ENGINES = ("translated-O0", "translated-O2", "plain-O0", "plain-O2")
LENGTH = 16
"""Words of a sequence."""
STATES = 3
"""Maximum states in which a sequence is executed."""
_NEAR = 0x1000
"""Offsets of registers that are likely to stay in data memory."""


class _Data(DataMemory):
    """Data memory that can take back what the last instruction wrote. Code can't be read: it isn't drawn yet."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._written: list[tuple[int, bytes]] = []

    def read(self, address: int, size: int) -> bytes:
        if CODE <= address < CODE + CODE_SIZE:
            raise AccessError(address, "read")
        return super().read(address, size)

    def write(self, address: int, data: bytes) -> None:
        old = self.read(address, len(data))
        super().write(address, data)
        self._written.append((address, old))

    def keep(self) -> None:
        self._written.clear()

    def take_back(self) -> None:
        while self._written:
            super().write(*self._written.pop())


def _is_branch(word: int) -> bool:
    """Of "Branches, exception generating and system instructions" (C4.1.66), those that aren't system's."""
    return word >> 26 & 7 == 5 and word >> 24 != 0xD5


def _is_usable(word: int, *, plain: bool) -> bool:
    """Whether all engines agree on the word: the time goes on, and plain code can't see FPCR and FPSR."""
    if word >> 20 not in (0xD51, 0xD53):
        return True
    register = 1 << 15 | word >> 5 & 0xFFFF
    return register != CNTVCT_EL0 and not (plain and register in (FPCR, FPSR))


@cache
def _forms() -> list[Form]:
    return list(encodings().values())


def _addresses(rng: random.Random) -> list[int]:
    """Addresses in data memory for some of the registers, a few of them tagged."""
    found = [DATA + 8 * rng.randrange(DATA_SIZE // 8) for _ in range(12)]
    return [address | (rng.getrandbits(8) << 56 if rng.randrange(12) == 0 else 0) for address in found]


def _aimed(rng: random.Random, machine: ReferenceMachine, word: int) -> int:
    """A load or store with registers, or an offset of a literal, by which it is likely to be in data memory."""
    decoded = decode(word)
    assert decoded is not None
    places = decoded.instruction.places
    if "imm19" in places:
        low, mask = places["imm19"]
        offset = (DATA + 16 * rng.randrange(DATA_SIZE // 16) - machine.pc) // 4
        return word & ~(mask << low) | (offset & mask) << low
    registers = machine.registers
    for name, wanted in (("Rn", _is_inside), ("Rm", _is_near)):
        good = [n for n in range(31) if wanted(registers[n])]
        if name in places and good:
            low, mask = places[name]
            word = word & ~(mask << low) | rng.choice(good) << low
    return word


def _is_inside(value: int) -> bool:
    return DATA <= without_tag(value) < DATA + DATA_SIZE


def _is_near(value: int) -> bool:
    return value < _NEAR


def _execute(machine: ReferenceMachine, memory: _Data, word: int) -> bool:
    """Whether the word doesn't trap. The machine is as before if it does."""
    before = [*machine.registers], [*machine.vectors], {**machine.system_registers}, machine.NZCV, machine.monitor
    memory.keep()
    try:
        step(machine, {machine.pc: word})
    except Trap:
        memory.take_back()
        registers, vectors, system, machine.NZCV, machine.monitor = before
        machine.registers[:], machine.vectors[:] = registers, vectors
        machine.system_registers.update(system)
        return False
    return True


def sequence(seed: int, length: int = LENGTH, *, plain: bool = False) -> tuple[State, Outcome]:
    """A sequence, and what the reference machine makes of it. `plain`: with an FPCR of zero, which nothing sees."""
    rng = random.Random(f"sequence/{seed}")
    state = random_state(rng, (0,) * length)
    state.registers[31] &= ~15
    for address in _addresses(rng):
        state.registers[rng.randrange(31)] = address
    if plain:
        state.fpcr = 0
    memory = _Data(state)
    machine = ReferenceMachine(memory)
    set_registers(machine, state)
    words: list[int] = []
    while len(words) < length:
        word = random_word(rng, rng.choice(_forms()))
        if is_load_or_store(word) and rng.randrange(8):
            word = _aimed(rng, machine, word)
        is_last = len(words) == length - 1
        if not _is_usable(word, plain=plain) or (_is_branch(word) and not is_last):
            continue
        if _execute(machine, memory, word):
            words.append(word)
    state.code = tuple(words)
    return state, outcome_of(machine, bytes(memory.data))


def in_other_states(seed: int, state: State, count: int) -> Iterator[tuple[State, Outcome]]:
    """The sequence with other vectors and flags, where it runs to its end then, too."""
    rng = random.Random(f"states/{seed}")
    for _ in range(count):
        other = replace(state, nzcv=rng.randrange(16), vectors=[random_vector(rng) for _ in range(32)])
        memory = _Data(other)
        machine = ReferenceMachine(memory)
        set_registers(machine, other)
        if all(_execute(machine, memory, word) for word in other.code):
            yield other, outcome_of(machine, bytes(memory.data))


def differing(oracle: str, seeds: Sequence[int], length: int = LENGTH) -> Iterator[str]:
    """A message for each sequence that one of `ENGINES` doesn't end as the reference machine does."""
    made = [(seed, *sequence(seed, length, plain=oracle.startswith("plain"))) for seed in seeds]
    made += [(seed, *each) for seed, state, _ in made for each in in_other_states(seed, state, STATES - 1)]
    outcomes = ORACLES[oracle]([state for _, state, _ in made])
    for (seed, state, ours), theirs in zip(made, outcomes, strict=True):
        if differences := ours.differences(theirs):
            texts = [f"  {i.address:x}: {i.word:08x}  {i.text}" for i in disassemble(state.code, address=state.pc)]
            lines = [f"sequence {seed} of {length} words differs from {oracle} (reference != {oracle}):"]
            yield "\n".join([*lines, *texts, *(f"  {difference}" for difference in differences), str(state)])
