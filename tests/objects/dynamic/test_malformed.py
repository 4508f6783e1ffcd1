"""Truncated and corrupted shared libraries: an image or a LoadError, never anything else, and never for long."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.mutations import outcomes

import armexec
from armexec.objects import load_image

from .libraries import gcc_shared, shared
from .test_libraries import INDIRECT, THREADS

BASE = 0x4000_0000


@pytest.fixture(scope="module")
def seeds(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Libraries that have all that a library can have."""
    made = tmp_path_factory.mktemp("seeds")
    (made / "v").write_text("ONE { global: f; local: *; };\nTWO { global: f; } ONE;\n")
    versions = 'int a(void) { return 1; } int b(void) { return 2; } __asm__(".symver a, f@ONE\\n.symver b, f@@TWO");'
    paths = [
        folder / "liba.so",
        shared(made, "libt.so", THREADS.replace("extern __thread", "__thread"), "-g"),
        shared(made, "libi.so", INDIRECT, target="gnu"),
        shared(made, "libv.so", versions, "-Wl,--version-script=v"),
    ]
    return [path.read_bytes() for path in paths]


def exercise(data: bytes) -> str:
    """Use all of an image; how far it went."""
    try:
        image = load_image(data, "fuzzed.so")
    except armexec.LoadError as error:
        return "refused" if "fuzzed.so" in str(error) else "refused without saying what"
    reached = "loaded"
    try:
        for offset, content in image.place(BASE & -image.align, lambda name: None):
            assert 0 <= offset <= image.size - len(content)
        reached = "placed"
    except armexec.LoadError:
        pass
    for function in image.functions[:20]:
        image.line_of(function.offset)
        assert len(function.code) <= image.size
        try:
            image.find(function.source_name)
            str(function.prototype)
        except armexec.LoadError:
            pass
    assert isinstance(dict(image.missing_symbols), dict)
    repr(image)
    return reached


def test_mutations(seeds: list[bytes]) -> None:
    reached = outcomes(seeds, 300, 1, exercise)
    assert reached.keys() <= {"refused", "loaded", "placed"}
    assert min(reached["refused"], reached["placed"]) >= 20, reached


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_many_mutations(seeds: list[bytes], seed: int) -> None:
    assert outcomes(seeds, 2000, 100 + seed, exercise).keys() <= {"refused", "loaded", "placed"}


def test_truncated_libraries(seeds: list[bytes]) -> None:
    for data in seeds:
        for size in (0, 1, 17, 18, 63, 64, 200, 500, 700, 1000, 1500, len(data) // 2, len(data) - 1):
            with pytest.raises(armexec.LoadError):
                load_image(data[:size], "cut.so")


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (18, 62, "for x86-64, not AArch64"),
        (4, 1, "ILP32"),
        (56, 0, "no code and no data"),
        (54, 55, "program headers of 55 bytes"),
    ],
)
def test_headers(seeds: list[bytes], at: int, value: int, message: str) -> None:
    data = bytearray(seeds[0])
    data[at] = value
    with pytest.raises(armexec.LoadError, match=message):
        load_image(bytes(data), "l.so")


def test_code_that_is_writable() -> None:
    data = gcc_shared("int f(void) { return 1; }", "-Wl,-N")
    with pytest.raises(armexec.LoadError, match="no memory may be both"):
        load_image(data, "l.so")
