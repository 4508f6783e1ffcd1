"""Objects to load: compiled by armexec's own toolchain, or by GCC; and a real linker to compare with."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest
import ziglang
from elftools.elf.elffile import ELFFile

from armexec.objects import Image, load_image
from armexec.toolchain import compile_object

GCC = shutil.which("aarch64-linux-gnu-gcc")
ZIG = str(Path(ziglang.__file__).parent / ("zig.exe" if os.name == "nt" else "zig"))


@lru_cache(maxsize=256)
def compiled(
    source: str,
    *flags: str,
    language: str = "c",
    opt: str = "-O2",
    target: str = "linux",
    filename: str | None = None,
) -> bytes:
    return compile_object(source, language=language, opt=opt, target=target, flags=flags, filename=filename).data


@lru_cache(maxsize=64)
def gcc_compiled(source: str, *flags: str) -> bytes:
    """What GCC makes of C source."""
    if GCC is None:
        pytest.skip("aarch64-linux-gnu-gcc is not installed")
    command = [GCC, "-xc", "-c", *flags, "-", "-o", "/dev/stdout"]
    # GCC's assembler seeks in its output: a pipe won't do.
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        command[-1] = str(Path(folder) / "out.o")
        subprocess.run(command, input=source.encode(), check=True, timeout=60)
        return Path(command[-1]).read_bytes()


def image_of(source: str, *flags: str, **options: str) -> Image:
    return load_image(compiled(source, *flags, **options), "test.o")


def link(data: bytes, image: Image, base: int, symbols: dict[str, int], folder: Path) -> bytes:
    """The bytes that ld.lld makes of an object with every section where the image has it.

    Equal strings are not merged (-O0), and instruction sequences are not relaxed.
    """
    (folder / "in.o").write_bytes(data)
    lines = ["SECTIONS {"]
    got = next((r.got for r in image.relocations if r.got is not None), None)
    statements = [(s.offset, f"*({s.name})", i) for i, s in enumerate(image.sections) if s.size]
    if got is not None:
        statements.append((min(r.got for r in image.relocations if r.got is not None), "*(.got)", len(statements)))
    for offset, pattern, i in sorted(statements):
        lines.append(f"  .out{i}_ {base + offset:#x} : {{ {pattern} }}")
    lines += ["  /DISCARD/ : { *(.eh_frame) *(.comment) *(.debug*) *(.note*) *(.ARM.attributes) }", "}"]
    (folder / "script.ld").write_text("\n".join(lines))
    command = [ZIG, "ld.lld", "-static", "--no-relax", "-O0", "-e", "0"]
    command += [f"--defsym={name}={value:#x}" for name, value in symbols.items()]
    command += ["-T", "script.ld", "in.o", "-o", "out.bin"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    memory = bytearray()
    with open(folder / "out.bin", "rb") as opened:
        # A flat binary has no place for thread-local variables.
        for segment in ELFFile(opened).iter_segments("PT_LOAD"):
            at, data = segment["p_vaddr"] - base, segment.data()
            memory.extend(bytes(max(0, at + len(data) - len(memory))))
            memory[max(0, at) : at + len(data)] = data[max(0, -at) :]
    return bytes(memory)


def differences(image: Image, base: int, symbols: dict[str, int], linked: bytes) -> list[str]:
    """Where the image's bytes differ from a linker's flat binary that begins at the same address."""
    found = []
    for offset, data in image.place(base, symbols.get):
        theirs = linked[offset : offset + len(data)].ljust(len(data), b"\0")
        for at in range(0, len(data), 4):
            if data[at : at + 4] != theirs[at : at + 4]:
                found.append(f"{offset + at:#x}: {data[at : at + 4].hex()} {theirs[at : at + 4].hex()}")
    return found
