"""Finding a compiler, and recognizing it without starting it every time."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import sys
from dataclasses import dataclass
from typing import Literal

from armexec.errors import CompileError
from armexec.store import Store
from armexec.toolchain.targets import Target

__all__ = ["Compiler", "find_compiler", "target_flags", "wheel_compiler"]

_PROBE_SECONDS = 60.0
_ADVICE = "install the ziglang package, or name an AArch64 clang or gcc with --compiler or ARMEXEC_CC"


@dataclass(frozen=True)
class Compiler:
    """A C, C++ and assembly compiler.

    `command` starts it. `kind` is "clang" or "gcc", by its options. `machine` is the triple that a gcc compiles for;
    empty for clang, which compiles for all. `headers` is the folder of C and C++ headers of the ziglang package; empty
    if the compiler's own are used. `stamp` is the time and size of its file, `identity` a text that changes with the
    compiler.
    """

    command: tuple[str, ...]
    kind: Literal["clang", "gcc"]
    machine: str = ""
    headers: str = ""
    stamp: str = ""
    identity: str = ""

    @functools.cached_property
    def version(self) -> str:
        """Its version. Raises CompileError if it has to be started for that and doesn't answer."""
        banner, _ = _probe(self.command, self.stamp)
        pattern = r"clang version (\S+)" if self.kind == "clang" else r"(\d+\.\d\S*)$"
        numbers = re.search(pattern, banner)
        return numbers[1] if numbers else banner

    @property
    def path(self) -> str:
        """The program's file."""
        return self.command[0]


def find_compiler(compiler: str | None = None) -> Compiler:
    """The compiler to use: `compiler`, else `ARMEXEC_CC`, else the clang of ziglang, else the system's.

    `compiler` and `ARMEXEC_CC` are a program's name or path, with arguments if need be, as a shell would
    split them. Raises CompileError if it isn't there, doesn't run, or is no AArch64 compiler.
    """
    for asked, source in ((compiler, "--compiler"), (os.environ.get("ARMEXEC_CC"), "ARMEXEC_CC")):
        if asked:
            return _identify(_split(asked, source))
    zig = _wheel_zig()
    if zig:
        return _identify((zig,))
    import shutil

    clang = shutil.which("clang")
    if clang:
        return _identify((clang,))
    raise CompileError(f"no C and C++ compiler: {_ADVICE}")


def wheel_compiler() -> Compiler | None:
    """The clang of the ziglang package, whatever ARMEXEC_CC says; None where the package isn't installed.

    Without a target it makes code for this host. Raises CompileError if it doesn't run.
    """
    zig = _wheel_zig()
    return _identify((zig,)) if zig else None


def _split(asked: str, source: str) -> tuple[str, ...]:
    import shlex
    import shutil

    try:
        # A path with spaces is a program, not a program and arguments.
        words = [asked] if os.path.isfile(asked) else shlex.split(asked)
        program = shutil.which(words[0]) if words else None
    except ValueError as error:
        raise CompileError(f"can't read the compiler {asked!r} (from {source}): {error}") from None
    if not program:
        raise CompileError(f"no program {asked!r} (from {source}): {_ADVICE}")
    return (os.path.abspath(program), *words[1:])


@functools.cache
def _wheel_zig() -> str:
    """The path of the ziglang package's program, or an empty string."""
    # The package's Python module replaces the process by the program: it is located, not imported.
    spec = importlib.util.find_spec("ziglang")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        for name in ("zig", "zig.exe"):
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK):
                return path
    return ""


def _zig_headers(zig: str) -> str:
    """The folder of headers that belongs to the program `zig`, or an empty string."""
    folder = os.path.dirname(os.path.realpath(zig))
    for lib in (os.path.join(folder, "lib"), os.path.join(os.path.dirname(folder), "lib", "zig")):
        if os.path.isdir(os.path.join(lib, "libc", "include")):
            return lib
    return ""


def _identify(command: tuple[str, ...]) -> Compiler:
    try:
        status = os.stat(command[0])
    except OSError as error:
        raise CompileError(f"can't read the compiler {command[0]}: {error.strerror}") from None
    return _identify_file(command, status.st_mtime_ns, status.st_size)


@functools.cache
def _identify_file(command: tuple[str, ...], modified: int, size: int) -> Compiler:
    is_zig = re.fullmatch(r"zig(-[\d.]+)?(\.exe)?", os.path.basename(command[0])) is not None
    if is_zig:
        # `zig clang` is clang itself. `zig cc` adds checks, flags and a cache folder, and reads -march and --target in
        # its own way.
        command = (command[0], "clang", *command[2:])
    stamp = f"{modified} {size}"
    # The package's compiler is clang: its first compilation needn't wait for the version.
    known = is_zig and command[0] == _wheel_zig()
    banner, machine = ("clang", "") if known else _probe(command, stamp)
    kind: Literal["clang", "gcc"] = "clang" if "clang" in banner else "gcc"
    headers = _zig_headers(command[0] if is_zig else _wheel_zig() or command[0])
    if kind == "gcc":
        headers = ""
        if not machine.startswith(("aarch64", "arm64")):
            raise CompileError(
                f"{command[0]} makes code for {machine or 'an unknown machine'}, not for AArch64: {_ADVICE}"
            )
    elif is_zig and not headers:
        raise CompileError(f"{command[0]} has no headers beside it: install the ziglang package again")
    return Compiler(
        command=command,
        kind=kind,
        machine=machine,
        headers=headers,
        stamp=stamp,
        identity=f"{banner}\n{machine}\n{stamp}",
    )


@functools.cache
def _probe(command: tuple[str, ...], stamp: str) -> tuple[str, str]:
    """The first line of the output of --version, and a gcc's machine."""
    store = Store("compilers")
    key = store.key("compiler 1", json.dumps(command), stamp)
    kept = store.get(key)
    if kept is not None:
        try:
            banner, machine = json.loads(kept)
            return str(banner), str(machine)
        except (ValueError, TypeError, RecursionError):
            store.drop(key)
    from armexec.toolchain.process import run

    asked = run((*command, "--version"), timeout=_PROBE_SECONDS)
    banner = asked.output.decode("utf-8", "replace").partition("\n")[0].strip()
    machine = ""
    if asked.status == 0 and "clang" not in banner:
        answer = run((*command, "-dumpmachine"), timeout=_PROBE_SECONDS)
        machine = answer.output.decode("utf-8", "replace").strip() if answer.status == 0 else ""
    if asked.status != 0 or not banner or not (machine or "clang" in banner):
        raise CompileError(f"{' '.join(command)} doesn't answer as clang or gcc does: {_ADVICE}", text=asked.text)
    store.put(key, json.dumps((banner, machine)).encode())
    return banner, machine


# As Zig configures the libc++ whose headers it brings, for a program without its own __config_site.
_LIBCXX = tuple(
    f"-D{definition}"
    for definition in (
        "_LIBCPP_ABI_VERSION=1",
        "_LIBCPP_ABI_NAMESPACE=__1",
        "_LIBCPP_HAS_THREADS=1",
        "_LIBCPP_HAS_MONOTONIC_CLOCK=1",
        "_LIBCPP_HAS_TERMINAL=1",
        "_LIBCXXABI_DISABLE_VISIBILITY_ANNOTATIONS",
        "_LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS",
        "_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=0",
        "_LIBCPP_HAS_FILESYSTEM=1",
        "_LIBCPP_HAS_RANDOM_DEVICE=1",
        "_LIBCPP_HAS_LOCALIZATION=1",
        "_LIBCPP_HAS_UNICODE=1",
        "_LIBCPP_HAS_WIDE_CHARACTERS=1",
        "_LIBCPP_HAS_NO_STD_MODULES",
        "_LIBCPP_HAS_TIME_ZONE_DATABASE=1",
        "_LIBCPP_PSTL_BACKEND_SERIAL",
        "_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_NONE",
        "_LIBCPP_HARDENING_MODE_DEFAULT=_LIBCPP_HARDENING_MODE_NONE",
        "_LIBCPP_ASSERTION_SEMANTIC_DEFAULT=_LIBCPP_ASSERTION_SEMANTIC_IGNORE",
    )
)
_LIBCXX_NEEDS = 20  # the oldest major version of clang that ziglang's libc++ supports
_C_LIBRARY = {
    "linux": ("aarch64-linux-musl", "generic-musl", "aarch64-linux-any", "any-linux-any"),
    "apple": ("any-darwin-any",),
}


def target_flags(compiler: Compiler, target: Target, language: str) -> tuple[str, ...]:
    """The options that make `compiler` compile for `target`, with that target's headers, not the host's.

    Raises CompileError if a gcc can't make the target's object format.
    """
    if compiler.kind == "gcc":
        if target.object_format != "elf" or not _is_elf_machine(compiler.machine):
            raise CompileError(
                f"{compiler.path} (gcc for {compiler.machine}) can't make objects for the target "
                f"{target.name!r}: use clang"
            )
        return target.flags
    flags = [f"--target={target.triple}"]
    if language == "assembler":
        return tuple(flags)
    flags += target.flags
    own_headers = compiler.command[1:2] != ("clang",)
    if not own_headers:
        flags += ["-resource-dir", compiler.headers]
    if target.name == "bare":
        return (*flags, "-nostdlibinc", "-nostdinc++")
    # A Mac's own clang uses the SDK, which is more complete.
    if not compiler.headers or (own_headers and target.name == "apple" and sys.platform == "darwin"):
        return tuple(flags)
    flags += ["-nostdlibinc", "-nostdinc++"]
    # Without libc++, C++ still has the C headers.
    if language == "c++" and (not own_headers or _major(compiler.version) >= _LIBCXX_NEEDS):
        for part in ("libcxx", "libcxxabi"):
            flags += ["-isystem", os.path.join(compiler.headers, part, "include")]
        flags += [*_LIBCXX, f"-D_LIBCPP_HAS_MUSL_LIBC={int(target.name == 'linux')}"]
    # After the compiler's own headers, which those of libc++ and the C library need.
    for part in _C_LIBRARY[target.name]:
        flags += ["-idirafter", os.path.join(compiler.headers, "libc", "include", part)]
    return tuple(flags)


def _major(version: str) -> int:
    digits = re.match(r"\d+", version)
    return int(digits[0]) if digits else 0


def _is_elf_machine(machine: str) -> bool:
    return not any(other in machine for other in ("darwin", "apple", "mingw", "cygwin"))
