"""The committed words are what the assembly says, to our assembler and to clang's."""

from __future__ import annotations

from pathlib import Path

from armexec.objects import load_image
from armexec.runtime import code, generate
from armexec.toolchain import compile_object


def test_words_are_up_to_date() -> None:
    """If not, run scripts/generate-runtime."""
    assert Path(code.__file__).read_text() == generate.code_source()


def test_clang_assembles_the_same() -> None:
    files = dict(generate.sources())
    assert files.keys() == code.UNITS.keys()
    # One run of clang for all: a section for each unit.
    text = "".join(f'.section .unit{i}, "ax"\n{text}\n' for i, text in enumerate(files.values()))
    image = load_image(compile_object(text, language="assembler", target="linux").data)
    (start, data), *_ = image.place(0x100000, {}.get)  # calls inside of a unit are relocated
    assert start == 0
    placed = {section.name: section for section in image.sections}
    offsets = {symbol.name: symbol.offset for symbol in image.symbols if symbol.binding == "global"}
    for i, (name, (symbols, words)) in enumerate(code.UNITS.items()):
        at = placed[f".unit{i}"]
        assert data[at.offset : at.offset + at.size].hex() == words.replace(" ", ""), name
        assert {s: offsets[s] - at.offset for s in symbols} == symbols


def test_no_function_is_in_two_units() -> None:
    names = [name for symbols, _ in code.UNITS.values() for name in symbols]
    assert len(names) == len(set(names))
