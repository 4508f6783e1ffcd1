"""The process's own memory map, which proves that no page is writable and executable."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable
from typing import NamedTuple

from .mapped_ranges import MAPPED_RANGES
from .protection import Protection

__all__ = ["MapEntry", "parse_linux_map", "process_map", "writable_and_executable"]


class MapEntry(NamedTuple):
    """Addresses from `start` to `end` (exclusive) with one protection; `name` is the file's, or empty."""

    start: int
    end: int
    protection: Protection
    name: str

    def __str__(self) -> str:
        return f"{self.start:x}-{self.end:x} {self.protection} {self.name}".rstrip()


def parse_linux_map(lines: Iterable[str]) -> list[MapEntry]:
    """The entries of a `/proc/PID/maps` (proc_pid_maps(5))."""
    letters = {"r": Protection.READ, "w": Protection.WRITE, "x": Protection.EXECUTE}
    entries = []
    for line in lines:
        fields = line.rstrip("\n").split(maxsplit=5)
        start, _, end = fields[0].partition("-")
        protection = Protection.NONE
        for letter in fields[1]:
            protection |= letters.get(letter, Protection.NONE)
        name = fields[5] if len(fields) > 5 else ""
        entries.append(MapEntry(int(start, 16), int(end, 16), protection, name))
    return entries


class RegionInfo(ctypes.Structure):
    """vm_region_basic_info_data_64_t (xnu osfmk/mach/vm_region.h)."""

    _pack_ = 4
    _layout_ = "ms"
    _fields_ = (
        ("protection", ctypes.c_int32),
        ("max_protection", ctypes.c_int32),
        ("inheritance", ctypes.c_uint32),
        ("shared", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("offset", ctypes.c_uint64),
        ("behavior", ctypes.c_int32),
        ("user_wired_count", ctypes.c_uint16),
    )


def _darwin_map() -> list[MapEntry]:
    """The map through mach_vm_region. Written from xnu's headers; not run on hardware."""
    system = ctypes.CDLL(None)
    task = ctypes.c_uint32.in_dll(system, "mach_task_self_")
    region = system.mach_vm_region
    region.argtypes = (
        ctypes.c_uint32,
        ctypes.POINTER(ctypes.c_uint64),
        ctypes.POINTER(ctypes.c_uint64),
        ctypes.c_int,
        ctypes.POINTER(RegionInfo),
        ctypes.POINTER(ctypes.c_uint32),
        ctypes.POINTER(ctypes.c_uint32),
    )
    region.restype = ctypes.c_int
    entries: list[MapEntry] = []
    address, size, info, name = ctypes.c_uint64(), ctypes.c_uint64(), RegionInfo(), ctypes.c_uint32()
    while True:
        count = ctypes.c_uint32(ctypes.sizeof(RegionInfo) // 4)
        # 9 is VM_REGION_BASIC_INFO_64; any result but KERN_SUCCESS means there is no region above `address`.
        if region(
            task,
            ctypes.byref(address),
            ctypes.byref(size),
            9,
            ctypes.byref(info),
            ctypes.byref(count),
            ctypes.byref(name),
        ):
            return entries
        end = address.value + size.value
        entries.append(MapEntry(address.value, end, Protection(info.protection & 7), ""))
        address.value = end


def process_map() -> list[MapEntry]:
    """The mappings of this process now, in order of address."""
    if sys.platform == "darwin":
        return _darwin_map()
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        return parse_linux_map(file)


def writable_and_executable() -> list[MapEntry]:
    """The entries of the process map that are writable and executable; there are never any.

    macOS lists MAP_JIT pages as `rwx`, although no thread can both write and execute them; they are left out.
    """
    found = []
    for entry in process_map():
        if entry.protection.writable_and_executable:
            mapped = MAPPED_RANGES.find(entry.start)
            if mapped is None or not mapped.toggled:
                found.append(entry)
    return found
