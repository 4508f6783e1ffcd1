"""The disassembler: words as text, and as instructions with operands."""

from __future__ import annotations

from armexec.disasm.disassembler import Instruction, Targets, as_dictionary, disassemble
from armexec.disasm.listing import listing
from armexec.disasm.operands import Memory, Operand, Shift

__all__ = ["Instruction", "Memory", "Operand", "Shift", "Targets", "as_dictionary", "disassemble", "listing"]
