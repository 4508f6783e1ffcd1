"""One guest function as LLVM functions: its blocks joined, calls, returns, and the way in through the state structure.

`@f<offset>` takes and returns registers (a function of the register convention); `@s<offset>` takes the state structure
(any function): `i1 @s(ptr %state, i64 %pc, i64 %link)`. `%pc` is the guest address entered, of which a fragment has
several; `%link` where the call goes on, which a jump out of a function passes on, whatever X30 is by then. Both give a
bit that says, when set, that control goes on somewhere else than after the call: all registers are then in the state,
with the pc, and every caller returns at once, down to the dispatcher at the bottom.
"""

from __future__ import annotations

from armexec.cpu.registers import COUNTER, STATE, X30, bit, has, members, register_type
from armexec.machines.llvm.machine import NAMES
from armexec.machines.llvm.values import Value
from armexec.machines.traps import TrapKind
from armexec.translate.compiled_unit import BASELINE_ONLY, END
from armexec.translate.ir.block_ends import METADATA, BlockEnds
from armexec.translate.ir.lift import LiftedBlock
from armexec.translate.ir.narrow_registers import narrowed
from armexec.translate.ir.state_access import load_state
from armexec.translate.ir.unit_functions import ATTRIBUTES, UnitFunctions

__all__ = ["FunctionWriter"]

_STATE = bit(STATE)


class FunctionWriter(UnitFunctions):
    """Writes the functions of a unit."""

    def write(self, entry: int) -> list[str]:
        """The function's text."""
        return _Writer(self, self.signatures[entry]).write()


class _Writer(BlockEnds):
    """Writes one function: its beginning, its blocks, and the ways out of them."""

    def way_out(self, start: int) -> list[str]:
        """Before a loop's first block: on to better code, if that is entered here by now."""
        m, block = self.m, self.place("block", start)
        b = m.builder
        m.begin()
        place = b.line(f"getelementptr ptr, ptr @table, i64 {(start - self.base) // 4}")
        host = b.line(f"load atomic ptr, ptr {place} acquire, align 8")
        b.append("store atomic i8 1, ptr @running monotonic, align 1")
        own = b.line(f"icmp eq ptr {host}, @s{self.unit.name(self.function.graph.entry)}")
        optimized, unused = b.block("better"), b.block("unused")
        b.branch(own, block, optimized)
        b.start(optimized)
        self.store_needed(self.signature.live_in[start], self.value)
        pc = m.address(start).text
        code = b.line(f"musttail call i1 {host}(ptr %state, i64 {pc}, i64 %link)")
        b.ret("i1", code)
        b.start(unused)
        return [f"{self.place('loop', start)}:", BASELINE_ONLY, *b.out, END, f"br label %{block}", f"{block}:"]

    def count(self, start: int, block: LiftedBlock) -> list[str]:
        """Before a block: subtract its instructions from those that are left, or stop within it."""
        m = self.m
        if not m.counts:
            return []
        b = m.builder
        m.begin()
        size = (block.source.end - start) // 4
        left = b.line(f"load i64, ptr {NAMES[COUNTER]}")
        rest = b.line(f"sub i64 {left}, {size}")
        limited, enough = self.place("limited", start), self.place("enough", start)
        # In a region, what it hasn't tested yet may be wrong.
        short = limited if block.region is None else self.place("rerun", block.region.header)
        name = f"!{METADATA - 1}"
        m.helpers[name] = f'{name} = !{{!"branch_weights", i32 1, i32 1000}}'
        rest = b.line(f'call i64 asm "", "=r,0"(i64 {rest})')
        b.store("i64", rest, NAMES[COUNTER])
        b.branch(b.line(f"icmp ult i64 {left}, {size}"), short, enough, weights=name)
        if block.region is None:
            b.start(limited)
            # `rest` as it is, so that the number from before needn't be kept.
            self.store_needed(self.needed_at(start) | bit(COUNTER), self.value)
            pc = m.address(start).text
            b.append(f"call preserve_allcc void @stop_within(ptr %state, i64 {pc}, i64 {size})")
            b.unreachable()
        b.start(enough)
        return b.out

    def write(self) -> list[str]:
        body: list[str] = []
        for start, block in self.function.blocks.items():
            self.m.resume(block.out, block.knowledge, block.dirty & ~bit(COUNTER))
            self.finish(start, block)
            body += self.way_out(start) if start in self.loops else [f"{self.place('block', start)}:"]
            body += self.count(start, block)
            body += block.out
            for exit_ in block.exits:
                body += self.deoptimize(start, block, exit_)
        for edge in self.edges.values():
            body += edge
        for region in self.regions.values():
            body += self.enter_region(region)
        if self.function.has_exits:
            body += self.resume()
        lines = [*self.prologue(), *body, "}"]
        policy = self.unit.policy
        narrows = policy.narrow_registers and self.function.graph.loops and len(lines) < policy.max_narrowed
        return narrowed(lines) if narrows else lines

    def prologue(self) -> list[str]:
        entry, signature, m = self.function.graph.entry, self.signature, self.m
        m.begin()
        b = m.builder
        out = b.out
        name = self.unit.name(entry)
        if self.uses_state:
            out.append(f"define i1 @s{name}(ptr noalias %state, i64 %pc, i64 %link) {ATTRIBUTES} {{")
        else:
            parameters = ", ".join(self.unit.arguments(signature))
            linkage = "" if entry in self.unit.exported else "internal "
            kind = self.result_type
            attributes = f"{ATTRIBUTES} noinline" if entry in self.unit.outlined else ATTRIBUTES
            out.append(f"define {linkage}{self.unit.convention}{kind} @f{name}({parameters}) {attributes} {{")
        out.append("%failed = alloca i1")
        out.append(f"%alignment = add i64 0, {0 if signature.is_aligned else 15}")
        if self.function.has_exits:
            out.append("%resumed = alloca i64")
        registers = signature.inputs
        for live in signature.live_in.values():
            registers |= live
        for block in self.function.blocks.values():
            registers |= block.dirty
        registers |= self.touched
        out += [f"{NAMES[n]} = alloca {register_type(n)}" for n in members(registers & ~_STATE)]
        for region in self.regions.values():
            out += [f"{self.saved(n, region)} = alloca {register_type(n)}" for n in members(self.saved_by(region))]
        entries = self.function.graph.entries or (entry,)
        if not self.uses_state:
            for n in members(signature.inputs & ~_STATE):
                b.store(register_type(n), f"%a{n}", NAMES[n])
            if has(signature.inputs, X30):
                out.append(f"%link = add i64 %a{X30}, 0")
        elif len(entries) > 1:
            offset = m.emit(64, f"sub i64 %pc, {m.address(self.base).text}")
            b.switch(offset.text, "wrong", ((at - self.base, self.place("entry", at)) for at in entries))
            b.start("wrong")
            m.trap(TrapKind.EXECUTE, Value(b, 64, "%pc"))
            b.unreachable()
            for at in entries:
                b.start(self.place("entry", at))
                self.load_for(at)
                b.jump(self.label(at))
            return out
        else:
            self.load_for(entry)
        b.jump(self.label(entry))
        return out

    def load_for(self, address: int) -> None:
        """Take from the state what the block at an address needs."""
        for n in members(self.signature.live_in[address] & ~_STATE):
            value = load_state(self.m, n)
            self.m.builder.store(register_type(n), value.text, NAMES[n])
