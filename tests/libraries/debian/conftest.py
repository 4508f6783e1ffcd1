"""Debian's libraries for arm64, fetched once."""

from __future__ import annotations

import fcntl
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
PACKAGES = ("zlib1g", "libexpat1", "libsqlite3-0", "libstdc++6")
_AGAIN = 600
"""Seconds after which a download that failed is tried again."""


@pytest.fixture(scope="session")
def packages(request: pytest.FixtureRequest) -> Path:
    """A folder with the packages and what they need, unpacked. They are kept in pytest's cache."""
    cache = getattr(request.config, "cache", None)
    kept = cache.mkdir("arm64-packages") if cache is not None else Path(tempfile.mkdtemp(prefix="armexec-arm64-"))
    root, stamp, failure = kept / "root", kept / "stamp", kept / "failure"
    wanted = " ".join(PACKAGES)
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several processes one fetches them
        if stamp.exists() and stamp.read_text() == wanted:
            return root
        if failure.exists() and time.time() - failure.stat().st_mtime < _AGAIN:
            pytest.skip(failure.read_text())
        command = [str(PROJECT / "scripts" / "arm64-packages"), str(root), *PACKAGES]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            problem = done.stderr if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            problem = str(error)
        if problem:
            failure.write_text(f"no packages for arm64: {problem.strip()[-200:]}")
            pytest.skip(failure.read_text())
        stamp.write_text(wanted)
        return root


@pytest.fixture(scope="session")
def folders(packages: Path) -> list[Path]:
    """The folders with libraries, among them glibc."""
    return sorted({path.parent for path in packages.rglob("*.so.*") if "gconv" not in path.parts})


@pytest.fixture(scope="session")
def library(packages: Path) -> Callable[[str], Path]:
    """A function that gives the path of a library by its name."""
    return lambda name: next(path for path in packages.rglob(name) if "gconv" not in path.parts)


@pytest.fixture(scope="session")
def search(
    folders: list[Path], library: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], list[Path]]:
    """A function that gives the folders to look for libraries in: those with "glibc", or one without a C library."""
    own = tmp_path_factory.mktemp("without-c")
    for name in ("libstdc++.so.6", "libgcc_s.so.1"):
        (own / name).symlink_to(library(name))
    return lambda c_library: folders if c_library == "glibc" else [own]
