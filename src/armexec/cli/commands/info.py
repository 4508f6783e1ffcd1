"""`armexec info`: the engines, the compiler and the rules for memory on this host."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator

from armexec.cli.command import command
from armexec.errors import CompileError, HostError


@command()
def info() -> None:
    """Show what armexec finds on this host.

    The host itself, the engines, the compiler, and the rules for executable memory.
    """
    rows = [*_host(), *_engines(), *_compiler(), *_memory(), *_workers()]
    if sys.platform == "darwin":
        rows += _code_signing()
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")


def _host() -> Iterator[tuple[str, str]]:
    from armexec import __version__
    from armexec.memory import page_size

    yield "armexec", __version__
    yield "host", f"{platform.system()} {platform.release()}, {platform.machine()}"
    yield "python", f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    yield "page size", f"{page_size()} bytes"


def _engines() -> Iterator[tuple[str, str]]:
    from armexec.engines import ENGINES, default_engine, get_engine

    for name in ENGINES:
        try:
            get_engine(name)
            state = "available, the default" if name == default_engine() else "available"
        except HostError as error:
            state = f"not here: {str(error).rpartition(': ')[2]}"
        yield f"engine {name}", state


def _compiler() -> Iterator[tuple[str, str]]:
    from armexec.store import STORES, cache_directory, distrust
    from armexec.toolchain import find_compiler, resolve_target

    try:
        found = find_compiler()
        yield "compiler", f"{found.kind} {found.version}, {' '.join(found.command)}"
    except CompileError as error:
        yield "compiler", f"none: {error}"
    yield "host target", resolve_target("host").triple
    folder = cache_directory()
    if folder is None:
        yield "cache", "none: there is no home directory"
        return
    trouble = next((why for place in (folder, *(folder / name for name in STORES)) if (why := distrust(place))), "")
    yield "cache", f"{folder}, not used: {trouble}" if trouble else str(folder)


def _memory() -> Iterator[tuple[str, str]]:
    from armexec.memory import strategy_name

    try:
        yield "executable memory", strategy_name()
    except HostError as error:
        yield "executable memory", f"none: {error}"


def _workers() -> Iterator[tuple[str, str]]:
    from armexec.isolation.sandbox import available

    yield "worker processes", available()


def _code_signing() -> Iterator[tuple[str, str]]:
    """The rights in the code signature of this Python (codesign(1)), which the kernel gives the process."""
    try:
        signature = _codesign("-d", "-v", sys.executable)
        entitlements = _codesign("-d", "--entitlements", "-", sys.executable)
    except (OSError, subprocess.SubprocessError) as error:
        yield "code signing", f"codesign doesn't answer: {error}"
        return
    flags = next((line for line in signature.splitlines() if "flags=" in line), "")
    yield "code signing", flags.strip() or "not signed"
    yield "hardened runtime", "yes" if "runtime" in flags else "no"
    for right in ("allow-jit", "allow-unsigned-executable-memory", "disable-executable-page-protection"):
        yield right, "yes" if f"com.apple.security.cs.{right}" in entitlements else "no"


def _codesign(*arguments: str) -> str:
    done = subprocess.run(
        ("/usr/bin/codesign", *arguments), capture_output=True, text=True, timeout=10, check=False, errors="replace"
    )
    return done.stdout + done.stderr
