"""The abstract machines of analyses: every instruction runs on each, and what they know is true."""

from __future__ import annotations

from typing import Any

import pytest

from armexec.asm import assemble
from armexec.isa import decode
from armexec.translate.analysis.callee_saved import _FrameMachine, _NotPreserved, _State
from armexec.translate.cfg.discovery import Block, BlockEndMachine
from armexec.translate.cfg.symbolic import Expression, SymbolicMachine
from isa.every_encoding import decoded_words, run_every_encoding


def frame_machine() -> _FrameMachine:
    return _FrameMachine(_State({n: ("register", n) for n in range(32)}, {}))


def block(text: str) -> Block:
    found = Block(0x1000)
    for word in assemble(text).words:
        decoded = decode(word)
        assert decoded is not None
        found.instructions.append(decoded)
    return found


def registers(text: str) -> dict[int, Expression]:
    """What registers are after some instructions."""
    machine = SymbolicMachine()
    assert machine.run(block(text))
    return machine.registers


@pytest.mark.parametrize("make", [BlockEndMachine, SymbolicMachine])
def test_every_encoding_runs(make: Any) -> None:
    assert run_every_encoding(make) > 5000


def test_every_encoding_runs_on_frames() -> None:
    """What isn't a store outside of the frame runs."""
    for decoded in decoded_words(6):
        try:
            decoded.instruction.semantics(frame_machine(), *decoded.fields.values())
        except _NotPreserved:
            assert decoded.effects.is_store


@pytest.mark.parametrize("make", [BlockEndMachine, SymbolicMachine, frame_machine])
def test_a_mistake_in_a_semantic_function_is_an_error(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (decoded,) = block("add x0, x1, x2").instructions
    assert not isinstance(decoded, int)

    def wrong(m: Any, *fields: int) -> None:
        m.X[64, 0] = m.adds(m.X[64, 1], m.X[64, 2])

    monkeypatch.setattr(decoded.instruction, "semantics", wrong)
    with pytest.raises(AttributeError, match="adds"):
        decoded.instruction.semantics(make(), *decoded.fields.values())
    with pytest.raises(AttributeError, match="adds"):
        SymbolicMachine().run(block("add x0, x1, x2"))


def test_what_is_written_is_known_or_unknown() -> None:
    found = registers("add x0, x1, #4 \n mov x2, x0 \n lsl x3, x2, #2 \n mul x4, x0, x0 \n mov w5, #7 \n mrs x6, fpcr")
    assert found[0] == ("add", ("register", 1), ("const", 4))
    assert found[2] == found[0]
    assert found[5][0] == "zext"
    assert found[4][0] == found[6][0] == "unknown"
    assert found[4] != found[6]


def test_what_vectors_and_atomics_write_is_unknown() -> None:
    found = registers("umov w0, v1.b[3] \n fcvtzs x1, d2 \n ldadd x2, x3, [x4] \n ldxr x5, [x4] \n stxr w6, x7, [x4]")
    assert [found[n][0] for n in (1, 3)] == ["unknown", "unknown"]
    assert found[0][0] == found[6][0] == "zext"
    assert found[7] == ("register", 7)


def test_loads_of_vectors_leave_general_registers() -> None:
    """The number of a vector register isn't that of a general one."""
    found = registers("mov x0, x9 \n ldr q0, [x1] \n ld1 {v0.4s}, [x1] \n fadd v0.4s, v0.4s, v0.4s \n add x2, x0, #1")
    assert found[0] == ("register", 9)


def test_a_choice_between_equals_is_known() -> None:
    found = registers("mov x0, x3 \n csel x1, x0, x3, eq \n csel x2, x0, x4, eq")
    assert found[1] == ("register", 3)
    assert found[2][0] == "unknown"


def test_what_was_spilled_is_known_until_an_atomic_access_to_it() -> None:
    assert registers("str x1, [sp, #8] \n ldr x2, [sp, #8]")[2] == ("register", 1)
    assert registers("str x1, [sp] \n swp x3, x4, [sp] \n ldr x2, [sp]")[2][0] == "unknown"
