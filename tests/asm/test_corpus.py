"""What clang prints for the corpus assembles to what clang's own object holds."""

from __future__ import annotations

import pytest
from tests.corpus import DIRECTORY, FLAGS

from armexec.toolchain import compile_assembly, compile_object

from .against_clang import differences

FILES = sorted(path.name for path in DIRECTORY.glob("*.c"))

CXX = """
struct Base { virtual int f(int) const { return 1; } virtual ~Base() {} int member = 3; };
struct Derived : Base { int f(int x) const override { return x + member; } };
template <typename T> T twice(T x) { return x + x; }
namespace space { inline int counter = 5; static int hidden[4] = {1, 2, 3, 4}; }
namespace space { const char *names[] = {"a;b", "c\\"d", "\\t"}; }
extern int outside; extern "C" int elsewhere(const char *);
int use(Base *b, int i) { return b->f(i) + twice<long>(i) + space::counter++ + space::hidden[i & 3] + outside; }
int make(int i) { Derived d; return use(&d, i) + elsewhere(space::names[i & 1]); }
int choose(int i) {
  switch (i) { case 0: return 5; case 1: return 9; case 2: return 77; case 3: return 3; case 4: return 12; }
  return -1;
}
unsigned __int128 wide(unsigned __int128 a, unsigned __int128 b) { return a * b; }
alignas(64) int aligned[3] = {1}; double d = 1.5; float f = 2.5f; short s = -1; bool flag = true; char zeros[100];
int (*pointer)(int) = choose; int *inside = &space::hidden[2];
"""
CXX_FLAGS = ("-mgeneral-regs-only", "-ffreestanding", "-fno-exceptions", "-fno-rtti", "-mno-outline-atomics")


def check(source: str, language: str, opt: str, target: str, flags: tuple[str, ...], *, debug: bool = False) -> None:
    options = {"language": language, "opt": opt, "target": target, "flags": flags, "debug": debug}
    text = compile_assembly(source, **options)  # type: ignore[arg-type]
    data = compile_object(source, **options).data  # type: ignore[arg-type]
    assert list(differences(text, data)) == []


@pytest.mark.parametrize("target", ["linux", "apple"])
@pytest.mark.parametrize("name", FILES)
def test_c(name: str, target: str) -> None:
    check((DIRECTORY / name).read_text(), "c", "-O2", target, FLAGS)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("target", ["linux", "apple"])
@pytest.mark.parametrize("opt", ["-O0", "-O2"])
def test_cxx(opt: str, target: str, debug: bool) -> None:
    check(CXX, "c++", opt, target, CXX_FLAGS, debug=debug)


@pytest.mark.long
@pytest.mark.parametrize("extra", ["", "-fPIC", "-fno-pic", "-mcmodel=large -fno-pic"])
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("target", ["linux", "apple", "bare"])
@pytest.mark.parametrize("opt", ["-O0", "-O1", "-O2", "-O3", "-Os"])
@pytest.mark.parametrize("name", [*FILES, "c++"])
def test_every_way(name: str, opt: str, target: str, debug: bool, extra: str) -> None:
    flags = tuple(extra.split())
    if name == "c++":
        check(CXX, "c++", opt, target, (*CXX_FLAGS, *flags), debug=debug)
    else:
        check((DIRECTORY / name).read_text(), "c", opt, target, (*FLAGS, *flags), debug=debug)
