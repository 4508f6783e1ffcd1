"""What isn't loaded: thread-local variables, arm64e, other architectures, truncated and corrupted files."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from tests.mutations import outcomes

import armexec
from armexec.objects import load_image

from ..dynamic.test_malformed import exercise
from .dylibs import dylib, with_chained_fixups


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    classic = dylib(tmp_path_factory.mktemp("dylib")).read_bytes()
    chained = with_chained_fixups(classic)
    return [classic, chained, with_chained_fixups(classic, 2, 3, compressed=True)]


def test_thread_local_variables(tmp_path: Path) -> None:
    path = dylib(tmp_path, "_Thread_local int v = 5; int f(void) { return ++v; }")
    with pytest.raises(armexec.LoadError, match=r"libl\.dylib: it has thread-local variables \(__DATA,__thread_"):
        armexec.load(path)


def test_other_architectures(tmp_path: Path, seeds: list[bytes]) -> None:
    path = dylib(tmp_path, "int f(void) { return 1; }", target="x86_64-macos")
    with pytest.raises(armexec.LoadError, match="a Mach-O file for x86-64, not arm64"):
        armexec.load(path)
    signed = bytearray(seeds[0])
    signed[8:12] = struct.pack("<I", 2)
    with pytest.raises(armexec.LoadError, match="an arm64e file, whose pointers are signed"):
        armexec.load(bytes(signed))


def _changed(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) == 1
    return data.replace(old, new)


@pytest.mark.parametrize(
    ("kind", "message"), [(1, "pointers are signed"), (12, "pointers are signed"), (3, "pointer format 3")]
)
def test_formats_of_pointers(seeds: list[bytes], kind: int, message: str) -> None:
    data = seeds[1]
    at = data.index(struct.pack("<HH", 0x4000, 6), len(seeds[0]))
    changed = data[: at + 2] + struct.pack("<H", kind) + data[at + 4 :]
    with pytest.raises(armexec.LoadError, match=message):
        load_image(changed, "l.dylib")


def test_programs(seeds: list[bytes]) -> None:
    with pytest.raises(armexec.LoadError, match="an executable; only relocatable objects"):
        load_image(seeds[0][:12] + struct.pack("<I", 2) + seeds[0][16:], "l")


def test_it_is_not_linked_with_objects(tmp_path: Path, seeds: list[bytes]) -> None:
    (tmp_path / "a.dylib").write_bytes(seeds[0])
    with pytest.raises(armexec.LoadError, match="a shared library, which isn't linked with other files"):
        armexec.load([tmp_path / "a.dylib"])


def test_truncated(seeds: list[bytes]) -> None:
    for data in seeds:
        for size in (0, 3, 16, 31, 32, 100, 700, 2000, 20_000, len(data) // 2, len(data) - 1):
            with pytest.raises(armexec.LoadError):
                load_image(data[:size], "cut.dylib")


def test_mutations(seeds: list[bytes]) -> None:
    reached = outcomes(seeds, 300, 1, exercise)
    assert reached.keys() <= {"refused", "loaded", "placed"}
    assert min(reached["refused"], reached["placed"]) >= 20, reached


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_many_mutations(seeds: list[bytes], seed: int) -> None:
    assert outcomes(seeds, 2000, 100 + seed, exercise).keys() <= {"refused", "loaded", "placed"}
