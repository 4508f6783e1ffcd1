"""Fuzz for some minutes: `scripts/fuzz MINUTES [TARGET ...]`.

The readers of files and texts are fuzzed with atheris, guided by coverage, where it is installed (the extra
`fuzz`), and by random changes elsewhere. What fails is kept in tests/fuzz/found, where the tests read it again.
`words` compares random words in random states on all engines, `sequences` sequences of words, and `programs` random
programs. Where one of these ends the process, its seed is in a file there, for `--seed`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutations import mutated

from .engines import KINDS, fuzz_engines
from .targets import FOUND, TARGETS, run, seeds


def fuzz_reader(target: str, seconds: float) -> bool:
    """Fuzz a reader. True if nothing failed."""
    if importlib.util.find_spec("atheris") is not None:
        return _with_atheris(target, seconds)
    chance, good = random.Random(), list(seeds(target))
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = mutated(chance.choice(good), chance)
        count += 1
        try:
            run(target, data)
        except Exception as error:
            _keep(target, data, error)
            return False
    print(f"{target}: {count} inputs by random changes (atheris isn't installed), nothing failed")
    return True


def _with_atheris(target: str, seconds: float) -> bool:
    with tempfile.TemporaryDirectory() as corpus, tempfile.TemporaryDirectory() as crashes:
        for data in seeds(target):
            (Path(corpus) / hashlib.sha256(data).hexdigest()).write_bytes(data)
        options = [f"-max_total_time={max(int(seconds), 1)}", f"-artifact_prefix={crashes}/", "-timeout=100"]
        command = [sys.executable, "-m", "tests.fuzz.coverage_guided", target, *options, corpus]
        # What is kept of each input would fill the user's cache.
        environment = {**os.environ, "ARMEXEC_CACHE": "off"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        made = len(list(Path(corpus).iterdir()))
        for path in Path(crashes).iterdir():
            _keep(target, path.read_bytes(), done.stderr[-3000:])
        inputs = next((line for line in done.stderr.splitlines() if line.startswith("Done ")), "")
    print(f"{target}: {inputs.strip() or 'stopped'}; the corpus has {made} inputs")
    if done.returncode and not inputs:
        print(done.stderr[-3000:])
    return done.returncode == 0


def _keep(target: str, data: bytes, why: object) -> None:
    path = FOUND / f"{target}-{hashlib.sha256(data).hexdigest()[:12]}"
    FOUND.mkdir(exist_ok=True)
    path.write_bytes(data)
    print(f"{target}: failed, kept as {path}: {why!r:.3000}")


def main() -> int:
    """Fuzz, and say what was found."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("minutes", type=float, help="for all targets together")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join((*TARGETS, *KINDS))}; else all")
    parser.add_argument(
        "--seed", type=int, help="compare once more what a seed stands for, of words, sequences, programs"
    )
    arguments = parser.parse_args()
    chosen = arguments.targets or [*TARGETS, *KINDS]
    unknown = [name for name in chosen if name not in (*TARGETS, *KINDS)]
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}")
    seconds = arguments.minutes * 60 / len(chosen)
    good = [_fuzzed(name, seconds, arguments.seed) for name in chosen]
    return 0 if all(good) else 1


def _fuzzed(name: str, seconds: float, seed: int | None) -> bool:
    return fuzz_engines(name, seconds, seed) if name in KINDS else fuzz_reader(name, seconds)


if __name__ == "__main__":
    sys.exit(main())
