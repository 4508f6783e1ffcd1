"""Real debuggers: those of the system, and those in the folders of ARMEXEC_DEBUGGERS."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import armexec
from armexec.debugger.rsp import symbol_file
from debugger.test_threads import OUTPUT, SPINS

from .client import Client

SOURCE = """\
int total;
static __attribute__((noinline)) int square(int x) {
    int y = x * x;
    return y;
}
int squares(int n) {
    int s = 0;
    for (int i = 1; i <= n; i++) {
        s += square(i);
        total = s;
    }
    return s;
}
int main(int argc, char **argv) { return squares(argc + 2); }
"""


@cache
def _version(path: str) -> str:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.partition("\n")[0]


def _found(*names: str) -> list[str]:
    folders = [*os.environ.get("ARMEXEC_DEBUGGERS", "").split(os.pathsep), os.environ.get("PATH", "")]
    found = [shutil.which(name, path=folder) for name in names for folder in folders if folder]
    return list(dict.fromkeys(path for path in found if path is not None))


GDBS, LLDBS = _found("gdb-multiarch", "gdb"), _found("lldb")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("debugged") / "squares.c"
    path.write_text(SOURCE)
    return path


@pytest.fixture(scope="module")
def mod() -> Iterator[Any]:
    with armexec.compile(SOURCE, language="c", opt="-O0", flags="-g") as module:
        yield module


class _Served(Client):
    """A session that is served, and that no test connects to."""

    def __init__(self, session: Any) -> None:
        import queue
        import threading

        ports: queue.Queue[int] = queue.Queue()
        self._thread = threading.Thread(target=lambda: session.serve(0, ready=ports.put), daemon=True)
        self._thread.start()
        self.port = ports.get(timeout=20)

    def done(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()


def _gdb(path: str, target: str, *commands: str) -> str:
    words = [path, "-q", "-nx", "-batch", "-ex", "set confirm off", "-ex", f"target remote {target}"]
    for command in commands:
        words += ["-ex", command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


def _lldb(path: str, *commands: str) -> str:
    words = [path, "-b", "--no-lldbinit"]
    # On a busy machine an answer may take longer than lldb waits.
    for command in ("settings set plugin.process.gdb-remote.packet-timeout 60", *commands):
        words += ["-o", command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=180, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


@pytest.mark.skipif(not GDBS, reason="no gdb: the package gdb-multiarch has one")
@pytest.mark.parametrize("path", GDBS)
def test_gdb(mod: Any, path: str, record_property: Any) -> None:
    record_property("version", _version(path))
    with armexec.debug(mod.squares, 3) as session:
        served = _Served(session)
        out = _gdb(
            path,
            f":{served.port}",
            "bt",
            "break square if x == 2",
            "continue",
            "bt",
            "info locals",
            "finish",
            "delete",
            "watch total",
            "continue",
            "reverse-continue",
            "reverse-stepi",
            "print/x $pc",
            "print square(7)",
            "next",
            "step",
            "set var total = 40",
            "print total",
            "print $v3.d.u[0] = 9",
            "x/2i squares",
            "info threads",
            "monitor time",
            "delete",
            "detach",
        )
        served.done()
        if any(text in out for text in ("not supported", "Architecture rejected", "unknown architecture")):
            pytest.skip(f"{_version(path)} is for another architecture")
        assert re.search(r"#0 +squares .*\n#1 .* in back_to_python \(\)", out), out
        assert re.search(r"#0 +square \(x=2\) .*<source>:3\n#1 .* in squares \(n=3\) .*\n#2 .* back_to_python", out), (
            out
        )
        assert re.search(r"Value returned is \$\d+ = 4", out), out
        assert "Old value = 1\nNew value = 5" in out, out
        assert "Old value = 5\nNew value = 1" in out, out
        assert re.search(r"\$\d+ = 49", out), out
        assert re.search(r"\$\d+ = 40", out), out
        assert "<squares>:\tsub\tsp, sp" in out, out
        assert '"squares"' in out, out
        assert session.result == 14


@pytest.mark.skipif(not GDBS, reason="no gdb: the package gdb-multiarch has one")
def test_gdb_starts_the_program_itself(file: Path, tmp_path: Path) -> None:
    script = tmp_path / "script"
    command = f"{sys.executable} -m armexec run --gdb - --flag=-g {file} x y"
    script.write_text(f"target remote | {command}\nbreak square\ncontinue\nbt\ndelete\ncontinue\n")
    done = subprocess.run(
        [GDBS[0], "-q", "-nx", "-batch", "-x", str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert re.search(r"#0 +square \(x=1\)", done.stdout), done.stdout + done.stderr
    assert re.search(r"#2 .* main \(argc=3", done.stdout), done.stdout + done.stderr
    assert "exited with code 067" in done.stdout, done.stdout + done.stderr


@pytest.mark.skipif(not GDBS, reason="no gdb: the package gdb-multiarch has one")
@pytest.mark.parametrize("path", GDBS)
def test_gdb_with_threads(path: str, record_property: Any) -> None:
    record_property("version", _version(path))
    with armexec.debug(SPINS, language="c", opt="-O1", flags="-fno-inline -w") as session:
        served = _Served(session)
        out = _gdb(
            path,
            f":{served.port}",
            "break square",
            "continue",
            "info threads",
            "thread 1",
            "bt",
            "continue",
            "thread apply all bt 3",
            "finish",
            "reverse-continue",
            "delete",
            "continue",
        )
        served.done()
        if any(text in out for text in ("not supported", "Architecture rejected", "unknown architecture")):
            pytest.skip(f"{_version(path)} is for another architecture")
        assert re.search(r"Thread 1\.1 .*\n.*Thread 1\.[23] .*square \(.*\n.*Thread 1\.[23] ", out), out
        assert re.search(r"Switching to thread 1 .*\n(.*\n)+#\d .* in main \(", out), out
        assert len(re.findall(r"hit Breakpoint 1, .*square \(", out)) == 3, out
        assert re.search(r"Thread 1\.[23] .*\n#0 .*square \(.*\n#1 .* in (odd|even) \(", out), out
        assert "exited normally" in out, out
        assert session.result.output == OUTPUT


@pytest.mark.skipif(not LLDBS, reason="no lldb")
@pytest.mark.parametrize("path", LLDBS)
def test_lldb_with_threads(path: str, tmp_path: Path, record_property: Any) -> None:
    record_property("version", _version(path))
    with armexec.debug(SPINS, language="c", opt="-O1", flags="-fno-inline -w") as session:
        (tmp_path / "spins.elf").write_bytes(symbol_file(session))
        served = _Served(session)
        commands = [
            f"target create {tmp_path / 'spins.elf'}",
            f"gdb-remote {served.port}",
            "breakpoint set -n square",
            "continue",
            "thread list",
            "thread select 1",
            "bt",
            "breakpoint delete -f",
            "continue",
        ]
        out = _lldb(path, *commands)
        served.done()
        assert len(re.findall(r"thread #[123]: tid = (0x)?0*[123]", out)) >= 3, out
        assert re.search(r"frame #\d: .*`main", out), out
        assert "exited with status = 0" in out, out
        assert session.result.output == OUTPUT


@pytest.mark.skipif(not LLDBS, reason="no lldb")
@pytest.mark.parametrize("path", LLDBS)
def test_lldb(mod: Any, path: str, tmp_path: Path, record_property: Any) -> None:
    version = _version(path)
    record_property("version", version)
    with armexec.debug(mod.squares, 3) as session:
        (tmp_path / "squares.elf").write_bytes(symbol_file(session))
        served = _Served(session)
        commands = [
            f"target create {tmp_path / 'squares.elf'}",
            f"gdb-remote {served.port}",
            "bt",
            "breakpoint set -n square",
            "continue",
            "bt",
            "frame variable",
            "register read x0 cpsr",
            "finish",
            "watchpoint set variable total",
            "continue",
            "watchpoint delete -f",
            "breakpoint delete -f",
            "expression square(7)",
            "thread step-inst",
            "memory region $sp",
            "process detach",
        ]
        out = _lldb(path, *commands)
        served.done()
        assert re.search(r"frame #0: .*`squares\(.*\n.*frame #1: .*back_to_python", out), out
        assert re.search(r"frame #0: .*`square\(x=1\) at <source>:3.*\n.*frame #1: .*`squares\(n=3\)", out), out
        assert "(int) x = 1" in out, out
        assert "stop reason = step out" in out, out
        assert "new value: 1" in out, out
        assert re.search(r"\(int\) (\$\d+ = )?49", out), out
        assert session.result == 14
