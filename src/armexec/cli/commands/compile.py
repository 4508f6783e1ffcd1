"""`armexec compile`: a source as assembly, as words or as an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from armexec.cli.command import command, file_name, option
from armexec.cli.options import compilation, file_argument

if TYPE_CHECKING:
    from armexec.sources import Source


@command()
@file_argument
@option("-S", "assembly", is_flag=True, help="Print the assembly, with the source between (the default).")
@option("-c", "object", is_flag=True, help="Write an object file.")
@option("--words", is_flag=True, help="Print the functions' machine words.")
@option("-o", "--output", type=file_name, help="The file to write; for -c FILE.o by default.")
@compilation
def compile(
    file: str,
    assembly: bool,
    object: bool,
    words: bool,
    output: str | None,
    target: str,
    opt: str,
    language: str | None,
    compiler: str | None,
    flag: Sequence[str],
) -> None:
    """Compile C or C++ for AArch64, and show or keep the result."""
    from pathlib import Path

    from armexec.cli.inputs import open_source, write_output
    from armexec.errors import CompileError

    if assembly + object + words > 1:
        raise click.UsageError("choose one of -S, -c and --words")
    source = open_source(file, language, level=opt, target=target, flags=flag, compiler=compiler)
    if source.kind not in ("c", "c++", "assembly"):
        raise CompileError(f"{source.name} is no C, C++ or assembly: nothing to compile (give --language if it is)")
    if object:
        name = output or ("-" if file == "-" else Path(file).with_suffix(".o").name)
        write_output(name, source.compiled().data)
        return
    write_output(output, (_words(source.compiled().data, source.name) if words else _assembly(source)).encode())


def _assembly(source: Source) -> str:
    from armexec.toolchain import resolve_target
    from armexec.toolchain.listing import interleave

    if source.kind == "assembly":
        return source.compiler_assembly()
    comment = ";" if resolve_target(source.target).object_format == "macho" else "//"
    text = source.compiler_assembly(debug=True)
    return interleave(text, source.text, filename=source.name, comment=comment)


def _words(contents: bytes, name: str) -> str:
    """Each function's words, as they are in the object, in the form that a .hex file has."""
    from armexec.disasm import disassemble
    from armexec.objects import load_image

    image = load_image(contents, name)
    lines: list[str] = []
    for function in image.functions:
        lines += ["", f"# {function.source_name}"] if lines else [f"# {function.source_name}"]
        code = function.code
        data = image.data_ranges(function.offset, function.offset + len(code))
        instructions = disassemble(code + bytes(-len(code) % 4), address=function.offset, data=data)
        lines += [f"0x{i.word:08X}  # {i.text}" for i in instructions]
    return "\n".join(lines) + "\n"
