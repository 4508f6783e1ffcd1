"""Kinds of sources, told from names and from code in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

import armexec
from armexec.sources import kind_of_code, kind_of_file


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
