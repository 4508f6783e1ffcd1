"""Addresses that aren't canonical, of which the processor doesn't tell what they are."""

from __future__ import annotations

import ctypes

import capstone
import pytest

import armexec
from armexec.errors import MemoryFault
from armexec.machines.addresses import without_tag
from armexec.translate.execute.host_operand import memory_operand, with_base

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


# Instructions of the host and the register that a copy takes for the address.
COPIES = {
    "48 8b 07": ("mov", "rax, qword ptr [rsi]"),  # mov rax, [rdi]
    "48 01 00": ("add", "qword ptr [rsi], rax"),  # add [rax], rax
    "48 01 36": ("add", "qword ptr [rdi], rsi"),  # add [rsi], rsi
    "4d 87 1b": ("xchg", "qword ptr [rsi], r11"),  # xchg [r11], r11
    "f0 4b 0f c1 44 80 10": ("lock xadd", "qword ptr [rsi + 0x10], rax"),  # lock xadd [r8 + r8 * 4 + 16], rax
    "f0 48 0f c7 09": ("lock cmpxchg16b", "xmmword ptr [rsi]"),  # lock cmpxchg16b [rcx]
    "f0 48 0f c7 0b": ("lock cmpxchg16b", "xmmword ptr [rsi]"),  # lock cmpxchg16b [rbx]
    "48 f7 20": ("mul", "qword ptr [rsi]"),  # mul qword [rax]
    "48 d3 21": ("shl", "qword ptr [rsi], cl"),  # shl qword [rcx], cl
    "88 3f": ("mov", "byte ptr [rsi], bh"),  # mov [rdi], bh
    "8a 76 01": ("mov", "dh, byte ptr [rdi + 1]"),  # mov dh, [rsi + 1]
    "48 8b 04 c5 10 00 00 00": ("mov", "rax, qword ptr [rsi + 0x10]"),  # mov rax, [rax * 8 + 16]
    "4a 8b 04 bd 10 00 00 00": ("mov", "rax, qword ptr [rsi + 0x10]"),  # mov rax, [r15 * 4 + 16]
    "66 41 c7 45 00 34 12": ("mov", "word ptr [rsi], 0x1234"),  # mov word [r13], 0x1234
    "c4 e2 c8 f2 3b": ("andn", "rdi, rsi, qword ptr [rbx]"),  # andn rdi, rsi, [rbx]
    "c4 c1 7b 58 42 10": ("vaddsd", "xmm0, xmm0, qword ptr [rsi + 0x10]"),  # vaddsd xmm0, xmm0, [r10 + 16]
    "c4 a1 78 10 04 a7": ("vmovups", "xmm0, xmmword ptr [rsi]"),  # vmovups xmm0, [rdi + r12 * 4]
    "c5 f8 10 40 08": ("vmovups", "xmm0, xmmword ptr [rsi + 8]"),  # vmovups xmm0, [rax + 8]
    "62 91 7c 48 10 44 a3 01": ("vmovups", "zmm0, zmmword ptr [rsi + 0x40]"),  # vmovups zmm0, [r11 + r12 * 4 + 64]
}


@pytest.mark.parametrize("code", COPIES)
def test_copies_of_the_hosts_instructions(code: str) -> None:
    data = bytes.fromhex(code)
    operand = memory_operand(data)
    assert operand is not None
    copy, base = with_base(data, operand)
    disassembler = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    (was,), (made,) = disassembler.disasm(data, 0), disassembler.disasm(copy, 0)
    # With a SIB byte, Capstone tells an index that is none.
    text = made.op_str.replace(" + riz", "").replace("*1", "")
    assert (made.mnemonic, text, made.size) == (*COPIES[code], was.size)
    assert f"[{('rbx', 'rsi', 'rdi')[(3, 6, 7).index(base)]}" in text


def test_a_copy_by_the_host_knows_its_address() -> None:
    """A loop that LLVM makes a call of the C library."""
    text = "1: ldrb w3, [x0], #1\n strb w3, [x1], #1\n subs x2, x2, #1\n b.ne 1b\n ret"
    f = armexec.function(text, "void(unsigned long, unsigned long, long)", engine="translated:O2")
    memory = (ctypes.c_uint8 * 8)()
    with pytest.raises(MemoryFault) as caught:
        f(ADDRESSES[0], ctypes.addressof(memory), 8)
    assert caught.value.address == ADDRESSES[0]
