"""What compilers print with -S assembles to what their own assembler makes of it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.asm import against_clang
from tests.corpus import DIRECTORY

import armexec
from armexec.asm import assemble
from armexec.toolchain import compile_assembly, compile_object

from .compare import differences
from .programs import CPP, C

GCC, GAS = "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-as"
HAS_GCC = shutil.which(GCC) is not None and shutil.which(GAS) is not None
needs_gcc = pytest.mark.skipif(not HAS_GCC, reason=f"needs {GCC}")
SHORT_FLAGS = ("-g", "-fexceptions", "-ffunction-sections", "-mbranch-protection=standard")
FLAGS = ((), SHORT_FLAGS)
LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os")

ROOT = Path(armexec.__file__).parent
FILES = [
    *sorted(DIRECTORY.glob("*.c")),
    *sorted((DIRECTORY.parent / "corpus_float").glob("*.c")),
    *sorted((DIRECTORY.parent / "corpus_neon").glob("*.c")),
    *sorted((ROOT / "bench" / "sources").glob("*.c")),
]
PROGRAMS = {
    **{f"{name}.c": text for name, text in C.items()},
    **{f"{name}.cpp": text for name, text in CPP.items()},
    **{f"{path.parent.name}/{path.name}": path.read_text(encoding="utf-8") for path in FILES},
}


def clang(name: str, source: str, opt: str, flags: tuple[str, ...], target: str) -> Iterator[str]:
    """The differences between our assembly and clang's of what clang prints."""
    language = "c++" if name.endswith(".cpp") else "c"
    machine = ("-march=armv8.6-a+crypto+fp16",)
    text = compile_assembly(source, language=language, opt=opt, target=target, flags=(*flags, *machine), filename=name)
    # clang prints zero bytes as they are in comments.
    theirs = compile_object(text.replace("\0", " "), language="assembler", target=target, flags=machine).data
    if target == "apple":
        yield from against_clang.differences(text, theirs)
    else:
        yield from differences(assemble(text, file=f"{name}.s").object(), theirs)


def gcc(name: str, source: str, opt: str, flags: tuple[str, ...], folder: Path) -> Iterator[str]:
    """The differences between our assembly and that of GNU as, of what gcc prints."""
    language = "c++" if name.endswith(".cpp") else "c"
    machine = "-march=armv8.6-a+crypto+fp16"
    text, made = folder / "x.s", folder / "x.o"
    command = [GCC, "-S", "-w", "-x", language, "-", "-o", str(text), opt, *flags, machine, "-I", str(DIRECTORY.parent)]
    subprocess.run(command, input=source.encode(), check=True, cwd=FILES[0].parent)
    subprocess.run([GAS, machine, str(text), "-o", str(made)], check=True)
    yield from differences(assemble(text.read_text(), file=f"{name}.s").object(), made.read_bytes())


SAMPLE = [
    ("thread_local.c", "-O1", SHORT_FLAGS),
    ("switch_table.c", "-O2", ("-g",)),
    ("weak_and_alias.c", "-O2", ()),
    ("sections.c", "-O0", ("-mbranch-protection=standard",)),
    ("exceptions.cpp", "-O2", SHORT_FLAGS),
    ("virtual.cpp", "-Os", ("-fexceptions", "-ffunction-sections")),
]


@pytest.mark.parametrize(("name", "opt", "flags"), SAMPLE, ids=lambda value: value if isinstance(value, str) else "")
def test_clang(name: str, opt: str, flags: tuple[str, ...]) -> None:
    assert list(clang(name, PROGRAMS[name], opt, flags, "linux")) == []


@needs_gcc
@pytest.mark.parametrize(("name", "opt", "flags"), SAMPLE, ids=lambda value: value if isinstance(value, str) else "")
def test_gcc(name: str, opt: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    assert list(gcc(name, PROGRAMS[name], opt, flags, tmp_path)) == []


@pytest.mark.long
@pytest.mark.parametrize("target", ["linux", "apple"])
@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
@pytest.mark.parametrize("opt", LEVELS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_clang_every_way(name: str, opt: str, flags: tuple[str, ...], target: str) -> None:
    assert list(clang(name, PROGRAMS[name], opt, flags, target)) == []


@needs_gcc
@pytest.mark.long
@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
@pytest.mark.parametrize("opt", LEVELS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_gcc_every_way(name: str, opt: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    assert list(gcc(name, PROGRAMS[name], opt, flags, tmp_path)) == []
