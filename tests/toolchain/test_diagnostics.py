"""Reading what compilers print."""

from __future__ import annotations

from armexec.errors import Diagnostic
from armexec.toolchain.diagnostics import parse_diagnostics


def test_clang() -> None:
    text = """In file included from a.cpp:1:
./dir with space/b.h:3:7: warning: unused variable 'x' [-Wunused-variable]
    3 |   int x;
      |       ^
a.cpp:2:18: error: use of undeclared identifier 'y'; did you mean: 'z'?
a.cpp:1:5: note: 'z' declared here
1 error generated.
clang: error: unknown argument: '--nope'
"""
    assert parse_diagnostics(text) == (
        Diagnostic("./dir with space/b.h", 3, 7, "warning", "unused variable 'x' [-Wunused-variable]"),
        Diagnostic("a.cpp", 2, 18, "error", "use of undeclared identifier 'y'; did you mean: 'z'?"),
        Diagnostic("a.cpp", 1, 5, "note", "'z' declared here"),
        Diagnostic("", 0, 0, "error", "unknown argument: '--nope'"),
    )


def test_gcc_and_gnu_as() -> None:
    text = """<source>: In function 'int f()':
<source>:1:10: fatal error: no.h: No such file or directory
compilation terminated.
k.s: Assembler messages:
k.s:2: Error: unknown mnemonic `foo' -- `foo x0'
k.s:3: Warning: end of file not at end of a line; newline inserted
"""
    assert parse_diagnostics(text) == (
        Diagnostic("<source>", 1, 10, "fatal error", "no.h: No such file or directory"),
        Diagnostic("k.s", 2, 0, "error", "unknown mnemonic `foo' -- `foo x0'"),
        Diagnostic("k.s", 3, 0, "warning", "end of file not at end of a line; newline inserted"),
    )


def test_a_name_with_spaces_and_colons() -> None:
    (found,) = parse_diagnostics(" c:\\a b.c:3:4: error: x: 5:6: error: y\n")
    assert found == Diagnostic(" c:\\a b.c", 3, 4, "error", "x: 5:6: error: y")


def test_other_text_is_no_diagnostic() -> None:
    assert parse_diagnostics("") == ()
    assert parse_diagnostics("1 error generated.\n   12 | // a:1:2: error: x\n      | a.c:1:2: error: y\n") == ()
