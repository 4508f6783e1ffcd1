"""Which compiler is used, and what it's told about targets."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from armexec.errors import CompileError
from armexec.toolchain import compile_assembly, compile_object, find_compiler, resolve_target
from armexec.toolchain import compiler as compiler_module

GCC = shutil.which("aarch64-linux-gnu-gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="no aarch64-linux-gnu-gcc on this machine")
FN = "int fn(int num) { return num; }\n"


def script(path: Path, text: str) -> str:
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def test_the_default_is_the_clang_of_ziglang() -> None:
    found = find_compiler()
    assert found.kind == "clang"
    assert Path(found.path).parent.name == "ziglang"
    assert int(found.version.split(".")[0]) >= 19
    assert found == find_compiler(f"{found.path} cc")


def test_the_argument_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = script(tmp_path / "one", "echo 'clang version 1.2.3'")
    two = script(tmp_path / "two", "echo 'Debian clang version 4.5.6-7 (x)'")
    monkeypatch.setenv("ARMEXEC_CC", two)
    assert find_compiler().version == "4.5.6-7"
    assert find_compiler(one).version == "1.2.3"
    monkeypatch.setenv("ARMEXEC_CC", "")
    assert "ziglang" in find_compiler().path


def test_arguments_and_names_with_spaces(tmp_path: Path) -> None:
    path = script(tmp_path / "my clang", 'echo "clang version $#"')
    assert find_compiler(path).command == (path,)
    assert find_compiler(f"'{path}' --extra").version == "2"


def test_the_system_clang_stands_in_for_ziglang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler_module, "_wheel_zig", lambda: "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompileError, match=r"no C and C\+\+ compiler: install the ziglang package"):
        find_compiler()
    path = script(tmp_path / "clang", "echo 'clang version 15.0.7'")
    assert find_compiler().path == path


def test_an_upgraded_compiler_is_noticed(tmp_path: Path) -> None:
    path = script(tmp_path / "clang", "echo 'clang version 15.0.7'")
    first = find_compiler(path)
    script(tmp_path / "clang", "echo 'clang version 16.0.0'")
    os.utime(path, (1, 1))
    second = find_compiler(path)
    assert second.version == "16.0.0"
    assert second.identity != first.identity


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("exit 1", "doesn't answer as clang or gcc does"),
        ("echo hello", "makes code for hello, not for AArch64"),
        ("echo 'x86_64-linux-gnu'", "makes code for x86_64-linux-gnu, not for AArch64"),
    ],
)
def test_a_program_that_is_no_such_compiler(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        find_compiler(script(tmp_path / "cc", body))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("no-such-compiler", "no program 'no-such-compiler' .from --compiler."),
        ("/", "no program '/'"),
        ("a 'b", "can't read the compiler"),
        (" ", "no program"),
    ],
)
def test_a_compiler_that_is_not_there(asked: str, message: str) -> None:
    with pytest.raises(CompileError, match=message):
        find_compiler(asked)


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "cc"
    path.write_bytes(b"\x00not a program")
    path.chmod(0o755)
    with pytest.raises(CompileError, match=r"can't start the compiler .*cc: Exec format error"):
        find_compiler(str(path))


def test_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_target("linux").triple == "aarch64-linux-musl"
    assert resolve_target("apple").object_format == "macho"
    assert resolve_target("bare").object_format == "elf"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert resolve_target("host") is resolve_target("apple")
    monkeypatch.setattr(sys, "platform", "linux")
    assert resolve_target("host") is resolve_target("linux")
    with pytest.raises(CompileError, match="unknown target 'x86': choose one of host, linux, apple, bare"):
        resolve_target("x86")


@needs_gcc
def test_gcc() -> None:
    found = find_compiler(GCC)
    assert found.kind == "gcc"
    assert found.machine.startswith("aarch64")
    assert found.version[0].isdigit()
    for target in ("linux", "bare"):
        data = compile_object(FN, language="c", target=target, compiler=GCC).data
        assert data.count(bytes.fromhex("ff4300d1e00f00b9e00f40b9ff430091c0035fd6")) == 1
    with pytest.raises(CompileError, match="can't make objects for the target 'apple': use clang"):
        compile_object(FN, language="c", target="apple", compiler=GCC)


@needs_gcc
def test_gcc_diagnostics() -> None:
    with pytest.raises(CompileError) as caught:
        compile_object(FN + "int g(void) { return x; }", language="c", compiler=GCC, filename="k.c")
    assert (caught.value.file, caught.value.line, caught.value.column) == ("k.c", 2, 22)
    with pytest.raises(CompileError) as caught:
        compile_object(".text\nfoo x0\n", language="assembler", compiler=GCC, filename="k.s")
    assert (caught.value.file, caught.value.line) == ("k.s", 2)
    with pytest.raises(CompileError) as caught:
        compile_object('int f(void) { asm("foo"); return 0; }', language="c", compiler=GCC)
    assert caught.value.file == "<inline asm>"


@needs_gcc
def test_gcc_calls_no_library_of_its_own() -> None:
    source = "void g(char *); int f(int *p) { char b[64]; g(b); return __atomic_fetch_add(p, 1, 5); }"
    text = compile_assembly(source, language="c", compiler=GCC, debug=False)
    assert "__" not in text.replace("__GNU", "")
