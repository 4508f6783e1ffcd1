"""Fortran passes by reference: what GNU Fortran makes, and references of C++ beside it."""

from __future__ import annotations

import array
import ctypes
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import armexec
from armexec.errors import SignatureError
from engines import AVAILABLE

GFORTRAN = shutil.which("aarch64-linux-gnu-gfortran")
SOURCE = """
integer function addi(a, b)
  integer :: a, b
  addi = a + b
end function
integer function addv(a, b)
  integer, value :: a, b
  addv = a + b
end function
subroutine scale(n, x, s)
  integer, intent(in) :: n
  real(8), intent(inout) :: x(n)
  real(8), intent(in) :: s
  x = x * s
end subroutine
subroutine matrix(a, n)
  integer :: n
  real(4) :: a(n, *)
  a(2, 1) = 5
end subroutine
function complement(z)
  complex(8) :: z, complement
  complement = z * 2
end function
function text(n)
  integer :: n
  character(len=8) :: text
  text = "abc"
end function
integer(8) function length(c)
  character(len=*), intent(in) :: c
  length = len(c) * 1000 + ichar(c(2:2))
end function
logical function neg(l)
  logical :: l
  neg = .not. l
end function
real(8) function total(x)
  real(8), intent(in) :: x(:)
  total = sum(x)
end function
subroutine opt(a, b)
  integer, intent(in) :: a
  integer, optional, intent(out) :: b
  if (present(b)) b = a
end subroutine
integer function unused(a, b)
  integer :: a, b
  unused = 9
end function
module m
  use iso_c_binding
contains
  function mixed(a, b) bind(c, name="mixed")
    integer(c_int), value :: a
    integer(c_int), intent(in) :: b
    integer(c_int) :: mixed
    mixed = a + 2 * b
  end function
end module
"""
SIGNATURES = {
    "addi_": "integer(kind=4) addi(integer(kind=4) &a, integer(kind=4) &b)",
    "addv_": "integer(kind=4) addv(integer(kind=4) a, integer(kind=4) b)",
    "scale_": "void scale(integer(kind=4) &n, real(kind=8) *x, real(kind=8) &s)",
    "matrix_": "void matrix(real(kind=4) *a, integer(kind=4) &n)",
    "length_": "integer(kind=8) length(character *c, const integer(kind=8) _c)",
    "neg_": "logical(kind=4) neg(logical(kind=4) &l)",
    "opt_": "void opt(integer(kind=4) &a, integer(kind=4) &b)",
    "unused_": "integer(kind=4) unused(integer(kind=4) &a, integer(kind=4) &b)",
    "mixed": "integer(kind=4) mixed(integer(kind=4) a, integer(kind=4) &b)",
}


@cache
def fortran(*flags: str) -> bytes:
    import tempfile

    assert GFORTRAN is not None
    with tempfile.TemporaryDirectory() as folder:
        command = [GFORTRAN, "-c", "-g", "-J", folder, *flags, "-ffree-form", "-xf95", "-", "-o", f"{folder}/out.o"]
        subprocess.run(command, input=SOURCE.encode(), check=True, timeout=60)
        return Path(folder, "out.o").read_bytes()


@pytest.fixture(scope="module", params=["-O0", "-O2", "-O3 -gdwarf-4"])
def module(request: pytest.FixtureRequest) -> armexec.Module:
    if GFORTRAN is None:
        pytest.skip("aarch64-linux-gnu-gfortran is not installed")
    return armexec.load(fortran(*request.param.split()))


def test_prototypes(module: armexec.Module) -> None:
    assert {name: module[name].signature for name in SIGNATURES} == SIGNATURES


def test_numbers_lists_and_arrays_are_passed_by_reference(module: armexec.Module) -> None:
    add = module.addi_
    for _ in range(40):  # also when the call is made by less than Python
        assert add(3, 4) == 7
    assert (
        add([3], [4]) == add(np.array([3], np.int32), ctypes.c_int(4)) == add(array.array("i", [3]), np.int32(4)) == 7
    )
    assert (module.addv_(3, 4), module.mixed(3, 4), module.neg_(True), module.neg_([0])) == (7, 11, False, True)
    x = np.arange(4.0)
    module.scale_(4, x, 2.5)
    assert list(x) == [0, 2.5, 5, 7.5]
    matrix = np.zeros((3, 2), np.float32)
    module.matrix_(matrix, 2)
    assert matrix[0, 1] == 5


def test_text_has_its_length_at_the_end(module: armexec.Module) -> None:
    assert module.length_(bytearray(b"xyz"), 3) == 3121
    text = bytearray(8)
    module.text_(text, 8, 1)
    assert text == b"abc     "


def test_optional_arguments(module: armexec.Module) -> None:
    b = [0]
    module.opt_(5, b)
    assert b == [5]
    module.opt_(5, None)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("addi_", (2.5, 1), "2.5 is no integer"),
        ("addi_", (1 << 40, 1), "out of range"),
        ("addi_", (np.zeros(1), 1), "float64"),
        ("total_", (np.zeros(3),), r"real\(kind=8\), dimension\(:\)"),
    ],
)
def test_what_does_not_fit(module: armexec.Module, name: str, arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(SignatureError, match=message):
        module[name](*arguments)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_references_of_cplusplus(engine: str) -> None:
    source = """
        int up(int &x) { return ++x; }
        double get(const double &x) { return x; }
        int moved(int &&x) { return x; }
        bool flag(const bool &x) { return x; }
        typedef int &alias;
        int renamed(alias x) { return x; }
        struct point { int x, y; };
        int sum(const point &p) { return p.x + p.y; }
    """
    module = armexec.compile(source, engine=engine)
    x = [3]
    assert (module.up(x), x) == (4, [4])
    assert (module.get(2), module.moved(7), module.flag(True)) == (2.0, 7, True)
    point = np.array([4, 5], np.int32)
    assert module.sum(point) == module.sum(point.ctypes.data) == 9
    assert module.renamed.signature == "int renamed(int &x)"
    for _ in range(40):
        for function in (module.up, module.renamed):
            with pytest.raises(SignatureError, match=r"passed by reference: give a list of one, as \[3\]"):
                function(3)
    with pytest.raises(SignatureError, match="out of range"):
        module.moved(1 << 40)
    cell = ctypes.c_int(8)
    assert module.up(ctypes.c_void_p(ctypes.addressof(cell))) == 9
