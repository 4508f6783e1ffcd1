"""Random words of an encoding in random states, the same for the same seed.

Memory instructions are aimed: the reference machine is asked which address a word accesses in a state, and a base
register, or the offset of a literal, is changed so that the access hits data memory at an address of interest.
"""

from __future__ import annotations

import random
from functools import cache

from armexec.isa import Form, all_instructions, decode
from armexec.isa.system_registers import FPCR, FPSR, USER_READABLE, USER_WRITABLE, system_registers
from armexec.machines.interpreter.machine import ReferenceMachine
from armexec.machines.interpreter.values import Bits
from armexec.machines.traps import Trap

from .on_reference import DataMemory, set_registers
from .state import CODE, CODE_SIZE, DATA, DATA_SIZE, MASK64, State

__all__ = [
    "accessed",
    "aim",
    "case",
    "encodings",
    "is_load_or_store",
    "random_state",
    "random_value",
    "random_word",
]

_TRIES = 400
# DC ZVA (the one that does something), IC IVAU, DC CVAC, CVAU and CIVAC.
_CACHE_OPERATIONS = (0xD50B7420, 0xD50B7420, 0xD50B7420, 0xD50B7420, 0xD50B7520, 0xD50B7A20, 0xD50B7B20, 0xD50B7E20)


@cache
def encodings() -> dict[str, Form]:
    """Every encoding described, by name: `B_only_condbranch`, which is one form for each condition, as `...:b.eq`."""
    forms = [form for described in all_instructions() for form in described.forms]
    names = [form.name for form in forms]
    return {form.name if names.count(form.name) == 1 else f"{form.name}:{form.mnemonic}": form for form in forms}


# -- Words ---------------------------------------------------------------------------------------------------


def _field_value(rng: random.Random, width: int) -> int:
    top = (1 << width) - 1
    sign = 1 << (width - 1)
    choice = rng.randrange(10)
    if choice < 5:
        return rng.getrandbits(width)
    return (0, top, sign, sign - 1, rng.choice((1, top - 1, sign + 1 & top, 1 << rng.randrange(width))))[choice - 5]


def _turn(key: str, index: int, width: int) -> int:
    """A narrow field's value in case `index`: each comes up once in 2**width cases, in some order."""
    values = list(range(1 << width))
    random.Random(f"{key}/{index >> width}").shuffle(values)
    return values[index & (1 << width) - 1]


def random_word(rng: random.Random, form: Form, turn: tuple[str, int] | None = None) -> int:
    """A word of an encoding, awkward more often than chance: 0, all ones, register 31, the same register twice.

    `turn`: a key and the number of a case, for narrow fields to take turns, so that few cases have all their values.
    """
    for attempt in range(_TRIES):
        word = 0
        registers: list[int] = []
        for field in form.instruction.pattern.free:
            if field.name[0] == "R" and field.width == 5:
                choice = rng.randrange(8)
                if choice == 0:
                    value = 31
                elif choice == 1 and registers:
                    value = rng.choice(registers)
                else:
                    value = rng.randrange(32)
                registers.append(value)
            elif turn is not None and attempt == 0 and field.width <= 2:
                value = _turn(f"{turn[0]}/{field.name}", turn[1], field.width)
            else:
                value = _field_value(rng, field.width)
            word |= value << field.low
        word = word & ~form.mask | form.value
        if form.matches(word) and not form.instruction.is_undefined(word):
            decoded = decode(word)
            if decoded is not None and decoded.form is form:
                return word
    raise AssertionError(f"{form}: no word found")


def reserved_word(rng: random.Random, form: Form) -> int:
    """A word of the instruction's pattern that may be no encoding of it: reserved, or another instruction's."""
    pattern = form.instruction.pattern
    return rng.getrandbits(32) & ~pattern.mask | pattern.value


# -- States --------------------------------------------------------------------------------------------------


def random_value(rng: random.Random) -> int:
    """A register's value: random, small, near a power of two, an extreme, or an address in data memory."""
    choice = rng.randrange(12)
    if choice < 3:
        return rng.getrandbits(64)
    if choice == 3:
        return rng.getrandbits(rng.randrange(1, 64))
    if choice == 4:
        return rng.randrange(70)
    if choice < 7:
        return (1 << rng.randrange(65)) + rng.randrange(-2, 3) & MASK64
    if choice == 7:
        return -rng.randrange(1, 70) & MASK64
    if choice == 8:
        # Different in each half: what 32-bit forms must leave out.
        return rng.getrandbits(32) << 32 | rng.choice((0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF))
    if choice == 9:
        return rng.choice((0, 1, MASK64, 1 << 63, (1 << 63) - 1, 0x8000_0000, 0x7FFF_FFFF, 0xFFFF_FFFF))
    if choice == 10:
        return DATA + rng.randrange(DATA_SIZE)
    # Equal bytes, bits in patterns.
    return rng.choice((rng.randrange(256) * 0x0101_0101_0101_0101, 0x5555_5555_5555_5555, 0xAAAA_AAAA_AAAA_AAAA))


# Of half, single and double precision: zeros, ones, the largest, the least normal, denormals, infinities, NaNs of both
# kinds with payloads; halfway cases come from neighbours of powers of two.
_FLOATS = {
    16: (0, 0x3C00, 0x7BFF, 0x0400, 0x0001, 0x03FF, 0x7C00, 0x7E00, 0x7C01, 0x7E55, 0x3C01, 0x5800),
    32: (0, 0x3F80_0000, 0x7F7F_FFFF, 0x0080_0000, 1, 0x7F_FFFF, 0x7F80_0000, 0x7FC0_0000, 0x7F80_0001, 0x7FD5_5555),
    64: (
        0,
        0x3FF << 52,
        0x7FEF << 48 | MASK64 >> 16,
        1 << 52,
        1,
        (1 << 52) - 1,
        0x7FF << 52,
        0xFFF << 51,
        0x7FF << 52 | 9,
    ),
}


def random_vector(rng: random.Random) -> int:
    """A vector register: random, or lanes of one width that are extremes, floating-point values or small numbers."""
    if rng.randrange(4) == 0:
        return rng.getrandbits(128)
    width = rng.choice((8, 16, 32, 64))
    value = 0
    for _ in range(128 // width):
        choice = rng.randrange(6)
        if choice < 2:
            lane = rng.getrandbits(width)
        elif choice == 2 and width in _FLOATS:
            lane = rng.choice(_FLOATS[width]) | rng.randrange(2) << width - 1
        elif choice == 3:
            lane = rng.choice((0, 1, 1 << width - 1, (1 << width - 1) - 1, (1 << width) - 1))
        elif choice == 4:
            lane = rng.randrange(-20, 20)
        else:
            lane = (1 << rng.randrange(width)) + rng.randrange(-1, 2)
        value = value << width | lane & (1 << width) - 1
    return value


def random_state(rng: random.Random, code: tuple[int, ...]) -> State:
    """Registers and flags for a program, which stands somewhere in code memory."""
    registers = [random_value(rng) for _ in range(31)]
    if rng.randrange(3) == 0:
        # Equal operands.
        registers[rng.randrange(31)] = registers[rng.randrange(31)]
    stack = DATA + DATA_SIZE // 2 + 16 * rng.randrange(-64, 64)
    if rng.randrange(12) == 0:
        stack += rng.choice((8, 4, 1))
    registers.append(stack)
    pc = CODE + 4 * rng.randrange(CODE_SIZE // 4 - len(code))
    state = State(pc, code, registers, rng.randrange(16), noise=rng.randrange(8))
    state.vectors = [random_vector(rng) for _ in range(32)]
    state.fpcr = rng.choice((0, 0, 0, rng.getrandbits(32) & USER_WRITABLE[FPCR]))
    state.fpsr = rng.choice((0, rng.getrandbits(32) & USER_WRITABLE[FPSR]))
    return state


# One case of eight has two NaNs, which chance rarely gives: only they tell in which order operands are taken.
_NAN_TURN = 3


def random_nan(rng: random.Random, *, signalling: bool) -> int:
    """64 bits that are a NaN of double precision, two of single and four of half precision, with payloads of their own.

    The lowest of each precision is quiet or signalling; the others may have to be quiet.
    """
    quiet = not signalling
    halves = (
        0x7C00 | quiet << 9 | rng.randrange(1, 1 << 9),
        0x7F80 | quiet << 6 | rng.randrange(1 << 6),
        0x7C00 | quiet << 9 | rng.randrange(1, 1 << 9),
        0x7FF0 | quiet << 3 | rng.randrange(1 << 3),
    )
    return sum((half | rng.randrange(2) << 15) << 16 * i for i, half in enumerate(halves))


def _nan_operands(rng: random.Random, state: State) -> None:
    """NaNs of one kind in the vector registers Rn and Rm; where these are signalling, quiet ones in the others."""
    decoded = decode(state.code[0])
    if decoded is None or "Rn" not in decoded.fields:
        return
    signalling = rng.randrange(2) == 1
    Rn, Rm = decoded.fields["Rn"], decoded.fields.get("Rm", 0)
    # By element, M may be the highest bit of the register's number.
    for number in range(32) if signalling else {Rn, Rm, Rm | 16}:
        kind = signalling and number in (Rn, Rm, Rm | 16)
        state.vectors[number] = random_nan(rng, signalling=kind) | random_nan(rng, signalling=kind) << 64
    state.fpcr = 0


# -- Aiming at data memory -------------------------------------------------------------------------------------


class _Accessed(Exception):
    def __init__(self, address: int) -> None:
        self.address = address


class _ProbingMachine(ReferenceMachine):
    """A machine that only reports the first access, by its address with the tag."""

    def _read(self, address: int, size: int) -> bytes:
        raise _Accessed(address)

    def _write(self, address: int, data: bytes) -> None:
        raise _Accessed(address)

    def store_exclusive(self, address: Bits, value: Bits, *, release: bool = False) -> Bits:
        # Without a monitor there would be no access.
        raise _Accessed(address.value)


def accessed(state: State) -> int | None:
    """The first address that the (only) instruction accesses."""
    machine = _ProbingMachine(DataMemory(state))
    set_registers(machine, state)
    decoded = decode(state.code[0])
    assert decoded is not None
    # Without the fault of a misaligned stack pointer, to see past it.
    machine.registers[31] &= ~15
    try:
        decoded.instruction.semantics(machine, *decoded.fields.values())
    except _Accessed as access:
        return access.address + state.registers[31] % 16 if decoded.fields.get("Rn") == 31 else access.address
    except Trap as trap:
        return trap.detail or None
    return None


def _target(rng: random.Random) -> int:
    """Where an access should go: mostly well inside, sometimes misaligned, at an end, across it, or far away."""
    choice = rng.randrange(24)
    if choice < 14:
        return DATA + 16 * rng.randrange(2, DATA_SIZE // 16 - 2)
    if choice < 17:
        return DATA + 16 * rng.randrange(2, DATA_SIZE // 16 - 2) + rng.choice((4, 8, 12, 14, 15))
    if choice < 20:
        return DATA + rng.randrange(32, DATA_SIZE - 32)
    if choice == 20:
        return DATA
    if choice == 21:
        return DATA + DATA_SIZE - rng.choice((1, 2, 4, 8, 16, 32))
    if choice == 22:
        # Across pages of every size.
        return DATA + DATA_SIZE // 4 * rng.randrange(1, 4) - rng.randrange(1, 16)
    return rng.choice((DATA - 16, DATA + DATA_SIZE, 0, 8, CODE + 4096))


def is_load_or_store(word: int) -> bool:
    """Whether bits 28:25 are x1x0: the class of loads and stores."""
    return word & 0x0A00_0000 == 0x0800_0000


def aim(rng: random.Random, state: State) -> int | None:
    """Change the state so that a memory instruction accesses an address of interest; that address."""
    decoded = decode(state.code[0])
    if decoded is None or not (is_load_or_store(decoded.word) or decoded.instruction.name == "SYS"):
        return None
    address = accessed(state)
    if address is None:
        return None
    target = _target(rng)
    fields = decoded.fields
    if "imm19" in fields:
        offset = (target - state.pc) // 4
        if -(1 << 18) <= offset < 1 << 18:
            low, mask = decoded.instruction.places["imm19"]
            word = state.code[0] & ~(mask << low) | (offset & mask) << low
            state.code = (word,)
            return state.pc + 4 * offset
        return None
    base = fields.get("Rn", fields.get("Rt", 31))
    if base == 31:
        if "Rn" not in fields:
            return None
        target += (address - target) % 16
    state.registers[base] = state.registers[base] + target - address & MASK64
    if base != 31 and rng.random() < 1 / 8:
        # The highest byte of the address of data is ignored.
        state.registers[base] ^= rng.getrandbits(8) << 56
    return target


def _patch(rng: random.Random, state: State, address: int) -> None:
    """Put something related to the registers where the instruction will look."""
    decoded = decode(state.code[0])
    assert decoded is not None
    choice = rng.randrange(3)
    if choice == 0:
        return
    registers = state.registers
    if choice == 1 and "Rs" in decoded.fields and decoded.fields["Rs"] < 30:
        # What a compare and swap expects, in each of its sizes.
        first, second = registers[decoded.fields["Rs"]], registers[decoded.fields["Rs"] + 1]
        size = rng.choice((4, 8))
        mask = (1 << 8 * size) - 1
        patch = (first & mask).to_bytes(size, "little") + (second & mask).to_bytes(size, "little")
    else:
        patch = b"".join(random_value(rng).to_bytes(8, "little") for _ in range(2))
    state.patches.append((address, patch))


def _system_register(rng: random.Random, word: int) -> int:
    """Most system registers are privileged: take one of user space half the time, and one with a name."""
    choice = rng.randrange(4)
    if choice == 3:
        return word
    known = sorted(USER_READABLE) if choice < 2 else sorted(r.number for r in system_registers().values())
    return word & ~(0x7FFF << 5) | (rng.choice(known) & 0x7FFF) << 5


def _system_operation(rng: random.Random, word: int) -> int:
    """So are most operations: take one that isn't half the time, and one whose op1 and CRn are as user space's."""
    choice = rng.randrange(4)
    if choice < 2:
        return rng.choice(_CACHE_OPERATIONS) | rng.randrange(32)
    return word if choice == 2 else word & ~(0x7F << 12) | 0x37 << 12


def case(name: str, seed: int, index: int) -> State:
    """Case number `index` of an encoding: one word in a state."""
    rng = random.Random(f"{name}/{seed}/{index}")
    form = encodings()[name]
    word = random_word(rng, form, (f"{name}/{seed}", index)) if rng.randrange(16) else reserved_word(rng, form)
    if name in ("MRS_RS_systemmove", "MSR_SR_systemmove"):
        word = _system_register(rng, word)
    elif name == "SYS_CR_systeminstrs":
        word = _system_operation(rng, word)
    state = random_state(rng, (word,))
    if index % 8 == _NAN_TURN:
        _nan_operands(rng, state)
    address = aim(rng, state)
    if address is not None:
        _patch(rng, state, address)
    return state
