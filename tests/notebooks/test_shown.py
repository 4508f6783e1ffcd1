"""Traces and exceptions as notebooks show them."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest

import armexec

SOURCE = """int g(int *p) {
  return *p + 1;
}
int f(int *p) { return g(p) + 1; }
long loop(long n) { long s = 0; for (long i = 0; i < n; i++) s += i; return s; }
"""


@pytest.fixture(scope="module")
def mod() -> Any:
    return armexec.compile(SOURCE, "c", engine="reference")


def test_a_trace_is_a_table_with_its_source(mod: Any) -> None:
    shown = armexec.trace(mod.f, [5])._repr_html_()
    assert "Trace of f" in shown
    assert "ldr w8, [x8]" in shown
    assert "2:   return *p + 1;" in shown
    assert "= 7" in shown
    assert "<script" not in shown
    assert "class=" not in shown


def test_a_long_trace_is_its_ends(mod: Any) -> None:
    trace = armexec.trace(mod.loop, 300)
    shown = trace._repr_html_()
    assert f"... {len(trace) - 120} more ..." in shown
    assert shown.count("<tr") < 130
    assert re.search(rf">{len(trace) - 1}<", shown)
    assert "= 44850" in shown
    last = armexec.trace(mod.loop, 300, limit=10, ring=True)
    assert [row.time for row in last.between(0, len(trace))] == list(range(last.first, len(trace)))
    assert f">{last.first}<" in last._repr_html_()


def test_the_trace_of_a_fault_says_it(mod: Any) -> None:
    assert "MemoryFault: can&#x27;t read memory at 0x0" in armexec.trace(mod.f, 0)._repr_html_()


@pytest.fixture(scope="module")
def fault(mod: Any) -> armexec.Error:
    with pytest.raises(armexec.MemoryFault) as raised:
        mod.f(0)
    return raised.value


def test_a_fault_as_html(fault: armexec.Error) -> None:
    shown = fault._repr_html_()
    for text in ("MemoryFault", "ldr w8, [x8]", "&lt;source&gt;:2", "Calls", "Registers", "x29", f"{fault.pc:016x}"):
        assert text in shown
    assert shown.index(">g<") < shown.index(">f<")
    assert "<script" not in shown
    assert "class=" not in shown


def test_other_errors_as_html() -> None:
    with pytest.raises(armexec.CompileError) as raised:
        armexec.compile("int f(<")
    assert "expected" in raised.value._repr_html_()
    assert "int f(&lt;" in raised.value._repr_html_()
    assert "<b" in armexec.Error("<b>")._repr_html_()
    assert "&lt;b&gt;" in armexec.Error("<b>")._repr_html_()


def test_registers_that_are_not_known_are_left_out() -> None:
    with pytest.raises(armexec.MemoryFault) as raised:
        armexec.compile(SOURCE, "c", engine="translated").f(0)
    assert "The others aren&#x27;t known" in raised.value._repr_html_()


def test_recursion_is_cut() -> None:
    deep = armexec.compile("int f(int n) { return f(n + 1) + n; }", "c", engine="reference", stack_size=65536).f
    with pytest.raises(armexec.StackOverflow) as raised:
        deep(0)
    assert len(raised.value.backtrace) > 50
    assert len(raised.value._repr_html_()) < 60_000


def test_an_exception_that_was_shown_can_be_copied(fault: armexec.Error) -> None:
    fault.__dict__["_render_traceback_"] = lambda: ["shown"]
    try:
        assert str(pickle.loads(pickle.dumps(fault))) == str(copy.copy(fault)) == str(fault)
    finally:
        del fault.__dict__["_render_traceback_"]
