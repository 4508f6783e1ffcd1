"""Instructions are loaded by part of the encoding space: none may be missing from its part."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from armexec.isa import all_instructions, data, mnemonics
from armexec.isa.groups import instructions_of_group, instructions_of_mnemonic, mnemonic_table


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


def test_the_table_of_mnemonics_is_up_to_date() -> None:
    """If not, run scripts/generate-mnemonics."""
    assert (Path(data.__file__).parent / "mnemonics.tsv").read_text() == mnemonic_table()


def test_every_mnemonic_is_found_in_its_files() -> None:
    for mnemonic, described in mnemonics().items():
        assert instructions_of_mnemonic(mnemonic) == described
        general = instructions_of_mnemonic(mnemonic, simd_fp=False)
        assert set(general) <= set(described)
    assert instructions_of_mnemonic("frobnicate") == ()


def test_general_instructions_are_assembled_without_a_description_of_vectors() -> None:
    text = "add x0, x1, #1; str w0, [sp, #12]; ldr x0, [x1], #8; sub sp, sp, #16; and x0, x1, x2; ret"
    script = f"import sys; from armexec import assemble; assemble({text!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "armexec.isa.base.dp_immediate" in done.stdout.split()
    assert "armexec.isa.simd_fp" not in done.stdout.split()
    # Nor is anything executed abstractly.
    assert "armexec.isa.effects" not in done.stdout.split()
