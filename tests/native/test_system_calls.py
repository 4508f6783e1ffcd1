"""System calls of native code: which words become branches, what they preserve, and what Python sees."""

from __future__ import annotations

import inspect
import textwrap

import pytest

import armexec
from armexec.callbacks import HostFunction
from armexec.cpu.call_frame import CallFrame
from armexec.engines import get_engine
from armexec.engines.native import LoadedNativeImage, NativeEngine
from armexec.engines.native_calls import system_calls
from armexec.objects import Image, load_image
from engines import AVAILABLE

from .frames import LINE, pairs

GENERAL = [*range(1, 8), *range(9, 18), *range(19, 29)]
CALL_NUMBER = 64
needs_processor = pytest.mark.skipif(
    "native" not in AVAILABLE, reason="only an AArch64 processor runs the guest's words"
)


def around(call: str) -> str:
    """A function `long f(long)` that makes a system call, and gives -1 where another register than X0 has changed."""
    return f"""
    f: stp x29, x30, [sp, #-160]!
    {pairs("stp")}
    {LINE.join(f"mov x{n}, #{100 + n}" for n in GENERAL)}
    {LINE.join(f"movi v{n}.16b, #{n + 1}" for n in range(32))}
    mov x8, #{CALL_NUMBER}
    mov x30, #130
    mov x29, sp
    cmp x29, x29
    {call}
    after: b.ne wrong
    sub x29, x29, x30
    mov x30, sp
    sub x29, x30, x29
    sub x29, x29, #130
    {LINE.join(f"sub x30, x{n}, #{100 + n}{LINE}orr x29, x29, x30" for n in GENERAL)}
    sub x30, x8, #{CALL_NUMBER}
    orr x29, x29, x30
    mov x3, #0x0101010101010101
    {LINE.join(_vector(n) for n in range(32))}
    cbz x29, right
    wrong: mov x0, #-1
    right: {pairs("ldp")}
    ldp x29, x30, [sp], #160
    ret
    """


def _vector(n: int) -> str:
    """Compare a V register with what it was."""
    halves = [f"umov x1, v{n}.d[{half}]{LINE}eor x1, x1, x2{LINE}orr x29, x29, x1" for half in (0, 1)]
    return LINE.join([f"mov x2, #{n + 1}", "mul x2, x2, x3", *halves])


@pytest.mark.parametrize("engine", [name for name in AVAILABLE if name != "native"])
def test_all_registers_but_x0_are_preserved(engine: str) -> None:
    seen = []

    def called(frame: CallFrame) -> None:
        seen.append((list(frame.x[:6]), frame.x[8]))
        frame.x[:2] = 4711, 0xBAD
        frame.v[:64] = bytes(64)

    host: HostFunction = get_engine(engine).host_functions().add(called)
    text = textwrap.dedent((inspect.getdoc(system_calls) or "").partition("    system_call:")[2])
    text = text.replace("host_function: .quad 0", f"host_function: .quad {host.address}")
    veneer = "veneer: str x30, [sp, #-16]!\nbl system_call\nldr x30, [sp], #16\nb after\n"
    code = armexec.assemble(f"{around('b veneer')}{LINE}{veneer}system_call:{text}")
    f = armexec.Module(load_image(code.object(), "t.o"), engine)["f"].with_signature("long(long)")
    assert f(99) == 4711
    assert seen == [([99, 101, 102, 103, 104, 105], CALL_NUMBER)]


def image(text: str) -> Image:
    return load_image(armexec.assemble(text).object(), "t.o")


def load(image: Image) -> LoadedNativeImage:
    return NativeEngine().load(image, lambda name: None)


def words(text: str) -> list[int]:
    """The words in memory of code that the native engine has loaded."""
    code = image(text)
    loaded = load(code)
    data = loaded.region.read(0, len(code.segments[0].data))
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]


@pytest.mark.parametrize("call", ["svc #0", "svc #0x80", "svc #65535"])
def test_a_branch_to_a_veneer_takes_the_place_of_a_system_call(call: str) -> None:
    text = f"f: nop\n{call}\nmov x1, x2\n{call}\nret"
    before, after = armexec.assemble(text).words, words(text)
    assert [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [1, 3]
    assert [armexec.disassemble([after[n]])[0].mnemonic for n in (1, 3)] == ["b", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "f: hvc #0\nsmc #0\nbrk #1\nhlt #0\nret",
        "f: ldr w0, 1f\nret\n1: .word 0xd4000001",
        # Words that hold the bytes of `svc #0`, but not at a multiple of 4.
        "f: .inst 0x00000100\n.inst 0x910000d4\nret",
    ],
)
def test_other_words_stay(text: str) -> None:
    assert words(text) == armexec.assemble(text).words


def test_code_that_cant_be_told_from_data_is_refused() -> None:
    data = armexec.assemble("f: svc #0\nret").object()
    stripped = load_image(data.replace(b"\0$x\0", b"\0ax\0"), "t.o")
    assert not stripped.marks
    with pytest.raises(armexec.HostError, match=r't\.o makes system calls.*mapping symbols.*use engine="translated"'):
        load(stripped)


@needs_processor
def test_python_answers_system_calls_of_native_code() -> None:
    module = armexec.Module(image(around("svc #0")), "native")
    f = module["f"].with_signature("long(long)")
    seen = []

    def answer(pc: int, number: int, arguments: tuple[int, ...]) -> int:
        seen.append((module.image.symbol_at(pc - module.loaded.base), number, arguments))
        return -38

    loaded = module.loaded
    assert isinstance(loaded, LoadedNativeImage)
    loaded.answer_system_calls(answer)
    assert f(99) == -38
    [(place, number, arguments)] = seen
    assert place is not None
    assert (number, arguments) == (CALL_NUMBER, (99, 101, 102, 103, 104, 105))


@needs_processor
def test_a_system_call_that_nobody_answers_is_an_error() -> None:
    f = armexec.function("nop\nsvc #0\nret", "long(long)", engine="native")
    with pytest.raises(armexec.SystemCallDenied, match=r"system call \(svc #0\)") as caught:
        f(1)
    assert (caught.value.pc, caught.value.instruction) == (f.address + 4, "svc #0")
    loaded = f.module.loaded
    assert isinstance(loaded, LoadedNativeImage)

    def refuse(pc: int, number: int, arguments: tuple[int, ...]) -> int:
        raise ZeroDivisionError(number)

    loaded.answer_system_calls(refuse)
    with pytest.raises(ZeroDivisionError):
        f(1)
    other = armexec.function("svc #5\nret", "long(long)", engine="native")
    with pytest.raises(armexec.SystemCallDenied, match="svc #5"):
        other(1)
