"""What instructions do, by vectors from the manual and from arithmetic done by hand."""

from __future__ import annotations

from instructions import DATA, PC, Check, family

MIN32, MAX32, ONES32 = 1 << 31, (1 << 31) - 1, (1 << 32) - 1
MIN64, MAX64, ONES64 = 1 << 63, (1 << 63) - 1, (1 << 64) - 1


@family
def test_add_and_subtract(check: Check) -> None:
    check("add x1, x2, x3", x2=5, x3=7, gives={"x1": 12})
    check("add w1, w2, w3", x2=ONES64, x3=1, gives={"x1": 0})
    check("add x0, x1, x2, lsl #63", x1=1, x2=3, gives={"x0": MIN64 + 1})
    check("add x0, x1, x2, asr #4", x1=0, x2=-256, gives={"x0": -16})
    check("add w0, w1, w2, asr #31", x1=0, x2=MIN32, gives={"x0": ONES32})
    check("sub x0, x1, x2, lsr #60", x1=16, x2=ONES64, gives={"x0": 1})
    check("neg w0, w1", x1=1, gives={"x0": ONES32})
    check("add sp, sp, #32", sp=DATA + 64, gives={"sp": DATA + 96})
    check("sub sp, sp, #1, lsl #12", sp=DATA + 8192, gives={"sp": DATA + 4096})
    check("add wsp, wsp, #16", sp=DATA, gives={"sp": (DATA + 16) & ONES32})
    check("mov sp, x1", x1=DATA, gives={"sp": DATA})
    check("add x0, x1, #4095, lsl #12", x1=1, gives={"x0": 0xFFF001})


@family
def test_extended_registers(check: Check) -> None:
    check("add x0, x1, w2, uxtb", x1=1, x2=0x1234_56FF, gives={"x0": 0x100})
    check("add x0, x1, w2, sxtb #4", x1=0, x2=0x80, gives={"x0": -0x800})
    check("add x0, x1, w2, sxth", x1=0, x2=0xFFFF_8000, gives={"x0": -0x8000})
    check("add x0, x1, w2, uxtw #3", x1=0, x2=-1, gives={"x0": ONES32 << 3})
    check("add x0, x1, w2, sxtw", x1=5, x2=ONES32, gives={"x0": 4})
    check("add x0, sp, x2, sxtx #1", sp=DATA, x2=-8, gives={"x0": DATA - 16})
    check("cmp w1, w2, uxth", x1=0xFFFF, x2=0xABCD_FFFF, gives={"nzcv": "0110"})
    check("sub w0, w1, w2, sxtb #2", x1=0, x2=0xFF, gives={"x0": 4})


@family
def test_flags_of_addition(check: Check) -> None:
    for size, x, small, large, ones in ((32, "w", MIN32, MAX32, ONES32), (64, "x", MIN64, MAX64, ONES64)):
        check(f"adds {x}0, {x}1, {x}2", x1=large, x2=1, gives={"x0": small, "nzcv": "1001"})
        check(f"adds {x}0, {x}1, {x}2", x1=ones, x2=1, gives={"x0": 0, "nzcv": "0110"})
        check(f"adds {x}0, {x}1, {x}2", x1=small, x2=small, gives={"x0": 0, "nzcv": "0111"})
        check(f"adds {x}0, {x}1, {x}2", x1=ones, x2=ones, gives={"x0": ones - 1, "nzcv": "1010"})
        check(f"adds {x}0, {x}1, #0", x1=0, nzcv="1111", gives={"x0": 0, "nzcv": "0100"})
        check(f"cmp {x}1, {x}2", x1=0, x2=0, gives={"nzcv": "0110"})
        check(f"cmp {x}1, {x}2", x1=0, x2=1, gives={"nzcv": "1000"})
        check(f"cmp {x}1, {x}2", x1=small, x2=1, gives={"nzcv": "0011"})
        check(f"cmp {x}1, {x}2", x1=large, x2=ones, gives={"nzcv": "1001"})
        check(f"cmn {x}1, {x}2, lsl #{size - 1}", x1=0, x2=1, gives={"nzcv": "1000"})
        check(f"negs {x}0, {x}1", x1=small, gives={"x0": small, "nzcv": "1001"})
        check(f"negs {x}0, {x}1", x1=0, gives={"x0": 0, "nzcv": "0110"})
        # The upper half is no part of a 32-bit comparison.
    check("cmp w1, w2", x1=7 << 32, x2=0, gives={"nzcv": "0110"})
    check("tst w1, #0x80000000", x1=MIN32, nzcv="0011", gives={"nzcv": "1000"})


@family
def test_carry(check: Check) -> None:
    check("adc x0, x1, x2", x1=ONES64, x2=0, nzcv="0010", gives={"x0": 0})
    check("adc x0, x1, x2", x1=5, x2=6, nzcv="1101", gives={"x0": 11})
    check("adcs x0, x1, x2", x1=ONES64, x2=0, nzcv="0010", gives={"x0": 0, "nzcv": "0110"})
    check("adcs w0, w1, w2", x1=MAX32, x2=0, nzcv="0010", gives={"x0": MIN32, "nzcv": "1001"})
    check("sbc x0, x1, x2", x1=5, x2=3, nzcv="0010", gives={"x0": 2})
    check("sbc x0, x1, x2", x1=5, x2=3, gives={"x0": 1})
    check("sbcs x0, x1, x2", x1=0, x2=0, gives={"x0": ONES64, "nzcv": "1000"})
    check("ngcs w0, w1", x1=0, nzcv="0010", gives={"x0": 0, "nzcv": "0110"})
    # A 128-bit sum.
    check("adds x0, x1, x2; adc x3, x4, x5", x1=ONES64, x2=1, x4=1, x5=2, gives={"x0": 0, "x3": 4, "nzcv": "0110"})


@family
def test_logic(check: Check) -> None:
    check("and x0, x1, x2, ror #4", x1=ONES64, x2=0xF, gives={"x0": 0xF << 60})
    check("bic w0, w1, w2", x1=0xFF, x2=0x0F, gives={"x0": 0xF0})
    check("orn w0, w1, w2", x1=0, x2=0, gives={"x0": ONES32})
    check("eon x0, x1, x2", x1=0, x2=0, gives={"x0": ONES64})
    check("ands x0, x1, x2", x1=MIN64, x2=ONES64, nzcv="0111", gives={"x0": MIN64, "nzcv": "1000"})
    check("bics w0, w1, w2", x1=ONES32, x2=ONES32, nzcv="1011", gives={"x0": 0, "nzcv": "0100"})
    check("mov x0, #0x5555555555555555", gives={"x0": 0x5555_5555_5555_5555})
    check("orr w0, wzr, #0x80000001", gives={"x0": 0x8000_0001})
    check("eor x0, x1, #0x7ffffffffffffffe", x1=ONES64, gives={"x0": MIN64 + 1})
    check("and sp, x1, #0xfffffffffffffff0", x1=DATA + 15, gives={"sp": DATA})
    check("mvn w0, w1, lsl #31", x1=1, gives={"x0": MAX32})


@family
def test_move_wide(check: Check) -> None:
    check("movz x0, #0xabcd, lsl #48", gives={"x0": 0xABCD << 48})
    check("movn w0, #0, lsl #16", gives={"x0": ONES32})
    check("movn x0, #1, lsl #32", gives={"x0": ONES64 ^ 1 << 32})
    check("movk x0, #0x1234, lsl #16", x0=ONES64, gives={"x0": 0xFFFF_FFFF_1234_FFFF})
    check("movk w0, #0x1234", x0=ONES64, gives={"x0": 0xFFFF_1234})


@family
def test_bitfields(check: Check) -> None:
    check("sbfx x0, x1, #4, #8", x1=0xF80, gives={"x0": -8})
    check("ubfx x0, x1, #4, #8", x1=0xF80, gives={"x0": 0xF8})
    check("sbfiz x0, x1, #60, #4", x1=0xFF, gives={"x0": 0xF << 60})
    check("sbfiz w0, w1, #8, #4", x1=0x8, gives={"x0": 0xFFFF_F800})
    check("ubfiz w0, w1, #31, #1", x1=3, gives={"x0": MIN32})
    check("bfi x0, x1, #8, #8", x0=ONES64, x1=0x12, gives={"x0": 0xFFFF_FFFF_FFFF_12FF})
    check("bfxil x0, x1, #56, #8", x0=0xAAAA, x1=0x77 << 56, gives={"x0": 0xAA77})
    check("bfc w0, #0, #31", x0=ONES64, gives={"x0": MIN32})
    check("lsl w0, w1, #31", x1=3, gives={"x0": MIN32})
    check("lsr x0, x1, #63", x1=ONES64, gives={"x0": 1})
    check("asr x0, x1, #63", x1=MIN64, gives={"x0": ONES64})
    check("asr w0, w1, #31", x1=MIN32, gives={"x0": ONES32})
    check("sxtb w0, w1", x1=0x80, gives={"x0": 0xFFFF_FF80})
    check("sxtb x0, w1", x1=0x80, gives={"x0": -0x80})
    check("sxth x0, w1", x1=0x7FFF, gives={"x0": 0x7FFF})
    check("sxtw x0, w1", x1=MIN32, gives={"x0": -MIN32})
    check("uxth w0, w1", x1=ONES64, gives={"x0": 0xFFFF})


@family
def test_extract_and_rotate(check: Check) -> None:
    check("extr x0, x1, x2, #8", x1=0x11, x2=0x2233 << 48, gives={"x0": 0x1122_3300_0000_0000})
    check("extr w0, w1, w2, #31", x1=1, x2=MIN32, gives={"x0": 3})
    check("extr x0, x1, x2, #0", x1=1, x2=2, gives={"x0": 2})
    check("ror w0, w1, #1", x1=1, gives={"x0": MIN32})
    check("ror x0, x1, x2", x1=1, x2=65, gives={"x0": MIN64})
    check("lsl x0, x1, x2", x1=1, x2=64, gives={"x0": 1})
    check("lsl w0, w1, w2", x1=1, x2=63, gives={"x0": MIN32})
    check("lsr w0, w1, w2", x1=ONES64, x2=36, gives={"x0": 0x0FFF_FFFF})
    check("asr x0, x1, x2", x1=MIN64, x2=-1, gives={"x0": ONES64})
    check("asr w0, w1, w2", x1=MIN32, x2=32, gives={"x0": MIN32})


@family
def test_multiply(check: Check) -> None:
    check("mul w0, w1, w2", x1=MIN32, x2=2, gives={"x0": 0})
    check("madd x0, x1, x2, x3", x1=3, x2=4, x3=5, gives={"x0": 17})
    check("msub w0, w1, w2, w3", x1=3, x2=4, x3=5, gives={"x0": ONES32 - 6})
    check("mneg x0, x1, x2", x1=3, x2=4, gives={"x0": -12})
    check("umulh x0, x1, x2", x1=ONES64, x2=ONES64, gives={"x0": ONES64 - 1})
    check("umulh x0, x1, x2", x1=1 << 32, x2=1 << 32, gives={"x0": 1})
    check("smulh x0, x1, x2", x1=ONES64, x2=ONES64, gives={"x0": 0})
    check("smulh x0, x1, x2", x1=MIN64, x2=MIN64, gives={"x0": 1 << 62})
    check("smulh x0, x1, x2", x1=MIN64, x2=1, gives={"x0": ONES64})
    check("smull x0, w1, w2", x1=MIN32, x2=ONES32, gives={"x0": MIN32})
    check("umull x0, w1, w2", x1=ONES64, x2=ONES64, gives={"x0": 0xFFFF_FFFE_0000_0001})
    check("smaddl x0, w1, w2, x3", x1=-2, x2=3, x3=1, gives={"x0": -5})
    check("umsubl x0, w1, w2, x3", x1=ONES32, x2=1, x3=0, gives={"x0": -ONES32})
    check("smnegl x0, w1, w2", x1=-2, x2=3, gives={"x0": 6})


@family
def test_divide(check: Check) -> None:
    check("udiv x0, x1, x2", x1=ONES64, x2=10, gives={"x0": ONES64 // 10})
    check("udiv x0, x1, x2", x1=7, x2=0, gives={"x0": 0})
    check("udiv w0, w1, w2", x1=7, x2=1 << 32, gives={"x0": 0})
    check("sdiv x0, x1, x2", x1=-7, x2=2, gives={"x0": -3})
    check("sdiv x0, x1, x2", x1=7, x2=-2, gives={"x0": -3})
    check("sdiv x0, x1, x2", x1=MIN64, x2=-1, gives={"x0": MIN64})
    check("sdiv w0, w1, w2", x1=MIN32, x2=ONES32, gives={"x0": MIN32})
    check("sdiv x0, x1, x2", x1=-7, x2=0, gives={"x0": 0})
    check("udiv xzr, x1, x2", x1=7, x2=0, gives={})


@family
def test_bits(check: Check) -> None:
    check("rbit x0, x1", x1=1, gives={"x0": MIN64})
    check("rbit w0, w1", x1=0xF, gives={"x0": 0xF000_0000})
    check("rev x0, x1", x1=0x0102_0304_0506_0708, gives={"x0": 0x0807_0605_0403_0201})
    check("rev w0, w1", x1=0x0102_0304_0506_0708, gives={"x0": 0x0807_0605})
    check("rev16 x0, x1", x1=0x0102_0304_0506_0708, gives={"x0": 0x0201_0403_0605_0807})
    check("rev16 w0, w1", x1=0x0506_0708, gives={"x0": 0x0605_0807})
    check("rev32 x0, x1", x1=0x0102_0304_0506_0708, gives={"x0": 0x0403_0201_0807_0605})
    check("clz x0, x1", x1=0, gives={"x0": 64})
    check("clz w0, w1", x1=1 << 32, gives={"x0": 32})
    check("clz x0, x1", x1=1, gives={"x0": 63})
    check("cls x0, x1", x1=0, gives={"x0": 63})
    check("cls x0, x1", x1=ONES64, gives={"x0": 63})
    check("cls w0, w1", x1=MIN32, gives={"x0": 0})
    check("cls w0, w1", x1=0xFFFF_0000, gives={"x0": 15})
    # Unicorn has no FEAT_CSSC.
    check("ctz x0, x1", x1=0, gives={"x0": 64}, unicorn=False)
    check("ctz w0, w1", x1=1 << 32, gives={"x0": 32}, unicorn=False)
    check("ctz x0, x1", x1=0b1000, gives={"x0": 3}, unicorn=False)
    check("cnt x0, x1", x1=ONES64, gives={"x0": 64}, unicorn=False)
    check("cnt w0, w1", x1=0x7_0000_00F0, gives={"x0": 4}, unicorn=False)


@family
def test_absolute_value(check: Check) -> None:
    check("abs x0, x1", x1=-7, gives={"x0": 7}, unicorn=False)
    check("abs x0, x1", x1=MIN64, gives={"x0": MIN64}, unicorn=False)
    check("abs w0, w1", x1=ONES64, gives={"x0": 1}, unicorn=False)
    check("abs w0, w1", x1=MIN32, gives={"x0": MIN32}, unicorn=False)
    check("abs xzr, x1", x1=-7, gives={}, unicorn=False)


@family
def test_minimum_and_maximum(check: Check) -> None:
    check("smax x0, x1, x2", x1=-1, x2=1, gives={"x0": 1}, unicorn=False)
    check("umax x0, x1, x2", x1=-1, x2=1, gives={"x0": ONES64}, unicorn=False)
    check("smin w0, w1, w2", x1=MIN32, x2=5 << 32, gives={"x0": MIN32}, unicorn=False)
    check("umin w0, w1, w2", x1=MIN32, x2=5 << 32 | 3, gives={"x0": 3}, unicorn=False)
    check("smax x0, x1, #-128", x1=-200, gives={"x0": -128}, unicorn=False)
    check("smin w0, w1, #127", x1=200, gives={"x0": 127}, unicorn=False)
    check("smax w0, w1, #-2", x1=-200, gives={"x0": ONES32 - 1}, unicorn=False)
    check("umax x0, x1, #255", x1=254, gives={"x0": 255}, unicorn=False)
    check("umin x0, x1, #255", x1=-1, gives={"x0": 255}, unicorn=False)


@family
def test_crc32(check: Check) -> None:
    """The check values of both polynomials: of the ASCII digits 1 to 9."""
    digits = int.from_bytes(b"12345678", "little")
    for name, crc in (("crc32", 0xCBF4_3926), ("crc32c", 0xE306_9283)):
        whole = f"{name}x w0, w0, x1; {name}b w0, w0, w2; mvn w0, w0"
        check(whole, x0=ONES32, x1=digits, x2=ord("9"), gives={"x0": crc})
        words = f"{name}w w0, w0, w1; lsr x1, x1, #32; {name}h w0, w0, w1; lsr x1, x1, #16; {name}h w0, w0, w1"
        check(
            f"{words}; {name}b w0, w0, w2; mvn w0, w0",
            x0=ONES32,
            x1=digits,
            x2=ord("9"),
            gives={"x0": crc, "x1": digits >> 48},
        )
        check(f"{name}b w0, w1, w2", x1=0, x2=0x100, gives={"x0": 0})


@family
def test_conditional_compare(check: Check) -> None:
    check("ccmp x1, x2, #0, eq", x1=1, x2=1, nzcv="0100", gives={"nzcv": "0110"})
    check("ccmp x1, x2, #9, eq", x1=1, x2=1, nzcv="0000", gives={"nzcv": "1001"})
    check("ccmp w1, #31, #15, ne", x1=30, nzcv="0000", gives={"nzcv": "1000"})
    check("ccmn w1, #1, #0, lt", x1=MAX32, nzcv="1000", gives={"nzcv": "1001"})
    check("ccmn x1, x2, #5, hi", x1=0, x2=0, nzcv="0000", gives={"nzcv": "0101"})
    check("ccmp x1, x2, #3, al", x1=5, x2=5, gives={"nzcv": "0110"})


HOLDS = {
    "eq": lambda n, z, c, v: z,
    "ne": lambda n, z, c, v: not z,
    "hs": lambda n, z, c, v: c,
    "lo": lambda n, z, c, v: not c,
    "mi": lambda n, z, c, v: n,
    "pl": lambda n, z, c, v: not n,
    "vs": lambda n, z, c, v: v,
    "vc": lambda n, z, c, v: not v,
    "hi": lambda n, z, c, v: c and not z,
    "ls": lambda n, z, c, v: not c or z,
    "ge": lambda n, z, c, v: n == v,
    "lt": lambda n, z, c, v: n != v,
    "gt": lambda n, z, c, v: not z and n == v,
    "le": lambda n, z, c, v: z or n != v,
}


@family
def test_conditions(check: Check) -> None:
    """All conditions on all flags."""
    for name, holds in HOLDS.items():
        for flags in range(16):
            nzcv = f"{flags:04b}"
            true = bool(holds(*(bit == "1" for bit in nzcv)))
            check(f"csel x0, x1, x2, {name}", x1=1, x2=2, nzcv=nzcv, gives={"x0": 1 if true else 2})
            check(f"b.{name} .+64", nzcv=nzcv, gives={"pc": PC + 64 if true else PC + 4})


@family
def test_conditional_select(check: Check) -> None:
    check("csel w0, w1, w2, eq", x1=ONES64, x2=0, nzcv="0100", gives={"x0": ONES32})
    check("csinc x0, x1, x2, eq", x1=5, x2=ONES64, gives={"x0": 0})
    check("csinv w0, w1, w2, eq", x1=5, x2=0, gives={"x0": ONES32})
    check("csneg x0, x1, x2, eq", x1=5, x2=1, gives={"x0": ONES64})
    check("cset x0, ne", gives={"x0": 1})
    check("csetm w0, ne", gives={"x0": ONES32})
    check("cinc x0, x1, ne", x1=7, gives={"x0": 8})
    check("cneg w0, w1, eq", x1=7, gives={"x0": 7})
    check("csinc x0, x1, x2, al", x1=5, x2=6, gives={"x0": 5})
    check("csinv x0, x1, x2, nv", x1=5, x2=6, gives={"x0": 5})


@family
def test_flag_manipulation(check: Check) -> None:
    check("rmif x1, #0, #15", x1=0b1010, gives={"nzcv": "1010"})
    check("rmif x1, #63, #12", x1=0b101, nzcv="0011", gives={"nzcv": "1011"})
    check("setf8 w1", x1=0x80, nzcv="0010", gives={"nzcv": "1011"})
    check("setf8 w1", x1=0x100, gives={"nzcv": "0101"})
    check("setf16 w1", x1=0x18000, gives={"nzcv": "1000"})
    check("cfinv", nzcv="1111", gives={"nzcv": "1101"})
    # An unordered comparison (0011) is Z with V in the external format, where C is not set.
    check("axflag", nzcv="0011", gives={"nzcv": "0100"})
    check("axflag", nzcv="1000", gives={"nzcv": "0000"})
    check("xaflag", nzcv="0100", gives={"nzcv": "0011"})
    check("xaflag", nzcv="0110", gives={"nzcv": "0110"})
    check("xaflag", nzcv="0000", gives={"nzcv": "1000"})


@family
def test_addresses(check: Check) -> None:
    check("adr x0, .+5", gives={"x0": PC + 5})
    check("adr x0, .-1048576", gives={"x0": PC - 0x10_0000})
    check(f"adrp x0, {(PC & ~0xFFF) + 0x2000}", gives={"x0": (PC & ~0xFFF) + 0x2000})


@family
def test_branches(check: Check) -> None:
    check("b .-256", gives={"pc": PC - 256})
    check("bl .+128", gives={"pc": PC + 128, "x30": PC + 4})
    check("br x1", x1=PC + 32, gives={"pc": PC + 32})
    check("blr x30", x30=PC + 64, gives={"pc": PC + 64, "x30": PC + 4})
    check("ret", x30=PC + 12, gives={"pc": PC + 12})
    check("ret x5", x5=PC + 16, gives={"pc": PC + 16})
    check("cbz w1, .+16", x1=1 << 32, gives={"pc": PC + 16})
    check("cbz x1, .+16", x1=1 << 32, gives={"pc": PC + 4})
    check("cbnz x1, .-16", x1=1 << 63, gives={"pc": PC - 16})
    check("tbz x1, #63, .+8", x1=MAX64, gives={"pc": PC + 8})
    check("tbnz w1, #31, .+8", x1=MIN32, gives={"pc": PC + 8})
    check("tbnz x1, #32, .+8", x1=ONES32, gives={"pc": PC + 4})


@family
def test_loads(check: Check) -> None:
    at = DATA + 64
    bytes_ = {at: "8081828384858687f0f1f2f3f4f5f6f7"}
    low, high = 0x8786_8584_8382_8180, 0xF7F6_F5F4_F3F2_F1F0
    check("ldr x0, [x1]", x1=at, memory=bytes_, gives={"x0": low})
    check("ldr w0, [x1, #4]", x1=at, memory=bytes_, gives={"x0": 0x8786_8584})
    check("ldrb w0, [x1, #1]", x1=at, memory=bytes_, gives={"x0": 0x81})
    check("ldrsb w0, [x1, #1]", x1=at, memory=bytes_, gives={"x0": 0xFFFF_FF81})
    check("ldrsb x0, [x1, #1]", x1=at, memory=bytes_, gives={"x0": -0x7F})
    check("ldrh w0, [x1], #2", x1=at, memory=bytes_, gives={"x0": 0x8180, "x1": at + 2})
    check("ldrsh x0, [x1, #-2]!", x1=at + 2, memory=bytes_, gives={"x0": 0x8180 - 0x1_0000, "x1": at})
    check("ldrsw x0, [x1, x2, lsl #2]", x1=at, x2=1, memory=bytes_, gives={"x0": 0x8786_8584 - (1 << 32)})
    check("ldr x0, [x1, w2, sxtw #3]", x1=at + 8, x2=ONES32, memory=bytes_, gives={"x0": low})
    check("ldr w0, [x1, w2, uxtw]", x1=at, x2=5 << 32 | 8, memory=bytes_, gives={"x0": 0xF3F2_F1F0})
    check("ldur x0, [x1, #3]", x1=at, memory=bytes_, gives={"x0": (high << 64 | low) >> 24 & ONES64})
    check("ldp x0, x2, [x1]", x1=at, memory=bytes_, gives={"x0": low, "x2": high})
    check("ldp w0, w2, [x1], #-8", x1=at, memory=bytes_, gives={"x0": low & ONES32, "x2": low >> 32, "x1": at - 8})
    check(
        "ldpsw x0, x2, [x1, #-4]!",
        x1=at + 4,
        memory=bytes_,
        gives={"x0": 0x8382_8180 - (1 << 32), "x2": 0x8786_8584 - (1 << 32), "x1": at},
    )
    check("ldp x1, x0, [x1]", x1=at, memory=bytes_, gives={"x1": low, "x0": high})
    check("ldnp x0, x2, [sp, #16]", sp=at - 16, memory=bytes_, gives={"x0": low, "x2": high})
    check("ldr x0, [sp], #16", sp=at, memory=bytes_, gives={"x0": low, "sp": at + 16})
    check("ldar w0, [x1]", x1=at, memory=bytes_, gives={"x0": 0x8382_8180})
    check("ldapurb w0, [x1, #-1]", x1=at + 1, memory=bytes_, gives={"x0": 0x80})
    check("ldraa x0, [x1, #8]!", x1=at - 8, memory=bytes_, gives={"x0": low, "x1": at})
    check(f"ldr x0, .+{DATA + 64 - PC}", memory=bytes_, gives={"x0": low})


@family
def test_stores(check: Check) -> None:
    at = DATA + 128
    value = 0x0123_4567_89AB_CDEF
    check("str x0, [x1]", x0=value, x1=at, gives={"memory": {at: "efcdab8967452301"}})
    check("str w0, [x1, #8]!", x0=value, x1=at - 8, gives={"memory": {at: "efcdab89"}, "x1": at})
    check("strh w0, [x1], #6", x0=value, x1=at, gives={"memory": {at: "efcd"}, "x1": at + 6})
    check("strb w0, [x1, x2]", x0=value, x1=at, x2=-1, gives={"memory": {at - 1: "ef"}})
    check("stp x0, xzr, [x1, #16]", x0=value, x1=at, gives={"memory": {at + 16: "efcdab8967452301" + "00" * 8}})
    check("stp w0, w2, [sp, #-8]!", x0=1, x2=2, sp=at, gives={"memory": {at - 8: "0100000002000000"}, "sp": at - 8})
    check("stlr x0, [x1]", x0=value, x1=at, gives={"memory": {at: "efcdab8967452301"}})
    check("stur w0, [x1, #-3]", x0=value, x1=at, gives={"memory": {at - 3: "efcdab89"}})
    check("dc zva, x1", x1=at + 63, memory={at: "ff" * 80}, gives={"memory": {at: "00" * 64}})


@family
def test_atomics(check: Check) -> None:
    at = DATA + 256
    check("ldadd w0, w2, [x1]", x0=1, x1=at, memory={at: "ffffffff"}, gives={"x2": ONES32, "memory": {at: "00000000"}})
    check("ldclral x0, x2, [x1]", x0=0xF, x1=at, memory={at: "ff" + "00" * 7}, gives={"x2": 0xFF, "memory": {at: "f0"}})
    check("ldeorb w0, w2, [x1]", x0=0x1FF, x1=at, memory={at: "0f55"}, gives={"x2": 0x0F, "memory": {at: "f0"}})
    check("ldseth w0, w2, [x1]", x0=0x8000, x1=at, memory={at: "0100"}, gives={"x2": 1, "memory": {at: "0180"}})
    check(
        "ldsmaxb w0, w2, [x1]", x0=1, x1=at, memory={at: "ff"}, unicorn=False, gives={"x2": 0xFF, "memory": {at: "01"}}
    )
    check("ldsmin x0, x2, [x1]", x0=1, x1=at, memory={at: "ff" * 8}, gives={"x2": ONES64})
    check("ldumax w0, w2, [x1]", x0=1, x1=at, memory={at: "ffffffff"}, gives={"x2": ONES32})
    check("lduminh w0, w2, [x1]", x0=1, x1=at, memory={at: "ffff"}, gives={"x2": 0xFFFF, "memory": {at: "0100"}})
    check("swp x0, x0, [x1]", x0=1, x1=at, memory={at: "02" + "00" * 7}, gives={"x0": 2, "memory": {at: "01"}})
    check("stadd x0, [x1]", x0=5, x1=at, memory={at: "01" + "00" * 7}, gives={"memory": {at: "06"}})
    check("cas x0, x2, [x1]", x0=1, x1=at, x2=9, memory={at: "01" + "00" * 7}, gives={"memory": {at: "09"}})
    check("cas x0, x2, [x1]", x0=1, x1=at, x2=9, memory={at: "02" + "00" * 7}, gives={"x0": 2})
    # Only the byte is compared, and the old one fills the register.
    check("casb w0, w2, [x1]", x0=0xAA01, x1=at, x2=9, memory={at: "01"}, gives={"x0": 1, "memory": {at: "09"}})
    check(
        "casp x0, x1, x2, x3, [x4]",
        x0=1,
        x1=2,
        x2=3,
        x3=4,
        x4=at,
        memory={at: "01" + "00" * 7 + "02" + "00" * 7},
        gives={"memory": {at: "03" + "00" * 7 + "04"}},
    )
    check("casp w0, w1, w2, w3, [x4]", x0=1, x1=2, x4=at, memory={at: "0100000003000000"}, gives={"x0": 1, "x1": 3})


@family
def test_exclusives(check: Check) -> None:
    at = DATA + 512
    word = {at: "07000000"}
    check(
        "ldxr w0, [x1]; stxr w2, w3, [x1]",
        x1=at,
        x3=9,
        memory=word,
        gives={"x0": 7, "x2": 0, "memory": {at: "09000000"}},
    )
    check("stxr w2, w3, [x1]", x1=at, x3=9, memory=word, gives={"x2": 1})
    check("ldxr w0, [x1]; clrex; stxr w2, w3, [x1]", x1=at, memory=word, gives={"x0": 7, "x2": 1})
    check("ldxr w0, [x1]; stxr w2, w3, [x4]", x1=at, x4=at + 4, memory=word, gives={"x0": 7, "x2": 1})
    check(
        "ldxr w0, [x1]; stxr w2, w3, [x1]; stxr w2, w4, [x1]",
        x1=at,
        x3=9,
        memory=word,
        gives={"x0": 7, "x2": 1, "memory": {at: "09000000"}},
    )
    check(
        "ldaxp x0, x2, [x1]; stlxp w3, x2, x0, [x1]",
        x1=at,
        memory={at: "01" + "00" * 7 + "02" + "00" * 7},
        gives={"x0": 1, "x2": 2, "x3": 0, "memory": {at: "02" + "00" * 7 + "01"}},
    )


@family
def test_exceptions(check: Check) -> None:
    check("udf #7", gives={"trap": "UNDEFINED"})
    check("brk #1", gives={"trap": "BREAKPOINT"})
    check("svc #0", gives={"trap": "SUPERVISOR_CALL"})
    check("hvc #0", gives={"trap": "UNDEFINED"})
    check("eret", gives={"trap": "UNDEFINED"})
    check("mrs x0, TTBR0_EL1", gives={"trap": "UNDEFINED"})
    check("msr DAIFSet, #2", gives={"trap": "UNDEFINED"})
    check("dc ivac, x0", gives={"trap": "UNDEFINED"})
    check("ldr x0, [x1]", x1=8, gives={"trap": "READ"})
    check("str x0, [x1]", x1=8, gives={"trap": "WRITE"})
    check("ldr x0, [sp]", sp=DATA + 8, unicorn=False, gives={"trap": "ALIGNMENT"})
    check("ldxr x0, [x1]", x1=DATA + 12, gives={"trap": "ALIGNMENT"})
    check("ldar x0, [x1]", x1=DATA + 12, unicorn=False, gives={"trap": "ALIGNMENT"})
    check("ldaxp x0, x2, [x1]", x1=DATA + 8, gives={"trap": "ALIGNMENT"})
    # FEAT_LSE2: within 16 bytes an ordered access needn't be aligned.
    at = {DATA + 64: "00112233445566778899aabbccddeeff"}
    check("ldar w0, [x1]", x1=DATA + 67, memory=at, gives={"x0": 0x6655_4433})
    check("ldadd w0, w2, [x1]", x0=0, x1=DATA + 67, memory=at, unicorn=False, gives={"x2": 0x6655_4433})


@family
def test_system(check: Check) -> None:
    check("mrs x0, NZCV", nzcv="1010", gives={"x0": 0xA << 28})
    check("msr NZCV, x0", x0=ONES64, gives={"nzcv": "1111"})
    check("msr TPIDR_EL0, x0; mrs x1, TPIDR_EL0", x0=MIN64 + 5, gives={"x1": MIN64 + 5})
    check("msr FPSR, x0; mrs x1, FPSR", x0=0x0800_009F, gives={"x1": 0x0800_009F, "fpsr": 0x0800_009F})
    check("msr FPCR, x0; mrs x1, FPCR", x0=0x07C0_0000, gives={"x1": 0x07C0_0000, "fpcr": 0x07C0_0000})
    for hint in ("nop", "yield", "hint #127", "csdb", "bti c", "isb", "dsb sy", "dmb ish", "clrex", "sb"):
        check(hint, gives={})
    # Pointer authentication with the keys disabled.
    check("pacia x0, x1", gives={})
    check("autdzb x0", gives={})
    check("pacibsp", gives={})
    check("xpaci x0", x0=0x1234_0000_0000_5678, gives={"x0": 0x5678})
    check("xpacd x0", x0=0x0080_8000_0000_5678, gives={"x0": 0xFFFF_8000_0000_5678})
    check("xpaclri", x30=0xFF7F_8000_0000_5678, gives={"x30": 0x8000_0000_5678})
    check("retaa", x30=PC + 16, gives={"pc": PC + 16})
    check("blrab x1, x2", x1=PC + 16, gives={"pc": PC + 16, "x30": PC + 4})
