"""The translated engine in an address space: blocks of code as host code, and the interpreter for the rest.

Code is interpreted when it is first reached, and translated when it is reached often. The interpreter also executes
what a block can't: see `translate/observed/machine.py`. Host code runs while the GIL is held, for some milliseconds at
a time, so nothing changes the address space meanwhile, and signals and other threads have their turn.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from armexec.cpu.cpu import Cpu, Limits
from armexec.cpu.stop import Stop
from armexec.engines.running import Guest
from armexec.engines.stepping import Run, Stepper
from armexec.errors import HostError
from armexec.isa import Decoded, decode
from armexec.memory import execution_refused
from armexec.memory.guest.page_table import PAGE, PageTable
from armexec.translate.cfg.discovery import BlockEndMachine, ends_block
from armexec.translate.codegen import llvm as host
from armexec.translate.codegen.link import HostCode
from armexec.translate.codegen.shield import shielded
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.observed.block import (
    HOT,
    INTERPRET,
    LIMITED,
    MISSING,
    UNTIL,
    BlockText,
    RunContext,
    TableEntry,
    block_text,
    compile_blocks,
    dispatcher,
    no_key,
)

__all__ = ["Observed", "Policy", "execute_blocks", "unavailable"]


@dataclass(frozen=True)
class Policy:
    """When code is translated, and in what pieces."""

    hot: int = 4
    """A block is translated when it has been reached so often: quickly, to code that is slower than it could be."""
    very_hot: int = 500_000
    """A block is translated again, to better code, when it has been executed so often; 0: never."""
    longest: int = 32
    """Maximum instructions of a block."""
    together: int = 16
    """Maximum blocks that are compiled at once: one that is hot, and those that it leads to."""
    slice: int = 200_000
    """Maximum instructions that are executed before Python has its turn."""


_QUICK, _GOOD = "O0", "blocks"
_TABLE_BITS = 16
_NOWHERE = 1
"""A pc that no instruction has."""


def unavailable() -> str:
    """Why the host can't translate; empty if it can."""
    return host.unavailable() or execution_refused() or ""


@cache
def _dispatcher() -> tuple[Callable[[int, int, int], int], HostCode]:
    code = shielded(lambda: shared_code(dispatcher(_TABLE_BITS), {}, ("run",), "O2"))
    # With the GIL: what runs is never surprised by a change of the address space.
    kind = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return kind(code.address("run")), code


def execute_blocks(state: int, context: int, table: int) -> int:
    """Run blocks; why the loop has ended. The arguments are addresses: of a CpuState, a RunContext and TableEntries."""
    execute, _ = _dispatcher()
    return execute(state, context, table)


def _name(start: int) -> str:
    """The name of the function of a block."""
    return f"b{start:x}"


def _index(pc: int) -> int:
    """The entry of the table for a pc."""
    return pc >> 2 & (1 << _TABLE_BITS) - 1


@dataclass(frozen=True)
class _Block:
    """Host code that is entered at an address, where `instructions` follow each other.

    `ranges`: the code that it was made of. `successors`: where control is known to go on, after the first block.
    """

    function: int
    instructions: int
    code: HostCode
    ranges: tuple[tuple[int, int], ...]
    successors: tuple[int, ...]
    is_optimized: bool

    def overlaps(self, begin: int, end: int) -> bool:
        return any(first < end and begin < last for first, last in self.ranges)

    def holds(self, address: int) -> bool:
        """Whether an address is within, and not where it is entered or where one of its blocks begins."""
        return any(first < address < last for first, last in self.ranges)


class Observed:
    """Runs Cpus in one address space, by its table of pages.

    Raises:
        HostError: the host can't translate.
    """

    def __init__(self, page_table: PageTable, policy: Policy | None = None) -> None:
        reason = unavailable()
        if reason:
            raise HostError(f"the engine 'translated' can't run here: {reason}")
        self.policy = policy or Policy()
        self._pages = page_table
        self._table = (TableEntry * (1 << _TABLE_BITS))()
        self._table[0].key = no_key(0)
        self._blocks: dict[int, _Block | None] = {}
        """Blocks by their start; None where the first instruction is the interpreter's."""
        self._by_page: dict[int, set[int]] = {}
        self._reached: dict[int, dict[int, int]] = {}
        """How often blocks that aren't translated have been reached, by page and start."""
        self._starts: set[int] = set()
        """Where runs were to end: blocks end before."""

    # -- running ------------------------------------------------------------------------------------------------------
    def run(self, guest: Guest, cpu: Cpu, limits: Limits) -> Stop:
        run = Run(cpu, limits)
        stepper = Stepper(run, guest)
        state = cpu.state
        address = ctypes.addressof(state)
        context = RunContext(until=_NOWHERE)
        if limits.until is not None:
            self._split(limits.until)
            context.until = limits.until
        table, context_address = ctypes.addressof(self._table), ctypes.addressof(context)
        while True:
            stop = run.over()
            if stop is not None:
                return stop
            allowed = self.policy.slice if run.left is None else min(run.left, self.policy.slice)
            context.budget = allowed
            why = execute_blocks(address, context_address, table)
            run.count(allowed - context.budget)
            if (why == UNTIL and run.until is not None) or (why == LIMITED and run.left != context.budget):
                # At the end of the run, or of the slice.
                continue
            if why == HOT:
                self._improve(guest, int(state.pc))
                continue
            if why == MISSING and self._enter(guest, int(state.pc)):
                continue
            stop = self._interpret(stepper, run, straight=why != INTERPRET)
            if stop is not None:
                return stop

    def _interpret(self, stepper: Stepper, run: Run, *, straight: bool) -> Stop | None:
        """Execute one instruction, or all up to the next branch."""
        state = run.cpu.state
        while True:
            pc = int(state.pc)
            stop = run.over() or stepper.step()
            if stop is not None or not straight or state.pc != pc + 4:
                return stop

    def _enter(self, guest: Guest, pc: int) -> bool:
        """Whether there is a block at the pc, which is then in the table."""
        if pc in self._blocks:
            block = self._blocks[pc]
        else:
            reached = self._reached.setdefault(pc // PAGE, {})
            times = reached[pc] = reached.get(pc, 0) + 1
            if times < self.policy.hot:
                return False
            self._translate(guest, pc)
            block = self._blocks.get(pc)
        if block is None:
            return False
        # A handler of a signal may raise an exception anywhere: there is no entry until it is complete.
        index = _index(pc)
        entry = self._table[index]
        entry.key = no_key(index)
        entry.function, entry.instructions = block.function, block.instructions
        entry.countdown = 0 if block.is_optimized else self.policy.very_hot
        entry.key = pc
        return True

    # -- translating --------------------------------------------------------------------------------------------------
    def _translate(self, guest: Guest, pc: int) -> None:
        """Translate the block at the pc, and those that it leads to and that have been reached."""
        todo = [pc]
        texts: dict[int, tuple[BlockText, list[int]]] = {}
        while todo and len(texts) < self.policy.together:
            start = todo.pop(0)
            if start in texts or start in self._blocks:
                continue
            instructions, successors = self._read(guest, start)
            text = self._text(_name(start), {start: instructions}, keep=False)
            if not text.instructions:
                self._keep(start, None, [(start, start + 4)])
                continue
            texts[start] = text, successors
            todo += (to for to in successors if to in self._reached.get(to // PAGE, ()))
        if texts:
            code = compile_blocks([text for text, _ in texts.values()], self._symbols(), _QUICK)
            for start, (text, successors) in texts.items():
                count = text.instructions
                ranges = ((start, start + 4 * count),)
                block = _Block(code.address(_name(start)), count, code, ranges, tuple(successors), False)
                self._keep(start, block, ranges)

    def _text(self, name: str, blocks: Mapping[int, Sequence[Decoded]], *, keep: bool) -> BlockText:
        return block_text(name, blocks, host.host_features(), keep=keep)

    def _symbols(self) -> dict[str, int]:
        """The addresses of what the texts of blocks refer to."""
        return {"page_roots": self._pages.address}

    def _improve(self, guest: Guest, pc: int) -> None:
        """Translate a block again, together with the others of the loops that it is in, to better code."""
        first = self._blocks[pc]
        assert first is not None
        blocks = {start: self._read(guest, start)[0] for start in (pc, *self._loop(pc))}
        text = self._text(_name(pc), blocks, keep=True)
        code = compile_blocks([text], self._symbols(), _GOOD)
        ranges = tuple((start, start + 4 * len(instructions)) for start, instructions in blocks.items())
        block = _Block(code.address(_name(pc)), text.instructions, code, ranges, first.successors, True)
        self._keep(pc, block, ranges)
        self._enter(guest, pc)

    def _loop(self, pc: int) -> list[int]:
        """The blocks that the one at the pc leads to, and that lead back to it, but not itself."""
        before: dict[int, set[int]] = {pc: set()}
        todo = [pc]
        while todo:
            start = todo.pop(0)
            block = self._blocks.get(start)
            for to in block.successors if block is not None else ():
                if self._blocks.get(to) is None or to in self._starts:
                    continue
                if to not in before and len(before) < self.policy.together:
                    before[to] = set()
                    todo.append(to)
                if to in before:
                    before[to].add(start)
        found: dict[int, None] = {}
        todo = list(before[pc])
        while todo:
            start = todo.pop()
            if start not in found and start != pc:
                found[start] = None
                todo += before[start]
        return list(found)

    def _keep(self, start: int, block: _Block | None, ranges: Iterable[tuple[int, int]]) -> None:
        self._forget_entry(start)
        for begin, end in ranges:
            for page in range(begin // PAGE, (end - 1) // PAGE + 1):
                self._by_page.setdefault(page, set()).add(start)
        self._blocks[start] = block
        self._reached.get(start // PAGE, {}).pop(start, None)

    def _read(self, guest: Guest, start: int) -> tuple[list[Decoded], list[int]]:
        """The instructions of a block, and the addresses of code that it is known to lead to."""
        instructions: list[Decoded] = []
        flow = BlockEndMachine()
        at = start
        while len(instructions) < self.policy.longest:
            if instructions and at in self._starts:
                break
            word = guest.fetch(at)
            decoded = decode(word) if word is not None and not guest.hooked("code", at, at + 4) else None
            if decoded is None:
                return instructions, []
            instructions.append(decoded)
            at += 4
            if ends_block(decoded, at - 4, flow):
                targets = [flow.target] if flow.kind in ("goto", "branch", "call") and flow.target is not None else []
                return instructions, targets if flow.kind in ("goto", "jump", "return") else [*targets, at]
        return instructions, [at]

    # -- forgetting ---------------------------------------------------------------------------------------------------
    def _split(self, address: int) -> None:
        """Have blocks end before an address."""
        if address in self._starts:
            return
        for start in tuple(self._by_page.get(address // PAGE, ())):
            block = self._blocks.get(start)
            if block is not None and (
                block.holds(address) or (start != address and block.overlaps(address, address + 1))
            ):
                self._drop(start)
        self._starts.add(address)

    def end_before(self, address: int) -> None:
        """Have blocks end before an address, and none begin there that has begun before."""
        self._split(address)
        self.invalidate(address, address + 4)

    def drop_if(self, wanted: Callable[[int], bool]) -> None:
        """Drop the blocks whose start fulfils a condition."""
        for start in [start for start in self._blocks if wanted(start)]:
            self._drop(start)

    def invalidate(self, begin: int, end: int) -> None:
        first, last = begin // PAGE, -(-end // PAGE)
        if last - first < len(self._by_page):
            pages = [page for page in range(first, last) if page in self._by_page]
        else:
            pages = [page for page in self._by_page if first <= page < last]
        for page in pages:
            for start in tuple(self._by_page.get(page, ())):
                block = self._blocks.get(start)
                if block.overlaps(begin, end) if block is not None else start < end and begin < start + 4:
                    self._drop(start)
        if last - first < len(self._reached):
            for page in range(first, last):
                self._reached.pop(page, None)
        else:
            self._reached = {page: found for page, found in self._reached.items() if not first <= page < last}

    def _forget_entry(self, start: int) -> None:
        """Have the table lead no longer to a block, which may be freed then."""
        index = _index(start)
        if self._table[index].key == start:
            self._table[index].key = no_key(index)

    def _drop(self, start: int) -> None:
        self._forget_entry(start)
        block = self._blocks.pop(start, None)
        for begin, end in block.ranges if block is not None else ((start, start + 4),):
            for page in range(begin // PAGE, (end - 1) // PAGE + 1):
                self._by_page.get(page, set()).discard(start)
                if not self._by_page.get(page):
                    self._by_page.pop(page, None)
