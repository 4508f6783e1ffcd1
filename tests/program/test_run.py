"""armexec.run: arguments, streams, files, exit status, and what goes wrong."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import armexec

from .guest import needs_c, needs_cxx

PRINTF = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv, char **environment) {
    char line[80];
    for (int i = 1; i < argc; i++) printf("%s,", argv[i]);
    if (getenv("NAME")) printf("%s,", getenv("NAME"));
    while (fgets(line, sizeof line, stdin)) printf("[%zu]", strlen(line));
    fprintf(stderr, "%g", strtod("0x1.8p3", 0));
    return argc + 40;
}
"""
PLAIN = """
static int made; __attribute__((constructor)) static void first(void) { made = 40; }
int main(int argc, char **argv, char **environment) {
    return argv[argc] || environment[0] ? 1 : made + argc + argv[1][1];
}
"""
ENGINES = ["translated:O0", "reference"]
QUICK = "translated:O0"
"""As exact as what is optimized, and translated in a fifth of the time."""


@needs_c
@pytest.mark.parametrize("engine", ENGINES)
def test_a_program_has_arguments_streams_and_an_exit_status(engine: str) -> None:
    done = armexec.run(
        PRINTF, ["a b", b"\xff", ""], input=b"one\nlast", environment={"NAME": "värde"}, language="c", engine=engine
    )
    assert done.output == b"a b,\xff,," + "värde,[4][4]".encode()
    assert done.text == "a b,\\xff,,värde,[4][4]"
    assert (done.status, done.signal, done.error_text) == (44, 0, "12")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_program_without_a_library(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armexec.libraries.link.library_files", None)
    assert armexec.run(PLAIN, ["a\x01"], language="c", engine=engine).status == 43


@needs_c
@pytest.mark.slow
def test_input_may_be_a_file_and_output_pythons(capfd: pytest.CaptureFixture[str]) -> None:
    done = armexec.run(PRINTF, ["x"], input=io.BytesIO(b"one\n"), language="c", capture=False)
    assert done == (42, 0, b"", b"")
    assert capfd.readouterr() == ("x,[4]", "12")


@needs_c
def test_paths_objects_and_lists(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text('#include <stdio.h>\nint f(void);\nint main(void) { printf("%d", f()); return 0; }')
    (tmp_path / "b.s").write_text(".globl f\n.type f, %function\nf: mov w0, #3\nret\n")
    assert armexec.run([tmp_path / "a.c", str(tmp_path / "b.s")]).output == b"3"
    code = armexec.assemble(".globl main\n.type main, %function\nmain: add w0, w0, #1\nret", target="linux")
    (tmp_path / "c.o").write_bytes(code.object())
    assert armexec.run(tmp_path / "c.o", ["x"]).status == 3
    assert armexec.run(code.object(), ["x"]).status == 3
    with pytest.raises(armexec.LoadError, match="a shared library"):
        armexec.run(b"\x7fELF\2\1\1" + bytes(9) + b"\3\0\xb7\0" + bytes(44))


@needs_c
@pytest.mark.slow
def test_files_are_below_the_folders_given(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("7")
    source = r"""
    #include <stdio.h>
    int main(int argc, char **argv) {
        int n = 0; FILE *in = fopen("/data/in", "r"), *out = fopen("/data/out", "w");
        if (!in) return 1;
        fscanf(in, "%d", &n);
        if (out) { fprintf(out, "%d", n * 6); fclose(out); }
        return out ? n : 2;
    }
    """
    with pytest.raises(armexec.SystemCallDenied, match=r"/data/in, and no folder was given .*fopen"):
        armexec.run(source, language="c", engine=QUICK)
    assert armexec.run(source, files={"/data": str(tmp_path)}, language="c", engine=QUICK).status == 2
    assert not (tmp_path / "out").exists()
    assert armexec.run(source, files={"/data": f"{tmp_path}:rw"}, language="c", engine=QUICK).status == 7
    assert (tmp_path / "out").read_text() == "42"


@pytest.mark.slow
@needs_c
def test_memory_is_mapped_moved_and_unmapped() -> None:
    source = r"""
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/mman.h>
    int main(void) {
        size_t size = 300000; char *p = malloc(size);
        memset(p, 1, size);
        for (int i = 0; i < 4; i++) { p = realloc(p, size *= 3); p[size - 1] = 2; }
        char *q = mmap(0, 0x10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        q[0x8000] = 5;
        if (mmap(q + 0x4000, 0x4000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != q + 0x4000) return 1;
        if (munmap(q, 0x4000) || q[0x8000] != 5 || q[0x4000]) return 2;
        if (mprotect(&size, 0x1000, PROT_READ) == 0) return 3;
        printf("%d %d", p[299999], p[size - 1]);
        free(p);
        q[0x4000] = 1;
    }
    """
    with pytest.raises(armexec.MemoryFault, match=r"can't write memory at .*main.*<source>:17"):
        armexec.run(source, language="c", engine=QUICK)
    assert armexec.run(source.replace("q[0x4000] = 1;", "return 4;"), language="c", engine=QUICK)[:3] == (4, 0, b"1 2")


@needs_c
@pytest.mark.parametrize(("body", "signal"), [("exit(300);", 0), ("abort();", 6), ("raise(15);", 15)])
def test_a_program_ends_itself(body: str, signal: int) -> None:
    done = armexec.run(
        f"#include <stdlib.h>\n#include <signal.h>\nint main(void) {{ {body} }}", language="c", engine=QUICK
    )
    assert done[:2] == ((128 + signal, signal) if signal else (300 & 255, 0))


@pytest.mark.slow
@needs_cxx
def test_a_program_of_cplusplus() -> None:
    source = r"""
    #include <cstdio>
    #include <stdexcept>
    #include <string>
    struct Noisy { ~Noisy() { std::printf("gone"); } };
    static Noisy noisy;
    int main(int argc, char **argv) {
        try { throw std::runtime_error("caught " + std::string(argv[1])); }
        catch (const std::exception &e) { std::puts(e.what()); }
    }
    """
    assert armexec.run(source, ["it"], engine=QUICK)[:3] == (0, 0, b"caught it\ngone")


@needs_c
@pytest.mark.parametrize("engine", ENGINES)
def test_errors_of_the_guest_say_where(engine: str) -> None:
    fault = '#include <stdio.h>\nvoid f(int *p) { *p = 1; }\nint main(void) { puts(""); f(0); }'
    with pytest.raises(armexec.MemoryFault, match=r"can't write memory at 0x0 .*f.*<source>:2"):
        armexec.run(fault, language="c", engine=engine)
    denied = "#include <sys/socket.h>\nint main(void) { return socket(1, 2, 3); }"
    with pytest.raises(
        armexec.SystemCallDenied, match=r"system call socket \(198\), which armexec doesn't have .*socket"
    ):
        armexec.run(denied, language="c", engine=engine)


def test_a_time_limit_ends_a_program() -> None:
    with armexec.limits(time_limit=0.2), pytest.raises(armexec.TimeLimitExceeded, match="main"):
        armexec.run("int main() { for (;;) ; }")


def test_what_cannot_be_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(armexec.LoadError, match="needs a main"):
        armexec.run("int f() { return 1; }")
    with pytest.raises(armexec.LoadError, match="list of texts"):
        armexec.run(PLAIN, "a")
    with pytest.raises(armexec.LoadError, match="null character"):
        armexec.run(PLAIN, ["a\0b"], language="c", engine=QUICK)
    with pytest.raises(armexec.LoadError, match="more than a quarter of the stack"):
        armexec.run(PLAIN, ["a" * (4 << 20)], language="c", engine=QUICK)
    with pytest.raises(armexec.LoadError, match="not int"):
        armexec.run(3)  # type: ignore[arg-type]
    with pytest.raises(armexec.HostError, match="thread pointer"):
        armexec.run(PLAIN, ["a"], language="c", engine="native")
    with pytest.raises(armexec.LoadError, match=r"nowhere.c"):
        armexec.run(tmp_path / "nowhere.c")
    with pytest.raises(armexec.LoadError, match="/data"):
        armexec.run(PLAIN, ["a"], language="c", files={"/data": str(tmp_path / "nowhere")})


EXAMPLES = Path(__file__).parents[2] / "examples"


@needs_c
def test_the_example_in_c() -> None:
    assert armexec.run(EXAMPLES / "hello.c", ["Ada"]) == (0, 0, b"Hello, Ada!\n", b"")


@pytest.mark.long  # streams are much code to translate
@needs_cxx
def test_the_example_in_cplusplus() -> None:
    assert armexec.run(EXAMPLES / "hello.cpp", ["Ada"]) == (0, 0, b"Hello, Ada!\n", b"")
    assert armexec.run(EXAMPLES / "hello.cpp") == (1, 0, b"", b"nobody to greet\n")


@needs_c
def test_undefined_symbols_are_told_with_their_users() -> None:
    source = '#include <stdio.h>\nint nothing(void);\nint main(void) { return puts("") + nothing(); }'
    with pytest.raises(armexec.LoadError, match="nothing, wanted by main"):
        armexec.run(source, language="c", engine=QUICK)
