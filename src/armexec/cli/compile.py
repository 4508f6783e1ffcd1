"""`armexec compile`: what the compiler makes of a source, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from armexec.cli.options import Compiler, File, Flags, Language, Level, Optimization, Target, TargetName
from armexec.cli.outcome import command

if TYPE_CHECKING:
    from armexec.cli.inputs import Input


@command
def compile(
    file: File,
    assembly: Annotated[
        bool, typer.Option("-S", help="Print the assembly, with the source between (the default).")
    ] = False,
    object: Annotated[bool, typer.Option("-c", help="Write an object file.")] = False,
    words: Annotated[bool, typer.Option("--words", help="Print the functions' machine words.")] = False,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="The file to write; for -c FILE.o by default.")
    ] = None,
    target: Target = TargetName.host,
    opt: Optimization = Level.none,
    language: Language = None,
    compiler: Compiler = None,
    flag: Flags = None,
) -> None:
    """Compile C or C++ for AArch64, and show or keep what the compiler made."""
    from pathlib import Path

    from armexec.cli.inputs import Input, write_output
    from armexec.errors import CompileError

    if assembly + object + words > 1:
        raise typer.BadParameter("choose one of -S, -c and --words")
    source = Input.of(file, language, level=opt, target=target, flags=flag, compiler=compiler)
    if source.kind not in ("c", "c++", "assembly"):
        raise CompileError(f"{source.name} is no C, C++ or assembly: nothing to compile (give --language if it is)")
    if object:
        name = output or ("-" if source.file == "-" else Path(source.file).with_suffix(".o").name)
        write_output(name, source.compiled().data)
        return
    write_output(output, (_words(source.compiled().data, source.name) if words else _assembly(source)).encode())


def _assembly(source: Input) -> str:
    from armexec.toolchain import interleave, resolve_target

    if source.kind == "assembly":
        return source.compiler_assembly()
    comment = ";" if resolve_target(source.target).object_format == "macho" else "//"
    text = source.compiler_assembly(debug=True)
    return interleave(text, source.text, filename=source.name, comment=comment)


def _words(data: bytes, name: str) -> str:
    """Each function's words, as they are in the object, in the form that a .hex file has."""
    from armexec.disasm import disassemble
    from armexec.images import function_bytes
    from armexec.objects import load_image

    image = load_image(data, name)
    lines: list[str] = []
    for function in image.functions:
        lines += ["", f"# {function.source_name}"] if lines else [f"# {function.source_name}"]
        code = function_bytes(function)
        instructions = disassemble(code + bytes(-len(code) % 4), address=function.offset)
        lines += [f"0x{i.word:08X}  # {i.text}" for i in instructions]
    return "\n".join(lines) + "\n"
