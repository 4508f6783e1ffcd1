"""Products of vectors of which lanes are known to be zero: LLVM makes use of that, and has been wrong about it."""

from __future__ import annotations

import random
from functools import partial

import pytest

from armexec.asm import assemble

from . import on_reference, on_translated
from .state import CODE, DATA, DATA_SIZE, State

# What leaves zeros in lanes of v3.
ZEROS = (
    "addv s3, v3.4s",
    "saddlv s3, v3.8h",
    "mov s3, v3.s[2]",
    "fmaxnmv s3, v3.4s",
    "sqneg s3, s3",
    "addv h3, v3.8h",
    "fmov d3, d2",
    "addp d3, v3.2d",
    "mov v3.s[1], wzr; mov v3.d[1], xzr",
    "movi v6.2d, #0x00000000ffffffff; and v3.16b, v3.16b, v6.16b",
    "movi v6.16b, #0; mov v6.h[0], v3.h[1]; mov v3.16b, v6.16b",
)
PRODUCTS = (
    "smull v4.4s, v3.4h, v7.h[5]",
    "umull v4.4s, v3.4h, v7.h[5]",
    "smull v4.4s, v3.4h, v7.4h",
    "smull2 v4.4s, v3.8h, v7.8h",
    "sxtl v8.4s, v3.4h; dup v9.4h, v7.h[5]; sxtl v9.4s, v9.4h; mul v4.4s, v8.4s, v9.4s",
    "uxtl v8.4s, v3.4h; uxtl v9.4s, v7.4h; mul v4.2s, v8.2s, v9.2s",
    "ushr v8.4s, v3.4s, #17; ushr v9.4s, v7.4s, #17; mul v4.4s, v8.4s, v9.s[1]",
    "smlal v4.4s, v3.4h, v7.h[5]; smlal2 v4.4s, v3.8h, v7.h[5]; addp v4.4s, v4.4s, v4.4s",
    "smull v4.8h, v3.8b, v7.8b; saddlp v4.4s, v4.8h",
    "sqdmulh v4.4h, v3.4h, v7.h[5]",
    "sqrdmulh v4.8h, v3.8h, v7.8h",
    "sqrdmlah v4.4h, v3.4h, v7.h[3]",
    "sqdmlal v4.4s, v3.4h, v7.h[6]",
    "umull v4.2d, v3.2s, v7.s[1]",
    "smull2 v4.2d, v3.4s, v7.4s",
    "sdot v4.4s, v3.16b, v7.4b[1]",
    "usdot v4.4s, v3.16b, v7.4b[1]",
    "smmla v4.4s, v3.16b, v7.16b",
)


def _state(rng: random.Random, text: str) -> State:
    pc = CODE + 0x1000
    code = tuple(assemble(text.replace("; ", "\n"), address=pc).words)
    registers = [rng.getrandbits(64) for _ in range(31)] + [DATA + DATA_SIZE // 2]
    return State(pc, code, registers, 0, [rng.getrandbits(128) for _ in range(32)])


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "plain"])
@pytest.mark.parametrize("tier", ["O0", "O2"])
def test_products_of_vectors_with_zeros(tier: str, strict: bool) -> None:
    rng = random.Random(11)
    texts = [f"{zeros}; {product}" for zeros in ZEROS for product in PRODUCTS]
    states = [_state(rng, text) for text in texts]
    run_all = partial(on_translated.run_all, tier=tier, strict=strict)
    wrong = []
    for text, state, theirs in zip(texts, states, run_all(states), strict=True):
        if differences := on_reference.run(state).differences(theirs):
            wrong.append(f"{text}: {'; '.join(differences)}")
    assert not wrong, "\n".join(wrong)
