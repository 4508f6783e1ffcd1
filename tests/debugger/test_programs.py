"""Sessions of programs with a main."""

from __future__ import annotations

import pytest

import armexec
from armexec.cpu import StopReason
from program.guest import needs_c

MAIN = """
int seen;
__attribute__((constructor)) static void before(void) { seen = 5; }
int helper(int x) { return x + seen; }
int main(int argc, char **argv) { return helper(argc); }
"""


@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_a_main_without_a_library(engine: str) -> None:
    with armexec.debug(MAIN, ["a", "b"], language="c", engine=engine) as session:
        assert session.run("main").reason == StopReason.UNTIL
        assert session.cpu.w[0] == 3
        assert session.run("helper").reason == StopReason.UNTIL
        assert [frame.place.function for frame in session.backtrace] == ["helper", "main"]
        assert session.run().reason == StopReason.RETURNED
        assert session.result.status == 8
        session.goto(0)
        assert session.result is None
        session.run("main")
        session.cpu.w[0] = 10
        session.run()
        assert session.result.status == 15


@needs_c
def test_output_is_written_once() -> None:
    text = """
    #include <stdio.h>
    #include <stdlib.h>
    int main(int argc, char **argv) {
        char line[20];
        if (fgets(line, sizeof line, stdin)) printf("%s: %d\\n", line, argc);
        exit(7);
    }
    """
    with armexec.debug(text, ["x"], language="c", input=b"typed") as session:
        session.run("printf")
        assert session.place.function == "printf"
        time = session.time
        session.run()
        assert session.result == armexec.ProgramResult(7, 0, b"typed: 2\n", b"")
        end = session.time
        session.goto(time)
        session.back(500)
        session.run()
        assert session.time == end
        assert session.result == armexec.ProgramResult(7, 0, b"typed: 2\n", b"")


def test_wrong_programs() -> None:
    with pytest.raises(armexec.LoadError, match="needs a main"):
        armexec.debug("int f(void) { return 1; }\n", [])
    with pytest.raises(armexec.CompileError):
        armexec.debug("int main( { }\n", [])
    with pytest.raises(armexec.LoadError, match="list of texts"):
        armexec.debug("int main(void) { return 0; }\n", "x")
