"""What is to be translated, and what has been: the code of an image, and what its units know of each other."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from armexec.translate.array_loops.loop import Loop
from armexec.translate.mode import Mode
from armexec.translate.policy import Policy

if TYPE_CHECKING:
    from armexec.translate.cfg.discovery import ControlFlowGraph
    from armexec.translate.cfg.partition import Partition

__all__ = ["NAMELESS", "Argument", "CodeSource", "Convention", "Export", "Form", "Names", "Shape", "UnitRegistry"]


class Argument(NamedTuple):
    """An integer in Xn, or a floating-point number in Vn, and how it fills the register."""

    n: int
    bits: int
    signed: bool = False
    is_float: bool = False


class Shape(NamedTuple):
    """What a function takes, and how many bits its result has if that is a floating-point number, else 0.

    A half-precision number is passed as an integer of 16 bits on the outside. `in_frame`: the arguments and the results
    are in a `CallFrame`, whose address is passed instead. `thread_pointer`: TPIDR_EL0 is the last argument, and not 0.
    `in_state`: all registers are in the state, in code that the entry stub of another translation runs. `loop`: it is a
    loop of a ufunc, which gets the arguments from NumPy's operands.
    """

    arguments: tuple[Argument, ...] = ()
    float_result: int = 0
    in_frame: bool = False
    thread_pointer: bool = False
    in_state: bool = False
    loop: Loop | None = None


class Names(NamedTuple):
    """What people call the code, for profilers and debuggers.

    `function` gives the name of the function that holds an address, "" where there is none; `line` the file and the
    line (from 1) of the source that the instruction there came from.
    """

    function: Callable[[int], str] = lambda address: ""
    line: Callable[[int], tuple[str, int] | None] = lambda address: None


NAMELESS = Names()
"""Nothing is known."""


class CodeSource(NamedTuple):
    """The code of an image.

    `base` and `size` are the image's; its code lies in the first `code_size` bytes. `fetch` gives the word at
    an address or None where there is no code, `read` constant data, for jump tables. `ranges` gives the addresses and
    bytes of all code, `functions` the addresses of functions that have symbols. `reads_fpsr`: it can tell which flags
    operations have raised.

    `address_taken` gives the addresses of the functions that the code may call through pointers, as far as that is
    known, `tables` those that stand in tables, in their order.

    `identity` is a digest of all of it that translations depend on, wherever it is mapped; None: translations aren't
    kept. `movable` says that a word at an address is the same wherever the image is mapped. `names`: for people.

    `redirected`: by the addresses of functions that have been replaced, where calls of them go instead.

    `memory`: the code is that of a sandbox, whose address 0 is at this address of the host; None: the addresses of the
    guest are the host's.
    `valid`: the host address of a byte that is 0 when the code in memory may have been changed since it was fetched;
    None: it never changes.
    """

    base: int
    size: int
    code_size: int
    fetch: Callable[[int], int | None]
    read: Callable[[int, int], bytes | None]
    ranges: Callable[[], Sequence[tuple[int, bytes]]] = tuple
    functions: Callable[[], Sequence[int]] = tuple
    reads_fpsr: bool = False
    address_taken: Callable[[], Sequence[int]] = tuple
    tables: Callable[[], Sequence[Sequence[int]]] = tuple
    identity: bytes | None = None
    movable: Callable[[int], bool] = lambda address: True
    names: Names = NAMELESS
    redirected: Mapping[int, int] = MappingProxyType({})
    memory: int | None = None
    valid: int | None = None


class Convention(NamedTuple):
    """How a function of the register convention is called: sets of registers as bits, and whether its return is to be
    checked.
    """

    inputs: int
    outputs: int
    modified: int
    checked: bool


class Export(NamedTuple):
    """A function of the register convention that other units may call, and where its host code is."""

    convention: Convention
    host: int


Form: TypeAlias = tuple[int, bool]
"""A function of the register convention by its address, and whether it is the returns-all form, which returns all that
it changes.
"""


class UnitRegistry:
    """What is known and translated of an image: graphs, exported functions, and those that take the state structure.

    `states`: by guest address, the host address of what is entered there with the state structure.

    `optimized` is the registry of the code that will take the place of this one's. Then all is made so that it can be
    left: functions with loops are entered at these too, with the state structure, and none is exported.
    """

    def __init__(self, code: CodeSource, policy: Policy, mode: Mode, *, optimized: UnitRegistry | None = None) -> None:
        self.optimized = optimized
        self.code = code
        self.policy = policy
        self.mode = mode
        self.states: dict[int, int] = {}
        self.exports: dict[Form, Export] = {}
        self.seen: set[Form] = set()
        self.translated = 0
        self._graphs: dict[int, ControlFlowGraph] = {}
        # In the order of their addresses.
        self._left_out: list[int] = []
        self._room = 0

    def graph(self, address: int) -> ControlFlowGraph:
        """The function at an address, or the fragment that is entered there, as it is translated here."""
        graph = self.partition.graph(address)
        if self.optimized is None or not self.policy.osr or not graph.loops:
            return graph
        found = self._graphs.get(address)
        if found is None:
            entries = dict.fromkeys((*(graph.entries or (graph.entry,)), *graph.loops))
            found = self._graphs[address] = replace(graph, entries=tuple(entries))
        return found

    def reach(self, address: int, limit: int) -> int:
        """How many instructions a function has with all that it calls, counted until it's more than `limit`."""
        size, seen, todo = 0, {address}, [address]
        while todo and size <= limit:
            graph = self.partition.graph(todo.pop())
            size += graph.size
            new = {callee for callee in graph.calls if self.code.fetch(callee) is not None} - seen
            seen |= new
            todo += new
        return size

    def leave_out(self, addresses: Iterable[int]) -> None:
        """Remember functions that a unit calls and had no room for."""
        left_out = (self.optimized or self)._left_out
        for address in addresses:
            at = bisect_left(left_out, address)
            if left_out[at : at + 1] != [address] and address not in self.states:
                insort(left_out, address)

    @property
    def has_left_out(self) -> bool:
        """Whether there are such functions."""
        return bool((self.optimized or self)._left_out)

    def take_left_out(self, address: int) -> list[int]:
        """Functions to be translated with one that is reached now: those next to it among the ones left out before.

        A unit by itself takes longer than the code of a small function. What calls many functions calls them in the
        order of their addresses, more often than not; the more have been reached one by one, the more are taken.
        """
        registry = self.optimized or self
        left_out = registry._left_out
        address_taken: list[int] = []
        room = registry._room = min(2 * registry._room + self.policy.first_batch, self.policy.max_batch)
        while left_out and room > 0:
            at = bisect_left(left_out, address)
            found = left_out.pop(at if at < len(left_out) else 0)
            if found == address or found in registry.states or found in self.states:
                continue
            graph = self.partition.graph(found)
            if not graph.is_fragment:
                room -= graph.size
                address_taken.append(found)
        return address_taken

    @cached_property
    def partition(self) -> Partition:
        """The graphs that both libraries of an image share."""
        if self.optimized is not None:
            return self.optimized.partition
        from armexec.translate.cfg.extents import Extents
        from armexec.translate.cfg.jump_tables import jump_targets
        from armexec.translate.cfg.partition import Partition

        code = self.code
        # Where nothing can be read, there are no tables.
        read = code.read if self.policy.jump_tables else lambda _address, _size: None
        extents = Extents(code.ranges(), code.functions(), self.policy)
        return Partition(
            code.fetch,
            lambda starts, graph: jump_targets(starts, graph, read),
            extents,
            self.policy,
            code.redirected.keys(),
            may_change=code.valid is not None,
        )
