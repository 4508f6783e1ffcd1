"""The widget as Python has it: what it records, and how its time and the session's go together."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

import armexec

pytest.importorskip("anywidget", reason="anywidget isn't installed")

SOURCE = """int sum(const int *a, int n) {
  int s = 0;
  for (int i = 0; i < n; i++)
    s += a[i];
  return s;
}
static int calls[4];
int twice(const int *a, int n) {
  calls[1] = n;
  return 2 * sum(a, n);
}
int bad(int *p) { return *p; }
"""


@pytest.fixture(scope="module")
def mod() -> Any:
    return armexec.compile(SOURCE, "c")


def step(*arguments: Any, **named: Any) -> Any:
    from armexec.notebooks import step

    return step(*arguments, **named)


def test_the_whole_call_is_recorded(mod: Any) -> None:
    widget = step(mod.twice, [1, 2, 3], 3)
    data = widget.data
    assert (data["name"], data["outcome"]) == ("twice", "= 12")
    assert data["end"] == len(armexec.trace(mod.twice, [1, 2, 3], 3))
    assert json.loads(json.dumps(data)) == data
    assert set(data["functions"]) == {"sum", "twice"}
    assert ["<source>", 4, "    s += a[i];"] in data["lines"]
    texts = {row[0]: row[2] for row in data["rows"]}
    assert all(pc in texts for part in data["parts"] for pc in part["pcs"])
    windows = {name: bytes.fromhex(contents) for name, _, contents in data["memory"]}
    assert windows["x0"] == bytes([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0])
    assert set(windows) == {"stack", "x0", "calls"}
    # As it was before the call.
    assert not any(windows["calls"])


def test_the_session_goes_where_the_slider_is(mod: Any) -> None:
    widget = step(mod.twice, [1, 2, 3], 3)
    assert (widget.time, widget.session.time) == (0, 0)
    # As the frontend says it.
    widget.set_state({"time": 7})
    assert widget.session.time == 7
    widget.time = 10**9
    assert widget.time == widget.session.time == widget.data["end"]
    assert widget.session.result == 12
    widget.set_state({"time": -5})
    assert widget.session.time == 0


def test_a_session_that_stands_somewhere(mod: Any) -> None:
    session = armexec.debug(mod.twice, [1], 1)
    session.step(5)
    widget = session.widget()
    assert widget.time == session.time == 5
    assert widget.data["parts"][0]["begin"] == 0
    session.close()
    widget.time = 2
    assert widget.time == 2
    with pytest.raises(armexec.Error, match="closed"):
        session.widget()


def test_a_long_call_ends_at_the_limit(mod: Any) -> None:
    widget = step(mod.sum, [1] * 500, 500, limit=1500)
    assert widget.data["end"] == 1500
    assert "the first 1500" in widget.data["outcome"]
    assert [part["begin"] for part in widget.data["parts"]] == [0, 512, 1024]
    with pytest.raises(armexec.SignatureError, match="limit"):
        step(mod.sum, [1], 1, limit=-1)


def test_a_fault_and_an_exception_of_python_are_the_end(mod: Any) -> None:
    assert step(mod.bad, 0).data["outcome"].startswith("MemoryFault: can't read memory at 0x0")

    def fail(x: int) -> int:
        raise KeyError(x)

    calls = armexec.compile("int f(int (*g)(int)) { return g(3); }", "c").f
    widget = step(calls, fail)
    assert widget.data["outcome"] == "KeyError: 3"
    assert widget.data["end"] > 0


def test_a_program_and_a_cpu(mod: Any) -> None:
    assert "0" in step("int main() { return 0; }").data["outcome"]
    space = armexec.AddressSpace()
    cpu = armexec.Cpu(space)
    cpu.pc = space.map(0x4000_0000, 0x1000, "rx", data=armexec.assemble("mov x0, #7; svc #1").bytes)
    widget = step(cpu)
    assert widget.data["end"] == 2
    assert "svc #1" in widget.data["outcome"]
    assert widget.data["memory"] == []


def test_what_saved_notebooks_show(mod: Any) -> None:
    data, _ = step(mod.twice, [1, 2, 3], 3)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<script" not in data["text/html"]
    assert "calls[1] = n;" in data["text/html"]
    assert "= 12" in data["text/html"]


def test_without_the_extra_it_says_what_to_install() -> None:
    script = """
import sys
sys.modules["anywidget"] = None
import armexec
from armexec.notebooks import step
f = armexec.function("ret", "int(int)")
for what in (lambda: step(f, 3), armexec.debug(f, 3).widget):
    try:
        what()
    except armexec.HostError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.count("pip install 'armexec[widget]'") == 2


def test_a_notebook_keeps_all_that_the_widget_needs() -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    cells = [
        "import armexec\nfrom armexec.notebooks import step",
        "widget = step(armexec.compile('int f(int x) { return x + 1; }', 'c').f, 4)\nwidget",
        "widget.time = 3\nwidget.session.time",
    ]
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in cells]
    nbclient.NotebookClient(notebook, timeout=120).execute()
    _, shown, time = (cell.outputs for cell in notebook.cells)
    view = shown[0]["data"]["application/vnd.jupyter.widget-view+json"]
    states = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    state = states[view["model_id"]]["state"]
    assert "export default { render }" in state["_esm"]
    assert state["data"]["outcome"] == "= 5"
    assert state["time"] == 3
    assert time[0]["data"]["text/plain"] == "3"
