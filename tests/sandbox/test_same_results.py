"""The corpora and the kernels of `armexec bench` give in a sandbox what they give elsewhere."""

from __future__ import annotations

import pytest

from armexec.bench.arm_image import arm_image, entry
from armexec.bench.kernels import KERNELS
from armexec.engines import get_engine, new_sandbox
from corpus import INTEGER_CORPUS, OPTIMIZATION_LEVELS, Corpus
from corpus.checks import SAMPLE, check
from corpus_float import FLOAT_CORPUS
from corpus_neon import NEON_CORPUS

CORPORA = {"integer": INTEGER_CORPUS, "float": FLOAT_CORPUS, "neon": NEON_CORPUS}
# What touches memory in all ways; the others are only in the long run.
SOME = (
    "memory",
    "strings",
    "structs",
    "atomics",
    "function_pointers",
    "globals",
    "recursion",
    "loads_stores",
    "float_arithmetic",
)
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


@pytest.mark.parametrize("name", KERNELS)
def test_kernels(name: str) -> None:
    kernel = KERNELS[name]
    image = arm_image(kernel)
    offset, prototype = entry(image)
    engines = get_engine("translated"), new_sandbox("translated:O2"), new_sandbox("translated:O0")
    loaded = [engine.load(image, lambda _: None) for engine in engines]
    results = {image.bind(offset, prototype)(kernel.quick) for image in loaded}
    assert len(results) == 1
