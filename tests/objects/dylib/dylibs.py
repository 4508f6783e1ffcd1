"""Dynamic libraries to load, by the linker of the ziglang package; and the same with chained fixups."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

from armexec.objects.dylib.fixups import Bind, Fixup, Rebase
from armexec.objects.dylib.read import read_dylib

from ..helpers import ZIG

SOURCE = """
extern int given(int), optional(int) __attribute__((weak_import));
extern int variable, table_of_others[4];
extern unsigned long strlen(const char *);
extern void not_there(void);
int counter = 5;
static int started;
int zeroed[1000];
static const char *names[] = {"zero", "one", "two"};
static int twice(int x) { return 2 * x; }
int (*const functions[])(int) = {twice, given};
int *third = &table_of_others[2], *own = &zeroed[7];
__attribute__((constructor)) static void start(void) { started += 42; }
__attribute__((constructor)) static void start_again(void) { started *= 2; }
int has_started(void) { return started; }
int add(int a, int b) { counter++; return a + b + counter; }
int calls(int x) { return given(x) + variable; }
int through(int i, int x) { return functions[i](x); }
int calls_not_there(int x) { not_there(); return x; }
int calls_optional(int x) { return &optional ? optional(x) : -x; }
const char *name(int i) { return names[i]; }
unsigned long length(const char *text) { return strlen(text); }
int reads_third(void) { return *third; }
long own_distance(void) { return own - zeroed; }
int sets(int i, int x) { zeroed[i] += x; return zeroed[i]; }
"""
_INFO, _CHAINED, _UNUSED = 0x80000022, 0x80000034, 0x80000077


def dylib(folder: Path, source: str = SOURCE, *flags: str, suffix: str = ".c", target: str = "aarch64-macos") -> Path:
    """The path of a library of C source, without libSystem; what is undefined may be anywhere."""
    (folder / f"l{suffix}").write_text(source)
    command = [ZIG, "cc", "-target", target, "-shared", "-O1", "-g", "-w", "-fno-sanitize=all", "-fno-builtin"]
    command += ["-Wl,-undefined,dynamic_lookup", f"l{suffix}", "-o", "libl.dylib", *flags]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "libl.dylib"


def with_chained_fixups(
    data: bytes, pointers: int = 6, imports: int = 1, *, compressed: bool = False, page: int = 0x4000
) -> bytes:
    """The same library with chained fixups instead of opcodes.

    `pointers` is the format of pointers: 2 for addresses in the file, 6 for offsets. `imports` is that of imports, with
    addends from 2 on.
    """
    library = read_dylib(data, "l.dylib")
    out = bytearray(data)
    binds = [f for f in library.fixups if isinstance(f, Bind)]
    keys = list(dict.fromkeys((b.name, b.ordinal, b.weak, b.addend if imports > 1 else 0) for b in binds))
    fixups = sorted(library.fixups, key=lambda f: f.address)
    segments = _commands(data)
    starts, offsets = b"", []
    for address, size, offset in segments:
        inside = [f for f in fixups if address <= f.address < address + size]
        if not inside:
            offsets.append(0)
            continue
        offsets.append(4 + 4 * len(segments) + len(starts))
        count = -(-size // page)
        firsts = [0xFFFF] * count
        for f, following in zip(inside, [*inside[1:], None], strict=True):
            at = f.address - address
            if firsts[at // page] == 0xFFFF:
                firsts[at // page] = at % page
            near = following is not None and (following.address - address) // page == at // page
            step = (following.address - f.address) // 4 if near and following is not None else 0
            word = _word(f, step, keys, library.base if pointers == 6 else 0, imports > 1)
            out[offset + at : offset + at + 8] = word.to_bytes(8, "little")
        head = struct.pack("<IHHQIH", 22 + 2 * count, page, pointers, address - library.base, 0, count)
        starts += (head + struct.pack(f"<{count}H", *firsts)).ljust(-(-(22 + 2 * count) // 8) * 8, b"\0")
    starts = struct.pack(f"<I{len(segments)}I", len(segments), *offsets) + starts
    names, table = bytearray(b"\0"), b""
    for name, ordinal, weak, addend in keys:
        if imports == 3:
            table += struct.pack("<Qq", ordinal & 0xFFFF | weak << 16 | len(names) << 32, addend)
        else:
            table += struct.pack("<I", ordinal & 0xFF | weak << 8 | len(names) << 9)
            table += struct.pack("<i", addend) if imports == 2 else b""
        names += name.encode() + b"\0"
    text = zlib.compress(bytes(names)) if compressed else bytes(names)
    at = 32 + len(starts)
    head = struct.pack("<7I4x", 0, 32, at, at + len(table), len(keys), imports, int(compressed))
    content = head + starts + table + text
    command = struct.pack("<4I", _CHAINED, 16, len(out), len(content)) + struct.pack("<II", _UNUSED, 32) + bytes(24)
    where = data.index(struct.pack("<II", _INFO, 48))
    out[where : where + 48] = command
    return bytes(out + content)


def _word(f: Fixup, step: int, keys: list[tuple[str, int, bool, int]], base: int, has_addends: bool) -> int:
    if isinstance(f, Rebase):
        return f.target - base | step << 51
    number = keys.index((f.name, f.ordinal, f.weak, f.addend if has_addends else 0))
    return number | (0 if has_addends else f.addend) << 24 | step << 51 | 1 << 63


def _commands(data: bytes) -> list[tuple[int, int, int]]:
    """The address, the size and the place in the file of each segment."""
    at, found = 32, []
    for _ in range(struct.unpack_from("<I", data, 16)[0]):
        command, length = struct.unpack_from("<II", data, at)
        if command == 0x19:
            address, size, offset = struct.unpack_from("<QQQ", data, at + 24)
            found.append((address, size, offset))
        at += length
    return found
