"""Words to disassemble: random ones of every encoding described."""

from __future__ import annotations

import random
from collections.abc import Iterator

from armexec.isa import all_instructions, decode
from armexec.isa.description import Form

_AWKWARD = (0, 0xFFFF_FFFF, 0x5555_5555, 0xAAAA_AAAA)


def encodings() -> list[Form]:
    """The forms that aren't aliases."""
    return [form for described in all_instructions() for form in described.forms]


def words_of(form: Form, count: int, seed: int = 0) -> Iterator[int]:
    """Up to `count` words that decode as `form`: all ones and zeros, then random fields, some 31 and some small."""
    rng = random.Random(f"{form.name} {seed}")
    seen = set()
    for attempt in range(count * 4 + 200):
        free = _AWKWARD[attempt] if attempt < len(_AWKWARD) else rng.getrandbits(32)
        if attempt % 3 == 1:
            # Registers that are the zero register or SP, alone or together, are where aliases are.
            free |= rng.choice((0x1F, 0x3E0, 0x1F0000, 0x3FF, 0x1F03E0, 0x1F001F))
        if attempt % 7 == 2:
            free &= rng.getrandbits(32) & rng.getrandbits(32)
        word = form.value | free & ~form.mask
        decoded = decode(word)
        if decoded is not None and decoded.form is form and word not in seen and not _is_redundant(form, word):
            seen.add(word)
            yield word
            if len(seen) == count:
                return


def _is_redundant(form: Form, word: int) -> bool:
    """Whether another word means the same and has the same text: some fields have bits that don't count."""
    if "_log_imm" in form.name:
        # The rotation of a bitmask immediate is modulo its element.
        n, immr, imms = word >> 22 & 1, word >> 16 & 63, word >> 10 & 63
        return immr >= 1 << (n << 6 | ~imms & 63).bit_length() - 1
    imm5, imm4 = word >> 16 & 31, word >> 11 & 15
    if form.name == "DUP_asimdins_DR_r":
        # The lowest bit set is the element's size.
        return imm5 & imm5 - 1 != 0
    if form.name == "INS_asimdins_IV_v":
        return imm4 & (imm5 & -imm5) - 1 != 0
    return False
