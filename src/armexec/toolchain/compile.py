"""C, C++ and assembly source to an object or to assembly text, through the compiler or the cache.

A cached result is used only while every file that it was made from is unchanged. A new header in an earlier folder of
the search path isn't noticed.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Unpack

from armexec.errors import CompileError, Diagnostic
from armexec.store import Store
from armexec.toolchain.cache import dependencies, hash_settled, pack, unpack
from armexec.toolchain.compiler import Compiler, find_compiler, target_flags
from armexec.toolchain.inclusions import LARGEST, check_inclusions, read_regular
from armexec.toolchain.options import CompileOptions
from armexec.toolchain.targets import Target, resolve_target

if TYPE_CHECKING:
    from armexec.toolchain.process import Finished

__all__ = ["Compiled", "assembly_output", "compile_assembly", "compile_object"]

_OPTIMIZATIONS = ("-O0", "-O1", "-O2", "-O3", "-Og", "-Os", "-Oz", "-Ofast", "-O")
_MAGICS = {"elf": b"\x7fELF", "macho": b"\xcf\xfa\xed\xfe"}  # both little-endian and 64 bits
_UNNAMED = "<source>"
_BYTE_ORDER_MARK = "\ufeff"
# Constructs that depend on something that compilers don't list among the dependencies.
_UNTRACKED = re.compile(rb"__DATE__|__TIME__|__TIMESTAMP__|\.incbin|\.include", re.IGNORECASE)
_CRASHED = re.compile(r"PLEASE submit a bug report|frontend command failed|internal compiler error")


class Compiled(NamedTuple):
    """The compiler's output, `data`, the `command` that made it, and its warnings.

    `cached` tells whether it comes from the cache.
    """

    data: bytes
    compiler: Compiler
    command: tuple[str, ...]
    cached: bool
    diagnostics: tuple[Diagnostic, ...] = ()


def compile_object(source: str, *, meanwhile: Iterable[object] = (), **options: Unpack[CompileOptions]) -> Compiled:
    """Compile `source` to a relocatable object: ELF, or Mach-O for the target "apple".

    `meanwhile` is iterated while the compiler runs, but not if the object is in the cache.

    Raises CompileError, with the compiler's diagnostics, if there is no object to return.
    """
    return _Job(source, "-c", **options).result(meanwhile)


def compile_assembly(source: str, *, markers: bool = False, **options: Unpack[CompileOptions]) -> str:
    """Compile `source` to assembly text, as the compiler prints it for -S.

    Assembly comes back as it is, or preprocessed if `filename` ends in .S; then with `markers` it has line markers.

    Raises CompileError, with the compiler's diagnostics, if there is no text to return.
    """
    is_assembly = options.get("language") in ("assembler", "assembler-with-cpp")
    job = _Job(source, "-E" if is_assembly else "-S", **options)
    if job.language == "assembler":
        return source
    if markers:
        job.keep_markers()
    return job.result().data.decode("utf-8", "replace")


def assembly_output(source: str, **options: Unpack[CompileOptions]) -> Compiled:
    """Compile C or C++ to assembly as `compile_assembly` does; the text's bytes, with the command and the warnings.

    Raises CompileError, with the compiler's diagnostics, if there is no text to return.
    """
    return _Job(source, "-S", **options).result()


class _Job:
    """One compilation: checked arguments, the command, the key of its result."""

    def __init__(
        self,
        source: str,
        mode: str,
        *,
        language: str = "c++",
        opt: str | int = "-O0",
        target: str = "host",
        flags: Iterable[str] | str = (),
        filename: str | None = None,
        compiler: str | None = None,
        debug: bool = True,
        timeout: float = 300.0,
    ) -> None:
        _check_types(source, filename, compiler)
        self.name = filename or _UNNAMED
        if "\0" in self.name:
            raise CompileError("the file's name holds a null character")
        self.source = _encode(source, self.name)
        self.language = _language(language, self.name)
        self.preprocessed = self.language != "assembler"
        self.flags = _flags(flags)
        self.timeout = timeout
        self.mode = mode
        self.mode_options = ("-E", "-P") if mode == "-E" else (mode,)
        self.target: Target = resolve_target(target)
        level = _optimization(opt)
        self.compiler = find_compiler(compiler)
        self.by_path = filename is not None and _holds(filename, self.source)
        self.command = (*self.compiler.command, *self._options(level, debug), *self.flags, *self._input())

    def keep_markers(self) -> None:
        """Have the preprocessor write line markers."""
        self.command = tuple(word for word in self.command if word != "-P")

    def _options(self, opt: str, debug: bool) -> list[str]:
        options = ["-x", self.language, *target_flags(self.compiler, self.target, self.language)]
        # -march would win over -mcpu even if it came first.
        if not any(flag.startswith(("-march=", "-mcpu=")) for flag in self.flags):
            options.append("-march=armv8-a")
        if self.language in ("c", "c++"):
            options += [
                opt,
                "-ffixed-x18",  # macOS keeps x18 for itself, and the words may run there
                # Some systems' compilers turn these on, and both would call a library.
                "-fno-stack-protector",
                *(("-mno-outline-atomics",) if self.target.object_format == "elf" else ()),
            ]
            if self.compiler.kind == "gcc":
                # Distributions turn these on; plain gcc, like plain clang, doesn't.
                options += ["-mbranch-protection=none", "-fno-stack-clash-protection", "-U_FORTIFY_SOURCE"]
        if debug:
            options.append("-gdwarf-5")
            if self.compiler.kind == "clang" and self.language in ("c", "c++"):
                # A class is described also where its constructor isn't emitted.
                options.append("-fstandalone-debug")
        # With these options no compiler leaves files behind.
        options.append("-fno-crash-diagnostics" if self.compiler.kind == "clang" else "-pipe")
        if self.preprocessed:
            options.append("-fdiagnostics-color=never")
            folder = os.path.dirname(self.name)
            if folder and not self.by_path:
                options += ["-iquote", folder]
        if self.compiler.kind == "clang" and self.language in ("c", "c++") and not self.by_path:
            # The compile unit's name in the debug information, "-" otherwise.
            options += ["-Xclang", "-main-file-name", "-Xclang", self.name]
        return options

    def _input(self) -> tuple[str, ...]:
        if not self.by_path:
            return (*self.mode_options, "-")
        # A name that starts with "-" isn't an option, nor "@" a file of options.
        name = os.path.join(".", self.name) if self.name.startswith(("-", "@")) else self.name
        return (*self.mode_options, name)

    def _standard_input(self) -> bytes:
        """The source under its own name instead of "<stdin>"."""
        if self.by_path:
            return b""
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").encode("utf-8", "replace")
        marker = b'#line 1 "%s"\n' if self.preprocessed else b'# 1 "%s"\n'
        return marker % quoted + self.source

    def result(self, meanwhile: Iterable[object] = ()) -> Compiled:
        store = Store("objects")
        key = store.key(
            "object 1", self.compiler.identity, json.dumps(self.command), self.name, _directory(), self.source
        )
        usable = not _UNTRACKED.search(self.source)
        if usable:
            kept = store.get(key)
            found = unpack(kept) if kept is not None else None
            if found is not None:
                data, diagnostics = found
                return Compiled(data, self.compiler, self.command, True, diagnostics)
        check_inclusions(self.source, self.name, self.flags)
        import tempfile

        from armexec.toolchain.process import run

        started = time.time_ns()
        with tempfile.TemporaryDirectory(prefix="armexec-") as folder:
            output, rule = os.path.join(folder, "output"), os.path.join(folder, "dependencies")
            command = (*self.command, "-o", output)
            if self.preprocessed:
                command += ("-MD", "-MF", rule)
            finished = run(command, source=self._standard_input(), timeout=self.timeout, meanwhile=meanwhile)
            diagnostics = self._judge(finished)
            data = _read(output) or b""
            listed = dependencies(_read(rule), self.compiler.headers) if self.preprocessed else []
        if self.mode == "-c" and not data.startswith(_MAGICS[self.target.object_format]):
            raise CompileError(
                f"the compiler made no {self.target.object_format.upper()} object of {self.name}: one of the "
                f"flags {' '.join(self.flags) or '(none)'} makes it do something else",
                diagnostics=diagnostics,
                text=finished.text,
            )
        hashes = hash_settled(listed, started) if usable and listed is not None else None
        if hashes is not None:
            store.put(key, pack(data, diagnostics, hashes))
        return Compiled(data, self.compiler, self.command, False, diagnostics)

    def _judge(self, finished: Finished) -> tuple[Diagnostic, ...]:
        """The diagnostics of a compilation that succeeded; otherwise raise CompileError."""
        from armexec.toolchain.diagnostics import parse_diagnostics

        # GNU as reads the source, or gcc's output.
        assembled = "<inline asm>" if self.language in ("c", "c++") else self.name
        text = re.sub(r"^\{standard input\}(?=:)", lambda _: assembled, finished.text, flags=re.MULTILINE)
        text = re.sub(r"^<stdin>(?=:)", lambda _: self.name, text, flags=re.MULTILINE)
        diagnostics = parse_diagnostics(text)
        if finished.status == 0:
            return diagnostics
        who = f"{self.compiler.kind} {self.compiler.version}"
        errors = [diagnostic for diagnostic in diagnostics if "error" in diagnostic.severity]
        if finished.status < 0 or _CRASHED.search(text) or not errors:
            if finished.status < 0:
                how = f"was killed by {_signal_name(-finished.status)}"
            else:
                how = f"failed with status {finished.status}"
            message = f"{who} {how} while compiling {self.name}: it may be too large, or the compiler has a fault"
        else:
            message = f"{who} refuses {self.name}"
        detail = text.strip()
        raise CompileError(f"{message}\n{detail}" if detail else message, diagnostics=diagnostics, text=finished.text)


def _check_types(source: object, filename: object, compiler: object) -> None:
    """Raise CompileError for arguments that aren't text."""
    if not isinstance(source, str):
        hint = ""
        if isinstance(source, bytes | bytearray):
            hint = ": decode it, as by source.decode()"
        elif isinstance(source, os.PathLike):
            hint = ": read it, as by Path(...).read_text(), and give its name as filename"
        raise CompileError(f"the source is text, not {type(source).__name__}{hint}")
    for what, value in (("filename", filename), ("compiler", compiler)):
        if value is not None and not isinstance(value, str):
            raise CompileError(f"the {what} is text, not {type(value).__name__} {value!r:.60}")


def _optimization(opt: str | int) -> str:
    """The option of a level: `-O2` for "-O2", "O2", "2" and 2."""
    if isinstance(opt, str | int) and not isinstance(opt, bool) and opt != "":
        for option in _OPTIMIZATIONS:
            if str(opt) in (option, option[1:], option[2:]):
                return option
    raise CompileError(f"unknown optimization level {opt!r}: choose one of {', '.join(_OPTIMIZATIONS)}")


def _encode(source: str, name: str) -> bytes:
    source = source.removeprefix(_BYTE_ORDER_MARK)
    if not source.strip():
        raise CompileError(f"the source is empty: {name}")
    null = source.find("\0")
    if null >= 0:
        line = source.count("\n", 0, null) + 1
        column = null - source.rfind("\n", 0, null)
        message = "the source holds a null character: is it text?"
        raise CompileError(
            f"{name}:{line}:{column}: {message}",
            diagnostics=(Diagnostic(name, line, column, "error", message),),
        )
    try:
        data = source.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CompileError(f"the source of {name} isn't Unicode text: {error}") from None
    if len(data) > LARGEST:
        raise CompileError(f"the source of {name} has {len(data)} bytes; at most {LARGEST} can be compiled at once")
    return data


def _language(language: str, name: str) -> str:
    if language not in ("c", "c++", "assembler", "assembler-with-cpp"):
        raise CompileError(f"unknown language {language!r}: choose one of c, c++, assembler")
    if language == "assembler" and name.endswith(".S"):
        return "assembler-with-cpp"
    return language


def _flags(flags: Iterable[str] | str) -> tuple[str, ...]:
    if isinstance(flags, str):
        import shlex

        try:
            flags = shlex.split(flags)
        except ValueError as error:
            raise CompileError(f"can't read the flags {flags!r}: {error}") from None
    if not isinstance(flags, Iterable):
        raise CompileError(f"the flags are text or a list of texts, not {type(flags).__name__} {flags!r:.60}")
    result = tuple(flags)
    for flag in result:
        if not isinstance(flag, str) or "\0" in flag:
            raise CompileError(f"not a compiler flag: {flag!r}")
    return result


def _holds(path: str, source: bytes) -> bool:
    """Whether `path` is a file that holds exactly `source`, so that the compiler can read the file itself."""
    try:
        return os.path.getsize(path) == len(source) and read_regular(path) == source
    except OSError:
        return False


def _read(path: str) -> bytes | None:
    """The bytes of a file that the compiler has made."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _directory() -> str:
    """The working directory, on which relative flags and the debug information depend."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def _signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
