"""One instruction or a few on the reference machine."""

from __future__ import annotations

from collections.abc import Mapping

from armexec.asm import assemble
from armexec.isa import decode
from armexec.machines.interpreter.flags import Flags
from armexec.machines.interpreter.machine import ReferenceMachine

START = 0x1_0000


class Memory:
    """Bytes at addresses; the rest reads as zero."""

    def __init__(self) -> None:
        self.content: dict[int, int] = {}

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.content.get(address + offset, 0) for offset in range(size))

    def write(self, address: int, data: bytes) -> None:
        self.content.update({address + offset: byte for offset, byte in enumerate(data)})


def execute(
    text: str,
    registers: Mapping[int, int] | None = None,
    *,
    nzcv: int = 0,
    memory: Memory | None = None,
    vectors: Mapping[int, int] | None = None,
) -> ReferenceMachine:
    """The machine after the instructions of `text`; register 31 is SP. Raises Trap."""
    machine = ReferenceMachine(memory or Memory())
    for number, value in (registers or {}).items():
        machine.registers[number] = value
    for number, value in (vectors or {}).items():
        machine.vectors[number] = value
    machine.NZCV = Flags(nzcv >> 3, nzcv >> 2 & 1, nzcv >> 1 & 1, nzcv & 1)
    machine.next_pc = START
    for word in assemble(text, address=START, distances=True).words:
        machine.pc = machine.next_pc
        machine.next_pc = machine.pc + 4
        decoded = decode(word)
        assert decoded is not None, text
        decoded.instruction.semantics(machine, *decoded.fields.values())
    return machine
