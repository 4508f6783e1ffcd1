"""`armexec show`: the way of a function from its source to its result, with what happened at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from armexec.cli.command import argument, command
from armexec.cli.options import called_function, compilation, file_argument
from armexec.cli.outcome import ended_by_ctrl_c

if TYPE_CHECKING:
    from armexec.cli.console import Console
    from armexec.cli.own_lines import OwnLine
    from armexec.memory import Protection, Step
    from armexec.module import Function
    from armexec.objects import Prototype
    from armexec.sources import Source

_INSTRUCTIONS = 24
"""How many executed instructions are shown."""


@command(numbers=True)
@file_argument
@argument("arguments", nargs=-1, metavar="[ARG]...", help="As for `armexec run`.")
@called_function
@compilation
def show(
    file: str,
    arguments: Sequence[str],
    function: str | None,
    signature: str | None,
    engine: str | None,
    tier: str | None,
    search: Sequence[str],
    target: str,
    opt: str,
    language: str | None,
    compiler: str | None,
    flag: Sequence[str],
) -> None:
    """Tell how a function gets from its source to its result.

    Source, assembly, machine words, what was done to memory, the call, the result.
    """
    from armexec.api import load_source
    from armexec.cli.call import prepare
    from armexec.cli.console import Console
    from armexec.cli.inputs import open_source
    from armexec.cli.options import engine_name
    from armexec.module.arguments.text import shown_result, written

    source = open_source(file, language, level=opt, target=target, flags=flag, compiler=compiler, search=search)
    # Lines aren't wrapped: a pipe has no width, and a terminal wraps them itself.
    console = Console(highlight=False, soft_wrap=True)
    with load_source(source, engine_name(engine, tier)) as module:
        called, prototype, values = prepare(module, function, signature, arguments, compiled=source.is_compiled)
        steps = list(module.memory_steps)
        host_code = _host_code(called, prototype)
        story = _Story(console)
        if source.kind not in ("object", "bin"):
            story.chapter("Source", source.name)
            story.source(source.text, source.kind)
        story.chapter("Assembly and words", _how(source))
        _assembly(story, source, called)
        story.chapter("Memory", f"{module.engine} engine")
        _memory(story, steps, host_code, called)
        shown = ", ".join(arguments)
        story.chapter("Call", called.signature)
        place = f"0x{called.address:x}"
        story.line(f"{prototype.name or called.name}({shown}) at {place}")
        _instructions(story, source, engine_name(engine, tier), function, signature, arguments)
        with ended_by_ctrl_c():
            value = called(*values)
        result = shown_result(prototype, value)
        story.chapter("Result", str(prototype.result))
        if prototype.result.kind != "void":
            story.line(str(result).lower() if isinstance(result, bool) else str(result), "bold green")
        for name, value in written(prototype, values).items():
            story.line(f"{name} = {value}", "bold green")


class _Story:
    """Numbered chapters on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0

    def chapter(self, title: str, detail: str = "") -> None:
        from rich.text import Text

        self._number += 1
        if self._number > 1:
            self._console.print()
        heading = Text(f"{self._number}. {title}", "bold cyan")
        if detail:
            heading.append(f"  {detail}", "not bold dim")
        self._console.print(heading)

    def line(self, text: str, style: str = "") -> None:
        from rich.text import Text

        self._console.print(Text("   " + text, style))

    def parts(self, *parts: tuple[str, str]) -> None:
        """Show a line of differently styled parts."""
        from rich.text import Text

        line = Text.assemble("   ", *parts)
        line.rstrip()
        self._console.print(line)

    def source(self, text: str, kind: str) -> None:
        if not self._console.is_terminal:
            for line in text.rstrip().splitlines():
                self.line(line)
            return
        from rich.padding import Padding
        from rich.syntax import Syntax

        lexer = {"c": "c", "c++": "cpp", "assembly": "gas"}.get(kind, "text")
        self._console.print(
            Padding(Syntax(text.rstrip(), lexer, theme="ansi_dark", background_color="default"), (0, 0, 0, 3))
        )


def _how(source: Source) -> str:
    if source.uses_compiler:
        from armexec.toolchain import find_compiler, resolve_target

        compiler = find_compiler(source.compiler)
        what = "" if source.kind == "assembly" else f" {source.opt}"
        return f"{compiler.kind} {compiler.version},{what} for {resolve_target(source.target).triple}"
    return "armexec's assembler" if source.kind == "assembly" else "disassembled"


def _assembly(story: _Story, source: Source, function: Function) -> None:
    """Show each instruction with its word, in the compiler's text if that has one line for each."""
    from armexec.cli.own_lines import OwnLine, own_lines
    from armexec.disasm import disassemble

    words = function.words
    if source.kind == "assembly" and (rows := own_lines(function, source.text, source.name)):
        _rows(story, rows)
        return
    own = [line for line in function.assembly.splitlines() if not line.endswith(":")]
    labels = len(own) != len(function.assembly.splitlines())
    if len(own) != len(words) or labels or not source.uses_compiler:
        texts = [
            i.text for i in disassemble(words, address=function.address, symbols={function.address: function.name})
        ]
    else:
        texts = own
    _rows(
        story, [OwnLine(4 * number, text, word) for number, (text, word) in enumerate(zip(texts, words, strict=True))]
    )


def _rows(story: _Story, rows: Sequence[OwnLine]) -> None:
    """Show instructions with their words, and the labels and comments between them."""
    width = max(len(row.text) for row in rows if row.word is not None)
    for row in rows:
        if row.word is None:
            story.parts(("    ", ""), (row.text, "dim" if row.text[0] in "/#;" else "bold"))
            continue
        mnemonic, space, operands = row.text.partition(" ")
        story.parts(
            (f"{row.offset:4x}  ", "dim"),
            (mnemonic, "bold"),
            (space + operands, ""),
            (" " * (width - len(row.text) + 2), ""),
            (f"0x{row.word:08X}", "yellow"),
            (f"  {row.comment}", "dim"),
        )


def _instructions(
    story: _Story,
    source: Source,
    engine: str | None,
    function: str | None,
    signature: str | None,
    arguments: Sequence[str],
) -> None:
    """Show what the first instructions of the call change, in another copy of the code: the call itself comes after."""
    from armexec.api import load_source
    from armexec.cli.call import prepare
    from armexec.debugger import debug
    from armexec.errors import Error

    try:
        with load_source(source, engine) as module:
            called, _, values = prepare(module, function, signature, arguments, compiled=source.is_compiled)
            with debug(called, *values) as session:
                while not session.finished and session.time < _INSTRUCTIONS:
                    step = session.step()
                    if step.stop is not None:
                        break
                    changes = step.changes
                    padding = " " * (max(34 - len(step.text), 2) if changes else 0)
                    mnemonic, space, operands = step.text.partition(" ")
                    story.parts((mnemonic, "bold"), (space + operands + padding, ""), (changes, "yellow"))
                if not session.finished:
                    story.line("...", "dim")
    except Error as error:
        # The call tells what is wrong with it.
        story.line(f"not shown: {str(error).partition(chr(10))[0]}", "dim")


def _memory(story: _Story, steps: Sequence[Step], host_code: tuple[int, Protection] | None, function: Function) -> None:
    """Show the operations on memory, with the protection of the pages after each."""

    shown: list[tuple[str, str, str, str, str]] = []
    protections: list[tuple[int, int, Protection]] = []
    for step in steps:
        if step.protection is not None:
            protections.append((step.address, step.address + step.size, step.protection))
        now = next((p for start, end, p in reversed(protections) if start <= step.address < end), None)
        what = f"{step.size} bytes" if step.size else ""
        where = f"0x{step.address:x}" if step.address else ""
        shown.append((step.call, where, what, str(now) if now is not None else "", step.detail))
    widths = [max((len(row[i]) for row in shown), default=0) for i in range(4)]
    for call, where, what, protection, detail in shown:
        story.parts(
            (call.ljust(widths[0] + 2), "bold"),
            (where.ljust(widths[1] + 2), ""),
            (what.rjust(widths[2]) + "  ", ""),
            (protection.ljust(widths[3] + 2), "green" if "x" in protection else "yellow"),
            (detail, "dim"),
        )
    if function.engine == "native":
        return
    if host_code is None:
        story.line("the words are read from these pages, instruction by instruction", "dim")
        return
    story.line("the words are read from these pages and translated; the host's own code is at", "dim")
    story.parts((f"0x{host_code[0]:x}  ", ""), (str(host_code[1]), "green"))


def _host_code(function: Function, prototype: Prototype) -> tuple[int, Protection] | None:
    """The address and protection of a translated function's host code; None if it isn't known."""
    from armexec.errors import HostError
    from armexec.memory import process_map

    bound: Any = function.module.loaded.bind(function.offset, prototype)
    if function.engine != "translated":
        return None
    address = bound.address
    try:
        entry = next((entry for entry in process_map() if entry.start <= address < entry.end), None)
    except (HostError, OSError):
        return None
    return None if entry is None else (address, entry.protection)
