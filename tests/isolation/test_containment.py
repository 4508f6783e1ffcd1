"""What a worker can't do: it is asked to do it, as hostile native code would do it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.isolation.inside import CHANNEL, call_until_it_has_ended, run_inside

import armexec
from armexec.isolation import session
from armexec.isolation.module import IsolatedModule
from armexec.isolation.sandbox import Sandbox
from engines import needs_processes

pytestmark = needs_processes
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are only limits of resources")

SOURCE = """
int counter;
int apply(int (*f)(int), int x) { x = f(x); for (;;) ; }
int next(void) { return ++counter; }
void forever(void) { for (;;) ; }
long fill(char *p, long n) { for (long i = 0; i < n; i++) p[i] = 1; return n; }
"""


@pytest.fixture
def module() -> Iterator[IsolatedModule]:
    with armexec.compile(SOURCE, "c", isolate="process") as made:
        assert isinstance(made, IsolatedModule)
        yield made


@on_linux
def test_what_confines_it_is_told(module: IsolatedModule) -> None:
    sandbox = module.worker.sandbox
    assert isinstance(sandbox, Sandbox)
    assert sandbox.seccomp
    assert sandbox.landlock >= 0
    status = Path(f"/proc/{module.worker.pid}/status").read_text(encoding="ascii")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


@on_linux
@pytest.mark.parametrize(
    "code",
    [
        "open('/etc/passwd')",
        "open('/dev/null', 'w')",
        "import os; os.listdir('/')",
        "import os; os.stat('/')",
        "import os; os.unlink('/tmp/nothing')",
        "import socket; socket.socket()",
        "import socket; socket.socketpair()",
        "import os; os.fork()",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.pipe()",
        "import os; os.kill(os.getppid(), 0)",
        "import os; os.kill(1, 9)",
        "import os; os.setpriority(os.PRIO_PROCESS, 0, 5)",
        "import os; os.sched_setaffinity(0, {0})",
    ],
)
def test_denied(module: IsolatedModule, code: str) -> None:
    assert run_inside(module, code).startswith("PermissionError: [Errno 1]")
    assert module.next() == 1


@on_linux
@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (101, "0, 0, 0, 0"),  # ptrace
        (310, "1, 0, 0, 0, 0, 0"),  # process_vm_readv
        (425, "1, 0"),  # io_uring_setup
        (435, "0, 0"),  # clone3
        (56, "0x11, 0, 0, 0, 0"),  # clone
        (321, "0, 0, 0"),  # bpf
        (165, "0, 0, 0, 0, 0"),  # mount
        (322, "-1, 0, 0, 0, 0"),  # execveat
        (437, "0, 0, 0, 0"),  # openat2
        (16, "0, 0x5412, 0"),  # ioctl TIOCSTI
        (157, "1, 0, 0, 0, 0"),  # prctl PR_SET_PDEATHSIG
        (234, "1, 1, 9"),  # tgkill of another process
        (999, "0"),
        (0x40000000 + 2, "0, 0, 0"),  # the x32 ABI's open
    ],
)
def test_system_calls_are_denied(module: IsolatedModule, number: int, arguments: str) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers are x86-64's")
    code = f"import ctypes; c = ctypes.CDLL(None, use_errno=True); r = c.syscall({number}, {arguments})"
    assert run_inside(module, code + "; result = r, ctypes.get_errno()") == "(-1, 1)"


@on_linux
def test_no_threads_and_no_more_descriptors(module: IsolatedModule) -> None:
    assert "can't start new thread" in run_inside(module, "import threading; threading.Thread(target=print).start()")
    many = "import os\nfor i in range(10000): os.memfd_create('x')"
    assert run_inside(module, many).startswith("OSError: [Errno 24]")


@on_linux
def test_shared_memory_cant_be_made_smaller() -> None:
    with armexec.compile("int all(const char *p, int n) { return p[n - 1]; }", "c", isolate="process") as module:
        assert isinstance(module, IsolatedModule)
        data = bytes(100_000) + b"x"
        assert module.all(data, len(data)) == ord("x")
        found = [number for number, link in _descriptors(module).items() if "armexec-arguments" in link]
        assert len(found) == 1
        assert run_inside(module, f"import os; os.ftruncate({found[0]}, 0)").startswith("PermissionError")
        assert run_inside(module, f"import os; os.ftruncate({found[0]}, 1 << 40)").startswith("OSError: [Errno 27]")
        assert module.all(data, len(data)) == ord("x")


def _descriptors(module: IsolatedModule) -> dict[int, str]:
    folder = f"/proc/{module.worker.pid}/fd"
    return {int(number): os.readlink(f"{folder}/{number}") for number in os.listdir(folder)}


def test_no_secrets_and_no_descriptors_come_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "secret")
    monkeypatch.setenv("ARMEXEC_STACK", "1M")
    with armexec.compile(SOURCE, "c", isolate="process") as module, socket.socket() as other:
        os.set_inheritable(other.fileno(), True)
        assert isinstance(module, IsolatedModule)
        inside = "import os; result = os.environ.get('SOME_TOKEN'), os.environ.get('ARMEXEC_STACK')"
        assert run_inside(module, inside) == "(None, '1M')"
        links = _descriptors(module) if sys.platform == "linux" else {}
        sockets = [link for link in links.values() if link.startswith("socket:")]
        others = {link for link in links.values() if not link.startswith(("/memfd:armexec-", "socket:"))}
        assert (len(sockets), others) in ((1, {"/dev/null"}), (0, set()))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL])
def test_a_crash_is_an_exception(module: IsolatedModule, number: signal.Signals) -> None:
    assert module.next() == 1
    before = module.worker.pid
    module.worker.server.signal(before, number)
    with pytest.raises(
        armexec.WorkerCrashed, match=rf"ended by signal {int(number)} \({number.name}\).* in next"
    ) as caught:
        call_until_it_has_ended(module)
    assert caught.value.signal == number
    assert module.next() == 1, "the variables have their initial values"
    assert module.worker.pid != before


def test_a_crash_in_a_call(module: IsolatedModule) -> None:
    with pytest.raises(armexec.WorkerCrashed) as caught:
        run_inside(module, "import ctypes; ctypes.string_at(8)")
    assert caught.value.signal == signal.SIGSEGV
    with pytest.raises(armexec.WorkerCrashed, match="ended with exit status 7") as caught:
        run_inside(module, "import os; os._exit(7)")
    assert (caught.value.signal, caught.value.status) == (0, 7)
    assert module.next() == 1


def test_no_memory_left(module: IsolatedModule) -> None:
    assert run_inside(module, "bytearray(64 << 30)").startswith("MemoryError")
    for flags, error in (
        ("mmap.MAP_PRIVATE", "OSError: [Errno 12]"),
        ("mmap.MAP_SHARED", "PermissionError: [Errno 1]"),
    ):
        hungry = f"import mmap\nkept = []\nwhile True: kept.append(mmap.mmap(-1, 1 << 28, {flags}))"
        assert run_inside(module, hungry).startswith(error)
    assert module.next() == 1


def _run_and_call(module: IsolatedModule, code: str) -> None:
    run_inside(module, code)
    module.next()


@pytest.mark.parametrize(
    "sent",
    [
        "b'garbage that is no frame'",
        "(1 << 60).to_bytes(8, 'little') + b'\\2'",
        "(0).to_bytes(8, 'little') + b'\\2'",
        "(0).to_bytes(8, 'little') + b'\\x63'",
        "(8).to_bytes(8, 'little') + b'\\5' + (1 << 40).to_bytes(8, 'little')",
        "(12).to_bytes(8, 'little') + b'\\2' + b'\\1\\0\\0\\0' + bytes(8)",
        "(20).to_bytes(8, 'little') + b'\\3' + bytes(4) + b'{\"kind\": \"open\"}'",
        "(10).to_bytes(8, 'little') + b'\\3' + bytes(4) + b'[[[[[['",
        "(13).to_bytes(8, 'little') + b'\\2' + bytes(4) + b'123456789'",
        '(52).to_bytes(8, \'little\') + b\'\\3\' + bytes(4) + b\'{"kind": "MemoryFault", "args": [], "fields": {} }\'',
    ],
)
def test_a_hostile_worker_can_only_make_errors(module: IsolatedModule, sent: str) -> None:
    code = f"{CHANNEL}; os.write(channel, {sent})"
    with pytest.raises(armexec.WorkerCrashed, match="since it sent"):
        _run_and_call(module, code)
    assert module.next() == 1


def test_a_worker_that_is_stuck_is_ended_by_a_time_limit(
    module: IsolatedModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_PATIENCE", 0.5)
    before = module.worker.pid
    started = time.monotonic()
    with pytest.raises(armexec.TimeLimitExceeded, match="had to be ended"), armexec.limits(time_limit=0.2):
        run_inside(module, "import signal, time\nwhile True: time.sleep(1)")
    assert time.monotonic() - started < 25
    assert module.worker.pid != before


@pytest.mark.slow
def test_time_limits_of_a_module_and_after_them() -> None:
    with armexec.compile(SOURCE, "c", isolate="process", time_limit=0.1) as module:
        assert isinstance(module, IsolatedModule)
        assert module.next() == 1
        for _ in range(3):
            with pytest.raises(armexec.TimeLimitExceeded):
                module.forever()
        before = module.worker.pid
        with armexec.limits(time_limit=0.05):
            with pytest.raises(armexec.TimeLimitExceeded):
                module.forever()
            time.sleep(2)
            with pytest.raises(armexec.TimeLimitExceeded):
                module.forever()
        assert module.worker.pid == before
        module.worker.kill()
        with pytest.raises(armexec.WorkerCrashed):
            module.next()
        # To start another one takes longer than the limit.
        with pytest.raises(armexec.TimeLimitExceeded):
            module.forever()
        assert module.next() == 1


@pytest.mark.slow
def test_a_function_of_python_may_outlast_a_time_limit(module: IsolatedModule) -> None:
    assert module.next() == 1

    def slow(x: int) -> int:
        time.sleep(2.5)
        return x

    with pytest.raises(armexec.TimeLimitExceeded), armexec.limits(time_limit=0.1):
        module.apply(slow, 1)
    assert module.next() == 2, "the worker was not ended"


def test_a_flood_of_output_is_ended_by_a_time_limit(
    module: IsolatedModule, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_PATIENCE", 0.5)
    started = time.monotonic()
    with pytest.raises(armexec.TimeLimitExceeded, match="had to be ended"), armexec.limits(time_limit=0.2):
        run_inside(module, f"{CHANNEL}\nwhile True: os.write(channel, (2).to_bytes(8, 'little') + bytes([4, 1, 120]))")
    assert time.monotonic() - started < 25
    assert set(capsys.readouterr().out) == {"x"}
    assert module.next() == 1


def test_a_time_limit_leaves_the_guest_and_keeps_the_worker(module: IsolatedModule) -> None:
    assert module.next() == 1
    with pytest.raises(armexec.TimeLimitExceeded) as caught, armexec.limits(time_limit=0.1):
        module.forever()
    assert caught.value.symbol.startswith("forever")
    assert module.next() == 2


@pytest.mark.slow
def test_a_worker_goes_on_after_a_limit_that_came_within_llvm() -> None:
    """It can't start another thread for LLVM, so it works without one."""
    steps = ((f"x{i % 8}", f"x{(i * 3 + 1) % 8}", f"x{(i * 5 + 2) % 8}") for i in range(4000))
    lines = [f"{('madd', 'msub')[i % 2]} {to}, {a}, {b}, {to}" for i, (to, a, b) in enumerate(steps)]
    loop = "\n".join(("mov x9, #3", "1:", *lines, "add x0, x0, x1", "subs x9, x9, #1", "b.ne 1b", "ret"))
    expected = armexec.function(loop, "long(long)", engine="reference")(5)
    text = f".globl slow\nslow: {loop}\n.globl quick\nquick: add x0, x0, #7\n ret"
    with armexec.compile(text, "assembly", isolate="process", engine="translated:O2") as module:
        slow, quick = (module[name].with_signature("long(long)") for name in ("slow", "quick"))
        for _ in range(2):
            with contextlib.suppress(armexec.TimeLimitExceeded), armexec.limits(time_limit=0.1):
                assert slow(5) == expected
            assert quick(1) == 8
        assert slow(5) == expected
