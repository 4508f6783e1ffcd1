"""Building the libraries: the compiler's package has their sources, and builds them when it links a program.

Nothing is downloaded. X18 is left to the system, as macOS wants it (the words may run there).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from armexec.errors import CompileError
from armexec.progress import progress_bar

__all__ = ["LIBRARIES", "BuiltLibrary", "build", "build_options"]


class BuiltLibrary(NamedTuple):
    """One of the libraries: what it is called, the options that link it, the files that it consists of, the number of
    objects that are compiled for it, and the seconds of processor time that this takes, about."""

    title: str
    options: tuple[str, ...]
    files: tuple[str, ...]
    objects: int
    seconds: int


LIBRARIES: Mapping[str, BuiltLibrary] = {
    "c": BuiltLibrary(
        "the C library (musl)", ("-lc",), ("crt1.o", "libc.a", "libzigc.a", "libcompiler_rt.a"), 1070, 45
    ),
    # Linked dynamically, so that the C library isn't built for it once more.
    "c++": BuiltLibrary(
        "the C++ library (libc++)",
        ("-lc++", "-dynamic", "-fno-compiler-rt"),
        ("libc++abi.a", "libc++.a", "libunwind.a"),
        85,
        45,
    ),
}
"""The libraries by name."""

_TARGET = ("-target", "aarch64-linux-musl", "-mcpu=generic+reserve_x18", "-fstrip", "-fno-ubsan-rt")
_OPTIONAL = {"libzigc.a"}  # older versions have none
_SOURCE = "int main(void) { return 0; }\n"
_TIMEOUT = 3600.0


def build_options(name: str) -> tuple[str, ...]:
    """The options of the compiler's package by which a library is built."""
    return (*_TARGET, *LIBRARIES[name].options)


def build(name: str, zig: str) -> dict[str, bytes]:
    """The files of a library, built by the program `zig`. Progress is shown on standard error.

    Raises:
        CompileError: it can't be built.
    """
    library = LIBRARIES[name]
    with tempfile.TemporaryDirectory(prefix="armexec-") as folder:
        source = Path(folder, "main.cpp" if name == "c++" else "main.c")
        source.write_text(_SOURCE, encoding="utf-8")
        command = [zig, "build-exe", str(source), "--name", "main", "--verbose-link", *build_options(name)]
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ZIG_")},
            "ZIG_GLOBAL_CACHE_DIR": folder,
            "ZIG_LOCAL_CACHE_DIR": folder,
        }
        log = Path(folder, "log")
        with log.open("wb") as output, _progress(library) as progress:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environment,
                process_group=0,
            )
            try:
                _wait(process, Path(folder, "o"), progress)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, 9)
                process.wait()
                raise
        text = log.read_text(encoding="utf-8", errors="replace")
        found = {os.path.basename(word): Path(folder, word) for word in _linked(text)}
        missing = [file for file in library.files if file not in found and file not in _OPTIONAL]
        if process.returncode != 0 or missing:
            why = (
                f"status {process.returncode}" if process.returncode else f"{', '.join(missing)} isn't among its files"
            )
            raise CompileError(
                f"{library.title} can't be built by {zig} ({why}): install the ziglang package again\n{text[-2000:]}",
                text=text,
            )
        return {file: found[file].read_bytes() for file in library.files if file in found}


def _linked(text: str) -> list[str]:
    """The files in the last command of the linker."""
    commands = [line for line in text.splitlines() if line.startswith(("ld.lld ", "lld "))]
    return [word for word in commands[-1].split() if word.endswith((".a", ".o"))] if commands else []


def _wait(process: subprocess.Popen[bytes], objects: Path, show: Callable[[int], object] | None) -> None:
    end = time.monotonic() + _TIMEOUT
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.25)
            return
        if time.monotonic() > end:
            raise CompileError(f"the library wasn't built within {_TIMEOUT:g} s")
        if show is not None:
            with contextlib.suppress(OSError):
                show(len(os.listdir(objects)))


@contextlib.contextmanager
def _progress(library: BuiltLibrary) -> Iterator[Callable[[int], object] | None]:
    """A bar on a terminal; elsewhere a line before and one after."""
    what = f"armexec: building {library.title} for AArch64 Linux, once"
    started = time.monotonic()
    with progress_bar(what, library.objects) as show:
        if show is None:
            print(f"{what} (about {library.seconds} s of processor time)", file=sys.stderr, flush=True)
        yield show
    if show is None:
        print(f"armexec: {library.title} was built in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
