"""Assembly text into Code."""

from __future__ import annotations

import re
from collections.abc import Sequence

from armexec.asm.code import Code
from armexec.asm.directives import run_directive
from armexec.asm.encoding import EncodingFailure, absolute, encode, match, not_deferred
from armexec.asm.expressions import SyntaxFailure
from armexec.asm.lexer import operand_tokens, plain_tokens, register_named
from armexec.asm.lines import Statement, is_apple, plain_statement, statement_of
from armexec.asm.literal_loads import with_literal
from armexec.asm.output import Output
from armexec.asm.preprocess import PREPROCESSING, Frame, PreprocessContext
from armexec.asm.text import string_bytes
from armexec.asm.where import Where
from armexec.errors import AssemblyError

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
        address: the address of the first instruction, from which `Code.symbols` and listings count.
        distances: whether a number for a branch target or another pc-relative operand is a distance in bytes, as both
            assemblers have it, or an address, as disassemblers print them. By default it is an address where `address`
            is given.
        file: the name in messages; `.include` and `.incbin` look for files beside it at last.
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


# The words of lines that any text has had before, and that mean the same in every text.
_words: dict[str, bytes] = {}
_LIMIT = 1 << 16


# A line marker of a preprocessor or of m4 (#line), with the number and the file of the next line. Without a file, or
# with line 0, which gcc writes before the first line, it is a comment, as for GNU as and clang.
_MARKER = re.compile(r'#(?:line[ \t])?[ \t]*(0*[1-9]\d{0,8})[ \t]+"((?:[^"\\]|\\.)*)"(?:[ \t]+\d+)*[ \t]*$')
_REQ = re.compile(r"\.req\s+(\S+)$", re.IGNORECASE)


class Assembler(PreprocessContext):
    """One assembly: reads the lines, and assembles each statement."""

    def run(self) -> None:
        """Assemble all lines: those of the text, of expansions and of included files."""
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
        """Whether the words of `_words` may be used for a line."""
        return not (
            self.output.constants
            or self.shadowed
            or frame.comment is not None
            or self.conditions.skipping
            or not self.output.distances
        )

    def _line(self, frame: Frame, number: int, line: str) -> bool:
        """Assemble a line. True if the frame's next line isn't the next to be assembled."""
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
        """Assemble the rest of a line. True if another frame comes before what is left of it."""
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
            self.define_label(name, where.at(column))
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
            self.macros.invoke(macro, statement, where, self.evaluate_at(where), self.conditions.depth)
        elif name[0] == ".":
            preprocess = PREPROCESSING.get(name.lower())
            if preprocess is not None:
                preprocess(self, statement, where)
            else:
                run_directive(self, statement, where)
        else:
            self._instruction(statement, where)

    # -- names that aren't symbols ----------------------------------------------------------------------------------
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
                word = encode(candidates, not_deferred)[0].to_bytes(4, "little")
            except EncodingFailure:
                pass  # Below it is tried again, with columns for the message.
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
