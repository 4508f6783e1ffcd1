"""`armexec asm`: assembly into words, in the form another program wants."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from armexec.cli.command import argument, choice, command, option
from armexec.cli.options import address_option

if TYPE_CHECKING:
    from armexec.asm import Code

FORMATS = ("listing", "words", "bytes", "c", "python", "rust", "raw")


@command()
@argument("file", type=click.Path(), default="-", help="The assembly; - is standard input.")
@option("--format", "-f", type=choice(FORMATS), default="listing", help="What to print.")
@address_option
@option("--output", "-o", type=click.Path(), help="A file to write instead.")
def asm(file: str, format: str, address: int, output: str | None) -> None:
    """Assemble GNU or Apple syntax.

    By default a listing: each instruction with its address and its word. `words` and `bytes` are hexadecimal, `c`,
    `python` and `rust` a constant in that language, `raw` the bytes themselves.
    """
    from armexec.asm import assemble
    from armexec.cli.inputs import Input, write_output
    from armexec.errors import LoadError

    source = Input.of(file, "assembly")
    code = assemble(source.text, address=address, file=source.name)
    if code.relocations:
        names = ", ".join(sorted({relocation.symbol for relocation in code.relocations}))
        raise LoadError(
            f"{source.name}: the address of {names} isn't known before the code is in memory:"
            " assemble to an object with `armexec compile -c`"
        )
    if format == "raw":
        write_output(output, code.bytes)
        return
    write_output(output, (_FORMATS[format](code) + "\n").encode())
    if sys.stdout.isatty() and not code.words:
        print("armexec: there is no code in .text", file=sys.stderr)


def _listing(code: Code) -> str:
    return code.disassembly


def _words(code: Code) -> str:
    return "\n".join(f"0x{word:08X}" for word in code.words)


def _bytes(code: Code) -> str:
    data = code.bytes
    return "\n".join(data[i : i + 4].hex(" ") for i in range(0, len(data), 4))


def _commented(code: Code, before: str, comment: str, after: str) -> str:
    """A constant with one word a line, and beside it what it is."""
    from armexec.disasm import disassemble

    symbols = {address: name for name, address in code.symbols.items()}
    instructions = disassemble(code.words, address=code.address, symbols=symbols)
    lines = [f"    0x{i.word:08X},  {comment} {i.address:x}: {i.text}" for i in instructions]
    return "\n".join([before, *lines, after])


def _c(code: Code) -> str:
    return "#include <stdint.h>\n\n" + _commented(code, "static const uint32_t code[] = {", "//", "};")


def _python(code: Code) -> str:
    return _commented(code, "code = [", "#", "]")


def _rust(code: Code) -> str:
    return _commented(code, f"pub static CODE: [u32; {len(code.words)}] = [", "//", "];")


_FORMATS: dict[str, Callable[[Code], str]] = {
    "listing": _listing,
    "words": _words,
    "bytes": _bytes,
    "c": _c,
    "python": _python,
    "rust": _rust,
}
