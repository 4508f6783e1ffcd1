"""The committed code is what the assembly and the C say, to our assembler and to clang's."""

from __future__ import annotations

import pytest

from armexec.compiler_rt import generate
from armexec.compiler_rt.units import FILE, runtime_code
from armexec.objects import load_image
from armexec.toolchain import compile_object


def test_it_is_of_these_sources() -> None:
    """If not, run scripts/generate-compiler-rt."""
    assert runtime_code().sources == generate.source_digest()


def test_it_is_up_to_date() -> None:
    """If not, run scripts/generate-compiler-rt."""
    if runtime_code().compiler != generate.compiler_version():
        pytest.skip(f"the C was compiled by clang {runtime_code().compiler}, which isn't the one that is installed")
    assert FILE.read_text(encoding="utf-8") == generate.code_source()


def test_clang_assembles_the_same() -> None:
    files = dict(generate.assembly_sources())
    assert files.keys() <= runtime_code().units.keys()
    # One run of clang for all: a section for each unit.
    text = "".join(f'.section .unit{i}, "ax"\n{text}\n' for i, text in enumerate(files.values()))
    image = load_image(compile_object(text, language="assembler", target="linux").data)
    (start, data), *_ = image.place(0x100000, {}.get)  # calls inside of a unit are relocated
    assert start == 0
    placed = {section.name: section for section in image.sections}
    offsets = {symbol.name: symbol.offset for symbol in image.symbols if symbol.binding == "global"}
    for i, name in enumerate(files):
        (section,) = runtime_code().units[name]
        at = placed[f".unit{i}"]
        assert data[at.offset : at.offset + at.size].hex() == section.content, name
        assert {s: offsets[s] - at.offset for s in section.symbols} == section.symbols


def test_no_function_is_in_two_sections() -> None:
    names = [name for unit in runtime_code().units.values() for section in unit for name in section.symbols]
    assert len(names) == len(set(names))


def test_every_reference_is_to_what_is_there() -> None:
    names = {name for unit in runtime_code().units.values() for section in unit for name in section.symbols}
    for file, unit in runtime_code().units.items():
        for section in unit:
            for _, _, target, _ in section.references:
                assert target in names if isinstance(target, str) else 0 <= target < len(unit), (file, section.name)
