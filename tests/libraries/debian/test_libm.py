"""glibc's libm gives the same bits as on qemu-aarch64."""

from __future__ import annotations

import ctypes
import math
import random
import shutil
import struct
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.objects.helpers import GCC

import armexec

from .combinations import WITH_LIBRARY

pytestmark = pytest.mark.slow

CROSS = Path("/usr/aarch64-linux-gnu/lib")
QEMU = shutil.which("qemu-aarch64")
needs_glibc = pytest.mark.skipif(
    not (CROSS / "libm.so.6").exists(), reason="libc6-dev-arm64-cross is not installed (apt-get install it)"
)
needs_qemu = pytest.mark.skipif(QEMU is None or GCC is None, reason="qemu-aarch64 or the cross compiler is missing")
OF_ONE = """
acos acosh asin asinh atan atanh cbrt ceil cos cosh erf erfc exp exp10 exp2 expm1 fabs floor gamma j0 j1 lgamma log
log10 log1p log2 logb nearbyint nextdown nextup rint round roundeven significand sin sinh sqrt tan tanh tgamma trunc
y0 y1
"""
OF_TWO = """
atan2 copysign drem fdim fmax fmaximum fmaximum_mag fmaximum_mag_num fmaximum_num fmaxmag fmin fminimum fminimum_mag
fminimum_mag_num fminimum_num fminmag fmod hypot nextafter pow remainder scalb
"""
PROGRAM = """
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
int main(int n, char **v) {
    FILE *in = fopen(v[1], "rb"), *out = fopen(v[2], "wb");
    REAL p[2], r;
    while (fread(p, sizeof r, 2, in) == 2) { r = CALL; fwrite(&r, sizeof r, 1, out); }
    return fclose(out);
}
"""


def points(count: int, size: int) -> list[tuple[float, float]]:
    """Pairs of numbers: ordinary ones, those at the edges of the format, and any bits."""
    rng = random.Random(count)
    code = "<d" if size == 8 else "<f"
    special = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, float("inf"), float("-inf"), float("nan"), 1e-40, 5e-324, 709.78, 88.7]

    def number() -> float:
        kind = rng.randrange(8)
        if kind < 5:
            value = rng.uniform(-1, 1) * 10.0 ** rng.randint(-3, 2)
        elif kind < 7:
            (value,) = struct.unpack(code, rng.randbytes(size))
            if math.isnan(value):
                value = float("nan")  # Python would change a signaling one
        else:
            value = rng.choice(special)
        return float(struct.unpack(code, struct.pack(code, value))[0])

    return [(number(), number()) for _ in range(count)]


def by_qemu(folder: Path, call: str, kind: str, given: Sequence[tuple[float, float]]) -> bytes:
    """The results of the same library on qemu-aarch64."""
    assert GCC is not None
    assert QEMU is not None
    code = "<2d" if kind == "double" else "<2f"
    (folder / "p.c").write_text(PROGRAM.replace("REAL", kind).replace("CALL", call))
    (folder / "in").write_bytes(b"".join(struct.pack(code, *pair) for pair in given))
    # The functions, and not what GCC makes of them.
    subprocess.run([GCC, "-O0", "-fno-builtin", "p.c", "-o", "p", "-lm"], cwd=folder, check=True, timeout=120)
    command = [QEMU, "-L", str(CROSS.parent), "./p", "in", "out"]
    subprocess.run(command, cwd=folder, check=True, timeout=300, stdin=subprocess.DEVNULL)
    return (folder / "out").read_bytes()


def check(m: armexec.Module, folder: Path, name: str, arity: int, kind: str, count: int) -> None:
    given = points(count, 8 if kind == "double" else 4)
    function = name + ("f" if kind == "float" else "")
    call = f"{function}({', '.join(['p[0]', 'p[1]'][:arity])})"
    f = m[function].with_signature(f"{kind}({', '.join([kind] * arity)})")
    code = "<d" if kind == "double" else "<f"
    ours = [struct.pack(code, f(*pair[:arity])) for pair in given]
    theirs = by_qemu(folder, call, kind, given)
    size = struct.calcsize(code)
    wrong = [
        (name, pair[:arity], own.hex(), theirs[at : at + size].hex())
        for pair, own, at in zip(given, ours, range(0, len(theirs), size), strict=True)
        if own != theirs[at : at + size]
    ]
    assert not wrong, wrong[:10]


@pytest.fixture(scope="module")
def libm() -> armexec.Module:
    return armexec.load("libm.so.6", search=[CROSS], engine=WITH_LIBRARY[0])


@needs_glibc
@needs_qemu
@pytest.mark.parametrize(
    ("name", "arity", "kind"),
    [("sin", 1, "double"), ("cbrt", 1, "double"), ("hypot", 2, "double"), ("pow", 2, "float"), ("exp", 1, "float")],
)
def test_functions_of_libm(libm: armexec.Module, tmp_path: Path, name: str, arity: int, kind: str) -> None:
    check(libm, tmp_path, name, arity, kind, 300)


@needs_glibc
@needs_qemu
@pytest.mark.long
@pytest.mark.parametrize("kind", ["double", "float"])
@pytest.mark.parametrize(
    ("name", "arity"), [*((name, 1) for name in OF_ONE.split()), *((name, 2) for name in OF_TWO.split())]
)
def test_every_function_of_libm(libm: armexec.Module, tmp_path: Path, name: str, arity: int, kind: str) -> None:
    check(libm, tmp_path, name, arity, kind, 10_000)


@needs_glibc
@pytest.mark.parametrize("engine", WITH_LIBRARY)
def test_errno_of_glibc(engine: str) -> None:
    """libm sets errno, a thread-local variable of libc, which __errno_location tells. There is one thread, whichever of
    Python's calls."""
    with armexec.load("libm.so.6", search=[CROSS], engine=engine) as m:
        assert len(m.image.missing_symbols) == 0
        where = m["__errno_location"].with_signature("unsigned long()")
        log = m["log@GLIBC_2.17"].with_signature("double(double)")

        def errno() -> int:
            return ctypes.c_int.from_address(where()).value

        assert log(1.0) == 0.0
        assert errno() == 0
        assert math.isnan(log(-1.0))
        assert errno() == 33  # EDOM
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(errno()))
        thread.start()
        thread.join()
        assert found == [33]
