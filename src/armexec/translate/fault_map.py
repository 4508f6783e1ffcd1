"""From a host pc in translated code to the guest instruction it belongs to, worked out only when a fault has happened.

The unit is built once more, with a debug location on every line of its text: its line is the guest instruction's place.
Debug locations don't change the code that LLVM makes, so the line table of this second build describes the first.
"""

from __future__ import annotations

import io
import re
from typing import Any

from .host import compile_object

__all__ = ["LineTable", "with_locations"]

_MARK = re.compile(r";@([0-9a-f]+)$")
_FIRST = 2
"""The line of the instruction at offset 0; line 1 is what belongs to no instruction."""


def with_locations(text: str) -> str:
    """IR text whose lines `;@<offset>` say which guest instruction follows, with debug locations for a line table."""
    out: list[str] = []
    nodes = [
        "!1 = distinct !DICompileUnit(language: DW_LANG_C, file: !2, emissionKind: LineTablesOnly)",
        '!2 = !DIFile(filename: "guest", directory: "/")',
        '!3 = !{i32 2, !"Debug Info Version", i32 3}',
        "!4 = !DISubroutineType(types: !5)",
        "!5 = !{}",
    ]
    locations: dict[tuple[int, int], int] = {}
    number = len(nodes)
    scope, line = 0, 1
    for statement in text.split("\n"):
        mark = _MARK.match(statement)
        if mark:
            line = int(mark[1], 16) // 4 + _FIRST
        if statement.startswith("define "):
            number += 1
            scope, line = number, 1
            nodes.append(
                f'!{number} = distinct !DISubprogram(name: "f{number}", file: !2, line: 1, type: !4, unit: !1, '
                "spFlags: DISPFlagDefinition)"
            )
            out.append(statement.removesuffix("{") + f"!dbg !{scope} {{")
            continue
        if statement == "}":
            scope = 0
        stripped = statement.strip()
        is_label = stripped.endswith(":")
        if not scope or not stripped or stripped[0] in ";}" or is_label:
            out.append(statement)
            continue
        key = (scope, line)
        if key not in locations:
            number += 1
            locations[key] = number
            nodes.append(f"!{number} = !DILocation(line: {line}, column: 1, scope: !{scope})")
        out.append(f"{statement}, !dbg !{locations[key]}")
    out.append("!llvm.dbg.cu = !{!1}")
    out.append("!llvm.module.flags = !{!3}")
    return "\n".join([*out, *nodes])


class LineTable:
    """The line table of a unit of some guest instructions. `size`: of its code in bytes, from the symbol `begin`."""

    def __init__(self, text: str, tier: str, instructions: int) -> None:
        from elftools.elf.elffile import ELFFile

        elf: Any = ELFFile(io.BytesIO(compile_object(with_locations(text), tier=tier, size=instructions)))
        begin = elf.get_section_by_name(".symtab").get_symbol_by_name("begin")[0]
        section = elf.get_section(begin["st_shndx"])
        self.size = section["sh_size"] - begin["st_value"]
        rows: list[tuple[int, int]] = []
        info = elf.get_dwarf_info(relocate_dwarf_sections=True)
        for unit in info.iter_CUs():
            program = info.line_program_for_CU(unit)
            for entry in program.get_entries() if program is not None else ():
                state = entry.state
                if state is not None:
                    rows.append((state.address - begin["st_value"], 0 if state.end_sequence else state.line))
        self._rows = sorted(rows)

    def offset(self, position: int) -> int | None:
        """The guest offset of the instruction whose code holds the byte `position` from `begin`."""
        if not 0 <= position < self.size:
            return None
        line = 0
        for start, row in self._rows:
            if start > position:
                break
            line = row
        return (line - _FIRST) * 4 if line >= _FIRST else None
