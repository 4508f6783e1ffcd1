"""`armexec asm`: assembly into words, in the form another program wants."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from armexec.cli.code_formats import FORMATS, format_of, written
from armexec.cli.command import argument, choice, command, file_name, option
from armexec.cli.options import address_option, target_option


@command()
@argument("file", type=file_name, default="-", help="The assembly; - is standard input.")
@option(
    "--format", "-f", type=choice(FORMATS), help="What to write; by default a listing, or what the suffix of -o means."
)
@address_option
@target_option
@option("-I", "--include", "folders", metavar="DIR", multiple=True, help="Where .include, .incbin and #include look.")
@option("--flag", metavar="OPTION", multiple=True, help="An option for the preprocessor, as in --flag=-DNAME=1.")
@option("--distances", is_flag=True, help="Numbers for branch targets are distances in bytes, also with --address.")
@option(
    "--output",
    "-o",
    type=file_name,
    help="A file to write instead: FILE.o an object, .bin the bytes, .hex words, .c, .py and .rs a constant.",
)
def asm(
    file: str,
    format: str | None,
    address: int | None,
    target: str,
    folders: Sequence[str],
    flag: Sequence[str],
    distances: bool,
    output: str | None,
) -> None:
    """Assemble GNU or Apple syntax. A file whose name ends in .S goes through the compiler's preprocessor before.

    By default a listing: each instruction with its address and its word, and the relocations that are left. `words`
    and `bytes` are hexadecimal, `c`, `python` and `rust` a constant in that language, `raw` the bytes themselves,
    `object` a relocatable object: ELF, or Mach-O for Apple's syntax. With --address, numbers for branch targets are
    addresses.
    """
    from armexec.cli.inputs import open_source, write_output
    from armexec.errors import LoadError

    if output and os.path.exists(output) and os.path.exists(file) and os.path.samefile(file, output):
        raise LoadError(f"{output}: this is the assembly itself, which would be overwritten: name another file")
    flags = [*(f"-I{folder}" for folder in folders), *flag]
    source = open_source(file, "assembly", target=target, flags=flags)
    code = source.code(address=address, distances=distances or address is None)
    chosen = format_of(format, output)
    if chosen != "object" and (address is not None or chosen != "listing"):
        from armexec.sources.relocated import relocated

        code = relocated(code, placed=address is not None)
    write_output(output, written(code, chosen))
    if chosen == "object":
        return
    if not code.code_sections:
        print(f"armexec: {source.name} has no code", file=sys.stderr)
    if chosen != "listing":
        unknown = [r.symbol for r in code.relocations if "x" in r.section.flags and r.symbol[0] > "\x01"]
        for name in dict.fromkeys(unknown):
            print(f"armexec: the address of {name} isn't known: the bits for it are zero", file=sys.stderr)
