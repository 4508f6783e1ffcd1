"""Where functions of linked objects are, those included that the linker doesn't tell of."""

from __future__ import annotations

import ctypes
import sys
from itertools import pairwise

import pytest

from armexec.translate.codegen.link import HostCode, defined_names
from armexec.translate.codegen.llvm import compile_object
from armexec.translate.observe.host_symbols import symbols

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="objects are ELF on Linux")

TEXT = """
@number = external global i64
define i64 @begin() {
  ret i64 1
}
define internal i64 @hidden() noinline {
  %n = load i64, ptr @number
  ret i64 %n
}
define internal i64 @cold() cold noinline {
  %n = load i64, ptr @number
  %m = call i64 @hidden()
  %s = add i64 %n, %m
  ret i64 %s
}
define ptr @where_hidden() {
  ret ptr @hidden
}
define ptr @where_cold() {
  ret ptr @cold
}
define i64 @run() {
  %n = call i64 @cold()
  ret i64 %n
}
"""


def test_all_functions_are_found_where_they_are() -> None:
    number = ctypes.c_int64(21)
    data = compile_object(TEXT, tier="O2")
    code = HostCode(data, {"number": ctypes.addressof(number)}, defined_names(TEXT))

    def call(name: str) -> int:
        return int(ctypes.CFUNCTYPE(ctypes.c_uint64)(code.address(name))())

    assert call("run") == 42
    found = {symbol.name: symbol for symbol in symbols(data, {"begin": code.address("begin")})}
    assert {"begin", "hidden", "cold", "where_hidden", "where_cold", "run"} == set(found)
    assert found["hidden"].address == call("where_hidden")
    assert found["cold"].address == call("where_cold")
    for name in defined_names(TEXT):
        assert found[name].address == code.address(name)
    in_order = sorted(found.values(), key=lambda symbol: symbol.address)
    for symbol, following in pairwise(in_order):
        assert 0 < symbol.size <= following.address - symbol.address
