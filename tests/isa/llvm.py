"""What LLVM makes of assembly, through the clang of the wheel: its own text for each line, and the word."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import ziglang

_ENCODED = re.compile(r"^\t(.*?)\s*// encoding: \[([0-9a-fx,]+)\]$", re.MULTILINE)


def reassembled(
    lines: list[str], directory: Path, features: tuple[str, ...] = ("+all", "+v8.7a")
) -> list[tuple[str, int]]:
    """LLVM's preferred text and the word of each line, with these features, else every one of the architecture."""
    source, output = directory / "source.s", directory / "output.s"
    source.write_text("\n".join(lines) + "\n")
    zig = Path(ziglang.__file__).parent / "zig"
    command = [zig, "clang", "-cc1as", "-triple", "aarch64-linux-gnu"]
    for feature in features:
        command += ["-target-feature", feature]
    command += ["-filetype", "asm", "-show-encoding", "-o", output, source]
    finished = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr[:4000]
    encoded = _ENCODED.findall(output.read_text())
    assert len(encoded) == len(lines)
    return [
        (text.replace("\t", " "), int.from_bytes(bytes(int(byte, 16) for byte in code.split(",")), "little"))
        for text, code in encoded
    ]
