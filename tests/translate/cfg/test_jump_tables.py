"""Jump tables are told from the code alone: the blocks of a function hold all that a switch may reach."""

from __future__ import annotations

import armexec
from armexec.translate.cfg.discovery import ControlFlowGraph, discover
from armexec.translate.cfg.jump_tables import jump_targets


def _flow(text: str) -> tuple[ControlFlowGraph, dict[str, int]]:
    code = armexec.assemble(text)
    data = code.bytes

    def fetch(at: int) -> int | None:
        return code.words[at // 4] if 0 <= at < 4 * len(code.words) else None

    def read(at: int, size: int) -> bytes:
        return data[at : at + size]

    return discover((0,), fetch, lambda starts, flow: jump_targets(starts, flow, read)), dict(code.symbols)


def test_the_table_of_an_interpreter_whose_program_is_a_constant_too() -> None:
    flow, symbols = _flow(
        """
        start: adr x8, program
             adr x10, table
             mov x12, x8
             b next
        one: ldrb w9, [x13]
             add x12, x8, x9
             b next
        next: mov x13, x12
             ldrb w14, [x13], #1
             cmp w14, #2
             b.hi done
             adr x15, one
             ldrb w16, [x10, x14]
             add x15, x15, x16, lsl #2
             br x15
        zero: add x0, x0, #1
             mov x12, x13
             b next
        two: lsl x0, x0, #1
             mov x12, x13
             b next
        done: ret
        table: .byte 11, 0, 14, 0
        program: .byte 1, 0, 2, 9"""
    )
    (switch,) = (block for block in flow.blocks.values() if block.kind == "jump")
    assert switch.targets == (symbols["zero"], symbols["one"], symbols["two"])
