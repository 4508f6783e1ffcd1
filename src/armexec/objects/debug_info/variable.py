"""Variables, as debug information has them."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Variable"]


class Variable(NamedTuple):
    """A variable that isn't in a frame.

    - `name` has the namespaces, classes and functions around it: `n::counter`, `fn::calls`.
    - `linkage_name` is that of its symbol, as far as it is known.
    - `function` is the linkage name of the function around it, and `within` its name in there; empty outside of any.
    - `unit` is the name of the source file that was compiled.
    - `offset` is its place in the image in bytes; None where the debug information gives no fixed one.
    - `constant` is its value where it has no place, but one value.
    - `external` says whether other objects see it.
    - `entry` is the offset in .debug_info of its entry.
    """

    name: str
    linkage_name: str
    function: str
    within: str
    unit: str
    offset: int | None
    constant: int | None
    external: bool
    entry: int
