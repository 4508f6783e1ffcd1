"""Loads and stores: their text against LLVM's, their syntax, and their meaning on the reference machine."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armexec import Error
from armexec.asm import assemble
from armexec.isa import Decoded, Form, all_instructions, decode
from armexec.isa.operands import Context
from armexec.machines.interpreter.machine import ReferenceMachine
from armexec.machines.traps import Trap, TrapKind
from armexec.memory import AccessError

from ..llvm import reassembled

# Bits 28 and 26-25 of "Loads and Stores" are x1x0 for general registers.
FORMS = [form for described in all_instructions() for form in described.forms if form.value >> 25 & 0b0101 == 0b0100]
CONTEXT = Context(0, lambda address: None)
# Those of later architectures change the names of prefetch operations.
FEATURES = ("+v8.7a",)


def unpredictable(decoded: Decoded) -> bool:
    """CONSTRAINED UNPREDICTABLE register choices, which LLVM doesn't assemble."""
    fields, name = decoded.fields, decoded.form.name
    base, target, second, status = (fields.get(field, -1) for field in ("Rn", "Rt", "Rt2", "Rs"))
    if second == target and name.startswith(("LDP", "LDNP", "LDXP", "LDAXP")):
        return True
    if re.match("STL?X[RP]", name):
        return status in (target, second) or (status == base != 31)
    writes_back = name.endswith(("_immpre", "_immpost", "pair_pre", "pair_post", "64W_ldst_pac"))
    return writes_back and base != 31 and base in (target, second)


def sample(form: Form, count: int, rng: random.Random) -> list[Decoded]:
    """Words of an encoding, every third with fields at their limits."""
    found: list[Decoded] = []
    for attempt in range(40 * count):
        word = rng.getrandbits(32)
        if attempt % 3 == 0:
            for field in form.instruction.pattern.free:
                ones = (1 << field.width) - 1
                value = rng.choice([0, 1, ones >> 1, ones ^ ones >> 1, ones, word >> field.low & ones])
                word = word & ~(ones << field.low) | value << field.low
        decoded = decode(word & ~form.mask | form.value)
        if decoded is not None and decoded.form is form and not unpredictable(decoded):
            found.append(decoded)
            if len(found) == count:
                break
    return found


def check_text(count: int, seed: int, directory: Path) -> None:
    rng = random.Random(seed)
    decoded = [word for form in FORMS for word in sample(form, count, rng)]
    assert len({word.form.name for word in decoded}) == len(FORMS)
    ours = [word.text(CONTEXT) for word in decoded]
    expected = [(text, word.word) for text, word in zip(ours, decoded, strict=True)]
    assert reassembled(ours, directory, FEATURES) == expected
    assert assemble("\n".join(ours)).words == [word.word for word in decoded]


def test_text_is_llvms_and_assembles_back(tmp_path: Path) -> None:
    check_text(6, 1, tmp_path)


@pytest.mark.long
def test_text_is_llvms_and_assembles_back_at_length(tmp_path: Path) -> None:
    for seed in range(5):
        check_text(200, seed, tmp_path)


def test_unpredictable_words_assemble_back() -> None:
    rng = random.Random(2)
    words = []
    for form in FORMS:
        for _ in range(200):
            decoded = decode(rng.getrandbits(32) & ~form.mask | form.value)
            if decoded is not None and unpredictable(decoded):
                words.append(decoded)
    assert len(words) > 100
    assert assemble("\n".join(word.text(CONTEXT) for word in words)).words == [word.word for word in words]


SPELLINGS = """\
prfm #6, [x1]
prfm 3, [x1]
prfm pldslckeep, [x1]
prfm PLDL1KEEP, [x1, #-1]
prfum pldl1keep, [x1]
ldadd w1, wzr, [x2]
ldadda w1, wzr, [x2]
ldrb w0, [x1, x2, lsl #0]
ldrb w0, [x1, w2, uxtw #0]
ldrb w0, [x1, w2, sxtw 0]
ldr x0, [x1, x2, lsl #0]
ldr x0, [x1, x2, sxtx]
ldr x0, [x1, x2, sxtx #3]
ldr w0, [x1, w2, uxtw 2]
strh w0, [x1, wzr, uxtw #1]
strh w0, [x1, xzr]
ldraa x0, [x1]!
ldrab x0, [x1, #-8]
ldr x0, [x1, #-8]
ldr x0, [x1, #7]
strh w0, [x1, #3]
ldrsb x0, [sp, #-1]
ldr x0, [x1, 8]
ldr x0, [x1, #2*4]
ldr x0, [x1], 8
ldr x0, [x1, #0]!
LDR X0, [SP, #-16]!
ldr x0, #8
ldr x0, 8
ldxr x0, [x1, #0]
stlur w0, [x1, #0]
ldapr w0, [x1, 0]
ldp fp, lr, [sp], #16
ldp x0, x1, [x2, #0]
ldp x0, x1, [x2], #0
casp x30, xzr, x0, x1, [x2]
ldr x0, [x1, #32760]
""".splitlines()


def test_spellings(tmp_path: Path) -> None:
    expected = reassembled(SPELLINGS, tmp_path, FEATURES)
    assert assemble("\n".join(SPELLINGS)).words == [word for _, word in expected]
    for text, word in expected:
        decoded = decode(word)
        assert decoded is not None
        assert decoded.text(CONTEXT) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ldr x0, [x1, #32768]", "out of range 0..32760 in steps of 8"),
        ("ldr x0, [x1, x2, lsl #2]", "shift amount 2 must be 0 or 3"),
        ("ldr x0, [x1, x2, uxtx]", "lsl or sxtx"),
        ("ldr x0, [x1, w2]", "', uxtw' or ', sxtw'"),
        ("ldr x0, [w1]", "X0-X30 or SP"),
        ("ldr x0, [xzr]", "X0-X30 or SP"),
        ("ldr x0, 6", "not a multiple of 4"),
        ("ldr x0, [x1, somewhere]", "symbol"),
        ("ldr w0, [x1, :got_lo12:somewhere]", "symbol"),
        ("ldur x0, [x1, #256]", "out of range -256..255"),
        ("ldp x0, x1, [x2, #12]", "multiple of 8"),
        ("ldxr x0, [x1, #8]", "takes none"),
        ("casp x1, x2, x4, x5, [x0]", "even"),
        ("casp x0, x3, x4, x5, [x0]", "agree"),
        ("prfm #32, [x0]", "out of range 0..31"),
    ],
)
def test_errors(text: str, says: str) -> None:
    with pytest.raises(Error, match=re.escape(says)):
        assemble(text)


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
def test_relocations_follow_the_size(bits: int) -> None:
    instruction = {8: "ldrb w0", 16: "strh w0", 32: "ldr w0", 64: "str x0"}[bits]
    code = assemble(f"{instruction}, [x1, :lo12:there+16]\n{instruction}, [x1, there@PAGEOFF]")
    assert [relocation.type for relocation in code.relocations] == [f"R_AARCH64_LDST{bits}_ABS_LO12_NC"] * 2
    assert code.relocations[0].addend == 16


def test_relocations_of_literals_and_the_got() -> None:
    code = assemble("ldr x0, there\nldr x0, [x0, :got_lo12:there]\nldr x0, [x0, there@GOTPAGEOFF]")
    assert [relocation.type for relocation in code.relocations] == [
        "R_AARCH64_LD_PREL_LO19",
        "R_AARCH64_LD64_GOT_LO12_NC",
        "R_AARCH64_LD64_GOT_LO12_NC",
    ]


# -- meaning ---------------------------------------------------------------------------------------------------

BASE = 0x1_0000


class Page:
    """4 KiB at BASE."""

    def __init__(self) -> None:
        self.data = bytearray(4096)

    def _place(self, address: int, size: int, access: str) -> slice:
        if not BASE <= address <= BASE + 4096 - size:
            raise AccessError(address, access)
        return slice(address - BASE, address - BASE + size)

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.data[self._place(address, size, "read")])

    def write(self, address: int, data: bytes) -> None:
        self.data[self._place(address, len(data), "write")] = data


class Run:
    """A machine whose X1 is the middle of a page, with SP at its end."""

    def __init__(self, **registers: int) -> None:
        self.page = Page()
        self.machine = ReferenceMachine(self.page)
        self.machine.registers[1] = BASE + 2048
        self.machine.registers[31] = BASE + 4096
        for name, value in registers.items():
            self.machine.registers[31 if name == "sp" else int(name[1:])] = value

    def __call__(self, text: str) -> Run:
        for word in assemble(text).words:
            decoded = decode(word)
            assert decoded is not None
            decoded.instruction.semantics(self.machine, **decoded.fields)
        return self

    def __getitem__(self, number: int) -> int:
        return self.machine.registers[number]

    def put(self, offset: int, value: int, size: int = 8) -> Run:
        """Store `value` at X1 + offset."""
        self.page.write(BASE + 2048 + offset, value.to_bytes(size, "little"))
        return self

    def get(self, offset: int = 0, size: int = 8) -> int:
        return int.from_bytes(self.page.read(BASE + 2048 + offset, size), "little")


def trap(run: Run, text: str) -> Trap:
    with pytest.raises(Trap) as caught:
        run(text)
    return caught.value


VALUE = 0xFEDC_BA98_F6E5_D4C3


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("ldrb w0", 0xC3),
        ("ldrh w0", 0xD4C3),
        ("ldr w0", 0xF6E5_D4C3),
        ("ldr x0", VALUE),
        ("ldrsb w0", 0xFFFF_FFC3),
        ("ldrsb x0", 0xFFFF_FFFF_FFFF_FFC3),
        ("ldrsh w0", 0xFFFF_D4C3),
        ("ldrsh x0", 0xFFFF_FFFF_FFFF_D4C3),
        ("ldrsw x0", 0xFFFF_FFFF_F6E5_D4C3),
    ],
)
@pytest.mark.parametrize(
    ("address", "setup", "left"),
    [
        ("[x1, #256]", {}, 0),
        ("[x1, #-255]", {"x1": BASE + 2048 + 256 + 255}, 0),
        ("[x1, x2]", {"x2": 256}, 0),
        ("[x1, x2, sxtx]", {"x1": BASE + 2048 + 512, "x2": 2**64 - 256}, 0),
        ("[x1, w2, uxtw]", {"x2": VALUE & ~0xFFFF_FFFF | 256}, 0),
        ("[x1, w2, sxtw]", {"x1": BASE + 2048 + 512, "x2": 2**32 - 256}, 0),
        ("[x1, #128]!", {"x1": BASE + 2048 + 128}, 128),
        ("[x1], #-3", {"x1": BASE + 2048 + 256}, -3),
    ],
)
def test_loads(instruction: str, expected: int, address: str, setup: dict[str, int], left: int) -> None:
    run = Run(x0=VALUE, **setup).put(256, VALUE)
    before = run[1]
    run(f"{instruction}, {address}")
    assert run[0] == expected
    assert run[1] == before + left


@pytest.mark.parametrize(("name", "size"), [("strb w0", 1), ("strh w0", 2), ("str w0", 4), ("str x0", 8)])
@pytest.mark.parametrize("stem", ["", "u", "t", "lu"])
def test_stores_write_their_bytes_alone(name: str, size: int, stem: str) -> None:
    name = name.replace("str", {"": "str", "u": "stur", "t": "sttr", "lu": "stlur"}[stem])
    run = Run(x0=VALUE).put(-16, 2**256 - 1, 32)(f"{name}, [x1, #0]")
    mask = (1 << 8 * size) - 1
    assert run.get(-16, 32) == (2**256 - 1) ^ (mask & ~VALUE) << 128


def test_scaled_index_and_literal() -> None:
    assert Run(x2=3).put(24, VALUE)("ldr x0, [x1, x2, lsl #3]")[0] == VALUE
    run = Run()
    run.page.write(BASE + 8, VALUE.to_bytes(8, "little"))
    run.machine.pc = BASE + 16
    assert run("ldr x0, #-8")[0] == VALUE
    assert run("ldrsw x0, #-8")[0] == 0xFFFF_FFFF_F6E5_D4C3


@pytest.mark.parametrize("text", ["ldp x0, x1, [x1]", "ldp x1, x0, [x1]"])
def test_pairs_are_read_before_a_register_is_written(text: str) -> None:
    run = Run().put(0, 7).put(8, 9)(text)
    assert {run[0], run[1]} == {7, 9}


@pytest.mark.parametrize(
    "text", ["ldp x2, x3, [x1]", "ldp x1, x3, [x1]", "ldp x2, x3, [x1], #16", "ldxp x2, x3, [x1]", "ldr x2, [x1, #8]!"]
)
def test_a_load_that_faults_changes_no_register(text: str) -> None:
    run = Run(x1=BASE + 4096 - 8, x2=2, x3=3)
    if "ldxp" in text:
        run.machine.registers[1] = BASE + 4096
    before = list(run.machine.registers)
    assert trap(run, text).kind is TrapKind.READ
    assert run.machine.registers == before


def test_a_store_that_faults_does_not_write_back() -> None:
    run = Run(x1=BASE + 4096)
    assert trap(run, "str x0, [x1], #-8").kind is TrapKind.WRITE
    assert run[1] == BASE + 4096


def test_write_back_to_a_loaded_or_stored_register() -> None:
    assert Run().put(0, VALUE)("ldr x1, [x1], #8")[1] == BASE + 2048 + 8
    assert Run()("str x1, [x1, #8]!").get(8) == BASE + 2048


def test_the_stack_pointer_must_be_aligned() -> None:
    for text in ("ldr x0, [sp]", "stp x0, x1, [sp, #-16]!", "ldadd x0, x1, [sp]", "ldxr x0, [sp]"):
        assert trap(Run(sp=BASE + 2056), text).kind is TrapKind.ALIGNMENT
    Run(sp=BASE + 2056)("prfm pldl1keep, [sp]")
    assert Run(sp=BASE + 4096)("stp x0, x1, [sp, #-16]!")[31] == BASE + 4080


ATOMICS = ("ldadd", "ldclr", "ldeor", "ldset", "ldsmax", "ldsmin", "ldumax", "ldumin", "swp", "cas")
WIDTHS = (("b", "w", 1), ("h", "w", 2), ("", "w", 4), ("", "x", 8))
"""What is added to a mnemonic, the register, and the bytes that are accessed."""


def ordered() -> Iterator[tuple[str, int, bool, bool]]:
    """Each exclusive, ordered and atomic access: its text, size in bytes, whether it acquires, whether it releases."""
    for suffix, r, size in WIDTHS:
        for name in ("ldar", "ldlar", "ldapr", "ldapur", "ldxr", "ldaxr"):
            yield f"{name}{suffix} {r}0, [x1]", size, name != "ldxr", False
        for name in ("stlr", "stllr", "stlur"):
            yield f"{name}{suffix} {r}0, [x1]", size, False, True
        for name in ("stxr", "stlxr"):
            yield f"{name}{suffix} w0, {r}2, [x1]", size, False, name == "stlxr"
        for name in ATOMICS:
            for order in ("", "a", "l", "al"):
                yield f"{name}{order}{suffix} {r}0, {r}2, [x1]", size, "a" in order, "l" in order
    for r, size in (("w", 8), ("x", 16)):
        for order in ("", "a"):
            yield f"ld{order}xp {r}0, {r}2, [x1]", size, bool(order), False
        for order in ("", "l"):
            yield f"st{order}xp w0, {r}2, {r}3, [x1]", size, False, bool(order)
        for order in ("", "a", "l", "al"):
            yield f"casp{order} {r}2, {r}3, {r}4, {r}5, [x1]", size, "a" in order, "l" in order
    for text, size in (
        ("ldapursb w0", 1),
        ("ldapursb x0", 1),
        ("ldapursh w0", 2),
        ("ldapursh x0", 2),
        ("ldapursw x0", 4),
    ):
        yield f"{text}, [x1]", size, True, False


class Orders:
    """A machine in the place of another, which notes whether accesses are to acquire, and whether to release."""

    def __init__(self, machine: ReferenceMachine) -> None:
        self._machine = machine
        self.acquires = self.releases = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._machine, name)
        if not callable(found) or name in ("X", "XSP"):
            return found

        def noted(*arguments: Any, **named: Any) -> Any:
            self.acquires |= named.get("acquire", False)
            self.releases |= named.get("release", False)
            return found(*arguments, **named)

        return noted


def test_what_acquires_and_what_releases() -> None:
    for text, _, acquires, releases in ordered():
        machine = Orders(Run().machine)
        decoded = decode(assemble(text).words[0])
        assert decoded is not None
        decoded.instruction.semantics(machine, **decoded.fields)  # type: ignore[arg-type]
        assert (machine.acquires, machine.releases) == (acquires, releases), text


@pytest.mark.parametrize(("text", "size"), [(text, size) for text, size, _, _ in ordered()])
def test_ordered_accesses_must_not_cross_16_bytes(text: str, size: int) -> None:
    for offset in range(16):
        run = Run(x1=BASE + 2048 + offset)
        if offset + size <= 16:
            run(text)
        else:
            found = trap(run, text)
            assert (found.kind, found.detail) == (TrapKind.ALIGNMENT, BASE + 2048 + offset)


def test_exclusives() -> None:
    run = Run(x0=5, x2=9).put(0, 0x1122_3344_5566_7788)
    run("ldxr x3, [x1]\nstxr w4, x2, [x1]")
    assert (run[3], run[4], run.get()) == (0x1122_3344_5566_7788, 0, 9)
    assert run("stxr w4, x0, [x1]")[4] == 1
    assert run.get() == 9
    run("ldaxp w5, w6, [x1]\nstlxp w4, w6, w0, [x1]")
    assert (run[4], run[5], run[6], run.get()) == (0, 9, 0, 5 << 32)
    run("ldxp x5, x6, [x1]\nstxp w4, x2, x0, [x1]")
    assert (run[4], run[5], run.get(), run.get(8)) == (0, 5 << 32, 9, 5)


def test_status_in_the_stored_register() -> None:
    run = Run(x0=77)("ldxr x2, [x1]\nstxr w0, x0, [x1]")
    assert (run[0], run.get()) == (0, 77)


MEANING = {
    "add": lambda old, operand, mask: old + operand & mask,
    "clr": lambda old, operand, mask: old & ~operand,
    "eor": lambda old, operand, mask: old ^ operand,
    "set": lambda old, operand, mask: old | operand,
    "smax": lambda old, operand, mask: max(old, operand, key=lambda v: v ^ (mask + 1 >> 1)),
    "smin": lambda old, operand, mask: min(old, operand, key=lambda v: v ^ (mask + 1 >> 1)),
    "umax": lambda old, operand, mask: max(old, operand),
    "umin": lambda old, operand, mask: min(old, operand),
    "swp": lambda old, operand, mask: operand,
}
WORDS = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**63, 2**64 - 1, 0x7F, 0x80, 0x8000, 0x8000_0000])


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(MEANING)),
    st.sampled_from(["", "a", "l", "al"]),
    st.sampled_from([("b", "w", 1), ("h", "w", 2), ("", "w", 4), ("", "x", 8)]),
    WORDS,
    WORDS,
)
def test_atomics(operation: str, order: str, width: tuple[str, str, int], old: int, operand: int) -> None:
    suffix, kind, size = width
    mask = (1 << 8 * size) - 1
    mnemonic = operation if operation == "swp" else f"ld{operation}"
    run = Run(x0=operand).put(0, old)(f"{mnemonic}{order}{suffix} {kind}0, {kind}2, [x1]")
    assert run[2] == old & mask
    assert run.get() == old & ~mask | MEANING[operation](old & mask, operand & mask, mask)
    if operation != "swp" and "a" not in order:
        store = Run(x0=operand).put(0, old)(f"st{operation}{order}{suffix} {kind}0, [x1]")
        assert store.get() == run.get()
        assert store.machine.registers[2] == 0


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([("b", "w", 1), ("h", "w", 2), ("", "w", 4), ("", "x", 8)]), WORDS, WORDS, st.booleans())
def test_compare_and_swap(width: tuple[str, str, int], old: int, new: int, equal: bool) -> None:
    suffix, kind, size = width
    mask = (1 << 8 * size) - 1
    expected = old if equal else old ^ 1
    run = Run(x0=expected, x2=new).put(0, old)(f"casal{suffix} {kind}0, {kind}2, [x1]")
    assert run[0] == old & mask
    assert run.get() == (old & ~mask | new & mask if equal else old)


@pytest.mark.parametrize(("kind", "size"), [("w", 4), ("x", 8)])
def test_compare_and_swap_of_pairs(kind: str, size: int) -> None:
    text = f"casp {kind}2, {kind}3, {kind}4, {kind}5, [x1]"
    run = Run(x2=10, x3=11, x4=12, x5=13).put(0, 10, size).put(size, 11, size)(text)
    assert (run.get(0, size), run.get(size, size), run[2], run[3]) == (12, 13, 10, 11)
    run(text)
    assert (run.get(0, size), run.get(size, size), run[2], run[3]) == (12, 13, 12, 13)


def test_authenticated_loads_take_the_base_as_it_is() -> None:
    assert Run().put(-4096 + 4088, VALUE)("ldraa x0, [x1, #-8]")[0] == VALUE
    run = Run().put(16, VALUE)("ldrab x0, [x1, #16]!")
    assert (run[0], run[1]) == (VALUE, BASE + 2048 + 16)
