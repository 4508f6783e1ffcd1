"""System calls one by one, on memory of the test."""

from __future__ import annotations

import io
import os
import random
import struct
from pathlib import Path

import pytest

from armexec.errors import Error, HostError, LoadError
from armexec.memory import stack_size
from armexec.program import Denied, ProgramExit, SystemCalls

DATA = 0x10000
READ, WRITE, WRITEV, OPENAT, CLOSE, LSEEK, FSTAT, FSTATAT, MMAP, MREMAP = 63, 64, 66, 56, 57, 62, 80, 79, 222, 216
MASK = (1 << 64) - 1
AT_FDCWD = (1 << 64) - 100


class Memory:
    """Pages by their addresses."""

    def __init__(self) -> None:
        self.pages: dict[int, bytearray] = {}
        self.protections: dict[int, str] = {}
        self.map(DATA, 0x4000, "rw")

    def _at(self, address: int) -> tuple[bytearray, int]:
        page = address // 4096
        if page not in self.pages:
            raise HostError(f"nothing at {address:#x}")
        return self.pages[page], address % 4096

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._at(a)[0][a % 4096] for a in range(address, address + size))

    def write(self, address: int, data: bytes) -> None:
        for i, byte in enumerate(data):
            page, at = self._at(address + i)
            page[at] = byte

    def map(self, address: int | None, size: int, protection: str) -> int:
        address = address if address is not None else (max(self.pages) + 2) * 4096
        self._check(address, size)
        for page in range(address // 4096, (address + size) // 4096):
            self.pages[page] = bytearray(4096)
            self.protections[page] = protection
        return address

    def _check(self, address: int, size: int) -> None:
        if address + size > 1 << 47 or size > 1 << 27:
            raise HostError("no memory there")

    def unmap(self, address: int, size: int) -> None:
        self._check(address, size)
        for page in range(address // 4096, (address + size) // 4096):
            self.pages.pop(page, None)

    def protect(self, address: int, size: int, protection: str) -> None:
        self._check(address, size)
        for page in range(address // 4096, (address + size) // 4096):
            self.protections[page] = protection


class Guest:
    def __init__(self, **options: object) -> None:
        self.memory = Memory()
        self.output, self.error = io.BytesIO(), io.BytesIO()
        self.system = SystemCalls(self.memory, **{"output": self.output, "error": self.error, **options})  # type: ignore[arg-type]

    def call(self, number: int, *arguments: int) -> int:
        value = self.system.call(number, [*arguments, *[0] * (6 - len(arguments))])
        return value - (1 << 64) if value >> 63 else value

    def path(self, text: str, at: int = DATA) -> int:
        self.memory.write(at, os.fsencode(text) + b"\0")
        return at

    def open(self, text: str, flags: int = 0) -> int:
        return self.call(OPENAT, AT_FDCWD, self.path(text), flags, 0o666)


def test_standard_streams() -> None:
    guest = Guest(input=b"abcdef")
    guest.memory.write(DATA, b"one two")
    assert guest.call(WRITE, 1, DATA, 3) == 3
    guest.memory.write(DATA + 0x100, struct.pack("<QQQQQQ", DATA + 4, 3, 0, 0, DATA, 1))
    assert guest.call(WRITEV, 2, DATA + 0x100, 3) == 4
    assert (guest.output.getvalue(), guest.error.getvalue()) == (b"one", b"twoo")
    assert [guest.call(READ, 0, DATA, 4), guest.call(READ, 0, DATA + 4, 4), guest.call(READ, 0, DATA, 4)] == [4, 2, 0]
    assert guest.memory.read(DATA, 6) == b"abcdef"
    assert guest.call(WRITE, 0, DATA, 1) == -9
    assert guest.call(READ, 1, DATA, 1) == -9
    assert guest.call(READ, 7, DATA, 1) == -9
    assert guest.call(WRITE, 1, 0x999000, 1) == -14
    assert guest.call(LSEEK, 1, 0, 0) == -29
    assert guest.call(29, 1, 0x5413, DATA) == -25
    assert guest.call(FSTAT, 1, DATA) == 0
    assert struct.unpack_from("<I", guest.memory.read(DATA + 16, 4))[0] == 0o010600
    assert guest.call(CLOSE, 1) == 0
    assert guest.call(WRITE, 1, DATA, 1) == -9


def test_pythons_own_streams(capsys: pytest.CaptureFixture[str]) -> None:
    guest = Guest(output=None, error=None)
    guest.memory.write(DATA, "ä\n".encode())
    print("before")
    assert guest.call(WRITE, 1, DATA, 3) == 3
    print("after")
    assert guest.call(WRITE, 2, DATA, 3) == 3
    assert capsys.readouterr() == ("before\nä\nafter\n", "ä\n")


def test_streams_without_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of notebooks take text only; a character may come in parts."""
    text = io.StringIO()
    monkeypatch.setattr("sys.stdout", text)
    guest = Guest(output=None)
    guest.memory.write(DATA, "ä\n".encode())
    for i in range(3):
        assert guest.call(WRITE, 1, DATA + i, 1) == 1
    assert text.getvalue() == "ä\n"


def test_memory() -> None:
    guest = Guest()
    at = guest.call(MMAP, 0, 5000, 3, 0x22, -1 & (1 << 64) - 1, 0)
    assert at % 4096 == 0
    assert guest.memory.protections[at // 4096] == guest.memory.protections[at // 4096 + 1] == "rw"
    guest.memory.write(at, b"kept")
    moved = guest.call(MREMAP, at, 8192, 20000, 1)
    assert guest.memory.read(moved, 4) == b"kept"
    assert at // 4096 not in guest.memory.pages
    assert guest.call(MREMAP, moved, 20000, 4096, 0) == moved
    assert guest.call(226, moved, 4096, 5) == 0
    assert guest.memory.protections[moved // 4096] == "rx"
    assert guest.call(226, moved, 4096, 7) == 0
    assert guest.memory.protections[moved // 4096] == "rwx"
    both = guest.call(MMAP, 0, 4096, 7, 0x22, 0, 0)
    assert guest.memory.protections[both // 4096] == "rwx"
    assert guest.call(MMAP, 0, 0, 3, 0x22, 0, 0) == -22
    assert guest.call(MMAP, 0, 1 << 50, 3, 0x22, 0, 0) == -22
    assert guest.call(215, moved, 4096) == 0
    assert guest.call(226, 0x1001, 4096, 1) == -22


def test_the_heaps_end() -> None:
    guest = Guest()
    begin = guest.call(214, 0)
    assert guest.call(214, begin + 10000) == begin + 10000
    assert [guest.memory.protections[begin // 4096 + i] for i in (0, 2, 3)] == ["rw", "rw", ""]
    assert guest.call(214, begin + (1 << 40)) == begin + 10000
    assert guest.call(214, begin) == begin


def test_time_randomness_and_ids() -> None:
    guest = Guest()
    assert guest.call(113, 0, DATA) == 0
    seconds, nanoseconds = struct.unpack("<qq", guest.memory.read(DATA, 16))
    assert seconds > 1_600_000_000
    assert 0 <= nanoseconds < 10**9
    assert guest.call(113, 99, DATA) == -22
    assert guest.call(169, DATA, 0) == 0
    guest.memory.write(DATA, struct.pack("<qq", 0, 1000))
    assert guest.call(101, DATA, 0) == 0
    guest.memory.write(DATA, struct.pack("<qq", 0, -1))
    assert guest.call(101, DATA, 0) == -22
    assert guest.call(278, DATA, 16, 0) == 16
    assert guest.memory.read(DATA, 16) != bytes(16)
    assert {guest.call(number) for number in range(172, 179)} == {1000}
    assert guest.call(160, DATA) == 0
    assert guest.memory.read(DATA, 6) == b"Linux\0"
    assert guest.memory.read(DATA + 4 * 65, 8) == b"aarch64\0"


def test_one_thread() -> None:
    guest = Guest()
    guest.memory.write(DATA, b"\5\0\0\0")
    assert guest.call(98, DATA, 1 | 128, 1) == 0  # wake
    assert guest.call(98, DATA, 0 | 128, 4) == -11  # has another value
    guest.memory.write(DATA + 16, struct.pack("<qq", 0, 1000))
    assert guest.call(98, DATA, 0, 5, DATA + 16) == -110
    with pytest.raises(Denied, match="it would wait for ever"):
        guest.call(98, DATA, 0, 5)


def test_limits_can_be_asked_for_and_not_changed() -> None:
    guest = Guest()
    for resource, expected in ((3, stack_size()), (7, MASK)):
        assert guest.call(261, 0, resource, 0, DATA) == 0
        assert struct.unpack("<QQ", guest.memory.read(DATA, 16)) == (expected, expected)
    assert guest.call(261, 0, 3, DATA, 0) == -1  # EPERM
    assert guest.call(261, 0, 16, 0, DATA) == -22
    assert guest.call(261, 1, 3, 0, DATA) == -3


def test_some_devices_are_always_there() -> None:
    guest = Guest()
    null = guest.open("/dev/null", 1)
    assert guest.call(WRITE, null, DATA, 100) == 100
    assert guest.call(READ, guest.open("/dev/null"), DATA, 100) == 0
    for name in ("/dev/urandom", "/dev/random"):
        source = guest.open(name)
        assert guest.call(READ, source, DATA + 256, 32) == 32
        first = guest.memory.read(DATA + 256, 32)
        assert guest.call(READ, source, DATA + 256, 32) == 32
        assert guest.memory.read(DATA + 256, 32) != first
        assert guest.call(CLOSE, source) == 0
    with pytest.raises(Denied, match="/dev/mem"):
        guest.open("/dev/mem")


def test_the_end_of_a_program() -> None:
    guest = Guest()
    for arguments, status, signal in [((93, 3), 3, 0), ((94, 257), 1, 0), ((130, 1000, 6), 134, 6)]:
        with pytest.raises(ProgramExit) as end:
            guest.call(*arguments)
        assert (end.value.status, end.value.signal) == (status, signal)
    with pytest.raises(Denied, match="sends signal 9 to process 1"):
        guest.call(129, 1, 9)


@pytest.mark.parametrize(("number", "name"), [(435, "clone3"), (221, "execve"), (203, "connect"), (9999, "unknown")])
def test_other_calls_are_denied(number: int, name: str) -> None:
    with pytest.raises(Denied, match=rf"system call {name} \({number}\), which armexec doesn't have") as error:
        Guest().call(number)
    assert isinstance(error.value, Error)


def folder(path: Path) -> Path:
    """A folder with a file, another folder, and links that stay in it and that leave it; a secret beside it."""
    (path / "given" / "inner").mkdir(parents=True)
    (path / "secret").write_bytes(b"secret")
    given = path / "given"
    (given / "file").write_bytes(b"content")
    (given / "inner" / "deep").write_bytes(b"deep")
    (given / "inner" / "up").symlink_to("../file")
    (given / "out").symlink_to("../secret")
    (given / "far").symlink_to("inner/../../secret")
    (given / "absolute").symlink_to(path / "secret")
    (given / "parent").symlink_to("..")
    (given / "circle").symlink_to("circle")
    os.mkfifo(given / "pipe")
    return given


def test_reading_files(tmp_path: Path) -> None:
    guest = Guest(files={"/data": str(folder(tmp_path))})
    for path, content in [
        ("/data/file", b"content"),
        ("/data/inner/up", b"content"),
        ("//data/./inner/../file", b"content"),
    ]:
        fd = guest.open(path)
        assert fd == 3
        assert guest.call(READ, fd, DATA + 0x1000, 100) == len(content)
        assert guest.memory.read(DATA + 0x1000, len(content)) == content
        assert guest.call(LSEEK, fd, -3 & (1 << 64) - 1, 2) == 4
        assert guest.call(67, fd, DATA, 2, 1) == 2
        assert guest.call(WRITE, fd, DATA, 1) == -9
        assert guest.call(FSTAT, fd, DATA) == 0
        assert struct.unpack("<Q", guest.memory.read(DATA + 48, 8)) == (7,)
        assert guest.call(CLOSE, fd) == 0
    at = guest.path("/data/inner/deep")
    assert guest.call(FSTATAT, AT_FDCWD, at, DATA + 0x1000, 0) == 0
    assert guest.call(FSTATAT, AT_FDCWD, guest.path("/data/gone"), DATA + 0x1000, 0) == -2
    assert guest.open("/data/gone/more") == -2
    assert guest.open("/data/file/more") == -20
    assert guest.open("/data/circle") == -40
    assert guest.open("/data/pipe") == -13
    inner = guest.open("/data/inner")
    assert guest.call(READ, inner, DATA, 1) == -21
    assert guest.call(OPENAT, inner, guest.path("deep"), 0, 0) == 4
    guest.system.close()


@pytest.mark.parametrize(
    "path",
    ["/data/../secret", "/data/out", "/data/far", "/data/absolute", "/data/parent/secret", "/data/inner/../../x"],
)
@pytest.mark.parametrize("suffix", ["", ":rw"])
def test_nothing_leads_out_of_a_folder(path: str, suffix: str, tmp_path: Path) -> None:
    guest = Guest(files={"/data": f"{folder(tmp_path)}{suffix}"})
    with pytest.raises(Denied, match=f"wants the file {path}, which leads out of the folder /data"):
        guest.open(path, 0o101 if suffix else 0)
    assert (tmp_path / "secret").read_bytes() == b"secret"


def test_folders_are_read_only_unless_said(tmp_path: Path) -> None:
    given = folder(tmp_path)
    guest = Guest(files={"/data": str(given)})
    for flags in (1, 2, 0o100, 0o1000):
        assert guest.open("/data/file", flags) == -30
    assert guest.call(35, AT_FDCWD, guest.path("/data/file"), 0) == -30
    assert guest.call(34, AT_FDCWD, guest.path("/data/new"), 0o777) == -30
    guest = Guest(files={"/data": f"{given}:rw"})
    fd = guest.open("/data/new", 0o101)
    guest.memory.write(DATA, b"written")
    assert guest.call(WRITE, fd, DATA, 7) == 7
    assert guest.call(46, fd, 4) == 0
    assert guest.call(CLOSE, fd) == 0
    assert (given / "new").read_bytes() == b"writ"
    assert guest.call(35, AT_FDCWD, guest.path("/data/out"), 0) == 0  # the link, not what it leads to
    assert (tmp_path / "secret").exists()
    assert guest.call(34, AT_FDCWD, guest.path("/data/made"), 0o777) == 0
    assert (given / "made").is_dir()


def test_folders_are_listed(tmp_path: Path) -> None:
    guest = Guest(files={"/": str(folder(tmp_path))})
    fd = guest.open("/", 0o40000)
    names = []
    while size := guest.call(61, fd, DATA, 100):
        listed = guest.memory.read(DATA, size)
        while listed:
            (length,) = struct.unpack_from("<H", listed, 16)
            names.append(listed[19:length].partition(b"\0")[0].decode())
            listed = listed[length:]
    assert sorted(names) == sorted([".", "..", *os.listdir(tmp_path / "given")])
    guest.system.close()


def test_folders_that_are_none(tmp_path: Path) -> None:
    for files, message in [
        ({"data": str(tmp_path)}, "no absolute path"),
        ({"/a/../b": str(tmp_path)}, "no absolute path"),
        ({"/data": str(tmp_path / "gone")}, "is no folder"),
    ]:
        with pytest.raises(LoadError, match=message):
            Guest(files=files)
    with pytest.raises(Denied, match=r"the program wants the file /etc/passwd, and no folder was given for it"):
        Guest().open("/etc/passwd")
    assert Guest().open("/etc/localtime") == -2  # what the C library asks for by itself


def test_any_arguments(tmp_path: Path) -> None:
    """Whatever a program passes, a call returns a number, or raises what the table says."""
    generator = random.Random(1)
    values = [0, 1, 2, 3, 4, 5, 100, DATA, DATA + 0xFFF, DATA + 0x3FFF, 0x999000, AT_FDCWD, 4096, 0x22, 0o101, 0o40000]
    values += [1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 4096, (1 << 64) - 1]
    sleeping = {98, 101, 115}
    numbers = [number for number in [*range(300)] if number not in sleeping]
    outcomes = set()
    for _ in range(100):
        guest = Guest(files={"/data": f"{tmp_path}:rw"}, input=b"some input")
        guest.memory.write(DATA, b"/data/a\0" + generator.randbytes(100))
        for _ in range(60):
            number = generator.choice([generator.choice(numbers), OPENAT, READ, MMAP, FSTATAT])
            try:
                value = guest.call(number, *(generator.choice(values) for _ in range(6)))
                outcomes.add(number)
                assert -4096 < value < 1 << 47
            except (Denied, ProgramExit):
                pass
        guest.system.close()
    assert len(outcomes) > 40


def test_signals_are_read_before_it_is_said_what_to_do_with_them() -> None:
    system = SystemCalls(Memory())
    errors = {name: (1 << 64) - number for name, number in (("EFAULT", 14), ("EINVAL", 22))}
    assert system.call(135, (~0 & MASK, DATA, 0, 8, 0, 0)) == errors["EINVAL"]
    assert system.call(135, (~0 & MASK, 0x500_0000, 0, 8, 0, 0)) == errors["EFAULT"]
    assert system.call(135, (2, DATA, DATA + 8, 8, 0, 0)) == 0
    assert system.call(135, (~0 & MASK, 0, DATA, 8, 0, 0)) == 0
