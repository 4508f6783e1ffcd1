"""The loop of a ufunc: a PyUFuncGenericFunction of NumPy's, as the entry stub of a unit."""

from __future__ import annotations

from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.values import address_of
from armexec.translate.array_loops.chunks import CHUNK_PARAMETERS, is_nan, write_chunks
from armexec.translate.array_loops.element import ElementWriter, parameter_types
from armexec.translate.array_loops.loop import LOOP_PARAMETERS
from armexec.translate.guest_state import OFFSETS
from armexec.translate.ir.guest_call import fresh
from armexec.translate.ir.unit_functions import UnitFunctions
from armexec.translate.unit_registry import Shape

__all__ = ["write_loop_stub"]


def write_loop_stub(
    writer: UnitFunctions,
    entry: int,
    shape: Shape,
    *,
    strict: bool,
    is_replaced: bool = False,
    sandbox: bool = False,
) -> list[str]:
    """A C function that goes through the elements of NumPy's operands, with one state for all of them; the rest is as
    for `write_entry_stub`. NumPy calls it with the GIL or without (runtime/array_loop.ll)."""
    element = ElementWriter(writer, entry, shape, strict=strict, is_replaced=is_replaced, sandbox=sandbox)
    out = [*element.cores.text(), *element.element(), *element.counted()]
    if element.may_be_wrong:
        out += element.exact()
    out += _write_sequence(element, "sequence", is_counted=False)
    out += _write_sequence(element, "counting", is_counted=True)
    if element.is_plain:
        out += write_chunks(element)
    return [*out, *_write_stub(element)]


def _write_sequence(element: ElementWriter, name: str, *, is_counted: bool) -> list[str]:
    """`void @loop_sequence(state, arguments, steps, count)`: one element after the other, in order."""
    shape, loop = element.shape, element.shape.loop
    assert loop is not None
    inputs = parameter_types(shape)
    b = Builder(OFFSETS)
    cores = element.cores
    b.append(f"define internal void @loop_{name}({CHUNK_PARAMETERS}{cores.parameters}) noinline #0 {{")
    b.start("begin")
    number = len(loop.operands)
    shapes, rooms = cores.shapes(b), cores.rooms(b)
    lengths = {source.number: cores.length(b, source.number) for source in loop.sources if source.kind == "length"}
    first = [b.load("ptr", b.line(f"getelementptr ptr, ptr %arguments, i64 {k}")) for k in range(number)]
    strides = [b.load("i64", b.line(f"getelementptr i64, ptr %steps, i64 {k}")) for k in range(number)]
    if is_counted:
        # Each call ends with the state without a limit.
        kept = {field: b.state.load(field) for field in ("limit_cell", "limited")}
    b.jump("loop")
    b.start("loop")
    b.append("%i = phi i64 [0, %begin], [%next, %on]")
    for k in range(number):
        b.append(f"%p{k} = phi ptr [{first[k]}, %begin], [%q{k}, %on]")
    values = []
    for kind, (what, k) in zip(inputs, loop.sources, strict=True):
        if what == "address":
            values.append(cores.address(b, k, f"%p{k}", rooms[k], shapes[k]))
        elif what == "length":
            values.append(lengths[k] if kind == "i64" else b.line(f"trunc i64 {lengths[k]} to {kind}"))
        else:
            values.append(b.load(kind, f"%p{k}", align=1))
    given = ["ptr %state", *(f"{kind} {value}" for kind, value in zip(inputs, values, strict=True))]
    if is_counted:
        for field, value in kept.items():
            b.state.store(field, value)
    found = b.call(element.result, "@loop_counted" if is_counted else "@loop_element", *given)
    if loop.result >= 0:
        b.store(element.result, found, f"%p{loop.result}", align=1)
    for k in cores.addressed:
        cores.put_back(b, k, f"%p{k}", rooms[k], shapes[k])
    if element.may_be_wrong and not is_counted:
        b.branch(is_nan(b, element.result, found), "again", "on")
        b.start("again")
        # The result may have been stored over an argument, whose value is here.
        b.store(element.result, b.call(element.result, "@loop_exact", *given), f"%p{loop.result}", align=1)
    b.jump("on")
    b.start("on")
    for k in range(number):
        b.append(f"%q{k} = getelementptr i8, ptr %p{k}, i64 {strides[k]}")
    b.append("%next = add nuw i64 %i, 1")
    b.branch(b.line("icmp eq i64 %next, %count"), "out", "loop")
    b.start("out")
    b.ret()
    b.append("}")
    return b.out


def _write_stub(element: ElementWriter) -> list[str]:
    b = Builder(OFFSETS, element.writer.base, sandbox=element.sandbox)
    b.append(f"define void @entry{element.writer.name(element.entry)}({LOOP_PARAMETERS}) #0 {{")
    b.start("begin")
    b.append("%count = load i64, ptr %dimensions")
    b.branch(b.line("icmp sgt i64 %count, 0"), "some", "nothing")
    b.start("nothing")
    b.ret()
    b.start("some")
    b.append("%flags = call i64 @loop_flags()")
    b.append("%word = call i64 @begin_loop()")
    b.branch(b.line("icmp eq i64 %word, 0"), "nothing", "start")
    b.start("start")
    element.cores.begin(b)
    b.append("%state = call ptr @start()")
    b.branch(b.line("icmp eq ptr %state, null"), "full", "try")
    b.start("full")
    element.cores.end(b)
    b.append("call void @abandon_loop(ptr null, i64 %word, i64 %flags)")
    b.ret()
    b.start("try")
    thread = b.line(f"inttoptr i64 {b.line('and i64 %word, -2')} to ptr")
    b.append(f"store ptr {thread}, ptr {b.state.pointer('python_thread')}")
    jumped = b.line(f"call i32 @_setjmp(ptr {b.state.pointer('jump_buffer')}) returns_twice")
    b.branch(b.line(f"icmp ne i32 {jumped}, 0"), "trap", "go")
    b.start("trap")
    b.append("call void @leave(ptr %state)")
    element.cores.end(b)
    b.append("call void @abandon_loop(ptr %state, i64 %word, i64 %flags)")
    b.ret()
    b.start("go")
    b.append("call void @enter(ptr %state)")
    b.state.store("entry", address_of(b, element.entry).text)
    # Functions with effects get them for each element.
    fresh(b)
    is_counted = b.line(f"icmp ne ptr {b.state.load('limit_cell', 'ptr')}, null")
    given = CHUNK_PARAMETERS + element.cores.parameters
    b.branch(is_counted, "counting", "uncounted")
    b.start("counting")
    b.append(f"call void @loop_counting({given})")
    b.jump("done")
    b.start("uncounted")
    b.append(f"call void @{'loop_chunks' if element.is_plain else 'loop_sequence'}({given})")
    b.jump("done")
    b.start("done")
    b.append("call void @finish(ptr %state)")
    element.cores.end(b)
    b.append("call void @end_loop(i64 %word, i64 %flags)")
    b.ret()
    b.append("}")
    return b.out
