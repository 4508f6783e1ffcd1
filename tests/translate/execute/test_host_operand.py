"""Addresses that aren't canonical, of which the processor doesn't tell what they are."""

from __future__ import annotations

import ctypes

import pytest

import armexec
from armexec.errors import MemoryFault
from armexec.machines.addresses import without_tag
from armexec.translate.execute.host_operand import is_plain_load, memory_operand

# In bits 48 to 55, which no host ignores.
ADDRESSES = (0x0012_3456_789A_BCD0, 0x0080_0000_0000_0000, 0x00FF_7FFF_FFFF_FFF0)
ENGINES = ("reference", "translated:O2", "translated")
ACCESSES = {
    "ldr x0, [x0]": (0, "read"),
    "ldr x0, [x0, #24]": (24, "read"),
    "ldr x0, [x0, #4088]": (4088, "read"),
    "ldrb w0, [x0, #-7]": (-7, "read"),
    "ldr x0, [x0, x1, lsl #3]": (40, "read"),
    "ldr x0, [x1, x0]": (5, "read"),
    "ldr q0, [x0, #64]\n fmov x0, d0": (64, "read"),
    "ldr d0, [x0, #16]\n fadd d0, d0, d0\n fmov x0, d0": (16, "read"),
    "str x1, [x0, #8]": (8, "write"),
    "str q1, [x0, #32]": (32, "write"),
    "strb w1, [x0]": (0, "write"),
    "str xzr, [x0, #264]": (264, "write"),
    "stp x1, x2, [x0, #16]": (16, "write"),
    "ldr x2, [x0, #8]\n add x2, x2, #1\n str x2, [x0, #8]": (8, "read"),
    "ldadd x1, x2, [x0]\n mov x0, x2": (0, "read"),
    "ldaxr x2, [x0]\n mov x0, x2": (0, "read"),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", ACCESSES)
def test_the_address_is_told(text: str, engine: str) -> None:
    f = armexec.function(f"nop\n{text}\n ret", "long(unsigned long, long)", engine=engine)
    distance, access = ACCESSES[text]
    for address in ADDRESSES:
        with pytest.raises(MemoryFault) as caught:
            f(address, 5)
        error = caught.value
        assert (error.address, error.access, error.pc) == (without_tag(address + distance), access, f.address + 4)


@pytest.mark.parametrize("engine", ENGINES)
def test_null_is_null(engine: str) -> None:
    f = armexec.function("ldr x0, [x0]\n ret", "long(unsigned long)", engine=engine)
    with pytest.raises(MemoryFault) as caught:
        f(0)
    assert caught.value.address == 0


@pytest.mark.parametrize(
    ("code", "address"),
    [
        ("48 8b 07", 700),  # mov rax, [rdi]
        ("48 8b 47 18", 724),  # mov rax, [rdi + 24]
        ("48 8b 87 f8 0f 00 00", 4788),  # mov rax, [rdi + 4088]
        ("48 8b 04 f7", 700 + 8 * 600),  # mov rax, [rdi + rsi * 8]
        ("4b 8b 44 c4 f8", 1200 + 8 * 800 - 8),  # mov rax, [r12 + r8 * 8 - 8]
        ("49 8b 45 00", 1300),  # mov rax, [r13]
        ("41 0f b6 04 24", 1200),  # movzx eax, byte [r12]
        ("48 8b 04 c5 10 00 00 00", 16),  # mov rax, [rax * 8 + 16]
        ("f3 0f 10 45 fc", 496),  # movss xmm0, [rbp - 4]
        ("c5 f8 10 07", 700),  # vmovups xmm0, [rdi]
        ("c4 c1 7b 58 42 10", 1016),  # vaddsd xmm0, xmm0, [r10 + 16]
        ("62 f1 7c 48 10 47 01", 764),  # vmovups zmm0, [rdi + 64]
        ("f0 4c 0f b1 07", 700),  # lock cmpxchg [rdi], r8
        ("66 0f 38 00 07", 700),  # pshufb xmm0, [rdi]
    ],
)
def test_operands_of_the_host(code: str, address: int) -> None:
    operand = memory_operand(bytes.fromhex(code))
    assert operand is not None
    assert operand.address([100 * n for n in range(16)]) == address


@pytest.mark.parametrize("code", ["48 89 c7", "c3", "f3 aa", "48 8b 05 00 00 00 00", "48", "", "48 8b 87 00", "0f"])
def test_instructions_without_such_an_operand(code: str) -> None:
    assert memory_operand(bytes.fromhex(code)) is None


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("48 8b 00", True),  # mov rax, [rax]
        ("8a 00", True),  # mov al, [rax]
        ("40 8a 36", True),  # mov sil, [rsi]
        ("8a 36", False),  # mov dh, [rsi]
        ("66 8b 00", True),  # mov ax, [rax]
        ("0f be 00", True),  # movsx eax, byte [rax]
        ("02 00", False),  # add al, [rax]
        ("88 00", False),  # mov [rax], al
    ],
)
def test_loads_of_general_registers(code: str, wanted: bool) -> None:
    assert is_plain_load(bytes.fromhex(code)) is wanted


def test_a_copy_by_the_host_knows_its_address() -> None:
    """A loop that LLVM makes a call of the C library."""
    text = "1: ldrb w3, [x0], #1\n strb w3, [x1], #1\n subs x2, x2, #1\n b.ne 1b\n ret"
    f = armexec.function(text, "void(unsigned long, unsigned long, long)", engine="translated:O2")
    memory = (ctypes.c_uint8 * 8)()
    with pytest.raises(MemoryFault) as caught:
        f(ADDRESSES[0], ctypes.addressof(memory), 8)
    assert caught.value.address == ADDRESSES[0]
