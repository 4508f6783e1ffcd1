"""The widget's script in Debian's chromium, by playwright, with a model as notebooks have it.

ARMEXEC_SCREENSHOTS names a folder for pictures of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import armexec
import armexec.notebooks
from browsers import chromium, needs_chromium

pytest.importorskip("anywidget", reason="anywidget isn't installed")
pytestmark = needs_chromium
SCRIPT = Path(armexec.notebooks.__file__).parent / "step.js"
SOURCE = """int sum(const int *a, int n) {
  int s = 0;
  for (int i = 0; i < n; i++)
    s += a[i];
  return s;
}
"""
HOST = """<!doctype html><meta charset="utf-8"><body style="margin: 12px"><div id="host"></div><script type="module">
const [state, listeners] = [%s, {}];
window.saved = [];
window.model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; },
  save_changes: () => saved.push(state.time),
  on: (name, listener) => { listeners[name] = listener; },
  off: (name) => { delete listeners[name]; },
};
window.told = (time) => { state.time = time; listeners["change:time"](); };
window.listeners = listeners;
const module = await import(URL.createObjectURL(new Blob([%s], { type: "text/javascript" })));
window.end = module.default.render({ model, el: document.getElementById("host") });
window.ready = true;
</script>"""


@pytest.fixture(scope="module")
def widget() -> Any:
    return armexec.notebooks.step(armexec.compile(SOURCE, "c").sum, [10, 20, 30], 3)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


class Page:
    """A page with the widget, and what it complains of."""

    def __init__(self, browser: Any, widget: Any, time: int) -> None:
        self.page = browser.new_page(viewport={"width": 1000, "height": 460})
        self.page.set_default_timeout(60_000)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        state = {"data": widget.data, "time": time}
        self.page.set_content(HOST % (json.dumps(state), json.dumps(SCRIPT.read_text())))
        self.page.wait_for_function("window.ready")

    @property
    def time(self) -> int:
        return int(self.page.text_content(".time").split()[0])

    def register(self, name: str) -> int:
        return int(self.page.text_content(f"[data-register={name}] .value"), 16)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


@pytest.fixture
def page(browser: Any, widget: Any) -> Iterator[Page]:
    page = Page(browser, widget, 0)
    yield page
    assert page.complaints == []
    page.page.close()


def test_it_shows_what_the_session_has_at_each_time(page: Page, widget: Any) -> None:
    session = widget.session
    windows = [(address, len(contents) // 2) for _, address, contents in widget.data["memory"]]
    page.page.focus(".armexec-step")
    for time in range(widget.data["end"]):
        session.goto(time)
        assert page.time == time
        assert page.page.text_content(".now b") == session.instruction.text
        for name in ("x0", "x8", "x9", "sp"):
            assert page.register(name) == (session.cpu.sp if name == "sp" else session.cpu.x[int(name[1:])])
        shown = page.page.eval_on_selector_all(".memory .row .value", "all => all.map(one => one.textContent)")
        expected = [
            f"{int.from_bytes(session.memory.read(int(address, 16) + at, min(size - at, 8)), 'little'):016x}"
            for address, size in windows
            for at in range(0, size, 8)
        ]
        assert shown == expected
        page.press("ArrowRight")
    assert page.page.text_content(".now") == "= 60"


def test_keys_and_buttons_go_forwards_and_back(page: Page, widget: Any) -> None:
    end = widget.data["end"]
    page.page.focus(".armexec-step")
    page.press("End")
    assert page.time == end
    assert page.page.is_disabled(".step")
    page.press("ArrowLeft", "ArrowLeft", "PageUp")
    assert page.time == end - 12
    page.press("Home", "ArrowLeft")
    assert page.time == 0
    page.page.click(".step")
    page.page.click(".step")
    page.page.click(".back")
    assert page.time == 1
    page.page.click(".line")
    lines = widget.data["lines"]
    assert lines[widget.data["rows"][page.time][3]][1] == 2
    page.press("Shift+ArrowRight")
    assert "line 3" in page.page.text_content(".now")
    page.press("Shift+ArrowLeft")
    assert "line 2" in page.page.text_content(".now")
    # The keys move by one where the slider has the focus, too.
    before = page.time
    page.page.focus("input[type=range]")
    page.press("ArrowRight")
    assert page.time == before + 1


def test_memory_comes_back(page: Page) -> None:
    memory = "all => all.map(one => one.textContent)"
    before = page.page.eval_on_selector_all(".memory .row", memory)
    page.page.focus(".armexec-step")
    page.press("End")
    assert page.page.eval_on_selector_all(".memory .row", memory) != before
    page.press("Home")
    assert page.page.eval_on_selector_all(".memory .row", memory) == before


def test_what_the_last_instruction_changed_is_marked(page: Page, widget: Any) -> None:
    assert page.page.query_selector(".changed") is None
    page.page.focus(".armexec-step")
    page.press("ArrowRight")
    assert page.page.get_attribute(".registers .changed", "data-register") == "sp"
    page.press("ArrowRight")
    assert page.page.query_selector(".registers .changed") is None
    assert len(page.page.query_selector_all(".memory .changed")) == 1


def test_python_is_told_when_the_slider_rests_and_tells_the_slider(page: Page) -> None:
    page.page.focus(".armexec-step")
    page.press("ArrowRight", "ArrowRight", "ArrowRight")
    page.page.wait_for_function("window.saved.at(-1) === 3")
    page.page.evaluate("told(8)")
    assert page.time == 8
    page.page.evaluate("end()")
    assert page.page.evaluate("Object.keys(listeners)") == []


def test_a_click_goes_to_an_instruction(page: Page, widget: Any) -> None:
    page.page.click(".code .row:has-text('ret')")
    assert page.time == widget.data["end"] - 1
    page.page.select_option("select", "signed")
    assert page.page.text_content("[data-register=x0] .value") == "60"


@pytest.mark.parametrize(("name", "width"), [("desk", 1000), ("narrow", 420)])
def test_it_fits(page: Page, name: str, width: int) -> None:
    page.page.set_viewport_size({"width": width, "height": 900})
    assert page.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    folder = os.environ.get("ARMEXEC_SCREENSHOTS")
    if folder:
        page.page.locator(".armexec-step").screenshot(path=f"{folder}/step-{name}.png")


def test_it_can_be_used_without_eyes(page: Page) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe isn't installed").Axe()
    found = axe.run(page.page, "#host").response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
