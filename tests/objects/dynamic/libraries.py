"""Shared libraries to load, made by the linker of the ziglang package."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from ..helpers import GCC, ZIG


def shared(folder: Path, name: str, source: str, *flags: str, suffix: str = ".c", target: str = "musl") -> Path:
    """A shared library of C source (or assembly, by the suffix) without a C library; its path."""
    path = folder / name
    text = folder / f"{name}{suffix}"
    text.write_text(source)
    command = [ZIG, "cc", "-target", f"aarch64-linux-{target}", "-shared", "-fPIC", "-nostdlib", "-O1", "-w"]
    command += [text.name, "-o", name, f"-Wl,-soname,{name}", *flags]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return path


def gcc_shared(source: str, *flags: str) -> bytes:
    """A shared library that GCC and GNU ld make of C source."""
    if GCC is None:
        pytest.skip("aarch64-linux-gnu-gcc is not installed")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.so"
        command = [GCC, "-xc", "-shared", "-fPIC", "-nostdlib", "-O1", *flags, "-", "-o", str(path)]
        subprocess.run(command, input=source, text=True, check=True, timeout=120)
        return path.read_bytes()
