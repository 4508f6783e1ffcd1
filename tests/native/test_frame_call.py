"""Calls with the registers and stack of a frame: on each engine, and by the native engine's code on any host."""

from __future__ import annotations

import ctypes
import inspect
import textwrap
from types import ModuleType

import pytest

import armexec
from armexec.engines.native_calls import HostCall, frame_call, routines, system_calls, trampolines
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
]


@pytest.mark.parametrize(("module", "first"), TEXTS)
def test_the_words_are_those_of_the_text(module: ModuleType, first: str) -> None:
    text = inspect.getdoc(module) or ""
    # The text is indented.
    text = "\n".join(line for line in text[text.index(f"    {first}") :].splitlines() if line[:4].isspace())
    assert armexec.assemble(textwrap.dedent(text)).bytes == bytes.fromhex(module.WORDS)


def test_the_native_code_finds_its_data() -> None:
    text = textwrap.dedent((inspect.getdoc(routines) or "").partition("    enter:")[2])
    symbols = armexec.assemble(f"enter:{text}").symbols
    assert symbols["call_host"] == routines.CALL_HOST_AT
    data = sorted((at, name) for name, at in symbols.items() if at >= symbols["key"])
    assert [name for _, name in data] == ["key", "object", *routines.LIBC, *routines.PYTHON]
    # What `call_host` stores, from SP.
    assert [48 + HostCall.v.offset, 48 + HostCall.stack.offset, 48 + HostCall.link.offset] == [128, 256, 272]
    assert 48 + ctypes.sizeof(HostCall) == 288


def test_the_native_code_runs_translated() -> None:
    native = armexec.function(bytes.fromhex(frame_call.WORDS), "void(void*, void*)", engine="translated")
    record = record_function("translated")
    for seed, size in enumerate(SIZES):
        made = Call(seed, size)
        native(ctypes.addressof(made.frame), record.address)
        made.check()
