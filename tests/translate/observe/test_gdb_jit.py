"""What gdb is shown of translated code, by gdb itself and in the list that it reads."""

from __future__ import annotations

import gc
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import armexec
from armexec.engines.translated import settle
from armexec.translate.observe import gdb_jit as gdb
from rules import broken

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the objects are ELF")

SOURCE = """
int leaf(int *p, int n) { return p[n]; }
int deep(int *p, int n) {
    if (n == 0)
        return leaf(p, n) + 1;
    int k = deep(p, n - 1);
    return deep(p, k) * p[k];
}
extern "C" int outer(int n) {
    return deep((int *)8, n) + 1;
}
"""
# So many instructions that it isn't optimized before it runs.
LARGE = SOURCE.replace(
    "return deep(p, k)", "".join(f"k = k * 3 + p[{i}] ^ k >> {i % 7};\n" for i in range(60)) + "return deep(p, k)"
)
SCRIPT = f"""
import armexec
mod = armexec.compile({SOURCE!r}, opt="-O1", filename="guest.cpp", flags=["-fno-inline"], engine="translated")
try:
    mod.outer(3)
except armexec.MemoryFault as fault:
    print("the fault:", fault)
"""


@cache
def _gdb() -> str:
    """Its path, if it can run programs here."""
    path = shutil.which("gdb")
    if path is None:
        return ""
    command = [path, "-nx", "-batch", "-ex", "run", "--args", shutil.which("true") or "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return path if "exited normally" in done.stdout else ""


def _debugged(tmp_path: Path, *commands: str, text: str = SCRIPT) -> str:
    script = tmp_path / "script.py"
    script.write_text(text)
    arguments = [argument for command in commands for argument in ("-ex", command)]
    settings = ["-iex", "set auto-load no", "-iex", "set debuginfod enabled off", "-iex", "set width 0"]
    command = [_gdb(), "-nx", "-batch", *settings, *arguments, "--args", sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    return done.stdout


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_GDB", "1")


needs_gdb = pytest.mark.skipif(not _gdb(), reason="gdb isn't there, or may not run programs")


@pytest.mark.slow
@needs_gdb
@pytest.mark.usefixtures("asked_for")
def test_a_backtrace_has_the_functions_and_lines_of_the_guest(tmp_path: Path) -> None:
    shown = _debugged(tmp_path, "run", "backtrace", "continue")
    frames = re.findall(r"^#\d+ .*$", shown, re.MULTILINE)
    guest = [re.sub(r"^#\d+\s+(0x\w+ in )?", "", frame) for frame in frames if "guest.cpp" in frame]
    assert re.match(r"(leaf|deep)\(int\*, int\) \(\) at guest\.cpp:[258]$", guest[0]), shown
    assert guest.count("deep(int*, int) () at guest.cpp:6") == 3, shown
    assert any(re.match(r"outer.* \(\) at guest\.cpp:1\d$", frame) for frame in guest), shown
    # Beyond the guest are its callers, down to the beginning of the process.
    assert "_start" in frames[-1] or "main" in frames[-1], shown
    assert "the fault: " in shown


@pytest.mark.slow
@needs_gdb
@pytest.mark.usefixtures("asked_for")
def test_a_backtrace_through_code_of_the_first_tier(tmp_path: Path) -> None:
    shown = _debugged(tmp_path, "run", "backtrace", text=SCRIPT.replace(repr(SOURCE), repr(LARGE)))
    frames = re.findall(r"^#\d+ .*$", shown, re.MULTILINE)
    assert sum("deep(int*, int) [state] () at guest.cpp:6" in frame for frame in frames) == 3, shown
    assert "_start" in frames[-1] or "main" in frames[-1], shown


@pytest.mark.slow
@needs_gdb
@pytest.mark.usefixtures("asked_for")
def test_a_backtrace_from_a_call_that_python_makes_directly(tmp_path: Path) -> None:
    settled = """
from armexec.engines.translated import settle
for _ in range(2):  # such calls are made from the second on
    try:
        mod.outer("nothing")
    except armexec.SignatureError:
        settle(30)
try:
    mod.outer(3)"""
    shown = _debugged(tmp_path, "run", "backtrace", text=SCRIPT.replace("\ntry:\n    mod.outer(3)", settled, 1))
    assert re.search(r"^#\d+ .* armexec:call \(\)$", shown, re.MULTILINE), shown
    assert re.search(r"^#\d+ .*(_start|main).*\Z", shown.strip(), re.MULTILINE), shown


@pytest.mark.slow
@needs_gdb
@pytest.mark.usefixtures("asked_for")
def test_breakpoints_at_functions_and_lines(tmp_path: Path) -> None:
    breakpoints = ("set breakpoint pending on", "break outer", "break guest.cpp:6")
    shown = _debugged(tmp_path, *breakpoints, "run", "continue", "kill")
    assert re.search(r"Breakpoint 1, .*outer \(\) at guest\.cpp:", shown), shown
    assert re.search(r"Breakpoint 2, .*deep\(int\*, int\) \(\) at guest\.cpp:6", shown), shown


def _registered() -> int:
    count = 0
    entry = gdb._interface().descriptor.first_entry
    before = None
    while entry:
        assert bool(entry.contents.prev_entry) == (before is not None)
        before, entry = entry, entry.contents.next_entry
        count += 1
    return count


@pytest.mark.usefixtures("asked_for", "others_pages")
def test_objects_are_registered_as_long_as_their_code_lives() -> None:
    mod = armexec.compile("int f(int n) { return n + 1; }", engine="translated")
    assert mod.f(1) == 2
    # What calls functions of one int is made in the background, and stays.
    settle(30)
    first = _registered()
    others = [armexec.compile(f"int f(int n) {{ return n + {i}; }}", engine="translated") for i in range(3)]
    assert [other.f(1) for other in others] == [1, 2, 3]
    assert _registered() == first + 3
    assert not broken()
    # From the middle of the list, and from its ends.
    for index in (1, 1, 0):
        del others[index]
        gc.collect()
        assert _registered() == first + len(others)
    assert mod.f(1) == 2


def test_nothing_is_registered_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # Code of the test before may still be being made in the background.
    settle(30)
    monkeypatch.delenv("ARMEXEC_GDB", raising=False)
    before = len(gdb._registered)
    assert armexec.compile("int f(int n) { return n - 1; }", engine="translated").f(1) == 0
    assert len(gdb._registered) == before
