"""What an instruction is: its fields in the word, its operands, its meaning, its page."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from armexec.disasm import disassemble
from armexec.errors import LoadError
from armexec.isa import form_of
from armexec.isa.data import rows
from armexec.isa.operands import Context

__all__ = ["explain", "mnemonic_names", "page_of"]


@lru_cache(maxsize=4096)
def explain(word: int, address: int = 0) -> dict[str, Any]:
    """A word's instruction as data. `fields`: each with its name, its lowest bit, its width and its value, and whether
    the encoding fixes it; `operands`: each with its text and the names of its fields.

    Raises:
        LoadError: it is no word.
    """
    if not 0 <= word < 1 << 32:
        raise LoadError("a word has 32 bits")
    from armexec.isa.manual.page import summary

    (instruction,) = disassemble([word], address=address)
    found: dict[str, Any] = {"word": word, "text": instruction.text, "fields": [], "operands": []}
    form = form_of(word) if instruction.encoding else None
    if form is None:
        return found | {"name": "", "summary": "This word is no instruction that is described here."}
    described = form.instruction
    for field in described.pattern.fields:
        value = word >> field.low & (1 << field.width) - 1
        fixed = field.value is not None
        found["fields"].append([field.name or "", field.low, field.width, value, fixed])
    printed = described.printed_form(form, word)
    context = Context(address, lambda target: None)
    operands = []
    for piece in printed.written(word):
        if isinstance(piece, tuple):
            operand, value = piece
            operands.append([operand.text(value, context), list(operand.fields)])
    first, rest = summary(described)
    return found | {
        "operands": operands,
        "name": described.name,
        "mnemonic": printed.mnemonic,
        "syntax": printed.syntax,
        "alias": printed.is_alias,
        "encoding": form.name,
        "feature": printed.feature or form.feature,
        "summary": first,
        "details": rest,
        "reads": list(instruction.reads),
        "writes": list(instruction.writes),
        "groups": list(instruction.groups),
    }


@lru_cache(maxsize=512)
def page_of(word: int) -> str:
    """The reference page of a word's instruction, as `armexec isa` prints it.

    Raises:
        LoadError: the word is no instruction.
    """
    from armexec.isa.manual.page import page

    form = form_of(word) if 0 <= word < 1 << 32 else None
    if form is None:
        raise LoadError(f"0x{word:08x} is no instruction that is described here")
    return page(form.instruction, form.instruction.printed_form(form, word).mnemonic)


def mnemonic_names() -> list[str]:
    """All mnemonics that are described, in order."""
    return sorted({name for _, names in rows("mnemonics.tsv") for name in names.split()})
