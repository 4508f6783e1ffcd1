"""What asks for much: large alignments, and variables of gigabytes."""

from __future__ import annotations

import pytest

import armexec
from armexec.errors import HostError, LoadError
from armexec.objects import Image, Section, SectionSymbol
from engines import AVAILABLE

from .helpers import compiled, image_of


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", ["linux", "apple"])
@pytest.mark.parametrize("bits", [12, 14, 15, 16, 21])
def test_data_is_where_its_alignment_asks_for(bits: int, target: str, engine: str) -> None:
    bits = min(bits, 15) if target == "apple" else bits
    source = f"""
        __attribute__((aligned({1 << bits}))) int data = 3;
        __attribute__((aligned({1 << bits}))) int zeros[9];
        __attribute__((aligned({1 << bits}))) const int constant[] = {{4, 5}};
        int *at(int i) {{ return i == 0 ? &data : i == 1 ? zeros : (int *)constant; }}
        int sum(int i) {{ return data++ + zeros[i] + constant[i & 1]; }}
    """
    with armexec.compile(source, "c", target=target, engine=engine) as module:
        assert [module["at"](i) % (1 << bits) for i in range(3)] == [0, 0, 0]
        assert (module.sum(1), module.sum(2)) == (8, 8)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_code_is_where_its_alignment_asks_for(engine: str) -> None:
    text = ".p2align 18\n.global f\nf: adr x0, f\nret\n"
    assert armexec.function(text, "long f(void)", engine=engine)() % (1 << 18) == 0
    with armexec.load(compiled(text, language="assembler"), engine=engine) as module:
        assert module.f.with_signature("long(void)")() % (1 << 18) == 0


def test_large_alignments_of_zeros() -> None:
    for bits in (26, 30):
        sections = [Section(".text", bytes.fromhex("c0035fd6")), Section(".bss", b"", "rw", 1 << bits, 8)]
        with armexec.Module(Image.from_code("large", sections, [SectionSymbol("zeros", 1)])) as module:
            offset = module.image.find("zeros").offset
            assert offset is not None
            assert (module.loaded.base + offset) % (1 << bits) == 0


def test_an_alignment_above_what_memory_has() -> None:
    for bits in (31, 40, 63):
        with pytest.raises(LoadError, match=rf"\.bss has alignment {1 << bits:#x}, and 0x40000000 is the largest"):
            Image.from_code("large", [Section(".bss", b"", "rw", 1 << bits, 8)])


@pytest.mark.parametrize("engine", AVAILABLE)
def test_variables_of_gigabytes_are_mapped_and_not_filled(engine: str) -> None:
    size = 1 << 33
    source = f"char a[{size}ul]; int first(long i) {{ return ++a[i]; }}"
    try:
        module = armexec.compile(source, "c", "-O1", engine=engine)
    except HostError as error:
        assert str(size)[:4] in str(error) and "failed" in str(error)  # noqa: PT017, PT018
        pytest.skip("this host gives no 8 GiB of addresses")
    with module:
        assert [module.first(i) for i in (0, size - 1, size - 1)] == [1, 1, 2]


def test_what_stands_behind_them_may_be_out_of_reach() -> None:
    source = f"char a[{1 << 33}ul]; int z; int g(void) {{ return a[5]; }} int f(void) {{ return ++z; }}"
    with pytest.raises(LoadError, match=r"of z.* pages away.*; compile with -mcmodel=large"):
        armexec.compile(source, "c")
    with armexec.compile(source, "c", flags="-fdata-sections") as module:
        assert (module.f(), module.f(), module.g()) == (1, 2, 0)


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_more_than_any_memory(target: str) -> None:
    size = 1 << 44
    with pytest.raises(LoadError, match=rf"(bss|common).* takes {size} bytes, and all of it may have 1024 GiB"):
        image_of(f"char a[{size}ul]; char *f(void) {{ return a; }}", target=target)
