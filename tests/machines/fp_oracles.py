"""One floating-point instruction on many operands and FPCRs, on Unicorn (QEMU 5.0) and on qemu-aarch64.

A loop does for each case: FPSR and NZCV cleared, FPCR set, D0, D1 and D2 loaded, X6 as D0, X4 cleared; the instruction;
and D0, X4, NZCV and FPSR stored.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import unicorn
from unicorn import arm64_const as a64

Case = tuple[int, int, int, int]
"""FPCR and the three operands."""
Left = tuple[int, int, int, int]
"""D0, X4, NZCV as four bits, and FPSR."""

_LOOP = [
    0xD51B443F,  # msr fpsr, xzr
    0xA9401805,  # ldp x5, x6, [x0]
    0xA9412007,  # ldp x7, x8, [x0, #16]
    0xD51B4405,  # msr fpcr, x5
    0x9E6700C0,  # fmov d0, x6
    0x9E6700E1,  # fmov d1, x7
    0x9E670102,  # fmov d2, x8
    0xD51B421F,  # msr nzcv, xzr
    0xD2800004,  # mov x4, #0
    0xD503201F,  # nop: the instruction
    0xD53B4203,  # mrs x3, nzcv
    0xD53B4427,  # mrs x7, fpsr
    0x9E660006,  # fmov x6, d0
    0xA9001026,  # stp x6, x4, [x1]
    0xA9011C23,  # stp x3, x7, [x1, #16]
    0x91008000,  # add x0, x0, #32
    0x91008021,  # add x1, x1, #32
    0xF1000442,  # subs x2, x2, #1
    0x54FFFDC1,  # b.ne to the start
]
_SLOT = 9
_WRITE = [
    0xD2800020,  # mov x0, #1
    0xD2800808,  # mov x8, #64: write
    0xD4000001,  # svc #0
    0xD2800000,  # mov x0, #0
    0xD2800BA8,  # mov x8, #93: exit
    0xD4000001,  # svc #0
]
_BASE, _IN, _OUT, _SIZE = 0x40_0000, 0x50_0000, 0x80_0000, 0x20_0000


def _code(words: list[int]) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)


def _loop(word: int) -> list[int]:
    return [*_LOOP[:_SLOT], word, *_LOOP[_SLOT + 1 :]]


def _packed(cases: list[Case]) -> bytes:
    assert 0 < len(cases) * 32 <= _SIZE
    return b"".join(struct.pack("<4Q", *case) for case in cases)


def _unpacked(data: bytes) -> list[Left]:
    return [(d, x, nzcv >> 28, fpsr) for d, x, nzcv, fpsr in struct.iter_unpack("<4Q", data)]


@cache
def _unicorn() -> unicorn.Uc:
    uc = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    uc.ctl_set_cpu_model(a64.UC_CPU_ARM64_MAX)
    for base, size in ((_BASE, 0x1000), (_IN, _SIZE), (_OUT, _SIZE)):
        uc.mem_map(base, size)
    uc.reg_write(a64.UC_ARM64_REG_CPACR_EL1, 3 << 20)
    return uc


def on_unicorn(word: int, cases: list[Case]) -> list[Left]:
    uc = _unicorn()
    code = _code(_loop(word))
    uc.mem_write(_BASE, code)
    uc.ctl_remove_cache(_BASE, _BASE + len(code))
    uc.mem_write(_IN, _packed(cases))
    for register, value in ((a64.UC_ARM64_REG_X0, _IN), (a64.UC_ARM64_REG_X1, _OUT), (a64.UC_ARM64_REG_X2, len(cases))):
        uc.reg_write(register, value)
    uc.emu_start(_BASE, _BASE + len(code))
    return _unpacked(bytes(uc.mem_read(_OUT, 32 * len(cases))))


def on_qemu(directory: Path) -> Callable[[int, list[Case]], list[Left]] | None:
    """A function like on_unicorn, which makes a static program of code and operands; None without qemu-aarch64."""
    qemu = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if qemu is None:
        return None

    def run(word: int, cases: list[Case]) -> list[Left]:
        literals = [_IN, _OUT, len(cases), _OUT, 32 * len(cases)]
        first = [_load(0, 0), _load(1, 1), _load(2, 2)]
        code = [*first, *_loop(word), _load(1, 3), _load(2, 4), *_WRITE]
        code += [0] * (len(code) % 2)
        # Each load of a literal by its distance, now that it is known.
        for i, instruction in enumerate(code):
            if instruction >> 24 == 0x58:
                literal = instruction >> 5 & 7
                code[i] = 0x58000000 | (len(code) + 2 * literal - i) << 5 | instruction & 31
        text = _code(code) + struct.pack("<5Q", *literals)
        operands = _packed(cases)
        headers = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 183, 1, _BASE, 64, 0, 0, 64, 56, 3, 0, 0, 0)
        segments = [(5, 0x1000, _BASE, text, 0), (4, 0x2000, _IN, operands, 0), (6, 0, _OUT, b"", _SIZE)]
        for flags, offset, address, data, more in segments:
            headers += struct.pack("<IIQQQQQQ", 1, flags, offset, address, address, len(data), len(data) + more, 0x1000)
        image = (headers.ljust(0x1000, b"\0") + text).ljust(0x2000, b"\0") + operands
        program = directory / "program"
        program.write_bytes(image)
        program.chmod(0o755)
        command = [qemu, "-cpu", "max,sve=off,sme=off", str(program)]
        return _unpacked(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)

    return run


def _load(register: int, literal: int) -> int:
    """LDR X<register>, of the literal with this number: to be completed."""
    return 0x58000000 | literal << 5 | register
