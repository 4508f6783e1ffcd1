"""%%armexec in notebooks."""

from __future__ import annotations

from typing import Any

import pytest

import armexec

pytest.importorskip("IPython", reason="IPython is not installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

CELLS = {
    "load": "%load_ext armexec",
    "module": "%%armexec --language c -O1 mine\nint square(int x) { return x * x; }",
    "call": "mine.square(7)",
    "function": "mine.square",
    "code": "import armexec; armexec.assemble('add x0, x0, #1; ret')",
    "instruction": "armexec.disassemble(0x910043FF)[0]",
    "c++": "%%armexec\nint twice(int x) { return 2 * x; }",
    "assembly": "%%armexec --language assembly asm --target linux\n.globl f\nf: add w0, w0, w0\n ret",
    "broken": "%%armexec\nint broken( { }",
    "unknown option": "%%armexec --nope\nint f();",
    "bad name": "%%armexec 3x\nint f();",
    "after": "mod.twice(4)",
}


@pytest.fixture(scope="module")
def outputs() -> dict[str, Any]:
    """What each cell shows."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in CELLS.values()]
    nbclient.NotebookClient(notebook, timeout=120, allow_errors=True).execute()
    nbformat.validate(notebook)
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def _html(outputs: Any) -> str:
    return str(outputs[-1]["data"]["text/html"])


def test_a_cell_becomes_a_module(outputs: dict[str, Any]) -> None:
    assert outputs["load"] == []
    assert "int square(int x)" in _html(outputs["module"])
    assert outputs["call"][0]["data"]["text/plain"] == "49"
    assert "twice" in _html(outputs["c++"])
    assert "translated" in _html(outputs["assembly"]) or "native" in _html(outputs["assembly"])


def test_things_are_shown_as_html(outputs: dict[str, Any]) -> None:
    assert "mul" in _html(outputs["function"])
    assert "add x0, x0, #1" in _html(outputs["code"])
    assert "imm12" in _html(outputs["instruction"])
    for name in ("module", "function", "code", "instruction"):
        assert "<script" not in _html(outputs[name])


def test_errors_are_short(outputs: dict[str, Any]) -> None:
    for name, text in (("broken", "expected ')'"), ("unknown option", "--nope"), ("bad name", "no name of a variable")):
        (error,) = outputs[name]
        shown = "\n".join(error["traceback"])
        assert text in shown
        assert "Traceback" not in shown
    assert outputs["after"][0]["data"]["text/plain"] == "8"


def test_a_profile_is_a_table() -> None:
    f = armexec.compile(
        "long f(long n) { long s = 0; for (long i = 0; i < n; i++) s += i; return s; }", engine="reference"
    ).f
    with armexec.profile() as made:
        f(200)
    assert "f(long)" in made._repr_html_()


def test_text_is_escaped_and_long_tables_end() -> None:
    from armexec.html import code_table, table

    assert "&lt;b&gt;" in table("<b>", ("a",), [["<b>"]])
    assert "... 50 more" in table("t", ("a",), ([n] for n in range(250)))
    assert "... 50 more lines" in code_table("t", "\n".join(map(str, range(250))))
