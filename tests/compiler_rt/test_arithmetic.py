"""A program that needs much of the runtime, by both compilers at all levels, against the same under qemu."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

import armexec
from engines import AVAILABLE
from samples import one_of

from . import libgcc

SOURCE = Path(__file__).with_name("arithmetic.c").read_text()
COUNT = 8
FLAGS = ("-ffp-contract=off", "-mno-outline-atomics")
_ALL = [
    (engine, target, opt, compiler)
    for engine in (*AVAILABLE, "translated:O2")
    for target, compiler in (("linux", None), ("bare", None), ("linux", libgcc.GCC))
    for opt in ("-O0", "-O1", "-O2", "-O3")
]
_FEW = [
    ("reference", "linux", "-O0", libgcc.GCC),
    ("translated:O0", "linux", "-O2", libgcc.GCC),
    ("translated:O0", "bare", "-O1", None),
]


@cache
def wanted(folder: Path) -> list[int]:
    main = f'\n#include <stdio.h>\nint main() {{ for (int i = 0; i < {COUNT}; i++) printf("%lu\\n", check(i)); }}'
    command = [libgcc.GCC, "-x", "c", "-O1", *FLAGS, "-static", "-o", folder / "arithmetic", "-", "-latomic"]
    subprocess.run(command, input=(SOURCE + main).encode(), check=True)
    done = subprocess.run([libgcc.QEMU, folder / "arithmetic"], capture_output=True, check=True)
    return [int(line) for line in done.stdout.split()]


def compare(folder: Path, engine: str, target: str, opt: str, compiler: str | None) -> None:
    libgcc.required()
    if compiler is not None and shutil.which(compiler) is None:
        pytest.skip(f"{compiler} isn't installed")
    m = armexec.compile(
        SOURCE, language="c", opt=opt, target=target, flags=(*FLAGS, "-w"), engine=engine, compiler=compiler
    )
    assert [m.check(i) for i in range(COUNT)] == wanted(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arithmetic")


@pytest.mark.parametrize(("engine", "target", "opt", "compiler"), one_of(3, _FEW))
def test_as_under_qemu(folder: Path, engine: str, target: str, opt: str, compiler: str | None) -> None:
    compare(folder, engine, target, opt, compiler)


@pytest.mark.long
@pytest.mark.parametrize(("engine", "target", "opt", "compiler"), _ALL)
def test_as_under_qemu_everywhere(folder: Path, engine: str, target: str, opt: str, compiler: str | None) -> None:
    compare(folder, engine, target, opt, compiler)
