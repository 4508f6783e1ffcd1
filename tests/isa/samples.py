"""Random words of an encoding."""

from __future__ import annotations

import random
from collections.abc import Callable

from armexec.isa import Decoded, Form, decode


def sample(form: Form, count: int, rng: random.Random, accepts: Callable[[Decoded], bool]) -> list[Decoded]:
    """At most `count` words of a form that are accepted: fields random, or at their limits, or two registers alike."""
    found: list[Decoded] = []
    for _ in range(12 * count):
        word = form.value
        alike = rng.getrandbits(5) if rng.random() < 0.2 else None
        for field in form.instruction.pattern.free:
            ones = (1 << field.width) - 1
            limits = [0, 1, ones >> 1, ones ^ ones >> 1, ones]
            value = rng.choice(limits) if rng.random() < 0.35 else rng.getrandbits(field.width)
            if alike is not None and field.name in ("Rn", "Rm") and field.width == 5:
                value = alike
            word |= value << field.low & ~form.mask
        decoded = decode(word)
        if decoded is not None and accepts(decoded):
            found.append(decoded)
            if len(found) == count:
                break
    return found
