"""Relocated images are, byte for byte, what ld.lld links at the same addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from armexec.objects import Image, RelocationType, load_image

from . import helpers
from .sources import ASSEMBLY, CPLUSPLUS, DATA, THREAD_LOCAL_ASSEMBLY

BASE = 0x4000_0000
NEAR = {"puts": BASE + 0x100_0000, "strlen": BASE + 0x100_0010, "far_data": BASE + 0x200_0000}
TINY = {"puts": BASE + 0x8_0000, "strlen": BASE + 0x8_0010, "far_data": BASE + 0x9_0000}
CORPUS = sorted((Path(__file__).parent.parent / "corpus").glob("*.c"))


def check(data: bytes, symbols: dict[str, int], folder: Path) -> Image:
    image = load_image(data, "test.o")
    assert len(image.relocations) > 0
    linked = helpers.link(data, image, BASE, symbols, folder)
    assert helpers.differences(image, BASE, symbols, linked) == []
    return image


@pytest.mark.parametrize(
    ("opt", "flags"),
    [
        ("-O0", ()),
        ("-O2", ()),
        ("-O2", ("-fPIC",)),
        ("-O3", ("-fno-pic", "-fno-pie")),
        ("-O1", ("-fPIE", "-ffunction-sections", "-fdata-sections")),
        ("-O2", ("-mcmodel=large", "-fno-pic", "-fno-pie")),
        ("-O2", ("-mcmodel=tiny", "-fno-pic", "-fno-pie")),
        ("-O2", ("-mcmodel=tiny", "-fPIC")),
        ("-O2", ("-fcommon",)),
        ("-O2", ("-mbranch-protection=standard",)),
    ],
)
def test_clang_c(opt: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    symbols = TINY if "-mcmodel=tiny" in flags else NEAR
    check(helpers.compiled(DATA, *flags, opt=opt), symbols, tmp_path)


@pytest.mark.parametrize("opt", ["-O0", "-O2"])
def test_clang_cplusplus(opt: str, tmp_path: Path) -> None:
    data = helpers.compiled(CPLUSPLUS, "-fno-exceptions", language="c++", opt=opt)
    names = load_image(data).undefined()
    symbols = {name: BASE + 0x10_0000 + 16 * i for i, name in enumerate(names)}
    symbols["__dso_handle"] = BASE
    check(data, symbols, tmp_path)


@pytest.mark.parametrize(
    "flags",
    [
        ("-O0",),
        ("-O2", "-fno-pic", "-fno-pie"),
        ("-O2", "-fPIC"),
        ("-O2", "-fpic"),
        ("-O3", "-fPIE"),
        ("-O2", "-mcmodel=large", "-fno-pic", "-fno-pie"),
        ("-O2", "-mcmodel=tiny", "-fno-pic", "-fno-pie"),
    ],
)
def test_gcc_c(flags: tuple[str, ...], tmp_path: Path) -> None:
    symbols = TINY if "-mcmodel=tiny" in flags else NEAR
    check(helpers.gcc_compiled(DATA, *flags), symbols, tmp_path)


@pytest.mark.parametrize("path", CORPUS, ids=lambda p: p.stem)
def test_corpus(path: Path, tmp_path: Path) -> None:
    data = helpers.compiled(path.read_text(), opt="-O3", filename=str(path))
    image = load_image(data)
    symbols = {name: BASE + 0x10_0000 + 16 * i for i, name in enumerate(image.undefined())}
    if image.relocations:
        check(data, symbols, tmp_path)


def test_every_relocation(tmp_path: Path) -> None:
    symbols = {"small": 0x1234, "negative": (1 << 64) - 0x8000}
    image = check(helpers.compiled(ASSEMBLY, language="assembler"), symbols, tmp_path)
    made = {r.type for r in image.relocations}
    image = check(helpers.compiled(THREAD_LOCAL_ASSEMBLY, language="assembler"), {}, tmp_path)
    made |= {r.type for r in image.relocations}
    # What assemblers for ELF make only of other sources, or not at all.
    left = {
        RelocationType.NONE,
        RelocationType.NONE_256,
        RelocationType.GOTREL64,
        RelocationType.GOTREL32,
        RelocationType.LD64_GOTOFF_LO15,
        RelocationType.TLS,
        # ld.lld makes the local-exec model of it.
        RelocationType.TLSIE_ADR_GOTTPREL_PAGE21,
        RelocationType.TLSIE_LD64_GOTTPREL_LO12_NC,
        RelocationType.TLSIE_LD_GOTTPREL_PREL19,
        # ld.lld doesn't know them.
        *(t for t in RelocationType if t.name.endswith("_TPREL_LO12")),
    }
    assert set(RelocationType) - made == left
