"""Messages for what people write by mistake, where more can be said than which token was unexpected."""

from __future__ import annotations

from armexec.asm.encoding import EncodingFailure
from armexec.asm.lexer import Statement
from armexec.asm.output import Where
from armexec.errors import AssemblyError

__all__ = ["explain"]


def explain(failure: EncodingFailure, statement: Statement, where: Where) -> AssemblyError:
    """The error for a statement that has no encoding."""
    column = failure.column
    if column is None:
        column = statement.operands_column + len(statement.operands)
    elif column == 0:
        column = where.column
    return where.error(failure.message, failure.hint, column=column)
