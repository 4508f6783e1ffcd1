"""The server: its tools, their parameters, and their answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal, TypeAlias, cast

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from armexec import __version__
from armexec.errors import Error
from armexec.mcp_server.answers import (
    Assembled,
    Compiled,
    Coverage,
    Disassembled,
    Explained,
    IsaCoverage,
    LookedUp,
    Ran,
    Traced,
)
from armexec.mcp_server.capped import MOST_LINES
from armexec.mcp_server.work import Limits, Work

__all__ = ["make_server"]

_INSTRUCTIONS = """\
AArch64 (arm64) on any machine: C, C++, assembly and machine words are compiled, assembled, disassembled, run, traced \
and explained. Code runs in a confined process without files and network, for at most {time_limit:g} s and \
{instruction_limit} instructions in each call. Answers are cut; `hint` then says how to get the rest."""

Source: TypeAlias = Annotated[str, Field(description="Source code.")]
Language: TypeAlias = Annotated[
    Literal["c++", "c", "assembly", "hex"],
    Field(description="What the source is; hex: machine words in hexadecimal, such as `0b000000 d65f03c0`."),
]
Compiled_: TypeAlias = Annotated[Literal["c++", "c"], Field(description="The language of the source.")]
Options: TypeAlias = Annotated[str, Field(description='Options of clang, such as "-O2 -std=c++20 -Wall".')]
Target: TypeAlias = Annotated[
    Literal["linux", "apple", "bare"], Field(description="The system that the code is made for.")
]
FunctionName: TypeAlias = Annotated[
    str,
    Field(description="The function to call; by default a program's main, else the first function of the source."),
]
Arguments: TypeAlias = Annotated[
    list[str | int | float],
    Field(
        description='The arguments of the call: numbers in any base, text for a char pointer, "[1, 2, 3]" for a pointer'
        " to numbers; of a program, the words behind its name."
    ),
]
Signature: TypeAlias = Annotated[
    str, Field(description='The function\'s C prototype, where the source has none: "long(long, const char *)".')
]
Stdin: TypeAlias = Annotated[str, Field(description="What the program reads from standard input.")]
MaxLines: TypeAlias = Annotated[int, Field(ge=1, le=MOST_LINES, description="How many lines the answer may have.")]
MaxRows: TypeAlias = Annotated[int, Field(ge=1, le=1000, description="How many rows the answer may have.")]
Address: TypeAlias = Annotated[str, Field(description='Where the code stands, such as "0x1000"; "": anywhere.')]
FirstRow: TypeAlias = Annotated[
    int, Field(description="The number of the first row; negative: so many from the end, which is where faults are.")
]
FirstInstruction: TypeAlias = Annotated[int, Field(ge=0, description="The number of the first instruction shown.")]

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)


def make_server(limits: Limits | None = None) -> MCPServer:
    """A server, whose tools begin to work when a transport or a client runs it."""
    limits = limits or Limits()

    @asynccontextmanager
    async def lifespan(_: MCPServer) -> AsyncIterator[None]:
        tools.work = work = Work(limits)
        # The first call finds a builder ready.
        warm = asyncio.ensure_future(work.start())
        try:
            yield
        finally:
            await work.close()
            await warm

    server = MCPServer(
        "armexec",
        title="armexec: AArch64 code, compiled, run and explained",
        instructions=_INSTRUCTIONS.format(time_limit=limits.time_limit, instruction_limit=limits.instruction_limit),
        version=__version__,
        lifespan=lifespan,
        log_level="WARNING",
    )
    tools = _Tools()
    for title, tool in (
        ("Compile C or C++ to AArch64 assembly", tools.compile),
        ("Assemble AArch64 assembly", tools.assemble),
        ("Disassemble machine words", tools.disassemble),
        ("Run a program, or call a function", tools.run),
        ("Trace a run, instruction by instruction", tools.trace),
        ("Count how often lines are executed", tools.coverage),
        ("Explain a machine word", tools.explain_word),
        ("Look up an instruction", tools.lookup_instruction),
        ("Show how much of A64 is supported", tools.isa_coverage),
    ):
        server.add_tool(tool, title=title, annotations=_READS)
    return server


class _Tools:
    """The tools. Their docstrings are what clients are told."""

    work: Work

    async def compile(
        self,
        source: Source,
        language: Compiled_ = "c++",
        options: Options = "-O1",
        target: Target = "linux",
        function: Annotated[str, Field(description="Show this function alone.")] = "",
        binary: Annotated[bool, Field(description="Show offsets, machine words and source lines.")] = False,
        maxAsmLines: MaxLines = 500,
        maxStderrLines: MaxLines = 100,
    ) -> Compiled:
        """Compile C or C++ with clang for AArch64, and return the assembly, the warnings and the functions."""
        request = {
            **_source(source, language, options, target),
            "function": function,
            "binary": binary,
            "maxAsmLines": maxAsmLines,
            "maxStderrLines": maxStderrLines,
        }
        return cast(Compiled, await _told(self.work.build(request | {"call": "compile"})))

    async def assemble(
        self,
        source: Source,
        address: Address = "",
        target: Target = "linux",
        maxAsmLines: MaxLines = 500,
        maxStderrLines: MaxLines = 100,
    ) -> Assembled:
        """Assemble AArch64 assembly in GNU syntax, or Apple's for the target apple, with macros and directives, and
        return the listing, the machine words and the labels."""
        request = {
            **_source(source, "assembly", "", target),
            "address": address,
            "maxAsmLines": maxAsmLines,
            "maxStderrLines": maxStderrLines,
        }
        return cast(Assembled, await _told(self.work.build(request | {"call": "assemble"})))

    async def disassemble(
        self,
        code: Annotated[
            str,
            Field(
                description="Machine code: words in hexadecimal (`d10043ff b9000fe0`), bytes in the order of memory"
                " (`ff 43 00 d1`), an array of C, or a dump of xxd, hexdump or objdump."
            ),
        ],
        address: Address = "",
        first: FirstInstruction = 0,
        maxAsmLines: MaxLines = 500,
    ) -> Disassembled:
        """Disassemble AArch64 machine code."""
        request = {
            **_source(code, "hex", "", "linux"),
            "address": address,
            "first": first,
            "maxAsmLines": maxAsmLines,
        }
        return cast(Disassembled, await _told(self.work.build(request | {"call": "disassemble"})))

    async def run(
        self,
        source: Source,
        language: Language = "c++",
        options: Options = "-O1",
        function: FunctionName = "",
        arguments: Arguments = [],  # noqa: B006 (never changed)
        signature: Signature = "",
        stdin: Stdin = "",
        maxStdoutLines: MaxLines = 100,
        maxStderrLines: MaxLines = 100,
    ) -> Ran:
        """Run AArch64 code: a program that has a main, with its output and exit status, or one function, with its
        result. A fault is an error with the instruction, the calls that were going on, and the registers. The first
        program that uses the C or C++ library waits about a minute, until that is built."""
        request = _request("run", function, arguments, signature, stdin, maxStdoutLines, maxStderrLines)
        return cast(Ran, await _told(self.work.run(_source(source, language, options, "linux"), request)))

    async def trace(
        self,
        source: Source,
        language: Language = "c++",
        options: Options = "-O1",
        function: FunctionName = "",
        arguments: Arguments = [],  # noqa: B006
        signature: Signature = "",
        stdin: Stdin = "",
        first: FirstRow = 0,
        maxRows: MaxRows = 100,
        maxStdoutLines: MaxLines = 100,
        maxStderrLines: MaxLines = 100,
    ) -> Traced:
        """Run AArch64 code as `run` does, and return a page of its trace: each instruction that was executed, with the
        registers that it has written and its accesses to memory. Each page is a new run."""
        request = _request("trace", function, arguments, signature, stdin, maxStdoutLines, maxStderrLines)
        request |= {"first": first, "maxRows": maxRows}
        return cast(Traced, await _told(self.work.run(_source(source, language, options, "linux"), request)))

    async def coverage(
        self,
        source: Source,
        language: Language = "c++",
        options: Options = "-O0",
        function: FunctionName = "",
        arguments: Arguments = [],  # noqa: B006
        signature: Signature = "",
        stdin: Stdin = "",
        maxLines: MaxLines = 500,
        maxStdoutLines: MaxLines = 100,
        maxStderrLines: MaxLines = 100,
    ) -> Coverage:
        """Run AArch64 code as `run` does, and return how often each line of the source, each conditional branch and
        each function was executed. The counts are exact."""
        request = _request("coverage", function, arguments, signature, stdin, maxStdoutLines, maxStderrLines)
        request |= {"maxLines": maxLines}
        return cast(Coverage, await _told(self.work.run(_source(source, language, options, "linux"), request)))

    async def explain_word(
        self, word: Annotated[str, Field(description="A machine word in hexadecimal, such as 0xD10043FF.")]
    ) -> Explained:
        """Explain a 32-bit AArch64 machine word: the instruction, its fields bit by bit, its operands, and the
        registers that it reads and writes."""
        return cast(Explained, await _told(self.work.build({"call": "explain_word", "text": word})))

    async def lookup_instruction(
        self,
        opcode: Annotated[
            str, Field(description="A mnemonic such as ldr, or Arm's name of an instruction such as LDR_32_ldst_pos.")
        ],
        maxTextLines: MaxLines = 200,
    ) -> LookedUp:
        """Look up the reference of an AArch64 instruction: encodings, syntax, aliases, its meaning as executable
        pseudocode, examples."""
        request = {"call": "lookup_instruction", "text": opcode, "maxTextLines": maxTextLines}
        return cast(LookedUp, await _told(self.work.build(request)))

    async def isa_coverage(self) -> IsaCoverage:
        """Count the encodings of the A64 instruction set that are supported here, by groups, and why others aren't."""
        return cast(IsaCoverage, await _told(self.work.build({"call": "isa_coverage"})))


def _source(text: str, kind: str, options: str, target: str) -> dict[str, Any]:
    return {"text": text, "kind": kind, "flags": options, "target": target}


def _request(
    call: str,
    function: str,
    arguments: list[str | int | float],
    signature: str,
    stdin: str,
    max_stdout: int,
    max_stderr: int,
) -> dict[str, Any]:
    return {
        "call": call,
        "function": function,
        "arguments": [str(value).lower() if isinstance(value, bool) else str(value) for value in arguments],
        "signature": signature,
        "input": stdin,
        "maxStdoutLines": max_stdout,
        "maxStderrLines": max_stderr,
    }


async def _told(work: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """An answer. Raises ToolError, whose text the client sees, for an Error."""
    try:
        return await work
    except Error as error:
        raise ToolError(str(error)) from None
