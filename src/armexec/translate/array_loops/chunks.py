"""Chunks of a loop over elements, which LLVM makes vectors of.

A chunk's inputs and results stand one after the other, in memory that doesn't overlap: in that of the operands where it
is so there, else in scratch memory. No result is looked at on the way. Where one of a chunk is a NaN, its elements are
computed again, each from its inputs, by nonspeculative code (docs/decisions/0006-exact-nans.md).
"""

from __future__ import annotations

from armexec.machines.llvm.builder import Builder
from armexec.translate.array_loops.element import ElementWriter, parameter_types
from armexec.translate.support.load import load

__all__ = ["CHUNK_PARAMETERS", "write_chunks"]

CHUNK_PARAMETERS = "ptr %state, ptr %arguments, ptr %steps, i64 %count"
_MANY = 3
_FEW_ELEMENTS, _MANY_ELEMENTS = 256, 1024
"""How many elements a chunk has, with more inputs than `_MANY` and with less."""


def write_chunks(element: ElementWriter) -> list[str]:
    """`void @loop_chunks(state, arguments, steps, count)` and what it calls."""
    assert element.shape.loop is not None
    loop = element.shape.loop
    inputs = parameter_types(element.shape)
    sizes = [loop.operands[i].size for i in range(len(inputs))]
    size = loop.operands[loop.result].size
    out = [load("arrays/copy", BITS=8 * each, BYTES=each) for each in sorted({*sizes, size})]
    out += _write_chunk(element, inputs, sizes, size)
    if element.may_be_wrong:
        out += _write_patch(element, inputs, sizes, size)
    return [*out, *_write_driver(element, sizes, size)]


def is_nan(b: Builder, kind: str, value: str) -> str:
    """Whether a result is a NaN; `kind` i16 is half precision."""
    if kind == "i16":
        return b.line(f"icmp ugt i16 {b.line(f'and i16 {value}, 32767')}, 31744")
    return b.line(f"fcmp uno {kind} {value}, 0.0")


def _call(b: Builder, element: ElementWriter, name: str, inputs: list[str], values: list[str]) -> str:
    arguments = (f"{kind} {value}" for kind, value in zip(inputs, values, strict=True))
    return b.call(element.result, f"@loop_{name}", "ptr %state", *arguments)


def _element_at(b: Builder, pointer: str, index: str, kind: str, size: int) -> str:
    """The address of an element of several that stand one after the other."""
    return b.line(f"getelementptr i{8 * size}, ptr {pointer}, i64 {index}")


def _write_chunk(element: ElementWriter, inputs: list[str], sizes: list[int], size: int) -> list[str]:
    """`i1 @loop_chunk(state, output, inputs..., count)`: whether a result is a NaN."""
    b = Builder()
    pointers = "".join(f", ptr %in{i}" for i in range(len(inputs)))
    b.append(f"define internal i1 @loop_chunk(ptr %state, ptr noalias %output{pointers}, i64 %count) noinline #0 {{")
    b.start("begin")
    b.jump("loop")
    b.start("loop")
    b.append("%i = phi i64 [0, %begin], [%next, %loop]")
    b.append("%bad = phi i1 [false, %begin], [%worse, %loop]")
    values = [b.load(kind, _element_at(b, f"%in{i}", "%i", kind, sizes[i]), align=1) for i, kind in enumerate(inputs)]
    found = _call(b, element, "element", inputs, values)
    b.store(element.result, found, _element_at(b, "%output", "%i", element.result, size), align=1)
    nan = is_nan(b, element.result, found) if element.may_be_wrong else "false"
    b.append(f"%worse = or i1 %bad, {nan}")
    b.append("%next = add nuw i64 %i, 1")
    b.branch(b.line("icmp eq i64 %next, %count"), "out", "loop")
    b.start("out")
    b.ret("i1", "%worse")
    b.append("}")
    return b.out


def _write_patch(element: ElementWriter, inputs: list[str], sizes: list[int], size: int) -> list[str]:
    """`void @loop_patch(state, output, inputs..., count)`: compute again what is a NaN."""
    b = Builder()
    pointers = "".join(f", ptr %in{i}" for i in range(len(inputs)))
    b.append(f"define internal void @loop_patch(ptr %state, ptr %output{pointers}, i64 %count) cold noinline #0 {{")
    b.start("begin")
    b.jump("loop")
    b.start("loop")
    b.append("%i = phi i64 [0, %begin], [%next, %on]")
    place = _element_at(b, "%output", "%i", element.result, size)
    nan = is_nan(b, element.result, b.load(element.result, place, align=1))
    b.branch(nan, "again", "on")
    b.start("again")
    values = [b.load(kind, _element_at(b, f"%in{i}", "%i", kind, sizes[i]), align=1) for i, kind in enumerate(inputs)]
    b.store(element.result, _call(b, element, "exact", inputs, values), place, align=1)
    b.jump("on")
    b.start("on")
    b.append("%next = add nuw i64 %i, 1")
    b.branch(b.line("icmp eq i64 %next, %count"), "out", "loop")
    b.start("out")
    b.ret()
    b.append("}")
    return b.out


def _write_driver(element: ElementWriter, sizes: list[int], size: int) -> list[str]:
    """Where results overlap inputs of other elements, the elements come one after the other."""
    number = len(sizes)
    elements = _MANY_ELEMENTS if number <= _MANY else _FEW_ELEMENTS
    b = Builder()
    b.append(f"define internal void @loop_chunks({CHUNK_PARAMETERS}) noinline #0 {{")
    b.start("begin")
    scratch: list[str] = []
    for each in (*sizes, size):
        b.append(f"%scratch{len(scratch)} = alloca [{elements} x i{8 * each}], align 64")
        scratch.append(f"%scratch{len(scratch)}")
    pointers, strides, ranges = [], [], []
    last = b.line("sub i64 %count, 1")
    for k, each in enumerate((*sizes, size)):
        pointer = b.load("ptr", b.line(f"getelementptr ptr, ptr %arguments, i64 {k}"))
        stride = b.load("i64", b.line(f"getelementptr i64, ptr %steps, i64 {k}"))
        pointers.append(pointer)
        strides.append(stride)
        begin = b.line(f"ptrtoint ptr {pointer} to i64")
        end = b.line(f"add i64 {begin}, {b.line(f'mul i64 {stride}, {last}')}")
        lowest = b.line(f"call i64 @llvm.umin.i64(i64 {begin}, i64 {end})")
        highest = b.line(f"call i64 @llvm.umax.i64(i64 {begin}, i64 {end})")
        ranges.append((lowest, b.line(f"add i64 {highest}, {each}")))
    distance = b.line(f"call i64 @llvm.abs.i64(i64 {strides[-1]}, i1 false)")
    apart = b.line(f"icmp uge i64 {distance}, {max(*sizes, size)}")
    alone = b.line("icmp eq i64 %count, 1")
    fits = b.line(f"or i1 {b.line(f'icmp uge i64 {distance}, {size}')}, {alone}")
    direct = []
    for k, each in enumerate(sizes):
        same = b.line(f"icmp eq ptr {pointers[k]}, {pointers[-1]}")
        alike = b.line(f"icmp eq i64 {strides[k]}, {strides[-1]}")
        equal = b.line(f"and i1 {b.line(f'and i1 {same}, {alike}')}, {apart}")
        before = b.line(f"icmp ule i64 {ranges[k][1]}, {ranges[-1][0]}")
        behind = b.line(f"icmp ule i64 {ranges[-1][1]}, {ranges[k][0]}")
        disjoint = b.line(f"or i1 {before}, {behind}")
        fits = b.line(f"and i1 {fits}, {b.line(f'or i1 {disjoint}, {equal}')}")
        near = b.line(f"icmp eq i64 {strides[k]}, {each}")
        direct.append(b.line(f"and i1 {near}, {disjoint}"))
    direct.append(b.line(f"icmp eq i64 {strides[-1]}, {size}"))
    b.branch(fits, "chunk", "sequence")
    b.start("sequence")
    b.append("call void @loop_sequence(ptr %state, ptr %arguments, ptr %steps, i64 %count)")
    b.ret()
    b.start("chunk")
    b.append("%done = phi i64 [0, %begin], [%then, %written]")
    left = b.line("sub i64 %count, %done")
    most = b.line(f"call i64 @llvm.umin.i64(i64 {left}, i64 {elements})")
    chosen = []
    for k, each in enumerate(sizes):
        place = b.line(f"getelementptr i8, ptr {pointers[k]}, i64 {b.line(f'mul i64 %done, {strides[k]}')}")
        chosen.append(b.line(f"select i1 {direct[k]}, ptr {place}, ptr {scratch[k]}"))
        # The same element for all is there from the first chunk on.
        constant = b.line(f"icmp eq i64 {strides[k]}, 0")
        later = b.line("icmp ne i64 %done, 0")
        ready = b.line(f"or i1 {direct[k]}, {b.line(f'and i1 {constant}, {later}')}")
        b.branch(ready, f"ready{k}", f"gather{k}")
        b.start(f"gather{k}")
        b.append(f"call void @gather{8 * each}(ptr {scratch[k]}, ptr {place}, i64 {strides[k]}, i64 {most})")
        b.jump(f"ready{k}")
        b.start(f"ready{k}")
    place = b.line(f"getelementptr i8, ptr {pointers[-1]}, i64 {b.line(f'mul i64 %done, {strides[-1]}')}")
    chosen.append(b.line(f"select i1 {direct[-1]}, ptr {place}, ptr {scratch[-1]}"))
    given = ", ".join(["ptr %state", *(f"ptr {text}" for text in (chosen[-1], *chosen[:-1])), f"i64 {most}"])
    bad = b.line(f"call i1 @loop_chunk({given})")
    if element.may_be_wrong:
        b.branch(bad, "patch", "whole")
        b.start("patch")
        b.append(f"call void @loop_patch({given})")
        b.jump("whole")
        b.start("whole")
    b.branch(direct[-1], "written", "scatter")
    b.start("scatter")
    b.append(f"call void @scatter{8 * size}(ptr {place}, ptr {scratch[-1]}, i64 {strides[-1]}, i64 {most})")
    b.jump("written")
    b.start("written")
    b.append(f"%then = add i64 %done, {most}")
    b.branch(b.line("icmp eq i64 %then, %count"), "out", "chunk")
    b.start("out")
    b.ret()
    b.append("}")
    return b.out
