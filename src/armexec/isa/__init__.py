"""The A64 instruction set: each instruction described once, and everything that can be derived from that."""

from __future__ import annotations

from .decode import Decoded, decode, form_of, forms_of, mnemonics
from .description import Alias, Form, Instruction, instruction
from .groups import all_instructions

__all__ = [
    "Alias",
    "Decoded",
    "Form",
    "Instruction",
    "all_instructions",
    "decode",
    "form_of",
    "forms_of",
    "instruction",
    "mnemonics",
]
