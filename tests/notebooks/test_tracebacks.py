"""Exceptions in a notebook: with and without %load_ext armexec."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytest.importorskip("IPython", reason="IPython is not installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

COMPILE = """import armexec
m = armexec.compile('''int g(int *p) {
  return *p + 1;
}
int f(int *p) { return g(p) + 1; }''', 'c', engine='reference')
def user(*arguments):
    return m.f(*arguments)"""
CELLS = {
    "compile": COMPILE,
    "text": "user(0)",
    "arguments": "m.f(1, 2)",
    "load": "%load_ext armexec",
    "again": "%reload_ext armexec",
    "fault": "user(0)",
    "other": "1 / 0",
    "caught": "try:\n    user(0)\nexcept armexec.Error as e:\n    error = e\nerror",
    "cell": "%%armexec --language c mine\nint h(int *p) {\n  return *p;\n}",
    "of cell": "mine.h(0)",
    "after": "user([3])",
}


@pytest.fixture(scope="module")
def outputs() -> dict[str, Any]:
    """What each cell shows."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in CELLS.values()]
    nbclient.NotebookClient(notebook, timeout=120, allow_errors=True).execute()
    nbformat.validate(notebook)
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def _text(output: Any) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output["traceback"]))


def test_without_the_extension_all_is_text(outputs: dict[str, Any]) -> None:
    (error,) = outputs["text"]
    text = _text(error)
    assert error["ename"] == "MemoryFault"
    assert "return m.f(*arguments)" in text
    assert "Backtrace of the guest" in text
    assert text.index("in g") < text.index("in f")
    assert "Registers:" in text
    # armexec's own frames say nothing to its users.
    assert "armexec/" not in text
    assert "<string>" not in text
    (error,) = outputs["arguments"]
    assert "takes 1 argument, not 2" in _text(error)
    assert "armexec/" not in _text(error)


def test_with_the_extension_the_details_are_tables(outputs: dict[str, Any]) -> None:
    assert outputs["load"] == outputs["again"] == []
    error, details = outputs["fault"]
    assert error["output_type"] == "error"
    assert "return m.f(*arguments)" in _text(error)
    assert "Registers:" not in _text(error)
    shown = details["data"]["text/html"]
    for text in ("ldr w8, [x8]", "Calls", "Registers", "x29"):
        assert text in shown
    assert "<script" not in shown


def test_other_exceptions_are_as_ever(outputs: dict[str, Any]) -> None:
    (error,) = outputs["other"]
    assert error["ename"] == "ZeroDivisionError"
    assert outputs["after"][0]["data"]["text/plain"] == "5"


def test_an_exception_is_shown_as_a_value(outputs: dict[str, Any]) -> None:
    assert "MemoryFault" in outputs["caught"][0]["data"]["text/html"]


def test_lines_of_cells_are_shown(outputs: dict[str, Any]) -> None:
    _, details = outputs["of cell"]
    assert "return *p;" in details["data"]["text/html"]
