"""Instructions are loaded by part of the encoding space: none may be missing from its part."""

from __future__ import annotations

from armexec.isa import all_instructions
from armexec.isa.groups import instructions_of_group


def test_every_instruction_is_in_the_parts_it_has_words_in() -> None:
    for described in all_instructions():
        for form in described.forms:
            free = ~form.mask >> 25 & 0b1111
            for op0 in range(16):
                if (op0 ^ form.value >> 25) & 0b1111 & ~free == 0:
                    assert described in instructions_of_group(op0), (form.name, f"{op0:04b}")


def test_the_parts_together_are_everything() -> None:
    parts = {described.name for op0 in range(16) for described in instructions_of_group(op0)}
    assert parts == {described.name for described in all_instructions()}
