"""Fuzz for some minutes: `scripts/fuzz MINUTES [TARGET ...]`.

The readers of files and texts are fuzzed with atheris, guided by coverage, where it is installed (the extra
`fuzz`), and by random changes elsewhere. `words` compares random words in random states on all engines, and `programs`
random programs. What fails is kept in tests/fuzz/found, where the tests read it again.
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

from .targets import FOUND, TARGETS, run, seeds

ENGINES = ("words", "programs")


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


def fuzz_engines(kind: str, seconds: float) -> bool:
    """Compare random words or programs on all engines. True if all were equal."""
    from tests.differential import test_programs
    from tests.differential.generate import encodings
    from tests.differential.runner import compare, make_one

    chance = random.Random()
    end, count = time.monotonic() + seconds, 0
    # Unoptimized code is compiled in a third of the time.
    oracles = {"translated-O0": 3, "plain-O0": 6, "translated-O2": 1, "plain-O2": 1}
    while time.monotonic() < end:
        seed = chance.randrange(1 << 32)
        if kind == "programs":
            engine = chance.choice([name for name in test_programs.ENGINES if name != "reference"])
            for made in test_programs.programs(seed, 4):
                test_programs.check(made, test_programs.run_on_engine(engine, made), f"{engine}, seed {seed}")
                count += 1
            continue
        names = chance.sample(list(encodings()), 120)
        cases = [case for name in names for i in range(8) if (case := make_one(name, seed, i)) is not None]
        (oracle,) = chance.choices(list(oracles), list(oracles.values()))
        failures, _ = compare(cases, oracle)
        count += len(cases)
        if failures:
            print("\n\n".join(map(str, failures[:5])))
            return False
    print(f"{kind}: {count} compared, none differs")
    return True


def main() -> int:
    """Fuzz, and say what was found."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("minutes", type=float, help="for all targets together")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join((*TARGETS, *ENGINES))}; else all")
    arguments = parser.parse_args()
    chosen = arguments.targets or [*TARGETS, *ENGINES]
    unknown = [name for name in chosen if name not in (*TARGETS, *ENGINES)]
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}")
    seconds = arguments.minutes * 60 / len(chosen)
    good = [(fuzz_engines if name in ENGINES else fuzz_reader)(name, seconds) for name in chosen]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
