"""Assembly text, or calls of a builder, into words."""

from __future__ import annotations

from armexec.asm.assembler import assemble
from armexec.asm.builder import Builder
from armexec.asm.code import Code
from armexec.asm.operands import Label, Symbol

__all__ = ["Builder", "Code", "Label", "Symbol", "assemble"]
