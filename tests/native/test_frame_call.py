"""Calls with the registers and stack of a frame: on each engine, and by the native engine's code on any host."""

from __future__ import annotations

import ctypes
import inspect
import textwrap
from types import ModuleType

import pytest

import armexec
from armexec.engines.native_calls import HostCall, frame_call, routines, signal_handler, system_calls, trampolines
from armexec.engines.native_calls.context import Layout, Left, Registers, SavedVectors
from armexec.engines.native_calls.faults import STACK_AT
from armexec.engines.native_calls.routines import Counts
from armexec.translate.execute.signals.alternate_stack import stack_bytes
from engines import AVAILABLE

from .frames import Call, record_function

SIZES = [0, 16, 48, 4096]


@pytest.mark.parametrize("engine", AVAILABLE)
def test_registers_and_stack_arrive_and_the_result_comes_back(engine: str) -> None:
    record = record_function(engine)
    call = record.module.loaded.bind_frame(record.offset)
    for seed, size in enumerate(SIZES):
        made = Call(seed, size)
        call(ctypes.addressof(made.frame))
        made.check()


TEXTS = [
    (frame_call, "stp x29"),
    (routines, "enter:"),
    (trampolines, "adr x17"),
    (system_calls, "system_call:"),
    (signal_handler, "handler:"),
]


@pytest.mark.parametrize(("module", "first"), TEXTS)
def test_the_words_are_those_of_the_text(module: ModuleType, first: str) -> None:
    text = inspect.getdoc(module) or ""
    # The text is indented.
    text = "\n".join(line for line in text[text.index(f"    {first}") :].splitlines() if line[:4].isspace())
    assert armexec.assemble(textwrap.dedent(text)).bytes == bytes.fromhex(module.WORDS)


def symbols_of(module: ModuleType, first: str) -> dict[str, int]:
    text = textwrap.dedent((inspect.getdoc(module) or "").partition(f"    {first}:")[2])
    return dict(armexec.assemble(f"{first}:{text}").symbols)


def test_the_native_code_finds_its_data() -> None:
    symbols = symbols_of(routines, "enter")
    assert {name: symbols[name] for name in routines.AT} == routines.AT
    data = sorted((at, name) for name, at in symbols.items() if at >= symbols["fp_at"])
    names = ["fp_at", "v_at", "key", "counts", *routines.OBJECTS, *routines.C_LIBRARY, *routines.PYTHON]
    assert [name for _, name in data] == names
    # What `call_host` stores, from SP.
    assert [48 + HostCall.v.offset, 48 + HostCall.stack.offset, 48 + HostCall.link.offset] == [128, 256, 272]
    assert 48 + ctypes.sizeof(HostCall) == 288
    # The frame of `enter` ends with a Left.
    assert 384 + ctypes.sizeof(Left) == STACK_AT == 1216
    assert [Counts.parked.offset, Counts.begun.offset, Counts.ended.offset] == [0, 8, 16]


def test_the_handler_of_signals_finds_its_data() -> None:
    symbols = symbols_of(signal_handler, "handler")
    assert {name: symbols[name] for name in signal_handler.AT} == signal_handler.AT
    data = [name for _, name in sorted((at, name) for name, at in symbols.items() if at >= symbols["previous"])]
    first = ["previous", "ranges", "begins", "faulted", "leave", "interrupted", "look", "sent"]
    assert data == [*first, *(name for name in Layout._fields if name != "sent"), *signal_handler.C_LIBRARY]
    assert symbols["key"] - symbols["no_stack"] == len(stack_bytes()) + 8
    assert 384 + Left.registers.offset == 400
    assert [Registers.pc.offset, Registers.pstate.offset, Registers.vectors.offset] == [256, 264, 272]
    assert [Registers.signal.offset, Registers.code.offset, Registers.address.offset] == [792, 800, 808]
    assert ctypes.sizeof(SavedVectors) == 65 * 8


def test_the_native_code_runs_translated() -> None:
    native = armexec.function(bytes.fromhex(frame_call.WORDS), "void(void*, void*)", engine="translated")
    record = record_function("translated")
    for seed, size in enumerate(SIZES):
        made = Call(seed, size)
        native(ctypes.addressof(made.frame), record.address)
        made.check()
