"""One element of a loop: the guest's function called with values of operands, as functions of the unit's text.

`@loop_element` takes the state and the arguments and gives the result; `@loop_exact` does the same by nonspeculative
code, and `@loop_counted` by code that counts instructions. A half-precision number is its bits here.
"""

from __future__ import annotations

from armexec.cpu.registers import SP, X0, X30, d, has, members, x
from armexec.errors import HostError
from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.values import address_of
from armexec.machines.traps import EXIT
from armexec.translate.array_loops.cores import Cores
from armexec.translate.array_loops.loop import Loop
from armexec.translate.guest_state import OFFSETS
from armexec.translate.ir.guest_call import (
    call_closed,
    fill_state,
    fresh,
    load_value,
    results,
    set_vector,
    store_mode,
)
from armexec.translate.ir.lift import LiftedFunction
from armexec.translate.ir.liveness import Signature
from armexec.translate.ir.unit_functions import UnitFunctions
from armexec.translate.unit_registry import Argument, Shape

__all__ = ["ElementWriter", "is_plain_element", "parameter_types", "result_type"]

_FLOATS = {16: "i16", 32: "float", 64: "double"}


def parameter_types(shape: Shape) -> list[str]:
    """The types of the arguments."""
    return [_FLOATS[a.bits] if a.is_float else f"i{a.bits}" for a in shape.arguments]


def result_type(shape: Shape) -> str:
    """The type of the result; "void" without one."""
    loop = _loop(shape)
    if loop.result < 0:
        return "void"
    return _FLOATS[shape.float_result] if shape.float_result else f"i{8 * loop.operands[loop.result].size}"


def is_plain_element(signature: Signature | None, shape: Shape | None) -> bool:
    """Whether the function computes its result from its arguments and from memory, and changes nothing, and whether
    what it returns tells that a NaN has come up that nonspeculative code has to compute."""
    if signature is None or shape is None or signature.uses_state or signature.checked or signature.is_external:
        return False
    loop = shape.loop
    if loop is None or loop.result < 0 or any(source.kind != "value" for source in loop.sources):
        return False
    function = signature.function
    # Other code doesn't keep account of its effects.
    if not function.machine.guards.speculates or function.machine.counts:
        return False
    if function.graph.calls or not signature.returns_as_called:
        return False
    sizes: frozenset[int] = frozenset()
    for block in function.blocks.values():
        if block.kind not in ("goto", "branch", "return") or not block.is_side_effect_free:
            return False
        if block.kind == "return" and block.region is not None:
            sizes |= block.region.unchecked.get(0, frozenset())
    if not shape.float_result:
        # An integer tells nothing of NaNs; the register's other views aren't looked at.
        return not _has_exits(function)
    # Where it is left, it returns a NaN.
    return sizes <= {shape.float_result} and (has(signature.outputs, d(0)) or not _has_exits(function))


def _has_exits(function: LiftedFunction) -> bool:
    """Whether it may be left before it returns."""
    regions = {id(block.region) for block in function.blocks.values()}
    return len(regions) > 1 or any(block.exits for block in function.blocks.values())


def _loop(shape: Shape) -> Loop:
    assert shape.loop is not None
    return shape.loop


class ElementWriter:
    """Writes the functions."""

    def __init__(
        self, writer: UnitFunctions, entry: int, shape: Shape, *, strict: bool, is_replaced: bool, sandbox: bool
    ) -> None:
        self.writer = writer
        self.entry = entry
        self.shape = shape
        self.strict = strict
        self.is_replaced = is_replaced
        self.sandbox = sandbox
        self.result = result_type(shape)
        self.cores = Cores(shape)
        parameters = ["ptr %state", *(f"{kind} %p{i}" for i, kind in enumerate(parameter_types(shape)))]
        self.parameters = ", ".join(parameters)
        self.wanted = list(members(results(shape)))

    @property
    def signature(self) -> Signature | None:
        return self.writer.signatures.get(self.entry)

    @property
    def is_plain(self) -> bool:
        """See `is_plain_element`."""
        return is_plain_element(self.signature, self.shape)

    @property
    def may_be_wrong(self) -> bool:
        """Whether a result that is a NaN has to be computed again."""
        signature = self.signature
        if signature is None or not self.is_plain or not self.shape.float_result:
            return False
        return signature.function.has_exits

    def _begin(self, name: str, attributes: str) -> tuple[Builder, dict[int, str]]:
        b = Builder(OFFSETS, self.writer.base, sandbox=self.sandbox)
        b.append(f"define internal {self.result} @loop_{name}({self.parameters}) {attributes} #0 {{")
        b.start("begin")
        values: dict[int, str] = {SP: b.state.load("stack_top"), X30: str(EXIT)}
        loop = _loop(self.shape)
        for i, (argument, source) in enumerate(zip(self.shape.arguments, loop.sources, strict=True)):
            text = f"%p{i}"
            if source.kind == "value" and loop.operands[source.number].is_bool:
                # NumPy's arrays of bools may be views of other bytes.
                text = b.line(f"zext i1 {b.line(f'icmp ne i8 {text}, 0')} to i8")
            self._set(b, values, argument, text)
        return b, values

    def _set(self, b: Builder, values: dict[int, str], argument: Argument, text: str) -> None:
        kind = f"i{argument.bits}"
        if not argument.is_float:
            if argument.bits < 64:
                text = b.line(f"{'sext' if argument.signed else 'zext'} {kind} {text} to i64")
            values[x(argument.n)] = text
            return
        kind = _FLOATS[argument.bits]
        if argument.bits == 16:
            kind, text = "i32", b.line(f"zext i16 {text} to i32")
        lanes = 128 // max(argument.bits, 32)
        whole = b.line(f"insertelement <{lanes} x {kind}> zeroinitializer, {kind} {text}, i64 0")
        set_vector(b, values, argument.n, f"<{lanes} x {kind}> {whole}")

    def _finish(self, b: Builder, found: dict[int, str]) -> list[str]:
        if self.result == "void":
            b.ret()
        elif not self.shape.float_result:
            loop = _loop(self.shape)
            text = found[X0]
            if loop.operands[loop.result].is_bool:
                is_set = b.line(f"icmp ne i8 {b.line(f'trunc i64 {text} to i8')}, 0")
                b.ret("i8", b.line(f"zext i1 {is_set} to i8"))
            else:
                b.ret(self.result, text if self.result == "i64" else b.line(f"trunc i64 {text} to {self.result}"))
        else:
            text, bits = found[d(0)], self.shape.float_result
            if bits < 64:
                lanes = f"<{64 // bits} x {self.result}>"
                text = b.line(f"extractelement {lanes} {b.line(f'bitcast double {text} to {lanes}')}, i64 0")
            b.ret(self.result, text)
        b.append("}")
        return b.out

    def element(self) -> list[str]:
        """`@loop_element`."""
        writer, signature, entry = self.writer, self.signature, self.entry
        b, values = self._begin("element", "")
        uses_state = signature is None or signature.uses_state
        if not self.is_plain:
            fresh(b)
        if uses_state or (signature is not None and signature.checked):
            fill_state(b, values)
            store_mode(b, self.strict)
        if not uses_state:
            return self._finish(b, call_closed(b, writer, entry, values, self.wanted))
        address = address_of(b, entry).text
        b.state.store("pc", address)
        if self.is_replaced:
            # The dispatcher would go to what stands for it.
            if signature is None:
                raise HostError("a function of this size can't be called any more when it has been replaced")
            b.call("i1", f"@s{writer.name(entry)}", "ptr %state", f"i64 {address}", f"i64 {EXIT}")
        b.append("call void @dispatch(ptr %state)")
        return self._finish(b, {number: load_value(b, number, "volatile ") for number in self.wanted})

    def exact(self) -> list[str]:
        """`@loop_exact`."""
        b, values = self._begin("exact", "cold noinline")
        fresh(b)
        fill_state(b, values)
        store_mode(b, self.strict)
        address = address_of(b, self.entry).text
        b.state.store("pc", address)
        gone = b.call("i1", "@resume", "ptr %state", f"i64 {address}", f"i64 {EXIT}")
        b.branch(gone, "elsewhere", "done")
        b.start("elsewhere")
        b.append("call void @dispatch(ptr %state)")
        b.jump("done")
        b.start("done")
        return self._finish(b, {number: load_value(b, number, "volatile ") for number in self.wanted})

    def counted(self) -> list[str]:
        """`@loop_counted`: the state says where the number of instructions is."""
        b, values = self._begin("counted", "cold noinline")
        fresh(b)
        fill_state(b, values)
        store_mode(b, self.strict)
        b.state.store("pc", address_of(b, self.entry).text)
        b.append("call void @run_limited(ptr %state)")
        return self._finish(b, {number: load_value(b, number, "volatile ") for number in self.wanted})
