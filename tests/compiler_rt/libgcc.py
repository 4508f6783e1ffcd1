"""C that runs under qemu-aarch64 with libgcc, as an oracle: the same text that armexec compiles and runs."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest

GCC, QEMU = "aarch64-linux-gnu-gcc", "qemu-aarch64"
# Reads what `batch` takes, as long as there is any, and writes what it gives.
_MAIN = """
#include <stdio.h>
int main(void) {
    static unsigned char in[IN], out[OUT];
    while (fread(in, IN, 1, stdin) == 1) {
        for (unsigned long i = 0; i < OUT; i++) out[i] = 0;
        one(in, out);
        fwrite(out, OUT, 1, stdout);
    }
    return 0;
}
"""


def required() -> None:
    """Skip the test where the cross compiler or qemu are missing."""
    for program in (GCC, QEMU):
        if shutil.which(program) is None:
            pytest.skip(f"{program} isn't installed")


@lru_cache(maxsize=8)
def _program(source: str, flags: tuple[str, ...], folder: Path) -> Path:
    name = hashlib.sha256(repr((source, flags)).encode()).hexdigest()[:16]
    program = folder / name
    subprocess.run([GCC, "-x", "c", "-static", *flags, "-o", program, "-"], input=(source + _MAIN).encode(), check=True)
    return program


def run(source: str, data: bytes, folder: Path, flags: tuple[str, ...] = ("-O2",)) -> bytes:
    """The results of `void one(const unsigned char *in, unsigned char *out)` of `source` for each IN bytes of data."""
    program = _program(source, flags, folder)
    return subprocess.run([QEMU, program], input=data, capture_output=True, check=True).stdout
