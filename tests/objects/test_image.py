"""Images: names, symbols, placing, veneers, initializers, and code that armexec makes itself."""

from __future__ import annotations

from itertools import pairwise

import pytest
from unicorn import UC_ARCH_ARM64, UC_MODE_ARM, Uc
from unicorn.arm64_const import UC_ARM64_REG_CPACR_EL1, UC_ARM64_REG_LR, UC_ARM64_REG_SP, UC_ARM64_REG_X0

from armexec.errors import LoadError
from armexec.objects import (
    PAGE,
    Image,
    Reference,
    RelocationType,
    Section,
    SectionSymbol,
    load_image,
)

from .helpers import compiled, gcc_compiled, image_of
from .sources import CPLUSPLUS, DATA

BASE = 0x4000_0000
FAR = 0x7000_0000_0000
STOP = 0x1000_0000


def resolve_far(name: str) -> int | None:
    return {"puts": FAR, "strlen": FAR + 0x100, "far_data": FAR + 0x1000}.get(name)


class Machine:
    """Unicorn with an image placed in it; far away, `puts` returns, `strlen` counts, and data is all ones."""

    def __init__(self, image: Image, base: int = BASE) -> None:
        self.uc = Uc(UC_ARCH_ARM64, UC_MODE_ARM)
        self.uc.reg_write(UC_ARM64_REG_CPACR_EL1, 3 << 20)
        self.image, self.base = image, base
        self.uc.mem_map(base, image.size)
        self.uc.mem_map(FAR, 0x10000)
        self.uc.mem_map(STOP, 0x10000)
        for offset, data in image.place(base, resolve_far):
            self.uc.mem_write(base + offset, data)
        self.uc.mem_write(FAR, bytes.fromhex("c0035fd6"))  # ret
        # mov x1, x0; ldrb w2, [x0], #1; cbnz w2, .-4; sub x0, x0, x1; sub x0, x0, #1; ret
        self.uc.mem_write(FAR + 0x100, bytes.fromhex("e10300aa 02144038 e2ffff35 000001cb 000400d1 c0035fd6"))
        self.uc.mem_write(FAR + 0x1000, b"\1\0\0\0" * 16)
        for offset in image.initializers:
            self.run(offset)

    def run(self, offset: int, *arguments: int) -> int:
        self.uc.reg_write(UC_ARM64_REG_SP, STOP + 0x8000)
        self.uc.reg_write(UC_ARM64_REG_LR, STOP)
        for i, value in enumerate(arguments):
            self.uc.reg_write(UC_ARM64_REG_X0 + i, value & (1 << 64) - 1)
        self.uc.emu_start(self.base + offset, STOP, count=100_000)
        return int(self.uc.reg_read(UC_ARM64_REG_X0))

    def call(self, name: str, *arguments: int) -> int:
        offset = self.image.find(name).offset
        assert offset is not None
        value = self.run(offset, *arguments) & 0xFFFFFFFF
        return value - (1 << 32) if value >> 31 else value


def behaves(machine: Machine) -> None:
    """What the C source DATA does, whoever compiled it."""
    call = machine.call
    assert call("fn", 3) == 3
    assert call("call_static", 10) == (5 + 10) * 3 + (5 + 10 + 11) * 3
    assert call("call_pointer", 0, 8) == 8
    assert call("call_pointer", 1, 1) == 27 * 3
    assert call("through") == 3
    assert [call("from_zeroed", 999) for _ in range(2)] == [7, 14]
    assert [call("length", i) for i in range(4)] == [4, 3, 3, 5]
    assert bytes(call("byte_of", i) for i in range(8)) == b"aligned\0"
    assert [call("scaled", i) for i in range(3)] == [5, 15, 25]
    assert [call("select", k, 6) for k in (0, 1, 2, 3, 4, 6, 7, 8)] == [23, 18, 0x53, -3, 48, -6, 6, 99]
    assert call("weak_call", 5) == -5
    assert call("weak_data") == 0
    assert call("external", 2) == 1
    call("widths", 9)
    assert call("sum_widths") == 36
    text = machine.run(machine.image.find("label").offset or 0, 3)
    assert bytes(machine.uc.mem_read(text, 5)) == b"west\0"


@pytest.mark.parametrize("target", ["linux", "bare", "apple"])
@pytest.mark.parametrize("opt", ["-O0", "-O1", "-O2", "-O3"])
def test_clang_objects_run(target: str, opt: str) -> None:
    image = load_image(compiled(DATA, "-fPIC", opt=opt, target=target))
    assert image.format == ("macho" if target == "apple" else "elf")
    behaves(Machine(image))


@pytest.mark.parametrize("opt", ["-O0", "-O2"])
def test_gcc_objects_run(opt: str) -> None:
    behaves(Machine(load_image(gcc_compiled(DATA, opt, "-fPIC"))))


def test_common_symbols_have_room_of_their_own() -> None:
    image = image_of("int a[3]; long b; char c; _Alignas(64) int d; int *e(void) { return &d; }", "-fcommon")
    places = sorted((s.offset or 0, s.size) for s in image.symbols if s.kind == "object")
    assert len(places) == 4
    assert all(at + size <= following for (at, size), (following, _) in pairwise(places))
    assert (image.find("d").offset or 0) % 64 == 0
    assert image.segments[-1].data == b""


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_static_constructors_are_initializers(target: str) -> None:
    source = "int order[4], n; struct S { int v; S(int x) : v(x) { order[n++] = x; } }; "
    source += 'S a(7), b(8); extern "C" int at(int i) { return order[i] * 10 + (i ? b.v : a.v); }'
    machine = Machine(image_of(source, language="c++", opt="-O0", target=target))
    assert machine.image.initializers
    assert (machine.call("at", 0), machine.call("at", 1)) == (77, 88)


def test_initializers_in_order_of_priority() -> None:
    source = "int record; " + "".join(
        f"__attribute__((constructor{p})) void c{i}(void) {{ record = record * 10 + {i}; }}"
        for i, p in [(3, ""), (2, "(2000)"), (1, "(101)")]
    )
    image = image_of(source, opt="-O0")  # GlobalOpt would run them at compile time
    assert image.initializers == [image.find(f"c{i}").offset for i in (1, 2, 3)]


def test_segments_are_pages_of_one_protection() -> None:
    image = image_of(DATA)
    code, constant, data = image.segments
    assert (code.executable, code.writable) == (True, False)
    assert (constant.executable, constant.writable) == (False, False)
    assert (data.executable, data.writable) == (False, True)
    assert data.size > len(data.data)
    for before, after in pairwise(image.segments):
        assert after.offset % PAGE == 0
        assert before.offset + before.size <= after.offset
    pointers = image.find("names").offset or 0
    assert constant.offset <= pointers < constant.offset + constant.size  # .data.rel.ro


def test_one_function_is_one_page() -> None:
    image = image_of("int fn(int num) { return num; }", language="c++", opt="-O0")
    assert image.size == PAGE
    [(offset, code)] = image.place(0, lambda name: None)
    assert offset == 0
    assert code.hex(" ", 4) == "ff4300d1 e00f00b9 e00f40b9 ff430091 c0035fd6"


def test_names_of_the_source() -> None:
    for target in ("linux", "apple"):
        image = image_of(CPLUSPLUS, language="c++", opt="-O0", target=target)
        fn = image.find("fn(int)")
        assert image.linkage_name(fn) == "_Z2fni"
        assert image.find("_Z2fni") is fn
        assert image.find(" fn( int )") is fn
        assert image.find("geometry::area") is image.find("area")
        full = "geometry::area(Point, const Point &, bool, signed char, unsigned char, void *, int (*)(int))"
        full = full.replace("Point", "geometry::Point")
        assert image.find(full) is image.find("area")
        assert image.find("Counter::next(int) const") is image.find("next")
        assert "C1E" in image.find("Counter::Counter(int)").name
        assert image.find("twice<long>(long)") is not image.find("twice<int>(int)")
        assert image.find("hidden").binding == "local"
        with pytest.raises(LoadError, match=r"'fn' may be any of: fn\(double\), fn\(int\)"):
            image.find("fn")
        with pytest.raises(LoadError, match=r"no symbol 'fm\(int\)'; did you mean fn\(int\)"):
            image.find("fm(int)")
        with pytest.raises(LoadError, match=r"no symbol 'fn\(long, char\)'; did you mean"):
            image.find("fn(long, char)")
        with pytest.raises(LoadError, match="no symbol ''"):
            image.find("")


def test_functions_are_in_order_and_sized() -> None:
    for target in ("linux", "apple"):
        image = image_of(DATA, target=target)
        offsets = [f.offset for f in image.functions]
        assert offsets == sorted(offsets)
        for f in image.functions:
            assert f.size % 4 == 0
            assert f.size >= 4
            assert image.symbol_at(f.offset + 1) == (image.find(f.name), 1)
        assert {"fn", "helper", "select"} <= {f.source_name for f in image.functions}
    assert image.symbol_at(-1) is None
    assert image.symbol_at(image.size) is None


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_unwind_tables_need_no_symbols(target: str) -> None:
    source = "struct G { ~G(); }; void work(); int f() { G g; work(); return 3; }"
    image = image_of(source, "-fexceptions", language="c++", target=target)
    assert sorted(image.undefined()) == ["_Unwind_Resume", "_Z4workv", "_ZN1GD1Ev"]
    image.place(BASE, lambda name: FAR if name in image.undefined() else None)


def test_parts_of_a_function_are_not_its_namesakes() -> None:
    image = Image.from_code(
        "parts",
        [Section(".text", bytes.fromhex("c0035fd6") * 3)],
        [SectionSymbol(n, 0, 4 * i, 4, "function") for i, n in enumerate(("_Z2fni.cold", "_Z2fni", "_Z2fni.isra.0"))],
    )
    assert image.find("fn").offset == image.find("fn(int)").offset == 4
    assert image.find("_Z2fni.cold").offset == 0


def test_undefined_symbols() -> None:
    for target in ("linux", "apple"):
        image = image_of(DATA, "-fno-builtin", target=target)
        assert sorted(image.undefined()) == ["far_data", "puts"]
        assert set(image.missing.names.values()) == {"puts" if target == "linux" else "_puts"}
        image.place(BASE, lambda name: None)


def test_far_calls_go_through_veneers_and_near_ones_do_not() -> None:
    image = image_of("void out(void); void f(void) { out(); out(); }", "-fno-builtin")
    code = image.place(BASE, {"out": BASE + 0x1000}.get)[0][1]
    veneer = bytes.fromhex("50000058 00021fd6")
    assert veneer not in code
    code = image.place(BASE, {"out": FAR}.get)[0][1]
    assert code.count(veneer + FAR.to_bytes(8, "little")) == 1


def test_far_data_without_got_says_what_to_do() -> None:
    image = image_of("extern int v; int f(void) { return v; }", "-fno-pic", "-fno-pie", filename="v.c")
    with pytest.raises(LoadError, match=r"ADR_PREL_PG_HI21 of v, referred to by f \(v.c:1:\d+\).*-fPIC"):
        image.place(BASE, {"v": FAR}.get)


def test_weak_references_without_got() -> None:
    text = ".weak w\n.globl f\n.type f, %function\nf: adrp x0, w\nadd x0, x0, :lo12:w\nbl w\nret\n"
    machine = Machine(image_of(text.replace("bl w", "mov x9, x30\nbl w\nmov x30, x9"), language="assembler"))
    assert machine.call("f") == 0


def test_place_is_repeatable_and_checks_the_base() -> None:
    image = image_of(DATA)
    assert image.place(BASE, resolve_far) == image.place(BASE, resolve_far)
    assert image.place(BASE, resolve_far) != image.place(BASE + PAGE, resolve_far)
    with pytest.raises(LoadError, match="not a multiple"):
        image.place(BASE + 8, resolve_far)
    with pytest.raises(LoadError, match="not an address"):
        image.place(BASE, lambda name: -1)


def test_from_code() -> None:
    ret = bytes.fromhex("c0035fd6")
    image = Image.from_code(
        "made",
        [
            Section(".text", bytes.fromhex("00000090 00000091") + ret),
            Section(".data", b"\0" * 8, "rw", 16),
            Section(".bss", b"", "rw", 8, 100),
        ],
        [SectionSymbol("f", 0, 0, 12, "function"), SectionSymbol("v", 1, 4, 4, "object")],
        [
            Reference(0, 0, RelocationType.ADR_PREL_PG_HI21, 1),
            Reference(0, 4, RelocationType.ADD_ABS_LO12_NC, 1),
            Reference(1, 0, RelocationType.ABS64, 0, 8),
        ],
    )
    assert image.format == "words"
    assert [f.source_name for f in image.functions] == ["f"]
    assert image.functions[0].prototype is None
    assert image.line_of(0) is None
    machine = Machine(image)
    assert machine.run(0) == BASE + (image.find("v").offset or 0)
    assert image.place(BASE, resolve_far)[1][1] == (BASE + 8).to_bytes(8, "little")
    assert image.segments[1].size == 8 + 100
    assert Image.from_code("bare", [Section("w", ret)]).functions == []


@pytest.mark.parametrize(
    ("sections", "symbols", "relocations", "message"),
    [
        ([], [], [], "no code and no data"),
        ([Section("s", b"1234", "rwx")], [], [], "writable and executable"),
        ([Section("s", b"1234", "rx", 3)], [], [], "alignment 3"),
        ([Section("s", b"", "rw", 4, 1 << 60)], [], [], "takes"),
        ([Section("s", b"", "rw", 4, 1 << 39)] * 3, [], [], "section s takes .* have 1024 GiB"),
        ([Section("s", b"1234", "r", 1 << 24)] * 10, [], [], "64 MiB of padding"),
        ([Section("s", b"1234")], [SectionSymbol("x", 0, 5)], [], "outside section s"),
        ([Section("s", b"1234")], [SectionSymbol("x", 1)], [], "isn't there"),
        ([Section("s", b"1234")], [SectionSymbol("x", 0)], [Reference(0, 2, 283, 0)], "outside section"),
        ([Section("s", b"1234")], [SectionSymbol("x", 0)], [Reference(0, 0, 283, 1)], "isn't there"),
        ([Section("s", b"1234")], [SectionSymbol("x", 0)], [Reference(0, 0, 9999, 0)], "not supported"),
        ([Section("s", b"1234")], [SectionSymbol("x", 0)], [Reference(1, 0, 283, 0)], "isn't there"),
    ],
)
def test_from_code_refuses(
    sections: list[Section], symbols: list[SectionSymbol], relocations: list[Reference], message: str
) -> None:
    with pytest.raises(LoadError, match=message):
        Image.from_code("bad", sections, symbols, relocations)
