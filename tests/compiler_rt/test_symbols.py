"""Each function of compilers' own libraries is there, or it is said why it isn't."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import armexec
from armexec.compiler_rt.absent import why_absent
from armexec.compiler_rt.stops import why_stopped
from armexec.compiler_rt.units import runtime_code

from . import libgcc

NM = "aarch64-linux-gnu-nm"


def libraries() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("symbols.txt").read_text().splitlines():
        if line.startswith("# "):
            names = found.setdefault(line[2:], [])
        else:
            names += line.split()
    return {library: names for library, names in found.items() if names}


def present() -> set[str]:
    return {name for unit in runtime_code().units.values() for section in unit for name in section.symbols}


@pytest.mark.parametrize("library", libraries())
def test_each_is_there_or_has_a_reason(library: str) -> None:
    names = libraries()[library]
    assert [name for name in names if name not in present() and not why_absent(name)] == []


@pytest.mark.parametrize("library", ["libgcc.a", "libatomic.a"])
def test_the_list_is_that_of_the_gcc_that_is_installed(library: str) -> None:
    libgcc.required()
    path = subprocess.run(
        [libgcc.GCC, f"-print-file-name={library}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if shutil.which(NM) is None or not Path(path).is_file():
        pytest.skip(f"no {library}")
    done = subprocess.run([NM, "-g", "--defined-only", path], capture_output=True, text=True, check=True)
    names = {line.split()[2] for line in done.stdout.splitlines() if len(line.split()) == 3}
    assert [
        name for name in names if name not in present() and not name.startswith("libat_") and not why_absent(name)
    ] == []


def test_an_error_says_why() -> None:
    source = "void __sincos_stret(void); int f(void) { __sincos_stret(); return 1; }"
    m = armexec.compile(source, language="c", engine="reference")
    with pytest.raises(armexec.UndefinedSymbol, match=r"__sincos_stret is called by f: .* the mathematical library's"):
        m.f()


def test_a_users_own_function_has_no_reason() -> None:
    assert [why_absent(name) for name in ("f", "ext", "_Z3addii", "_ZN5shape4areaEv", "_ZTV5Shape", "helper_x")] == [
        ""
    ] * 6


def test_messages_name_the_function() -> None:
    for name in ("__stack_chk_fail", "free", "_Znwm", "__addvsi3", "abort", "something"):
        assert name in why_stopped(name)
    assert why_stopped("_ZSt9terminatev") == "std::terminate was called"
