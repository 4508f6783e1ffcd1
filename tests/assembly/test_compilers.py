"""What compilers print with -S assembles to what their own assembler makes of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from elftools.dwarf.callframe import FDE
from elftools.elf.elffile import ELFFile
from tests.asm import against_clang
from tests.corpus import DIRECTORY

import armexec
from armexec import CompileError
from armexec.asm import assemble
from armexec.objects import load_image
from armexec.sources.images import code_image
from armexec.toolchain import compile_assembly, compile_object

from .compare import differences
from .programs import CPP, C

GCC, GXX, GAS = "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++", "aarch64-linux-gnu-as"
needs_gcc = pytest.mark.skipif(None in map(shutil.which, (GCC, GXX, GAS)), reason=f"needs {GCC} and {GXX}")
SHORT_FLAGS = ("-g", "-fexceptions", "-ffunction-sections", "-mbranch-protection=standard")
FLAGS = ((), SHORT_FLAGS)
WAYS = [(opt, flags) for opt in ("-O0", "-O1", "-O2", "-O3", "-Os") for flags in FLAGS]

MACHINE = "-march=armv8.6-a+crypto+sha3+sm4+fp16"

ROOT = Path(armexec.__file__).parent
FILES = [
    *sorted(DIRECTORY.glob("*.c")),
    *sorted((DIRECTORY.parent / "corpus_float").glob("*.c")),
    *sorted((DIRECTORY.parent / "corpus_neon").glob("*.c")),
    *sorted((ROOT / "bench" / "sources").glob("*.c")),
]
PATHS = {f"{path.parent.name}/{path.name}": str(path) for path in FILES}
PROGRAMS = {
    **{f"{name}.c": text for name, text in C.items()},
    **{f"{name}.cpp": text for name, text in CPP.items()},
    **{name: Path(path).read_text(encoding="utf-8") for name, path in PATHS.items()},
}


def clang(name: str, source: str, opt: str, flags: tuple[str, ...], target: str) -> Iterator[str]:
    """The differences between our assembly and clang's of what clang prints."""
    language = "c++" if name.endswith(".cpp") else "c"
    machine = (MACHINE,)
    try:
        text = compile_assembly(
            source, language=language, opt=opt, target=target, flags=(*flags, *machine), filename=PATHS.get(name, name)
        )
    except CompileError as error:
        assert target == "apple"
        pytest.skip(f"not for Apple's systems: {error.line}")
    # clang prints zero bytes as they are in comments.
    theirs = compile_object(text.replace("\0", " "), language="assembler", target=target, flags=machine).data
    if target == "apple":
        yield from against_clang.differences(text, theirs)
    else:
        yield from differences(assemble(text, file=f"{name}.s").object(), theirs)


def gcc(name: str, source: str, opt: str, flags: tuple[str, ...], folder: Path) -> Iterator[str]:
    """The differences between our assembly and that of GNU as, of what gcc prints."""
    language = "c++" if name.endswith(".cpp") else "c"
    text, made = folder / "x.s", folder / "x.o"
    command = [GCC, "-S", "-w", "-x", language, "-", "-o", str(text), opt, *flags, MACHINE]
    if name in PATHS:
        command += ["-I", str(Path(PATHS[name]).parent)]
    subprocess.run(command, input=source.encode(), check=True)
    # Of this GNU as makes `mov w0, w1`, clang an UBFM, as armexec does: the same to whoever runs it.
    text.write_text(re.sub(r"^\tuxtw\tx(\d+), w(\d+)$", r"\tmov\tw\1, w\2", text.read_text(), flags=re.MULTILINE))
    subprocess.run([GAS, MACHINE, str(text), "-o", str(made)], check=True)
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
@pytest.mark.parametrize("name", PROGRAMS)
def test_clang_every_way(name: str, target: str) -> None:
    for opt, flags in WAYS:
        assert list(clang(name, PROGRAMS[name], opt, flags, target)) == [], (opt, flags)


@needs_gcc
@pytest.mark.long
@pytest.mark.parametrize("name", PROGRAMS)
def test_gcc_every_way(name: str, tmp_path: Path) -> None:
    for opt, flags in WAYS:
        assert list(gcc(name, PROGRAMS[name], opt, flags, tmp_path)) == [], (opt, flags)


THROWS = r"""
#include <cstdio>
#include <stdexcept>
#include <string>
struct Held { const char *name; ~Held() { std::printf("~%s ", name); } };
static int deep(int n) { Held held{n % 2 ? "odd" : "even"}; if (n == 0) throw std::runtime_error("bottom");
  return deep(n - 1) + 1; }
thread_local int tries = 0; static std::string shared = "made first";
int main() { try { deep(3); } catch (const std::exception &e) { tries++; std::printf("%s %s %d\n", e.what(),
  shared.c_str(), tries); } return 7; }
"""


@needs_gcc
@pytest.mark.skipif(shutil.which("qemu-aarch64") is None, reason="needs qemu-aarch64")
def test_our_object_of_a_program_with_exceptions_runs(tmp_path: Path) -> None:
    command = [GXX, "-S", "-O1", "-g", *SHORT_FLAGS, "-x", "c++", "-", "-o", "x.s"]
    subprocess.run(command, input=THROWS, text=True, check=True, cwd=tmp_path)
    (tmp_path / "x.o").write_bytes(assemble((tmp_path / "x.s").read_text()).object())
    subprocess.run([GXX, "-static", "x.o", "-o", "program"], check=True, cwd=tmp_path)
    done = subprocess.run(["qemu-aarch64", tmp_path / "program"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("~even ~odd ~even ~odd bottom made first 1\n", 7)


def _frames(data: bytes) -> list[tuple[int, int, list[tuple[int, str]]]]:
    """Each function of .eh_frame: where it begins, its size, and the rules at each address."""
    elf = ELFFile(BytesIO(data))
    found = []
    for entry in elf.get_dwarf_info().EH_CFI_entries():
        if isinstance(entry, FDE):
            rows = [
                (row.pop("pc") - entry["initial_location"], repr(sorted(row.items(), key=str)))
                for row in entry.get_decoded().table
            ]
            found.append((entry["initial_location"], entry["address_range"], rows))
    return found


@needs_gcc
def test_call_frames_are_those_of_the_assembler(tmp_path: Path) -> None:
    text, made = tmp_path / "x.s", tmp_path / "x.o"
    command = [GCC, "-S", "-O2", "-fexceptions", "-mbranch-protection=standard", "-x", "c", "-", "-o", str(text)]
    subprocess.run(command, input=C["large_frame"] + C["variadic"] + C["recursion"], text=True, check=True)
    subprocess.run([GAS, text, "-o", made], check=True)
    ours, theirs = _frames(assemble(text.read_text()).object()), _frames(made.read_bytes())
    assert len(ours) > 5
    assert ours == theirs


PROTOTYPES = """
struct P { int x; double y; }; static int hidden(int a) { return a * 3; }
int f(struct P *p, long n, const char *s) {
  int r = 0;
  for (long i = 0; i < n; i++)
    r += p->x + s[i];
  return r + hidden(r);
}
double g(float a, unsigned char b) { return a + b; }
"""


@pytest.mark.parametrize("who", ["linux", "apple", pytest.param("gcc", marks=needs_gcc)])
@pytest.mark.parametrize("opt", ["-O0", "-O2"])
def test_debug_information_of_assembled_text_is_that_of_the_object(who: str, opt: str, tmp_path: Path) -> None:
    if who == "gcc":
        text, made = tmp_path / "x.s", tmp_path / "x.o"
        command = [GCC, "-S", opt, "-g", "-x", "c", "-", "-o", str(text)]
        subprocess.run(command, input=PROTOTYPES, text=True, check=True)
        subprocess.run([GAS, text, "-o", made], check=True)
        assembly, data = text.read_text(), made.read_bytes()
    else:
        assembly = compile_assembly(PROTOTYPES, language="c", opt=opt, target=who, filename="x.c")
        data = compile_object(assembly, language="assembler", target=who).data
    ours, theirs = code_image(assemble(assembly), "ours", entry="f"), load_image(data, "theirs")
    assert [f.name for f in ours.functions] == [f.name for f in theirs.functions]
    for mine, other in zip(ours.functions, theirs.functions, strict=True):
        assert mine.prototype is not None
        assert str(mine.prototype) == str(other.prototype)
        lines = [str(ours.line_of(mine.offset + at)) for at in range(0, 40, 4)]
        assert lines == [str(theirs.line_of(other.offset + at)) for at in range(0, 40, 4)]
        assert ours.line_of(mine.offset) is not None
