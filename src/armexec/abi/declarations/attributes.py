"""GCC's attributes of structs and members, which C's grammar doesn't have, as members that the grammar reads.

`packed` and `aligned(n)` become members with names of their own: at the beginning of a struct's members for the struct
itself, behind a member for that member.
"""

from __future__ import annotations

import re

from armexec.errors import SignatureError

__all__ = ["OF_MEMBER", "OF_STRUCT", "Attributes", "mark", "read_marks"]

OF_STRUCT = "__armexec_struct_"
OF_MEMBER = "__armexec_member_"
_TOKEN = re.compile(r"""__attribute__|__packed\b|[A-Za-z_]\w*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|.""", re.DOTALL)
_ATTRIBUTE = re.compile(r"\s*(?:__)?(packed|aligned)(?:__)?\s*(?:\(\s*(\d+)\s*\))?\s*")
_LARGEST_ALIGN = 1 << 28
_DEFAULT_ALIGN = 16
"""What `aligned` without a number means."""


class Attributes:
    """What `packed` and `aligned` say."""

    def __init__(self) -> None:
        self.packed = False
        self.align = 0

    def add(self, mark: str) -> None:
        """Add what a mark says: `packed` or `aligned_8`."""
        if mark.startswith("packed"):
            self.packed = True
        else:
            self.align = max(self.align, int(mark.split("_")[1]))


def mark(text: str) -> str:
    """The text with attributes as members.

    Raises:
        SignatureError: an attribute isn't `packed` or `aligned`, or stands where it isn't read.
    """
    if "__attribute__" not in text:
        return text
    out: list[str] = []
    opened: list[int] = []  # for each brace the index of it in `out`
    waiting: list[str] = []  # between `struct` and its brace
    in_head = False
    closed: int | None = None  # the brace whose struct has just ended
    tokens = [m[0] for m in _TOKEN.finditer(text)]
    position = 0
    while position < len(tokens):
        token = tokens[position]
        position += 1
        if token == "__attribute__":
            body, position = _parenthesized(tokens, position)
            marks = _marks(body)
            if in_head:
                waiting += marks
            elif closed is not None:
                out[closed] += "".join(f" char {OF_STRUCT}{m}_{len(out)};" for m in marks)
            else:
                out.append(_behind(tokens, position, marks, bool(opened)))
            continue
        if token in ("struct", "union"):
            in_head, waiting = True, []
        elif token == "{":
            opened.append(len(out))
            if in_head:
                token += "".join(f" char {OF_STRUCT}{m}_{n};" for n, m in enumerate(waiting))
            in_head = False
        elif in_head and not (token.isspace() or token.isidentifier()):
            in_head = False
        if token == "}" and opened:
            closed = opened.pop()
        elif not token.isspace():
            closed = None
        if token == ";" and out and out[-1].startswith(OF_MEMBER):
            marks = out.pop().removeprefix(OF_MEMBER).split(",")
            token += "".join(f" char {OF_MEMBER}{m}_{len(out)}_{n};" for n, m in enumerate(marks))
        out.append(token)
    return "".join(out)


def _behind(tokens: list[str], position: int, marks: list[str], in_struct: bool) -> str:
    """What stands for the attribute of a member until its semicolon comes."""
    rest = next((token for token in tokens[position:] if not token.isspace()), "")
    if not in_struct or rest != ";":
        raise SignatureError(
            "__attribute__ is read of a struct, behind `struct` or its closing brace, and of a member, before its ';'"
        )
    return OF_MEMBER + ",".join(marks)


def _parenthesized(tokens: list[str], position: int) -> tuple[str, int]:
    """The text within the parentheses that begin at a position, and the position behind them."""
    depth = 0
    body = ""
    while position < len(tokens):
        token = tokens[position]
        position += 1
        depth += (token == "(") - (token == ")")
        body += token
        if token.strip() and depth == 0:
            break
    return body.strip().removeprefix("(").removesuffix(")").strip(), position


def _marks(body: str) -> list[str]:
    inner = body.removeprefix("(").removesuffix(")")
    marks = []
    for attribute in inner.split(","):
        found = _ATTRIBUTE.fullmatch(attribute)
        if found is None:
            raise SignatureError(f"the attribute {attribute.strip()!r} isn't read: packed and aligned(n) are")
        if found[1] == "packed":
            marks.append("packed")
            continue
        align = int(found[2] or _DEFAULT_ALIGN)
        if align == 0 or align & (align - 1) or align > _LARGEST_ALIGN:
            raise SignatureError(f"an alignment of {align} bytes is no power of two")
        marks.append(f"aligned_{align}")
    return marks


def read_marks(name: str | None, prefix: str) -> str | None:
    """What the mark of that prefix says, or None if the name is no such mark."""
    return name.removeprefix(prefix) if name is not None and name.startswith(prefix) else None
