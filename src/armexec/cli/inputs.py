"""Files of every kind the commands take, as text, bytes or modules."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from armexec.errors import LoadError

if TYPE_CHECKING:
    from armexec.asm import Code
    from armexec.module import Module
    from armexec.objects import Image
    from armexec.toolchain import Compiled

__all__ = ["Input", "read_bytes", "write_output"]

_WORDS = {".hex": "hex", ".bin": "bin"}


def read_bytes(file: str) -> bytes:
    """What a file holds, or standard input for `-`.

    Raises:
        LoadError: it can't be read, or is a directory, a device or a pipe.
    """
    if file == "-":
        try:
            return sys.stdin.buffer.read()
        except OSError as error:
            raise LoadError(f"standard input: {error.strerror or error}") from None
    try:
        mode = os.stat(file).st_mode
        if not stat.S_ISREG(mode):
            raise LoadError(f"{file}: {'a directory' if stat.S_ISDIR(mode) else 'not a regular file'}")
        with open(file, "rb") as opened:
            return opened.read()
    except OSError as error:
        raise LoadError(f"{file}: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the name
        raise LoadError(f"{file!r}: {error}") from None


@dataclass
class Input:
    """A file, what it holds ("c", "c++", "assembly", "hex", "bin" or "object"), and how to compile it."""

    file: str
    kind: str
    opt: str = "-O0"
    target: str = "host"
    flags: Sequence[str] = ()
    compiler: str | None = None

    @classmethod
    def of(
        cls,
        file: str,
        language: str | None = None,
        *,
        level: str = "0",
        target: str = "host",
        flags: Sequence[str] | None = None,
        compiler: str | None = None,
    ) -> Input:
        """Raises LoadError for standard input of unknown language."""
        kind = language or _kind_of(file)
        if file == "-" and not language:
            raise LoadError("what standard input holds isn't known: give --language c|c++|assembly|hex|bin|object")
        return cls(file, kind, f"-O{level}", target, tuple(flags or ()), compiler)

    @property
    def name(self) -> str:
        return "<stdin>" if self.file == "-" else self.file

    @property
    def is_source(self) -> bool:
        """Whether the compiler makes an object of it: C, C++, and assembly for the preprocessor."""
        return self.kind in ("c", "c++") or (self.kind == "assembly" and self.file.endswith(".S"))

    @property
    def is_compiled(self) -> bool:
        """Whether its code is compiled from C or C++, as that of an object probably is."""
        return self.kind in ("c", "c++", "object")

    @cached_property
    def data(self) -> bytes:
        """Raises LoadError."""
        return read_bytes(self.file)

    @cached_property
    def text(self) -> str:
        """Its text, without a byte order mark. Raises LoadError, also for what isn't UTF-8."""
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise LoadError(f"{self.name}: not UTF-8 text (byte {error.start} is {byte:#04x})") from None

    def compiled(self, meanwhile: Iterable[object] = ()) -> Compiled:
        """The object the compiler makes of it; its warnings are shown.

        `meanwhile` is gone through while the compiler runs, if it has to.

        Raises:
            CompileError, LoadError: it can't be compiled or read.
        """
        from armexec.cli.outcome import warn_of
        from armexec.toolchain import compile_object

        compiled = compile_object(
            self.text,
            language=self._language,
            opt=self.opt,
            target=self.target,
            flags=self.flags,
            compiler=self.compiler,
            filename=self.name,
            meanwhile=meanwhile,
        )
        warn_of(compiled.diagnostics)
        return compiled

    def compiler_assembly(self, *, debug: bool = False, markers: bool = False) -> str:
        """The compiler's output of -S, or its preprocessor's of a .S file, with line `markers`.

        Raises:
            CompileError, LoadError: it can't be compiled or read.
        """
        from armexec.toolchain import compile_assembly

        return compile_assembly(
            self.text,
            language=self._language,
            opt=self.opt,
            target=self.target,
            flags=self.flags,
            compiler=self.compiler,
            filename=self.name,
            debug=debug,
            markers=markers,
        )

    @property
    def _language(self) -> str:
        return "assembler" if self.kind == "assembly" else self.kind

    def code(self, *, address: int | None = None, distances: bool | None = None) -> Code:
        """Assembled text, preprocessed if the file's name ends in .S; its warnings are shown.

        Raises:
            AssemblyError, CompileError, LoadError: it can't be assembled, preprocessed or read.
        """
        from armexec.asm import assemble
        from armexec.cli.outcome import warn_of

        folders: Sequence[str] = ()
        if self.flags:
            from armexec.toolchain.inclusions import include_folders

            folders = include_folders(self.flags)
        text = self.compiler_assembly(markers=True) if self.is_source else self.text
        code = assemble(
            text,
            address=address,
            distances=distances,
            file=self.name,
            target=self.target,
            folders=folders,
        )
        warn_of(code.diagnostics)
        return code

    def words(self) -> list[int]:
        """The words of a .hex or .bin file. Raises AssemblyError and LoadError."""
        from armexec.disasm.disassembler import words_of
        from armexec.words import parse_words

        if self.kind == "hex":
            return parse_words(self.text, file=self.name)
        try:
            return words_of(self.data)
        except LoadError as error:
            raise LoadError(f"{self.name}: {error}") from None

    def image(self, meanwhile: Iterable[object] = ()) -> Image:
        """It as an image, whatever it is; `meanwhile` is as for `compiled`.

        Raises:
            CompileError, AssemblyError, LoadError: it can't be compiled, assembled or read.
        """
        from armexec.images import code_image, words_image
        from armexec.objects import load_image

        if self.is_source:
            return load_image(self.compiled(meanwhile).data, self.name)
        if self.kind == "assembly":
            return code_image(self.code(), self.name, entry=self._entry)
        if self.kind in ("hex", "bin"):
            return words_image(self.words(), self.name, entry=self._entry)
        return load_image(self.data, self.name)

    @property
    def _entry(self) -> str:
        """What code without a name is called."""
        stem = "".join(c if c.isalnum() else "_" for c in os.path.splitext(os.path.basename(self.name))[0]).strip("_")
        return stem or "function"

    def module(self, engine: str | None = None) -> Module:
        """It in memory. Raises what `image` and `Module` do."""
        from armexec.module import Module

        assembly: Callable[[], str] | None = None
        if self.is_source:
            assembly = self.compiler_assembly
        elif self.kind == "assembly":
            assembly = lambda: self.text  # noqa: E731
        return Module(self.image(_prepare(engine)), engine, assembly=assembly)


def _prepare(engine: str | None) -> Iterator[None]:
    """Import what loading and calling a new function will need, package by package."""
    from importlib import import_module

    from armexec.engines import get_engine
    from armexec.errors import HostError

    with contextlib.suppress(HostError):  # it is raised again when the module is loaded
        if get_engine(engine).name == "translated":
            yield
            import_module("armexec.translate.ir.unit")
    for needed in ("armexec.abi", "elftools.dwarf.dwarfinfo"):
        yield
        import_module(needed)


def _kind_of(file: str) -> str:
    """The kind of a file of this name."""
    kind = _WORDS.get(os.path.splitext(file)[1])
    if kind is None:
        from armexec.toolchain import language_of

        kind = language_of(file) or "object"
    return "assembly" if kind == "assembler" else kind


def write_output(file: str | None, data: bytes) -> None:
    """To a file, or to standard output.

    Raises:
        LoadError: the file can't be written.
    """
    if file is None or file == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        with open(file, "wb") as opened:
            opened.write(data)
    except OSError as error:
        raise LoadError(f"{file}: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the name
        raise LoadError(f"{file!r}: {error}") from None
