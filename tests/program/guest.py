"""Programs in an address space, whose system calls the test hands to the table."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest

import armexec
from armexec import AddressSpace, Cpu
from armexec.libraries import link_program
from armexec.libraries.archives import is_built
from armexec.objects import Image, read_part
from armexec.program import ProgramExit, SystemCalls, initial_stack
from armexec.toolchain import compile_object

BASE, TOP, STACK = 0x4000_0000, 0x7000_0000, 1 << 20

needs_c = pytest.mark.skipif(not is_built("c"), reason="the C library isn't built: pytest -m long builds it")
needs_cxx = pytest.mark.skipif(
    not (is_built("c") and is_built("c++")), reason="the C++ library isn't built: pytest -m long builds it"
)


class Memory:
    """The memory of an address space for system calls."""

    def __init__(self, space: AddressSpace) -> None:
        self.space = space

    def read(self, address: int, size: int) -> bytes:
        return self.space.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        self.space.write(address, data)

    def map(self, address: int | None, size: int, protection: str) -> int:
        if address is not None:
            self.space.unmap(address, size)
        return self.space.map(address, size, protection)

    def unmap(self, address: int, size: int) -> None:
        self.space.unmap(address, size)

    def protect(self, address: int, size: int, protection: str) -> None:
        self.space.protect(address, size, protection)


class Finished(NamedTuple):
    status: int
    signal: int
    output: str
    error: str


def program(*sources: str, language: str = "c", opt: str = "-O1", flags: Sequence[str] = ()) -> Image:
    """The image of a program of C or C++."""
    parts = []
    for name, source in zip("abcdef", sources, strict=False):
        compiled = compile_object(source, language=language, opt=opt, target="linux", flags=flags, debug=False)
        parts.append(read_part(compiled.data, f"{name}.o"))
    return link_program("program", parts)


def placed(image: Image, engine: str = "translated") -> tuple[AddressSpace, Cpu]:
    """The image in a space, with a stack."""
    space = AddressSpace(engine)
    contents = dict(image.place(BASE, lambda name: None))
    for segment in image.segments:
        protection = "rx" if segment.executable else "rw" if segment.writable else "r"
        space.map(BASE + segment.offset, segment.size, protection, data=contents[segment.offset])
    space.map(TOP - STACK, STACK, "rw")
    return space, Cpu(space)


def serve(space: AddressSpace, system: SystemCalls) -> None:
    """Hand the system calls of a space to the table."""

    def call(cpu: Cpu, immediate: int) -> None:
        cpu.x[0] = system.call(cpu.x[8], [cpu.x[i] for i in range(6)])

    space.hook_svc(call)


def run(
    image: Image,
    *arguments: str,
    engine: str = "translated",
    input: bytes = b"",
    files: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run main, and return how it ended and what it wrote."""
    space, cpu = placed(image, engine)
    output, error = io.BytesIO(), io.BytesIO()
    system = SystemCalls(Memory(space), input=input, output=output, error=error, files=files)
    serve(space, system)
    stack = initial_stack(image, BASE, TOP, ["program", *arguments], environment, random=bytes(range(16)))
    space.write(stack.sp, stack.data)
    cpu.sp, cpu.pc = stack.sp, BASE + offset(image, "_start")
    try:
        stop = cpu.run(time_limit=100)
    except ProgramExit as end:
        return Finished(end.status, end.signal, output.getvalue().decode(), error.getvalue().decode())
    finally:
        system.close()
    raise AssertionError(f"{stop}\n{cpu}\n{where(image, cpu)}")


def offset(image: Image, name: str) -> int:
    """The offset of a function."""
    found = image.find(name).offset
    assert found is not None
    return found


def where(image: Image, cpu: armexec.Cpu) -> str:
    """The symbols that the pc and the link register are in."""
    found = [image.symbol_at(at - BASE) for at in (cpu.pc, cpu.x[30])]
    return ", ".join(f"{at[0].name}+{at[1]:#x}" if at else "?" for at in found)


def elf(image: Image) -> bytes:
    """A static executable of the image, at BASE."""
    assert image.program_headers is not None
    headers, count = image.program_headers
    start = 0x10000  # of the image in the file
    out = bytearray(start + image.size)
    for at, data in image.place(BASE, lambda name: None):
        out[start + at : start + at + len(data)] = data
    table = start + headers
    for number in range(count):
        at = table + 56 * number
        kind, flags, place, address, _, size, whole, align = struct.unpack_from("<IIQQQQQQ", out, at)
        if kind == 6:
            # The kernel takes the headers to be as far from the first segment's address as they are in the file.
            header = 1, 4, 0, BASE - start, BASE - start, 64, 64, 0x1000
        elif address or kind != 0x6474E551:
            header = kind, flags, start + place, BASE + address, BASE + address, size, whole, align
        else:
            continue
        struct.pack_into("<IIQQQQQQ", out, at, *header)
    entry = BASE + offset(image, "_start")
    ident = b"\x7fELF\2\1\1"
    struct.pack_into("<16sHHIQQQIHHHHHH", out, 0, ident, 2, 183, 1, entry, table, 0, 0, 64, 56, count, 64, 0, 0)
    return bytes(out)
