"""Random programs on the reference engine, the translated one and Unicorn: equal registers and memory after each run.

A run is of one instruction, or of a random number of them, so each engine stops at many places.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

import armexec
from armexec.disasm import listing
from armexec.space import AddressSpace
from differential.programs import program
from differential.state import CODE, CODE_SIZE, DATA, DATA_SIZE, State
from differential.test_simd_programs import simd_program
from engines import AVAILABLE
from samples import one_of

from .guest import make_space

COUNT = 100
SHORT = (1, 1, 1, 2, 3, 5)
LONG = (3, 10, 40)
BREAKPOINT = armexec.assemble("brk #0").bytes
needs_processor = pytest.mark.skipif("native" not in AVAILABLE, reason="only an AArch64 processor runs the words")


def _integer_state(seed: int) -> State | None:
    """The body of a program, with the registers that its prologue would load."""
    made = program(seed)
    if made is None or _mixes_exclusives(made.body):
        return None
    words = [int.from_bytes(made.memory[8 * n : 8 * n + 8], "little") for n in range(32)]
    registers = [*words[:28], DATA, *words[29:31], DATA + DATA_SIZE]
    return State(CODE, made.body, registers, words[31] >> 28 & 15, patches=[(DATA, made.memory)])


def _mixes_exclusives(words: Iterable[int]) -> bool:
    """Whether exclusive accesses of several sizes may meet: those are CONSTRAINED UNPREDICTABLE."""
    sizes = {word & 0xC020_0000 for word in words if word & 0x3F80_0000 == 0x0800_0000}
    return len(sizes) > 1


def integer_states(first: int, count: int) -> Iterator[tuple[int, State]]:
    """So many programs that don't fault."""
    seed = first
    while count:
        state = _integer_state(seed)
        if state is not None:
            yield seed, state
            count -= 1
        seed += 1


class _Ours:
    """A Cpu that is put into states."""

    def __init__(self, engine: str) -> None:
        self.space: AddressSpace = make_space(engine)
        self.space.map(CODE, CODE_SIZE, "rx")
        self.space.map(DATA, DATA_SIZE, "rw")
        self.cpu = armexec.Cpu(self.space)

    def put(self, state: State) -> None:
        self.space.write(state.pc, b"".join(word.to_bytes(4, "little") for word in state.code))
        self.space.write(DATA, bytes(state.memory()))
        cpu = self.cpu
        for n in range(31):
            cpu.x[n] = state.registers[n]
        for n in range(32):
            cpu.v[n] = state.vectors[n]
        cpu.sp, cpu.pc, cpu.nzcv = state.registers[31], state.pc, state.nzcv
        cpu.fpcr, cpu.fpsr = state.fpcr, state.fpsr

    def run(self, end: int, count: int) -> None:
        stop = self.cpu.run(until=end, instruction_limit=count)
        assert stop.reason in ("until", "instruction limit"), stop

    def state(self) -> tuple[Any, ...]:
        cpu = self.cpu
        vectors = [register.q for register in cpu.v]
        return [*cpu.x, cpu.sp], vectors, cpu.pc, cpu.nzcv, cpu.fpcr, cpu.fpsr, self.space.read(DATA, DATA_SIZE)


class _Unicorn:
    """Unicorn, put into states in the same way."""

    def __init__(self) -> None:
        # The AArch64 Python hasn't it.
        from differential import on_unicorn

        self.registers = on_unicorn._REGISTERS
        self.uc = on_unicorn._unicorn(on_unicorn._EL0_RIGHTS).uc

    def put(self, state: State) -> None:
        code = b"".join(word.to_bytes(4, "little") for word in state.code)
        self.uc.mem_write(state.pc, code)
        self.uc.ctl_remove_cache(state.pc, state.pc + len(code))
        self.uc.mem_write(DATA, bytes(state.memory()))
        values = (*state.registers, *state.vectors, state.fpcr, state.fpsr, state.nzcv << 28, state.pc)
        self.uc.reg_write_batch(list(zip(self.registers, values, strict=True)))

    def run(self, end: int, count: int) -> None:
        for _ in range(count):
            pc = self.uc.reg_read(self.registers[-1])
            if pc == end:
                break
            self.uc.emu_start(pc, end, count=1)

    def state(self) -> tuple[Any, ...]:
        values = self.uc.reg_read_batch(self.registers)
        fpcr, fpsr, pstate, pc = values[64:]
        memory = bytes(self.uc.mem_read(DATA, DATA_SIZE))
        return list(values[:32]), list(values[32:64]), pc, pstate >> 28 & 15, fpcr, fpsr, memory


@cache
def _machine(name: str) -> Any:
    return _Unicorn() if name == "unicorn" else _Ours(name)


def compare(name: str, seed: int, state: State, counts: tuple[int, ...]) -> None:
    """Run a program on the reference engine and another machine, and compare them wherever it stops."""
    reference, other = _machine("reference"), _machine(name)
    rng = random.Random(seed)
    end = state.pc + 4 * len(state.code)
    for machine in (reference, other):
        machine.put(state)
    while reference.cpu.pc != end:
        count = rng.choice(counts)
        for machine in (reference, other):
            machine.run(end, count)
        expected, found = reference.state(), other.state()
        same = [a == b for a, b in zip(expected, found, strict=True)]
        if not all(same):
            shown = [(e, f) for e, f in list(zip(expected, found, strict=True))[:-1] if e != f]
            code = listing(state.code)
            pytest.fail(f"program {seed}, reference and {name}, at 0x{reference.cpu.pc:x}: {same} {shown}\n{code}")


@pytest.mark.slow
def test_programs_step_by_step_on_unicorn() -> None:
    for seed, state in integer_states(0, COUNT):
        compare("unicorn", seed, state, SHORT)


@pytest.mark.slow
def test_programs_in_pieces() -> None:
    for seed, state in integer_states(0, COUNT):
        compare("quick", seed, state, LONG)


def test_programs_in_pieces_of_better_code() -> None:
    for seed, state in integer_states(COUNT, 10):
        compare("eager", seed, state, LONG)


def test_programs_instruction_by_instruction_in_translation() -> None:
    for seed, state in integer_states(COUNT, 8):
        compare("alone", seed, state, SHORT)


@pytest.mark.parametrize("name", one_of(2, ["alone", "eager"]))
def test_simd_programs(name: str) -> None:
    for seed in range(4):
        compare(name, seed, simd_program(seed), LONG)


def compare_at_breakpoints(name: str, seed: int, state: State) -> None:
    """Run a program with breakpoints on the reference engine and another, and compare them at each."""
    reference, other = _machine("reference"), _machine(name)
    rng = random.Random(seed)
    end = state.pc + 4 * len(state.code)
    stops = {rng.randrange(state.pc, end, 4) for _ in range(rng.randrange(4))} | {end}
    for machine in (reference, other):
        # What another program has left there may not be for the processor.
        machine.space.write(CODE, bytes(0x4000))
        machine.put(state)
        for at in stops:
            machine.space.write(at, BREAKPOINT)
    while True:
        for machine in (reference, other):
            assert machine.cpu.run().reason == "breakpoint"
        expected, found = reference.state(), other.state()
        at = reference.cpu.pc
        if expected != found:
            pytest.fail(f"program {seed}, reference and {name}, at 0x{at:x}:\n{listing(state.code)}")
        if at == end:
            break
        for machine in (reference, other):
            machine.space.write(at, state.code[(at - state.pc) // 4].to_bytes(4, "little"))


@needs_processor
def test_programs_on_the_processor() -> None:
    # Not at the edge of a page, where exclusive accesses are translated.
    for seed, state in integer_states(0, COUNT):
        compare_at_breakpoints("native", seed, replace(state, pc=CODE + 0x800))


@needs_processor
def test_simd_programs_on_the_processor() -> None:
    for seed in range(COUNT):
        compare_at_breakpoints("native", seed, simd_program(seed))


@pytest.mark.long
@pytest.mark.parametrize(("name", "counts"), [("unicorn", SHORT), ("quick", LONG), ("eager", SHORT), ("alone", SHORT)])
def test_many_programs(name: str, counts: tuple[int, ...], request: pytest.FixtureRequest) -> None:
    first = 1000 * request.config.getoption("--seed")
    for seed, state in integer_states(first, 10_000):
        compare(name, seed, state, counts)


@pytest.mark.long
@pytest.mark.parametrize("name", ["eager", "alone"])
def test_many_simd_programs(name: str) -> None:
    for seed in range(1000, 2000):
        compare(name, seed, simd_program(seed), LONG)
