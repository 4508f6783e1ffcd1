"""The stack that a program finds, read as its start-up code reads it."""

from __future__ import annotations

import struct

import pytest

from armexec.asm import assemble
from armexec.errors import LoadError
from armexec.objects import Image, read_part
from armexec.objects.linking import select
from armexec.program import initial_stack

BASE, TOP = 0x4000_0000, 0x7FFF_0000


def image() -> Image:
    part = read_part(assemble(".globl _start\nnop\n_start: ret", target="linux").object(), "a.o")
    return Image("a", [part], select([part], []))


def test_arguments_environment_and_auxiliary_vector() -> None:
    made = image()
    stack = initial_stack(made, BASE, TOP, ["name", "ä", b"\xff"], {"A": "b c", "E": ""}, random=bytes(range(16)))
    assert stack.sp % 16 == 0
    assert stack.sp + len(stack.data) == TOP

    def word(at: int) -> int:
        return int(struct.unpack_from("<Q", stack.data, at)[0])

    def text(address: int) -> bytes:
        return stack.data[address - stack.sp :].partition(b"\0")[0]

    assert word(0) == 3
    assert [text(word(8 * i)) for i in (1, 2, 3)] == [b"name", "ä".encode(), b"\xff"]
    assert word(32) == 0
    assert [text(word(8 * i)) for i in (5, 6)] == [b"A=b c", b"E="]
    assert word(56) == 0
    auxiliary = {}
    at = 64
    while word(at):
        auxiliary[word(at)] = word(at + 8)
        at += 16
    assert made.program_headers is not None
    headers, count = made.program_headers
    assert (auxiliary[3], auxiliary[4], auxiliary[5]) == (BASE + headers, 56, count)
    assert auxiliary[9] == BASE + 4
    assert stack.data[auxiliary[25] - stack.sp :][:16] == bytes(range(16))
    assert text(auxiliary[31]) == b"name"
    assert (auxiliary[6], auxiliary[23]) == (4096, 0)


def test_the_program_headers_are_in_memory() -> None:
    made = image()
    assert made.program_headers is not None
    headers, count = made.program_headers
    segment, data = next(
        (s, d) for s, (_, d) in zip(made.segments, made.place(BASE, lambda name: None), strict=True) if not s.executable
    )
    at = headers - segment.offset
    assert data[at - 64 : at - 60] == b"\x7fELF"
    kinds = [struct.unpack_from("<I", data, at + 56 * i)[0] for i in range(count)]
    assert kinds == [6, 1, 1, 0x6474E551]  # PT_PHDR, two PT_LOAD, PT_GNU_STACK


def test_an_image_that_is_no_executable_has_no_program_headers() -> None:
    stack = initial_stack(Image("a", image().parts[:1]), BASE, TOP, [])
    words = [word for (word,) in struct.iter_unpack("<Q", stack.data[:64])]
    assert (words[0], words[2], words[3], words[4:6]) == (1, 0, 0, [6, 4096])


def test_what_is_refused() -> None:
    with pytest.raises(LoadError, match="null character"):
        initial_stack(image(), BASE, TOP, ["a\0b"])
    with pytest.raises(LoadError, match="random bytes are 16, not 3"):
        initial_stack(image(), BASE, TOP, [], random=b"abc")
