"""Kinds of sources, told from names and from code in memory."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

import armexec
from armexec.sources import kind_of_code, kind_of_file
from armexec.sources.kinds import is_code


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a.c", "c"),
        ("a.cc", "c++"),
        ("a.cpp", "c++"),
        ("a.cxx", "c++"),
        ("a.C", "c++"),
        ("d.c/a.s", "assembly"),
        (Path("a.S"), "assembly"),
        ("a.hex", "hex"),
        ("a.bin", "bin"),
        ("a.o", "object"),
        ("c", "object"),
    ],
)
def test_kinds_of_files(path: str | Path, kind: str) -> None:
    assert kind_of_file(path) == kind


def test_kinds_of_code() -> None:
    assert kind_of_code("0xD65F03C0") == "hex"
    assert kind_of_code("ret") == "assembly"
    assert kind_of_code(armexec.assemble("ret")) == "assembly"
    assert kind_of_code(b"\xc0\x03\x5f\xd6") == kind_of_code([0xD65F03C0]) == "bin"


def test_another_thread_may_be_importing_the_assembler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "armexec.asm.code", ModuleType("armexec.asm.code"))
    assert not is_code("ret")
