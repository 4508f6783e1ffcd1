"""Identification registers: the values, the features behind them, and what user space may not read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from armexec import IllegalInstruction, function
from armexec.asm import assemble
from armexec.isa import all_instructions
from armexec.isa.id_registers import FEATURES, ID_REGISTERS
from engines import AVAILABLE

ENGINES = [name for name in AVAILABLE if name != "native"]
VALUES = {
    "midr_el1": 0x611F_0231,
    "mpidr_el1": 1 << 31,
    "revidr_el1": 0,
    "id_aa64pfr0_el1": 0x0001_0000_0011_0011,
    "id_aa64pfr1_el1": 0x20,
    "id_aa64zfr0_el1": 0,
    "id_aa64isar0_el1": 0x0021_1001_1021_2120,
    "id_aa64isar1_el1": 0x0010_1011_0021_1002,
    "id_aa64isar2_el1": 1 << 52,
    "id_aa64mmfr0_el1": 0xFF00_0000,
    "id_aa64mmfr1_el1": 0,
    "id_aa64mmfr2_el1": 1 << 32,
    "id_aa64dfr0_el1": 6,
    "s3_0_c0_c7_7": 0,
    "ctr_el0": 0x8444_C004,
    "dczid_el0": 4,
    "cntfrq_el0": 1_000_000_000,
    "tpidr_el0": 0,
    "tpidrro_el0": 0,
}


@pytest.mark.parametrize("engine", ENGINES)
def test_values(engine: str) -> None:
    reads = "\n".join(f"mrs x1, {name}\nstr x1, [x0], #8" for name in VALUES)
    f = function(f"{reads}\nmrs x1, cntvct_el0\nstr x1, [x0]\nret", "void(unsigned long *)", engine=engine)
    from array import array

    found = array("Q", [1] * (len(VALUES) + 1))
    f(found)
    assert [(name, hex(value)) for name, value in zip(VALUES, found, strict=False)] == [
        (name, hex(value)) for name, value in VALUES.items()
    ]
    assert found[-1] > 1


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "text",
    ["mrs x0, vbar_el1", "mrs x0, s3_0_c0_c1_0", "mrs x0, cntpct_el0", "mrs x0, actlr_el1", "msr ttbr0_el1, x0"],
)
def test_what_user_space_may_not_access(text: str, engine: str) -> None:
    f = function(f"{text}\nret", "long(long)", engine=engine)
    with pytest.raises(IllegalInstruction, match=r"instruction 0x[0-9a-f]{8} \(privileged\) at .*, in `m(rs|sr) "):
        f(0)


#: Described, and not shown: hints and what Linux hides.
HIDDEN = {
    "FEAT_PAuth": "the keys are off",
    "FEAT_LOR": "hidden",
    **dict.fromkeys(("BTI", "CHK", "CLRBHB", "DGH", "GCS", "RAS", "RPRFM", "SPE", "TRF"), "hints"),
}


def test_features_are_those_described() -> None:
    shown = {feature.name for feature in FEATURES}
    described = {form.feature for instruction in all_instructions() for form in instruction.forms if form.feature}
    hidden = {name if name.startswith("FEAT_") else f"FEAT_{name}" for name in HIDDEN}
    assert described - shown == hidden
    # Of these the instructions are MRS, MSR and SYS, or other instructions' with more freedom.
    assert shown - described == {f"FEAT_{name}" for name in ("LSE2", "SSBS2", "PMULL", "DIT", "DPB", "DPB2")}
    assemble("dc cvap, x0\ndc cvadp, x0\nmsr ssbs, x0\nmrs x0, dit\npmull v0.1q, v1.1d, v2.1d")


@pytest.mark.skipif(
    shutil.which("qemu-aarch64") is None or shutil.which("aarch64-linux-gnu-gcc") is None, reason="no qemu-aarch64"
)
def test_hidden_fields_are_as_qemu_shows_them(tmp_path: Path) -> None:
    """The fields that don't depend on what the processor has; and no feature more than QEMU's processor has."""
    names = ["mpidr_el1", "revidr_el1", "id_aa64pfr0_el1", "id_aa64isar0_el1", "id_aa64isar1_el1", "id_aa64mmfr0_el1"]
    names += ["id_aa64mmfr1_el1", "id_aa64dfr0_el1"]
    lines = [f'  __asm__("mrs %0, {name}" : "=r"(x)); printf("%lx\\n", x);' for name in names]
    source, program = tmp_path / "id.c", tmp_path / "id"
    source.write_text("#include <stdio.h>\nint main(void) {\n  unsigned long x;\n" + "\n".join(lines) + "\n}\n")
    subprocess.run(["aarch64-linux-gnu-gcc", "-static", "-o", program, source], check=True, timeout=60)
    done = subprocess.run(
        ["qemu-aarch64", "-cpu", "max", program], capture_output=True, check=True, timeout=60, text=True
    )
    for name, text in zip(names, done.stdout.split(), strict=True):
        ours, theirs = VALUES[name], int(text, 16)
        for low in range(0, 64, 4):
            assert ours >> low & 15 <= theirs >> low & 15, (name, low)
    assert done.stdout.split()[0::5] == ["80000000", "ff000000"]


def test_all_of_the_space_is_emulated() -> None:
    assert len(ID_REGISTERS) == 3 + 6 * 8
