"""The A64 instruction set: each instruction described once, and everything that can be derived from that."""

from __future__ import annotations

# These describe instructions. `mov x0, x1` is ORR first, and ADD only where it must be: the order decides.
from . import dp_register  # noqa: F401

# isort: split

from . import (  # noqa: F401
    branches_system,
    dp_immediate,
    loads_stores,
    loads_stores_atomic,
    loads_stores_exclusive,
    loads_stores_pair,
    simd_fp,
)
from .decode import Decoded, decode, form_of, forms_of, mnemonics
from .description import INSTRUCTIONS, Alias, Form, Instruction, instruction

__all__ = [
    "INSTRUCTIONS",
    "Alias",
    "Decoded",
    "Form",
    "Instruction",
    "decode",
    "form_of",
    "forms_of",
    "instruction",
    "mnemonics",
]
