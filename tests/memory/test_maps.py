"""The reader of the process map: what it shows is what is there, and a broken rule would be found."""

from __future__ import annotations

import ctypes
import mmap
import sys

import pytest

from armexec.memory import MapEntry, Protection, page_size, process_map, writable_and_executable
from armexec.memory.kernel import parse_entitlements
from armexec.memory.mapped_ranges import MappedRanges
from armexec.memory.maps import RegionInfo, parse_linux_map
from rules import broken

from .hosts import child

READ, WRITE, EXECUTE = Protection.READ, Protection.WRITE, Protection.EXECUTE


def test_lines_of_proc_maps() -> None:
    lines = [
        "55d0c0000000-55d0c0001000 r-xp 00001000 fe:01 131 /usr/bin/a name with  spaces\n",
        "7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]\n",
        "7fff00000000-7fff00001000 ---s 00000000 00:00 0 \n",
        "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n",
    ]
    assert parse_linux_map(lines) == [
        MapEntry(0x55D0C0000000, 0x55D0C0001000, READ | EXECUTE, "/usr/bin/a name with  spaces"),
        MapEntry(0x7FFD00000000, 0x7FFD00021000, READ | WRITE, "[stack]"),
        MapEntry(0x7FFF00000000, 0x7FFF00001000, Protection.NONE, ""),
        MapEntry(0xFFFFFFFFFF600000, 0xFFFFFFFFFF601000, EXECUTE, "[vsyscall]"),
    ]
    assert str(parse_linux_map(lines)[1]) == "7ffd00000000-7ffd00021000 rw- [stack]"


def test_the_map_of_this_process() -> None:
    entries = process_map()
    assert entries == sorted(entries, key=lambda entry: entry.start)
    assert all(entry.start < entry.end for entry in entries)
    data = ctypes.c_int(1)
    code = ctypes.cast(ctypes.pythonapi.Py_GetVersion, ctypes.c_void_p).value
    assert code is not None
    for address, wanted in ((ctypes.addressof(data), READ | WRITE), (code, EXECUTE)):
        [entry] = [entry for entry in entries if entry.start <= address < entry.end]
        assert wanted in entry.protection


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels refuse to make such a page")
@pytest.mark.usefixtures("others_pages")
def test_a_page_that_breaks_the_rule_would_be_found() -> None:
    def work() -> int:
        page = mmap.mmap(-1, page_size(), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        address = ctypes.addressof(ctypes.c_ubyte.from_buffer(page))
        found = writable_and_executable()
        return 0 if any(entry.start <= address < entry.end for entry in found) else 1

    assert broken() == []
    assert child(work) == 0


def test_the_structure_of_mach_vm_region_has_the_size_of_the_header() -> None:
    # VM_REGION_BASIC_INFO_COUNT_64 is 9 words; `offset` stands at 20, unaligned (pragma pack(4)).
    assert ctypes.sizeof(RegionInfo) == 36
    assert RegionInfo.offset.offset == 20
    assert RegionInfo.protection.offset == 0


def test_protections_read_like_proc_maps() -> None:
    texts = [str(Protection(value)) for value in range(8)]
    assert texts == ["---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx"]


def test_entitlements_are_read_from_the_blob_of_the_kernel() -> None:
    plist = (
        b'<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>'
        b"<key>com.apple.security.cs.allow-jit</key><true/>"
        b"<key>com.apple.security.cs.debugger</key><false/></dict></plist>"
    )
    blob = b"\xfa\xde\x71\x71" + (len(plist) + 8).to_bytes(4, "big") + plist + b"\0" * 100
    assert parse_entitlements(blob) == {"com.apple.security.cs.allow-jit"}
    assert parse_entitlements(b"\0" * 64) == frozenset()
    assert parse_entitlements(blob[:40]) == frozenset()


def test_only_pages_with_a_toggled_view_may_be_listed_rwx(monkeypatch: pytest.MonkeyPatch) -> None:
    rwx = READ | WRITE | EXECUTE
    toggled, other = MapEntry(0x1000, 0x2000, rwx, ""), MapEntry(0x2000, 0x3000, rwx, "")
    mapped = MappedRanges()
    mapped.add(0x1000, 0x1000, READ | EXECUTE, toggled=True)
    monkeypatch.setattr("armexec.memory.maps.MAPPED_RANGES", mapped)
    monkeypatch.setattr("armexec.memory.maps.process_map", lambda: [toggled, other])
    assert writable_and_executable() == [other]
