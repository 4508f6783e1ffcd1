"""The command `armexec explore --api`, and cexpl 0.1.0 as its client."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from .client import ECHO

cexpl = pytest.importorskip("cexpl", reason="cexpl isn't installed")


@pytest.fixture(scope="module")
def lines() -> Iterator[list[str]]:
    """A server; what it has printed."""
    command = [sys.executable, "-m", "armexec", "explore", "--no-browser", "--api"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                break
        yield printed
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


@pytest.fixture
def host(lines: list[str]) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", lines[1])
    assert found is not None
    return found[0]


@pytest.fixture
def api(host: str) -> cexpl.Cexpl:
    return cexpl.Cexpl(host)


def run(host: str, *arguments: str, stdin: str = "") -> str:
    """What the command cexpl prints, without its colours."""
    command = [sys.executable, "-m", "cexpl", "--host", host, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, input=stdin, check=True)
    return re.sub(r"\x1b\[\d+m", "", done.stdout)


def test_it_says_how_it_is_used(lines: list[str], host: str) -> None:
    assert lines[0].startswith(f"{host}/")
    assert f"cexpl --host {host}" in "\n".join(lines)
    assert "--port" in "\n".join(lines)
    (curl,) = [line for line in lines if "curl" in line]
    address = re.search(r"'(http[^']+)'", curl)
    assert address is not None
    with urllib.request.urlopen(address[1], b"int f(void) { return 1; }") as answer:
        assert b"mov     w0, #1" in answer.read()


def test_lists(host: str) -> None:
    assert "c++ - C++" in run(host, "--list-langs").splitlines()
    compilers = run(host, "--list-compilers", "c").splitlines()
    assert [line.partition(" - ")[0] for line in compilers] == ["c-apple", "c-bare", "c-linux"]
    assert len(run(host, "--list-compilers").splitlines()) >= 10


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("f.c", "int f(int x) { return x + 1; }", "add     w0, w0, #1"),
        ("f.cpp", "int f(int x) { return x + 1; }", "f(int):"),
        ("f.s", "f: ret\n", "ret"),
        ("f.hex", "d65f03c0\n", "ret"),
    ],
)
def test_files_by_their_names(host: str, tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    assert said in run(host, str(tmp_path / name), "--cflags=-O2")


def test_interleaved(host: str, tmp_path: Path) -> None:
    (tmp_path / "f.c").write_text("int f(int x) {\n  return x + 1;\n}\n")
    printed = run(host, str(tmp_path / "f.c"), "--compare", "--cflags=-O2").splitlines()
    assert printed.index("2 return x + 1;") < printed.index("        add     w0, w0, #1")


def test_executed(host: str, tmp_path: Path) -> None:
    (tmp_path / "echo.c").write_text(ECHO)
    printed = run(host, str(tmp_path / "echo.c"), "-e", "-s", "-v", "-a", "one", "two three", "--stdin", "typed")
    assert "STDOUT:\none\ntwo three\ntyped\nSTDERR:\nbad\nProgram returned: 43\n" in printed


def test_mistakes(host: str, tmp_path: Path) -> None:
    (tmp_path / "f.c").write_text("int f(void) { return x; }\n")
    assert "<source>:1:22: error: " in run(host, str(tmp_path / "f.c"))
    assert "<source>:1:22: error: " in run(host, str(tmp_path / "f.c"), "-e", "-v")


def test_an_unknown_compiler(api: cexpl.Cexpl) -> None:
    with pytest.raises(cexpl.NotFoundError):
        api.compile_src("", "g122")


def test_a_link(host: str, api: cexpl.Cexpl, lines: list[str]) -> None:
    url = api.generate_short_link("int main() {}", "c-linux", None, "-O2", ["one", "a b"], "in", execute=True)["url"]
    assert url.startswith(f"{host}/z/")

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    with pytest.raises(urllib.error.HTTPError) as redirected:
        urllib.request.build_opener(Stay).open(url)
    assert host + str(redirected.value.headers["location"]).partition("#")[0] == lines[0]
    with urllib.request.urlopen(url.replace("/z/", "/api/shortlinkinfo/")) as found:
        assert b'"arguments":["one","a b"]' in found.read()


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs root, which can be another user, and Linux"
)
def test_other_users_are_refused(host: str) -> None:
    command = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", f"{host}/api/version"]
    if not any(os.access(os.path.join(folder, "curl"), os.X_OK) for folder in os.get_exec_path()):
        pytest.skip("curl isn't installed")
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "200"
    done = subprocess.run(command, capture_output=True, text=True, check=True, user=65534, cwd="/")
    assert done.stdout == "403"
