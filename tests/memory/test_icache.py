"""The words that stand in for `__clear_cache`."""

from __future__ import annotations

import struct

import pytest

from armexec.memory import icache
from armexec.memory.kernel import LinuxKernel, machine, real_kernel
from armexec.memory.strategies import AnonymousPages

from .hosts import EXECUTE, FN, READ, call, region


def test_the_stub_is_the_sequence_of_the_manual() -> None:
    capstone = pytest.importorskip("capstone")
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    code = struct.pack(f"<{len(icache.CLEAR_CACHE_WORDS)}I", *icache.CLEAR_CACHE_WORDS)
    lines = [f"{i.mnemonic} {i.op_str}".strip() for i in disassembler.disasm(code, 0)]
    assert lines == [
        "mrs x3, ctr_el0",
        "ubfx x4, x3, #0x10, #4",
        "mov x5, #4",
        "lsl x5, x5, x4",
        "and x3, x3, #0xf",
        "mov x6, #4",
        "lsl x6, x6, x3",
        "sub x7, x5, #1",
        "bic x7, x0, x7",
        "dc cvau, x7",
        "add x7, x7, x5",
        "cmp x7, x1",
        "b.lo #0x24",
        "dsb ish",
        "sub x7, x6, #1",
        "bic x7, x0, x7",
        "ic ivau, x7",
        "add x7, x7, x6",
        "cmp x7, x1",
        "b.lo #0x40",
        "dsb ish",
        "isb",
        "ret",
    ]


on_arm = pytest.mark.skipif(machine() != "aarch64", reason="executes A64 words on the processor")


@on_arm
@pytest.mark.parametrize("with_library", [True, False], ids=["library", "stub"])
def test_both_ways_make_new_code_executable(with_library: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(real_kernel(), LinuxKernel):
        pytest.skip("macOS has its own call")
    if not with_library:
        monkeypatch.setattr(icache, "find_library_function", lambda: None)
    name, clear = icache.find(real_kernel())
    if with_library and name != "__clear_cache":
        pytest.skip("libgcc_s isn't installed")
    assert name == ("__clear_cache" if with_library else "dc cvau, ic ivau")
    assert FN is not None
    for number in range(1, 20):
        with region(AnonymousPages) as memory:
            words = FN if number % 2 else struct.pack("<2I", 0x52800000 | number << 5, 0xD65F03C0)
            memory.write(0, words)
            clear(memory.address, memory.address + len(words))
            memory.seal([(0, memory.size, READ | EXECUTE)])
            assert call(memory.address, 3) == (3 if number % 2 else number)


def test_the_hardware_of_this_host_decides_whether_anything_is_done() -> None:
    assert bool(real_kernel().instruction_cache) == (machine() == "aarch64")
