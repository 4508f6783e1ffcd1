"""The entry stub of a function: the C function by which Python calls it."""

from __future__ import annotations

from armexec.cpu.call_frame import FRAME_OFFSETS
from armexec.cpu.registers import (
    PARTIAL,
    SP,
    STATE,
    VECTOR_VIEWS,
    VIEWS,
    X0,
    X30,
    Kind,
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
from armexec.errors import HostError
from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.memory import pointer_to
from armexec.machines.llvm.values import Value, address_of
from armexec.machines.traps import EXIT, TrapKind
from armexec.translate.guest_state import OFFSETS
from armexec.translate.ir.unit_functions import UnitFunctions
from armexec.translate.support.host_environment import pinned
from armexec.translate.unit_registry import Argument, Shape

__all__ = ["results", "write_entry_stub", "write_replaceable_stub"]

_MOST_ON_STACK = 1 << 24
"""Bytes of arguments that a call passes on a sandbox's stack at most."""
_TOO_LARGE = "a function of this size can't be called any more when it has been replaced"
_FRESH = "fpcr"
"""The first of the system registers in the state structure, which are zero when a call from Python begins."""


def write_entry_stub(
    writer: UnitFunctions,
    entry: int,
    shape: Shape,
    *,
    strict: bool,
    is_replaced: bool = False,
    sandbox: bool = False,
) -> list[str]:
    """A C function that takes the arguments, runs the guest function on a state of the pool, and returns X0 or V0.

    It is called with the GIL held, gives it up around the guest, and on a trap leaves a Python exception set.
    A `float` comes and goes as a `double`, which Python's numbers are: it is converted in the guest's environment.
    Where the arguments are in a frame, so are the results, and it returns 0. `is_replaced`: the guest's calls of the
    function go elsewhere. `sandbox`: the guest's memory is that of a sandbox.
    """
    signature = writer.signatures.get(entry)
    if shape.in_state:
        return _write_state_entry(writer, entry, is_replaced=is_replaced)
    b = Builder(OFFSETS, writer.base, sandbox=sandbox)
    name = writer.name(entry)
    result = _result_type(shape)
    nothing = "0.0" if result in ("float", "double") else "0"
    b.append(f"define {result} @entry{name}({_parameters(shape)}) #0 {{")
    b.append("%thread = call ptr @PyEval_SaveThread()")
    b.append("%state = call ptr @start()")
    b.append("%none = icmp eq ptr %state, null")
    b.branch("%none", "full", "try")
    b.start("full")
    b.append("call void @PyEval_RestoreThread(ptr %thread)")
    b.append("call void @not_started()")
    b.ret(result, nothing)
    b.start("try")
    b.append(f"store ptr %thread, ptr {b.state.pointer('python_thread')}")
    jumped = b.line(f"call i32 @_setjmp(ptr {b.state.pointer('jump_buffer')}) returns_twice")
    b.branch(b.line(f"icmp ne i32 {jumped}, 0"), "trap", "go")
    b.start("trap")
    b.append("call void @leave(ptr %state)")
    b.append("call void @PyEval_RestoreThread(ptr %thread)")
    b.append("%zero = call i64 @raise(ptr %state)")
    b.ret(result, nothing)
    b.start("go")
    b.append("call void @enter(ptr %state)")
    b.state.store("entry", address_of(b, entry).text)
    is_counted = b.line(f"icmp ne ptr {b.state.load('limit_cell', 'ptr')}, null")
    values: dict[int, str] = {SP: b.state.load("stack_top"), X30: str(EXIT)}
    if shape.in_frame:
        _set_from_frame(b, entry, values)
    else:
        _set_arguments(b, shape, values)
    # A function of the register convention that isn't strict sees no other code, but it may read system registers.
    uses_state = signature is None or signature.uses_state
    fresh = b.state.pointer(_FRESH)
    size = OFFSETS["exclusive_value"] - OFFSETS[_FRESH]
    b.append(f"call void @llvm.memset.p0.i64(ptr {fresh}, i8 0, i64 {size}, i1 false)")
    if shape.thread_pointer:
        b.state.store("tpidr_el0", "%thread_pointer")
    if uses_state or (signature is not None and signature.checked):
        _fill_state(b, values)
        _store_mode(b, strict)
    wanted = list(members(results(shape)))
    b.branch(is_counted, "counted", "uncounted")
    b.start("counted")
    if not (uses_state or (signature is not None and signature.checked)):
        _fill_state(b, values)
        _store_mode(b, strict)
    b.state.store("pc", address_of(b, entry).text)
    b.append("call void @run_limited(ptr %state)")
    # Volatile: else LLVM makes one load of it and a load of the function itself, which has no place in the guest then.
    counted = {number: _load_value(b, number, "volatile ") for number in wanted}
    b.jump("returned")
    b.start("uncounted")
    if uses_state:
        b.state.store("pc", address_of(b, entry).text)
        if is_replaced:
            # The dispatcher would go to what stands for it.
            if signature is None:
                raise HostError(_TOO_LARGE)
            b.call("i1", f"@s{name}", "ptr %state", f"i64 {address_of(b, entry).text}", f"i64 {EXIT}")
        b.append("call void @dispatch(ptr %state)")
        found = {number: _load_value(b, number) for number in wanted}
        b.jump("done")
        b.start("done")
    else:
        found = _call_closed(b, writer, entry, values, wanted)
    b.jump("returned")
    b.start("returned")
    found = {
        number: b.line(f"phi {register_type(number)} [{counted[number]}, %counted], [{text}, %done]")
        for number, text in found.items()
    }
    if shape.in_frame:
        for number, text in found.items():
            b.store(register_type(number), text, _frame_pointer(b, number), align=8)
        returned = nothing
    else:
        (text,) = found.values()
        returned = b.line(pinned(result, _returned(b, text, shape.float_result)))
    b.append("call void @finish(ptr %state)")
    b.append("call void @PyEval_RestoreThread(ptr %thread)")
    b.ret(result, returned)
    b.append("}")
    return b.out


def _write_state_entry(writer: UnitFunctions, entry: int, *, is_replaced: bool) -> list[str]:
    """What an entry stub of another translation runs."""
    signature = writer.signatures.get(entry)
    if signature is not None and not signature.uses_state:
        return writer.write_wrapper(entry, "entry")
    if signature is None and is_replaced:
        raise HostError(_TOO_LARGE)
    name = writer.name(entry)
    code = f"@s{name}" if signature is not None else "%code"
    return [
        f"define i1 @entry{name}(ptr %state, i64 %pc, i64 %link) #0 {{",
        *(["%code = call ptr @lookup(ptr %state, i64 %pc)"] if signature is None else []),
        f"%elsewhere = musttail call i1 {code}(ptr %state, i64 %pc, i64 %link)",
        "ret i1 %elsewhere",
        "}",
    ]


def _store_mode(b: Builder, strict: bool) -> None:
    # What is done here shows in FPSR, if it is ever looked at.
    mode = "1" if strict else b.line("load atomic i64, ptr @strict_images monotonic, align 8")
    b.state.store("strict", mode)


def results(shape: Shape) -> RegisterSet:
    """The registers that a call returns."""
    if shape.in_frame or shape.in_state:
        return bit(X0, x(1), *(q(n) for n in range(4)))
    return bit(d(0) if shape.float_result else X0)


def write_replaceable_stub(name: str, shape: Shape) -> list[str]:
    """The entry stub through a cell, so that code compiled quickly at first can give way to better code."""
    result = _result_type(shape)
    parameters = _parameters(shape)
    return [
        "@entry_cell = external global ptr, align 8",
        f"define {result} @enter{name}({parameters}) #0 {{",
        "%host = load atomic ptr, ptr @entry_cell acquire, align 8",
        f"%result = musttail call {result} %host({parameters})",
        f"ret {result} %result",
        "}",
    ]


def _c_type(argument: Argument) -> str:
    if not argument.is_float or argument.bits == 16:
        return f"i{argument.bits}"
    return "double"


def _parameters(shape: Shape) -> str:
    if shape.in_state:
        return "ptr %state, i64 %pc, i64 %link"
    given = [f"{_c_type(a)} %p{i}" for i, a in enumerate(shape.arguments)]
    if shape.in_frame:
        given = ["ptr %frame"]
    if shape.thread_pointer:
        given.append("i64 %thread_pointer")
    return ", ".join(given)


def _result_type(shape: Shape) -> str:
    if shape.in_state:
        return "i1"
    return _c_type(Argument(0, shape.float_result, is_float=True)) if shape.float_result else "i64"


def _set_arguments(b: Builder, shape: Shape, values: dict[int, str]) -> None:
    """Set the registers of the arguments, V registers in all views."""
    for i, argument in enumerate(shape.arguments):
        kind = _c_type(argument)
        text = b.line(pinned(kind, f"%p{i}"))
        if not argument.is_float:
            if argument.bits < 64:
                text = b.line(f"{'sext' if argument.signed else 'zext'} {kind} {text} to i64")
            values[x(argument.n)] = text
            continue
        if argument.bits == 32:
            kind, text = "float", b.line(f"fptrunc double {text} to float")
        elif argument.bits == 16:
            kind, text = "i32", b.line(f"zext i16 {text} to i32")
        lanes = 128 // max(argument.bits, 32)
        whole = b.line(f"insertelement <{lanes} x {kind}> zeroinitializer, {kind} {text}, i64 0")
        _set_vector(b, values, argument.n, f"<{lanes} x {kind}> {whole}")


def _set_vector(b: Builder, values: dict[int, str], n: int, whole: str) -> None:
    """Set all views of Vn from a typed value of 128 bits."""
    for width, (first, _, view) in VECTOR_VIEWS.items():
        shape_of = view if width == 128 else f"<{128 // width} x {view}>"
        text = b.line(f"bitcast {whole} to {shape_of}")
        if width < 128:
            text = b.line(f"extractelement {shape_of} {text}, i64 0")
        values[first + n] = text


def _frame_pointer(b: Builder, number: int) -> str:
    """Where a register of general or vector kind is in the frame."""
    register = VIEWS[number].register
    field, size = ("v", 16) if register.kind is Kind.VECTOR else ("x", 8)
    return b.line(f"getelementptr i8, ptr %frame, i64 {FRAME_OFFSETS[field] + size * register.n}")


def _set_from_frame(b: Builder, entry: int, values: dict[int, str]) -> None:
    """Set the registers of the arguments, and copy what is passed on the stack (AAPCS64, "Parameter passing")."""
    for n in range(9):
        values[x(n)] = b.load("i64", _frame_pointer(b, x(n)), align=8)
    for n in range(8):
        whole = b.load("<2 x i64>", _frame_pointer(b, q(n)), align=8)
        _set_vector(b, values, n, f"<2 x i64> {whole}")
    stack, size = (
        b.load(kind, b.line(f"getelementptr i8, ptr %frame, i64 {FRAME_OFFSETS[field]}"), align=8)
        for field, kind in (("stack", "ptr"), ("stack_size", "i64"))
    )
    below = b.line(f"sub i64 {values[SP]}, {size}")
    if b.sandbox:
        # What is copied must end where it does, and not be wrapped around.
        b.branch(b.line(f"icmp ugt i64 {size}, {_MOST_ON_STACK}"), "large", "fits")
        b.start("large")
        trap = f"ptr %state, i32 {int(TrapKind.WRITE)}, i64 {address_of(b, entry).text}, i64 {below}"
        b.append(f"call preserve_allcc void @trap({trap})")
        b.unreachable()
        b.start("fits")
    target = pointer_to(b, Value(b, 64, below))
    b.append(f"call void @llvm.memcpy.p0.p0.i64(ptr align 16 {target}, ptr {stack}, i64 {size}, i1 false)")
    values[SP] = below


def _returned(b: Builder, value: str, float_result: int) -> str:
    """The result as C has it, of the value of X0 or D0."""
    if float_result in (0, 64):
        return value
    kind = "i16" if float_result == 16 else "float"
    lanes = 64 // float_result
    text = b.line(f"extractelement <{lanes} x {kind}> {b.line(f'bitcast double {value} to <{lanes} x {kind}>')}, i64 0")
    return text if float_result == 16 else b.line(f"fpext float {text} to double")


def _load_value(b: Builder, number: int, how: str = "") -> str:
    """Take a register from the state."""
    pointer = b.line(f"getelementptr i8, ptr %state, i64 {state_place(number)[0]}")
    return b.load(how + register_type(number), pointer, align=8)


def _store_values(b: Builder, values: dict[int, str]) -> None:
    """Put registers into the state."""
    for n, value in values.items():
        if not has(PARTIAL, n):
            offset, kind = state_place(n)
            pointer = b.line(f"getelementptr i8, ptr %state, i64 {offset}")
            b.store(kind, value, pointer, align=8)


def _fill_state(b: Builder, values: dict[int, str]) -> None:
    """All registers zero but these."""
    b.append(f"call void @llvm.memset.p0.i64(ptr %state, i8 0, i64 {OFFSETS[_FRESH]}, i1 false)")
    _store_values(b, values)


def _index(registers: RegisterSet, number: int) -> int:
    """Where a register stands in the order of a set."""
    return (registers & bit(number) - 1).bit_count()


def _call_closed(
    b: Builder, writer: UnitFunctions, entry: int, values: dict[int, str], wanted: list[int]
) -> dict[int, str]:
    """Call it; the registers `wanted` then."""
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
        return {
            number: b.line(f"phi {register_type(number)} [{text}, %uncounted]") for number, text in returned.items()
        }
    code = b.line(f"extractvalue {kind} {results}, {signature.outputs.bit_count()}")
    b.branch(code, "elsewhere", "done")
    b.start("elsewhere")
    # All registers are in the state by now.
    b.append("call void @dispatch(ptr %state)")
    elsewhere = {number: _load_value(b, number) for number in wanted}
    b.jump("done")
    b.start("done")
    return {
        number: b.line(
            f"phi {register_type(number)} [{returned[number]}, %uncounted], [{elsewhere[number]}, %elsewhere]"
        )
        for number in wanted
    }
