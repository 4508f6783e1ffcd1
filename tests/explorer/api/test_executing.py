"""Programs that clients have executed."""

from __future__ import annotations

from typing import Any

import pytest

from armexec.explorer.api import programs

from .client import ECHO, Client, asm, shown


def executor(ce: Client, source: str, compiler: str = "c-linux", **parameters: Any) -> Any:
    """The answer to a request for execution alone, as Emacs makes it."""
    backend = {"skipAsm": False, "executorRequest": True}
    return ce.compile(source, compiler, compilerOptions=backend, executeParameters=parameters)


@pytest.mark.parametrize("arguments", [["one", "two three"], "one 'two three'"])
def test_a_program_with_arguments_and_input(ce: Client, arguments: Any) -> None:
    answer = ce.compile(ECHO, filters={"execute": True}, executeParameters={"args": arguments, "stdin": "typed"})
    assert answer["code"] == 0
    assert "main:" in asm(answer)
    ran = answer["execResult"]
    assert (ran["code"], ran["didExecute"], ran["timedOut"]) == (43, True, False)
    assert shown(ran["stdout"]) == ["one", "two three", "typed"]
    assert shown(ran["stderr"]) == ["bad"]
    assert ran["buildResult"]["code"] == 0


def test_a_program_that_is_interpreted_no_longer_begins_anew(ce: Client) -> None:
    long = 'unsigned s = 0; for (volatile int i = 0; i < 200000; i++) s += i; put(1, "after\\n"); return s % 251;'
    answer = executor(ce, ECHO.replace("return argc + 40;", long), args=["before"], stdin="typed\n")
    assert shown(answer["stdout"]) == ["before", "typed", "after"]
    assert answer["code"] == sum(range(200_000)) % 2**32 % 251


@pytest.mark.parametrize("compiler", ["c-linux", "c-apple", "c-bare"])
def test_execution_alone(ce: Client, compiler: str) -> None:
    answer = executor(ce, "int main(int argc, char **argv) { return argc + 4; }", compiler, args="a b", stdin="")
    assert (answer["code"], answer["didExecute"]) == (7, True)
    assert answer["buildResult"]["code"] == 0
    assert "asm" not in answer
    assert answer["execTime"] >= 0


def test_the_c_library(ce: Client) -> None:
    answer = executor(ce, '#include <stdio.h>\nint main(void) { printf("%.2f\\n", 1.5); return 0; }')
    assert (answer["code"], shown(answer["stdout"])) == (0, ["1.50"])


def test_assembly(ce: Client) -> None:
    assert executor(ce, ".globl main\nmain: mov w0, #9\n ret\n", "asm-linux")["code"] == 9


def test_a_source_that_cant_be_compiled(ce: Client) -> None:
    for answer in (
        executor(ce, "int main(void) { return x; }"),
        ce.compile("int main(void) { return x; }", filters={"execute": True})["execResult"],
    ):
        assert (answer["didExecute"], answer["buildResult"]["code"]) == (False, 1)
        assert answer["code"] != 0
        assert "'x'" in answer["buildResult"]["stderr"][0]["text"]
        assert "'x'" in " ".join(shown(answer["stderr"]))


@pytest.mark.parametrize(("source", "compiler"), [("int f(void) { return 1; }", "c-linux"), ("0xd65f03c0", "words")])
def test_no_main(ce: Client, source: str, compiler: str) -> None:
    answer = executor(ce, source, compiler)
    assert answer["didExecute"] is False
    assert "main" in answer["buildResult"]["stderr"][0]["text"]


def test_what_isnt_defined_anywhere(ce: Client) -> None:
    answer = executor(ce, "void nowhere(void); int main(void) { nowhere(); return 0; }")
    assert answer["code"] != 0
    assert "nowhere" in " ".join(shown(answer["stderr"]))


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("return *(volatile int *)8;", 139, "0x8"),
        ('__asm__ volatile(".inst 0"); return 0;', 132, "instruction"),
        ("__builtin_trap();", 133, ""),
    ],
)
def test_faults(ce: Client, body: str, status: int, said: str) -> None:
    answer = executor(ce, f"int main(void) {{ {body} }}")
    assert (answer["code"], answer["didExecute"]) == (status, True)
    assert said in " ".join(shown(answer["stderr"]))


def test_an_endless_loop_is_ended(ce: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_RUN", 0.3)
    answer = executor(ce, "int main(void) { for (volatile int i = 0;; i++); }")
    assert (answer["timedOut"], answer["didExecute"], answer["code"]) == (True, True, 137)
    assert "the time limit is over" in " ".join(shown(answer["stderr"]))
    monkeypatch.undo()
    assert executor(ce, "int main(void) { return 1; }")["code"] == 1


def test_long_output_is_cut(ce: Client) -> None:
    line = "x" * 99 + "\\n"
    answer = executor(
        ce, ECHO.replace("return argc + 40;", f'for (int i = 0; i < 4000; i++) put(1, "{line}"); return 5;')
    )
    assert (answer["code"], answer["truncated"]) == (5, True)
    assert 1000 < len(answer["stdout"]) < 4000


def test_a_fork_bomb(ce: Client) -> None:
    answer = executor(ce, ".globl main\nmain: mov x8, #220\n mov x0, #17\n svc #0\n b main\n", "asm-linux")
    assert answer["code"] != 0
    assert "starts another process" in " ".join(shown(answer["stderr"]))


def test_memory_is_limited(ce: Client) -> None:
    greedy = """
        #include <stdlib.h>
        int main(void) {
            for (int i = 0; i < 64; i++) {
                char *volatile p = malloc(1 << 24);
                if (!p) return 7;
                *p = 1;
            }
            return 0;
        }
    """
    assert executor(ce, greedy)["code"] == 7


def test_files_cant_be_opened(ce: Client) -> None:
    source = '#include <stdio.h>\nint main(void) { puts(fopen("/etc/passwd", "r") ? "open" : "denied"); return 0; }'
    answer = executor(ce, source)
    assert shown(answer["stdout"]) == []
    assert "/etc/passwd" in " ".join(shown(answer["stderr"]))


def test_a_process_that_ends_is_told(ce: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # The process is given no time: what happens if it hangs in what no limit of the guest's reaches.
    monkeypatch.setattr(programs, "_START", -19.9)
    answer = executor(ce, "int main(void) { for (volatile int i = 0;; i++); }")
    assert answer["code"] == -1
    assert "took more than" in " ".join(shown(answer["stderr"]))
