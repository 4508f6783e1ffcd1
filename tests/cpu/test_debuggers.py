"""What debuggers are told of the registers."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from armexec.cpu.debuggers import dwarf_number, target_description
from armexec.cpu.registers import REGISTERS


def test_dwarf_numbers() -> None:
    # DWARF for the Arm 64-bit Architecture, 4.1.
    assert [dwarf_number(f"x{n}") for n in range(31)] == list(range(31))
    assert dwarf_number("sp") == 31
    assert dwarf_number("pc") == 32
    assert dwarf_number("tpidr_el0") == 36
    assert [dwarf_number(REGISTERS[f"v{n}"]) for n in range(32)] == list(range(64, 96))


@pytest.mark.parametrize("name", ["n", "fpcr", "dit"])
def test_registers_without_dwarf_number(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        dwarf_number(name)


def test_the_target_description_has_gdbs_features_in_gdbs_order() -> None:
    root = ElementTree.fromstring(target_description().split("\n", 2)[2])
    assert root.findtext("architecture") == "aarch64"
    features = {feature.get("name"): feature for feature in root.iter("feature")}
    names = {key: [(r.get("name"), r.get("bitsize")) for r in feature.iter("reg")] for key, feature in features.items()}
    assert names == {
        "org.gnu.gdb.aarch64.core": [*((f"x{n}", "64") for n in range(31)), ("sp", "64"), ("pc", "64"), ("cpsr", "32")],
        "org.gnu.gdb.aarch64.fpu": [*((f"v{n}", "128") for n in range(32)), ("fpsr", "32"), ("fpcr", "32")],
        "org.gnu.gdb.aarch64.tls": [("tpidr", "64")],
    }


def test_the_target_description_names_no_type_that_it_does_not_have() -> None:
    root = ElementTree.fromstring(target_description().split("\n", 2)[2])
    own = {element.get("id") for element in root.iter() if element.get("id")}
    known = {
        "int",
        "data_ptr",
        "code_ptr",
        "ieee_double",
        "ieee_single",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "uint128",
    }
    used = {element.get("type") for element in root.iter() if element.get("type")}
    assert used <= own | known
