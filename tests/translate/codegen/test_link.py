"""Objects of LLVM's, linked: what they refer to is found, near and far, on x86-64 and AArch64."""

from __future__ import annotations

import ctypes
import gc
import platform
import struct

import llvmlite.binding
import pytest

import armexec
from armexec.errors import HostError
from armexec.memory import process_map
from armexec.translate.codegen.host_object import read_object
from armexec.translate.codegen.host_relocations import linked
from armexec.translate.codegen.link import HostCode
from armexec.translate.codegen.llvm import compile_object, llvm
from armexec.translate.codegen.support_code import compiled

TEXT = """
@variable = external global i64
@table = internal constant [4 x i64] [i64 10, i64 20, i64 30, i64 40]
declare i64 @other(i64)
define i64 @own(i64 %x) noinline {
  %y = mul i64 %x, 3
  ret i64 %y
}
define i64 @f(i64 %x) {
  %v = load i64, ptr @variable
  %at = getelementptr i64, ptr @table, i64 %x
  %t = load i64, ptr %at
  %s = add i64 %v, %t
  %o = call i64 @other(i64 %s)
  %w = call i64 @own(i64 %o)
  ret i64 %w
}
define ptr @address() {
  ret ptr @other
}
define i64 @tail(i64 %x) {
  %r = tail call i64 @other(i64 %x)
  ret i64 %r
}
"""
OTHER_WORDS = armexec.assemble("add x0, x0, #7\nret").bytes
OTHER_X86 = bytes.fromhex("488d4707c3")  # lea rax, [rdi+7]; ret
BASE = 0x4000_0000


def object_for(triple: str, opt: int) -> bytes:
    llvm()
    llvmlite.binding.initialize_all_targets()
    llvmlite.binding.initialize_all_asmprinters()
    target = llvmlite.binding.Target.from_triple(triple)
    machine = target.create_target_machine(opt=opt, reloc="pic", codemodel="small", jit=True)
    module = llvmlite.binding.parse_assembly(TEXT)
    module.triple = triple
    return bytes(machine.emit_object(module))


@pytest.mark.parametrize("opt", [0, 2])
@pytest.mark.parametrize("away", [0x10_0000, 0x4000_0000_0000], ids=["near", "far"])
@pytest.mark.parametrize("triple", ["aarch64-unknown-linux-gnu", "arm64-apple-macosx14.0.0-elf"])
def test_code_for_aarch64(triple: str, away: int, opt: int) -> None:
    other, variable = BASE + away, BASE + away + 0x1_0000
    found = read_object(object_for(triple, opt))
    size, make = linked(found, {"other": other, "variable": variable}.__getitem__)
    code = make(BASE)
    assert len(code) == size
    space = armexec.AddressSpace(engine="reference")
    space.map(BASE, 0x1_0000, "rx", data=code)
    space.map(other, 0x1000, "rx", data=OTHER_WORDS)
    space.map(variable, 0x1000, "rw", data=struct.pack("<Q", 5))
    space.map(0x1000_0000, 0x1_0000, "rw")

    def call(name: str, argument: int = 0) -> int:
        cpu = armexec.Cpu(space)
        cpu.pc, cpu.sp, cpu.x[0], cpu.x[30] = BASE + found.symbols[name], 0x1001_0000, argument, 0x2000_0000
        stop = cpu.run(until=0x2000_0000, instruction_limit=1000)
        assert stop.pc == 0x2000_0000, stop
        return int(cpu.x[0])

    assert call("f", 2) == (5 + 30 + 7) * 3
    assert call("tail", 100) == 107
    assert call("address") == other


def mapped(address: int, data: bytes, *, executable: bool) -> None:
    """Put bytes at an address of this process that is free."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
    noreplace = 0x10_0022  # MAP_FIXED_NOREPLACE, MAP_PRIVATE, MAP_ANONYMOUS
    assert libc.mmap(address, 4096, 3, noreplace, -1, 0) == address, ctypes.get_errno()
    ctypes.memmove(address, data, len(data))
    if executable:
        libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        assert libc.mprotect(address, 4096, 5) == 0


@pytest.mark.skipif(platform.machine() != "x86_64" or platform.system() != "Linux", reason="x86-64 Linux")
@pytest.mark.parametrize("tier", ["O0", "O2"])
def test_code_for_x86_64_reaches_what_is_far_away(tier: str) -> None:
    other, variable = (0x1234_0000, 0x1235_0000) if tier == "O0" else (0x2234_0000, 0x2235_0000)
    mapped(other, OTHER_X86, executable=True)
    mapped(variable, struct.pack("<Q", 5), executable=False)
    code = compiled(TEXT, {"other": other, "variable": variable}, tier=tier)
    near = compiled("define i64 @other(i64 %x) {\n%y = add i64 %x, 7\nret i64 %y\n}", {}, tier=tier)
    close = compiled(TEXT, {"other": near.address("other"), "variable": variable}, tier=tier)
    call = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
    for each, target in ((code, other), (close, near.address("other"))):
        assert call(each.address("f"))(2) == (5 + 30 + 7) * 3
        assert call(each.address("tail"))(100) == 107
        assert call(each.address("address"))(0) == target


def test_names_of_the_process_are_found() -> None:
    code = compiled(
        "declare i64 @strlen(ptr)\ndefine i64 @f(ptr %x) {\n%r = call i64 @strlen(ptr %x)\nret i64 %r\n}", {}
    )
    assert ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_char_p)(code.address("f"))(b"seven77") == 7


def test_what_cannot_be_linked_is_refused() -> None:
    whole = compile_object(TEXT, tier="O0")
    for data in (b"", b"not an object", whole[:200], whole[: len(whole) // 2]):
        with pytest.raises(HostError, match="the object of translated code"):
            HostCode(data, {}, ["f"])
    with pytest.raises(HostError, match="nothing_like_it"):
        HostCode(compile_object("define void @f() {\nret void\n}", tier="O0"), {}, ["nothing_like_it"])
    missing = "declare i64 @missing_thing()\ndefine i64 @f() {\n%x = call i64 @missing_thing()\nret i64 %x\n}"
    with pytest.raises(HostError, match="nothing defines missing_thing"):
        compiled(missing, {})
    with pytest.raises(HostError, match="writable data"):
        compiled("@v = global i64 5\ndefine ptr @f() {\nret ptr @v\n}", {})


def test_a_thousand_pieces_are_few_mappings_and_leave_nothing() -> None:
    text = "define i64 @f(i64 %x) {\n%y = add i64 %x, 1\nret i64 %y\n}"
    data = compile_object(text, tier="O0")
    HostCode(data, {}, ["f"])
    gc.collect()
    before = len(process_map())
    held = [HostCode(data, {}, ["f"]) for _ in range(1000)]
    assert len(process_map()) - before < 40
    del held
    gc.collect()
    assert len(process_map()) - before < 8
