"""Code that can tell which flags operations have raised, by what is described of its words."""

from __future__ import annotations

from armexec.asm import assemble
from armexec.isa import decode
from armexec.isa.system_registers import USER_READABLE, USER_WRITABLE, register_name
from armexec.translate.mode import reads_fpsr
from isa.every_encoding import decoded_words


def _sees(word: int) -> bool:
    """Whether a word moves FPSR to a general register."""
    decoded = decode(word)
    assert decoded is not None
    effects = decoded.effects
    return bool(effects.system) and ("fpsr", 0) in effects.reads


def test_every_move_of_a_system_register() -> None:
    found = []
    for write, registers in ((True, USER_WRITABLE), (False, USER_READABLE)):
        for register in registers:
            name = register_name(register, write=write)
            for n in (0, 17, 30):
                text = f"msr {name}, x{n}" if write else f"mrs x{n}, {name}"
                (word,) = assemble(text).words
                sees = reads_fpsr(word.to_bytes(4, "little"))
                assert sees == _sees(word), text
                found += [text] * sees
    assert {text.partition(" ")[0] for text in found} == {"mrs"}
    assert len(found) == 3


def test_every_encoding() -> None:
    for decoded in decoded_words(3):
        assert reads_fpsr(decoded.word.to_bytes(4, "little")) == _sees(decoded.word)
