"""The register file: its numbers, its sets, and its places in the state structure."""

from __future__ import annotations

from itertools import pairwise

import pytest

from armexec.cpu.registers import (
    ALL,
    FLAGS,
    GENERAL,
    NZCV,
    PARTIAL,
    REGISTERS,
    SP,
    STATE,
    VIEWS,
    X0,
    X30,
    Kind,
    bit,
    covered,
    d,
    has,
    members,
    q,
    register_type,
    s,
    state_place,
    views_of,
    wider_views,
    x,
    zero,
)
from armexec.translate.guest_state import OFFSETS, GuestState


def test_general_registers_have_the_numbers_that_instructions_have() -> None:
    assert [x(n) for n in range(31)] == list(range(31))
    assert (X0, X30, SP) == (0, 30, 31)
    assert VIEWS[SP].register is REGISTERS["sp"]


def test_each_number_is_of_one_view() -> None:
    assert (
        len({(view.register.name, view.bits) for view in VIEWS.values()}) == len(VIEWS) == 31 + 1 + 4 + 3 * 32 + 1
    )  # what counts instructions
    assert STATE not in VIEWS
    assert sorted([*VIEWS, STATE]) == list(range(len(VIEWS) + 1))
    assert len({view.variable for view in VIEWS.values()}) == len(VIEWS)


@pytest.mark.parametrize(("number", "name", "bits"), [(q(7), "v7", 128), (d(7), "v7", 64), (s(31), "v31", 32)])
def test_vector_views(number: int, name: str, bits: int) -> None:
    view = VIEWS[number]
    assert (view.register.name, view.bits) == (name, bits)


def test_sets() -> None:
    registers = bit(x(3), SP, q(1))
    assert list(members(registers)) == [3, SP, q(1)]
    assert has(registers, SP)
    assert not has(registers, X30)
    assert list(members(views_of(5))) == [q(5), d(5), s(5)]
    assert list(members(NZCV)) == [FLAGS[name] for name in "NZCV"]
    assert GENERAL.bit_count() == 32
    assert ALL & PARTIAL == 0
    assert not has(ALL | PARTIAL, STATE)
    assert (ALL | PARTIAL).bit_count() == len(VIEWS)


def test_a_view_covers_the_narrower_ones() -> None:
    assert covered(bit(q(2), d(3), s(4), x(5))) == views_of(2) | bit(d(3), s(3), s(4), x(5))
    assert wider_views(s(2)) == (q(2), d(2))
    assert wider_views(d(2)) == (q(2),)
    assert wider_views(q(31)) == wider_views(x(2)) == wider_views(FLAGS["V"]) == ()


def test_types() -> None:
    numbers = (x(1), SP, FLAGS["C"], q(1), d(1), s(1))
    assert [register_type(n) for n in numbers] == ["i64", "i64", "i1", "<2 x i64>", "double", "float"]
    assert [zero(n) for n in numbers] == ["0", "0", "false", "zeroinitializer", "0.0", "0.0"]


def test_the_state_structure_has_each_register_where_it_is_said_to_be() -> None:
    for register in REGISTERS.values():
        if register.kind is Kind.GENERAL:
            offset = OFFSETS["x"] + 8 * register.n
        elif register.kind is Kind.VECTOR:
            offset = OFFSETS["v_registers"] + 16 * register.n
        else:
            offset = OFFSETS[register.name]
            assert getattr(GuestState, register.name).size == register.size
        assert register.offset == offset
    assert state_place(FLAGS["Z"]) == (OFFSETS["z"], "i8")
    assert state_place(d(2)) == (OFFSETS["v_registers"] + 32, "double")


def test_no_two_registers_share_bytes() -> None:
    places = sorted((register.offset, register.size) for register in REGISTERS.values())
    assert all(offset + size <= after for (offset, size), (after, _) in pairwise(places))
