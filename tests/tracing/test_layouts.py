"""What a block records of an instruction is what the interpreter records of it, for all instructions."""

from __future__ import annotations

import random

from armexec.isa import decode
from armexec.isa.transfers import Transfer, transfer
from armexec.machines.llvm.builder import Host
from armexec.translate.observed.records import AccessSlot, Layouts, Slots, written_by
from armexec.translate.observed.traced import traced_block_text
from differential.generate import encodings, random_word


def test_all_instructions_are_recorded_alike() -> None:
    rng = random.Random(5)
    recorded = 0
    for name, form in encodings().items():
        word = random_word(rng, form)
        decoded = decode(word)
        if decoded is None:
            continue
        layouts = Layouts()
        text = traced_block_text("b", {0x1000: [decoded]}, Host(), keep=False, layouts=layouts, values=True)
        if not text.instructions:
            # The interpreter's.
            continue
        (slots,) = layouts.known[0].slots
        accesses = tuple(AccessSlot(access.kind == "write", access.size) for access in decoded.effects.accesses)
        leaves = transfer(word) is not Transfer.DIRECT
        assert slots == Slots(accesses, written_by(word), leaves), f"{name} {word:08x} {decoded}"
        recorded += 1
    assert recorded > 1000
