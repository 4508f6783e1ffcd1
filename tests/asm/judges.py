"""Many snippets of assembly in one run of clang and one of GNU as."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from elftools.elf.elffile import ELFFile

from armexec.objects import load_image
from armexec.toolchain import compile_object

__all__ = ["GAS", "by_apple_clang", "by_clang", "by_gas"]

GAS = shutil.which("aarch64-linux-gnu-as")
_ELF, _MACHO = '.text.snippet{},"ax"', "__TEXT,__snippet{},regular,pure_instructions"


def _batch(snippets: Mapping[str, str], section: str) -> str:
    """One text: each snippet in a section of its own. Names that begin with s_ are made different in each."""
    parts = []
    for index, snippet in enumerate(snippets.values()):
        own = re.sub(r"\b(s)(?=_)", rf"\g<1>{index}", snippet, flags=re.IGNORECASE)
        parts.append(f".section {section.format(index)}\n{own}\n")
    return "".join(parts)


def _sections(snippets: Mapping[str, str], data: bytes) -> dict[str, bytes]:
    elf = ELFFile(io.BytesIO(data))
    found = {}
    for index, name in enumerate(snippets):
        section = elf.get_section_by_name(f".text.snippet{index}")
        found[name] = section.data() if section is not None else b""
    return found


def by_clang(snippets: Mapping[str, str]) -> dict[str, bytes]:
    """The bytes of each snippet."""
    text = _batch(snippets, _ELF)
    return _sections(snippets, compile_object(text, language="assembler", target="linux", debug=False).data)


def by_apple_clang(snippets: Mapping[str, str]) -> dict[str, bytes]:
    """The bytes of each snippet, in Apple's dialect."""
    text = _batch(snippets, _MACHO)
    image = load_image(compile_object(text, language="assembler", target="apple", debug=False).data, "batch")
    found = dict.fromkeys(snippets, b"")
    for section in image.sections:
        number = section.name.removeprefix("__TEXT,__snippet")
        if number != section.name:
            segment = next(s for s in image.segments if s.offset <= section.offset < s.offset + s.size)
            start = section.offset - segment.offset
            found[list(snippets)[int(number)]] = segment.data[start : start + section.size]
    return found


def by_gas(snippets: Mapping[str, str], folder: Path) -> dict[str, bytes]:
    """The bytes of each snippet."""
    assert GAS is not None
    source, output = folder / "batch.s", folder / "batch.o"
    source.write_text(_batch(snippets, _ELF))
    done = subprocess.run([GAS, "-o", str(output), str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return _sections(snippets, output.read_bytes())
