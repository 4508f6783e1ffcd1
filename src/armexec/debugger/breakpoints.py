"""Where a session stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, Protocol, SupportsIndex

from armexec.debugger.places import Places
from armexec.debugger.session_guest import SessionGuest, Watched
from armexec.debugger.values import NUMBERS, Numbers, register_value
from armexec.errors import SignatureError

__all__ = ["Breakpoint", "Breakpoints", "Watchpoint", "evaluated"]


class Standing(Protocol):
    """A session, as conditions see it."""

    cpu: Any
    memory: Any


class Breakpoint:
    """A place to stop before, each time or where `condition` holds. `where` is what was asked for."""

    def __init__(
        self,
        where: SupportsIndex | str,
        addresses: list[int],
        condition: Callable[[Any], Any] | str | None,
        remove: Callable[[Breakpoint], None],
    ) -> None:
        self.where = where
        self.addresses = tuple(addresses)
        self.condition = condition
        self._remove = remove
        self._code = compile(condition, "<condition>", "eval") if isinstance(condition, str) else None

    def holds(self, session: Standing) -> bool:
        """Whether the condition holds now. What it raises is passed on."""
        if self.condition is None:
            return True
        if self._code is not None:
            return bool(evaluated(self._code, session))
        assert not isinstance(self.condition, str)
        return bool(self.condition(session))

    def remove(self) -> None:
        """Stop there no more. Twice does no harm."""
        self._remove(self)

    def __repr__(self) -> str:
        shown = self.where if isinstance(self.where, str) else f"0x{self.addresses[0]:x}"
        return f"<Breakpoint {shown}" + (f" if {self.condition}>" if self.condition is not None else ">")


def evaluated(expression: str | CodeType, session: Standing) -> Any:
    """The value of an expression of Python, in which registers have their names."""
    return eval(expression, {"__builtins__": __builtins__}, _Names(session))


class _Names(dict[str, Any]):
    """The registers and the numbers in memory by name, and `session`, for conditions that are text."""

    def __init__(self, session: Standing) -> None:
        super().__init__(session=session, cpu=session.cpu, memory=session.memory)

    def __missing__(self, name: str) -> Any:
        return Numbers(name, self["memory"]) if name in NUMBERS else register_value(self["cpu"], name)


class Breakpoints:
    """The breakpoints of a session, in the order in which they were made."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._all: list[Breakpoint] = []
        self.by_address: dict[int, list[Breakpoint]] = {}

    def add(self, where: SupportsIndex | str, condition: Callable[[Any], Any] | str | None = None) -> Breakpoint:
        """Stop before an instruction.

        Args:
            where: an address, the name of a function or a symbol, or "file:line".
            condition: a function that is called with the session, or an expression of Python, in which registers have
                their names: "x0 == 3 and w1 > 7". `u32[sp + 12]` is a number in memory, and `i32(w0)` what the bits of
                a value are as a signed one: u8 to u64, i8 to i64, f32, f64. It stops only where it is true.

        Raises:
            LoadError: there is no such place.
            SignatureError: the condition is no expression.
        """
        addresses = self._places.addresses(where)
        if condition is not None and not isinstance(condition, str) and not callable(condition):
            raise SignatureError(f"a condition is a function or an expression, not {condition!r:.60}")
        try:
            made = Breakpoint(where, addresses, condition, self.remove)
        except SyntaxError as error:
            raise SignatureError(f"{condition!r:.80} is no expression: {error.msg}") from None
        self._all.append(made)
        for address in addresses:
            self.by_address.setdefault(address, []).append(made)
        return made

    def remove(self, breakpoint: Breakpoint) -> None:
        """Take one away. Twice does no harm."""
        if breakpoint in self._all:
            self._all.remove(breakpoint)
        for address in breakpoint.addresses:
            there = self.by_address.get(address, [])
            if breakpoint in there:
                there.remove(breakpoint)
            if not there:
                self.by_address.pop(address, None)

    def clear(self) -> None:
        """Take all away."""
        for breakpoint in list(self._all):
            self.remove(breakpoint)

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(list(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        return f"[{', '.join(map(repr, self._all))}]"


class Watchpoint:
    """Bytes whose accesses stop a session. `mode`: "r", "w" or "rw"."""

    def __init__(self, guest: SessionGuest, address: int, size: int, mode: str) -> None:
        self.address = address
        self.size = size
        self.mode = mode
        self.watched = Watched(address, address + size, mode)
        self._guest = guest
        guest.watched = (*guest.watched, self.watched)

    def remove(self) -> None:
        """Watch them no more. Twice does no harm."""
        self._guest.watched = tuple(watched for watched in self._guest.watched if watched is not self.watched)

    def __repr__(self) -> str:
        return f"<Watchpoint 0x{self.address:x}, {self.size} bytes, {self.mode}>"
