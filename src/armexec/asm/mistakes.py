"""Hints for common mistakes: instructions and registers of other architectures, other comments."""

from __future__ import annotations

import re
from collections.abc import Sequence

from armexec.asm.encoding import EncodingFailure
from armexec.asm.lines import Statement
from armexec.asm.where import Where
from armexec.errors import AssemblyError
from armexec.isa import mnemonics
from armexec.isa.operands import CONDITIONS

__all__ = ["explain"]

_SAVE = (
    "A64 has no push and pop: save a pair with `stp x29, x30, [sp, #-16]!`, restore it with `ldp x29, x30, [sp], #16`"
)
_LISTS = "A64 has no lists of general registers: load or store pairs with ldp and stp"
_ELSEWHERE = {
    "push": _SAVE,
    "pop": _SAVE,
    "ldm": _LISTS,
    "stm": _LISTS,
    "movs": "mov doesn't set the flags in A64: follow it with `cmp x0, #0`, or use adds, subs or ands",
    "bx": "in A64 it is `br x0`, and `ret` to return",
    "blx": "in A64 it is `blr x0`",
    "rsb": "A64 has no reverse subtraction: swap the operands of sub, or use neg",
    "mla": "in A64 it is `madd x0, x1, x2, x3`",
    "mls": "in A64 it is `msub x0, x1, x2, x3`",
    "ldrd": "in A64 it is `ldp`",
    "strd": "in A64 it is `stp`",
    "swi": "in A64 it is `svc #0`",
    "call": "in A64 it is `bl`, or `blr` for an address in a register",
    "jmp": "in A64 it is `b`, or `br` for an address in a register",
    "lea": "in A64 it is `adr`, or `adrp` and `add`",
    "xor": "in A64 it is `eor`",
    "or": "in A64 it is `orr`",
    "not": "in A64 it is `mvn`",
    "shl": "in A64 it is `lsl`",
    "shr": "in A64 it is `lsr`",
    "sar": "in A64 it is `asr`",
    "inc": "in A64 it is `add x0, x0, #1`",
    "dec": "in A64 it is `sub x0, x0, #1`",
    "imul": "in A64 it is `mul`",
    "div": "in A64 it is `sdiv` or `udiv`",
    "syscall": "in A64 it is `svc #0`",
    "li": "in A64 it is `mov x0, #1`, or `ldr x0, =value` for any value",
    "la": "in A64 it is `adr`, or `adrp` and `add`",
}
# x86's conditional jumps, with the A64 conditions.
_JUMPS = {
    **dict.fromkeys(("je", "jz"), "eq"),
    **dict.fromkeys(("jne", "jnz"), "ne"),
    "jg": "gt",
    "jge": "ge",
    "jl": "lt",
    "jle": "le",
    "ja": "hi",
    "jae": "hs",
    "jb": "lo",
    "jbe": "ls",
    "js": "mi",
    "jns": "pl",
}
_X86 = re.compile(r"%?(?:[re]?(?:ax|bx|cx|dx|si|di|bp)|rsp|esp|r\d+d|[abcd][lh])", re.IGNORECASE)
_WORD = re.compile(r"[\w.%]+")


def explain(failure: EncodingFailure, statement: Statement, where: Where, macros: Sequence[str] = ()) -> AssemblyError:
    """The error for a statement that has no encoding; `macros` are the names of the defined macros."""
    column = failure.column
    if column is None:
        length = len(statement.operands)
        column = statement.operands_column + length if length else statement.name_column + len(statement.name)
    elif column == 0:
        column = where.column
    hint = _hint(failure, statement, where, column)
    if failure.column == 0 and macros:
        import difflib

        near = difflib.get_close_matches(statement.name[:20], macros, 1, 0.7)
        hint = f"did you mean the macro {near[0]}?" if near else hint
    if failure.column == 0 and hint:
        return where.error(failure.message, hint, column=column)
    return where.error(failure.message, "\n".join(filter(None, (hint, failure.hint))), column=column)


def _hint(failure: EncodingFailure, statement: Statement, where: Where, column: int) -> str:
    mnemonic = statement.name.lower()
    if failure.column == 0:
        return _mnemonic_hint(mnemonic, statement, where) if failure.message.startswith("unknown mnemonic") else ""
    match = _WORD.match(where.text, column - 1)
    word = match[0].lower() if match is not None else ""
    if "bytes away" in failure.message and re.fullmatch(r"-?(0x[0-9a-f]+|\d+)", word):
        return "a number is a distance in bytes; where the code's address is given (--address), it is an address"
    if word in ("x31", "w31"):
        return f"register 31 is written {word[0]}zr (zero) or {'w' * (word[0] == 'w')}sp (the stack pointer)"
    if re.fullmatch(r"r(?:\d|1[0-5])", word):
        return f"A64's registers are x0-x30 (64 bits) and w0-w30 (32 bits): {word} is an x{word[1:]} or a w{word[1:]}"
    if word == "pc":
        return "the program counter is no general register in A64: use adr, b, br or ret"
    if _X86.fullmatch(word):
        return f"{word} is a register of x86: A64's are x0-x30 (64 bits) and w0-w30 (32 bits)"
    if where.text[column - 1 : column] == "#" and re.match(r"#\s*[A-Za-z]", where.text[column - 1 :]):
        return "a comment at the end of a line begins with //"
    if re.fullmatch(r"[wx](?:\d+|zr)", word):
        if where.text[: column - 1].rstrip().endswith("["):
            return "an address is in a 64-bit register"
        sizes = set(re.findall(r"\b([wx])(?:\d+|zr)\b", statement.operands.lower()))
        if len(sizes) == 2:
            return "the registers must have one size: x0-x30 are 64 bits, w0-w30 their lower 32"
    return ""


def _mnemonic_hint(mnemonic: str, statement: Statement, where: Where) -> str:
    if ";" in where.text[: where.column]:
        return "`;` separates statements: a comment begins with //"
    for name in (mnemonic, mnemonic[:3]):
        if name in _ELSEWHERE and (name == mnemonic or name in ("ldm", "stm")):
            return _ELSEWHERE[name]
    if mnemonic in _JUMPS:
        return f"in A64 it is `b.{_JUMPS[mnemonic]}`"
    if mnemonic.startswith("b."):
        return f"the conditions are {', '.join(CONDITIONS[:15])}"
    first = statement.operands.partition(" ")[0].lower()
    if first in mnemonics() and " " in statement.operands:
        return f"a label ends with a colon: `{statement.name}:`"
    base = mnemonic[:-2]
    if mnemonic[-2:] in (*CONDITIONS, "cs", "cc") and base in mnemonics():
        return f"only branches have conditions in A64: branch with `b.{mnemonic[-2:]}`, or choose a result with csel"
    return ""
