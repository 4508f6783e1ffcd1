"""Calls with the registers and stack of a frame: on each engine, and by the native engine's code on any host."""

from __future__ import annotations

import ctypes
import inspect
import textwrap

import pytest

import armexec
from armexec.engines import frame_call
from engines import AVAILABLE

from .frames import Call, record_function

SIZES = [0, 16, 48, 4096]


@pytest.mark.parametrize("engine", AVAILABLE)
def test_registers_and_stack_arrive_and_the_result_comes_back(engine: str) -> None:
    record = record_function(engine)
    call = record.module.loaded.bind_frame(record.offset)
    for seed, size in enumerate(SIZES):
        made = Call(seed, size)
        call(made.frame)
        made.check()


def _text() -> str:
    """The assembly in the docstring of the native engine's code."""
    text = inspect.getdoc(frame_call) or ""
    return textwrap.dedent(text[text.index("    stp x29") :])


def test_the_words_are_those_of_the_text() -> None:
    assert armexec.assemble(_text()).bytes == bytes.fromhex(frame_call.WORDS)


def test_the_native_code_runs_translated() -> None:
    native = armexec.function(bytes.fromhex(frame_call.WORDS), "void(void*, void*)", engine="translated")
    record = record_function("translated")
    for seed, size in enumerate(SIZES):
        made = Call(seed, size)
        native(ctypes.addressof(made.frame), record.address)
        made.check()
