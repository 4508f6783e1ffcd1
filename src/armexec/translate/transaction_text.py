"""The code of transactions (`transactions`): how a loop gets from its tests to a record of its stores, and on without.

    first     it is entered: no rounds yet
    again     a round is done: after some, on to `try`
    try       record the next round, unless that has been in vain too often
    arm       the round is recorded: keep what is where it stored, and the registers; or back to the loop with tests
    round     an unchecked round is done
    look      now and then: look at what was stored, keep what is there now
    end       the loop is left, for a block outside: look at what was stored
    undo      there is a NaN: put back what was kept, and go on in careful code

If a trap ends it, `@abandoned` (in `prelude`) calls what stands in the state structure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from armexec.machines.llvm import STATE, Exit, LlvmMachine, Value, wider_views

from .lift import LiftedBlock
from .registers import bits, load_state, store_state
from .state import OFFSETS
from .transaction_helpers import helpers

if TYPE_CHECKING:
    from collections.abc import Callable

    from .lift import LiftedFunction
    from .liveness import Signature
    from .reruns import Rerun
    from .transactions import Transaction

__all__ = ["TransactionWriter"]

_PATIENCE = 4
"""After having recorded in vain so often, a loop records later."""
_LATE = 64
"""That is after so many rounds with tests, or eight times as many as at first."""
_WORTH = 1 << 15
"""If fewer bytes than so many are stored in unchecked rounds, it was in vain."""
_LOOK = 1024
"""After so many unchecked rounds it is looked at what was stored."""
_KEPT = OFFSETS["kept_registers"] - OFFSETS["x"]


@dataclass
class _Copy:
    """A further translation of a transaction's blocks, as it is being written."""

    transaction: Transaction
    blocks: Mapping[int, LiftedBlock]
    is_recording: bool


class TransactionWriter:
    """A part of the writer of a function. `copy`: what is written now, if it isn't the function's own blocks."""

    m: LlvmMachine
    function: LiftedFunction
    signature: Signature
    base: int
    edges: dict[str, list[str]]
    copy: _Copy | None

    def needed_at(self, address: int) -> int:
        raise NotImplementedError

    def value(self, number: int) -> Value:
        raise NotImplementedError

    def label(self, address: int, source: int | None = None) -> str:
        raise NotImplementedError

    def finish(self, start: int, block: LiftedBlock) -> None:
        raise NotImplementedError

    def leave_to_careful(self, start: int, block: LiftedBlock, exit_: Exit) -> list[str]:
        raise NotImplementedError

    def unsure_condition(self, rerun: Rerun, wanted: int, text_of: Callable[[int], str]) -> str:
        raise NotImplementedError

    def register_text(self, number: int) -> str:
        raise NotImplementedError

    def _name(self, transaction: Transaction) -> str:
        """Of the functions and variables of a transaction; the same loop may be part of several functions."""
        return f"{self.function.flow.entry - self.base:x}_{transaction.header - self.base:x}"

    def copy_label(self, copy: _Copy, address: int, source: int) -> str:
        """Where a block begins, coming from a block of a copy."""
        transaction, offset = copy.transaction, f"{address - self.base:x}"
        if address == transaction.header:
            return f"{'arm' if copy.is_recording else 'round'}_{offset}"
        if address in transaction.blocks:
            return f"{'recording' if copy.is_recording else 'unchecked'}_{offset}"
        if copy.is_recording:
            return self._outside(address)
        edge = f"end{source - self.base:x}_{offset}"
        if edge not in self.edges:
            m, out = self.m, self.m.out
            m.out = []
            bad = self._look(transaction, transaction.rerun.tested(self.signature.live_in[address]))
            self._set("armed", "ptr null")
            m.out += [f"br i1 {bad}, label %undo_{transaction.header - self.base:x}, label %good_{edge}"]
            m.out.append(f"good_{edge}:")
            self._judge(transaction, edge, self._outside(address))
            self.edges[edge] = [f"{edge}:", *m.out]
            m.out = out
        return edge

    def _outside(self, address: int) -> str:
        copy, self.copy = self.copy, None
        label = self.label(address)
        self.copy = copy
        return label

    def _set(self, field: str, value: str) -> None:
        """Set a field of the state structure. A trap may end the loop at any time, of which LLVM knows nothing."""
        pointer = self.m.line(f"getelementptr i8, ptr %state, i64 {OFFSETS[field]}")
        self.m.out.append(f"store volatile {value}, ptr {pointer}")

    def _look(self, transaction: Transaction, wanted: int) -> str:
        """Whether there is a NaN in what was stored, or in one of the registers `wanted`."""
        m = self.m
        condition = m.line(f"call i1 @any_nan{transaction.esize}(ptr %state)")
        unsure = self.unsure_condition(transaction.rerun, wanted, self.register_text)
        return m.line(f"or i1 {condition}, {unsure}") if unsure else condition

    def write_transactions(self) -> list[str]:
        """All blocks of all transactions of the function, but for those that it has anyway."""
        out: list[str] = []
        for transaction in self.function.transactions:
            self.m.helpers["transactions"] = helpers()
            for copy in (
                _Copy(transaction, transaction.recording, is_recording=True),
                _Copy(transaction, transaction.unchecked, is_recording=False),
            ):
                out += self._write_copy(copy)
            out += self._write_steps(transaction)
        return out

    def _write_copy(self, copy: _Copy) -> list[str]:
        out: list[str] = []
        self.copy = copy
        for start, block in copy.blocks.items():
            self.m.resume(block.out, block.knowledge, block.dirty)
            self.finish(start, block)
            out += [f"{'recording' if copy.is_recording else 'unchecked'}_{start - self.base:x}:", *block.out]
            for exit_ in block.exits:
                out += self.leave_to_careful(start, block, exit_)
        self.copy = None
        return out

    def prepare_transactions(self) -> list[str]:
        """For the function's first block."""
        headers = [f"{transaction.header - self.base:x}" for transaction in self.function.transactions]
        lines = [f"%{name}.{header} = alloca i32" for header in headers for name in ("tested", "passed")]
        return lines + [f"store i32 0, ptr %tested.{header}" for header in headers]

    def _write_steps(self, transaction: Transaction) -> list[str]:
        m, h, name = self.m, f"{transaction.header - self.base:x}", self._name(transaction)
        m.begin()
        out = m.out
        out += [f"first_{h}:", f"store i32 0, ptr %tested.{h}", f"br label %b{h}", f"again_{h}:"]
        count = self._count(f"%tested.{h}")
        cases = {transaction.rounds: f"try_{h}", max(_LATE, 8 * transaction.rounds): f"record_{h}"}
        choices = " ".join(f"i32 {rounds}, label %{label}" for rounds, label in cases.items())
        out += [f"switch i32 {count}, label %b{h} [{choices}]", f"try_{h}:"]
        failures = m.line(f"load atomic i32, ptr @failures{name} monotonic, align 4")
        patient = m.line(f"icmp ult i32 {failures}, {_PATIENCE}")
        out.append(f"br i1 {patient}, label %record_{h}, label %b{h}")
        out.append(f"record_{h}:")
        self._set("stored_count", "i64 0")
        # Zero is the end of no place.
        zero = m.line(f"getelementptr i8, ptr %state, i64 {OFFSETS['stored_count']}")
        self._set("stored_last", f"ptr {zero}")
        out += [f"br label %recording_{h}", f"arm_{h}:"]
        together = "0"
        for number in bits(transaction.aligned):
            together = m.line(f"or i64 {together}, {self.value(number).text}")
        low = m.line(f"and i64 {together}, {transaction.esize // 8 - 1}")
        aligned = m.line(f"icmp eq i64 {low}, 0")
        out += [f"store i32 0, ptr %passed.{h}", f"br i1 {aligned}, label %keep_{h}, label %fail_{h}", f"keep_{h}:"]
        m.begin()
        m.out = out
        kept = m.line("call i1 @keep(ptr %state)")
        out += [f"br i1 {kept}, label %armed_{h}, label %fail_{h}", f"armed_{h}:"]
        self._arm(transaction)
        out += [f"br label %unchecked_{h}", f"round_{h}:"]
        full = m.line(f"icmp eq i32 {self._count(f'%passed.{h}')}, {_LOOK}")
        out.append(f"br i1 {full}, label %look_{h}, label %unchecked_{h}")
        m.begin()
        m.out = out
        out += [f"look_{h}:", f"store i32 {_LOOK // 2}, ptr %passed.{h}"]
        bad = self._look(transaction, transaction.rerun.tested(self.signature.live_in[transaction.header]))
        out += [f"br i1 {bad}, label %undo_{h}, label %keep_{h}", f"undo_{h}:"]
        self._set("armed", "ptr null")
        self._count_failure(name)
        out.append(f"call void @undo{name}(ptr %state)")
        out += [f"store i64 {m.address(transaction.header).text}, ptr %resumed", "br label %resume", f"fail_{h}:"]
        self._count_failure(name)
        out.append(f"br label %b{h}")
        self._write_functions(transaction)
        return out

    def _count(self, counter: str) -> str:
        """Count in a variable of the function; the count."""
        m = self.m
        count = m.line(f"add i32 {m.line(f'load i32, ptr {counter}')}, 1")
        m.out.append(f"store i32 {count}, ptr {counter}")
        return count

    def _judge(self, transaction: Transaction, edge: str, then: str) -> None:
        """Remember whether the rounds without tests were worth getting there."""
        m, failures = self.m, f"@failures{self._name(transaction)}"
        passed = m.line(f"load i32, ptr %passed.{transaction.header - self.base:x}")
        size = m.line(f"getelementptr i8, ptr %state, i64 {OFFSETS['old_size']}")
        stored = m.line(f"mul i64 {m.line(f'zext i32 {passed} to i64')}, {m.line(f'load i64, ptr {size}')}")
        few = m.line(f"icmp ult i64 {stored}, {_WORTH}")
        known = m.line(f"load atomic i32, ptr {failures} monotonic, align 4")
        more = m.line(f"add i32 {known}, 1")
        now = m.line(f"select i1 {few}, i32 {more}, i32 0")
        # Threads don't write what isn't new.
        same = m.line(f"icmp eq i32 {known}, {now}")
        m.out += [f"br i1 {same}, label %{then}, label %new_{edge}", f"new_{edge}:"]
        m.out += [f"store atomic i32 {now}, ptr {failures} monotonic, align 4", f"br label %{then}"]

    def _count_failure(self, name: str) -> None:
        self.m.line(f"atomicrmw add ptr @failures{name}, i32 1 monotonic, align 4")

    def _kept(self, transaction: Transaction) -> list[int]:
        """The registers that careful code needs to run the loop again, V registers in the widest view."""
        needed = self.needed_at(transaction.header) & ~(1 << STATE)
        return [n for n in bits(needed) if not any(needed >> wider & 1 for wider in wider_views(n))]

    def _arm(self, transaction: Transaction) -> None:
        m = self.m
        for number in self._kept(transaction):
            store_state(m, number, self.value(number), _KEPT, volatile=True)
        self._set("armed_pc", f"i64 {m.address(transaction.header).text}")
        self._set("armed_link", "i64 %link")
        self._set("armed", f"ptr @abandon{self._name(transaction)}")

    def _write_functions(self, transaction: Transaction) -> None:
        """What is called where there is a NaN, and if a trap ends the loop."""
        name = self._name(transaction)
        m = LlvmMachine(OFFSETS, self.base)
        for number in self._kept(transaction):
            store_state(m, number, load_state(m, number, _KEPT))
        copies = "\n".join(m.out)
        self.m.helpers[f"undo{name}"] = f"""
@failures{name} = internal global i32 0
define internal void @undo{name}(ptr %state) cold noinline nounwind {{
  %well = call i1 @put_back(ptr %state)
{copies}
  ret void
}}
define internal void @abandon{name}(ptr %state) cold noinline nounwind {{
  %nan = call i1 @any_nan{transaction.esize}(ptr %state)
  br i1 %nan, label %bad, label %good
bad:
  call void @undo{name}(ptr %state)
  %p = getelementptr i8, ptr %state, i64 {OFFSETS["armed_pc"]}
  %pc = load i64, ptr %p
  %l = getelementptr i8, ptr %state, i64 {OFFSETS["armed_link"]}
  %link = load i64, ptr %l
  ; It traps again, this time with everything as it should be.
  %code = call i1 @resume(ptr %state, i64 %pc, i64 %link)
  ret void
good:
  ret void
}}"""
