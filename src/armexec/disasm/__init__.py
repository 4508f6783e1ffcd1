"""Words into text."""

from __future__ import annotations

from armexec.disasm.disassembler import Instruction, disassemble, listing

__all__ = ["Instruction", "disassemble", "listing"]
