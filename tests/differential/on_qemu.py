"""Programs on AArch64 hardware or qemu-aarch64, through a small static program that runs many vectors in one process.

`vectors.c` is compiled with the ziglang package. Signals say why a program stopped.
"""

from __future__ import annotations

import platform
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
import ziglang

from armexec.machines.traps import TrapKind

from .state import CODE, CODE_SIZE, DATA, DATA_SIZE, Outcome, State, noise

__all__ = ["run_all"]

_WORDS, _PATCHES, _NOISES = 64, 4, 8
_HEADER = struct.Struct("<5Q")
_VECTOR = struct.Struct(f"<5Q31QQQ2I512s{_WORDS}I")
_PATCH = struct.Struct("<QQ16s")
_RESULT = struct.Struct("<3Q31Q3Q2I512sQQ")
_SIGILL, _SIGTRAP, _SIGBUS, _SIGSEGV, _SIGVTALRM = 4, 5, 7, 11, 26
_BUS_ADRALN = 1
# ESR_EL1.ISS.WnR of a data abort.
_WNR = 1 << 6
_FLAGS = ("-static", "-nostdlib", "-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-fno-sanitize=all", "-O1")


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="armexec-vectors-")


@cache
def _command() -> tuple[str, ...]:
    """What runs vectors; skips the test where nothing does."""
    native = platform.machine() == "aarch64" and platform.system() == "Linux"
    qemu = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if not native and qemu is None:
        pytest.skip("needs AArch64 Linux, or qemu-aarch64 (Debian's qemu-user)")
    program = Path(_directory().name) / "vectors"
    zig = Path(ziglang.__file__).parent / "zig"
    source = Path(__file__).with_name("vectors.c")
    command = [zig, "cc", "-target", "aarch64-linux-musl", *_FLAGS, "-o", program, source]
    subprocess.run(command, check=True, timeout=300)
    return (str(program),) if native or qemu is None else (qemu, "-cpu", "max,sve=off,sme=off", str(program))


def _packed(state: State) -> bytes:
    words = len(state.code)
    # Without an alarm a branch to itself would never end.
    loops = words == 1 and _may_stay(state.code[0])
    parts = [
        _VECTOR.pack(
            *(state.pc, words, state.noise, len(state.patches), loops),
            *state.registers,
            state.nzcv << 28,
            *(state.fpsr, state.fpcr, b"".join(value.to_bytes(16, "little") for value in state.vectors)),
            *state.code,
            *(0 for _ in range(_WORDS - words)),
        )
    ]
    for address, patch in state.patches:
        start = max(address, DATA)
        data = patch[start - address : max(DATA + DATA_SIZE - address, 0)]
        parts.append(_PATCH.pack(start - DATA if data else 0, len(data), data))
    parts += [bytes(_PATCH.size)] * (_PATCHES - len(state.patches))
    return b"".join(parts)


def _may_stay(word: int) -> bool:
    """Whether a word is a branch, or waits."""
    return word & 0x1C00_0000 == 0x1400_0000


def run_all(states: Sequence[State]) -> list[Outcome]:
    """Execute each program until it leaves its code or traps."""
    parts = [_HEADER.pack(len(states), CODE, CODE_SIZE, DATA, DATA_SIZE)]
    parts += [noise(number) for number in range(_NOISES)]
    parts += map(_packed, states)
    finished = subprocess.run(_command(), check=False, input=b"".join(parts), capture_output=True, timeout=1200)
    assert finished.returncode == 0, f"the vector runner ended with {finished.returncode}: {finished.stderr[:400]!r}"
    outcomes = []
    at = 0
    for state in states:
        signal, code, syndrome, *registers, pc, pstate, fpsr, fpcr, packed, changed, size = _RESULT.unpack_from(
            finished.stdout, at
        )
        at += _RESULT.size
        memory = state.memory()
        memory[changed : changed + size] = finished.stdout[at : at + size]
        at += size
        trap = _trap(state, signal, code, syndrome, pc)
        vectors = [int.from_bytes(packed[16 * n : 16 * n + 16], "little") for n in range(32)]
        outcomes.append(Outcome(registers, pstate >> 28, pc, bytes(memory), trap, vectors, fpcr, fpsr))
    assert at == len(finished.stdout)
    return outcomes


def _trap(state: State, signal: int, code: int, syndrome: int, pc: int) -> TrapKind | None:
    if signal == _SIGVTALRM or not state.pc <= pc < state.pc + 4 * len(state.code):
        # Everything around the program is UNDEFINED, or can't be fetched.
        return None
    if signal == _SIGILL:
        return TrapKind.UNDEFINED
    if signal == _SIGTRAP:
        return TrapKind.BREAKPOINT
    if signal == _SIGBUS and code == _BUS_ADRALN:
        return TrapKind.ALIGNMENT
    assert signal == _SIGSEGV, f"signal {signal} ({code}) at 0x{pc:x}"
    return TrapKind.WRITE if syndrome & _WNR else TrapKind.READ
