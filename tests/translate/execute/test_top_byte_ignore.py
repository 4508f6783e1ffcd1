"""The highest byte of an address of data is ignored, as Linux and macOS set A64 up, and is there afterwards."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading

import pytest

import armexec
from armexec.errors import MemoryFault

ENGINES = pytest.mark.parametrize("engine", ["reference", "translated:O2", "translated:O0", "translated"])
TAGS = (0x55, 0x01, 0x80, 0xFF)
NUMBERS = (0x1122334455667788, 2, 3, 4, 5, 6, 7, 8)

ACCESSES = {
    "ldr x2, [x0]": NUMBERS[0],
    "ldr x2, [x0, #16]": 3,
    "ldr x2, [x0, x1, lsl #3]": 4,
    "ldr x2, [x1, x0]\n lsr x2, x2, #40": 2,
    "ldrsb x2, [x0, #1]": 0x77,
    "ldrsw x2, [x0, #8]": 2,
    "ldp x2, x3, [x0, #8]\n add x2, x2, x3": 5,
    "ldr q1, [x0, #16]\n umov x2, v1.d[1]": 4,
    "ld1 {v1.2d, v2.2d}, [x0]\n umov x2, v2.d[0]": 3,
    "ld2 {v1.2d, v2.2d}, [x0]\n umov x2, v2.d[1]": 4,
    "ldr d1, [x0, #8]\n fmov x2, d1": 2,
    "ldr x2, [x0, #8]!\n ldr x3, [x0], #8\n ldr x4, [x0]\n add x2, x2, x3\n add x2, x2, x4\n sub x0, x0, #16": 7,
    "str x1, [x0, #24]\n ldr x2, [x0, #24]": 3,
    "stp x1, x1, [x0]\n ldr x2, [x0, #8]": 3,
    "str q0, [x0]\n ldr x2, [x0]": 0,
    "strb w1, [x0]\n ldr x2, [x0]\n and x2, x2, #0xffff": 0x7703,
    "strb w0, [x0]\n ldrb w2, [x0]\n and x3, x0, #0xff\n sub x2, x2, x3": 0,
    "str xzr, [x0]\n ldr x2, [x0]": 0,
    "ldadd x1, x2, [x0]\n ldr x2, [x0]": NUMBERS[0] + 3,
    "swpalb w1, w2, [x0]": 0x88,
    "mov x2, #2\n add x3, x0, #8\n cas x2, x1, [x3]\n ldr x2, [x3]": 3,
    "ldaxr x2, [x0]\n add x3, x2, #1\n stlxr w4, x3, [x0]\n ldr x2, [x0]\n add x2, x2, x4": NUMBERS[0] + 1,
    "ldxp x2, x3, [x0]\n stxp w4, x3, x2, [x0]\n ldr x2, [x0]\n add x2, x2, x4": 2,
    "ldar x2, [x0]": NUMBERS[0],
    "stlr x1, [x0]\n ldapr x2, [x0]": 3,
    "ldapursb w2, [x0, #1]": 0x77,
    "ldapursh w2, [x0, #2]": 0x5566,
    "ldaprb w2, [x0]": 0x88,
    "prfm pldl1keep, [x0]\n mov x2, #9": 9,
    "dc zva, x0\n ldr x2, [x0]": 0,
    "ldr x2, [x0]\n add x2, x2, #1\n str x2, [x0]\n ldr x2, [x0]": NUMBERS[0] + 1,
    "mov x9, x0\n ldr x9, [x9]\n mov x2, x9": NUMBERS[0],
    # The address is another operand, too. What comes of it has the tag.
    "stlr x0, [x0]\n ldr x2, [x0]\n sub x2, x2, x0": 0,
    "swpal x0, x3, [x0]\n ldr x2, [x0]\n sub x2, x2, x0\n add x2, x2, x3": NUMBERS[0],
    "ldaddal x0, x3, [x0]\n ldr x2, [x0]\n sub x2, x2, x0": NUMBERS[0],
    "ldsetal x0, x3, [x0]\n ldr x2, [x0]\n orr x4, x3, x0\n sub x2, x2, x4": 0,
    "ldr x2, [x0]\n add x2, x2, x0\n sub x2, x2, x0": NUMBERS[0],
    "ldr x2, [x0]\n mul x2, x2, x0\n ldr x3, [x0]\n msub x2, x3, x0, x2": 0,
    "ldr x2, [x0]\n umulh x2, x2, x0\n ldr x3, [x0]\n mov x4, x0\n umulh x3, x3, x4\n sub x2, x2, x3": 0,
    "str x0, [x0]\n mov x4, x0\n cas x4, x1, [x0]\n ldr x2, [x0]": 3,
    "stp x0, x1, [x0]\n mov x4, x0\n mov x5, x1\n mov x6, #7\n mov x7, #8\n"
    " casp x4, x5, x6, x7, [x0]\n ldp x2, x3, [x0]\n add x2, x2, x3": 15,
    "ldr x2, [x0]\n add x2, x2, x0\n str x2, [x0]\n ldr x2, [x0]\n sub x2, x2, x0": NUMBERS[0],
}


def make_memory() -> tuple[object, int]:
    """Memory for the numbers on a line of its own, and its address."""
    raw = (ctypes.c_uint64 * 24)()
    address = ctypes.addressof(raw) + 63 & ~63
    (ctypes.c_uint64 * 8).from_address(address)[:] = NUMBERS
    return raw, address


@ENGINES
@pytest.mark.parametrize("text", ACCESSES)
def test_accesses_ignore_the_tag(engine: str, text: str) -> None:
    # The result is what was found, plus what has become of the tag.
    f = armexec.function(
        f"mov x8, x0\n {text}\n eor x8, x8, x0\n add x0, x2, x8\n ret",
        "unsigned long(unsigned long, long)",
        engine=engine,
    )
    for tag in TAGS:
        kept, address = make_memory()
        assert f(address | tag << 56, 3) == ACCESSES[text], hex(tag)
        del kept


@ENGINES
def test_a_pointer_that_is_stored_keeps_its_tag(engine: str) -> None:
    f = armexec.function("str x1, [x0]\n str x0, [x0, #8]\n ret", "void(unsigned long, unsigned long)", engine=engine)
    kept, address = make_memory()
    tagged = address | 0x55 << 56
    f(tagged, tagged)
    assert list((ctypes.c_uint64 * 2).from_address(address)) == [tagged, tagged]
    del kept


@ENGINES
def test_a_list_that_ends_in_itself(engine: str) -> None:
    f = armexec.function("ldr x0, [x0]\n ret", "unsigned long(unsigned long)", engine=engine)
    kept, address = make_memory()
    ctypes.c_uint64.from_address(address).value = address
    assert f(address | 0x55 << 56) == address
    del kept


@ENGINES
@pytest.mark.parametrize(("text", "access"), [("ldr x0, [x0]", "read"), ("str x0, [x0]", "write")])
def test_a_fault_says_the_address_that_was_accessed(engine: str, text: str, access: str) -> None:
    f = armexec.function(f"nop\n{text}\n ret", "void(unsigned long)", engine=engine)
    for address, told in ((0x55 << 56 | 0x10000, 0x10000), (0x55 << 56 | 1 << 50, 1 << 50)):
        with pytest.raises(MemoryFault) as caught:
            f(address)
        assert (caught.value.address, caught.value.access, caught.value.pc) == (told, access, f.address + 4)
    # And all is as before.
    kept, place = make_memory()
    f(place | 1 << 56)
    del kept


@ENGINES
def test_the_pc_has_no_tag(engine: str) -> None:
    f = armexec.function("br x0\n ret", "void(unsigned long)", engine=engine)
    target = f.address + 4 | 0x55 << 56
    with pytest.raises(MemoryFault) as caught:
        f(target)
    assert (caught.value.address, caught.value.access) == (target, "execute")


SOURCE = """
#define TAGGED(p) ((void *)((unsigned long)(p) | 0x2aUL << 56))
typedef struct node { struct node *next; double value; } node;
long work(long n) {
    char from[256], to[256];
    unsigned char *p = TAGGED(from), *q = TAGGED(to);
    for (int i = 0; i < 256; i++) p[i] = i * n;
    for (int i = 0; i < 256; i++) q[i] = p[i];
    long sum = 0;
    for (int i = 0; i < 256; i++) sum = sum * 31 + to[i];
    for (int i = 0; i < 256; i++) q[i] = 0;
    node nodes[5];
    for (int i = 0; i < 5; i++) {
        node *this = TAGGED(&nodes[i]);
        this->next = i < 4 ? TAGGED(&nodes[i + 1]) : 0;
        this->value = i * 1.5;
    }
    double total = 0;
    for (node *at = TAGGED(nodes); at; at = at->next) total += at->value;
    return sum + (long)total + (long)q[7] + ((unsigned long)p >> 56);
}
"""


@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_a_program_with_tagged_pointers(level: str) -> None:
    found = {
        engine: armexec.compile(SOURCE, "c", level, engine=engine).work(7) for engine in ("reference", "translated:O2")
    }
    assert len(set(found.values())) == 1


def test_threads_have_their_own_steps() -> None:
    f = armexec.function(
        "ldr x1, [x0]\n add x1, x1, #1\n str x1, [x0]\n mov x0, x1\n ret", "long(unsigned long)", engine="translated:O2"
    )
    wrong: list[object] = []

    def work(n: int) -> None:
        kept, address = make_memory()
        for i in range(50):
            result = f(address | n << 56)
            if result != NUMBERS[0] + i + 1:
                wrong.append(result)
        del kept

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


SCRIPT = """
import ctypes, faulthandler
import armexec
f = armexec.function("ldr x0, [x0]\\nret", "long(unsigned long)", engine="translated:O2")
number = ctypes.c_long(42)
for enable in (lambda: None, faulthandler.enable):
    enable()
    # A module is loaded when all is as it is.
    armexec.function("ret", "void()", engine="translated:O2")()
    for _ in range(20):
        assert f(ctypes.addressof(number) | 0x55 << 56) == 42
"""


@pytest.mark.parametrize("options", [[], ["-X", "faulthandler"]], ids=["plain", "faulthandler"])
def test_a_new_process_has_room_for_it(options: list[str]) -> None:
    subprocess.run([sys.executable, *options, "-c", SCRIPT], check=True, timeout=120)
