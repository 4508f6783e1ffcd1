"""Assembly text into Code."""

from __future__ import annotations

import re
from collections.abc import Sequence

from armexec.asm.code import Code
from armexec.asm.directives import run_directive
from armexec.asm.encoding import EncodingFailure, absolute, encode, match
from armexec.asm.expressions import STRING, SyntaxFailure, Tree, parse_expression, quoted_name
from armexec.asm.lexer import operand_tokens, plain_tokens, register_named
from armexec.asm.lines import Statement, is_apple, lines_of, plain_statement, statement_of
from armexec.asm.literal_loads import with_literal
from armexec.asm.object_file.call_frames import CallFrames
from armexec.asm.object_file.debug_lines import DebugLines
from armexec.asm.output import Output
from armexec.asm.output.subsections import Subsection
from armexec.asm.preprocess import PREPROCESSING, Conditions, Evaluate, Frame, Macros, Source
from armexec.asm.text import string_bytes
from armexec.asm.where import Where
from armexec.errors import AssemblyError, Diagnostic
from armexec.isa.syntax import Expression, Register

__all__ = ["Assembler", "assemble"]


def assemble(
    text: str,
    *,
    address: int | None = None,
    distances: bool | None = None,
    file: str = "<assembly>",
    target: str | None = None,
    folders: Sequence[str] = (),
) -> Code:
    """Assemble GNU syntax, as clang prints it with `-S` for Linux and for macOS.

    Args:
        text: the source. Statements are separated by newlines and `;` (which begins a comment in Apple's dialect).
        address: where the first instruction stands: what the addresses of `Code.symbols` and of listings count from.
        distances: whether a number for a branch target or another pc-relative operand is a distance in bytes, as both
            assemblers have it, or an address, as disassemblers print them. By default it is an address where `address`
            is given.
        file: the name that messages give, and where `.include` and `.incbin` look for files at last.
        target: "apple" for Apple's dialect, another target for GNU's. None or "host": Apple's if something in the text
            belongs to it, such as `.build_version`, `.section __TEXT...`, `@PAGE` or a global `_main`.
        folders: where `.include` and `.incbin` look for files, after the working directory.

    Raises:
        AssemblyError: with line, column, the line's text and what was expected.
    """
    if not isinstance(text, str):
        hint = ": decode it, as by text.decode()" if isinstance(text, bytes | bytearray) else ""
        raise AssemblyError(f"assembly is text, not {type(text).__name__}{hint}", file=file)
    if address is not None and (not isinstance(address, int) or not 0 <= address < 1 << 64 or address % 4):
        raise AssemblyError(
            f"{address!r:.60} is no address of an instruction: a multiple of 4, such as 0x1000", file=file
        )
    distances = address is None if distances is None else distances
    if target not in (None, "host", "linux", "apple", "bare"):
        raise AssemblyError(f"unknown target {target!r:.40}: choose one of host, linux, apple, bare", file=file)
    apple = is_apple(text) if target in (None, "host") else target == "apple"
    output = Output(address=address or 0, source=text, apple=apple, distances=distances)
    assembler = Assembler(text, output, file=file, folders=folders)
    assembler.run()
    return assembler.output.finish()


# The words of lines met before, in any text: those that name nothing that could have another meaning elsewhere.
_words: dict[str, bytes] = {}
_LIMIT = 1 << 16
_COMMENT = re.compile(rf'{STRING}|(//[^\n]*|/\*.*?\*/|;[^\n"]*(?=\n|\Z))', re.DOTALL)


# A preprocessor's line marker, with the number and the file of the next line, or m4's (#line). Without a file, or with
# line 0 (which gcc writes before the first line), it is a comment, as for GNU as and clang.
_MARKER = re.compile(r'#(?:line[ \t])?[ \t]*(0*[1-9]\d{0,8})[ \t]+"((?:[^"\\]|\\.)*)"(?:[ \t]+\d+)*[ \t]*$')
_REQ = re.compile(r"\.req\s+(\S+)$", re.IGNORECASE)


class Assembler:
    """The state of one assembly: what is read, where we are, and the names that aren't symbols."""

    def __init__(self, text: str, output: Output, *, file: str, folders: Sequence[str]) -> None:
        self.output = output
        self.apple = output.apple
        self.folders = folders
        """Where .include and .incbin look for files."""
        self.source = Source(self.readable(text, file, None), file)
        self.macros = Macros()
        self.conditions = Conditions()
        self.aliases: dict[str, Register] = {}
        """The registers that .req has given names, in lower case."""
        self.previous = output.section
        self.section_stack: list[tuple[Subsection, Subsection]] = []
        self.lines = DebugLines(output)
        self.frames = CallFrames(output)
        # How often each numeric label was defined so far.
        self._numeric: dict[str, int] = {}
        # Whether a macro or a register has the name of an instruction or of a word in operands.
        self._shadowed = False

    def run(self) -> None:
        """Go through the lines: those of the text, and those that macros and included files put before the next."""
        stack = self.source.stack
        output = self.output
        while stack:
            frame = stack[-1]
            if frame.pending and self._pending(frame):
                continue
            file = frame.file
            for number, line in frame.lines:
                word = _words.get(line)
                if word is not None and self._is_plain(frame):
                    output.word(word, number, line, file, frame.within)
                elif self._line(frame, number, line):
                    break
            else:
                if frame.comment is not None:
                    raise frame.comment.error("this comment has no end: expected */")
                stack.pop()
        self.conditions.finish()

    def _is_plain(self, frame: Frame) -> bool:
        """Whether a line means what it has meant before."""
        return not (
            self.output.constants
            or self._shadowed
            or frame.comment is not None
            or self.conditions.skipping
            or not self.output.distances
        )

    def _line(self, frame: Frame, number: int, line: str) -> bool:
        """Go through a line. True if what follows isn't the frame's next line."""
        if frame.comment is None and not self.conditions.skipping:
            statement = plain_statement(line, apple=self.apple)
            if statement is not None:
                frame.number, frame.line = number, line
                self._statement(statement, Where(number, statement.name_column or 1, line, frame.file, frame.within))
                return not self.source.stack or self.source.stack[-1] is not frame
            marker = _MARKER.match(line)
            if marker is not None:
                frame.renumber(int(marker[1]), string_bytes(marker[2]).decode("utf-8", "replace") or frame.place)
                return True
        frame.split(number, line, apple=self.apple)
        return self._pending(frame)

    def _pending(self, frame: Frame) -> bool:
        """Go through what is left of a line. True if something else comes before the rest."""
        stack = self.source.stack
        while frame.pending:
            start, text = frame.pending.popleft()
            where = frame.where(start + 1 + len(text) - len(text.lstrip()))
            try:
                if self.conditions.skipping:
                    self.conditions.skip(self, text, start, where)
                    continue
                statement = statement_of(text, start)
            except SyntaxFailure as failure:
                raise where.error(failure.message, column=failure.column) from None
            self._statement(statement, where.at(statement.name_column or where.column))
            if not stack or stack[-1] is not frame:
                return True
        return False

    def _statement(self, statement: Statement, where: Where) -> None:
        try:
            self._carry_out(statement, where)
        except SyntaxFailure as failure:
            raise where.error(failure.message, column=failure.column) from None

    def _carry_out(self, statement: Statement, where: Where) -> None:
        for name, column in statement.labels:
            self._label(name, where.at(column))
        name, operands = statement.name, statement.operands
        if not name:
            return
        if operands[:1] == "=":
            once = operands[:2] == "=="
            tree, _ = self.expression(operands[1 + once :], statement.operands_column + 1 + once)
            self.output.assign(name, tree, where, once=once)
        elif operands[:1] == "." and (match := _REQ.match(operands)) is not None:
            self._name_register(name, match[1], where.at(statement.operands_column + match.start(1)))
        elif (macro := self.macros.find(name)) is not None:
            self.macros.invoke(macro, self, statement, where)
        elif name[0] == ".":
            preprocess = PREPROCESSING.get(name.lower())
            if preprocess is not None:
                preprocess(self, statement, where)
            else:
                run_directive(self, statement, where)
        else:
            self._instruction(statement, where)

    # -- names that aren't symbols ----------------------------------------------------------------------------------
    def shadow(self, name: str) -> None:
        """A macro or a register has this name from now on."""
        self._shadowed = self._shadowed or name[0] != "."

    def _name_register(self, name: str, text: str, where: Where) -> None:
        """`name .req register`: another name for a register."""
        register = register_named(text.lower(), self.aliases)
        if register is None or (register.kind == "v" and register.lanes):
            raise where.error(f"expected a register without an arrangement, not {text[:30]!r}")
        known = register_named(name.lower(), self.aliases)
        if known is None:
            self.aliases[name.lower()] = register
            self.shadow(name)
        elif known != register:
            self.report("warning", f"{name!r} is the name of register {known.name} already: .req is ignored", where)

    def report(self, severity: str, message: str, where: Where) -> None:
        """A message that doesn't end the assembly."""
        self.output.diagnostics.append(Diagnostic(where.file, where.line, where.column, severity, message))

    @staticmethod
    def readable(text: str | bytes, file: str, where: Where | None) -> str:
        """A text without its byte order mark.

        Raises:
            AssemblyError: it isn't Unicode text; `where` it is included, or the place of the first such character.
        """
        try:
            decoded = text.decode() if isinstance(text, bytes) else text
            decoded.encode()
        except UnicodeDecodeError as error:
            assert where is not None
            raise where.error(
                f"{file!r} is not UTF-8 text (byte {error.start} is {error.object[error.start]:#04x})"
            ) from None
        except UnicodeEncodeError as error:
            raise _place_of(decoded, error.start, file).error(
                f"{decoded[error.start]!r} is half of a character (a lone surrogate): the text is damaged"
            ) from None
        if "\0" in decoded:
            # clang prints zero bytes as they are, in comments.
            decoded = _COMMENT.sub(lambda match: match[0].replace("\0", " ") if match[1] else match[0], decoded)
        null = decoded.find("\0")
        if null >= 0:
            raise _place_of(decoded, null, file).error("the text holds a null character: is it assembly?")
        return decoded.removeprefix("\ufeff")

    # -- labels -----------------------------------------------------------------------------------------------------
    def _label(self, name: str, where: Where) -> None:
        if name.isdigit():
            count = self._numeric[name] = self._numeric.get(name, 0) + 1
            name = f"\x01{name} {count}"
        self.output.define(name, where)

    def local_label(self, reference: str) -> str:
        """The symbol that `1f` or `1b` means here."""
        number, direction = reference[:-1], reference[-1].lower()
        count = self._numeric.get(number, 0)
        return f"\x01{number} {count + (direction == 'f')}"

    # -- for directives ---------------------------------------------------------------------------------------------
    def expression(self, text: str, column: int) -> tuple[Tree, str]:
        """An expression and its relocation operator."""
        return parse_expression(text, column, self.local_label, apple=self.apple)

    def constant(self, arguments: list[tuple[str, int]], index: int, where: Where, default: int | None = None) -> int:
        """A directive's argument as a number that is known by now."""
        if index >= len(arguments) or not arguments[index][0]:
            if default is None:
                raise where.error(f"expected {index + 1} argument{'s' * (index > 0)}")
            return default
        tree, _ = self.expression(*arguments[index])
        return self.output.constant(tree, where.at(arguments[index][1]))

    def number(self, text: str, column: int, where: Where, default: int | None = None) -> int:
        """An expression that fills a text, as a number that is known by now."""
        if not text and default is None:
            raise where.error("expected a number")
        return self.constant([(text, column)], 0, where, default)

    def evaluate_at(self, where: Where) -> Evaluate:
        """The function that gives the values of expressions in a statement."""
        return lambda text, column: self.number(text, column, where)

    @staticmethod
    def name(argument: tuple[str, int]) -> str:
        """A symbol's or section's name, out of its quotes."""
        text, column = argument
        if text[:1] == '"' and text[-1:] == '"':
            return quoted_name(text, column)
        if not text or not text.isprintable() or any(c in text for c in ' "(),'):
            raise SyntaxFailure(f"expected a name, not {text[:30]!r}" if text else "expected a name", column)
        return text

    def go_to(self, section: Subsection) -> None:
        """Make a subsection current."""
        self.previous, self.output.section = self.output.section, section

    # -- instructions -----------------------------------------------------------------------------------------------
    def _instruction(self, statement: Statement, where: Where) -> None:
        mnemonic = statement.name.lower()
        output = self.output
        tokens = None
        if output.distances and not output.constants and not self.aliases:
            tokens = plain_tokens(statement.operands)
        if tokens is not None:
            try:
                candidates = match(mnemonic, tokens)
                if candidates[0].deferred:
                    output.instruction(candidates, where)
                    return
                word = encode(candidates, _no_symbol)[0].to_bytes(4, "little")
            except EncodingFailure:
                pass  # Once more, to know the columns.
            else:
                output.word(word, where.line, where.text, where.file, where.within)
                if not statement.labels and not any(mark in where.text for mark in (";", "/*", "*/", "%%")):
                    if len(_words) >= _LIMIT:
                        _words.clear()
                    _words[where.text] = word
                return
        try:
            tokens = operand_tokens(
                statement.operands,
                statement.operands_column,
                self.local_label,
                self.output.known,
                apple=self.apple,
                aliases=self.aliases,
            )
            mnemonic, tokens = with_literal(self.output, mnemonic, tokens, where)
            candidates = match(mnemonic, tokens)
            output.instruction(candidates if output.distances else absolute(candidates), where)
        except EncodingFailure as failure:
            from armexec.asm.mistakes import explain

            raise explain(failure, statement, where, self.macros.names()) from None


def _no_symbol(expression: Expression) -> int:
    raise AssertionError(f"{expression} should have been deferred")


def _place_of(text: str, position: int, file: str) -> Where:
    """Where a character of a text stands."""
    lines = lines_of(text[:position])
    return Where(len(lines), len(lines[-1]) + 1, "", file)
