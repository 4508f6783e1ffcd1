"""The builder of LLVM IR: its text, and that LLVM takes it."""

from __future__ import annotations

import ctypes

import pytest

from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.values import Value, address_of, const, emit
from armexec.translate.codegen.support_code import compiled


def test_names_and_labels_are_fresh() -> None:
    b = Builder()
    names = [b.line("add i64 1, 2"), b.block("trap"), b.line("add i64 3, 4"), b.block("trap")]
    assert names == ["%v1", "trap.2", "%v3", "trap.4"]
    b.begin()
    assert b.out == []
    assert b.block("trap") == "trap.5"


def test_control_flow() -> None:
    b = Builder()
    assert b.label == ""
    then, otherwise = b.block("then"), b.block("otherwise")
    b.branch("%c", then, otherwise)
    b.branch("%c", then, otherwise, weights="!0", loop="!1")
    b.start(then)
    assert b.label == then
    b.jump(otherwise)
    b.start(otherwise)
    b.switch("%x", then, [(4, otherwise), (8, then)], weights="!2")
    b.unreachable()
    b.ret()
    b.ret("i1", "true")
    assert b.out == [
        "br i1 %c, label %then.1, label %otherwise.2",
        "br i1 %c, label %then.1, label %otherwise.2, !prof !0, !llvm.loop !1",
        "then.1:",
        "br label %otherwise.2",
        "otherwise.2:",
        "switch i64 %x, label %then.1 [i64 4, label %otherwise.2 i64 8, label %then.1], !prof !2",
        "unreachable",
        "ret void",
        "ret i1 true",
    ]


def test_calls_and_memory() -> None:
    b = Builder()
    assert b.call("void", "@f") == ""
    assert b.call("preserve_allcc void", "@f", "i64 1") == ""
    assert b.call("ptr", "@g", "i64 1", "ptr %p") == "%v1"
    assert b.load("i8", "%v1") == "%v2"
    b.store("i64", "7", "%v1", align=1)
    assert b.out == [
        "call void @f()",
        "call preserve_allcc void @f(i64 1)",
        "%v1 = call ptr @g(i64 1, ptr %p)",
        "%v2 = load i8, ptr %v1",
        "store i64 7, ptr %v1, align 1",
    ]


def test_state_structure() -> None:
    b = Builder({"pc": 24, "strict": 40})
    assert not b.state.is_used
    b.state.store("pc", "%pc")
    assert b.state.is_used
    assert b.state.load("strict", "i1") == "%v3"
    assert b.out == [
        "%v1 = getelementptr i8, ptr %state, i64 24",
        "store i64 %pc, ptr %v1",
        "%v2 = getelementptr i8, ptr %state, i64 40",
        "%v3 = load i1, ptr %v2",
    ]
    with pytest.raises(KeyError):
        b.state.pointer("nothing_like_it")
    b.begin()
    assert not b.state.is_used


def test_marks_are_offsets_in_the_image() -> None:
    b = Builder({}, 0x1000)
    b.mark(0x1010)
    assert b.out == [";@10"]
    b = Builder()
    b.mark(0x1010)
    assert b.out == []


def test_sums_are_noted_where_they_are_asked_for() -> None:
    b = Builder({}, 0x1000)
    x = Value(b, 64, "%x")
    assert (x + 8 - 24).root() == ("%v2", 0)
    b.sums = {}
    assert (x + 8 - 24).root() == ("%x", -16)
    assert (x + x).root() == ("%v5", 0)
    assert (address_of(b, 0x1020) + 4).root() == ("@image", 0x24)
    assert (const(b, 64, 5) + 4).root() == ("", 9)


def test_llvm_takes_the_text() -> None:
    b = Builder({"pc": 8})
    b.append("define i64 @f(ptr %state) {")
    pc = Value(b, 64, b.state.load("pc"))
    odd, even, end = b.block("odd"), b.block("even"), b.block("end")
    b.branch(((pc & 1) != 0).text, odd, even)
    b.start(odd)
    b.switch(pc.text, end, [(1, even)])
    b.start(even)
    b.state.store("pc", (pc + 100).text)
    b.jump(end)
    b.start(end)
    result = emit(b, 64, f"phi i64 [1, %{odd}], [2, %{even}]")
    b.ret("i64", result.text)
    b.append("}")
    code = compiled("\n".join([*b.out, ""]), {}, tier="O0")
    f = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(code.address("f"))
    found = []
    for value in (1, 2, 3):
        state = (ctypes.c_uint64 * 2)(0, value)
        found.append((f(ctypes.addressof(state)), state[1]))
    assert found == [(2, 101), (2, 102), (1, 3)]
