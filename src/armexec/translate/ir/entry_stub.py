"""The entry stub of a function: the C function by which Python calls it."""

from __future__ import annotations

from armexec.cpu.call_frame import FRAME_OFFSETS
from armexec.cpu.registers import (
    SP,
    VIEWS,
    X30,
    Kind,
    members,
    q,
    register_type,
    x,
)
from armexec.errors import HostError
from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.memory import pointer_to
from armexec.machines.llvm.values import Value, address_of
from armexec.machines.traps import EXIT, TrapKind
from armexec.translate.array_loops.loop import LOOP_PARAMETERS
from armexec.translate.guest_state import OFFSETS
from armexec.translate.ir.guest_call import (
    c_result,
    call_closed,
    fill_state,
    fresh,
    load_value,
    results,
    set_vector,
    store_mode,
)
from armexec.translate.ir.unit_functions import UnitFunctions
from armexec.translate.support.host_environment import pinned
from armexec.translate.unit_registry import Argument, Shape

__all__ = ["write_entry_stub", "write_replaceable_stub"]

_MOST_ON_STACK = 1 << 24
"""Bytes of arguments that a call passes on a sandbox's stack at most."""
_TOO_LARGE = "a function of this size can't be called any more when it has been replaced"


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
    fresh(b)
    if shape.thread_pointer:
        b.state.store("tpidr_el0", "%thread_pointer")
    if uses_state or (signature is not None and signature.checked):
        fill_state(b, values)
        store_mode(b, strict)
    wanted = list(members(results(shape)))
    b.branch(is_counted, "counted", "uncounted")
    b.start("counted")
    if not (uses_state or (signature is not None and signature.checked)):
        fill_state(b, values)
        store_mode(b, strict)
    b.state.store("pc", address_of(b, entry).text)
    b.append("call void @run_limited(ptr %state)")
    # Volatile: else LLVM makes one load of it and a load of the function itself, which has no place in the guest then.
    counted = {number: load_value(b, number, "volatile ") for number in wanted}
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
        found = {number: load_value(b, number) for number in wanted}
        b.jump("done")
        b.start("done")
    else:
        found = call_closed(b, writer, entry, values, wanted)
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
        returned = b.line(pinned(result, c_result(b, text, shape.float_result)))
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


def write_replaceable_stub(name: str, shape: Shape) -> list[str]:
    """The entry stub through a cell, so that code compiled quickly at first can give way to better code."""
    result = "void" if shape.loop else _result_type(shape)
    parameters = LOOP_PARAMETERS if shape.loop else _parameters(shape)
    call = f"musttail call {result} %host({parameters})"
    return [
        "@entry_cell = external global ptr, align 8",
        f"define {result} @enter{name}({parameters}) #0 {{",
        "%host = load atomic ptr, ptr @entry_cell acquire, align 8",
        *([call, "ret void"] if shape.loop else [f"%result = {call}", f"ret {result} %result"]),
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
        set_vector(b, values, argument.n, f"<{lanes} x {kind}> {whole}")


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
        set_vector(b, values, n, f"<2 x i64> {whole}")
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
