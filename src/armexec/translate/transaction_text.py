"""The code of transactions (`transactions`): how a loop gets from its tests to a record of its stores, and on without.

In the function that the loop is part of:

    first     it is entered: no rounds yet
    again     a round is done: after some, on to `try`
    try       record the next round, unless that has been in vain too often
    record    call a function of the transaction's own, so that the loop with tests is as it would be without

There, registers coming and going by the state structure:

    arm       the round is recorded: keep what is where it stored, and the registers; or back to the loop with tests
    round     an unchecked round is done
    look      now and then: look at what was stored, keep what is there now
    end       the loop is left, for a block outside: look at what was stored
    undo      there is a NaN: put back what was kept, and go on in careful code
    leave     back to a block of the function, by its number; or to an address in careful code

If a trap ends it, `@abandoned` (in `prelude`) calls what stands in the state structure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from armexec.machines.llvm import NAMES, SP, STATE, Exit, LlvmMachine, Value, register_type

from .lift import LiftedBlock
from .narrow import narrowed, wide_registers
from .registers import bits, load_state, store_state, widest
from .state import OFFSETS, field_of
from .transaction_helpers import declarations

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
_WORTH = 1 << 13
"""If fewer bytes than so many are stored in unchecked rounds, it was in vain."""
_LOOK = 1024
"""After so many unchecked rounds it is looked at what was stored."""
_KEPT = OFFSETS["kept_registers"] - OFFSETS["x"]
_PASSED = OFFSETS["passed_registers"] - OFFSETS["x"]


@dataclass
class _Copy:
    """A further translation of a transaction's blocks, as it is being written."""

    transaction: Transaction
    is_recording: bool

    @property
    def blocks(self) -> Mapping[int, LiftedBlock]:
        return self.transaction.recording if self.is_recording else self.transaction.unchecked

    @property
    def prefix(self) -> str:
        """What the labels of its blocks begin with."""
        return "recording" if self.is_recording else "unchecked"


@dataclass
class _Outlined:
    """A transaction's own function: its lines, and the registers that it has."""

    transaction: Transaction
    lines: list[str]
    registers: int


class TransactionWriter:
    """A part of the writer of a function. `copy`: what is written now, if it isn't the function's own blocks."""

    m: LlvmMachine
    function: LiftedFunction
    signature: Signature
    base: int
    edges: dict[str, list[str]]
    touched: int
    copy: _Copy | None

    def needed_at(self, address: int) -> int:
        raise NotImplementedError

    def value(self, number: int) -> Value:
        raise NotImplementedError

    def label(self, address: int, source: int | None = None) -> str:
        raise NotImplementedError

    def place(self, kind: str, *addresses: int) -> str:
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
        transaction = copy.transaction
        if address == transaction.header:
            return self.place("arm" if copy.is_recording else "round", address)
        if address in transaction.blocks:
            return self.place(copy.prefix, address)
        if copy.is_recording:
            return self.place("leave", address)
        edge = self.place("end", source, address)
        if edge not in self.edges:
            m, out = self.m, self.m.out
            m.out = []
            bad = self._look(transaction, transaction.tested(self.signature.live_in[address]))
            self._set("armed", "ptr null")
            good = m.block("good")
            m.out += [f"br i1 {bad}, label %{self.place('undo', transaction.header)}, label %{good}", f"{good}:"]
            self._judge(transaction, self.place("leave", address))
            self.edges[edge] = [f"{edge}:", *m.out]
            m.out = out
        return edge

    def _set(self, field: str, value: str) -> None:
        """Set a field of the state structure. A trap may end the loop at any time, of which LLVM knows nothing."""
        pointer = self.m.line(f"getelementptr i8, ptr %state, i64 {OFFSETS[field]}")
        self.m.out.append(f"store volatile {value}, ptr {pointer}")

    def _look(self, transaction: Transaction, wanted: int) -> str:
        """Whether there is a NaN in what was stored, or in one of the registers `wanted`."""
        m = self.m
        condition = m.line(f"call i1 @any_nan{transaction.esize}(ptr %state)")
        unsure = self.unsure_condition(transaction, wanted, self.register_text)
        return m.line(f"or i1 {condition}, {unsure}") if unsure else condition

    def write_transactions(self) -> tuple[list[str], list[_Outlined]]:
        """What stands in the function for its transactions, and their own functions but for how registers get there."""
        out: list[str] = []
        outlined = []
        for transaction in self.function.transactions:
            out += self._write_beginning(transaction)
            outlined.append(self._write_outlined(transaction))
        return out, outlined

    def prepare_transactions(self) -> list[str]:
        """For the function's first block."""
        counters = [f"%{self.place('rounds', transaction.header)}" for transaction in self.function.transactions]
        return [line for name in counters for line in (f"{name} = alloca i32", f"store volatile i32 0, ptr {name}")]

    def _write_beginning(self, transaction: Transaction) -> list[str]:
        m, header = self.m, transaction.header
        m.begin()
        out = m.out
        block, record, counter = (self.place(kind, header) for kind in ("block", "record", "rounds"))
        out += [f"{self.place('first', header)}:", f"store volatile i32 0, ptr %{counter}", f"br label %{block}"]
        out.append(f"{self.place('again', header)}:")
        # In memory: a register of the host's would be missed by the loop with tests.
        count = self._count(f"%{counter}", "volatile ")
        attempt = self.place("try", header)
        cases = {transaction.rounds: attempt, max(_LATE, 8 * transaction.rounds): record}
        choices = " ".join(f"i32 {rounds}, label %{label}" for rounds, label in cases.items())
        out += [f"switch i32 {count}, label %{block} [{choices}]", f"{attempt}:"]
        failures = m.line(f"load atomic i32, ptr @failures{self._name(transaction)} monotonic, align 4")
        patient = m.line(f"icmp ult i32 {failures}, {_PATIENCE}")
        out.append(f"br i1 {patient}, label %{record}, label %{block}")
        return out

    def _write_outlined(self, transaction: Transaction) -> _Outlined:
        edges, self.edges = self.edges, {}
        touched, self.touched = self.touched, 0
        lines: list[str] = []
        for is_recording in (True, False):
            lines += self._write_copy(_Copy(transaction, is_recording))
        lines += self._write_steps(transaction)
        for edge in self.edges.values():
            lines += edge
        for number, address in enumerate(self._left_to(transaction)):
            self.m.begin()
            self.m.out.append(f"{self.place('leave', address)}:")
            for n in widest(self._passed_back(transaction, address)):
                store_state(self.m, n, self.value(n), _PASSED)
            lines += [*self.m.out, f"ret i64 {number}"]
        lines += ["resume:", "%at = load i64, ptr %resumed", "ret i64 %at"]
        registers = self.touched
        for start in transaction.blocks:
            registers |= self.signature.live_in[start] | transaction.unchecked[start].dirty
        self.edges, self.touched = edges, touched
        return _Outlined(transaction, lines, registers)

    def _left_to(self, transaction: Transaction) -> list[int]:
        """The blocks that a transaction's function goes back to; the loop's own first one if it can't be begun."""
        return [*transaction.exits(self.function.flow), transaction.header]

    def _passed_back(self, transaction: Transaction, address: int) -> int:
        """The registers that a transaction may have changed, and that are needed at a block."""
        changed = 0
        for block in transaction.unchecked.values():
            changed |= block.dirty
        return changed & self.signature.live_in[address]

    def pass_registers(self, outlined: Sequence[_Outlined], lines: Sequence[str]) -> list[str]:
        """The calls of the transactions' own functions, for the function whose other lines are `lines`."""
        out: list[str] = []
        # What has 32 bits in all of the functions is passed so, and stays so.
        wide = wide_registers(lines).union(*(wide_registers(own.lines) for own in outlined))
        for own in outlined:
            out += self._write_call(own, wide)
            self._write_function(own, wide)
            self._write_ways_back(own.transaction)
        return out

    def _take(self, n: int, wide: set[str]) -> None:
        """Put a register that was passed to where it is kept."""
        m = self.m
        if n < SP and NAMES[n] not in wide:
            pointer = m.line(f"getelementptr i8, ptr %state, i64 {field_of(n)[0] + _PASSED}")
            text = m.line(f"zext i32 {m.line(f'load i32, ptr {pointer}')} to i64")
        else:
            text = load_state(m, n, _PASSED).text
        m.out.append(f"store {register_type(n)} {text}, ptr {NAMES[n]}")

    def _write_call(self, own: _Outlined, wide: set[str]) -> list[str]:
        m, header = self.m, own.transaction.header
        m.begin()
        m.out.append(f"{self.place('record', header)}:")
        for n in widest(self.signature.live_in[header]):
            store_state(m, n, self.value(n), _PASSED)
        way = m.line(f"call i64 @transaction{self._name(own.transaction)}(ptr %state, i64 %link) cold")
        left_to = self._left_to(own.transaction)
        ways = [m.block("back") for _ in left_to]
        careful = m.block("careful")
        cases = " ".join(f"i64 {number}, label %{label}" for number, label in enumerate(ways))
        m.out.append(f"switch i64 {way}, label %{careful} [{cases}]")
        for label, address in zip(ways, left_to, strict=True):
            m.out.append(f"{label}:")
            for n in bits(self._passed_back(own.transaction, address) & ~(1 << STATE)):
                self._take(n, wide)
            target = self.place("block", header) if address == header else self.label(address)
            m.out.append(f"br label %{target}")
        m.out += [f"{careful}:", f"store i64 {way}, ptr %resumed", "br label %resume"]
        return m.out

    def _write_function(self, own: _Outlined, wide: set[str]) -> None:
        m, name, header = self.m, self._name(own.transaction), own.transaction.header
        m.begin()
        out = m.out
        out.append(f"define internal i64 @transaction{name}(ptr %state, i64 %link) noinline nounwind #0 {{")
        out += ["%resumed = alloca i64", f"%{self.place('passed', header)} = alloca i32"]
        out.append(f"%alignment = add i64 0, {0 if self.signature.is_aligned else 15}")
        out += [f"{NAMES[n]} = alloca {register_type(n)}" for n in bits(own.registers & ~(1 << STATE))]
        for n in bits(self.signature.live_in[header] & ~(1 << STATE)):
            self._take(n, wide)
        self._set("stored_count", "i64 0")
        # Zero is the end of no place.
        zero = m.line(f"getelementptr i8, ptr %state, i64 {OFFSETS['stored_count']}")
        self._set("stored_last", f"ptr {zero}")
        out += [f"br label %{self.place('recording', header)}", *own.lines, "}"]
        self.m.helpers["transactions"] = declarations()
        self.m.helpers[f"transaction{name}"] = "\n".join(narrowed(out))

    def _write_copy(self, copy: _Copy) -> list[str]:
        out: list[str] = []
        self.copy = copy
        for start, block in copy.blocks.items():
            self.m.resume(block.out, block.knowledge, block.dirty)
            self.finish(start, block)
            out += [f"{self.place(copy.prefix, start)}:", *block.out]
            for exit_ in block.exits:
                out += self.leave_to_careful(start, block, exit_)
        self.copy = None
        return out

    def _write_steps(self, transaction: Transaction) -> list[str]:
        m, header, name = self.m, transaction.header, self._name(transaction)
        kinds = ("keep", "fail", "unchecked", "look", "undo", "passed")
        keep, fail, unchecked, look, undo, passed = (self.place(kind, header) for kind in kinds)
        m.begin()
        out = m.out
        out.append(f"{self.place('arm', header)}:")
        together = "0"
        for number in bits(transaction.aligned):
            together = m.line(f"or i64 {together}, {self.value(number).text}")
        low = m.line(f"and i64 {together}, {transaction.esize // 8 - 1}")
        aligned = m.line(f"icmp eq i64 {low}, 0")
        out += [f"store i32 0, ptr %{passed}", f"br i1 {aligned}, label %{keep}, label %{fail}", f"{keep}:"]
        m.begin()
        m.out = out
        kept = m.line("call i1 @keep(ptr %state)")
        armed = m.block("armed")
        out += [f"br i1 {kept}, label %{armed}, label %{fail}", f"{armed}:"]
        self._arm(transaction)
        out += [f"br label %{unchecked}", f"{self.place('round', header)}:"]
        full = m.line(f"icmp eq i32 {self._count(f'%{passed}')}, {_LOOK}")
        out.append(f"br i1 {full}, label %{look}, label %{unchecked}")
        m.begin()
        m.out = out
        out += [f"{look}:", f"store i32 {_LOOK // 2}, ptr %{passed}"]
        bad = self._look(transaction, transaction.tested(self.signature.live_in[transaction.header]))
        out += [f"br i1 {bad}, label %{undo}, label %{keep}", f"{undo}:"]
        self._set("armed", "ptr null")
        self._count_failure(name)
        out.append(f"call void @undo{name}(ptr %state)")
        out += [f"store i64 {m.address(header).text}, ptr %resumed", "br label %resume", f"{fail}:"]
        self._count_failure(name)
        out.append(f"br label %{self.place('leave', header)}")
        return out

    def _count(self, counter: str, volatile: str = "") -> str:
        """Count in a variable of the function; the count."""
        m = self.m
        count = m.line(f"add i32 {m.line(f'load {volatile}i32, ptr {counter}')}, 1")
        m.out.append(f"store {volatile}i32 {count}, ptr {counter}")
        return count

    def _judge(self, transaction: Transaction, then: str) -> None:
        """Remember whether the rounds without tests were worth getting there."""
        m, failures = self.m, f"@failures{self._name(transaction)}"
        passed = m.line(f"load i32, ptr %{self.place('passed', transaction.header)}")
        size = m.line(f"getelementptr i8, ptr %state, i64 {OFFSETS['old_size']}")
        stored = m.line(f"mul i64 {m.line(f'zext i32 {passed} to i64')}, {m.line(f'load i64, ptr {size}')}")
        few = m.line(f"icmp ult i64 {stored}, {_WORTH}")
        known = m.line(f"load atomic i32, ptr {failures} monotonic, align 4")
        more = m.line(f"add i32 {known}, 1")
        now = m.line(f"select i1 {few}, i32 {more}, i32 0")
        # Threads don't write what isn't new.
        same = m.line(f"icmp eq i32 {known}, {now}")
        new = m.block("new")
        m.out += [f"br i1 {same}, label %{then}, label %{new}", f"{new}:"]
        m.out += [f"store atomic i32 {now}, ptr {failures} monotonic, align 4", f"br label %{then}"]

    def _count_failure(self, name: str) -> None:
        self.m.line(f"atomicrmw add ptr @failures{name}, i32 1 monotonic, align 4")

    def _kept(self, transaction: Transaction) -> list[int]:
        """The registers that careful code needs to run the loop again."""
        return list(widest(self.needed_at(transaction.header)))

    def _arm(self, transaction: Transaction) -> None:
        m = self.m
        for number in self._kept(transaction):
            store_state(m, number, self.value(number), _KEPT, volatile=True)
        self._set("armed_link", "i64 %link")
        self._set("armed", f"ptr @abandon{self._name(transaction)}")

    def _write_ways_back(self, transaction: Transaction) -> None:
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
  %l = getelementptr i8, ptr %state, i64 {OFFSETS["armed_link"]}
  %link = load i64, ptr %l
  ; It traps again, this time with everything as it should be.
  %code = call i1 @resume(ptr %state, i64 {m.address(transaction.header).text}, i64 %link)
  ret void
good:
  ret void
}}"""
