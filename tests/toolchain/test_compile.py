"""Source text to objects and assembly."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from armexec.errors import CompileError
from armexec.toolchain import compile_assembly, compile_object

FN = "int fn(int num) { return num; }"
FIVE = bytes.fromhex("ff4300d1e00f00b9e00f40b9ff430091c0035fd6")
C_HEADERS = """
#include <stddef.h>
#include <stdint.h>
#include <arm_neon.h>
"""
HOSTED_HEADERS = C_HEADERS + "#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"


def elf_text(data: bytes) -> bytes:
    section = ELFFile(io.BytesIO(data)).get_section_by_name(".text")
    return bytes(section.data())


def settle(path: Path) -> None:
    """Make `path` look written a while ago: the cache trusts no file that's just being changed."""
    before = time.time() - 10
    os.utime(path, (before, before))


@pytest.mark.parametrize("language", ["c", "c++"])
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("target", ["linux", "bare"])
def test_the_founding_five_instructions(language: str, debug: bool, target: str) -> None:
    data = compile_object(FN, language=language, target=target, debug=debug).data
    assert elf_text(data) == FIVE
    assert (ELFFile(io.BytesIO(data)).get_section_by_name(".debug_info") is not None) == debug


@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_founding_five_instructions_in_a_mach_o_object(language: str) -> None:
    lief = pytest.importorskip("lief")
    data = compile_object(FN, language=language, target="apple").data
    binary = lief.MachO.parse(list(data)).at(0)
    assert bytes(binary.get_section("__text").content) == FIVE
    name = "_fn" if language == "c" else "__Z2fni"
    assert name in [symbol.name for symbol in binary.symbols]


def test_assembly_text() -> None:
    lines = compile_assembly(FN, target="linux", debug=False).splitlines()
    bare = [line.strip().replace("\t", " ") for line in lines if line.startswith("\t") and line[1] != "."]
    assert bare == ["sub sp, sp, #16", "str w0, [sp, #12]", "ldr w0, [sp, #12]", "add sp, sp, #16", "ret"]


def test_assembly_source() -> None:
    source = "fn: add x0, x0, x1\n ret\n"
    assert elf_text(compile_object(source, language="assembler", target="linux").data)[:8] == bytes.fromhex(
        "0000018bc0035fd6"
    )
    assert compile_assembly(source, language="assembler") == source
    assert compile_object(source + "// no complaints\n", language="assembler", target="linux").diagnostics == ()
    preprocessed = "#define N 1\nfn: add x0, x0, #N\n"
    assert compile_assembly(preprocessed, language="assembler", filename="k.S").strip() == "fn: add x0, x0, #1"
    compiled = compile_object(preprocessed, language="assembler", filename="k.S", target="linux")
    assert elf_text(compiled.data) == bytes.fromhex("00040091")
    assert compiled.diagnostics == ()


@pytest.mark.parametrize("language", ["c", "c++"])
def test_headers(language: str) -> None:
    for target, headers in (("linux", HOSTED_HEADERS), ("apple", HOSTED_HEADERS), ("bare", C_HEADERS)):
        source = headers + "size_t f(uint8x8_t *v) { return sizeof *v; }"
        assert compile_object(source, language=language, target=target).data


def test_the_hosts_headers_are_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hidden.h").write_text("")
    monkeypatch.setenv("CPATH", str(tmp_path))
    with pytest.raises(CompileError, match=r"'hidden\.h' file not found"):
        compile_object("#include <hidden.h>\n")
    with pytest.raises(CompileError, match=r"'string\.h' file not found"):
        compile_object("#include <string.h>\n", target="bare")


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_cxx_headers(target: str) -> None:
    source = """#include <algorithm>
    #include <vector>
    int f(std::vector<int> &v) { return *std::max_element(v.begin(), v.end()); }"""
    assert compile_object(source, opt="-O1", target=target).data


@pytest.mark.parametrize("target", ["linux", "apple", "bare"])
def test_nothing_is_called_that_the_source_does_not_call(target: str) -> None:
    source = """void g(char *);
    int f(int a, int b, int *p) {
        char buffer[9000];
        g(buffer);
        __atomic_fetch_add(p, 1, 5);
        return a / b + (a << b) + p[a];
    }"""
    text = compile_assembly(source, language="c", target=target, debug=False)
    calls = {line.split()[1] for line in text.splitlines() if line.split()[:1] == ["bl"]}
    assert {call.lstrip("_") for call in calls} == {"g"}
    assert "stack_chk" not in text


def test_the_platform_register_is_left_alone() -> None:
    loads = "".join(f"long v{number} = *p; " for number in range(29))
    stores = "".join(f"*p = v{number}; " for number in range(29))
    source = f"void f(volatile long *p) {{ {loads} {stores} }}"
    text = compile_assembly(source, language="c", opt="-O2", target="linux", debug=False)
    assert "x17" in text
    assert "x18" not in text


def test_the_users_flags_win() -> None:
    source = "int f(int *p) { return __atomic_fetch_add(p, N, 0); }"
    text = compile_assembly(source, flags=["-DN=5", "-O2", "-march=armv8.1-a"], target="linux", debug=False)
    assert "ldadd" in text
    assert "sub\tsp" not in text
    assert "ldadd" in compile_assembly(source, flags="-DN=5 -mcpu=cortex-a76", target="apple")
    without = compile_object(FN, flags=["-g0"], target="linux").data
    assert ELFFile(io.BytesIO(without)).get_section_by_name(".debug_info") is None


def test_debug_information_names_the_source(tmp_path: Path) -> None:
    path = tmp_path / "real.cpp"
    path.write_text(FN)
    for filename, expected in ((None, "<source>"), ("dir/k.cpp", "dir/k.cpp"), (str(path), str(path))):
        info = ELFFile(io.BytesIO(compile_object(FN, filename=filename, target="linux").data)).get_dwarf_info()
        (unit,) = info.iter_CUs()
        assert unit.header.version == 5
        assert unit.get_top_DIE().attributes["DW_AT_name"].value.decode() == expected


# The cache


def test_the_second_time_no_process_starts() -> None:
    program = f"""
import subprocess, sys
if sys.argv[1] == "warm":
    def refuse(*arguments, **options): raise AssertionError("a process was started")
    subprocess.Popen = refuse
from armexec.toolchain import compile_object
result = compile_object({FN!r}, target="linux")
print(result.cached, result.data.hex(), result.compiler.version)
"""
    cold, warm = (
        subprocess.run([sys.executable, "-c", program, word], capture_output=True, text=True, check=True).stdout.split()
        for word in ("cold", "warm")
    )
    assert (cold[0], warm[0]) == ("False", "True")
    assert cold[1:] == warm[1:]


def test_everything_that_matters_is_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variants: list[dict[str, object]] = [
        {},
        {"language": "c"},
        {"opt": "-O1"},
        {"target": "bare"},
        {"flags": ["-DX"]},
        {"filename": "other.c"},
        {"debug": False},
    ]
    for variant in variants:
        assert not compile_object(FN, **{"target": "linux", **variant}).cached  # type: ignore[arg-type]
    for variant in variants:
        assert compile_object(FN, **{"target": "linux", **variant}).cached  # type: ignore[arg-type]
    assert not compile_object(FN + " ", target="linux").cached
    monkeypatch.chdir(tmp_path)  # the debug information names it
    assert not compile_object(FN, target="linux").cached


def test_warnings_are_kept() -> None:
    source = "int f() { int unused; return 0; }"
    first = compile_object(source, flags=["-Wall"])
    second = compile_object(source, flags=["-Wall"])
    assert second.cached
    (warning,) = second.diagnostics
    assert (warning.file, warning.line, warning.column, warning.severity) == ("<source>", 1, 15, "warning")
    assert first.diagnostics == second.diagnostics


@pytest.mark.parametrize("saved", [True, False])
def test_a_changed_header_is_noticed(tmp_path: Path, saved: bool) -> None:
    header, path = tmp_path / "a header#1.h", tmp_path / "k.c"
    source = '#include "a header#1.h"\nint f(void) { return N; }\n'
    if saved:
        path.write_text(source)
        settle(path)

    def compiled() -> tuple[bool, bytes]:
        result = compile_object(source, language="c", target="linux", filename=str(path), debug=False)
        return result.cached, elf_text(result.data)

    for number in (1, 2):
        header.write_text(f"#define N {number}\n")
        settle(header)
        expected = (0x52800000 | number << 5).to_bytes(4, "little")  # mov w0, #number
        assert compiled() == (False, expected + bytes.fromhex("c0035fd6"))
        assert compiled() == (True, expected + bytes.fromhex("c0035fd6"))
    header.unlink()
    with pytest.raises(CompileError, match="file not found"):
        compiled()


def test_a_header_written_a_moment_ago_is_never_stale(tmp_path: Path) -> None:
    header = tmp_path / "n.h"
    for number in (1, 2, 3):
        header.write_text(f"#define N {number}\n")
        source = '#include "n.h"\nint f(void) { return N; }\n'
        data = compile_object(source, language="c", target="linux", filename=str(tmp_path / "k.c")).data
        assert elf_text(data)[:4] == (0x52800000 | number << 5).to_bytes(4, "little")


def test_includes_are_looked_for_beside_the_file_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside, here = tmp_path / "beside", tmp_path / "here"
    for folder, number in ((beside, 1), (here, 2)):
        folder.mkdir()
        (folder / "n.h").write_text(f"#define N {number}\n")
    source = '#include "n.h"\nint f(void) { return N; }\n'
    (beside / "k.c").write_text(source)
    monkeypatch.chdir(here)
    data = compile_object(source, language="c", target="linux", filename="../beside/k.c").data
    assert elf_text(data)[:4] == bytes.fromhex("20008052")


@pytest.mark.parametrize("name", ["-k.c", "@k.c", " k.c", 'a "b"\\.c'])
def test_odd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # without the file, and with it
        with pytest.raises(CompileError) as caught:
            compile_object("int x;\nint y = z;\n", language="c", filename=name)
        assert caught.value.file.removeprefix("./") == name
        assert caught.value.line == 2
        Path(name).write_text("int x;\nint y = z;\n")


def test_what_changes_by_itself_is_not_cached(tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(b"\1\2\3\4")
    for source, language in (
        ("const char *t = __TIME__;", "c"),
        (f'.incbin "{blob}"\n', "assembler"),
        (f'asm(".incbin \\"{blob}\\"");', "c"),
    ):
        for _ in range(2):
            assert not compile_object(source, language=language).cached


def test_a_damaged_or_missing_cache_changes_nothing(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compile_object(FN).data
    entries = [path for path in (cache / "objects").rglob("*") if path.is_file()]
    assert len(entries) == 1
    raw = entries[0].read_bytes()
    entries[0].write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    again = compile_object(FN)
    assert (again.cached, again.data) == (False, first)
    assert compile_object(FN).cached
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(tmp_path / "file" / "below"))
    for _ in range(2):
        unkept = compile_object(FN)
        assert (unkept.cached, unkept.data) == (False, first)


def test_many_processes_at_once(cache: Path) -> None:
    program = f"""
from armexec.toolchain import compile_object
for number in range(3):
    print(compile_object({FN!r} + " " * number, target="linux").data.hex())
"""
    processes = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(6)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 6
    assert len(set(outputs)) == 1
    assert FIVE.hex() in outputs[0]
    kept = [path.name for path in (cache / "objects").rglob("*") if path.is_file()]
    assert len(kept) == 3
    assert not any(name.startswith(".") for name in kept)


# Errors


@pytest.mark.parametrize("filename", [None, "dir/my file.cpp"])
def test_an_error_has_a_place_and_the_compilers_text(filename: str | None) -> None:
    with pytest.raises(CompileError) as caught:
        compile_object(f"{FN}\nint g() {{ return x; }}\n", filename=filename)
    error, name = caught.value, filename or "<source>"
    assert (error.file, error.line, error.column) == (name, 2, 18)
    assert error.diagnostics[0].message == "use of undeclared identifier 'x'"
    assert f"{name}:2:18: error: use of undeclared identifier 'x'" in str(error)
    assert "int g() { return x; }" in str(error)


def test_errors_in_assembly() -> None:
    for filename in ("k.s", "k.S"):
        with pytest.raises(CompileError) as caught:
            compile_object(".text\n\n  foo x0\n", language="assembler", filename=filename)
        assert (caught.value.file, caught.value.line, caught.value.column) == (filename, 3, 3)
    with pytest.raises(CompileError) as caught:
        compile_object('int f() {\n  asm("foo x0"); return 0; }')
    assert (caught.value.file, caught.value.line) == ("<source>", 2)


def test_an_error_in_a_header_names_the_header(tmp_path: Path) -> None:
    (tmp_path / "bad.h").write_text("\nint x = ;\n")
    with pytest.raises(CompileError) as caught:
        compile_object('#include "bad.h"\n', filename=str(tmp_path / "k.c"), language="c")
    assert (caught.value.file, caught.value.line) == (str(tmp_path / "bad.h"), 2)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("", {}, "the source is empty: <source>"),
        (" \n\t", {"filename": "k.c"}, "the source is empty: k.c"),
        ("int x;\n \0", {}, "<source>:2:2: the source holds a null character"),
        ("int \ud800;", {}, "isn't Unicode text"),
        (FN, {"language": "rust"}, "unknown language 'rust': choose one of c, c"),
        (FN, {"opt": "-O9"}, "unknown optimization level '-O9': choose one of -O0"),
        (FN, {"target": "windows"}, "unknown target 'windows': choose one of host"),
        (FN, {"flags": ["--no-such-flag"]}, "unknown argument: '--no-such-flag'"),
        (FN, {"flags": ["-E"]}, "made no ELF object of <source>: one of the flags -E"),
        (FN, {"flags": ["-flto"]}, "made no ELF object"),
        (FN, {"flags": ["a\0b"]}, "not a compiler flag"),
        (FN, {"flags": [3]}, "not a compiler flag: 3"),
        (FN, {"flags": "'"}, "can't read the flags"),
        (FN, {"filename": "a\0b"}, "file's name holds a null character"),
        ("#include <no_such.h>\n", {}, "'no_such.h' file not found"),
        ("int a = " + "(" * 5000 + "1" + ")" * 5000 + ";", {}, "bracket nesting level exceeded"),
        ("#pragma clang __debug crash\n" + FN, {}, "failed with status .* while compiling <source>"),
    ],
)
def test_bad_input(source: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(CompileError, match=message):
        compile_object(source, **{"target": "linux", **options})  # type: ignore[arg-type]


def fake(path: Path, body: str) -> str:
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo "clang version 99.0.0"; exit; fi\n{body}\n')
    path.chmod(0o755)
    return str(path)


def test_a_compiler_that_is_killed(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"clang 99\.0\.0 was killed by SIGKILL while compiling <source>"):
        compile_object(FN, compiler=fake(tmp_path / "clang", "kill -KILL $$"))


def test_a_compiler_that_fails_without_a_word(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"clang 99\.0\.0 failed with status 3 while compiling <source>"):
        compile_object(FN, compiler=fake(tmp_path / "clang", "exit 3"))


def test_a_compiler_that_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="made no ELF object"):
        compile_object(FN, target="linux", compiler=fake(tmp_path / "clang", "exit 0"))


def test_a_compiler_that_does_not_end(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    endless = fake(tmp_path / "clang", f"sleep 600 & echo $! > '{pid}'; wait")
    with pytest.raises(CompileError, match=r"was stopped after 0.5 s without a result"):
        compile_object(FN, compiler=endless, timeout=0.5)
    child = int(pid.read_text())
    for _ in range(100):
        if not running(child):
            break
        time.sleep(0.02)
    assert not running(child)


def running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip()[:1] not in ("", "Z")


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch, here = tmp_path / "scratch", tmp_path / "here"
    for folder in (scratch, here):
        folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(here)
    compile_object(FN)
    for source in ("int f( {", "#pragma clang __debug crash\n" + FN):
        with pytest.raises(CompileError):
            compile_object(source)
    assert list(scratch.iterdir()) == []
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("opt", "option"), [(0, "-O0"), (2, "-O2"), ("3", "-O3"), ("O1", "-O1"), ("s", "-Os"), ("-Oz", "-Oz")]
)
def test_levels_are_written_in_several_ways(opt: str | int, option: str) -> None:
    assert option in compile_object("int f(void) { return 1; }", opt=opt).command


@pytest.mark.parametrize("opt", [4, -1, True, False, None, "", "-", "x", "--O2", 2.0, b"2", [2]])
def test_other_levels_are_errors(opt: Any) -> None:
    with pytest.raises(CompileError, match="unknown optimization level"):
        compile_object("int f(void) { return 1; }", opt=opt)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_a_byte_order_mark_is_skipped(language: str, tmp_path: Path) -> None:
    source = "int f(void) { return wrong; }"
    path = tmp_path / "marked.c"
    path.write_text("\ufeff" + source)
    for text, name in (("\ufeff" + source, None), (source, str(path)), ("\ufeff" + source, str(path))):
        with pytest.raises(CompileError) as caught:
            compile_object(text, language=language, filename=name)
        assert (caught.value.diagnostics[0].line, caught.value.diagnostics[0].column) == (1, 22)
    assert compile_object("\ufeff" + source.replace("wrong", "1"), language=language).diagnostics == ()


@pytest.mark.parametrize("filename", ["x.s", "x.S"])
@pytest.mark.parametrize("target", ["linux", "apple"])
def test_assembly_is_compiled_without_a_complaint_of_ours(filename: str, target: str) -> None:
    compiled = compile_object("mov x0, #1\nret\n", language="assembler", filename=filename, target=target)
    assert compiled.diagnostics == ()


def test_something_else_is_done_while_the_compiler_runs(tmp_path: Path) -> None:
    source, path = "int meanwhile(void) { return 1; }", tmp_path / "meanwhile.c"
    path.write_text(source)
    os.utime(path, (0, 0))  # what has just changed isn't kept
    calls: list[int] = []

    def endless() -> Iterator[None]:
        while True:
            calls.append(1)
            yield
            time.sleep(0.01)

    assert not compile_object(source, filename=str(path), meanwhile=endless()).cached
    assert calls
    calls.clear()
    assert compile_object(source, filename=str(path), meanwhile=endless()).cached
    assert not calls

    def fail() -> Iterator[None]:
        yield
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compile_object(source, opt=1, filename=str(path), meanwhile=fail())
