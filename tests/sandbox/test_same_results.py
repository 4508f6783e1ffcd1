"""The corpora and the kernels of `armexec bench` give in a sandbox what they give elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest

import armexec
from armexec.bench.arm_image import arm_image, entry
from armexec.bench.kernels import KERNELS
from armexec.engines import get_engine, new_sandbox
from corpus import INTEGER_CORPUS, OPTIMIZATION_LEVELS, Corpus
from corpus.checks import SAMPLE, check
from corpus_float import FLOAT_CORPUS
from corpus_neon import NEON_CORPUS
from samples import one_of
from translate.ir.test_deferred_stores import UPDATES

CORPORA = {"integer": INTEGER_CORPUS, "float": FLOAT_CORPUS, "neon": NEON_CORPUS}
# What touches memory in all ways; the others are only in the long run.
SOME = ("memory", "structs", "atomics", "function_pointers")
FILES = [pytest.param(c, stem, id=stem) for c in CORPORA.values() for stem in c.files if stem in SOME]
BUILDS = [pytest.param(c, *build, id="-".join(build)) for c in CORPORA.values() for build in c.builds]


@pytest.mark.parametrize(("corpus", "stem"), FILES)
def test_corpus(corpus: Corpus, stem: str) -> None:
    _, variant = next(build for build in corpus.builds if build[0] == stem)
    flags = corpus.files[stem].variants[variant]
    check(corpus, stem, flags, "-O2", "translated", SAMPLE["translated"] // 2, sandbox=True)


@pytest.mark.long
@pytest.mark.parametrize("opt", OPTIMIZATION_LEVELS)
@pytest.mark.parametrize(("corpus", "stem", "variant"), BUILDS)
def test_corpus_in_all_cases(corpus: Corpus, stem: str, variant: str, opt: str) -> None:
    check(corpus, stem, corpus.files[stem].variants[variant], opt, "translated", None, sandbox=True)


@pytest.mark.parametrize("name", one_of(3, KERNELS))
def test_kernels(name: str) -> None:
    kernel = KERNELS[name]
    image = arm_image(kernel)
    offset, prototype = entry(image)
    engines = get_engine("translated"), new_sandbox("translated:O2"), new_sandbox("translated:O0")
    loaded = [engine.load(image, lambda _: None) for engine in engines]
    results = {image.bind(offset, prototype)(kernel.quick) for image in loaded}
    assert len(results) == 1


@pytest.mark.parametrize("where", [0, 5, 9])
@pytest.mark.parametrize("places", [(0, 4, 8), (0, 4, 0), (1, 4, 0), (9, 4, 8), (0, 1, 2)])
@pytest.mark.parametrize("above", [(0, 5, 1 << 31), (1 << 31, 0, 0xFFFF_FFFF)])
def test_stores_that_wait(where: int, places: tuple[int, int, int], above: tuple[int, int, int]) -> None:
    """Stores wait for guards, and loads pass them, by addresses that are the same in 32 bits only."""
    in_sandbox = armexec.function(UPDATES, "void(void *, void *, void *)", sandbox=True)
    elsewhere = armexec.function(UPDATES, "void(void *, void *, void *)", engine="reference")
    found, wanted = in_sandbox.module.empty(16), np.empty(16)
    for values in (
        {},
        {where: math.inf, where ^ 4: math.inf},
        {10: math.inf, 7: -math.inf},
        {0: math.inf, 4: math.inf},
    ):
        for array in (found, wanted):
            array[:] = np.arange(16) + 0.5
            for at, value in values.items():
                array[at] = value
        assert in_sandbox.sandbox is not None
        start = in_sandbox.sandbox.memory.guest_address(found.ctypes.data)
        assert start is not None
        in_sandbox(*(start + 8 * place | high << 32 for place, high in zip(places, above, strict=True)))
        elsewhere(*(wanted.ctypes.data + 8 * place for place in places))
        assert found.tobytes() == wanted.tobytes()
