"""The filter of system calls, run by an interpreter of classic BPF (Linux, Documentation/networking/filter.rst)."""

from __future__ import annotations

import struct

import pytest

from armexec.isolation.sandbox.numbers import ALLOWED, AUDIT_ARCHITECTURES, numbers
from armexec.isolation.sandbox.seccomp import program

ALLOW, DENY, KILL = 0x7FFF0000, 0x00050001, 0x80000000
PROCESS = 1234
GENERIC = {"openat": 56, "socket": 198, "clone": 220, "execve": 221, "ptrace": 117, "kill": 129, "clone3": 435}
X86 = {"open": 2, "openat": 257, "socket": 41, "clone": 56, "fork": 57, "execve": 59, "ptrace": 101, "kill": 62}
DENIED = {"x86_64": X86, "aarch64": GENERIC}


def decide(code: bytes, architecture: int, number: int, *arguments: int) -> int:
    """What a filter returns."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *(arguments + (0,) * 6)[:6])
    accumulator = at = 0
    while True:
        operation, if_true, if_false, value = struct.unpack_from("<HBBI", code, 8 * at)
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif operation == 0x54:
            accumulator &= value
        elif operation == 0x15:
            at += if_true if accumulator == value else if_false
        elif operation == 0x06:
            return int(value)
        else:
            raise AssertionError(hex(operation))


@pytest.fixture(params=AUDIT_ARCHITECTURES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_number(machine: str) -> None:
    code, architecture = program(machine, PROCESS), AUDIT_ARCHITECTURES[machine]
    known = numbers(machine)
    allowed = {known[name] for name in ALLOWED if name in known} | {known["mmap"]}
    # All that there are, those of the x32 ABI, and the largest.
    for number in (*range(1024), *range(0x40000000, 0x40000400), 0xFFFFFFFF):
        expected = ALLOW if number in allowed else DENY
        assert decide(code, architecture, number) == expected, number


def test_what_must_not_be_done(machine: str) -> None:
    code, architecture = program(machine, PROCESS), AUDIT_ARCHITECTURES[machine]
    for name, number in DENIED[machine].items():
        assert decide(code, architecture, number) == DENY, name


def test_arguments(machine: str) -> None:
    code, architecture, known = program(machine, PROCESS), AUDIT_ARCHITECTURES[machine], numbers(machine)

    def allows(name: str, *arguments: int) -> bool:
        return decide(code, architecture, known[name], *arguments) == ALLOW

    assert allows("tgkill", PROCESS, 77, 6)
    assert not allows("tgkill", PROCESS + 1, 77, 6)
    assert not allows("tgkill", 1, 1, 9)
    assert allows("prctl", 15)
    assert not allows("prctl", 1)  # PR_SET_PDEATHSIG
    assert not allows("prctl", 22)  # PR_SET_SECCOMP
    assert allows("fcntl", 5, 1030)
    assert not allows("fcntl", 5, 4)  # F_SETFL
    private, shared, anonymous = 2, 1, 0x20
    assert allows("mmap", 0, 4096, 3, private | anonymous)
    assert allows("mmap", 0, 4096, 3, shared)
    assert not allows("mmap", 0, 4096, 3, shared | anonymous)
    assert not allows("mmap", 0, 4096, 3, shared | 2 | anonymous)  # MAP_SHARED_VALIDATE


def test_other_architectures_end_the_process(machine: str) -> None:
    code = program(machine, PROCESS)
    for architecture in (0x40000003, 0x40000028, *AUDIT_ARCHITECTURES.values()):  # i386, arm
        if architecture != AUDIT_ARCHITECTURES[machine]:
            assert decide(code, architecture, 1) == KILL


def test_the_numbers_of_this_machine_are_the_system_s() -> None:
    """Where the system's headers are."""
    import platform
    import re
    from pathlib import Path

    machine = platform.machine()
    places = {
        "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
        "aarch64": "/usr/include/asm-generic/unistd.h",
    }
    for name, place in places.items():
        header = Path(place)
        if (name != machine and name == "x86_64") or not header.exists():
            continue
        defined = dict(re.findall(r"#define __NR3?2?6?4?_?(\w+)\s+(\d+)", header.read_text(encoding="ascii")))
        for call, number in numbers(name).items():
            if call in defined:
                assert int(defined[call]) == number, (name, call)
