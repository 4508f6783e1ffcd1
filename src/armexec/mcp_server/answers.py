"""The types of the tools' answers. Names are Compiler Explorer's where they mean the same."""

from __future__ import annotations

from typing import NotRequired

# Python 3.11's own can't be nested in schemas. This package comes with mcp.
from typing_extensions import TypedDict

__all__ = ["Assembled", "Compiled", "Coverage", "Disassembled", "Explained", "IsaCoverage", "LookedUp", "Ran", "Traced"]


class CompiledFunction(TypedDict):
    """A function of the source; its size in bytes."""

    name: str
    signature: str
    size: int


class _Cut(TypedDict):
    """How the rest of an answer that was cut is had."""

    hint: NotRequired[str]


class Compiled(_Cut):
    """The compiler's assembly, and its warnings as `stderr`."""

    code: int
    asm: str
    asmTruncated: NotRequired[bool]
    asmTotalLines: NotRequired[int]
    stderr: str
    stderrTruncated: NotRequired[bool]
    stderrTotalLines: NotRequired[int]
    compiler: str
    functions: list[CompiledFunction]
    functionsTruncated: NotRequired[bool]
    functionsTotal: NotRequired[int]


class Symbol(TypedDict):
    """A label of assembly."""

    name: str
    address: str


class Assembled(_Cut):
    """A listing, the words of it in hexadecimal, and the labels."""

    code: int
    asm: str
    asmTruncated: NotRequired[bool]
    asmTotalLines: NotRequired[int]
    words: list[str]
    wordsTruncated: NotRequired[bool]
    wordsTotal: NotRequired[int]
    stderr: str
    stderrTruncated: NotRequired[bool]
    stderrTotalLines: NotRequired[int]
    symbols: list[Symbol]
    symbolsTruncated: NotRequired[bool]
    symbolsTotal: NotRequired[int]


class Disassembled(_Cut):
    """A listing, and how many instructions there are in all."""

    asm: str
    asmTruncated: NotRequired[bool]
    asmTotalLines: NotRequired[int]
    instructions: int


class _Output(_Cut):
    stdout: str
    stdoutTruncated: NotRequired[bool]
    stdoutTotalLines: NotRequired[int]
    stderr: str
    stderrTruncated: NotRequired[bool]
    stderrTotalLines: NotRequired[int]


class Ran(_Output):
    """A program's exit status as `code`, or a call's `result` with its C type, and the arrays that it has written."""

    code: int
    result: NotRequired[str]
    type: NotRequired[str]
    written: NotRequired[dict[str, str]]
    instructions: int
    seconds: float


class TraceRow(TypedDict):
    """An instruction: `time` were executed before it, `changes` is what it has written and read."""

    time: int
    address: str
    function: str
    line: NotRequired[int]
    text: str
    changes: str


class Traced(_Output):
    """Rows of a trace from the number `first` on; `instructions` are all that were executed; `next` is the first row
    that isn't there. `error` says why the run didn't come to its end."""

    rows: list[TraceRow]
    rowsTruncated: NotRequired[bool]
    first: int
    next: NotRequired[int]
    instructions: int
    code: NotRequired[int]
    result: NotRequired[str]
    type: NotRequired[str]
    written: NotRequired[dict[str, str]]
    error: NotRequired[str]


class Line(TypedDict):
    """How often a line of the source was executed."""

    line: int
    count: int
    text: str


class Branch(TypedDict):
    """How often a conditional branch of a line was taken, and how often not."""

    line: int
    taken: int
    passed: int


class Calls(TypedDict):
    """How often a function was called."""

    name: str
    calls: int


class Coverage(_Output):
    """The lines that have code, the conditional branches that were reached, and the functions."""

    instructions: int
    linesCovered: int
    linesTotal: int
    lines: list[Line]
    linesTruncated: NotRequired[bool]
    branches: list[Branch]
    branchesTruncated: NotRequired[bool]
    branchesTotal: NotRequired[int]
    functions: list[Calls]
    functionsTruncated: NotRequired[bool]
    functionsTotal: NotRequired[int]
    code: NotRequired[int]
    result: NotRequired[str]
    type: NotRequired[str]
    written: NotRequired[dict[str, str]]
    error: NotRequired[str]


class WordField(TypedDict):
    """Bits of a word, `high` to `low`; `value` in binary. `fixed`: they make the word this instruction."""

    name: str
    high: int
    low: int
    value: str
    fixed: bool


class WordOperand(TypedDict):
    """An operand, and the names of the fields that it is made of."""

    text: str
    fields: list[str]


class Explained(TypedDict):
    """A word: its text, the instruction with Arm's names, its fields, what it reads and writes."""

    word: str
    text: str
    name: str
    summary: str
    details: str
    syntax: str
    alias: bool
    encoding: str
    feature: str
    fields: list[WordField]
    operands: list[WordOperand]
    reads: list[str]
    writes: list[str]
    groups: list[str]


class NamedInstruction(TypedDict):
    """An instruction by Arm's name, such as ADD_addsub_imm."""

    name: str
    summary: str


class LookedUp(_Cut):
    """`tooltip`: a sentence; `text`: the reference pages."""

    tooltip: str
    instructions: list[NamedInstruction]
    text: str
    textTruncated: NotRequired[bool]
    textTotalLines: NotRequired[int]


class Group(TypedDict):
    """Encodings of a part of the instruction set."""

    name: str
    described: int
    encodings: int


class Missing(TypedDict):
    """Why encodings aren't described."""

    reason: str
    encodings: int


class IsaCoverage(TypedDict):
    """How many encodings of A64 are described here, and so can be assembled, disassembled and run."""

    described: int
    encodings: int
    groups: list[Group]
    missing: list[Missing]
