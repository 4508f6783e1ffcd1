"""Limits of instructions on random programs: the same number, and the same place and memory, on all engines."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from armexec.sources.images import words_image
from engines import AVAILABLE

from .. import on_translated
from ..programs import Program
from ..test_programs import ENGINES, programs
from .limited import NO_LIMIT, limits_of, records, run

PROJECT = Path(__file__).parents[3]
COUNT = 20
ON_NATIVE = 500


def check(made: Program, names: list[str]) -> None:
    on_translated.map_memory()
    image = words_image(made.words, "<program>", entry="program")
    loaded = {name: ENGINES[name].load(image, lambda symbol: None) for name in ["reference", *names]}
    try:
        reference = loaded.pop("reference")
        whole = run(reference, made, NO_LIMIT)
        for limit in limits_of(made, whole.instructions):
            expected = run(reference, made, limit)
            assert (expected.stopped is None) == (limit >= whole.instructions)
            assert expected.instructions == min(limit, whole.instructions)
            for name, other in loaded.items():
                assert run(other, made, limit) == expected, (made.seed, name, limit)
    finally:
        for image_there in loaded.values():
            image_there.close()
        reference.close()


def test_programs() -> None:
    for made in programs(0, COUNT):
        check(made, ["translated-O2"])


@pytest.mark.long
@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "reference"])
def test_programs_at_length(engine: str, request: pytest.FixtureRequest) -> None:
    count, seed = request.config.getoption("--cases"), request.config.getoption("--seed")
    for made in programs(1000 * seed, count):
        check(made, [engine])


@pytest.mark.skipif("native" not in AVAILABLE, reason="only an AArch64 processor runs the guest's words")
def test_the_native_engine_counts_the_same() -> None:
    assert records("native", 0, COUNT) == records("reference", 0, COUNT)


@pytest.mark.long
@pytest.mark.native
def test_reference_translated_and_native_count_the_same() -> None:
    """On the native engine under qemu, where this processor isn't AArch64."""
    launcher = PROJECT / "scripts" / "native-python"
    command = [str(launcher), "-m", "tests.differential.limits.limited", "0", str(ON_NATIVE)]
    done = subprocess.run(command, cwd=PROJECT, env=dict(os.environ), capture_output=True, text=True, check=False)
    if done.returncode == 127:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr[-3000:]
    # JSON has lists.
    reference = json.loads(json.dumps(records("reference", 0, ON_NATIVE)))
    assert len(reference) > ON_NATIVE * 3 // 4
    assert json.loads(done.stdout) == reference
    assert json.loads(json.dumps(records("translated", 0, ON_NATIVE))) == reference
