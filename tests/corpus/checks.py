"""What the tests of all corpora do: run a file on an engine, or under qemu-aarch64, and compare with the host."""

from __future__ import annotations

import ctypes
import functools
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import armexec
from armexec.errors import Error

from . import (
    OPTIMIZATION_LEVELS,
    Case,
    Corpus,
    CorpusFunction,
    NoHostCompiler,
    Outcome,
    half_precision,
    host_library,
    zig_clang,
)
from .harness import harness, lines

#: How many cases of each function the default run makes. An interpreter of single instructions gets fewer.
SAMPLE = {"native": 12, "translated": 8, "reference": 3}

ENGINES = [
    "translated",
    "reference",
    pytest.param(
        "native",
        marks=pytest.mark.skipif(
            platform.machine() not in ("aarch64", "arm64"),
            reason="this machine's processor isn't an AArch64 one",
        ),
    ),
]


# One tier, so that which code runs doesn't depend on how soon the background is done.
TIERED = {"translated": "translated:O2", "reference": "reference", "native": "native"}


def selected(function: CorpusFunction, count: int | None, heavy: bool) -> list[Case]:
    """The function's first cases and some later ones, about `count` in all, in order; all of them if None."""
    cases = [case for case in function.cases if heavy or not case.heavy]
    if count is None or len(cases) <= count:
        return cases
    first = -(-count // 2)
    rest = cases[first:]
    return [*cases[:first], *(rest[:: -(-len(rest) // (count - first))] if count > first else [])]


@functools.cache
def expected(
    corpus: Corpus, stem: str, count: int | None, heavy: bool, opt: str = "-O1"
) -> tuple[tuple[Outcome, ...], ...]:
    """What the host's own compilation gives, for each function of the file."""
    file = corpus.files[stem]
    try:
        library = host_library(file, opt, corpus.host_flags)
    except NoHostCompiler as error:
        pytest.skip(str(error))
    return tuple(
        tuple(function.run(functools.partial(getattr, library), selected(function, count, heavy)))
        for function in file.functions
    )


def as_passed(array: ctypes.Array[Any], type_name: str) -> Any:
    """The array itself or a NumPy view of it: both are ways to give a pointer."""
    if len(array) % 2:
        return array
    view = np.ctypeslib.as_array(array)
    return view.view(np.float16) if type_name == "_Float16" else view


def check(
    corpus: Corpus, stem: str, flags: Sequence[str], opt: str, engine: str, count: int | None, *, sandbox: bool = False
) -> None:
    """Compile the file for AArch64 and compare about `count` cases of each function with the host's outcomes."""
    file = corpus.files[stem]
    heavy = engine != "reference"
    wanted = expected(corpus, stem, count, heavy)
    module = armexec.compile(
        file.source,
        language="c",
        opt=opt,
        target="linux",
        flags=[*corpus.flags, *flags],
        engine=TIERED[engine],
        sandbox=sandbox,
    )
    wrong = []
    for function, outcomes in zip(file.functions, wanted, strict=True):
        cases = selected(function, count, heavy)
        try:
            got: Sequence[Outcome] = list(function.run(module.__getitem__, cases, as_passed))
        except Error as error:
            wrong.append(f"{function.prototype}: {type(error).__name__}: {error}")
            continue
        wrong += [
            f"{function.prototype}{shown(case)}: {difference(outcome, right)}"
            for case, outcome, right in zip(cases, got, outcomes, strict=True)
            if outcome != right
        ][:3]
    assert not wrong, "\n".join(wrong)


def shown(case: Case) -> str:
    """The arguments, of buffers the values."""
    return str(tuple(getattr(argument, "values", argument) for argument in case.arguments))


def difference(found: Outcome, right: Outcome) -> str:
    """Where two outcomes differ first."""
    for number, (ours, theirs) in enumerate(zip(found.buffers, right.buffers, strict=True), 1):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if one != other:
                return f"element {index} of buffer {number} is {one} instead of {other}"
    return f"{found.result} {found.after} instead of {right.result} {right.after}"


# -- the corpora themselves, checked without armexec


def zig() -> Path:
    """The wheel's compiler; the test is skipped without it."""
    found = zig_clang()
    if found is None:
        pytest.skip("the ziglang wheel isn't installed")
    return found


def aarch64_object(out: Path, corpus: Corpus, stem: str, flags: Sequence[str], opt: str) -> Path:
    """The file's object for AArch64 Linux, made by the wheel's clang with all warnings."""
    command = [str(zig()), "clang", "--target=aarch64-linux-musl", "-std=gnu11", opt]
    command += ["-Wall", "-Wextra", "-Werror", "-nostdinc", "-isystem", str(zig().parent / "lib" / "include")]
    command += [*corpus.flags, *flags, "-c", str(corpus.files[stem].path), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def printed(corpus: Corpus, stem: str, folder: Path, build: Sequence[str], run: Sequence[str] = ()) -> list[str]:
    """The lines the file's harness prints when built by the command `build` and run by `run`."""
    main, program = folder / "main.c", folder / "program"
    main.write_text(harness(corpus.files[stem]))
    done = subprocess.run([*build, "-w", "-o", str(program), str(main)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([*run, str(program)], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def check_under_qemu(corpus: Corpus, stem: str, flags: Sequence[str], opt: str, folder: Path) -> None:
    """Compare all cases of the file under qemu-aarch64 with the host's outcomes."""
    qemu = shutil.which("qemu-aarch64")
    if qemu is None:
        pytest.skip("qemu-aarch64 isn't installed")
    wanted = list(lines(corpus.files[stem], expected(corpus, stem, None, True)))
    built = aarch64_object(folder / "corpus.o", corpus, stem, flags, opt)
    build = [str(zig()), "cc", "-target", "aarch64-linux-musl", "-static", "-fno-sanitize=all", str(built)]
    found = printed(corpus, stem, folder, build, [qemu, "-cpu", "max"])
    wrong = [(one, other) for one, other in zip(found, wanted, strict=True) if one != other]
    assert not wrong, "\n".join(f"{one}\ninstead of\n{other}" for one, other in wrong[:20])


def check_defined(corpus: Corpus, stem: str, folder: Path) -> None:
    """The host's outcomes depend on nothing that C leaves undefined, nor on the level of optimization."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("gcc isn't installed")
    file = corpus.files[stem]
    wanted = {opt: list(lines(file, expected(corpus, stem, None, True, opt))) for opt in OPTIMIZATION_LEVELS}
    sanitize = ["-fsanitize=undefined,address,float-cast-overflow", "-fno-sanitize-recover=all"]
    half = half_precision() if "_Float16" in file.source else ()
    build = [gcc, "-std=gnu11", "-O0", *sanitize, *corpus.host_flags, *half, str(file.path), "-lm"]
    found = printed(corpus, stem, folder, build)
    for opt, outcomes in wanted.items():
        assert found == outcomes, opt
