"""Any sequence of steps forwards, back and to times comes to what a straight run has at that time."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.space.test_programs import integer_states
from tests.tracing.compare import EAGER

import armexec
from armexec.debugger.open import target_of
from armexec.debugger.past.timeline import Pace
from armexec.debugger.session import Session
from armexec.space import AddressSpace
from differential.state import CODE, CODE_SIZE, DATA, DATA_SIZE, State

COUNT = 25
ALWAYS = Pace(first=0, least=1, near=2)
"""Go by stretches wherever that is possible."""
FEW = Pace(first=3, least=2, most=7, near=0)


def _cpu(state: State, engine: str = "reference") -> armexec.Cpu:
    space = AddressSpace(engine)
    space.map(CODE, CODE_SIZE, "rx", data=b"".join(word.to_bytes(4, "little") for word in state.code))
    space.map(DATA, DATA_SIZE, "rw", data=bytes(state.memory()))
    cpu = armexec.Cpu(space)
    for n in range(31):
        cpu.x[n] = state.registers[n]
    cpu.sp, cpu.pc, cpu.nzcv = state.registers[31], state.pc, state.nzcv
    return cpu


def _seen(session: Any) -> tuple[bytes, bytes]:
    return session.cpu.save(), session.memory.read(DATA, DATA_SIZE)


def _check(seed: int, state: State, moves: int, pace: Pace | None = None) -> None:
    random.seed(seed)
    straight = _cpu(state)
    path = []
    end = state.pc + 4 * len(state.code)
    while True:
        path.append((straight.save(), straight.space.read(DATA, DATA_SIZE)))  # type: ignore[attr-defined]
        if straight.pc == end or straight.step().reason != "instruction limit":
            break
    last = len(path) - 1
    session = Session(target_of(_cpu(state, "reference" if pace is None else "translated")), pace=pace, policy=EAGER)
    for _ in range(moves):
        move = random.choice(("step", "back", "goto"))
        if move == "step":
            count = min(random.choice((1, 1, 2, 5, 30)), last - session.time)
            session.step(count)
        elif move == "back":
            session.back(random.choice((1, 1, 2, 5, 30)))
        else:
            session.goto(random.randint(0, last))
        assert _seen(session) == path[session.time], f"seed {seed}, time {session.time}"


def _check_all(first: int, count: int, moves: int, pace: Pace | None = None) -> None:
    for seed, state in integer_states(first, count):
        _check(seed, state, moves, pace)


def test_random_programs() -> None:
    _check_all(7000, COUNT, 30)


@pytest.mark.parametrize("pace", [ALWAYS, FEW])
def test_random_programs_by_stretches(pace: Pace) -> None:
    _check_all(8000, COUNT, 30, pace)


@pytest.mark.long
@pytest.mark.parametrize("pace", [ALWAYS, FEW])
def test_thousands_of_random_programs_by_stretches(pace: Pace) -> None:
    _check_all(40_000, 3_000, 30, pace)


@pytest.mark.long
def test_ten_thousand_random_programs() -> None:
    _check_all(20_000, 10_000, 30)


def test_a_loop_over_many_checkpoints() -> None:
    text = """
    mov x2, #0
 1: add x2, x2, x1
    and x3, x2, #0x1f8
    str x2, [x0, x3]
    ldr x4, [x0, #16]
    eor x1, x1, x4
    subs x5, x5, #1
    b.ne 1b
 """
    code = armexec.assemble(text, address=CODE)
    space = AddressSpace("reference")
    space.map(CODE, CODE_SIZE, "rx", data=code.bytes)
    space.map(DATA, DATA_SIZE, "rw")
    cpu = armexec.Cpu(space)
    cpu.x[0], cpu.x[1], cpu.x[5], cpu.pc = DATA, 77, 600, CODE
    session = armexec.debug(cpu)
    random.seed(5)
    seen = {0: _seen(session)}
    while session.time < 4201:
        session.step(random.randint(1, 700) if session.time < 3500 else 4201 - session.time)
        seen[session.time] = _seen(session)
    for time in random.sample(sorted(seen), len(seen)):
        session.goto(time)
        assert _seen(session) == seen[time]


def test_clocks_show_the_same_each_time() -> None:
    function = armexec.function(armexec.assemble("mrs x0, cntvct_el0; nop; mrs x1, cntvct_el0; ret"), "long()")
    with armexec.debug(function) as session:
        session.run()
        first = session.result
        session.goto(0)
        session.run()
        assert session.result == first


def test_hooks_are_called_once() -> None:
    space = AddressSpace("reference")
    space.map(CODE, 0x1000, "rx", data=armexec.assemble("add x0, x0, #1; svc #1; add x0, x0, #1; nop").bytes)
    cpu = armexec.Cpu(space)
    cpu.pc = CODE
    called = []

    def answer(cpu: Any, number: int) -> None:
        called.append(number)
        cpu.x[0] = 100

    session = armexec.debug(cpu)
    stop = session.run()
    assert (stop.reason, session.time) == ("system call", 2)
    space.hook_svc(answer)
    session.goto(0)
    session.step(3)
    session.goto(0)
    session.step(3)
    assert (session.cpu.x[0], called) == (101, [1])
