"""The generator of `code.json`, from assembly and C."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from armexec.compiler_rt.atomics import outlined_atomics
from armexec.compiler_rt.units import RuntimeSection

if TYPE_CHECKING:
    from armexec.objects import Part, SectionSymbol

__all__ = ["assembly_sources", "c_sources", "code_source", "compiler_version", "source_digest"]

_FOLDER = Path(__file__).parent
# One section for each function, so that only those that are called are linked. Floating-point operations are kept as
# written, since they round as FPCR says and set flags. X18 belongs to the system on macOS.
_FLAGS = (
    "-std=c23",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-builtin",
    "-ffixed-x18",
    "-frounding-math",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-strict-aliasing",
    "-fno-vectorize",
    "-fno-slp-vectorize",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fno-ident",
    "-mno-outline-atomics",
    "-Wall",
    "-Wextra",
    "-Werror",
)


def assembly_sources() -> Iterator[tuple[str, str]]:
    """The name and the text of each unit in assembly; a unit in assembly is linked as a whole."""
    for path in sorted(_FOLDER.glob("*/*.s")):
        yield path.name, path.read_text(encoding="utf-8")
    yield from outlined_atomics()


def c_sources() -> Iterator[tuple[str, str]]:
    """The path and the text of each file in C."""
    for path in sorted(_FOLDER.glob("*/*.c")):
        yield str(path), path.read_text(encoding="utf-8")


def source_digest() -> str:
    """A digest of all sources, headers included."""
    digest = hashlib.sha256(repr(_FLAGS).encode())
    for name, text in assembly_sources():
        digest.update(f"{name}\n{text}\n".encode())
    for path in sorted([*_FOLDER.rglob("*.c"), *_FOLDER.rglob("*.h")]):
        digest.update(f"{path.name}\n{path.read_text(encoding='utf-8')}\n".encode())
    return digest.hexdigest()


def compiler_version() -> str:
    """The version of the clang that the C is compiled with. Raises CompileError where there is no ziglang package."""
    from armexec.toolchain import wheel_compiler

    compiler = wheel_compiler()
    return compiler.version if compiler is not None else ""


def code_source() -> str:
    """The whole file. Raises CompileError for C that can't be compiled."""
    from armexec.objects import load_image
    from armexec.toolchain import compile_object

    units: dict[str, Sequence[RuntimeSection]] = {}
    for name, text in assembly_sources():
        units[name] = [_assembled(name, text)]
    for path, text in c_sources():
        compiled = compile_object(
            text, language="c", opt="-O2", target="bare", flags=_FLAGS, filename=path, debug=False
        )
        image = load_image(compiled.data, Path(path).name)
        units[image.name] = _sections(image.parts[0])
    # One line for each section, so that differences are readable.
    files = [
        f'  "{name}": [\n' + ",\n".join(f"    {json.dumps(section)}" for section in unit) + "\n  ]"
        for name, unit in units.items()
    ]
    head = f'{{\n "compiler": "{compiler_version()}",\n "sources": "{source_digest()}",\n "units": {{\n'
    return head + ",\n".join(files) + "\n }\n}\n"


def _assembled(name: str, text: str) -> RuntimeSection:
    from armexec.asm import assemble

    code = assemble(text, file=name)
    if code.relocations:
        raise ValueError(f"{name}: a unit refers to nothing outside of it, but this to {code.relocations[0].symbol}")
    symbols = {s.name: s.value for s in code.all_symbols if s.binding == "global"}
    return RuntimeSection(".text", "rx", 16, 0, symbols, {}, [], code.bytes.hex())


def _sections(part: Part) -> list[RuntimeSection]:
    """The sections of an object that have any content."""
    kept = [i for i, section in enumerate(part.sections) if section.data or section.size]
    numbers = {old: new for new, old in enumerate(kept)}
    return [
        RuntimeSection(
            part.sections[i].name,
            part.sections[i].flags,
            part.sections[i].align,
            part.sections[i].size,
            {s.name: s.value for s in part.symbols if s.section == i and s.name and s.binding != "local"},
            {
                s.name: s.value
                for s in part.symbols
                if s.section == i and s.kind in ("function", "object") and s.binding == "local"
            },
            [
                (r.offset, int(r.type), *_target(part.symbols[r.symbol], numbers, r.addend))
                for r in part.references
                if r.section == i
            ],
            part.sections[i].data.hex(),
        )
        for i in kept
    ]


def _target(symbol: SectionSymbol, numbers: dict[int, int], addend: int) -> tuple[str | int, int]:
    if symbol.section is None or symbol.binding != "local":
        return symbol.name, addend
    return numbers[symbol.section], symbol.value + addend
