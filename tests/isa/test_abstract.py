"""The machine that abstract interpretations are made of: complete, and silent about nothing."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from armexec.isa.abstract import AbstractMachine, AbstractValue, AbstractVector, LaneDependence
from armexec.isa.effects import effects_of
from armexec.isa.machine import Flags, Machine
from armexec.isa.values import Value, Vector
from armexec.machines.interpreter.machine import ReferenceMachine
from armexec.machines.interpreter.values import Bits, Elements

from .every_encoding import decoded_words, run_every_encoding


def _operations(kind: type) -> dict[str, inspect.Signature]:
    """The operations that a protocol has, with their parameters."""
    skipped = ("__init__", "__subclasshook__", "__class_getitem__", "__bool__", "__hash__")
    return {
        name: inspect.signature(value)
        for name, value in vars(kind).items()
        if inspect.isfunction(value) and name not in skipped and not name.startswith("_abc")
    }


@pytest.mark.parametrize(
    ("protocol", "made"), [(Machine, AbstractMachine), (Value, AbstractValue), (Vector, AbstractVector)]
)
def test_every_operation_is_there(protocol: type, made: type) -> None:
    operations = _operations(protocol)
    assert len(operations) > 20
    for name, wanted in operations.items():
        found = inspect.signature(getattr(made, name))
        positional = [p for p in wanted.parameters.values() if p.kind is not p.KEYWORD_ONLY]
        keywords = {p.name: None for p in wanted.parameters.values() if p.kind is p.KEYWORD_ONLY}
        found.bind(*positional, **keywords)


def test_nothing_else_is_there() -> None:
    """An operation that no machine has is an error on this one too."""
    assert not hasattr(AbstractMachine, "__getattr__")
    protocol = set(dir(Machine)) | set(Machine.__annotations__)
    domain = {"top", "constant", "join", "top_flags", "saturating", "floating_point", "sign_operation"}
    assert {name for name in dir(AbstractMachine) if not name.startswith("_")} - protocol == domain


def test_every_encoding_runs() -> None:
    assert run_every_encoding(AbstractMachine) > 5000


def test_shapes_are_those_of_the_reference_machine() -> None:
    """Each register gets a value of the shape that it gets when the instruction is executed."""

    class Written:
        def __init__(self, registers: Any, found: list[tuple[Any, ...]]) -> None:
            self.registers, self.found = registers, found

        def __getitem__(self, key: Any) -> Any:
            return self.registers[key]

        def __setitem__(self, key: Any, value: Any) -> None:
            if isinstance(value, AbstractValue | Bits):
                self.found.append((key, value.width))
            else:
                assert isinstance(value, AbstractVector | Elements)
                self.found.append((key, value.esize, value.lanes))

    class Memory:
        def read(self, address: int, size: int) -> bytes:
            return bytes(size)

        def write(self, address: int, data: bytes) -> None:
            pass

    compared = 0
    for decoded in decoded_words(2):
        if decoded.effects.control:
            continue
        shapes = []
        for machine in (AbstractMachine(), ReferenceMachine(Memory())):
            found: list[tuple[Any, ...]] = []
            m: Any = machine
            m.check_alignment = m.check_stack_alignment = lambda *_: None
            for name in ("X", "XSP", "V", "Vec"):
                setattr(m, name, Written(getattr(m, name), found))
            decoded.instruction.semantics(m, *decoded.fields.values())
            shapes.append(found)
        assert shapes[0] == shapes[1], decoded
        compared += len(shapes[0])
    assert compared > 1500


def _misspelled(m: Any) -> None:
    m.X[64, 0] = m.lode(m.X[64, 1], 64)


def _misspelled_of_a_value(m: Any) -> None:
    m.X[64, 0] = m.X[64, 1].revers_bits()


def _wrong_arguments(m: Any) -> None:
    m.fp_add(m.V[64, 0])


@pytest.mark.parametrize("wrong", [_misspelled, _misspelled_of_a_value, _wrong_arguments])
def test_a_mistake_in_a_semantic_function_is_an_error(wrong: Any) -> None:
    for run in (lambda: wrong(AbstractMachine()), lambda: effects_of(wrong, ())):
        with pytest.raises((AttributeError, TypeError)):
            run()


def test_truth_is_not_known() -> None:
    with pytest.raises(TypeError):
        bool(AbstractValue(1))


def test_lane_dependence() -> None:
    m = AbstractMachine()
    a, b = m.Vec[128, 32, 0], m.Vec[128, 32, 1]
    one = m.vector(32, [1, 1, 1, 1])
    assert (a + b).dependence is LaneDependence.LANEWISE
    assert (a * m.splat(b.lane(2), 4)).dependence is LaneDependence.LANEWISE
    assert (one + 1).dependence is LaneDependence.UNIFORM
    assert m.fp_multiply_add(a, one, b).dependence is LaneDependence.LANEWISE
    for mixed in (
        a + m.vector(32, [1, 2, 3, 4]),
        a.view(64),
        a.shuffle(b, [0, 1, 2, 3]),
        a.truncate(16),
        m.bf16_dot(a, m.Vec[128, 16, 0], m.Vec[128, 16, 1]),
        a.value().vector(32),
        m.join(a, a.shuffle(b, [3, 2, 1, 0])),
    ):
        assert mixed.dependence is LaneDependence.MIXED


def test_flags_are_there() -> None:
    for name in (name for name in dir(Flags) if len(name) == 1):
        assert getattr(AbstractMachine().NZCV, name).width == 1
