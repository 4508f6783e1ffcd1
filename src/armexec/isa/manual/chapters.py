"""The reference of all instructions as Markdown: a page for each file that describes some, and an index."""

from __future__ import annotations

import re
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType

from ..description import Instruction
from ..groups import all_instructions
from .reference import Row, arrangements, constants, diagram, examples, meaning, rows, source, undefined_when

__all__ = ["documents"]

_ROOM = __name__.rpartition(".manual.")[0]
_HEAD = "<!-- Made by scripts/generate-docs from the descriptions in src/armexec/isa: change those. -->\n"


def documents() -> dict[str, str]:
    """The Markdown documents by file name."""
    chapters: dict[str, list[Instruction]] = {}
    for instruction in all_instructions():
        chapters.setdefault(_module(instruction), []).append(instruction)
    pages = {f"{_file(module)}.md": _chapter(module, listed) for module, listed in chapters.items()}
    return {"README.md": _index(chapters), **pages}


def _module(instruction: Instruction) -> str:
    return instruction.semantics.__module__


def _file(module: str) -> str:
    """`base.dp_register` is `dp_register`, and `simd_fp.aes` `simd_fp_aes`: all documents are in one folder."""
    return module.removeprefix(f"{_ROOM}.").removeprefix("base.").replace(".", "_")


def _title(module: str) -> str:
    """The subject of a file, without the classes of the index that it names."""
    first = " ".join((sys.modules[module].__doc__ or "").strip().partition("\n\n")[0].split())
    return re.split(r" \(|\. |\.$", first)[0].replace("`", "")


def _link(instruction: Instruction, *, within: bool = False) -> str:
    file = "" if within else f"{_file(_module(instruction))}.md"
    return f"[{instruction.name}]({file}#{instruction.name.lower()})"


def _index(chapters: dict[str, list[Instruction]]) -> str:
    parts = [_HEAD, "# The A64 instructions that armexec knows\n"]
    parts.append(
        "Every instruction of the processors that armexec stands for, made from its description: the bits, the "
        "syntaxes, the aliases, the meaning as the engines run it, and examples. `armexec isa NAME` prints the same.\n"
    )
    parts.append("## Chapters\n")
    parts += [f"- [{_title(m)}]({_file(m)}.md): {len(listed)}" for m, listed in sorted(chapters.items())]
    parts.append("\n## Mnemonics\n")
    parts.append("In italics: written so, but never printed by the disassembler.\n")
    named: dict[str, dict[Instruction, bool]] = {}
    for instruction in (i for listed in chapters.values() for i in listed):
        for form in (*instruction.forms, *instruction.aliases):
            found = named.setdefault(form.mnemonic, {})
            found[instruction] = found.get(instruction, False) or not form.is_alias or form.preferred is not False
    for mnemonic, found in sorted(named.items()):
        links = [_link(i) if printed else f"*{_link(i)}*" for i, printed in found.items()]
        parts.append(f"- `{mnemonic}`: {', '.join(links)}")
    return "\n".join(parts) + "\n"


def _chapter(module: str, instructions: list[Instruction]) -> str:
    used = Counter(function.__code__ for instruction in instructions for function in meaning(instruction))
    # Shared functions are shown once, at the end of the page.
    shared: dict[CodeType, FunctionType] = {}

    def is_shared(function: FunctionType) -> bool:
        if used[function.__code__] == 1 or function.__closure__:
            return False
        shared[function.__code__] = function
        return True

    sections = [_section(instruction, is_shared) for instruction in instructions]
    parts = [_HEAD, f"# {_title(module)}\n", *sections]
    if shared:
        parts.append("## Steps that several share\n")
        for function in shared.values():
            parts.append(f"### {function.__code__.co_name}\n\n{_python([source(function), *_values([function])])}")
    return "\n".join(parts)


def _section(instruction: Instruction, is_shared: Callable[[FunctionType], bool]) -> str:
    parts = [f"## {instruction.name}\n", _paragraphs(instruction.summary)]
    if instruction.privileged:
        parts.append("Privileged: it can be assembled and disassembled, and is UNDEFINED in user space.\n")
    parts.append(f"```text\n{diagram(instruction.pattern)}\n```\n")
    parts.append(_table(("Encoding", "Bits", "Syntax", "Feature"), rows(instruction.forms)))
    if instruction.aliases:
        parts.append(_table(("Alias", "Bits", "Syntax", "Feature", "Printed"), rows(instruction.aliases)))
    parts += [f"- `<{name}>`: `{text}`" for name, text in arrangements(instruction).items()]
    undefined = undefined_when(instruction)
    if undefined:
        parts.append(f"- UNDEFINED {undefined.partition(' ')[0]} `{undefined.partition(' ')[2]}`")
    if parts[-1].startswith("-"):
        parts[-1] += "\n"
    functions = meaning(instruction)
    own = [function for function in functions if not is_shared(function)]
    steps = [function.__code__.co_name for function in functions if function not in own]
    parts.append(_python([*map(source, own), *_values(own)]))
    if steps:
        parts.append(f"With {', '.join(f'[{step}](#{step.lower()})' for step in steps)}.\n")
    lines = [f"{example.word:08x}  {example.text}" for example in examples(instruction)]
    parts.append("```text\n" + "\n".join(lines) + "\n```\n")
    return "\n".join(parts)


def _paragraphs(text: str) -> str:
    first, _, rest = text.partition("\n")
    return first + "\n" + textwrap.dedent(rest) + ("\n" if rest else "")


def _values(functions: Iterable[FunctionType]) -> list[str]:
    found = constants(functions)
    return ["\n".join(f"{name} = {value}" for name, value in found.items())] if found else []


def _python(parts: Iterable[str]) -> str:
    return "```python\n" + "\n\n".join(parts) + "\n```\n"


def _table(heads: tuple[str, ...], listed: list[Row]) -> str:
    cells = [(row.name, _code(row.bits), _code(row.syntax), row.feature, row.printed)[: len(heads)] for row in listed]
    # Columns that are empty everywhere are left out.
    kept = [i for i in range(len(heads)) if any(row[i] for row in cells)]
    lines = [[heads[i] for i in kept], ["---"] * len(kept), *([row[i] for i in kept] for row in cells)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _code(text: str) -> str:
    # GitHub splits cells at bars even in code.
    return f"`{re.sub('[|]', chr(92) + '|', text)}`" if text else ""
