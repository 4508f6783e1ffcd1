"""A module of translated functions: discovery of what a function calls, analysis, text, host code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from armexec.machines.llvm import STATE, LlvmMachine, register_type

from .fault_map import LineTable
from .flow import Fetch, Flow, discover
from .function import FunctionWriter, bits, calling_convention
from .host import HostCode, has_wide_atomics, host_machine
from .jumps import ReadConstant, jump_targets
from .lift import LiftedFunction, lift
from .liveness import ALL, analyze
from .prelude import declarations, dispatcher
from .state import EXIT, OFFSETS

__all__ = ["MAX_UNIT", "Code", "Shape", "Unit"]

MAX_UNIT = 20_000
"""A unit takes no further functions beyond this many guest instructions; calls of them go through the dispatcher."""

Shape = tuple[tuple[int, bool], ...]
"""How each integer argument fills its register: (bits, signed)."""

_RESULTS = 0b11  # X0 and X1


@dataclass(frozen=True)
class Code:
    """The code of an image.

    `base` and `size` are the image's; its code lies in the first `code_size` bytes. `fetch` gives the word at
    an address or None where there is no code, `read` constant data, for jump tables.
    """

    base: int
    size: int
    code_size: int
    fetch: Fetch
    read: ReadConstant


class Unit:
    """Host code for some functions. `whys`: what undefined instructions said, by pc; `instructions`: the guest's."""

    def __init__(self, code: Code, entry: int, shape: Shape | None, symbols: Mapping[str, int], tier: str) -> None:
        self.base = code.base
        self._tier = tier
        self._recipe = (code, entry, shape)
        text, functions = _write(code, entry, shape)
        self.host = HostCode(text, symbols, tier=tier)
        self.begin = self.host.address("begin")
        self.whys: dict[int, str] = {}
        for function in functions.values():
            self.whys.update(function.machine.whys)
        self.instructions = sum(len(b.instructions) for f in functions.values() for b in f.flow.blocks.values())
        self._lines: LineTable | None = None

    def state_function(self, address: int) -> int:
        """The host address of the function that takes the state structure."""
        return self.host.address(f"s{address - self.base:x}")

    def entry_stub(self, address: int) -> int:
        return self.host.address(f"entry{address - self.base:x}")

    def guest_pc(self, host_pc: int) -> int | None:
        """The guest instruction that host code belongs to, None where that isn't known."""
        if self._lines is None:
            self._lines = LineTable(_write(*self._recipe)[0], self._tier)
        offset = self._lines.offset(host_pc - self.begin)
        return None if offset is None else self.base + offset


def _write(code: Code, entry: int, shape: Shape | None) -> tuple[str, dict[int, LiftedFunction]]:
    """The text of the function at `entry` and what it calls.

    With `shape`, to be called from Python (`Unit.entry_stub`); without, from other translated code.
    """
    functions = _collect(code, entry)
    demanded = {entry: ALL if shape is None else _RESULTS}
    signatures = analyze(functions, demanded)
    writer = FunctionWriter(signatures, code.base, calling_convention(host_machine()))
    out = [
        "define void @begin() {",
        "ret void",
        "}",
        "@image = external global i8, align 16",
        declarations(),
    ]
    # A closed function that returns as it should needs no dispatcher.
    if any(signature.is_open or signature.checked for signature in signatures.values()):
        out.append(dispatcher(table_size=code.code_size // 4))
    for address in functions:
        out += writer.write(address)
    if not signatures[entry].is_open and shape is None:
        out += writer.write_wrapper(entry)
    if shape is not None:
        out += _entry_stub(writer, entry, shape)
    out.append("attributes #0 = { null_pointer_is_valid nounwind }")
    return "\n".join(out), functions


def _collect(code: Code, entry: int) -> dict[int, LiftedFunction]:
    """The function and its callees, lifted, up to the size of a unit."""
    functions: dict[int, LiftedFunction] = {}
    todo = [entry]
    total = 0
    while todo:
        address = todo.pop()
        if address in functions or (functions and (total > MAX_UNIT or code.fetch(address) is None)):
            continue
        flow: Flow = discover(address, code.fetch, lambda start, flow: jump_targets(start, flow, code.read))
        machine = LlvmMachine(OFFSETS, code.base, wide_atomics=has_wide_atomics())
        functions[address] = lift(flow, machine)
        total += sum(len(block.instructions) for block in flow.blocks.values())
        todo += sorted(flow.calls, reverse=True)
    return functions


def _entry_stub(writer: FunctionWriter, entry: int, shape: Shape) -> list[str]:
    """A C function that takes the arguments, runs the guest function on a state of the pool, and returns X0.

    It is called with the GIL held, gives it up around the guest, and on a trap leaves a Python exception set.
    """
    signature = writer.signatures[entry]
    m = LlvmMachine(OFFSETS, writer.base)
    out = m.out
    name = writer.name(entry)
    parameters = ", ".join(f"i{width} %p{i}" for i, (width, _) in enumerate(shape))
    out.append(f"define i64 @entry{name}({parameters}) #0 {{")
    out.append("%thread = call ptr @PyEval_SaveThread()")
    out.append("%state = call ptr @start()")
    out.append("%none = icmp eq ptr %state, null")
    out.append("br i1 %none, label %full, label %try")
    out.append("full:")
    out.append("call void @PyEval_RestoreThread(ptr %thread)")
    out.append("%error = call ptr @PyErr_NoMemory()")
    out.append("ret i64 0")
    out.append("try:")
    out.append(f"%jb = getelementptr i8, ptr %state, i64 {OFFSETS['jump_buffer']}")
    out.append("%jumped = call i32 @_setjmp(ptr %jb) returns_twice")
    out.append("%trapped = icmp ne i32 %jumped, 0")
    out.append("br i1 %trapped, label %trap, label %go")
    out.append("trap:")
    out.append("call void @PyEval_RestoreThread(ptr %thread)")
    out.append("%zero = call i64 @raise(ptr %state)")
    out.append("ret i64 0")
    out.append("go:")
    out.append(f"%pc = getelementptr i8, ptr %state, i64 {OFFSETS['entry']}")
    out.append(f"store i64 {m.address(entry).text}, ptr %pc")
    out.append(f"%top = getelementptr i8, ptr %state, i64 {OFFSETS['stack_top']}")
    out.append("%sp = load i64, ptr %top")
    values: dict[int, str] = {31: "%sp", 30: str(EXIT)}
    for i, (width, signed) in enumerate(shape):
        if width < 64:
            out.append(f"%x{i} = {'sext' if signed else 'zext'} i{width} %p{i} to i64")
        values[i] = f"%x{i}" if width < 64 else f"%p{i}"
    if signature.is_open:
        _fill_state(out, values)
        out.append(f"%code = call i1 @s{name}(ptr %state)")
        out.append("br i1 %code, label %elsewhere, label %done")
        out += ["elsewhere:", "call void @dispatch(ptr %state)", "br label %done", "done:"]
        out.append(f"%x = getelementptr i8, ptr %state, i64 {OFFSETS['x']}")
        out.append("%result = load i64, ptr %x")
    else:
        _call_closed(out, writer, entry, values)
    out.append("call void @finish(ptr %state)")
    out.append("call void @PyEval_RestoreThread(ptr %thread)")
    out.append("ret i64 %result")
    out.append("}")
    return out


def _fill_state(out: list[str], values: dict[int, str]) -> None:
    """All registers zero but these."""
    out.append(f"call void @llvm.memset.p0.i64(ptr %state, i8 0, i64 {OFFSETS['fpcr']}, i1 false)")
    for n, value in values.items():
        offset = OFFSETS["sp"] if n == 31 else OFFSETS["x"] + 8 * n
        out.append(f"%s{n} = getelementptr i8, ptr %state, i64 {offset}")
        out.append(f"store i64 {value}, ptr %s{n}")


def _call_closed(out: list[str], writer: FunctionWriter, entry: int, values: dict[int, str]) -> None:
    signature = writer.signatures[entry]
    arguments = []
    for n in bits(signature.inputs):
        if n == STATE:
            arguments.append("ptr %state")
        else:
            arguments.append(f"{register_type(n)} {values.get(n, '0' if n < 32 else 'false')}")
    kind = writer.result_type(signature)
    call = f"call {writer.convention}{kind} @f{writer.name(entry)}({', '.join(arguments)})"
    if kind == "void":
        out.append(call)
    else:
        out.append(f"%r = {call}")
    x0 = values.get(0, "0")
    if signature.outputs & 1:
        out.append(f"%first = extractvalue {kind} %r, 0")
        x0 = "%first"
    if not signature.checked:
        out.append(f"%result = add i64 {x0}, 0")
        return
    out.append(f"%code = extractvalue {kind} %r, {signature.outputs.bit_count()}")
    out += ["br i1 %code, label %elsewhere, label %done", "elsewhere:"]
    # What the function did change is in the state already.
    kept = {n: value for n, value in values.items() if not signature.modified >> n & 1}
    for n, value in kept.items():
        offset = OFFSETS["sp"] if n == 31 else OFFSETS["x"] + 8 * n
        out.append(f"%s{n} = getelementptr i8, ptr %state, i64 {offset}")
        out.append(f"store i64 {value}, ptr %s{n}")
    out.append("call void @dispatch(ptr %state)")
    out.append(f"%x = getelementptr i8, ptr %state, i64 {OFFSETS['x']}")
    out.append("%second = load i64, ptr %x")
    out += ["br label %done", "done:", f"%result = phi i64 [{x0}, %go], [%second, %elsewhere]"]
