"""Calls of a guest function from outside of the guest: registers in, registers out."""

from __future__ import annotations

from armexec.cpu.registers import (
    PARTIAL,
    STATE,
    VECTOR_VIEWS,
    X0,
    RegisterSet,
    bit,
    d,
    has,
    members,
    q,
    register_type,
    state_place,
    x,
    zero,
)
from armexec.machines.llvm.builder import Builder
from armexec.translate.guest_state import OFFSETS
from armexec.translate.ir.unit_functions import UnitFunctions
from armexec.translate.unit_registry import Shape

__all__ = ["c_result", "call_closed", "fill_state", "fresh", "load_value", "results", "set_vector", "store_mode"]

_FRESH = "fpcr"
"""The first of the system registers in the state structure, which are zero when a call from Python begins."""


def results(shape: Shape) -> RegisterSet:
    """The registers that a call returns."""
    if shape.in_frame or shape.in_state:
        return bit(X0, x(1), *(q(n) for n in range(4)))
    return bit(d(0) if shape.float_result else X0)


def set_vector(b: Builder, values: dict[int, str], n: int, whole: str) -> None:
    """Set all views of Vn from a typed value of 128 bits."""
    for width, (first, _, view) in VECTOR_VIEWS.items():
        shape_of = view if width == 128 else f"<{128 // width} x {view}>"
        text = b.line(f"bitcast {whole} to {shape_of}")
        if width < 128:
            text = b.line(f"extractelement {shape_of} {text}, i64 0")
        values[first + n] = text


def fresh(b: Builder) -> None:
    """Make the system registers zero."""
    size = OFFSETS["exclusive_value"] - OFFSETS[_FRESH]
    b.append(f"call void @llvm.memset.p0.i64(ptr {b.state.pointer(_FRESH)}, i8 0, i64 {size}, i1 false)")


def fill_state(b: Builder, values: dict[int, str]) -> None:
    """All registers zero but these."""
    b.append(f"call void @llvm.memset.p0.i64(ptr %state, i8 0, i64 {OFFSETS[_FRESH]}, i1 false)")
    _store_values(b, values)


def _store_values(b: Builder, values: dict[int, str]) -> None:
    """Put registers into the state."""
    for n, value in values.items():
        if not has(PARTIAL, n):
            offset, kind = state_place(n)
            pointer = b.line(f"getelementptr i8, ptr %state, i64 {offset}")
            b.store(kind, value, pointer, align=8)


def store_mode(b: Builder, strict: bool) -> None:
    # What is done here shows in FPSR, if it is ever looked at.
    mode = "1" if strict else b.line("load atomic i64, ptr @strict_images monotonic, align 8")
    b.state.store("strict", mode)


def load_value(b: Builder, number: int, how: str = "") -> str:
    """Take a register from the state."""
    pointer = b.line(f"getelementptr i8, ptr %state, i64 {state_place(number)[0]}")
    return b.load(how + register_type(number), pointer, align=8)


def _index(registers: RegisterSet, number: int) -> int:
    """Where a register stands in the order of a set."""
    return (registers & bit(number) - 1).bit_count()


def call_closed(
    b: Builder, writer: UnitFunctions, entry: int, values: dict[int, str], wanted: list[int]
) -> dict[int, str]:
    """Call a function of the register convention; the registers `wanted` then, in a block `done`."""
    before = b.label
    signature = writer.signatures[entry]
    arguments = []
    for n in members(signature.inputs):
        if n == STATE:
            arguments.append("ptr %state")
        else:
            arguments.append(f"{register_type(n)} {values.get(n, zero(n))}")
    kind = writer.result_type(signature)
    results = b.call(f"{writer.convention}{kind}", f"@f{writer.name(entry)}", *arguments)
    returned = {}
    for number in wanted:
        returned[number] = values.get(number, zero(number))
        if has(signature.outputs, number):
            returned[number] = b.line(f"extractvalue {kind} {results}, {_index(signature.outputs, number)}")
        elif number == d(0) and has(signature.outputs, q(0)):
            # The returns-all form, which has all of V0.
            whole = b.line(f"extractvalue {kind} {results}, {_index(signature.outputs, q(0))}")
            pair = b.line(f"bitcast <2 x i64> {whole} to <2 x double>")
            returned[number] = b.line(f"extractelement <2 x double> {pair}, i64 0")
    if not signature.checked:
        b.jump("done")
        b.start("done")
        return {number: b.line(f"phi {register_type(number)} [{text}, %{before}]") for number, text in returned.items()}
    code = b.line(f"extractvalue {kind} {results}, {signature.outputs.bit_count()}")
    b.branch(code, "elsewhere", "done")
    b.start("elsewhere")
    # All registers are in the state by now.
    b.append("call void @dispatch(ptr %state)")
    elsewhere = {number: load_value(b, number) for number in wanted}
    b.jump("done")
    b.start("done")
    return {
        number: b.line(
            f"phi {register_type(number)} [{returned[number]}, %{before}], [{elsewhere[number]}, %elsewhere]"
        )
        for number in wanted
    }


def c_result(b: Builder, value: str, float_result: int) -> str:
    """The result as C has it, of the value of X0 or D0."""
    if float_result in (0, 64):
        return value
    kind = "i16" if float_result == 16 else "float"
    lanes = 64 // float_result
    text = b.line(f"extractelement <{lanes} x {kind}> {b.line(f'bitcast double {value} to <{lanes} x {kind}>')}, i64 0")
    return text if float_result == 16 else b.line(f"fpext float {text} to double")
