"""Code and requests that do what they shouldn't: each is answered, and the server goes on."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from .client import Asker, connected

pytest.importorskip("mcp.server.mcpserver", reason="mcp isn't installed")

FN = "int fn(int x) { return x; }"
FOREVER = "void f(void) { for (;;); }"


def goes_on(server: Asker) -> None:
    assert server.ask("run", source=FN, arguments=[3])["result"] == "3"


@pytest.mark.parametrize("tool", ["run", "trace", "coverage"])
def test_an_endless_loop_ends_by_the_limit_of_instructions(server: Asker, tool: str) -> None:
    result = server.whole(tool, source=FOREVER, language="c")
    text = result.content[0].text if result.is_error else result.structured_content["error"]
    assert "limit" in text
    assert "5000000" in text
    goes_on(server)


def test_an_endless_loop_ends_by_the_limit_of_time() -> None:
    from armexec.mcp_server.server import make_server
    from armexec.mcp_server.work import Limits

    with connected(make_server(Limits(time_limit=0.2, instruction_limit=10**15))) as server:
        assert "TimeLimitExceeded" in server.failure("run", source=FOREVER, language="c")
        # A trace from its beginning on ends at ten million instructions, which may come first.
        assert "time limit" in server.ask("trace", source=FOREVER, language="c", first=-1)["error"]
        assert "time limit" in server.ask("coverage", source=FOREVER, language="c")["error"]


def test_new_processes_and_files_are_denied(server: Asker) -> None:
    bomb = ".globl main\nmain: mov x8, #220\nmov x0, #17\nsvc #0\nb main\n"
    assert "starts another process (fork)" in server.failure("run", source=bomb, language="assembly")
    opens = '.globl main\nmain: mov x8, #56\nmov x0, #-100\nadr x1, p\nmov x2, #0\nsvc #0\nret\np: .asciz "/etc/passwd"'
    assert "/etc/passwd" in server.failure("run", source=opens, language="assembly")
    goes_on(server)


def test_output_without_end_is_cut(server: Asker) -> None:
    flood = """.globl main
main:
    mov x0, #1
    adr x1, text
    mov x2, #8
    mov x8, #64
    svc #0
    mov x9, #2000       // few system calls, so that the limit is soon reached
1:  subs x9, x9, #1
    b.ne 1b
    b main
text: .asciz "flooding\\n"
"""
    text = server.failure("run", source=flood, language="assembly")
    assert "flooding" in text
    assert len(text) < 5000


def test_a_fault_is_told_with_its_registers_and_calls(server: Asker) -> None:
    source = "int g(int *p) { return *p + 1; }\nint f(int *p) { return g(p) + 1; }"
    text = server.failure("run", source=source, language="c", options="-O0", function="f", arguments=["0x10"])
    assert "MemoryFault: can't read memory at 0x10" in text
    assert "in g" in text
    assert "in f" in text
    assert "Registers:" in text


@pytest.mark.parametrize(
    "options",
    [
        "-o /tmp/written",
        "-fplugin=/tmp/x.so",
        "-Xclang -load",
        "-I/etc",
        "@/etc/passwd",
        "-MF/tmp/written",
        "-Wl,-o,x",
        "-ftime-trace=/tmp/x",
        "-save-temps",
        "-fsave-optimization-record",
        "-B/tmp",
        "/etc/passwd",
        "-specs=/tmp/x",
        "-include /etc/passwd",
        "-fprofile-generate",
        "-mllvm -x",
        "-fmodules-cache-path=/tmp",
    ],
)
def test_options_that_name_files_or_load_code_are_refused(server: Asker, options: str) -> None:
    assert "can't be given here" in server.failure("compile", source=FN, options=options)
    assert "can't be given here" in server.failure("run", source=FN, options=options, arguments=[1])


@pytest.mark.parametrize(
    "options", ["-O3 -std=c++20 -Wall -Wno-unused", "-march=armv8.2-a -fno-inline", "-DN=3 -UX -ffast-math -g"]
)
def test_other_options_are_taken(server: Asker, options: str) -> None:
    assert server.ask("compile", source=FN, options=options)["code"] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")
def test_no_file_of_the_user_is_read(server: Asker) -> None:
    from armexec.isolation.sandbox.landlock import abi_version

    if not abi_version():
        pytest.skip("this kernel has no Landlock")
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "secret.h"
        secret.write_text("the_secret of the user\n")
        for text in (
            server.failure("compile", source=f'#include "{secret}"\n'),
            server.failure("assemble", source=f'.incbin "{secret}"\n'),
            server.failure("assemble", source=f'.include "{secret}"\n'),
            server.failure("run", source=f'__asm__(".incbin \\"{secret}\\"");\n{FN}', arguments=[1]),
        ):
            assert "the_secret" not in text
    environment = server.whole("assemble", source='.incbin "/proc/self/environ"\n')
    assert environment.is_error
    assert server.ask("compile", source="#include <stdint.h>\n#include <vector>\n" + FN)["code"] == 0


@pytest.mark.parametrize("text", ["", "\0\1\2\ufffd", "\n" * 1000, "((((" * 5000, '#include "/dev/zero"', "𝒳" * 10])
@pytest.mark.parametrize("language", ["c", "assembly", "hex"])
def test_rubbish_is_answered(server: Asker, language: str, text: str) -> None:
    result = server.whole("run", source=text, language=language)
    if result.is_error:
        assert "armexec failed" not in result.content[0].text
    goes_on(server)


def test_what_is_too_large_is_refused(server: Asker) -> None:
    assert "at most" in server.failure("compile", source="int x;\n" * 400_000)
    assert "at most" in server.failure("disassemble", code="d503201f " * 400_000)
    many = server.ask("assemble", source=".rept 20000\nnop\n.endr\n")
    assert len(many["words"]) == 500
    assert many["wordsTotal"] == 20000


@pytest.mark.parametrize(
    ("tool", "wrong"),
    [
        ("run", {"source": 5}),
        ("run", {"source": FN, "language": "fortran"}),
        ("run", {"source": FN, "arguments": {"x": 1}}),
        ("run", {"source": FN, "maxStdoutLines": 0}),
        ("trace", {"source": FN, "maxRows": 10**9}),
        ("compile", {}),
        ("disassemble", {"code": "d503201f", "first": -1}),
    ],
)
def test_wrong_requests_are_errors(server: Asker, tool: str, wrong: dict[str, Any]) -> None:
    assert "validation error" in server.failure(tool, **wrong)


def test_many_calls_at_once(server: Asker) -> None:
    calls = [server.portal.start_task_soon(server.client.call_tool, "run", _call(n)) for n in range(6)]
    results = [call.result(timeout=120) for call in calls]
    assert [result.content[0].text for result in results if result.is_error] == []
    assert [result.structured_content["result"] for result in results] == [str(n) for n in range(6)]


def _call(number: int) -> dict[str, Any]:
    return {"source": FN, "arguments": [number]}


def test_a_call_that_is_cancelled_leaves_no_process(server: Asker) -> None:
    import anyio

    from armexec.mcp_server.work import _Runner

    ended: list[int] = []
    close = _Runner.close

    def noted(runner: _Runner) -> None:
        close(runner)
        ended.append(runner.pid)

    async def cancelled() -> None:
        with anyio.move_on_after(0.3):
            await server.client.call_tool("run", {"source": FOREVER, "language": "c"})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Runner, "close", noted)
        server.portal.call(cancelled)
        goes_on(server)
    assert ended
    assert set(ended) == {0}


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from armexec.mcp_server.server import make_server

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with connected(make_server()) as server:
        goes_on(server)
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []
