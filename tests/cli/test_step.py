"""armexec step: instructions one by one, and the shell with gdb's names."""

from __future__ import annotations

from pathlib import Path

from cli.program import armexec

FN = str(Path(__file__).parents[2] / "examples" / "fn.c")
SUM = "int sum(int n) { int s = 0; for (int i = 1; i <= n; i++) s += i; return s; }\n"


def _shell(commands: str, *arguments: str, stdin_file: Path | None = None) -> str:
    done = armexec("step", "-i", *arguments, stdin=commands)
    assert (done.status, done.err) == (0, "")
    return done.out


def test_all_instructions_are_shown() -> None:
    done = armexec("step", FN, "3")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "fn:"
    assert lines[1].split(maxsplit=1) == ["fn.c:1", "int fn(int num) { return num; }"]
    rows = [line.split(maxsplit=2) for line in lines[2:-1]]
    assert [row[0] for row in rows] == ["0", "1", "2", "3", "4"]
    assert rows[1][2].split() == ["str", "w0,", "[sp,", "#12]", "[sp+12]", "←", "3"]
    assert lines[-1] == "= 3"


def test_what_is_over_the_limit_runs_without_being_shown(tmp_path: Path) -> None:
    (tmp_path / "sum.c").write_text(SUM)
    done = armexec("step", str(tmp_path / "sum.c"), "100", "--limit", "5")
    assert done.status == 0
    assert "from 5 to" in done.err
    assert done.out.splitlines()[-1] == "= 5050"


def test_faults_end_it(tmp_path: Path) -> None:
    (tmp_path / "f.c").write_text("int f(int *p) { return *p; }\n")
    done = armexec("step", str(tmp_path / "f.c"), "null")
    assert done.status == 1
    assert "ldr" in done.out
    assert "can't read memory at 0x0" in done.err


def test_programs(tmp_path: Path) -> None:
    (tmp_path / "p.c").write_text("int main(int argc, char **argv) { return argc + argv[1][0]; }\n")
    done = armexec("step", str(tmp_path / "p.c"), "!")
    assert (done.status, done.err) == (2 + ord("!"), "")
    assert "main:" in done.out
    assert done.out.splitlines()[-1] == f"exit status {2 + ord('!')}"


def test_the_shell_goes_forwards_and_back() -> None:
    out = _shell("si\nsi\nback\np w0\nbreak fn\nrc\ngoto 4\nc\n", FN, "3")
    assert "= 3" in out
    assert "breakpoint at" in out
    assert out.splitlines().count("3") == 1


def test_the_shell_looks_at_things() -> None:
    out = _shell("step 2\nx/2xw sp + 8\ninfo registers w0 sp\nbt\nlist 1\np/x w0 + 29\nlast w0\nx/1i pc\n", FN, "3")
    assert "0x00000000  0x00000003" in out
    assert "#0 " in out
    assert "0x0000000000000020" in out
    assert "nothing has written w0" in out
    assert "→ 0x" in out
    assert ": ldr w0, [sp, #12]" in out


def test_the_shell_changes_registers_and_watches(tmp_path: Path) -> None:
    (tmp_path / "sum.c").write_text(SUM)
    out = _shell(
        "step 2\nwatch sp 16 w\nc\ndelete\nbreak sum if w0 == 4\nb nowhere\nprint w0 = 4\ngoto 1\nc\n",
        str(tmp_path / "sum.c"),
        "3",
    )
    assert "watchpoint: 0x" in out
    assert "1: <Breakpoint sum if w0 == 4>" in out
    assert "there is no function or symbol 'nowhere'" in out


def test_the_shell_survives_nonsense() -> None:
    out = _shell(
        "foo\nx\nx/9q 1\np\np 1 +\np zz\nstep -1\ngoto 99999\nwatch\ndelete 7\nbreak\nhelp\nhelp step\nstep\n", FN, "3"
    )
    assert "there is no command 'foo'" in out
    assert "NameError" in out
    assert "no time 99999" in out
    assert "execute N instructions" in out


def test_the_end_of_the_input_ends_it() -> None:
    assert _shell("", FN, "3").startswith("fn:")


def test_the_shell_shows_threads(tmp_path: Path) -> None:
    (tmp_path / "p.c").write_text(
        "#include <pthread.h>\nvoid *work(void *p) { return p; }\n"
        "int main(void) { pthread_t t; pthread_create(&t, 0, work, 0); return pthread_join(t, 0); }\n"
    )
    done = armexec("step", "-i", str(tmp_path / "p.c"), stdin="break work\nc\ninfo threads\nbt\nbt 1000\nbt 7\nc\n")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert any(line.startswith("  thread 1000 waits at 0x") for line in lines)
    assert any(line.startswith("* thread 1001 runs at 0x") and "in work" in line for line in lines)
    assert any(line.startswith("#0  0x") and "in work" in line for line in lines)
    assert any(line.startswith("#") and "in main" in line for line in lines)
    assert "there is no thread 7: info threads shows them" in done.out
