"""Each stage of a translation as files, to be read: ARMEXEC_DUMP names the stages, ARMEXEC_DUMP_DIR the folder.

A unit's files are called by the guest function that it was made for, its offset in the image, the mode and the tier:
`fib.x40.speculative.O2.ir.ll`. Offsets and not addresses are shown everywhere, so that the dumps of two runs can be
compared.
"""

from __future__ import annotations

import os
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from armexec.errors import HostError
from armexec.forks import hold
from armexec.translate.cfg.discovery import Block, ControlFlowGraph
from armexec.translate.codegen.debug_locations import MARK, Offsets, marked_offset, offset_of, with_locations
from armexec.translate.codegen.llvm import compile_stages, host_machine
from armexec.translate.compiled_unit import CompiledUnit
from armexec.translate.mode import Mode
from armexec.translate.policy import Policy
from armexec.translate.unit_registry import CodeSource

__all__ = ["STAGES", "Dump", "dump_from_environment"]

STAGES = {
    "cfg": "the control-flow graph of each function, as text and for Graphviz",
    "ir": "LLVM IR as the translator writes it",
    "opt": "LLVM IR after LLVM's passes",
    "asm": "the host's assembly",
}
_VARIABLE, _FOLDER_VARIABLE = "ARMEXEC_DUMP", "ARMEXEC_DUMP_DIR"
_FOLDER = "armexec-dump"
_LONGEST_NAME = 80
_LOCATION = re.compile(r"\s+\.loc\s+\d+\s+(\d+)")
# What only describes code: call frames, file names, and labels of debug information.
_DESCRIPTION = re.compile(r"\s+\.(cfi_|file\b)|\.?L?(tmp|func_begin|func_end)\d+:", re.IGNORECASE)
_SECTION = re.compile(r"\s+\.(section|text)\b(.*)")

_lock = hold(threading.Lock())
_written: Counter[Path] = Counter()
"""How many units of this process had each name."""


def dump_from_environment() -> Dump | None:
    """What the environment asks to be dumped. Raises HostError: there is no such stage."""
    asked = [stage.strip() for stage in os.environ.get(_VARIABLE, "").split(",")]
    stages = [stage for stage in asked if stage]
    if not stages:
        return None
    unknown = [stage for stage in stages if stage not in (*STAGES, "all")]
    if unknown:
        raise HostError(f"{_VARIABLE}: there is no stage {unknown[0]!r}: choose some of {', '.join(STAGES)}, or all")
    folder = Path(os.environ.get(_FOLDER_VARIABLE) or _FOLDER).absolute()
    return Dump(folder, STAGES if "all" in stages else stages)


class Dump:
    """Writes the `stages` of units into a folder, which is made when it is needed."""

    def __init__(self, folder: Path, stages: Iterable[str]) -> None:
        self._folder = folder
        self._stages = frozenset(stages)

    def unit(
        self,
        code: CodeSource,
        compiled: CompiledUnit,
        tier: str,
        mode: Mode,
        policy: Policy,
        graphs: Iterable[ControlFlowGraph],
        kind: str = "",
    ) -> None:
        """Write a unit that is about to be compiled; `kind` of code is "", or what else its name says of it.

        Raises:
            HostError: the files can't be written, or LLVM refuses the unit. What was made before that is there.
        """
        guest = _Guest(code)
        function = code.names.function(code.base + compiled.entry)
        title = f"{function or 'the function'} at {compiled.entry:#x}: {mode}, {kind or tier}"
        stem = self._stem(f"{_plain(function)}.x{compiled.entry:x}.{mode}.{kind or tier}")
        graphs = list(graphs)
        if "cfg" in self._stages and graphs:
            self._write(f"{stem}.cfg.txt", _blocks(title, graphs, guest))
            self._write(f"{stem}.cfg.dot", _graph(title, graphs, guest))
        text = compiled.source(tier)
        if "ir" in self._stages:
            self._write(f"{stem}.ir.ll", [f"; {title}", *_explained(text, guest)])
        if self._stages & {"opt", "asm"}:
            # By itself, since debug locations would be in it too.
            size = compiled.instructions
            if "opt" in self._stages:
                stages = compile_stages(text, tier=tier, size=size, policy=policy)
                self._write(f"{stem}.opt.ll", [f"; {title}", stages.optimized])
            if "asm" in self._stages:
                stages = compile_stages(with_locations(text, Offsets()), tier=tier, size=size, policy=policy)
                self._write(f"{stem}.asm.s", _assembly(title, stages.assembly, guest))

    def _stem(self, name: str) -> str:
        """A name that no other unit of this process has."""
        with _lock:
            path = self._folder / name
            _written[path] += 1
            return name if _written[path] == 1 else f"{name}.{_written[path]}"

    def _write(self, name: str, lines: Iterable[str]) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        except OSError as error:
            raise HostError(f"{_VARIABLE}: {self._folder / name} can't be written: {error.strerror}") from error


def _plain(name: str) -> str:
    """A function's name in the name of a file."""
    return re.sub(r"[^\w]+", "_", name).strip("_")[:_LONGEST_NAME] or "function"


class _Guest:
    """The guest's instructions as text, by their offsets."""

    def __init__(self, code: CodeSource) -> None:
        self._code = code

    def text(self, offset: int) -> str:
        from armexec.disasm.disassembler import instruction_of

        word = self._code.fetch(self._code.base + offset)
        return "" if word is None else instruction_of(word, offset, "{:#x}".format).text

    def line(self, offset: int) -> str:
        return f"{offset:#x}: {self.text(offset)}"

    def offset(self, address: int) -> int:
        return address - self._code.base

    def name(self, address: int) -> str:
        offset = self.offset(address)
        name = self._code.names.function(address)
        return f"{name} ({offset:#x})" if name else f"{offset:#x}"


# -- control-flow graphs -----------------------------------------------------------------------------------------------


def _end(block: Block, guest: _Guest) -> str:
    """How control goes on after a block."""
    to = ", ".join(f"{guest.offset(at):#x}" for at in block.successors)
    if block.kind == "call" and block.target is not None:
        return f"calls {guest.name(block.target)}, then {to}"
    if block.kind in ("call_to", "jump", "return"):
        what = {"call_to": "calls", "jump": "jumps to", "return": "returns to"}[block.kind]
        return f"{what} x{block.target}" + (f", then {to}" if to else "")
    return f"to {to}" if to else "stops"


def _instructions(block: Block, guest: _Guest) -> list[str]:
    return [guest.line(guest.offset(at)) for at in range(block.start, block.end, 4)]


def _blocks(title: str, graphs: Iterable[ControlFlowGraph], guest: _Guest) -> Iterator[str]:
    yield title
    for graph in graphs:
        yield ""
        what = "fragment" if graph.is_fragment else "function"
        yield f"{what} {guest.name(graph.entry)}, {graph.size} instructions"
        if graph.entries:
            yield f"  entered at {', '.join(f'{guest.offset(at):#x}' for at in graph.entries)}"
        if graph.outside:
            yield f"  leaves for {', '.join(f'{guest.offset(at):#x}' for at in sorted(graph.outside))}"
        for block in sorted(graph.blocks.values(), key=lambda block: block.start):
            yield f"  block {guest.offset(block.start):#x}"
            yield from (f"    {line}" for line in _instructions(block, guest))
            yield f"    -> {_end(block, guest)}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _graph(title: str, graphs: Iterable[ControlFlowGraph], guest: _Guest) -> Iterator[str]:
    yield "digraph {"
    yield f'  label="{_quoted(title)}"; node [shape=box, fontname=monospace];'
    for number, graph in enumerate(graphs):
        yield f"  subgraph cluster_{number} {{"
        yield f'    label="{_quoted(guest.name(graph.entry))}";'
        for block in graph.blocks.values():
            here = guest.offset(block.start)
            # Lines that end with \l are flush left.
            lines = "".join(f"{_quoted(line)}\\l" for line in _instructions(block, guest))
            yield f'    b{number}_{here:x} [label="{lines}"];'
        outside = {at for block in graph.blocks.values() for at in block.successors} - graph.blocks.keys()
        for at in sorted(outside):
            yield f'    b{number}_{guest.offset(at):x} [label="{_quoted(guest.name(at))}", shape=plaintext];'
        for block in graph.blocks.values():
            here = guest.offset(block.start)
            for position, at in enumerate(block.successors):
                label = ' [label="{}"]'.format(("yes", "no")[position]) if block.kind == "branch" else ""
                yield f"    b{number}_{here:x} -> b{number}_{guest.offset(at):x}{label};"
        yield "  }"
    yield "}"


# -- IR and assembly ---------------------------------------------------------------------------------------------------


def _explained(text: str, guest: _Guest) -> Iterator[str]:
    """IR with the guest's instructions behind their marks."""
    for line in text.splitlines():
        yield _shown_mark(line, guest) if line.startswith(MARK) else line


def _shown_mark(line: str, guest: _Guest) -> str:
    """A mark with its instruction, and what that writes as a comment."""
    mark, _, written = line.partition(" ")
    shown = f"{mark} {guest.text(marked_offset(line))}"
    return f"{shown}  ; {written}" if written else shown


def _assembly(title: str, text: str, guest: _Guest) -> Iterator[str]:
    """Assembly with the guest's instructions as comments instead of debug information."""
    comment = "#" if host_machine() in ("x86_64", "AMD64") else "//"
    yield f"{comment} {title}"
    described = False
    last = 0
    for line in text.splitlines():
        section = _SECTION.match(line)
        if section:
            described = "debug_" in section[2]
        if described or _DESCRIPTION.match(line):
            continue
        location = _LOCATION.match(line)
        if location is None:
            yield line
            continue
        number = int(location[1])
        # 0 is what belongs to no line: moved code, and such.
        if number and number != last:
            last = number
            offset = offset_of(number)
            yield f"{comment} {guest.line(offset) if offset is not None else 'armexec'}"
