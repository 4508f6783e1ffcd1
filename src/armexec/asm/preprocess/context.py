"""The context of preprocessing directives: macros, conditions, included files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from armexec.asm.context import Context
from armexec.asm.expressions import STRING
from armexec.asm.lines import lines_of
from armexec.asm.output import Output
from armexec.asm.preprocess.arguments import Evaluate
from armexec.asm.preprocess.conditions import Conditions
from armexec.asm.preprocess.frames import SourceStack
from armexec.asm.preprocess.macros import Macros
from armexec.asm.where import Where
from armexec.isa.syntax import Register

__all__ = ["PreprocessContext"]

_COMMENT = re.compile(rf'{STRING}|(//[^\n]*|/\*.*?\*/|;[^\n"]*(?=\n|\Z))', re.DOTALL)


class PreprocessContext(Context):
    """The state of one assembly, with the source that is read and the names that aren't symbols."""

    def __init__(self, text: str, output: Output, *, file: str, folders: Sequence[str]) -> None:
        super().__init__(output)
        self.folders = folders
        """The folders in which .include and .incbin look for files."""
        self.source = SourceStack(self.readable(text, file, None), file)
        self.macros = Macros(self.source, apple=self.apple)
        self.conditions = Conditions()
        self.aliases: dict[str, Register] = {}
        """The registers by the names that .req has given them, in lower case."""
        self.shadowed = False
        """Whether a macro or a register has the name of an instruction or of a word in operands."""

    def shadow(self, name: str) -> None:
        """Take note that a macro or a register has this name."""
        self.shadowed = self.shadowed or name[0] != "."

    def evaluate_at(self, where: Where) -> Evaluate:
        """The function that gives the values of expressions in a statement."""
        return lambda text, column: self.number(text, column, where)

    @staticmethod
    def readable(text: str | bytes, file: str, where: Where | None) -> str:
        """A text without its byte order mark.

        Raises:
            AssemblyError: it isn't Unicode text. The error is at `where` for an included file, else at the character.
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
            # clang prints zero bytes in comments.
            decoded = _COMMENT.sub(lambda match: match[0].replace("\0", " ") if match[1] else match[0], decoded)
        null = decoded.find("\0")
        if null >= 0:
            raise _place_of(decoded, null, file).error("the text holds a null character: is it assembly?")
        return decoded.removeprefix("\ufeff")


def _place_of(text: str, position: int, file: str) -> Where:
    """The place of a character of a text."""
    lines = lines_of(text[:position])
    return Where(len(lines), len(lines[-1]) + 1, "", file)
