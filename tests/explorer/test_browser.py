"""The page in a browser: Debian's chromium, by playwright. ARMEXEC_SCREENSHOTS names a folder for pictures of it."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browsers import chromium, needs_chromium

pytestmark = needs_chromium
LONG = 60_000
SIZES = {"desk": (1280, 720), "zoomed": (640, 360), "phone": (390, 844)}


@pytest.fixture(scope="module")
def served() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "armexec", "explore", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.send_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def url(served: subprocess.Popen[str]) -> str:
    assert served.stdout is not None
    return served.stdout.readline().strip()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


class Page:
    """A page of the browser, and what it has asked for and complained of."""

    def __init__(self, browser: Any, url: str, width: int = 1280, height: int = 720, theme: str = "light") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        self.context.set_default_timeout(LONG)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)
        self.wait_for_result()

    def wait_for_result(self) -> None:
        self.page.wait_for_selector(".row")
        self.page.wait_for_selector(".result :is(.good, .warn, .bad)")

    def example(self, title: str, result: str) -> None:
        if result in self.text(".result"):
            # That of another example: when that of this one is there couldn't be told.
            self.example("Recursion and its stack", "= 120")
        self.page.select_option("[aria-label=Examples]", title)
        # Keys aren't for the editor.
        self.page.evaluate("() => document.activeElement.blur()")
        self.page.wait_for_function("text => document.querySelector('.result').textContent.includes(text)", arg=result)

    def text(self, selector: str) -> str:
        return str(self.page.text_content(selector))

    @property
    def time(self) -> int:
        return int(self.page.get_attribute("main", "data-time"))

    def until_time(self, time: int) -> None:
        self.page.wait_for_function(f"() => document.querySelector('main').dataset.time === '{time}'")

    def until_address(self, has: Callable[[dict[str, Any]], bool]) -> str:
        """The page's address, as soon as the state in it is what is meant."""
        for _ in range(LONG // 100):
            address = str(self.page.evaluate("location.href"))
            # The page writes it a little later than it changes.
            packed = base64.urlsafe_b64decode(address.partition("#")[2] + "==")
            state = json.loads(zlib.decompress(packed, -zlib.MAX_WBITS)) if packed else {}
            if has(state):
                return address
            self.page.wait_for_timeout(100)
        raise AssertionError(state)

    def go(self, time: int) -> None:
        self.page.evaluate(
            """time => {
                const slider = document.querySelector("input[type=range]");
                slider.value = time;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
            }""",
            time,
        )
        self.until_time(time)


@pytest.fixture(scope="module")
def opened(browser: Any, url: str) -> Iterator[Page]:
    page = Page(browser, url)
    yield page
    page.context.close()


@pytest.fixture
def page(opened: Page) -> Iterator[Page]:
    """One page for all tests: each begins with another example."""
    yield opened
    assert opened.complaints == []


def test_the_first_page_tells_the_founding_story_and_no_request_leaves(page: Page, url: str) -> None:
    words = page.page.eval_on_selector_all(".row .word", "all => all.map(one => one.textContent)")
    assert words == ["D10043FF", "B9000FE0", "B9400FE0", "910043FF", "D65F03C0"]
    assert page.text(".result").startswith("= 3")
    assert "mprotect" in page.text(".steps")
    assert all(asked.startswith((url, url.replace("http", "ws"), "data:")) for asked in page.asked)


def test_typing_builds_anew_and_mistakes_are_shown_in_place(page: Page) -> None:
    page.example("The same in C", "= 3")
    page.page.click(".cm-content")
    page.page.keyboard.press("Control+Home")
    page.page.keyboard.type("x")
    page.page.wait_for_selector(".cm-lint-marker-error")
    assert "unknown type name" in page.text(".status .bad")
    assert page.page.locator(".row").count() == 5
    page.page.keyboard.press("Backspace")
    page.page.wait_for_selector(".status .bad", state="detached")
    page.page.keyboard.press("Control+f")
    page.page.keyboard.press("Escape")
    page.page.keyboard.press("Control+End")
    page.page.keyboard.type("int twice(int a) { return 2 * a; }")
    page.page.wait_for_selector("text=twice:")
    page.page.select_option("[aria-label=Function]", "twice")
    page.page.wait_for_function("() => document.querySelector('.result').textContent.startsWith('= 6')")


def test_everything_goes_by_keyboard(page: Page) -> None:
    page.example("Recursion and its stack", "= 120")
    page.page.focus("[role=option]")
    for _ in range(4):
        page.page.keyboard.press("ArrowDown")
    assert "ldr x8, [sp, #16]" in page.text(".row[aria-selected=true]")
    page.page.wait_for_function("() => document.querySelector('.explain .full').textContent === 'ldr x8, [sp, #16]'")
    # The source line of the instruction is marked, and so are its other instructions.
    assert page.text(".cm-line.linked").strip() == "if (n < 2)"
    assert len({row[:3] for row in page.page.locator(".row.linked .line").all_text_contents()}) == 1
    page.page.keyboard.press("b")
    page.page.wait_for_selector(".row .broken")
    page.page.keyboard.press("c")
    page.until_time(4)
    page.page.keyboard.press("c")
    page.page.wait_for_function("() => Number(document.querySelector('main').dataset.time) > 4")
    second = page.time
    page.page.keyboard.press(",")
    page.until_time(second - 1)
    page.page.keyboard.press(".")
    page.until_time(second)
    page.page.keyboard.press("C")
    page.until_time(4)
    page.page.keyboard.press("0")
    page.until_time(0)
    page.page.keyboard.press("$")
    page.until_time(95)
    page.page.focus("[role=option][tabindex='0']")
    page.page.keyboard.press("p")
    page.page.wait_for_selector("dialog[open] pre:has-text('Encodings')")
    page.page.keyboard.press("Escape")
    page.page.wait_for_selector("dialog", state="detached")
    page.page.focus("[role=option][tabindex='0']")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".cm-focused")


def test_the_stack_the_changes_and_who_wrote_a_value(page: Page) -> None:
    page.example("A bug, found backwards", "= 10")
    page.page.keyboard.press("$")
    page.until_time(327)
    page.page.click("[data-register=x0] button")
    page.until_time(323)
    page.page.keyboard.press(".")
    page.page.wait_for_selector("[data-register=x0].changed")
    assert page.text("[data-register=x0] .value").endswith("000000000000000a")
    page.page.keyboard.press(",")
    page.page.wait_for_function("() => document.querySelectorAll('.slot').length > 4")
    # b.count is in the upper half of the eight bytes at sp + 24.
    page.page.locator(".slot button", has_text="sp+24").click()
    page.page.wait_for_function("() => document.querySelector('main').dataset.time !== '323'")
    page.page.wait_for_function("() => document.querySelectorAll('.frame-title').length === 3")
    titles = page.page.locator(".frame-title b").all_text_contents()
    assert titles == ["add", "kept"]


def test_what_breaks_the_calling_convention_is_marked_and_found_by_keyboard(page: Page) -> None:
    page.example("A broken calling convention", "4 violations")
    page.page.keyboard.press("0")
    page.until_time(0)
    for time in (1, 2, 17, 20):
        page.page.keyboard.press("v")
        page.until_time(time)
    assert "it reads below SP" in page.text(".now .wrong")
    page.page.keyboard.press("V")
    page.until_time(17)
    # Marked at the instructions, in words and not by colour alone, and at the lines.
    assert page.page.locator(".row .wrong").count() == 4
    label = page.page.get_attribute(".row.here", "aria-label")
    assert "breaks the calling convention: x19 isn't preserved" in label
    assert page.page.locator(".cm-lint-marker-warning").count() == 4
    page.page.click(".violation-count")
    assert "x19" in page.text(".violation[aria-current=step]")
    page.page.locator(".violation", has_text="v8").click()
    page.until_time(2)


def test_conditions_and_watched_memory_by_keyboard(page: Page) -> None:
    page.example("Sorting an array", "values = [1, 2, 5, 9]")
    page.page.focus("[role=option][tabindex='0']")
    page.page.keyboard.press("End")
    page.page.keyboard.press("B")
    page.page.wait_for_selector("[aria-label^='Condition of']:focus")
    page.page.keyboard.type("x0 == -1")
    page.page.wait_for_selector(".told.bad:has-text('i64(x0)')")
    page.page.keyboard.press("Control+a")
    page.page.keyboard.type("u32[x0] == 1")
    page.page.wait_for_selector(".told:has-text('now false')")
    page.page.evaluate("() => document.activeElement.blur()")
    page.page.keyboard.press("0")
    page.until_time(0)
    page.page.keyboard.press("w")
    page.page.wait_for_selector("[aria-label='Address to watch']:focus")
    page.page.keyboard.type("x0")
    page.page.wait_for_selector(".new-watch .told:has-text('now 0x')")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".stop:has-text('writes 4 bytes at x0')")
    page.page.evaluate("() => document.activeElement.blur()")
    times = []
    for _ in range(3):
        before = page.time
        page.page.keyboard.press("c")
        page.page.wait_for_function(f"() => document.querySelector('main').dataset.time > {before}")
        times.append(page.time)
        page.page.wait_for_selector(f".notice:has-text('Time {page.time}: ')")
    # Two writes of the array's first element, and the return, where the condition holds.
    assert "a breakpoint, u32[x0] == 1" in page.text(".notice")
    page.page.click("[aria-label^='Last time']")
    page.until_time(times[1])


@pytest.mark.slow
def test_a_change_by_hand_goes_on_from_there(page: Page, browser: Any) -> None:
    page.example("The same in C", "= 3")
    page.go(2)
    page.page.keyboard.press("=")
    page.page.wait_for_selector("[aria-label='What is changed']:focus")
    page.page.keyboard.type("u32[sp + 12]")
    page.page.keyboard.press("Tab")
    page.page.keyboard.type("nothing")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("dialog .bad:has-text('no function or symbol')")
    page.page.keyboard.press("Control+a")
    page.page.keyboard.type("w0 + 40")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("dialog", state="detached")
    page.page.wait_for_selector(".result:has-text('= 43')")
    assert page.time == 2
    assert "changed by hand" in page.text(".hand")
    assert page.page.locator(".slot.changed .delta").text_content() == "✎"
    # A link has it, too.
    other = Page(browser, page.until_address(lambda state: len(state.get("h", ())) == 1))
    other.page.wait_for_selector(".result:has-text('= 43')")
    other.context.close()
    page.page.click("text=Undo the last")
    page.page.wait_for_selector(".hand", state="detached")
    page.page.wait_for_selector(".result:has-text('= 3')")


def test_files_are_opened_and_saved_and_words_copied(page: Page, tmp_path: Path) -> None:
    source = tmp_path / "half.c"
    source.write_text("unsigned half(unsigned n) { return n / 2; }\n")
    page.page.set_input_files("input[type=file]", source)
    page.page.wait_for_selector(".callee:has-text('half')")
    assert page.text(".file") == "half.c"
    with page.page.expect_download() as saved:
        page.page.click("text=Save")
    assert saved.value.suggested_filename == "half.c"
    assert Path(saved.value.path()).read_text() == source.read_text()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.page.wait_for_function("() => document.querySelectorAll('.row').length > 2")
    first = page.page.get_attribute(".row", "aria-label")
    page.page.select_option("[aria-label='Copy the instructions as']", "Python")
    page.page.wait_for_selector(".notice:has-text('Copied as Python')")
    copied = page.page.evaluate("() => navigator.clipboard.readText()")
    words: dict[str, Any] = {}
    exec(copied, words)
    assert f"word {words['code'][0]:08X}" in first
    assert len(words["code"]) == page.page.locator(".row").count()


def test_a_program_has_input_and_output(page: Page) -> None:
    page.page.select_option("[aria-label=Examples]", "A program with input and output")
    page.page.wait_for_selector(".result :is(.good, .bad):has-text('exit status'), .result .bad")
    if page.page.locator(".result .bad").count():
        pytest.skip(page.text(".result .bad"))
    page.page.wait_for_selector(".output pre:has-text('Hello, Ada!')")
    page.page.fill("[aria-label='Standard input']", "Grace")
    page.page.wait_for_selector(".output pre:has-text('Hello, Grace!')")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the process is found by Linux's /proc")
def test_a_process_that_has_ended_is_told_and_replaced(page: Page, url: str, served: subprocess.Popen[str]) -> None:
    page.example("The same in C", "= 3")

    def children(process: int) -> list[int]:
        tasks = Path(f"/proc/{process}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]

    # The server's child that has children is what runners are forked from.
    runners = [runner for child in children(served.pid) for runner in children(child)]
    assert runners
    for runner in runners:
        os.kill(runner, signal.SIGKILL)
    page.go(2)
    page.page.wait_for_selector(".result .bad:has-text('was replaced')")
    page.page.click("text=Run")
    page.page.wait_for_function("() => document.querySelector('.result').textContent.startsWith('= 3')")


@pytest.mark.long
def test_a_loop_without_end_is_stopped(page: Page) -> None:
    page.example("A loop that never ends", "was stopped")
    page.page.select_option("[aria-label=Examples]", "The same in C")
    page.page.wait_for_function("() => document.querySelector('.result').textContent.startsWith('= 3')")


@pytest.mark.long
def test_two_settings_side_by_side(page: Page) -> None:
    page.example("Greatest common divisor", "= 6")
    page.page.click("text=Compare")
    page.page.wait_for_function(
        "() => document.querySelectorAll('.sides .code')[1].querySelectorAll('.row').length > 0"
    )
    page.page.select_option("[aria-label='Optimization right']", "-O0")
    page.page.wait_for_function(
        "() => document.querySelectorAll('.sides .code')[1].querySelectorAll('.row').length >"
        " document.querySelectorAll('.sides .code')[0].querySelectorAll('.row').length"
    )


@pytest.mark.slow
def test_the_address_has_the_whole_state(page: Page, browser: Any) -> None:
    page.example("Vector lanes in assembly", "SIXTEEN")
    page.go(6)
    page.page.focus("[role=option][tabindex='0']")
    page.page.keyboard.press("B")
    page.page.keyboard.type("x0 > 9")
    other = Page(browser, page.until_address(lambda state: state.get("t") == 6 and state.get("r") == [[24, "x0 > 9"]]))
    other.until_time(6)
    assert other.text(".cm-content") == page.text(".cm-content")
    assert other.page.input_value("[aria-label=Signature]") == "void(char *text)"
    other.page.click("[data-tab=Breakpoints]")
    assert other.page.input_value("[aria-label^='Condition of']") == "x0 > 9"
    other.context.close()


def moved(page: Page, count: int) -> list[float]:
    """Milliseconds from a position of the slider to the registers on the page, for many positions."""
    found: list[float] = page.page.evaluate(
        """async count => {
            const slider = document.querySelector("input[type=range]");
            const took = [];
            for (let i = 0; i < count; i++) {
                const time = (i * 37) % Number(slider.max);
                const begin = performance.now();
                slider.value = time;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
                const there = () => document.querySelector("output b").textContent === time.toLocaleString();
                while (!there()) await new Promise(resolve => queueMicrotask(resolve) || setTimeout(resolve));
                document.querySelector(".registers").getBoundingClientRect();
                took.push(performance.now() - begin);
                await new Promise(resolve => setTimeout(resolve, 5));
            }
            return took.sort((a, b) => a - b);
        }""",
        count,
    )
    return found


@pytest.mark.long
def test_a_key_s_effect_is_there_in_150_ms(page: Page) -> None:
    page.example("The same in C", "= 3")
    page.page.click(".cm-content")
    page.page.keyboard.press("Control+End")
    took = []
    for key in "/ a comment that takes some time":
        page.page.keyboard.type("/" if key == "/" else key)
        page.page.wait_for_timeout(400)
        took.append(int(page.page.get_attribute(".took", "data-took")))
    took = sorted(took[1:])
    print(f"half {took[len(took) // 2]} ms, 90 % {took[int(len(took) * 0.9)]} ms")
    assert took[len(took) // 2] < 150, took


@pytest.mark.long
def test_nearly_every_move_of_the_slider_takes_less_than_20_ms(page: Page) -> None:
    page.example("A bug, found backwards", "= 10")
    # The best of some: other processes take the processor away.
    series = [moved(page, 200) for _ in range(5)]
    best = min(took[int(len(took) * 0.95)] for took in series)
    print(f"half {min(took[len(took) // 2] for took in series):.1f} ms, 95 % {best:.1f} ms")
    assert best < 20


@pytest.mark.slow
def test_axe_finds_nothing_and_nothing_is_cut_off(browser: Any, url: str, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe isn't installed").Axe()
    pictures = Path(os.environ.get("ARMEXEC_SCREENSHOTS", tmp_path))
    pictures.mkdir(parents=True, exist_ok=True)
    page = Page(browser, url)
    page.example("A broken calling convention", "4 violations")
    page.go(2)
    page.page.keyboard.press("=")
    page.page.keyboard.type("x2")
    page.page.keyboard.press("Tab")
    page.page.keyboard.type("7")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".hand")
    page.page.click("[data-tab=Convention]")
    page.page.wait_for_selector(".frame-title")
    page.page.mouse.move(5, 5)

    def violations() -> list[Any]:
        found = axe.run(page.page).response["violations"]
        return [(v["id"], [node["html"][:200] for node in v["nodes"]][:3]) for v in found]

    for name, (width, height) in SIZES.items():
        page.page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            page.page.emulate_media(color_scheme=theme)
            # Colours are the same at every size, and what there is the same in every theme.
            if (name, theme) in (("desk", "light"), ("desk", "dark"), ("phone", "light")):
                assert violations() == [], f"{name}, {theme}"
            page.page.screenshot(path=pictures / f"{name}-{theme}.png", full_page=name != "desk")
        assert page.page.evaluate("() => document.scrollingElement.scrollWidth <= innerWidth"), name
    page.page.focus("[role=option][tabindex='0']")
    page.page.keyboard.press("B")
    page.page.keyboard.type("x0 ==")
    page.page.wait_for_selector(".told.bad")
    page.page.keyboard.press("Escape")
    page.page.click("[data-tab=Vectors]")
    page.page.keyboard.press("?")
    page.page.wait_for_selector("dialog[open]")
    assert violations() == []
    assert page.complaints == []
    page.context.close()
