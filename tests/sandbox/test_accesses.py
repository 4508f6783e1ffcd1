"""Every load and store, by addresses at all edges: the translation does what the reference machine does in the
sandbox's memory, and touches nothing else.

pytest tests/sandbox                     some thousands of accesses
pytest tests/sandbox -m long             ten million
"""

from __future__ import annotations

import ctypes
import mmap
import random
from collections.abc import Iterator, Sequence

import pytest

from armexec.asm import assemble
from armexec.isa import decode
from armexec.machines.interpreter.flags import Flags
from armexec.machines.interpreter.machine import ReferenceMachine
from armexec.machines.traps import Trap, TrapKind
from armexec.translate.execute.single_step import GuestState, block_runner
from differential.generate import encodings, is_load_or_store, random_word
from samples import one_of

from .memory import EDGES, SECRET, Arena

MASK64 = (1 << 64) - 1
PC = 0x1_0000
_ZVA = 0xD50B7420
MEMORY = [name for name, form in encodings().items() if is_load_or_store(form.value) and form.value >> 27 & 1]
GROUP = 40
GROUPS = [MEMORY[i : i + GROUP] for i in range(0, len(MEMORY), GROUP)]


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    made = Arena()
    yield made
    assert made.is_whole()
    made.close()


def _addresses(rng: random.Random, arena: Arena) -> int:
    """An address: at an edge, in the sandbox's pages, or of the host's canaries."""
    choice = rng.randrange(8)
    if choice < 3:
        return rng.choice(EDGES)
    if choice == 3:
        return rng.choice(arena.canaries) + 16 * rng.randrange(-8, mmap.PAGESIZE // 16 + 8)
    if choice == 4:
        return arena.base + rng.choice(EDGES) & MASK64
    page = mmap.PAGESIZE
    inside = rng.choice(arena.pages) + rng.choice((0, 16, page // 2, page, 2 * page)) + rng.randrange(-20, 20)
    # What is above 32 bits doesn't count.
    return inside + (rng.getrandbits(32) << 32 if choice < 7 else 0) & MASK64


def _index(rng: random.Random, arena: Arena) -> int:
    choice = rng.randrange(4)
    return (0, rng.getrandbits(64), rng.choice(EDGES), _addresses(rng, arena) - rng.choice(arena.pages) & MASK64)[
        choice
    ]


def _state(rng: random.Random, arena: Arena, words: Sequence[int]) -> GuestState:
    state = GuestState(pc=PC)
    state.x[:] = [_addresses(rng, arena) if rng.randrange(3) else _index(rng, arena) for _ in range(31)]
    address = _addresses(rng, arena)
    for word in words:
        fields = getattr(decode(word), "fields", {})
        base = fields.get("Rn", fields.get("Rt", 31))
        if base != 31:
            state.x[base] = address
        if "Rm" in fields and fields["Rm"] not in (31, base):
            state.x[fields["Rm"]] = _index(rng, arena)
    state.sp = address & -16 if rng.randrange(4) else address
    packed = rng.randbytes(512)
    ctypes.memmove(state.v_registers, packed, len(packed))
    return state


def _copy(state: GuestState) -> GuestState:
    return GuestState.from_buffer_copy(state)


def _reference(arena: Arena, state: GuestState, words: Sequence[int]) -> tuple[ReferenceMachine, TrapKind | None]:
    """What the reference machine makes of it."""
    machine = ReferenceMachine(arena.sandbox.memory)
    machine.registers[:] = [*state.x, state.sp]
    packed = bytes(state.v_registers)
    machine.vectors[:] = [int.from_bytes(packed[n : n + 16], "little") for n in range(0, 512, 16)]
    machine.NZCV = Flags(0, 0, 0, 0)
    try:
        for n, word in enumerate(words):
            machine.pc = PC + 4 * n
            decoded = decode(word)
            assert decoded is not None
            decoded.instruction.semantics(machine, *decoded.fields.values())
    except Trap as trap:
        return machine, trap.kind
    return machine, None


def _check(arena: Arena, words: Sequence[int], states: Sequence[GuestState], run: object) -> None:
    shown = f"{[f'{word:#010x}' for word in words]}"
    for state in states:
        before = _copy(state)
        arena.fill()
        trap = run(state)  # type: ignore[operator]
        here = f"{shown} with {[hex(n) for n in before.x]}, sp {before.sp:#x}"
        if trap is not None and trap.kind in (TrapKind.READ, TrapKind.WRITE) and not trap.pc:
            assert arena.may_fault(trap.detail), f"{here}: faults at {trap.detail:#x}"
        content = arena.content()
        secret = SECRET.to_bytes(2, "little") * 4
        assert secret not in content, here
        if trap is None:
            assert secret not in bytes(state.x) + bytes(state.v_registers), here
        arena.fill()
        machine, kind = _reference(arena, before, words)
        if trap is None and kind is TrapKind.READ and _drops(words):
            # A load whose result nothing uses isn't made.
            continue
        assert (trap is None) == (kind is None), f"{here}: {trap} instead of {kind}"
        if trap is None:
            assert [*state.x, state.sp] == list(machine.registers), here
            packed = b"".join(value.to_bytes(16, "little") for value in machine.vectors)
            assert bytes(state.v_registers) == packed, here
            assert content == arena.content(), here


def _drops(words: Sequence[int]) -> bool:
    """Whether the last word loads something that is lost."""
    decoded = decode(words[-1])
    assert decoded is not None
    fields = decoded.fields
    # With write-back, what is loaded into the base is lost.
    targets = [fields[name] for name in ("Rt", "Rt2") if name in fields]
    return 31 in targets or fields.get("Rn") in targets or len({*targets}) < len(targets)


def _words(rng: random.Random, names: Sequence[str], count: int) -> list[tuple[int, ...]]:
    """Single loads and stores, and some after additions of constants, whose displacements LLVM may join."""
    made: list[tuple[int, ...]] = []
    for name in names:
        for n in range(count):
            word = random_word(rng, encodings()[name], (name, n))
            fields = decode(word).fields  # type: ignore[union-attr]
            base = fields.get("Rn", 31)
            made.append((word,))
            if base != 31:
                step = rng.choice((1, 8, 16, 0xFFF, 0x1000, 0x10000, 0xFFF000)) * rng.choice((1, -1))
                if abs(step) <= 0xFFF or not step & 0xFFF:
                    op = "add" if step > 0 else "sub"
                    made.append((assemble(f"{op} x{base}, x{base}, #{abs(step)}").words[0], word))
    return made


def _run(arena: Arena, rng: random.Random, words: Sequence[tuple[int, ...]], states: int, tier: str) -> int:
    runners = block_runner([(PC, run) for run in words], tier=tier, strict=False, memory=arena.base)
    for run, runner in zip(words, runners, strict=True):
        _check(arena, run, [_state(rng, arena, run) for _ in range(states)], runner)
    return len(words) * states


def test_all_classes_of_accesses_are_there() -> None:
    assert len(MEMORY) > 250


@pytest.mark.parametrize("tier", ["O0", "O2"])
@pytest.mark.parametrize("names", one_of(3, GROUPS), ids=lambda names: f"{names[0]}...")
def test_loads_and_stores_stay_inside(arena: Arena, names: list[str], tier: str) -> None:
    rng = random.Random(f"{names}/{tier}")
    _run(arena, rng, _words(rng, names, 2 if tier == "O0" else 1), 4, tier)
    assert arena.is_whole()


@pytest.mark.parametrize("tier", ["O0", "O2"])
def test_cache_operations_stay_inside(arena: Arena, tier: str) -> None:
    rng = random.Random(tier)
    words = [
        (op | rng.randrange(31),) for op in (_ZVA, 0xD50B7A20, 0xD50B7B20, 0xD50B7E20, 0xD50B7520) for _ in range(4)
    ]
    _run(arena, rng, words, 40, tier)
    assert arena.is_whole()


@pytest.mark.parametrize("tier", ["O0", "O2"])
def test_store_exclusives_stay_inside(arena: Arena, tier: str) -> None:
    """The monitor is set as hostile code may have it: for an address elsewhere."""
    rng = random.Random(tier)
    names = [name for name in MEMORY if name.startswith(("STXR", "STLXR", "STXP", "STLXP"))]
    assert names
    words = [(random_word(rng, encodings()[name]),) for name in names for _ in range(4)]
    for run, runner in zip(
        words, block_runner([(PC, run) for run in words], tier=tier, memory=arena.base), strict=True
    ):
        decoded = decode(run[0])
        assert decoded is not None
        size = sum(access.size for access in decoded.effects.accesses)
        for _ in range(40):
            state = _state(rng, arena, run)
            base = decoded.fields["Rn"]
            state.exclusive_address = state.sp if base == 31 else state.x[base]
            state.exclusive_bits = 8 * size
            state.exclusive_value[:] = list(SECRET.to_bytes(2, "little") * 8)
            arena.fill()
            trap = runner(state)
            assert trap is None or trap.kind is TrapKind.ALIGNMENT or arena.may_fault(trap.detail)
    assert arena.is_whole()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(50))
def test_ten_million_accesses_stay_inside(arena: Arena, seed: int) -> None:
    rng = random.Random(seed)
    done = 0
    while done < 200_000:
        some = rng.sample(MEMORY, 30)
        done += _run(arena, rng, _words(rng, some, 2), 100, rng.choice(("O0", "O2")))
    assert arena.is_whole()
