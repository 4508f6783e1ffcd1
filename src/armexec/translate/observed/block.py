"""A block of code of an address space as IR text, and the loop that runs blocks.

A block is a function of the state of a Cpu and of how many instructions are left. It gives the number of those that it
has executed, with `SLOW` set where the next one is the interpreter's. The registers are in the state wherever it is
left.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from armexec.cpu.registers import ALL, PARTIAL, STATE, VIEWS, RegisterSet, bit, has, members, q, register_type
from armexec.cpu.state import OFFSETS
from armexec.isa import Decoded
from armexec.machines.llvm.builder import Host
from armexec.machines.llvm.machine import Terminator
from armexec.machines.llvm.values import Value
from armexec.translate.codegen.link import HostCode, defined_names
from armexec.translate.codegen.llvm import compile_object, exact_attributes
from armexec.translate.codegen.shield import shielded
from armexec.translate.guest_state import GuestState
from armexec.translate.ir.state_access import load_state, store_state
from armexec.translate.ir.unit_functions import ATTRIBUTES
from armexec.translate.observed.machine import ObservedMachine, page_lookup
from armexec.translate.observed.soft_float import declared, soft_symbols
from armexec.translate.support.host_environment import environment_text

__all__ = [
    "HOT",
    "INTERPRET",
    "LIMITED",
    "MISSING",
    "SLOW",
    "UNTIL",
    "BlockText",
    "BlockWriter",
    "RunContext",
    "TableEntry",
    "block_text",
    "compile_blocks",
    "dispatcher",
    "no_key",
]

_RECENT = 256
"""Maximum object files that are kept, of some kilobytes each."""
SLOW = 1 << 32
UNTIL, MISSING, LIMITED, INTERPRET, HOT = range(5)
"""Why the loop ends: the pc is where it is to end; no block begins at the pc; the next block has more instructions than
are left; the next instruction is the interpreter's; the next block has been executed often."""


class RunContext(ctypes.Structure):
    """What the loop is told, and what it leaves. `budget`: how many instructions may be executed. `until`: a pc."""

    _fields_ = (("until", ctypes.c_uint64), ("budget", ctypes.c_uint64))


class TableEntry(ctypes.Structure):
    """An entry of the table of blocks. `key` is the block's address, or `no_key` where there is none.

    `countdown`: after so many executions the loop ends with `HOT`; 0: never.
    """

    _fields_ = (
        ("key", ctypes.c_uint64),
        ("function", ctypes.c_uint64),
        ("instructions", ctypes.c_uint64),
        ("countdown", ctypes.c_uint64),
    )


def no_key(index: int) -> int:
    """The key of an entry without a block: a pc that isn't looked up there."""
    return 0 if index else 4


@dataclass
class BlockText:
    """The function of a block, or of several. `helpers` are the texts of functions that it calls.

    `instructions`: how many its first block has.
    """

    lines: list[str]
    helpers: dict[str, str]
    instructions: int


class _Part(NamedTuple):
    """A block within a function: its text, without its end, and where control goes then, by conditions."""

    start: int
    instructions: int
    lines: list[str]
    ends: tuple[tuple[str, int | Value], ...]


def block_text(name: str, blocks: Mapping[int, Sequence[Decoded]], host: Host, *, keep: bool = False) -> BlockText:
    """The function of some blocks, by their starts, which is entered at the first of them.

    A block ends at the first instruction that changes the control flow. It may be shorter than its instructions, and
    has none at all if the first is the interpreter's. Control goes from block to block within the function as long as
    the next one has no more instructions than are left. `keep`: registers are kept in local variables until the
    function is left, which LLVM is to make registers of the host; else each instruction puts them into the state.
    """
    return BlockWriter(ObservedMachine(host), keep=keep).write(name, blocks)


class BlockWriter:
    """Writes a function by a machine. Classes that derive from it add text of their own to each block."""

    def __init__(self, machine: ObservedMachine, *, keep: bool) -> None:
        self.m = machine
        self.keep = keep
        self.parts: dict[int, _Part] = {}
        self.loaded: RegisterSet = 0
        self.changed: RegisterSet = 0

    def write(self, name: str, blocks: Mapping[int, Sequence[Decoded]]) -> BlockText:
        """The function of some blocks; see `block_text`."""
        for start, instructions in blocks.items():
            self.add(start, instructions)
        return self.finish(name)

    def entered(self) -> None:
        """The function begins."""

    def exited(self) -> None:
        """The function is about to return."""

    def begun(self, start: int) -> None:
        """A block begins: what is written now is executed before its instructions."""

    def executed(self, decoded: Decoded, registers: RegisterSet) -> None:
        """An instruction is complete, and has written these registers."""

    def written(self, start: int, instructions: Sequence[Decoded]) -> None:
        """The instructions of a block are written: these."""

    def left(self, start: int, count: Value) -> None:
        """A block is left after `count` instructions, by one of the ways in `m.leaves_of`. What is written may begin
        with phi instructions."""

    def add(self, start: int, instructions: Sequence[Decoded]) -> None:
        """Write a block, but for its end."""
        m = self.m
        b = m.builder
        m.start_block(start)
        self.begun(start)
        count = 0
        for decoded in instructions:
            m.start_instruction(start + 4 * count, count)
            decoded.instruction.semantics(m, *decoded.fields.values())
            if m.terminator is not None and m.terminator[0] == "trap":
                break
            # The registers change when the instruction is complete.
            self.executed(decoded, m.dirty & ALL)
            self.put(m.dirty & ALL)
            m.dirty = 0
            count += 1
            if m.terminator is not None:
                break
        ends = _ends(m.terminator, start + 4 * count)
        if not ends:
            m.leaves.append((count, b.label))
            b.jump(m.leave)
        self.written(start, instructions[:count])
        body, b.out = b.out, [f"block.{start:x}:"]
        self.get(m.used & ~bit(STATE))
        self.parts[start] = _Part(start, count, [*b.out, *body], ends)

    def put(self, registers: RegisterSet) -> None:
        """Put registers that have changed where they are kept."""
        m = self.m
        self.changed |= registers
        if self.keep:
            m.flush(registers)
            return
        for n in members(registers):
            store_state(m, n, m.register(n))

    def get(self, registers: RegisterSet) -> None:
        """Take registers from where they are kept to where a block expects them."""
        m = self.m
        b = m.builder
        self.loaded |= registers
        for n in members(registers):
            view = VIEWS[n]
            if not self.keep:
                b.store(view.type, load_state(m, n).text, view.variable)
            elif has(PARTIAL, n):
                whole = q(view.register.n)
                self.loaded |= bit(whole)
                value = Value(b, 128, b.line(f"load {register_type(whole)}, ptr {VIEWS[whole].variable}"))
                b.store(view.type, m.narrow(value, whole, n).text, view.variable)

    def finish(self, name: str) -> BlockText:
        """The function, with the ends of its blocks."""
        m = self.m
        b = m.builder
        entry = next(iter(self.parts))
        out = [
            f"define i64 @{name}(ptr noalias %state, i64 %budget) {ATTRIBUTES} {{",
            "entry:",
            "%failed = alloca i1",
            "%alignment = add i64 0, 15",
            "%executed = alloca i64",
            "store i64 0, ptr %executed",
            "%following = alloca i64",
        ]
        kept = self.loaded | (self.changed if self.keep else 0)
        out += [f"{VIEWS[n].variable} = alloca {register_type(n)}" for n in members(kept)]
        b.out = out
        if self.keep:
            for n in members(kept & ~PARTIAL):
                b.store(register_type(n), load_state(m, n).text, VIEWS[n].variable)
        self.entered()
        out.append(f"br label %block.{entry:x}")
        for part in self.parts.values():
            out += part.lines
            self.end(part)
            self.leave(part)
        self.exit()
        return BlockText([*out, "}"], m.helpers, self.parts[entry].instructions)

    def end(self, part: _Part) -> None:
        """The end of a block."""
        m = self.m
        b = m.builder
        if not part.ends:
            return
        before = b.line("load i64, ptr %executed")
        executed = b.line(f"add i64 {before}, {part.instructions}")
        b.store("i64", executed, "%executed")
        for condition, target in part.ends:
            otherwise = b.block("otherwise")
            if condition:
                taken = b.block("taken")
                b.branch(condition, taken, otherwise)
                b.start(taken)
            if isinstance(target, int) and target in self.parts:
                left, away = b.line(f"sub i64 %budget, {executed}"), b.block("away")
                enough = b.line(f"icmp uge i64 {left}, {self.parts[target].instructions}")
                b.branch(enough, f"block.{target:x}", away, weights="!0")
                b.start(away)
            pc = m.const(64, target) if isinstance(target, int) else target
            b.store("i64", pc.text, "%following")
            b.jump("exit")
            if condition:
                b.start(otherwise)

    def leave(self, part: _Part) -> None:
        """The way out of a block before its instructions."""
        m = self.m
        b = m.builder
        leaves = m.leaves_of[part.start]
        if not leaves:
            return
        b.start(f"leave.{part.start:x}")
        count = m.emit(64, "phi i64 " + ", ".join(f"[{executed}, %{label}]" for executed, label in leaves))
        self.left(part.start, count)
        b.store("i64", ((count << 2) + part.start).text, "%following")
        before = b.line("load i64, ptr %executed")
        slow = b.line(f"or i64 {b.line(f'add i64 {before}, {count.text}')}, {SLOW}")
        b.store("i64", slow, "%executed")
        b.jump("exit")

    def exit(self) -> None:
        """The end of the function."""
        m = self.m
        b = m.builder
        b.start("exit")
        if self.keep:
            for n in members(self.changed):
                width = 1 if VIEWS[n].type == "i1" else 64
                store_state(m, n, m.emit(width, f"load {register_type(n)}, ptr {VIEWS[n].variable}"))
        self.exited()
        pc = b.line("load i64, ptr %following")
        pointer = b.state.pointer("pc")
        result = b.line("load i64, ptr %executed")
        b.store("i64", pc, pointer)
        b.ret("i64", result)


def _ends(terminator: Terminator | None, following: int) -> tuple[tuple[str, int | Value], ...]:
    """Where control goes after a block: conditions, the last of them empty, and addresses. None: the interpreter's."""
    if terminator is None:
        return (("", following),)
    if terminator[0] == "trap":
        return ()
    if terminator[0] == "branch":
        return ((terminator[1].text, terminator[2]), ("", terminator[3]))
    if terminator[0] == "switch":
        return (("", terminator[2]),)
    return (("", terminator[1]),)


@lru_cache(_RECENT)
def _object(text: str, tier: str) -> bytes:
    return compile_object(text, tier=tier)


def compile_blocks(blocks: Sequence[BlockText], symbols: Mapping[str, int], tier: str) -> HostCode:
    """The host code of some blocks.

    `symbols`: the addresses of what they use, `page_roots` and others. The text is the same wherever these are, so what
    it becomes is found again by the next who runs the same code.

    Raises:
        HostError: LLVM refuses the text, which is a defect of armexec.
    """
    out: list[str] = [*(f"@{name} = external global i8" for name in symbols), page_lookup()]
    helpers: dict[str, str] = {}
    for block in blocks:
        out += block.lines
        helpers |= block.helpers
    out += declared(helpers)
    out.append("attributes #0 = { null_pointer_is_valid nounwind }")
    out.append(exact_attributes())
    out.append('!0 = !{!"branch_weights", i32 100000, i32 1}')
    text = "\n".join(out)

    def make() -> HostCode:
        return HostCode(_object(text, tier), {**soft_symbols(helpers), **symbols}, defined_names(text))

    return shielded(make)


def dispatcher(table_bits: int) -> str:
    """`i32 @run(state, context, table)`: run blocks until one of the reasons for an end."""
    size = ctypes.sizeof(TableEntry)
    function, instructions = TableEntry.function.offset, TableEntry.instructions.offset
    return f"""
define i32 @run(ptr %state, ptr %context, ptr %table) nounwind {{
  %environment = alloca [{ctypes.sizeof(GuestState)} x i8], align 16
  call void @own_environment(ptr %environment)
  %pc_at = getelementptr i8, ptr %state, i64 {OFFSETS["pc"]}
  %until = load i64, ptr %context
  %budget_at = getelementptr i8, ptr %context, i64 {RunContext.budget.offset}
  %budget = load i64, ptr %budget_at
  br label %next
next:
  %left = phi i64 [%budget, %0], [%less, %ran]
  %pc = load i64, ptr %pc_at
  %ends = icmp eq i64 %pc, %until
  br i1 %ends, label %end, label %look
look:
  %word = lshr i64 %pc, 2
  %index = and i64 %word, {(1 << table_bits) - 1}
  %offset = mul i64 %index, {size}
  %entry = getelementptr i8, ptr %table, i64 %offset
  %key = load i64, ptr %entry
  %found = icmp eq i64 %key, %pc
  br i1 %found, label %measure, label %end
measure:
  %length_at = getelementptr i8, ptr %entry, i64 {instructions}
  %length = load i64, ptr %length_at
  %enough = icmp uge i64 %left, %length
  br i1 %enough, label %heat, label %end
heat:
  %countdown_at = getelementptr i8, ptr %entry, i64 {TableEntry.countdown.offset}
  %countdown = load i64, ptr %countdown_at
  %one = call i64 @llvm.umin.i64(i64 %countdown, i64 1)
  %lower = sub i64 %countdown, %one
  store i64 %lower, ptr %countdown_at
  %is_hot = icmp eq i64 %countdown, 1
  br i1 %is_hot, label %end, label %go
go:
  %function_at = getelementptr i8, ptr %entry, i64 {function}
  %function = load ptr, ptr %function_at
  %result = call i64 %function(ptr %state, i64 %left)
  br label %ran
ran:
  %count = and i64 %result, {SLOW - 1}
  %less = sub i64 %left, %count
  %slow = icmp uge i64 %result, {SLOW}
  br i1 %slow, label %end, label %next
end:
  %why = phi i32 [{UNTIL}, %next], [{MISSING}, %look], [{LIMITED}, %measure], [{HOT}, %heat], [{INTERPRET}, %ran]
  %rest = phi i64 [%left, %next], [%left, %look], [%left, %measure], [%left, %heat], [%less, %ran]
  store i64 %rest, ptr %budget_at
  call void @put_back_environment(ptr %environment)
  ret i32 %why
}}
{environment_text()}"""
