"""Programs in a process of their own: what they do is what they do in this one."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import armexec
from armexec.isolation.session import _sessions
from armexec.libraries.archives import is_built
from cli.program import armexec as command
from engines import needs_processes

pytestmark = [
    needs_processes,
    pytest.mark.skipif(not is_built("c"), reason="the C library isn't built: pytest -m long builds it"),
]

PROGRAM = r"""
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
static void say(int fd, const char *text) { write(fd, text, strlen(text)); }
static void number(unsigned long n) {
    char digits[24], *p = digits + 23;
    *p = '\n';
    do { *--p = '0' + n % 10; } while (n /= 10);
    write(1, p, digits + 24 - p);
}
static void map(const char *path, size_t size, off_t at) {
    int fd = open(path, O_RDONLY);
    unsigned char *p = mmap(0, size, PROT_READ, MAP_PRIVATE, fd, at);
    if (p == MAP_FAILED) { number(errno); return; }
    unsigned sum = 0;
    for (size_t i = 0; i < size; i += 61) sum = sum * 31 + p[i];
    number(sum);
    number(munmap(p, size) + close(fd));
}
int main(int argc, char **argv) {
    const char *what = argv[1];
    static char line[200];
    struct stat s;
    if (!strcmp(what, "streams")) {
        long got;
        while ((got = read(0, line, sizeof line)) > 0) { write(1, line, got); write(2, line, got); }
        say(1, getenv("HOME") ? getenv("HOME") : "none");
        return argc;
    }
    if (!strcmp(what, "files")) {
        int fd = open("/d/new", O_RDWR | O_CREAT, 0600);
        for (int i = 0; i < 3; i++) say(fd, "some line\n");
        number(lseek(fd, -9, SEEK_END));
        number(read(fd, line, sizeof line));
        say(1, line);
        number(close(fd) + stat("/d/new", &s));
        number(s.st_size);
        number(unlink("/d/new"));
        number(stat("/d/new", &s) == -1 ? errno : 0);
        number(open("/d/none", O_RDONLY) == -1 ? errno : 0);
        number(open("/r/given", O_RDWR) == -1 ? errno : 0);
        map("/r/given", 9500, 0);
        map("/r/given", 5000, 4096);
        map("/r", 10, 0);
        map("/d/none", 10, 0);
        return 0;
    }
    if (!strcmp(what, "memory")) {
        size_t got = 0;
        int flags = MAP_PRIVATE | MAP_ANONYMOUS;
        while (got < 100 && mmap(0, 1 << 20, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED) got++;
        return got;
    }
    if (!strcmp(what, "exit")) { say(1, "before"); exit(77); }
    if (!strcmp(what, "abort")) abort();
    if (!strcmp(what, "null")) return *(volatile int *)(long)(argc - 2);
    if (!strcmp(what, "denied")) return open("/etc/passwd", O_RDONLY);
    if (!strcmp(what, "spin")) for (volatile long i = 0;; i++) ;
    return 1;
}
"""
LOCAL: dict[str, Any] = {"engine": "reference"}
ISOLATED: dict[str, Any] = {"isolate": "process", "engine": "reference"}
TRANSLATED: dict[str, Any] = {"isolate": "process"}
SANDBOXED: dict[str, Any] = {"isolate": "process", "sandbox": True}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "program.c"
    path.write_text(PROGRAM)
    return path


def end_of(program: Path, what: str, how: dict[str, Any], **options: Any) -> object:
    """How a run ends: its result, or the kind and the place of its error."""
    try:
        return armexec.run(program, [what], opt="-O1", **how, **options)
    except armexec.ExecutionError as error:
        return type(error), error.symbol, error.source, error.instruction, str(error).partition(" at 0x")[0]


def check(program: Path, what: str, tmp_path: Path, *others: dict[str, Any]) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "given").write_bytes(os.urandom(9000))
    found = []
    for how in (LOCAL, *others):
        written = tmp_path / f"written{len(found)}"
        written.mkdir()
        found.append(
            end_of(
                program,
                what,
                how,
                input=b"one\ntwo",
                files={"/r": str(given), "/d": f"{written}:rw"},
                environment={"HOME": "/d"},
            )
        )
    assert all(other == found[0] for other in found), found


@pytest.mark.parametrize("what", ["streams", "files", "exit", "abort", "null", "denied"])
def test_they_end_as_in_this_process(program: Path, what: str, tmp_path: Path) -> None:
    check(program, what, tmp_path, ISOLATED, *((SANDBOXED,) if what == "streams" else ()))


@pytest.mark.long
@pytest.mark.parametrize("what", ["streams", "files", "exit", "abort", "null", "denied"])
def test_they_end_as_in_this_process_on_each_engine(program: Path, what: str, tmp_path: Path) -> None:
    check(program, what, tmp_path, TRANSLATED, SANDBOXED)


def test_streams_of_python(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    given = io.BytesIO(b"from a file\n")
    assert armexec.run(program, ["streams"], opt="-O1", input=given, capture=False, **ISOLATED).status == 2
    assert capfd.readouterr() == ("from a file\nnone", "from a file\n")


def test_limits_of_instructions(program: Path) -> None:
    found = [end_of(program, "spin", how, instruction_limit=2000) for how in (LOCAL, ISOLATED, SANDBOXED)]
    assert found[0] == found[1] == found[2]
    with armexec.limits(instruction_limit=1 << 40) as here:
        end_of(program, "streams", LOCAL, input=b"x" * 300)
    with armexec.limits(instruction_limit=1 << 40) as there:
        end_of(program, "streams", ISOLATED, input=b"x" * 300)
    assert here.instructions == there.instructions


def test_limits_of_memory(program: Path) -> None:
    first = [armexec.run(program, ["memory"], opt="-O1", memory_limit=20 << 20, **how) for how in (LOCAL, ISOLATED)]
    assert first[0].status == first[1].status
    assert 15 < first[0].status < 21
    # What it has mapped counts for the block around it.
    with armexec.limits(memory_limit=30 << 20):
        assert armexec.run(program, ["memory"], opt="-O1", memory_limit=20 << 20, **ISOLATED) == first[0]
        assert armexec.run(program, ["memory"], opt="-O1", **ISOLATED).status < 12


def test_limits_of_time(program: Path) -> None:
    with pytest.raises(armexec.TimeLimitExceeded):
        armexec.run(program, ["spin"], opt="-O1", time_limit=0.3, **ISOLATED)


def test_ctrl_c(program: Path) -> None:
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        armexec.run(program, ["spin"], opt="-O1", **ISOLATED)
    assert time.monotonic() - began < 30


class _Killing(io.RawIOBase):
    """Standard input that ends the worker when it is read."""

    def __init__(self) -> None:
        self.ended = 0

    def read(self, size: int = -1, /) -> bytes:
        if self.ended:
            return b""
        for session in list(_sessions):
            if session.name.endswith("killed.c") and session._worker is not None:
                session._worker.server.signal(session._worker.pid, signal.SIGKILL)
                self.ended += 1
        time.sleep(0.2)
        return b"too late\n"


def test_a_worker_that_ends_while_it_reads(tmp_path: Path) -> None:
    path = tmp_path / "killed.c"
    path.write_text(PROGRAM)
    with pytest.raises(armexec.WorkerCrashed, match="signal 9") as caught:
        armexec.run(path, ["streams"], opt="-O1", input=_Killing(), **ISOLATED)
    assert "variables" not in str(caught.value)


def test_bad_input(program: Path) -> None:
    with pytest.raises(armexec.SignatureError, match="isolate"):
        armexec.run(program, ["exit"], isolate="thread")
    with pytest.raises(armexec.HostError, match="no sandboxes"):
        armexec.run(program, ["exit"], engine="reference", **SANDBOXED)
    with pytest.raises(armexec.LoadError, match="is no folder"):
        armexec.run(program, ["exit"], files={"/d": "/nonexistent"}, **ISOLATED)


def test_the_command(program: Path, tmp_path: Path) -> None:
    done = command("run", str(program), "exit", "--isolate", "--engine", "reference", "--opt", "-O1")
    assert (done.status, done.out) == (77, "before")
    path = tmp_path / "f.c"
    path.write_text('const char *name(int n) { return n ? "some text" : 0; }')
    done = command("run", str(path), "1", "--isolate")
    assert (done.status, done.out) == (0, "some text\n")
    done = command("run", str(path), "1", "--isolate", "--profile")
    assert done.status == 2
    assert "leave out --isolate" in done.err
