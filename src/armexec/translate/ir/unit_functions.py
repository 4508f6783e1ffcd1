"""The functions of a unit by their signatures: names and types, declarations, calls, and the way in through the state
structure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from armexec.cpu.registers import STATE, X30, members, register_type
from armexec.machines.llvm.machine import LlvmMachine
from armexec.machines.llvm.values import Value
from armexec.translate.guest_state import OFFSETS
from armexec.translate.ir.liveness import Signature
from armexec.translate.ir.state_access import load_state, store_state
from armexec.translate.policy import DEFAULT, Policy

__all__ = ["ATTRIBUTES", "UnitFunctions", "calling_convention"]

ATTRIBUTES = "#0"


def calling_convention(machine: str) -> str:
    """LLVM's convention that keeps the most arguments and results in registers on a host."""
    return "x86_regcallcc " if machine in ("x86_64", "AMD64") else ""


class UnitFunctions:
    """The functions of a unit, whose signatures are known: their names and types, and calls of them.

    `base`: the address that offsets count from. `exported`: the functions of the register convention that other units
    are to call; `outlined`: those that are not to be inlined; `crowded`: those into which nothing is to be.
    `leaves_loops`: at the first tier, loops that are entries go on in better code when there is some. `may_change`: the
    guest's code may be changed while it runs. `is_tested_later`: whoever calls the functions looks whether their
    results are NaNs, and then runs nonspeculative code, so a NaN is returned where they would be left for that.
    """

    def __init__(
        self,
        signatures: dict[int, Signature],
        base: int,
        convention: str,
        exported: Collection[int] = (),
        outlined: Collection[int] = (),
        crowded: Collection[int] = (),
        *,
        policy: Policy = DEFAULT,
    ) -> None:
        self.signatures = signatures
        self.outlined = outlined
        self.crowded = crowded
        self.exported = exported
        self.leaves_loops = self.may_change = self.is_tested_later = False
        self.policy = policy
        self.base = base
        self.convention = convention

    def name(self, entry: int) -> str:
        return f"{entry - self.base:x}"

    def result_type(self, signature: Signature) -> str:
        parts = [register_type(n) for n in members(signature.outputs)]
        if signature.checked:
            parts.append("i1")
        return "{" + ", ".join(parts) + "}" if parts else "void"

    def arguments(self, signature: Signature) -> list[str]:
        """The types and names of the parameters of a function of the register convention."""
        return ["ptr %state" if n == STATE else f"{register_type(n)} %a{n}" for n in members(signature.inputs)]

    def write_declaration(self, entry: int) -> str:
        """The text that declares a function of the register convention of another unit."""
        signature = self.signatures[entry]
        types = ", ".join("ptr" if n == STATE else register_type(n) for n in members(signature.inputs))
        return f"declare {self.convention}{self.result_type(signature)} @f{self.name(entry)}({types}) {ATTRIBUTES}"

    def write_wrapper(self, entry: int, name: str = "s") -> list[str]:
        """The way through the state structure into a function of the register convention: its demanded results are all
        that it modifies, or all that anybody looks at.
        """
        signature = self.signatures[entry]
        m = LlvmMachine(OFFSETS, self.base)
        b = m.builder
        b.append(f"define i1 @{name}{self.name(entry)}(ptr noalias %state, i64 %pc, i64 %link) {ATTRIBUTES} {{")
        link = load_state(m, X30)
        results, code = self.emit_call(m, signature, lambda n: load_state(m, n))
        if code is not None:
            # The callee has put its results into the state itself. Entered in its middle, where X30 needn't hold the
            # return address, it may well have come back to where the call goes on.
            b.branch(code.text, "out", "in")
            b.start("out")
            astray = b.line(f"icmp ne i64 {b.state.load('pc')}, %link")
            b.ret("i1", astray)
            b.start("in")
        for number, value in results.items():
            store_state(m, number, value)
        b.state.store("pc", link.text)
        elsewhere = m.emit(1, f"icmp ne i64 {link.text}, %link")
        b.ret("i1", elsewhere.text)
        b.append("}")
        return b.out

    def emit_call(
        self, m: LlvmMachine, signature: Signature, argument: Callable[[int], Value], caller: int = 0
    ) -> tuple[dict[int, Value], Value | None]:
        """Call a function of the register convention: its results by register, and the bit that says that control goes
        on elsewhere.
        """
        values = [
            "ptr %state" if n == STATE else f"{register_type(n)} {argument(n).text}" for n in members(signature.inputs)
        ]
        kind = self.result_type(signature)
        text = f"call {self.convention}{kind} @f{self.name(signature.function.graph.entry)}({', '.join(values)})"
        if caller in self.crowded:
            text += " noinline"
        if kind == "void":
            m.builder.append(text)
            return {}, None
        call = m.emit(0, text).text
        results = {}
        for index, n in enumerate(members(signature.outputs)):
            results[n] = m.emit(1 if register_type(n) == "i1" else 64, f"extractvalue {kind} {call}, {index}")
        code = m.emit(1, f"extractvalue {kind} {call}, {len(results)}") if signature.checked else None
        return results, code
