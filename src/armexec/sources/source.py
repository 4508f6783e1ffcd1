"""Sources: files and texts of all kinds, and their way to an image."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from armexec.errors import LoadError
from armexec.files import read_file
from armexec.sources.kinds import is_code, kind_of_file

if TYPE_CHECKING:
    from armexec.asm import Code
    from armexec.errors import Diagnostic
    from armexec.objects import Image
    from armexec.toolchain import Compiled, CompileOptions

__all__ = ["Source"]


class Source:
    """A file or a text of one of `KINDS`, and the options of the compiler or assembler that takes it.

    It is read, compiled and assembled when that is asked for, and not before.
    """

    def __init__(
        self,
        contents: Any,
        kind: str,
        *,
        read: Callable[[], bytes] | None = None,
        file: str | None = None,
        entry: str | None = None,
        opt: str | int = "-O0",
        target: str = "host",
        flags: Iterable[str] | str = (),
        compiler: str | None = None,
        report: Callable[[Sequence[Diagnostic]], None] | None = None,
        search: Sequence[str] | None = (),
        opened: Sequence[str] = (),
    ) -> None:
        """Describe a source.

        Args:
            contents: text or bytes; for "assembly" also assembled code, for "bin" words; None where `read` gives it.
            kind: one of `KINDS`.
            read: reads the contents.
            file: the name that messages give, and beside which included files are looked for.
            entry: the name of code that has no label; made of the file's name by default.
            opt, target, flags, compiler: as in `toolchain.CompileOptions`.
            report: called with the warnings of the compiler or the assembler.
            search: folders of the libraries that a shared library needs; None: these are left out.
            opened: libraries that a shared library may open with dlopen.
        """
        self._contents = contents
        self._read = read
        self._code: Code | None = contents if is_code(contents) else None
        self._compiled: Compiled | None = None
        self.kind = kind
        self.file = file
        self.opt = opt
        self.target = target
        self.flags = flags if isinstance(flags, str) or not isinstance(flags, Iterable) else tuple(flags)
        self.compiler = compiler
        self.diagnostics: tuple[Diagnostic, ...] = ()
        self._entry = entry
        self._report = report
        self._search = search
        self._opened = opened

    @classmethod
    def from_file(cls, file: str, kind: str | None = None, **options: Any) -> Source:
        """The source in a file; its suffix tells the kind if `kind` is None. `options` are those of the class."""
        return cls(None, kind or kind_of_file(file), read=lambda: read_file(file), file=file, **options)

    @property
    def name(self) -> str:
        """The file's name, or what stands for it."""
        if self.file:
            return self.file
        return "<source>" if self.uses_compiler else "<bytes>" if self.kind == "object" else "<code>"

    @property
    def uses_compiler(self) -> bool:
        """Whether the compiler makes the object: for C, C++, and assembly that needs the preprocessor."""
        return self.kind in ("c", "c++") or (self.kind == "assembly" and (self.file or "").endswith(".S"))

    @property
    def is_compiled(self) -> bool:
        """Whether the code is compiled from C or C++; that of an object is taken to be."""
        return self.kind in ("c", "c++", "object")

    @cached_property
    def data(self) -> bytes:
        """Its bytes. Raises LoadError where they can't be read."""
        return self._read() if self._read is not None else bytes(self._contents)

    @cached_property
    def text(self) -> str:
        """Its text, without a byte order mark where it was read. Raises LoadError, also for what isn't UTF-8."""
        if self._read is None:
            text: str = self._contents  # the compiler refuses what is no text
            return text
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise LoadError(f"{self.name}: not UTF-8 text (byte {error.start} is {byte:#04x})") from None

    def compiled(self, meanwhile: Iterable[object] = ()) -> Compiled:
        """The object that the compiler makes of it, once.

        `meanwhile` is iterated while the compiler runs; not if there is an object already.

        Raises:
            CompileError, LoadError: it can't be compiled or read.
        """
        if self._compiled is not None:
            return self._compiled
        from armexec.toolchain import compile_object

        self._compiled = compile_object(self.text, meanwhile=meanwhile, **self._options())
        self._reported(self._compiled.diagnostics)
        return self._compiled

    def compiler_assembly(self, *, debug: bool = False, markers: bool = False) -> str:
        """The compiler's output of -S, or its preprocessor's of a .S file, with line `markers`.

        Raises:
            CompileError, LoadError: it can't be compiled or read.
        """
        from armexec.toolchain import compile_assembly

        return compile_assembly(self.text, markers=markers, **(self._options() | {"debug": debug}))

    def compiler_output(self, *, debug: bool = False) -> Compiled:
        """What `compiler_assembly` gives of C or C++, as bytes, with the compiler's command and warnings.

        Raises:
            CompileError, LoadError: it can't be compiled or read.
        """
        from armexec.toolchain import assembly_output

        return assembly_output(self.text, **(self._options() | {"debug": debug}))

    def _options(self) -> CompileOptions:
        return {
            "language": "assembler" if self.kind == "assembly" else self.kind,
            "opt": self.opt,
            "target": self.target,
            "flags": self.flags,
            "compiler": self.compiler,
            "filename": self.file,
        }

    def code(self, *, address: int | None = None, distances: bool | None = None) -> Code:
        """Assembled text, preprocessed if the file's name ends in .S.

        Raises:
            AssemblyError, CompileError, LoadError: it can't be assembled, preprocessed or read.
        """
        if self._code is not None:
            return self._code
        from armexec.asm import assemble

        folders: Sequence[str] = ()
        if self.flags:
            from armexec.toolchain.inclusions import include_folders

            folders = include_folders(self.flags)
        self._code = assemble(
            self.compiler_assembly(markers=True) if self.uses_compiler else self.text,
            address=address,
            distances=distances,
            file=self.file or "<assembly>",
            target=self.target,
            folders=folders,
        )
        self._reported(self._code.diagnostics)
        return self._code

    def _reported(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        if self._report is not None:
            self._report(self.diagnostics)

    def words(self) -> list[int]:
        """The words of machine code. Raises AssemblyError and LoadError."""
        if self.kind == "hex":
            from armexec.words import parse_words

            return parse_words(self.text, file=self.file or "<words>")
        from armexec.disasm.disassembler import words_of

        code = self.data if self._read is not None else self._contents
        if not isinstance(code, Iterable) and not hasattr(code, "words"):
            raise LoadError(f"{self.name}: code is words, bytes, text or a Code, not {type(code).__name__}")
        try:
            return words_of(code)
        except LoadError as error:
            if self.file is None:
                raise
            raise LoadError(f"{self.file}: {error}") from None

    def image(self, meanwhile: Iterable[object] = ()) -> Image:
        """The image that it becomes, whatever its kind; `meanwhile` is as for `compiled`.

        Raises:
            CompileError, AssemblyError, LoadError: it can't be compiled, assembled or read.
        """
        from armexec.objects import load_image

        if self.uses_compiler:
            return load_image(self.compiled(meanwhile).data, self.name)
        if self.kind == "object":
            return load_image(self.data, self.name, self._search, self._opened)
        from armexec.sources.images import code_image, words_image

        if self.kind == "assembly":
            return code_image(self.code(), self.name, entry=self._entry_name)
        return words_image(self.words(), self.name, entry=self._entry_name)

    @property
    def _entry_name(self) -> str:
        if self._entry is not None:
            return self._entry
        stem = "".join(c if c.isalnum() else "_" for c in os.path.splitext(os.path.basename(self.name))[0]).strip("_")
        return stem or "function"

    @property
    def assembly(self) -> Callable[[], str] | None:
        """A function that gives the source in assembly; None where there is none."""
        if self.uses_compiler:
            return self.compiler_assembly
        if self.kind != "assembly":
            return None
        if is_code(self._contents):
            source = self._contents.source
            return (lambda: source) if source else None
        return lambda: self.text

    @property
    def texts(self) -> dict[str, str]:
        """The text of C, C++ and assembly, by the name that debug information gives it; empty where there is none."""
        if self.kind not in ("c", "c++", "assembly"):
            return {}
        text = self._contents.source if is_code(self._contents) else self.text
        return {self.name: text} if isinstance(text, str) and text else {}

    def reference_places(self) -> dict[str, str]:
        """The first place in assembled code that refers to each symbol, as " (file:line: text)" by linkage name."""
        from armexec.sources.images import reference_places

        return reference_places(self._code) if self._code is not None else {}
