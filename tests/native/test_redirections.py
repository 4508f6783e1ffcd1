"""Functions that are replaced on the native engine: instructions in another place, and code that is exchanged."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

import armexec
from armexec.engines.native_calls.redirections import moved, retargeted
from armexec.objects import load_image
from engines import AVAILABLE

needs_processor = pytest.mark.skipif(
    "native" not in AVAILABLE, reason="only an AArch64 processor runs the guest's words"
)
FROM, TO = 0x4000_0000, 0x4100_0010


def text_of(words: list[int], address: int) -> list[str]:
    code = b"".join(word.to_bytes(4, "little") for word in words)
    return [instruction.text for instruction in armexec.disassemble(code, address=address)]


def word_of(text: str, address: int) -> int:
    return int.from_bytes(armexec.assemble(text, address=address).bytes[:4], "little")


@pytest.mark.parametrize("at", [FROM, TO])
@pytest.mark.parametrize(
    "first",
    [
        "sub sp, sp, #16",
        "b there",
        "bl there",
        "cbz x0, there",
        "tbnz x0, #3, there",
        "b.eq there",
        "adr x3, there",
        "adrp x3, there",
        "ldr x3, there",
        "ldr w3, there",
        "ldrsw x3, there",
    ],
)
def test_an_instruction_does_the_same_elsewhere(first: str, at: int) -> None:
    # Both are run by the interpreter, with both outcomes of a condition.
    there = 0x1000
    outcomes = []
    for is_moved in (False, True):
        for x0, nzcv in ((0, 0), (8, 4)):
            space = armexec.AddressSpace("reference")
            code = armexec.assemble(f"{first}\n.skip {there - 4}\nthere: .quad 0x89abcdef01234567", address=FROM)
            space.map(FROM, 0x2000, "rx", data=code.bytes)
            space.map(TO & -0x1000, 0x1000, "rx")
            cpu = armexec.Cpu(space)
            cpu.x[0], cpu.nzcv, cpu.sp, cpu.pc = x0, nzcv, 0x1000, FROM
            if is_moved:
                words = moved(int.from_bytes(code.bytes[:4], "little"), FROM, TO)
                assert len(words) <= 4
                space.write(TO, b"".join(word.to_bytes(4, "little") for word in words))
                cpu.pc = TO
            for _ in range(4):
                if cpu.pc in (FROM + 4, FROM + there):
                    break
                cpu.step()
            outcomes.append((cpu.pc, *cpu.x, cpu.sp))
    assert outcomes[:2] == outcomes[2:]
    assert outcomes[0][0] in (FROM + 4, FROM + there)


def test_what_does_not_reach_is_refused() -> None:
    for text in ("tbz x0, #1, .", "cbz x0, .", "b ."):
        with pytest.raises(armexec.HostError, match="doesn't reach"):
            retargeted(word_of(text, FROM), FROM, FROM + (1 << 30))
    with pytest.raises(armexec.HostError, match="load of a literal"):
        moved(word_of("ldr q0, .+16", FROM), FROM, TO)


@needs_processor
def test_other_threads_call_the_function_meanwhile() -> None:
    module = armexec.compile(
        "long inner(long x) { return x + 1; } long outer(long x) { return inner(x); }",
        "c",
        "-O1",
        flags="-fno-inline -fno-optimize-sibling-calls -fno-ipa-cp",
        engine="native",
    )
    state = SimpleNamespace(ends=False, wrong=[])
    outer = module.outer

    def work() -> None:
        while not state.ends:
            result = outer(1)
            if result not in (2, -1):
                state.wrong.append(result)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        module.replace("inner", lambda x: -x)
        module.replace("inner", None)
    state.ends = True
    for thread in threads:
        thread.join()
    assert not state.wrong
    assert outer(1) == 2


@needs_processor
@pytest.mark.parametrize("first", ["adr x1, f", "ldr x1, value", "cbz x0, 1f", "b 1f", "tbz x0, #0, 1f"])
def test_functions_that_begin_in_any_way(first: str) -> None:
    code = armexec.assemble(
        f".global f, g\n.type f, %function\n.type g, %function\nf: {first}\nadd x0, x0, #1\n1: ret\n.size f, .-f\n"
        "g: stp x29, x30, [sp, #-16]!\nbl f\nldp x29, x30, [sp], #16\nret\n.size g, .-g\nvalue: .quad 5"
    )
    module = armexec.Module(load_image(code.object(), "t.o"), "native")
    f, g = (module[name].with_signature("long(long)") for name in "fg")
    before = [(f(x), g(x)) for x in range(3)]
    original = module.replace("f", armexec.callback(lambda x: 100 + x, "long(long)", engine="native"))
    original = original.with_signature("long(long)")
    assert [(original(x), g(x)) for x in range(3)] == [(was, 100 + x) for x, (was, _) in enumerate(before)]
    module.replace("f", None)
    assert [(f(x), g(x)) for x in range(3)] == before
