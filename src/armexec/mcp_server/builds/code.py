"""Source to assembly, assembly to words, words to assembly."""

from __future__ import annotations

import re
from typing import Any

from armexec.disasm import Targets, listing
from armexec.errors import LoadError
from armexec.explorer.api.assembly import filtered
from armexec.explorer.builds.build import Request, build
from armexec.mcp_server.capped import put_list, put_text
from armexec.mcp_server.options import checked_options
from armexec.sources import Source
from armexec.toolchain import find_compiler, resolve_target
from armexec.words import parse_words

__all__ = ["assembled", "compiled", "disassembled"]

_MOST_FUNCTIONS = 200
_MOST_ADDRESS = 1 << 64
_FILTERS = ("commentOnly", "demangle", "directives", "labels")
_ENDS = re.compile(r"(?!\.?L|l_|\s).*:$")
"""A label that isn't local."""


def compiled(request: dict[str, Any]) -> dict[str, Any]:
    """The assembly of C or C++.

    Raises:
        CompileError: the compiler refuses it.
        LoadError: there is no such function.
    """
    checked_options(request["flags"])
    given = Request.of(request)
    source = given.source()
    image = source.image()
    functions = image.own_functions
    compiler = find_compiler(source.compiler)
    target = resolve_target(source.target)
    warnings = [
        f"{d.file}:{d.line}:{d.column}: {d.severity}: {d.message}" if d.line else f"{d.severity}: {d.message}"
        for d in source.diagnostics
    ]
    options = given.flags if "-O" in given.flags else f"{source.opt} {given.flags}".strip()
    answer: dict[str, Any] = {
        "code": 0,
        "compiler": f"{compiler.kind} {compiler.version} {options} for {target.triple}",
    }
    one = image.function(request["function"]) if request["function"] else None
    if request["binary"]:
        text = _binary(given, "" if one is None else one.name)
    else:
        text = _filtered(source, "" if one is None else one.source_name)
    put_text(answer, "asm", text, request["maxAsmLines"])
    put_text(answer, "stderr", "\n".join(warnings), request["maxStderrLines"])
    described = [
        {"name": f.source_name, "signature": "" if f.prototype is None else str(f.prototype), "size": f.extent}
        for f in functions
    ]
    put_list(answer, "functions", described, _MOST_FUNCTIONS, "the others are in asm")
    return answer


def _filtered(source: Source, function: str) -> str:
    """The compiler's assembly as Compiler Explorer shows it, or the part of one function."""
    output = source.compiler_output(debug=True)
    found = filtered(output.data.decode("utf-8", "replace"), _FILTERS, source.name)
    lines = [str(line["text"]) for line in found.lines]
    if not function:
        return "\n".join(lines)
    labels = {f"{function}:", f"_{function}:"}
    begin = next((n for n, line in enumerate(lines) if line in labels), len(lines))
    end = next((n for n, line in enumerate(lines[begin + 1 :], begin + 1) if _ENDS.match(line)), len(lines))
    return "\n".join(lines[begin:end]).rstrip()


def _binary(given: Request, function: str) -> str:
    """The instructions as they are in the object: offset, word, text, and the line of the source."""
    built = build(given)
    lines = []
    shown = {i: f["name"] for i, f in enumerate(built["functions"]) if function in ("", f["linkage"])}
    last = None
    for offset, word, text, line, index, _ in built["rows"]:
        if index not in shown:
            continue
        if index != last:
            lines.append(f"{shown[index]}:")
            last = index
        lines.append(f"  {offset:6x}:  {word:08x}  {text:<40}" + (f"// line {line}" if line else ""))
    return "\n".join(line.rstrip() for line in lines)


def assembled(request: dict[str, Any]) -> dict[str, Any]:
    """Assembly as words.

    Raises:
        AssemblyError: a line has no encoding.
        LoadError: the address is none.
    """
    given = Request.of(request)
    address = _address(request["address"]) if request["address"] else None
    source = Source(given.text, "assembly", file=given.name or "source.s", target=given.target)
    code = source.code(address=address, distances=address is None)
    if address is not None:
        from armexec.sources.relocated import relocated

        code = relocated(code, placed=True)
    answer: dict[str, Any] = {"code": 0}
    put_text(answer, "asm", code.disassembly, request["maxAsmLines"])
    more = "raise maxAsmLines to get more"
    put_list(answer, "words", [f"{word:08x}" for word in code.words], request["maxAsmLines"], more)
    put_text(answer, "stderr", "\n".join(map(str, (d.message for d in code.diagnostics))), request["maxStderrLines"])
    symbols = [{"name": name, "address": hex(value)} for name, value in code.symbols.items()]
    put_list(answer, "symbols", symbols, _MOST_FUNCTIONS, "the others are in asm")
    return answer


def disassembled(request: dict[str, Any]) -> dict[str, Any]:
    """Words, bytes or a dump as assembly.

    Raises:
        AssemblyError: it is no code in any known form.
        LoadError: the address is none.
    """
    given = Request.of(request)
    address = _address(request["address"]) if request["address"] else None
    words = parse_words(given.text)
    answer: dict[str, Any] = {"instructions": len(words)}
    first = int(request["first"])
    start = (address or 0) + 4 * first
    targets: Targets = "distances" if address is None else "addresses"
    # No more is disassembled than is shown.
    shown = words[first : first + request["maxAsmLines"] + 1]
    put_text(answer, "asm", listing(shown, address=start, targets=targets), request["maxAsmLines"])
    if "asmTruncated" in answer:
        answer["asmTotalLines"] = len(words)
        answer["hint"] = f"asm was cut: first={first + request['maxAsmLines']} gives what follows."
    return answer


def _address(text: str) -> int:
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if not 0 <= number < _MOST_ADDRESS:
        raise LoadError(f"{text!r:.40} is no address: it is a number such as 0x1000")
    return number
