"""Macros, conditions, repetitions and data: the same bytes as the assemblers that take them make."""

from __future__ import annotations

import pytest

from armexec.asm import assemble

from .judges import GAS, by_clang, by_gas
from .snippets import BOTH, CLANG, GNU


@pytest.fixture(scope="module")
def clang() -> dict[str, bytes]:
    return by_clang(BOTH | CLANG)


@pytest.fixture(scope="module")
def gas(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    if GAS is None:
        pytest.skip("aarch64-linux-gnu-as isn't installed")
    return by_gas(BOTH | GNU, tmp_path_factory.mktemp("gas"))


@pytest.mark.parametrize("name", BOTH | CLANG)
def test_as_clang(name: str, clang: dict[str, bytes]) -> None:
    assert assemble((BOTH | CLANG)[name]).bytes.hex() == clang[name].hex()


@pytest.mark.parametrize("name", BOTH | GNU)
def test_as_gas(name: str, gas: dict[str, bytes]) -> None:
    assert assemble((BOTH | GNU)[name]).bytes.hex() == gas[name].hex()
